//! What is particular to the types of interfaces: a row each.

mod af_packet;
pub(super) mod bond;
mod gre;
mod ipip;
mod loopback;
pub(super) mod memif;
pub(super) mod sub;
mod tap;
mod vxlan;

use std::net::IpAddr;

use kvscheduler::{Dependency, Failure};
use models::FieldProblem;
use models::proto::ligato::vpp::interfaces::Interface;
use models::proto::ligato::vpp::interfaces::interface::{Link, Type};
use vppcalls::{Inventory, NewInterface};

use crate::vpp::{Names, Vpp};

/// What is particular to a type.
pub(super) struct Kind {
    /// What VPP is asked for, and what it knows such an interface by when it is to go.
    pub(super) new: fn(&Interface, &Vpp) -> Result<NewInterface, Failure>,
    /// Whether both are the same to VPP in what cannot be changed of an interface that is there.
    pub(super) same: fn(&Interface, &Interface) -> bool,
    /// What has to be there first.
    pub(super) needs: fn(&Interface) -> Vec<Dependency>,
    /// What VPP cannot take of it, beyond the rules of the model.
    pub(super) invalid: fn(&Interface) -> Vec<FieldProblem>,
}

impl Kind {
    /// None where this agent cannot make interfaces of the type.
    pub(super) fn of(kind: Type) -> Option<&'static Self> {
        Some(match kind {
            Type::SoftwareLoopback => &loopback::KIND,
            Type::SubInterface => &sub::KIND,
            Type::Tap => &tap::KIND,
            Type::Memif => &memif::KIND,
            Type::AfPacket => &af_packet::KIND,
            Type::VxlanTunnel => &vxlan::KIND,
            Type::GreTunnel => &gre::KIND,
            Type::IpipTunnel => &ipip::KIND,
            Type::BondInterface => &bond::KIND,
            _ => return None,
        })
    }
}

/// What a read-back of links has to go by.
pub(super) struct Told<'a> {
    /// The names of all interfaces.
    pub(super) names: &'a Names,
    /// Paths of memif sockets by their numbers.
    pub(super) sockets: &'a std::collections::BTreeMap<u32, String>,
    /// What the interface is believed to be, for what VPP does not tell.
    pub(super) believed: Option<&'a Interface>,
}

/// The type of an interface, with its link.
pub(super) fn told(inventory: &Inventory, told: &Told<'_>) -> (Type, Option<Link>) {
    match &inventory.kind {
        vppcalls::Kind::Tap(tap) => (Type::Tap, Some(Link::Tap(tap::told(tap, told)))),
        vppcalls::Kind::Memif(memif) => (Type::Memif, Some(Link::Memif(memif::told(memif, told)))),
        vppcalls::Kind::AfPacket(host) => (Type::AfPacket, Some(Link::Afpacket(af_packet::told(host, told)))),
        vppcalls::Kind::Vxlan(tunnel) => (Type::VxlanTunnel, Some(Link::Vxlan(vxlan::told(tunnel, told)))),
        vppcalls::Kind::Gre(tunnel) => (Type::GreTunnel, Some(Link::Gre(gre::told(tunnel)))),
        vppcalls::Kind::Ipip(tunnel) => (Type::IpipTunnel, Some(Link::Ipip(ipip::told(tunnel)))),
        vppcalls::Kind::Bond(bond) => (Type::BondInterface, Some(Link::Bond(bond::told(bond, told)))),
        vppcalls::Kind::Plain => match &inventory.interface.sub {
            Some(tags) => {
                let rewrite = &inventory.interface.rewrite;
                (Type::SubInterface, Some(Link::Sub(sub::told(tags, rewrite, told))))
            }
            None => (by_name(&inventory.interface.internal_name), None),
        },
    }
}

/// Types of which there is no dump, by the names that VPP gives them.
const NAMES: [(&str, Type); 8] = [
    ("local", Type::SoftwareLoopback),
    ("loop", Type::SoftwareLoopback),
    ("bvi", Type::SoftwareLoopback),
    ("vmxnet3", Type::Vmxnet3Interface),
    ("gtpu", Type::GtpuTunnel),
    ("vxlan_gpe", Type::VxlanTunnel),
    ("ipsec", Type::UndefinedType),
    ("wg", Type::WireguardTunnel),
];

fn by_name(internal_name: &str) -> Type {
    let known = NAMES.iter().find(|(prefix, _)| internal_name.starts_with(prefix));
    known.map_or(Type::Dpdk, |(_, kind)| *kind)
}

/// An address of the other or of this end of a tunnel.
fn address(field: &str, text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| Failure::permanent(format!("{field}: `{text}` is no IP address")))
}

/// Whether both are the same address, however they are spelled.
fn same_address(a: &str, b: &str) -> bool {
    models::net::canonical_ip(a) == models::net::canonical_ip(b)
}

/// The interface stands on nothing else.
fn nothing(_value: &Interface) -> Vec<Dependency> {
    Vec::new()
}

fn anything(_value: &Interface) -> Vec<FieldProblem> {
    Vec::new()
}
