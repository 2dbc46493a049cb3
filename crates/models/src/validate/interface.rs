//! Rules of VPP interfaces.

// Deprecated link types are known, so that a value that has one is told what is wrong with it.
#![allow(deprecated)]

use std::collections::BTreeSet;

use super::{FieldProblem, Problems};
use crate::net::{is_alloc_ref, is_gateway_ref, parse_cidr};
use crate::proto::ligato::vpp::interfaces::interface::{Link, Type, rx_mode};
use crate::proto::ligato::vpp::interfaces::{Interface, TapLink};

/// TAP version that 0 (none stated) stands for. The elder agent took 1, which VPP has dropped since; the version of
/// the values that state none is the only one that works everywhere.
pub const TAP_DEFAULT_VERSION: u32 = 2;

/// Largest MTU in bytes.
const LARGEST_MTU: u32 = 9216;

/// Version of a TAP interface, with 0 as [`TAP_DEFAULT_VERSION`].
pub fn tap_version(tap: &TapLink) -> u32 {
    if tap.version == 0 { TAP_DEFAULT_VERSION } else { tap.version }
}

/// Rules of interfaces of every type.
pub(crate) fn interface(value: &Interface) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.tag("name", &value.name);
    match Type::try_from(value.r#type) {
        Err(_) => problems.add("type", format!("{} is not the number of a type", value.r#type)),
        Ok(Type::UndefinedType) => problems.add("type", "must be stated, for example SOFTWARE_LOOPBACK"),
        Ok(kind) => link(&mut problems, kind, &value.name, value.link.as_ref()),
    }
    if !value.phys_address.is_empty() {
        problems.mac("phys_address", &value.phys_address);
    }
    for (i, address) in value.ip_addresses.iter().enumerate() {
        let path = format!("ip_addresses[{i}]");
        if is_gateway_ref(address) {
            problems
                .add(path, format!("`{address}` refers to a gateway, not to an address of the interface"));
        } else if !is_alloc_ref(address) && parse_cidr(address).is_none() {
            problems
                .add(path, format!("`{address}` is not an address with prefix length such as 10.0.0.1/24"));
        }
    }
    problems.at_most("mtu", value.mtu, LARGEST_MTU);
    if let Some(unnumbered) = &value.unnumbered {
        problems.required("unnumbered.interface_with_ip", &unnumbered.interface_with_ip);
        if !value.ip_addresses.is_empty() {
            problems
                .add("unnumbered", "excludes `ip_addresses`: an unnumbered interface borrows its address");
        }
        if unnumbered.interface_with_ip == value.name && !value.name.is_empty() {
            problems.add("unnumbered.interface_with_ip", "is the interface itself");
        }
    }
    rx_modes(&mut problems, value);
    let mut queues = BTreeSet::new();
    for (i, placement) in value.rx_placements.iter().enumerate() {
        if !queues.insert(placement.queue) {
            problems
                .add(format!("rx_placements[{i}].queue"), format!("{} is placed already", placement.queue));
        }
    }
    problems.0
}

fn rx_modes(problems: &mut Problems, value: &Interface) {
    let mut queues = BTreeSet::new();
    let mut default_seen = false;
    for (i, mode) in value.rx_modes.iter().enumerate() {
        let path = format!("rx_modes[{i}]");
        match rx_mode::Type::try_from(mode.mode) {
            Err(_) => {
                problems.add(format!("{path}.mode"), format!("{} is not the number of a mode", mode.mode))
            }
            Ok(rx_mode::Type::Unknown) => {
                problems
                    .add(format!("{path}.mode"), "must be stated: POLLING, INTERRUPT, ADAPTIVE or DEFAULT");
            }
            Ok(rx_mode::Type::Polling) => {}
            Ok(other) if value.r#type == Type::Dpdk as i32 => problems.add(
                format!("{path}.mode"),
                format!("{} is not possible for DPDK interfaces, which only poll", other.as_str_name()),
            ),
            Ok(_) => {}
        }
        if mode.default_mode {
            if std::mem::replace(&mut default_seen, true) {
                problems.add(format!("{path}.default_mode"), "a default mode is stated already");
            }
        } else if !queues.insert(mode.queue) {
            problems.add(format!("{path}.queue"), format!("queue {} has a mode already", mode.queue));
        }
    }
}

/// The link has to fit the type; loopbacks and DPDK interfaces have none.
fn link(problems: &mut Problems, kind: Type, name: &str, link: Option<&Link>) {
    let wanted = match kind {
        Type::UndefinedType | Type::SoftwareLoopback | Type::Dpdk => None,
        Type::SubInterface => Some("sub"),
        Type::Memif => Some("memif"),
        Type::Tap => Some("tap"),
        Type::AfPacket => Some("afpacket"),
        Type::VxlanTunnel => Some("vxlan"),
        Type::IpsecTunnel => Some("ipsec"),
        Type::Vmxnet3Interface => Some("vmx_net3"),
        Type::BondInterface => Some("bond"),
        Type::GreTunnel => Some("gre"),
        Type::GtpuTunnel => Some("gtpu"),
        Type::IpipTunnel => Some("ipip"),
        Type::WireguardTunnel => Some("wireguard"),
        Type::Rdma => Some("rdma"),
    };
    let stated = link.map(|link| match link {
        Link::Sub(_) => "sub",
        Link::Memif(_) => "memif",
        Link::Afpacket(_) => "afpacket",
        Link::Tap(_) => "tap",
        Link::Vxlan(_) => "vxlan",
        Link::Ipsec(_) => "ipsec",
        Link::VmxNet3(_) => "vmx_net3",
        Link::Bond(_) => "bond",
        Link::Gre(_) => "gre",
        Link::Gtpu(_) => "gtpu",
        Link::Ipip(_) => "ipip",
        Link::Wireguard(_) => "wireguard",
        Link::Rdma(_) => "rdma",
    });
    problems.link(kind.as_str_name(), wanted, stated);
    if let Some(link) = link.filter(|_| wanted == stated) {
        super::link::check(problems, name, link);
    }
}
