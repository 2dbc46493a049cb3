//! Keys of what is derived from filters, policies, translation, Linux interfaces and allocations.

use std::fmt;

use super::{AddressSource, LinkState, number, split_names};
use crate::net::INVALID;

const PROXY_ARP: &str = "vpp/proxyarp/interface/";
const ACL: &str = "vpp/acl/";
const ABF: &str = "vpp/abf/";
const SPD: &str = "vpp/spd/";
const PORT: &str = "/interface/";
const NAT_ENDPOINT_DEPENDENT: &str = "vpp/nat44/endpoint-dependent";
const NAT_INTERFACE: &str = "vpp/nat44/interface/";
const NAT_FEATURE: &str = "/feature/";
const NAT_ADDRESS: &str = "vpp/nat44/address/";
const NAT_TWICE: &str = "/twice-nat/";
const NAT_POOL: &str = "vpp/nat44/twiceNAT-pool/vrf/";
const NAT_POOL_ADDRESSES: &str = "/addresses/";
const HOST: &str = "linux/interface/host-name/";
const HOST_ADDRESS: &str = "/address/";
const HOST_VRF: &str = "/vrf-host-name/";
const LINUX_STATE: &str = "linux/interface/state/";
const LINUX: &str = "linux/interface/";
const LINUX_ADDRESS: &str = "/address/";
const LINUX_VRF: &str = "/vrf/";
const LINK_LOCAL: &str = "linux/link-local-route/";
const LINK_LOCAL_DST: &str = "/dest-address/";
const MICROSERVICE: &str = "linux/microservice/";
const NEIGH_GW: &str = "netalloc/neigh-gw/network/";

/// What an ACL filters of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What it receives.
    Ingress,
    /// What it sends.
    Egress,
}

/// A key of a derived value other than those of [`PropertyKey`](super::PropertyKey), in its parts.
///
/// `Display` writes the key; [`DerivedKey::parse`] reads it. Empty names are written `<invalid>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the parts stand in the forms")]
pub enum DerivedKey<'a> {
    /// `vpp/proxyarp/interface/<if>`
    ProxyArpInterface { interface: &'a str },
    /// `vpp/acl/<acl>/interface/<ingress|egress>/<if>`
    AclInterface { acl: &'a str, direction: Direction, interface: &'a str },
    /// `vpp/abf/<index>/interface/<if>`
    AbfInterface { index: u32, interface: &'a str },
    /// `vpp/spd/<index>/interface/<if>`
    SpdInterface { index: u32, interface: &'a str },
    /// `vpp/nat44/endpoint-dependent`
    NatEndpointDependent,
    /// `vpp/nat44/interface/<if>/feature/<in|out>`
    NatInterface { interface: &'a str, inside: bool },
    /// `vpp/nat44/address/<address>/twice-nat/<on|off>`
    NatAddress { address: &'a str, twice_nat: bool },
    /// `vpp/nat44/twiceNAT-pool/vrf/<id>/addresses/<first>[-<last>]`; `last` is empty where there is one address only
    NatTwicePool { vrf: u32, first: &'a str, last: &'a str },
    /// `linux/interface/host-name/<name>`: an interface of the default namespace that is up
    HostInterface { name: &'a str },
    /// `linux/interface/host-name/<name>/address/<address>`
    HostAddress { name: &'a str, address: &'a str },
    /// `linux/interface/host-name/<name>/vrf-host-name/<vrf>`
    HostVrf { name: &'a str, vrf: &'a str },
    /// `linux/interface/state/<if>/<UP|DOWN>`
    LinuxState { interface: &'a str, state: LinkState },
    /// `linux/interface/<if>/address/<source>/<address>`
    LinuxAddress { interface: &'a str, source: AddressSource, address: &'a str },
    /// `linux/interface/<if>/vrf/<vrf>`
    LinuxVrf { interface: &'a str, vrf: &'a str },
    /// `linux/link-local-route/<if>/dest-address/<destination>`
    LinkLocalRoute { interface: &'a str, destination: &'a str },
    /// `linux/microservice/<label>`: a container with that label runs
    Microservice { label: &'a str },
    /// `netalloc/neigh-gw/network/<network>/interface/<if>`: the gateway is in the interface's own network
    NeighbourGateway { network: &'a str, interface: &'a str },
}

impl fmt::Display for DerivedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn n(name: &str) -> &str {
            if name.is_empty() { INVALID } else { name }
        }
        match *self {
            Self::ProxyArpInterface { interface } => write!(f, "{PROXY_ARP}{}", n(interface)),
            Self::AclInterface { acl, direction, interface } => {
                let direction = if direction == Direction::Ingress { "ingress" } else { "egress" };
                write!(f, "{ACL}{}{PORT}{direction}/{}", n(acl), n(interface))
            }
            Self::AbfInterface { index, interface } => write!(f, "{ABF}{index}{PORT}{}", n(interface)),
            Self::SpdInterface { index, interface } => write!(f, "{SPD}{index}{PORT}{}", n(interface)),
            Self::NatEndpointDependent => f.write_str(NAT_ENDPOINT_DEPENDENT),
            Self::NatInterface { interface, inside } => {
                write!(f, "{NAT_INTERFACE}{}{NAT_FEATURE}{}", n(interface), if inside { "in" } else { "out" })
            }
            Self::NatAddress { address, twice_nat } => {
                write!(f, "{NAT_ADDRESS}{}{NAT_TWICE}{}", n(address), if twice_nat { "on" } else { "off" })
            }
            Self::NatTwicePool { vrf, first, last } => {
                write!(f, "{NAT_POOL}{vrf}{NAT_POOL_ADDRESSES}{}", n(first))?;
                if last.is_empty() || last == first { Ok(()) } else { write!(f, "-{last}") }
            }
            Self::HostInterface { name } => write!(f, "{HOST}{}", n(name)),
            Self::HostAddress { name, address } => write!(f, "{HOST}{}{HOST_ADDRESS}{}", n(name), n(address)),
            Self::HostVrf { name, vrf } => write!(f, "{HOST}{}{HOST_VRF}{}", n(name), n(vrf)),
            Self::LinuxState { interface, state } => write!(f, "{LINUX_STATE}{}/{state}", n(interface)),
            Self::LinuxAddress { interface, source, address } => {
                write!(f, "{LINUX}{}{LINUX_ADDRESS}{source}/{}", n(interface), n(address))
            }
            Self::LinuxVrf { interface, vrf } => write!(f, "{LINUX}{}{LINUX_VRF}{}", n(interface), n(vrf)),
            Self::LinkLocalRoute { interface, destination } => {
                write!(f, "{LINK_LOCAL}{}{LINK_LOCAL_DST}{}", n(interface), n(destination))
            }
            Self::Microservice { label } => write!(f, "{MICROSERVICE}{}", n(label)),
            Self::NeighbourGateway { network, interface } => {
                write!(f, "{NEIGH_GW}{}{PORT}{}", n(network), n(interface))
            }
        }
    }
}

impl<'a> DerivedKey<'a> {
    /// Reads a key; `None` if it has none of the forms.
    pub fn parse(key: &'a str) -> Option<Self> {
        let named = |prefix: &str| key.strip_prefix(prefix).filter(|name| !name.is_empty());
        if key == NAT_ENDPOINT_DEPENDENT {
            return Some(Self::NatEndpointDependent);
        }
        if let Some(interface) = named(PROXY_ARP) {
            return Some(Self::ProxyArpInterface { interface });
        }
        if let Some(rest) = named(ACL) {
            return Self::parse_acl(rest);
        }
        if let Some(rest) = named(ABF) {
            let (index, interface) = split_names(rest, PORT)?;
            return Some(Self::AbfInterface { index: number(index)?, interface });
        }
        if let Some(rest) = named(SPD) {
            let (index, interface) = split_names(rest, PORT)?;
            return Some(Self::SpdInterface { index: number(index)?, interface });
        }
        if let Some(label) = named(MICROSERVICE) {
            return Some(Self::Microservice { label });
        }
        if let Some(rest) = named(LINK_LOCAL) {
            let (interface, destination) = split_names(rest, LINK_LOCAL_DST)?;
            return Some(Self::LinkLocalRoute { interface, destination });
        }
        if let Some(rest) = named(NEIGH_GW) {
            let (network, interface) = split_names(rest, PORT)?;
            return Some(Self::NeighbourGateway { network, interface });
        }
        Self::parse_nat(key).or_else(|| Self::parse_linux(key))
    }

    /// The direction, too, marks the end of the list's name.
    fn parse_acl(rest: &'a str) -> Option<Self> {
        let split = |marker, direction| {
            split_names(rest, marker).map(|(acl, interface)| (acl.len(), acl, direction, interface))
        };
        let ingress = split("/interface/ingress/", Direction::Ingress);
        let egress = split("/interface/egress/", Direction::Egress);
        let (_, acl, direction, interface) =
            ingress.into_iter().chain(egress).min_by_key(|(end, ..)| *end)?;
        Some(Self::AclInterface { acl, direction, interface })
    }

    fn parse_nat(key: &'a str) -> Option<Self> {
        if let Some(rest) = key.strip_prefix(NAT_INTERFACE) {
            let (interface, feature) = rest.rsplit_once(NAT_FEATURE).filter(|(name, _)| !name.is_empty())?;
            let inside = one_of(feature, "in", "out")?;
            return Some(Self::NatInterface { interface, inside });
        }
        if let Some(rest) = key.strip_prefix(NAT_ADDRESS) {
            let (address, twice) = rest.rsplit_once(NAT_TWICE).filter(|(name, _)| !name.is_empty())?;
            let twice_nat = one_of(twice, "on", "off")?;
            return Some(Self::NatAddress { address, twice_nat });
        }
        let (vrf, addresses) = split_names(key.strip_prefix(NAT_POOL)?, NAT_POOL_ADDRESSES)?;
        let (first, last) = match addresses.split_once('-') {
            Some((_, "")) | Some(("", _)) => return None,
            Some((first, last)) if first == last => return None,
            Some(both) => both,
            None => (addresses, ""),
        };
        Some(Self::NatTwicePool { vrf: number(vrf)?, first, last })
    }

    fn parse_linux(key: &'a str) -> Option<Self> {
        if let Some(rest) = key.strip_prefix(HOST).filter(|rest| !rest.is_empty()) {
            // Names of interfaces in Linux have no slash.
            return Some(match (split_names(rest, HOST_ADDRESS), split_names(rest, HOST_VRF)) {
                (Some((name, address)), _) => Self::HostAddress { name, address },
                (None, Some((name, vrf))) => Self::HostVrf { name, vrf },
                (None, None) => Self::HostInterface { name: rest },
            });
        }
        if let Some(rest) = key.strip_prefix(LINUX_STATE)
            && let Some((interface, state)) = rest.rsplit_once('/')
            && let (false, Some(state)) = (interface.is_empty(), LinkState::parse(state))
        {
            return Some(Self::LinuxState { interface, state });
        }
        let rest = key.strip_prefix(LINUX)?;
        if let Some((interface, tail)) = rest.rsplit_once(LINUX_ADDRESS)
            && let (false, Some((source, address))) = (interface.is_empty(), tail.split_once('/'))
            && let (Some(source), false) = (AddressSource::parse(source), address.is_empty())
        {
            return Some(Self::LinuxAddress { interface, source, address });
        }
        let (interface, vrf) = split_names(rest, LINUX_VRF)?;
        Some(Self::LinuxVrf { interface, vrf })
    }
}

/// Whether `word` is the first or the second; `None` if it is neither.
fn one_of(word: &str, first: &str, second: &str) -> Option<bool> {
    (word == first).then_some(true).or_else(|| (word == second).then_some(false))
}
