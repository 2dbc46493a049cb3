//! Keys of derived values, properties and notifications, and of published state ([`status`]).
//!
//! They have no `config/` before them. Those of derived values, properties and notifications are never in a store:
//! [`PropertyKey`] are those of VPP interfaces, bonds and bridge domains, [`DerivedKey`] all others. Names of interfaces may contain `/`, so parsing looks
//! for the marker words of a form, from the end where the text after them has a form of its own, and never counts
//! slashes.
//!
//! ```
//! use models::keys::{self, PropertyKey};
//!
//! let key = keys::bd_interface("bd1", "GigabitEthernet0/8/0");
//! assert_eq!(key, "vpp/bd/bd1/interface/GigabitEthernet0/8/0");
//! assert_eq!(
//!     PropertyKey::parse(&key),
//!     Some(PropertyKey::BdInterface { bridge_domain: "bd1", interface: "GigabitEthernet0/8/0" })
//! );
//! ```

use std::fmt;

mod derived;
pub mod status;

pub use derived::{DerivedKey, Direction};

use crate::message::ModelMessage;
use crate::net::{INVALID, is_alloc_ref, parse_cidr};
use crate::path;
use crate::proto::ligato::vpp::{interfaces, l2};

const INTERFACE: &str = "vpp/interface/";
const BRIDGE_DOMAIN: &str = "vpp/bd/";
const BOND: &str = "vpp/bond/";
const HAS_IP_ADDRESS: &str = "/has-IP-address";
const RX_MODES: &str = "/rx-modes";
const RX_PLACEMENT: &str = "/rx-placement/queue/";
const ADMIN_UP: &str = "/admin-up";
const VLAN_REWRITE: &str = "/vlan-rewrite";
const LINK_STATE: &str = "/link-state/";
const ADDRESS: &str = "/address/";
const VRF: &str = "/vrf/";
const IP_VERSION: &str = "/ip-version/";
const VRF_FROM: &str = "/vrf/from-interface/";
const PORT: &str = "/interface/";
const UNNUMBERED: &str = "vpp/interface/unnumbered/";
const IP6ND: &str = "vpp/interface/ip6nd/";
const DHCP_CLIENT: &str = "vpp/interface/dhcp-client/";
const DHCP_LEASE: &str = "vpp/interface/dhcp-lease/";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in keys.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// From the word in keys.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Where an address of an interface comes from.
    AddressSource {
        /// Stated in the configuration.
        Static = "static",
        /// Leased by DHCP.
        FromDhcp = "from_dhcp",
        /// A reference to an allocated address.
        AllocRef = "alloc_ref",
        /// Found on an interface that is not ours.
        Existing = "existing",
    }
}

words! {
    /// Families of the addresses of an interface, which decide in which tables of a VRF it has to be.
    IpVersion {
        /// IPv4 only.
        V4 = "v4",
        /// IPv6 only.
        V6 = "v6",
        /// Both.
        Both = "both",
    }
}

words! {
    /// State of a link.
    LinkState {
        /// The link is up.
        Up = "UP",
        /// The link is down.
        Down = "DOWN",
    }
}

/// A key of a derived value, a property or a notification, in its parts.
///
/// `Display` writes the key; [`PropertyKey::parse`] reads it. Empty names are written `<invalid>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PropertyKey<'a> {
    /// `vpp/interface/<if>/address/<source>/<address>`: an address of an interface.
    InterfaceAddress {
        /// Name of the interface.
        interface: &'a str,
        /// Where the address comes from.
        source: AddressSource,
        /// Address with prefix length, an `alloc:` reference, or `<invalid>`.
        address: &'a str,
    },
    /// `vpp/interface/<if>/vrf/<id>/ip-version/<v4|v6|both>`: the VRF that an interface is in.
    InterfaceVrf {
        /// Name of the interface.
        interface: &'a str,
        /// Number of the VRF.
        vrf: u32,
        /// Families.
        version: IpVersion,
    },
    /// `vpp/interface/<if>/vrf/from-interface/<if2>`: an unnumbered interface is in the VRF of another.
    InheritedVrf {
        /// Name of the unnumbered interface.
        interface: &'a str,
        /// Name of the interface with the address.
        from: &'a str,
    },
    /// `vpp/interface/<if>/has-IP-address`: there when the interface has an address.
    HasIpAddress {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/<if>/admin-up`: the interface is set up. A sub-interface cannot be while its parent is not.
    AdminUp {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/<if>/vlan-rewrite`: what happens to the VLAN tags of a sub-interface that is bridged.
    VlanRewrite {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/<if>/link-state/<UP|DOWN>`: state of the link, reported by VPP.
    LinkState {
        /// Name of the interface.
        interface: &'a str,
        /// State.
        state: LinkState,
    },
    /// `vpp/interface/<if>/rx-modes`
    RxModes {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/<if>/rx-placement/queue/<queue>`
    RxPlacement {
        /// Name of the interface.
        interface: &'a str,
        /// Number of the receive queue.
        queue: u32,
    },
    /// `vpp/interface/unnumbered/<if>`: the interface borrows an address.
    Unnumbered {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/ip6nd/<if>`
    Ip6nd {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/dhcp-client/<if>`: the DHCP client is on.
    DhcpClient {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/interface/dhcp-lease/<if>`: what the DHCP client has got.
    DhcpLease {
        /// Name of the interface.
        interface: &'a str,
    },
    /// `vpp/bond/<bond>/interface/<if>/`: a member of a bond. The slash at the end belongs to it.
    BondedInterface {
        /// Name of the bond interface.
        bond: &'a str,
        /// Name of the member.
        interface: &'a str,
    },
    /// `vpp/bd/<bd>/interface/<if>`: a port of a bridge domain.
    BdInterface {
        /// Name of the bridge domain; it ends at the first `/interface/`.
        bridge_domain: &'a str,
        /// Name of the interface.
        interface: &'a str,
    },
}

impl fmt::Display for PropertyKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = |name: &str| -> String { if name.is_empty() { INVALID.to_owned() } else { name.to_owned() } };
        match *self {
            Self::InterfaceAddress { interface, source, address } => {
                write!(f, "{INTERFACE}{}{ADDRESS}{source}/{}", n(interface), n(address))
            }
            Self::InterfaceVrf { interface, vrf, version } => {
                write!(f, "{INTERFACE}{}{VRF}{vrf}{IP_VERSION}{version}", n(interface))
            }
            Self::InheritedVrf { interface, from } => {
                write!(f, "{INTERFACE}{}{VRF_FROM}{}", n(interface), n(from))
            }
            Self::HasIpAddress { interface } => write!(f, "{INTERFACE}{}{HAS_IP_ADDRESS}", n(interface)),
            Self::AdminUp { interface } => write!(f, "{INTERFACE}{}{ADMIN_UP}", n(interface)),
            Self::VlanRewrite { interface } => write!(f, "{INTERFACE}{}{VLAN_REWRITE}", n(interface)),
            Self::LinkState { interface, state } => {
                write!(f, "{INTERFACE}{}{LINK_STATE}{state}", n(interface))
            }
            Self::RxModes { interface } => write!(f, "{INTERFACE}{}{RX_MODES}", n(interface)),
            Self::RxPlacement { interface, queue } => {
                write!(f, "{INTERFACE}{}{RX_PLACEMENT}{queue}", n(interface))
            }
            Self::Unnumbered { interface } => write!(f, "{UNNUMBERED}{}", n(interface)),
            Self::Ip6nd { interface } => write!(f, "{IP6ND}{}", n(interface)),
            Self::DhcpClient { interface } => write!(f, "{DHCP_CLIENT}{}", n(interface)),
            Self::DhcpLease { interface } => write!(f, "{DHCP_LEASE}{}", n(interface)),
            Self::BondedInterface { bond, interface } => {
                write!(f, "{BOND}{}{PORT}{}/", n(bond), n(interface))
            }
            Self::BdInterface { bridge_domain, interface } => {
                write!(f, "{BRIDGE_DOMAIN}{}{PORT}{}", n(bridge_domain), n(interface))
            }
        }
    }
}

impl<'a> PropertyKey<'a> {
    /// Reads a key; `None` if it has none of the forms.
    ///
    /// Forms with marker words after the name are tried before those with the marker before it, so that an interface
    /// called `unnumbered/x` keeps its addresses.
    pub fn parse(key: &'a str) -> Option<Self> {
        if let Some(rest) = key.strip_prefix(BRIDGE_DOMAIN) {
            let (bridge_domain, interface) = split_names(rest, PORT)?;
            return Some(Self::BdInterface { bridge_domain, interface });
        }
        if let Some(rest) = key.strip_prefix(BOND) {
            let (bond, interface) = split_names(rest.strip_suffix('/')?, PORT)?;
            return Some(Self::BondedInterface { bond, interface });
        }
        let rest = key.strip_prefix(INTERFACE)?;
        Self::parse_suffixed(rest).or_else(|| {
            let named = |prefix| key.strip_prefix(prefix).filter(|name: &&str| !name.is_empty());
            named(UNNUMBERED)
                .map(|interface| Self::Unnumbered { interface })
                .or_else(|| named(IP6ND).map(|interface| Self::Ip6nd { interface }))
                .or_else(|| named(DHCP_CLIENT).map(|interface| Self::DhcpClient { interface }))
                .or_else(|| named(DHCP_LEASE).map(|interface| Self::DhcpLease { interface }))
        })
    }

    /// Forms in which the name is followed by something.
    fn parse_suffixed(rest: &'a str) -> Option<Self> {
        let name = |interface: &'a str| Some(interface).filter(|name| !name.is_empty());
        if let Some(interface) = rest.strip_suffix(HAS_IP_ADDRESS).and_then(name) {
            return Some(Self::HasIpAddress { interface });
        }
        if let Some(interface) = rest.strip_suffix(RX_MODES).and_then(name) {
            return Some(Self::RxModes { interface });
        }
        if let Some(interface) = rest.strip_suffix(ADMIN_UP).and_then(name) {
            return Some(Self::AdminUp { interface });
        }
        if let Some(interface) = rest.strip_suffix(VLAN_REWRITE).and_then(name) {
            return Some(Self::VlanRewrite { interface });
        }
        if let Some((interface, state)) = rest.rsplit_once(LINK_STATE)
            && let (Some(interface), Some(state)) = (name(interface), LinkState::parse(state))
        {
            return Some(Self::LinkState { interface, state });
        }
        if let Some((interface, queue)) = rest.rsplit_once(RX_PLACEMENT)
            && let (Some(interface), Some(queue)) = (name(interface), number(queue))
        {
            return Some(Self::RxPlacement { interface, queue });
        }
        if let Some((before, version)) = rest.rsplit_once(IP_VERSION)
            && let Some(version) = IpVersion::parse(version)
            && let Some((interface, vrf)) = before.rsplit_once(VRF)
            && let (Some(interface), Some(vrf)) = (name(interface), number(vrf))
        {
            return Some(Self::InterfaceVrf { interface, vrf, version });
        }
        if let Some((interface, tail)) = rest.rsplit_once(ADDRESS)
            && let (Some(interface), Some((source, address))) = (name(interface), tail.split_once('/'))
            && let Some(source) = AddressSource::parse(source)
            && !address.is_empty()
        {
            return Some(Self::InterfaceAddress { interface, source, address });
        }
        let (interface, from) = split_names(rest, VRF_FROM)?;
        Some(Self::InheritedVrf { interface, from })
    }
}

/// Two names around the first `marker`.
fn split_names<'a>(text: &'a str, marker: &str) -> Option<(&'a str, &'a str)> {
    text.split_once(marker).filter(|(first, second)| !first.is_empty() && !second.is_empty())
}

/// A number as keys have it: no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Configuration key of an interface: `config/vpp/v2/interfaces/<name>`.
pub fn interface(name: &str) -> String {
    path::join(&interfaces::Interface::SPEC.key_prefix(false), name)
}

/// Configuration key of a bridge domain: `config/vpp/l2/v2/bridge-domain/<name>`.
pub fn bridge_domain(name: &str) -> String {
    path::join(&l2::BridgeDomain::SPEC.key_prefix(false), name)
}

/// Configuration key of a VRF table: `config/vpp/v2/vrf-table/id/<id>/protocol/<IPV4|IPV6>`.
pub fn vrf_table(id: u32, ipv6: bool) -> String {
    format!("config/vpp/v2/vrf-table/id/{id}/protocol/{}", if ipv6 { "IPV6" } else { "IPV4" })
}

/// What the address keys of an interface begin with, for a dependency on any of them.
pub fn interface_address_prefix(interface: &str) -> String {
    format!("{INTERFACE}{interface}{ADDRESS}")
}

/// What the VRF keys of an interface begin with, for a dependency on any of them.
pub fn interface_vrf_prefix(interface: &str) -> String {
    format!("{INTERFACE}{interface}{VRF}")
}

/// Key of an address. The address is written canonically (host bits kept), an `alloc:` reference as it is, anything
/// else as `<invalid>`.
pub fn interface_address(interface: &str, source: AddressSource, address: &str) -> String {
    let address = match parse_cidr(address) {
        _ if is_alloc_ref(address) => address.to_owned(),
        Some(net) => net.to_string(),
        None => INVALID.to_owned(),
    };
    PropertyKey::InterfaceAddress { interface, source, address: &address }.to_string()
}

/// Key of the VRF that an interface is in.
pub fn interface_vrf(interface: &str, vrf: u32, version: IpVersion) -> String {
    PropertyKey::InterfaceVrf { interface, vrf, version }.to_string()
}

/// Key of the VRF that an unnumbered interface inherits.
pub fn interface_inherited_vrf(interface: &str, from: &str) -> String {
    PropertyKey::InheritedVrf { interface, from }.to_string()
}

/// Key that is there when the interface has an address.
pub fn has_ip_address(interface: &str) -> String {
    PropertyKey::HasIpAddress { interface }.to_string()
}

/// Key that is there while the interface is set up.
pub fn admin_up(interface: &str) -> String {
    PropertyKey::AdminUp { interface }.to_string()
}

/// Key of what happens to the VLAN tags of a sub-interface.
pub fn vlan_rewrite(interface: &str) -> String {
    PropertyKey::VlanRewrite { interface }.to_string()
}

/// Key of the state of a link.
pub fn link_state(interface: &str, state: LinkState) -> String {
    PropertyKey::LinkState { interface, state }.to_string()
}

/// Key of the receive modes of an interface.
pub fn rx_modes(interface: &str) -> String {
    PropertyKey::RxModes { interface }.to_string()
}

/// Key of the thread that serves a receive queue.
pub fn rx_placement(interface: &str, queue: u32) -> String {
    PropertyKey::RxPlacement { interface, queue }.to_string()
}

/// Key of an unnumbered interface's borrowing.
pub fn unnumbered(interface: &str) -> String {
    PropertyKey::Unnumbered { interface }.to_string()
}

/// Key of an interface's IPv6 neighbour discovery.
pub fn ip6nd(interface: &str) -> String {
    PropertyKey::Ip6nd { interface }.to_string()
}

/// Key of an interface's DHCP client.
pub fn dhcp_client(interface: &str) -> String {
    PropertyKey::DhcpClient { interface }.to_string()
}

/// Key of an interface's DHCP lease.
pub fn dhcp_lease(interface: &str) -> String {
    PropertyKey::DhcpLease { interface }.to_string()
}

/// Key of a member of a bond.
pub fn bonded_interface(bond: &str, interface: &str) -> String {
    PropertyKey::BondedInterface { bond, interface }.to_string()
}

/// Key of a port of a bridge domain.
pub fn bd_interface(bridge_domain: &str, interface: &str) -> String {
    PropertyKey::BdInterface { bridge_domain, interface }.to_string()
}
