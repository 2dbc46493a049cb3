//! DHCP clients.

/// A client; it never gets a lease.
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
}
