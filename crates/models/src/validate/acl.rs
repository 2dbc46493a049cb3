//! Rules of packet filters and of forwarding by them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{FieldProblem, Problems};
use crate::net::parse_cidr;
use crate::proto::ligato::vpp::abf;
use crate::proto::ligato::vpp::acl::Acl;
use crate::proto::ligato::vpp::acl::acl::Rule;
use crate::proto::ligato::vpp::acl::acl::rule::ip_rule::{PortRange, icmp};
use crate::proto::ligato::vpp::acl::acl::rule::{IpRule, MacIpRule};

pub(crate) fn acl(value: &Acl) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.tag("name", &value.name);
    if value.rules.is_empty() {
        problems.add("rules", "must have at least one rule");
    }
    // VPP has lists of the one kind and of the other.
    let mac_first = value.rules.first().is_some_and(|rule| rule.macip_rule.is_some());
    for (i, rule) in value.rules.iter().enumerate() {
        let path = format!("rules[{i}]");
        acl_rule(&mut problems, rule, &path);
        if rule.ip_rule.is_some() != rule.macip_rule.is_some() && rule.macip_rule.is_some() != mac_first {
            problems.add(
                path,
                "is of another kind than the first rule: a list has either `ip_rule`s or `macip_rule`s",
            );
        }
    }
    if let Some(interfaces) = &value.interfaces {
        for (name, list) in [("egress", &interfaces.egress), ("ingress", &interfaces.ingress)] {
            let mut names = BTreeSet::new();
            for (i, interface) in list.iter().enumerate() {
                problems.unique_name(&mut names, format!("interfaces.{name}[{i}]"), interface);
            }
        }
        if mac_first && !interfaces.egress.is_empty() {
            problems.add("interfaces.egress", "must be empty: `macip_rule`s filter what is received only");
        }
    }
    problems.0
}

fn acl_rule(problems: &mut Problems, rule: &Rule, path: &str) {
    match (&rule.ip_rule, &rule.macip_rule) {
        (Some(_), Some(_)) => {
            problems.add(path, "has both `ip_rule` and `macip_rule`, which exclude each other")
        }
        (None, None) => problems.add(path, "must have `ip_rule` or `macip_rule`, be it empty"),
        (Some(rule), None) => ip_rule(problems, rule, &format!("{path}.ip_rule")),
        (None, Some(rule)) => macip_rule(problems, rule, &format!("{path}.macip_rule")),
    }
}

fn ip_rule(problems: &mut Problems, rule: &IpRule, path: &str) {
    if let Some(ip) = &rule.ip {
        let mut families = BTreeSet::new();
        for (name, network) in
            [("destination_network", &ip.destination_network), ("source_network", &ip.source_network)]
        {
            if network.is_empty() {
                continue;
            }
            let path = format!("{path}.ip.{name}");
            match parse_cidr(network) {
                None => problems.add(path, format!("`{network}` is not a network such as 10.0.0.0/8")),
                Some(net) => {
                    families.insert(net.addr().is_ipv4());
                    if families.len() > 1 {
                        problems.add(path, "is not of the address family of `destination_network`");
                    }
                }
            }
        }
    }
    let stated = [("icmp", rule.icmp.is_some()), ("tcp", rule.tcp.is_some()), ("udp", rule.udp.is_some())];
    let stated: Vec<&str> = stated.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    if stated.len() > 1 {
        problems.add(path, format!("has {}, which exclude each other", stated.join(" and ")));
    }
    if let Some(icmp) = &rule.icmp {
        for (name, range) in
            [("icmp_code_range", &icmp.icmp_code_range), ("icmp_type_range", &icmp.icmp_type_range)]
        {
            if let Some(icmp::Range { first, last }) = range {
                ordered(problems, format!("{path}.icmp.{name}.last"), *first, *last);
            }
        }
    }
    let tcp = rule.tcp.iter().map(|tcp| ("tcp", &tcp.destination_port_range, &tcp.source_port_range));
    let udp = rule.udp.iter().map(|udp| ("udp", &udp.destination_port_range, &udp.source_port_range));
    for (protocol, destination, source) in tcp.chain(udp) {
        for (name, range) in [("destination_port_range", destination), ("source_port_range", source)] {
            if let Some(PortRange { lower_port, upper_port }) = range {
                let path = format!("{path}.{protocol}.{name}.upper_port");
                ordered(problems, path, *lower_port, *upper_port);
            }
        }
    }
}

fn ordered(problems: &mut Problems, path: String, first: u32, last: u32) {
    if first > last {
        problems.add(path, format!("is {last}, which is less than the start of the range, {first}"));
    }
}

fn macip_rule(problems: &mut Problems, rule: &MacIpRule, path: &str) {
    problems.mac(format!("{path}.source_mac_address"), &rule.source_mac_address);
    problems.mac(format!("{path}.source_mac_address_mask"), &rule.source_mac_address_mask);
    if let Ok(IpAddr::V4(_)) = rule.source_address.parse() {
        problems.at_most(format!("{path}.source_address_prefix"), rule.source_address_prefix, 32);
    }
}

pub(crate) fn abf(value: &abf::Abf) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("acl_name", &value.acl_name);
    let mut seen = BTreeSet::new();
    for (i, interface) in value.attached_interfaces.iter().enumerate() {
        let path = format!("attached_interfaces[{i}].input_interface");
        problems.required(path.clone(), &interface.input_interface);
        if !seen.insert((&interface.input_interface, interface.is_ipv6)) {
            problems.add(path, format!("`{}` is attached already", interface.input_interface));
        }
    }
    for (i, path) in value.forwarding_paths.iter().enumerate() {
        let at = format!("forwarding_paths[{i}]");
        if path.next_hop_ip.is_empty() && path.interface_name.is_empty() {
            problems.add(at.clone(), "must have `next_hop_ip` or `interface_name`");
        }
        // VPP: both are u8.
        problems.at_most(format!("{at}.weight"), path.weight, 255);
        problems.at_most(format!("{at}.preference"), path.preference, 255);
    }
    problems.0
}
