//! VXLAN tunnels. The VRF of the interface is also the one in which the other end is looked up.

use kvscheduler::{Dependency, Failure};
use models::keys;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::{Interface, VxlanLink};
use vppcalls::NewInterface;
use vppcalls::types::{NO_INTERFACE, Vxlan};

use super::{Kind, Told, address, same_address};
use crate::vpp::Vpp;

pub(super) const KIND: Kind = Kind { new, same, needs, invalid: super::anything };

fn new(value: &Interface, vpp: &Vpp) -> Result<NewInterface, Failure> {
    let link = link(value);
    if link.gpe.is_some() {
        return Err(Failure::unimplemented("VXLAN tunnels of the generic protocol extension"));
    }
    let (src, dst) =
        (address("vxlan.src_address", &link.src_address)?, address("vxlan.dst_address", &link.dst_address)?);
    Ok(NewInterface::Vxlan(Vxlan {
        multicast_interface: match link.multicast.as_str() {
            "" => NO_INTERFACE,
            name => vpp.interface(name)?,
        },
        table: value.vrf,
        ..Vxlan::between(src, dst, link.vni)
    }))
}

fn same(old: &Interface, new: &Interface) -> bool {
    let (a, b) = (link(old), link(new));
    same_address(&a.src_address, &b.src_address)
        && same_address(&a.dst_address, &b.dst_address)
        && (a.vni, &a.multicast, &a.gpe) == (b.vni, &b.multicast, &b.gpe)
        && old.vrf == new.vrf
}

fn needs(value: &Interface) -> Vec<Dependency> {
    let link = link(value);
    let mut needs = Vec::new();
    if !link.multicast.is_empty() {
        needs.push(Dependency::key("vxlan-multicast-interface-exists", keys::interface(&link.multicast)));
    }
    if value.vrf != 0 {
        let ipv6 = link.src_address.contains(':');
        needs.push(Dependency::key("vrf-table-for-vxlan-exists", keys::vrf_table(value.vrf, ipv6)));
    }
    needs
}

fn link(value: &Interface) -> VxlanLink {
    match &value.link {
        Some(Link::Vxlan(tunnel)) => tunnel.clone(),
        _ => VxlanLink::default(),
    }
}

pub(super) fn told(tunnel: &Vxlan, told: &Told<'_>) -> VxlanLink {
    VxlanLink {
        src_address: tunnel.src.to_string(),
        dst_address: tunnel.dst.to_string(),
        vni: tunnel.vni,
        multicast: match tunnel.dst.is_multicast() {
            true => told.names.any(tunnel.multicast_interface).unwrap_or_default().to_string(),
            false => String::new(),
        },
        gpe: None,
    }
}
