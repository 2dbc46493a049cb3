//! What calls take and give. Nothing here knows a release.

mod interface;
mod l3;
mod tunnel;

use std::net::IpAddr;

pub use interface::*;
pub use l3::*;
pub use tunnel::*;

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

/// A thread of VPP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number, from 0, the main thread.
    pub id: u32,
    /// `vpp_main`, `vpp_wk_0`.
    pub name: String,
    /// `workers`; empty for the main thread.
    pub kind: String,
    /// Linux's number for it.
    pub pid: u32,
    /// The CPU that it runs on.
    pub cpu_id: u32,
    /// The core of that CPU.
    pub core: u32,
    /// The socket of that core.
    pub cpu_socket: u32,
}

/// A plugin that VPP has loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plugin {
    /// Its API module (`memif`), or its file (`memif_plugin.so`) with [`PluginSource::CommandLine`].
    pub name: String,
    /// How it is known.
    pub source: PluginSource,
}

/// How a plugin is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginSource {
    /// Its messages are in VPP's table.
    Messages,
    /// VPP's command line lists it.
    CommandLine,
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
    /// What ARP asks for at a known address goes there alone and is not flooded. Up to 19.04 VPP cannot.
    pub arp_unicast_forward: bool,
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

/// An address that a bridge domain answers ARP and neighbour solicitations for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArpTermination {
    /// The bridge domain.
    pub bd_id: u32,
    /// The address asked for.
    pub ip: IpAddr,
    /// The MAC that is the answer.
    pub mac: Mac,
}

/// What comes in through one interface goes out through another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xconnect {
    /// Where it comes in.
    pub rx: u32,
    /// Where it goes out.
    pub tx: u32,
}
