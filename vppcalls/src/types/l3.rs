//! Routes, tables and neighbours.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{Mac, NO_INTERFACE};

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

/// What the choice among the paths of a route is made by. VPP tells it in no message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowHash {
    /// Source address.
    pub src_ip: bool,
    /// Destination address.
    pub dst_ip: bool,
    /// Source port.
    pub src_port: bool,
    /// Destination port.
    pub dst_port: bool,
    /// Protocol.
    pub protocol: bool,
    /// Source and destination change places.
    pub reverse: bool,
    /// Both directions have the same hash; from 19.01 on.
    pub symmetric: bool,
    /// Flow label of IPv6; from 21.06 on.
    pub flow_label: bool,
    /// Tunnel of GTP; from 23.06 on.
    pub gtp_teid: bool,
}

impl FlowHash {
    /// What a table has that nobody set another one for.
    pub const DEFAULT: Self = Self {
        src_ip: true,
        dst_ip: true,
        src_port: true,
        dst_port: true,
        protocol: true,
        reverse: false,
        symmetric: false,
        flow_label: false,
        gtp_teid: false,
    };
}

/// A neighbour: an address on a link, and its MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Neighbor {
    /// The interface to it.
    pub sw_if_index: u32,
    /// Its address.
    pub ip: IpAddr,
    /// Its MAC.
    pub mac: Mac,
    /// It was configured, and is not learned anew or forgotten.
    pub fixed: bool,
    /// It makes no route to its address. VPPs up to 19.01 do not tell it.
    pub no_fib_entry: bool,
}

/// Addresses that VPP answers ARP for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProxyArpRange {
    /// The table of the interfaces on which it answers.
    pub table: u32,
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
}

/// Of which family known neighbours are scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpScanMode {
    /// None.
    #[default]
    Disabled,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Both.
    Both,
}

/// How VPP scans for neighbours that are gone; up to 19.08. VPP does not tell it. What is zero is left to VPP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpScan {
    /// Which.
    pub mode: IpScanMode,
    /// Minutes between scans.
    pub interval: u8,
    /// Time of one turn at most, in units of 20 us.
    pub max_time: u8,
    /// Neighbours that are looked at in one turn at most.
    pub max_update: u8,
    /// Milliseconds between turns.
    pub delay: u8,
    /// Minutes after which a neighbour is deleted.
    pub stale: u8,
}

/// How many neighbours VPP keeps, and how long; from 20.01 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborLimits {
    /// Learned neighbours at most; 0 is no limit.
    pub max_number: u32,
    /// Seconds after which a learned neighbour is asked whether it is still there; 0 never.
    pub max_age: u32,
    /// The oldest goes when there are too many; else the new one is not learned.
    pub recycle: bool,
}
