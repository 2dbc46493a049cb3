//! What calls take and give. Nothing here knows a release.

use std::net::IpAddr;

use ipnet::IpNet;

/// A MAC address.
pub type Mac = [u8; 6];

/// `sw_if_index` of no interface.
pub const NO_INTERFACE: u32 = u32::MAX;

/// What VPP tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `vpe` or `vpp`.
    pub program: String,
    /// `23.06-release`.
    pub version: String,
    /// In its own words.
    pub build_date: String,
}

/// An interface as VPP has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    /// VPP's number for it.
    pub sw_if_index: u32,
    /// The number of the interface below, its own when there is none.
    pub sup_sw_if_index: u32,
    /// VPP's name: `loop0`.
    pub internal_name: String,
    /// What kind of device VPP says it is; empty up to 19.08, which do not tell.
    pub device: String,
    /// Text that was attached to it; the agent's name for it.
    pub tag: String,
    /// Set up by configuration.
    pub admin_up: bool,
    /// Up.
    pub link_up: bool,
    /// All zero when it has none.
    pub mac: Mac,
    /// MTU of the link in bytes.
    pub link_mtu: u16,
    /// MTU for IP packets in bytes; 0 when it follows the link.
    pub mtu: u32,
    /// Addresses in the order in which VPP tells them.
    pub addresses: Vec<IpNet>,
}

/// How to make a TAP interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tap {
    /// Number in its VPP name; any free one when there is none.
    pub id: Option<u32>,
    /// MAC; a random one when there is none.
    pub mac: Option<Mac>,
    /// Name of the other end in Linux, up to 15 bytes; VPP chooses when there is none.
    pub host_name: Option<String>,
    /// Slots, a power of two; 256 when zero.
    pub rx_ring: u16,
    /// Slots, a power of two; 256 when zero.
    pub tx_ring: u16,
    /// Segmentation offload.
    pub gso: bool,
    /// IP packets instead of Ethernet frames.
    pub tun: bool,
}

/// A TAP interface as VPP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapDetails {
    /// VPP's number for the interface.
    pub sw_if_index: u32,
    /// Number in its VPP name.
    pub id: u32,
    /// Name of the other end in Linux.
    pub host_name: String,
    /// Slots.
    pub rx_ring: u16,
    /// Slots.
    pub tx_ring: u16,
    /// Segmentation offload; always false up to 18.10, which does not tell.
    pub gso: bool,
    /// IP packets instead of Ethernet frames.
    pub tun: bool,
}

/// A bridge domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeDomain {
    /// VPP's number for it.
    pub id: u32,
    /// Text that was attached to it; the agent's name for it.
    pub tag: String,
    /// Floods broadcasts.
    pub flood: bool,
    /// Floods frames to unknown addresses.
    pub unknown_unicast_flood: bool,
    /// Forwards.
    pub forward: bool,
    /// Learns addresses.
    pub learn: bool,
    /// Answers ARP itself.
    pub arp_termination: bool,
    /// Minutes until a learned address is forgotten; 0 never.
    pub mac_age: u8,
}

/// An interface in a bridge domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// The interface.
    pub sw_if_index: u32,
    /// It is the way to the router above the bridge.
    pub bvi: bool,
    /// Frames do not go between interfaces of the same group; 0 is no group.
    pub split_horizon_group: u8,
}

/// A bridge domain with its ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeDomainDetails {
    /// The bridge domain.
    pub bridge_domain: BridgeDomain,
    /// Its ports.
    pub ports: Vec<Port>,
}

/// An address in a bridge domain's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FibEntry {
    /// The bridge domain.
    pub bd_id: u32,
    /// The address.
    pub mac: Mac,
    /// Where frames to it go; [`NO_INTERFACE`] with `drop`.
    pub sw_if_index: u32,
    /// It does not move.
    pub fixed: bool,
    /// Frames to it are dropped.
    pub drop: bool,
    /// It is the address of the bridge's own interface.
    pub bvi: bool,
}

/// What happens to packets on a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathKind {
    /// They go to the next hop.
    #[default]
    Normal,
    /// They are dropped.
    Drop,
    /// They are for this host.
    Local,
    /// Something else, by VPP's number (`fib_path_type`; 255 where elder releases tell it in flags).
    Other(u32),
}

/// One way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutePath {
    /// What happens.
    pub kind: PathKind,
    /// The interface; [`NO_INTERFACE`] when the next hop decides.
    pub sw_if_index: u32,
    /// The table in which the next hop is looked up.
    pub table: u32,
    /// The next hop, if there is one.
    pub next_hop: Option<IpAddr>,
    /// Share of the traffic among paths of one preference.
    pub weight: u8,
    /// Lower is better.
    pub preference: u8,
}

impl Default for RoutePath {
    fn default() -> Self {
        Self {
            kind: PathKind::Normal,
            sw_if_index: NO_INTERFACE,
            table: 0,
            next_hop: None,
            weight: 1,
            preference: 0,
        }
    }
}

/// A route with all its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The table that has it.
    pub table: u32,
    /// The destination.
    pub prefix: IpNet,
    /// The ways there.
    pub paths: Vec<RoutePath>,
}

/// What to do with the paths that a route has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// They go: the route has the given paths afterwards.
    Replace,
    /// They stay beside the given ones. A path through an interface that is gone kills some VPPs when another one
    /// is added beside it; [`Paths::Replace`] does not.
    Add,
}

/// A routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its number.
    pub id: u32,
    /// It is for IPv6.
    pub ipv6: bool,
    /// Its name.
    pub name: String,
}
