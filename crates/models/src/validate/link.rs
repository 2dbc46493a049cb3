//! Rules of the links of VPP interfaces: what a type of interface has of its own.

// Deprecated links are known and have no rules.
#![allow(deprecated)]

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::services::WIREGUARD_KEY;
use super::{Problems, host_name, tap_version};
use crate::proto::ligato::vpp::interfaces::interface::Link;
use crate::proto::ligato::vpp::interfaces::{
    AfpacketLink, BondLink, GreLink, GtpuLink, IpipLink, MemifLink, RdmaLink, SubInterface, TapLink,
    VxlanLink, WireguardLink, gre_link, ipip_link, vxlan_link,
};

/// Largest ring of a TAP interface: virtio's limit.
const LARGEST_RING: u32 = 32768;

/// Longest secret of a memif: VPP's field.
const LONGEST_SECRET: usize = 24;

/// Largest number of 24 bits.
const LARGEST_VNI: u32 = 0xff_ffff;

/// Checks the link of the interface called `name`.
pub(super) fn check(problems: &mut Problems, name: &str, link: &Link) {
    match link {
        Link::Sub(link) => sub(problems, name, link),
        Link::Memif(link) => memif(problems, link),
        Link::Afpacket(link) => afpacket(problems, link),
        Link::Tap(link) => tap(problems, link),
        Link::Vxlan(link) => vxlan(problems, link),
        Link::Bond(link) => bond(problems, name, link),
        Link::Gre(link) => gre(problems, link),
        Link::Gtpu(link) => gtpu(problems, link),
        Link::Ipip(link) => ipip(problems, link),
        Link::Wireguard(link) => wireguard(problems, link),
        Link::Rdma(link) => rdma(problems, link),
        Link::Ipsec(_) | Link::VmxNet3(_) => {}
    }
}

fn sub(problems: &mut Problems, name: &str, link: &SubInterface) {
    problems.required("sub.parent_name", &link.parent_name);
    if link.parent_name == name && !name.is_empty() {
        problems.add("sub.parent_name", "is the interface itself");
    }
}

fn memif(problems: &mut Problems, link: &MemifLink) {
    if link.secret.len() > LONGEST_SECRET {
        problems.add(
            "memif.secret",
            format!("is {} bytes long; VPP keeps at most {LONGEST_SECRET}", link.secret.len()),
        );
    }
    if link.ring_size != 0 && !link.ring_size.is_power_of_two() {
        problems
            .add("memif.ring_size", format!("{} is not a power of two; 0 stands for 1024", link.ring_size));
    }
    // VPP: u16, and u8 twice.
    problems.at_most("memif.buffer_size", link.buffer_size, u16::MAX.into());
    problems.at_most("memif.rx_queues", link.rx_queues, 255);
    problems.at_most("memif.tx_queues", link.tx_queues, 255);
}

fn afpacket(problems: &mut Problems, link: &AfpacketLink) {
    if link.host_if_name.is_empty() && link.linux_interface.is_empty() {
        problems.add("afpacket.host_if_name", "must be stated, or `linux_interface`");
    }
    if let Some(reason) = host_name(&link.host_if_name) {
        problems.add("afpacket.host_if_name", reason);
    }
}

fn tap(problems: &mut Problems, tap: &TapLink) {
    if !matches!(tap_version(tap), 1 | 2) {
        problems.add("tap.version", format!("{} is not 2 (virtio) or 1; 0 stands for 2", tap.version));
    }
    if let Some(reason) = host_name(&tap.host_if_name) {
        problems.add("tap.host_if_name", reason);
    }
    for (path, size) in [("tap.rx_ring_size", tap.rx_ring_size), ("tap.tx_ring_size", tap.tx_ring_size)] {
        if size != 0 && (!size.is_power_of_two() || size > LARGEST_RING) {
            problems
                .add(path, format!("{size} is not a power of two up to {LARGEST_RING}; 0 leaves it to VPP"));
        }
    }
}

/// Both ends of a tunnel, which have to be stated and of one family.
fn ends(problems: &mut Problems, (src_path, src): (&str, &str), (dst_path, dst): (&str, &str)) {
    problems.required(src_path, src);
    problems.required(dst_path, dst);
    problems.same_family(dst_path, dst, src_path, src);
}

fn multicast(problems: &mut Problems, path: &str, dst: &str, interface: &str) {
    if dst.parse::<IpAddr>().is_ok_and(|ip| ip.is_multicast()) && interface.is_empty() {
        problems.add(path, format!("must name the interface for the multicast group `{dst}`"));
    }
}

fn vxlan(problems: &mut Problems, link: &VxlanLink) {
    ends(
        problems,
        ("vxlan.src_address", link.src_address.as_str()),
        ("vxlan.dst_address", link.dst_address.as_str()),
    );
    multicast(problems, "vxlan.multicast", &link.dst_address, &link.multicast);
    problems.at_most("vxlan.vni", link.vni, LARGEST_VNI);
    if let Some(gpe) = &link.gpe {
        use vxlan_link::gpe::Protocol;
        match Protocol::try_from(gpe.protocol) {
            Ok(Protocol::Unknown) => {
                problems.add("vxlan.gpe.protocol", "must be stated: IP4, IP6, ETHERNET or NSH");
            }
            Ok(Protocol::Ip4 | Protocol::Ip6) | Err(_) => {}
            Ok(Protocol::Ethernet | Protocol::Nsh) if gpe.decap_vrf_id != 0 => {
                problems.add("vxlan.gpe.decap_vrf_id", "is possible for protocols IP4 and IP6 only");
            }
            Ok(Protocol::Ethernet | Protocol::Nsh) => {}
        }
    }
}

fn bond(problems: &mut Problems, name: &str, link: &BondLink) {
    let mut names = BTreeSet::new();
    for (i, member) in link.bonded_interfaces.iter().enumerate() {
        let path = format!("bond.bonded_interfaces[{i}].name");
        problems.unique_name(&mut names, path.clone(), &member.name);
        if member.name == name && !name.is_empty() {
            problems.add(path, "is the bond itself");
        }
    }
}

fn gre(problems: &mut Problems, link: &GreLink) {
    if link.tunnel_type == gre_link::Type::Unknown as i32 {
        problems.add("gre.tunnel_type", "must be stated: L3, TEB or ERSPAN");
    }
    ends(problems, ("gre.src_addr", link.src_addr.as_str()), ("gre.dst_addr", link.dst_addr.as_str()));
    // VPP: ten bits.
    problems.at_most("gre.session_id", link.session_id, 1023);
}

fn gtpu(problems: &mut Problems, link: &GtpuLink) {
    ends(problems, ("gtpu.src_addr", link.src_addr.as_str()), ("gtpu.dst_addr", link.dst_addr.as_str()));
    multicast(problems, "gtpu.multicast", &link.dst_addr, &link.multicast);
}

fn ipip(problems: &mut Problems, link: &IpipLink) {
    if link.tunnel_mode == ipip_link::Mode::PointToMultipoint as i32 {
        problems.required("ipip.src_addr", &link.src_addr);
    } else {
        ends(problems, ("ipip.src_addr", link.src_addr.as_str()), ("ipip.dst_addr", link.dst_addr.as_str()));
    }
}

fn wireguard(problems: &mut Problems, link: &WireguardLink) {
    if link.private_key.len() != WIREGUARD_KEY {
        problems.add(
            "wireguard.private_key",
            format!("has {} characters; keys in base64 have {WIREGUARD_KEY}", link.private_key.len()),
        );
    }
    problems.required("wireguard.src_addr", &link.src_addr);
}

fn rdma(problems: &mut Problems, link: &RdmaLink) {
    problems.required("rdma.host_if_name", &link.host_if_name);
    if let Some(reason) = host_name(&link.host_if_name) {
        problems.add("rdma.host_if_name", reason);
    }
    // VPP: all are u16.
    problems.at_most("rdma.rxq_num", link.rxq_num, u16::MAX.into());
    for (path, size) in [("rdma.rxq_size", link.rxq_size), ("rdma.txq_size", link.txq_size)] {
        if size != 0 && (!size.is_power_of_two() || size > u16::MAX.into()) {
            problems.add(path, format!("{size} is not a power of two of 16 bits; 0 stands for 1024"));
        }
    }
}
