//! Rules of punting, flow records, WireGuard peers and address allocations.

use std::net::IpAddr;

use super::{FieldProblem, Problems, family};
use crate::proto::ligato::netalloc::IpAllocation;
use crate::proto::ligato::vpp::{ipfix, punt, wireguard};

/// Characters of a WireGuard key in base64: 32 bytes.
pub(super) const WIREGUARD_KEY: usize = 44;

pub(crate) fn ip_redirect(value: &punt::IpRedirect) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let protocol = punt::L3Protocol::try_from(value.l3_protocol);
    if protocol == Ok(punt::L3Protocol::UndefinedL3) {
        problems.add("l3_protocol", "must be stated: IPV4, IPV6 or ALL");
    }
    problems.required("next_hop", &value.next_hop);
    match (protocol, family(&value.next_hop)) {
        (Ok(punt::L3Protocol::Ipv4), Some(false)) | (Ok(punt::L3Protocol::Ipv6), Some(true)) => {
            problems.add("next_hop", format!("`{}` is not of the family of `l3_protocol`", value.next_hop));
        }
        _ => {}
    }
    problems.0
}

pub(crate) fn to_host(value: &punt::ToHost) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if value.l3_protocol == punt::L3Protocol::UndefinedL3 as i32 {
        problems.add("l3_protocol", "must be stated: IPV4, IPV6 or ALL");
    }
    if value.l4_protocol == punt::L4Protocol::UndefinedL4 as i32 {
        problems.add("l4_protocol", "must be stated: TCP or UDP");
    }
    if value.port == 0 {
        problems.add("port", "must be stated: from 1 to 65535");
    }
    problems.required("socket_path", &value.socket_path);
    problems.0
}

pub(crate) fn punt_exception(value: &punt::Exception) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("socket_path", &value.socket_path);
    problems.0
}

pub(crate) fn ipfix(value: &ipfix::Ipfix) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let collector = value.collector.as_ref().map(|collector| collector.address.as_str());
    problems.required("collector.address", collector.unwrap_or_default());
    problems.required("source_address", &value.source_address);
    problems.0
}

pub(crate) fn flowprobe_params(value: &ipfix::FlowProbeParams) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if !(value.record_l2 || value.record_l3 || value.record_l4) {
        problems
            .add("record_l3", "must be true, or `record_l2` or `record_l4`: nothing is recorded otherwise");
    }
    problems.0
}

pub(crate) fn wireguard_peer(value: &wireguard::Peer) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if value.public_key.len() != WIREGUARD_KEY {
        problems.add(
            "public_key",
            format!("has {} characters; keys in base64 have {WIREGUARD_KEY}", value.public_key.len()),
        );
    }
    // VPP: u16.
    problems.at_most("persistent_keepalive", value.persistent_keepalive, u16::MAX.into());
    if value.endpoint.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
        problems.add("endpoint", format!("`{}` is the address of no host", value.endpoint));
    }
    problems.0
}

pub(crate) fn ip_allocation(value: &IpAllocation) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("address", &value.address);
    if value.network_name.contains('/') {
        problems.add(
            "network_name",
            format!(
                "`{}` has a slash, at which references to it would end: alloc:<network>[/<interface>][/GW]",
                value.network_name
            ),
        );
    }
    problems.0
}
