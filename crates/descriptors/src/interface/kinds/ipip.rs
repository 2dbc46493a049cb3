//! Tunnels of IP in IP. The VRF of the interface is also the one in which the other end is looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kvscheduler::{Dependency, Failure};
use models::keys;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::{Interface, IpipLink, ipip_link};
use vppcalls::NewInterface;
use vppcalls::types::Ipip;

use super::{Kind, address, same_address};
use crate::vpp::Vpp;

pub(super) const KIND: Kind = Kind { new, same, needs, invalid: super::anything };

fn new(value: &Interface, _: &Vpp) -> Result<NewInterface, Failure> {
    let link = link(value);
    let src = address("ipip.src_addr", &link.src_addr)?;
    let multipoint = link.tunnel_mode() == ipip_link::Mode::PointToMultipoint;
    let dst = match (multipoint, src) {
        (false, _) => address("ipip.dst_addr", &link.dst_addr)?,
        (true, IpAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
        (true, IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
    };
    Ok(NewInterface::Ipip(Ipip { table: value.vrf, multipoint, ..Ipip::between(src, dst) }))
}

fn same(old: &Interface, new: &Interface) -> bool {
    let (a, b) = (link(old), link(new));
    let many = b.tunnel_mode() == ipip_link::Mode::PointToMultipoint;
    a.tunnel_mode == b.tunnel_mode
        && same_address(&a.src_addr, &b.src_addr)
        && (many || same_address(&a.dst_addr, &b.dst_addr))
        && old.vrf == new.vrf
}

fn needs(value: &Interface) -> Vec<Dependency> {
    let ipv6 = link(value).src_addr.contains(':');
    let key = keys::vrf_table(value.vrf, ipv6);
    let needed = (value.vrf != 0).then(|| Dependency::key("vrf-table-for-ipip-exists", key));
    needed.into_iter().collect()
}

fn link(value: &Interface) -> IpipLink {
    match &value.link {
        Some(Link::Ipip(tunnel)) => tunnel.clone(),
        _ => IpipLink::default(),
    }
}

pub(super) fn told(tunnel: &Ipip) -> IpipLink {
    let mode = match tunnel.multipoint {
        true => ipip_link::Mode::PointToMultipoint,
        false => ipip_link::Mode::PointToPoint,
    };
    IpipLink {
        tunnel_mode: mode.into(),
        src_addr: tunnel.src.to_string(),
        dst_addr: if tunnel.multipoint { String::new() } else { tunnel.dst.to_string() },
    }
}
