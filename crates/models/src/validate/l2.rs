//! Rules of bridge domains, forwarding tables, cross-connects and port mirroring.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{FieldProblem, Problems};
use crate::proto::ligato::vpp::{interfaces, l2};

/// Rules of bridge domains.
pub(crate) fn bridge_domain(value: &l2::BridgeDomain) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.tag("name", &value.name);
    // VPP: u8 minutes.
    problems.at_most("mac_age", value.mac_age, 255);
    let mut ports = BTreeSet::new();
    let mut bvi: Option<&str> = None;
    for (i, port) in value.interfaces.iter().enumerate() {
        let path = format!("interfaces[{i}]");
        problems.required(format!("{path}.name"), &port.name);
        if !ports.insert(port.name.as_str()) {
            problems.add(format!("{path}.name"), format!("`{}` is a port already", port.name));
        }
        // VPP: u8.
        problems.at_most(format!("{path}.split_horizon_group"), port.split_horizon_group, 255);
        if port.bridged_virtual_interface {
            match bvi {
                Some(first) => problems.add(
                    format!("{path}.bridged_virtual_interface"),
                    format!("`{first}` is the BVI already; a bridge domain has at most one"),
                ),
                None => bvi = Some(&port.name),
            }
        }
    }
    for (i, entry) in value.arp_termination_table.iter().enumerate() {
        let path = format!("arp_termination_table[{i}]");
        if entry.ip_address.parse::<IpAddr>().is_err() {
            problems
                .add(format!("{path}.ip_address"), format!("`{}` is not an IP address", entry.ip_address));
        }
        problems.mac(format!("{path}.phys_address"), &entry.phys_address);
    }
    problems.0
}

/// Rules of L2 FIB entries.
pub(crate) fn fib(value: &l2::FibEntry) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.mac("phys_address", &value.phys_address);
    problems.required("bridge_domain", &value.bridge_domain);
    match l2::fib_entry::Action::try_from(value.action) {
        Ok(l2::fib_entry::Action::Forward) => {
            if value.outgoing_interface.is_empty() {
                problems.add(
                    "outgoing_interface",
                    "must not be empty: action FORWARD needs a port to forward to",
                );
            }
        }
        Ok(l2::fib_entry::Action::Drop) => {}
        Err(_) => problems.add("action", format!("{} is not one of FORWARD, DROP", value.action)),
    }
    problems.0
}

pub(crate) fn xconnect(value: &l2::XConnectPair) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("transmit_interface", &value.transmit_interface);
    problems.0
}

pub(crate) fn span(value: &interfaces::Span) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if value.direction == interfaces::span::Direction::Unknown as i32 {
        problems.add("direction", "must be stated: RX, TX or BOTH");
    }
    problems.0
}
