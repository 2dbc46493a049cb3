//! VXLAN, GRE and IPIP tunnels.

use std::net::IpAddr;

/// What is special about a VXLAN tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Vxlan {
    /// Place among the tunnels, which is the order of dumps.
    pub instance: u32,
    /// Number in its name.
    pub user_instance: u32,
    pub src: IpAddr,
    pub dst: IpAddr,
    pub src_port: u16,
    pub dst_port: u16,
    pub vni: u32,
    /// Table that the outer packet is routed by.
    pub table_id: u32,
    /// Where packets to a multicast group go.
    pub mcast_sw_if_index: u32,
    pub decap_next: u32,
    pub is_l3: bool,
}

impl Vxlan {
    /// What two tunnels cannot have in common. The source does not count for IPv6, nor where the destination is a
    /// multicast group.
    pub(crate) fn key(&self) -> (Option<IpAddr>, IpAddr, u16, u32, u32) {
        let src = Some(self.src).filter(|src| src.is_ipv4() && !self.dst.is_multicast());
        // 24 bits are on the wire, and in the key.
        (src, self.dst, self.src_port, self.table_id, self.vni & 0x00ff_ffff)
    }
}

/// Protocols of [`Tunnel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// GRE, with its payload: 0 is IP, 1 Ethernet, 2 ERSPAN.
    Gre(u32),
    /// IP in IP.
    Ipip,
}

/// What is special about a GRE or an IPIP tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tunnel {
    pub protocol: Protocol,
    /// Place among the tunnels of its protocol, which is the order of dumps.
    pub instance: u32,
    /// Number in its name.
    pub user_instance: u32,
    pub src: IpAddr,
    pub dst: IpAddr,
    /// Table that the outer packet is routed by.
    pub table_id: u32,
    /// Point to multipoint.
    pub multipoint: bool,
    pub flags: u32,
    /// ERSPAN session. Other tunnels show none, but are told apart by it too.
    pub session_id: u16,
    pub key: u32,
    pub dscp: u32,
}

impl Tunnel {
    /// Two tunnels that VPP cannot tell apart.
    pub(crate) fn same_ends(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.src == other.src
            && self.dst == other.dst
            && self.table_id == other.table_id
            && self.multipoint == other.multipoint
            && self.session_id == other.session_id
            && self.key == other.key
    }

    /// Bytes that it puts before a packet.
    pub(crate) fn overhead(&self) -> u32 {
        let gre = if matches!(self.protocol, Protocol::Gre(_)) { 4 } else { 0 };
        gre + if self.src.is_ipv6() { 40 } else { 20 }
    }
}
