//! DHCP clients.

use std::net::Ipv4Addr;

/// A client. It gets a lease from [`crate::Sim::give_lease`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DhcpClient {
    pub sw_if_index: u32,
    pub hostname: String,
    pub id: String,
    pub want_event: bool,
    pub set_broadcast_flag: bool,
    pub dscp: u32,
    pub pid: u32,
    pub lease: Option<Lease>,
}

/// What a server gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Lease {
    pub address: Ipv4Addr,
    pub len: u8,
    pub router: Ipv4Addr,
}
