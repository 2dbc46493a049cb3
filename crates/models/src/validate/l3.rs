//! Rules of routes, neighbours, tables, relays and virtual routers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::{FieldProblem, Problems, family};
use crate::net::{is_alloc_ref, is_gateway_ref, parse_cidr};
use crate::proto::ligato::vpp::l3;

/// Rules of routes.
///
/// The destination has to be in network form, because VPP would clear the host bits and read back another value.
pub(crate) fn route(value: &l3::Route) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if l3::route::RouteType::try_from(value.r#type).is_err() {
        problems.add("type", format!("{} is not one of INTRA_VRF, INTER_VRF, DROP", value.r#type));
    }
    let dst = if is_alloc_ref(&value.dst_network) { None } else { parse_cidr(&value.dst_network) };
    match dst {
        Some(net) if net.network() != net.addr() => problems.add(
            "dst_network",
            format!("`{}` has host bits set; the network is `{}`", value.dst_network, net.trunc()),
        ),
        None if !is_alloc_ref(&value.dst_network) => problems.add(
            "dst_network",
            format!("`{}` is not a network such as 10.0.0.0/8 or 2001:db8::/32", value.dst_network),
        ),
        _ => {}
    }
    let next_hop = &value.next_hop_addr;
    if !next_hop.is_empty() && !is_gateway_ref(next_hop) {
        match (next_hop.parse::<IpAddr>(), dst) {
            (Err(_), _) => problems.add(
                "next_hop_addr",
                format!("`{next_hop}` is neither an IP address nor an `alloc:` reference that ends in `/GW`"),
            ),
            (Ok(hop), Some(net)) if hop.is_ipv4() != net.addr().is_ipv4() => problems.add(
                "next_hop_addr",
                format!("`{next_hop}` is not of the address family of `{}`", value.dst_network),
            ),
            _ => {}
        }
    }
    // VPP: both are u8.
    problems.at_most("weight", value.weight, 255);
    problems.at_most("preference", value.preference, 255);
    problems.0
}

pub(crate) fn arp(value: &l3::ArpEntry) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.mac("phys_address", &value.phys_address);
    problems.0
}

pub(crate) fn proxy_arp(value: &l3::ProxyArp) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let mut names = BTreeSet::new();
    for (i, interface) in value.interfaces.iter().enumerate() {
        problems.unique_name(&mut names, format!("interfaces[{i}].name"), &interface.name);
    }
    for (i, range) in value.ranges.iter().enumerate() {
        let path = format!("ranges[{i}]");
        problems.required(format!("{path}.first_ip_addr"), &range.first_ip_addr);
        problems.required(format!("{path}.last_ip_addr"), &range.last_ip_addr);
        problems.ascending::<Ipv4Addr>(
            format!("{path}.last_ip_addr"),
            &range.first_ip_addr,
            &range.last_ip_addr,
        );
    }
    problems.0
}

pub(crate) fn ip_scan_neighbor(value: &l3::IpScanNeighbor) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    // VPP: all are u8.
    for (path, number) in [
        ("scan_interval", value.scan_interval),
        ("max_proc_time", value.max_proc_time),
        ("max_update", value.max_update),
        ("scan_int_delay", value.scan_int_delay),
        ("stale_threshold", value.stale_threshold),
    ] {
        problems.at_most(path, number, 255);
    }
    problems.0
}

pub(crate) fn vrf_table(value: &l3::VrfTable) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if !value.label.is_empty() {
        problems.tag("label", &value.label);
    }
    problems.0
}

pub(crate) fn dhcp_proxy(value: &l3::DhcpProxy) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    for (i, server) in value.servers.iter().enumerate() {
        let path = format!("servers[{i}].ip_address");
        problems.required(path.clone(), &server.ip_address);
        problems.same_family(path, &server.ip_address, "source_ip_address", &value.source_ip_address);
    }
    problems.0
}

pub(crate) fn l3xconnect(value: &l3::L3xConnect) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if value.paths.is_empty() {
        problems.add("paths", "must have at least one path");
    }
    let ipv4 = value.protocol == l3::l3x_connect::Protocol::Ipv4 as i32;
    for (i, path) in value.paths.iter().enumerate() {
        let at = format!("paths[{i}]");
        problems.required(format!("{at}.outgoing_interface"), &path.outgoing_interface);
        if family(&path.next_hop_addr).is_some_and(|is_ipv4| is_ipv4 != ipv4) {
            problems.add(
                format!("{at}.next_hop_addr"),
                format!("`{}` is not of the family of `protocol`", path.next_hop_addr),
            );
        }
        // VPP: both are u8.
        problems.at_most(format!("{at}.weight"), path.weight, 255);
        problems.at_most(format!("{at}.preference"), path.preference, 255);
    }
    problems.0
}

pub(crate) fn teib(value: &l3::TeibEntry) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("next_hop_addr", &value.next_hop_addr);
    problems.0
}

pub(crate) fn vrrp(value: &l3::VrrpEntry) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let addresses = &value.ip_addresses;
    // VPP: their number is u8.
    if addresses.is_empty() || addresses.len() > 255 {
        problems
            .add("ip_addresses", format!("has {} addresses, which is not from 1 to 255", addresses.len()));
    }
    let first = addresses.first().map(String::as_str).unwrap_or_default();
    for (i, address) in addresses.iter().enumerate().take(255) {
        problems.same_family(format!("ip_addresses[{i}]"), address, "ip_addresses[0]", first);
    }
    problems.0
}
