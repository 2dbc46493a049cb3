//! Rules of the models that need nothing but the value itself. Each function returns every rule that is broken.
//!
//! What needs the state of other values (an interface that has to exist) is a dependency and not here; what depends
//! on the VPP release is the descriptors' matter.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

mod annotated;
mod interface;
mod key_fields;

pub use interface::{TAP_DEFAULT_VERSION, interface, tap_version};

use crate::message::ModelMessage;

use crate::net::{is_alloc_ref, is_gateway_ref, parse_cidr, parse_mac};
use crate::proto::ligato::vpp::{l2, l3};

/// Longest name in bytes: VPP keeps names as tags in fields of 64 bytes that end in a zero.
pub const LONGEST_NAME: usize = 63;

/// A rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Path of the field, as `ip_addresses[0]`.
    pub path: String,
    /// What is wrong with it and what it has to be.
    pub reason: String,
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field `{}`: {}", self.path, self.reason)
    }
}

/// Collects the rules that a value breaks.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push(FieldProblem { path: path.into(), reason: reason.into() });
    }

    /// Adds a problem of a field of which nothing is said so far.
    fn add_first(&mut self, path: &str, reason: impl FnOnce() -> String) {
        if !self.0.iter().any(|problem| problem.path == path) {
            self.add(path, reason());
        }
    }

    fn tag(&mut self, path: &str, name: &str) {
        if name.is_empty() {
            self.add(path, "must not be empty");
        } else if name.len() > LONGEST_NAME {
            self.add(
                path,
                format!(
                    "is {} bytes long; VPP keeps it as a tag of at most {LONGEST_NAME} bytes",
                    name.len()
                ),
            );
        } else if name.contains('\0') {
            self.add(path, "must not contain a zero byte");
        }
    }

    fn required(&mut self, path: impl Into<String>, text: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        }
    }

    fn mac(&mut self, path: impl Into<String>, text: &str) {
        if parse_mac(text).is_none() {
            self.add(path, format!("`{text}` is not a MAC address such as 02:fe:00:00:00:01"));
        }
    }

    fn at_most(&mut self, path: impl Into<String>, number: u32, most: u32) {
        if number > most {
            self.add(path, format!("is {number}, which is more than {most}"));
        }
    }
}

/// All rules of a model: its own, those stated in the `.proto` file, and those for fields that the key is made of.
pub(crate) fn all<M: ModelMessage>(value: &M, own: fn(&M) -> Vec<FieldProblem>) -> Vec<FieldProblem> {
    let mut problems = Problems(own(value));
    let dynamic = value.transcode_to_dynamic();
    if let Some(name) = M::NAME {
        key_fields::check(&mut problems, name.template, &dynamic);
    }
    annotated::check(&mut problems, &dynamic);
    problems.0
}

/// A model without rules of its own.
pub(crate) fn none<M>(_: &M) -> Vec<FieldProblem> {
    Vec::new()
}

/// Rules of bridge domains.
pub fn bridge_domain(value: &l2::BridgeDomain) -> Vec<FieldProblem> {
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
pub fn fib(value: &l2::FibEntry) -> Vec<FieldProblem> {
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

/// Rules of routes.
///
/// The destination has to be in network form, because VPP would clear the host bits and read back another value.
pub fn route(value: &l3::Route) -> Vec<FieldProblem> {
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
