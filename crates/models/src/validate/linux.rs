//! Rules of the Linux network.

use super::{FieldProblem, Problems, family, host_name};
use crate::net::{is_alloc_ref, parse_cidr};
use crate::proto::ligato::linux::interfaces::Interface;
use crate::proto::ligato::linux::interfaces::interface::{Link, Type};
use crate::proto::ligato::linux::iptables::RuleChain;
use crate::proto::ligato::linux::iptables::rule_chain::{ChainType, Policy, Table};
use crate::proto::ligato::linux::l3::{ArpEntry, Route, route};
use crate::proto::ligato::linux::namespace::NetNamespace;
use crate::proto::ligato::linux::namespace::net_namespace::ReferenceType;

pub(crate) fn linux_interface(value: &Interface) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("name", &value.name);
    let kind = Type::try_from(value.r#type);
    if kind == Ok(Type::Undefined) {
        problems.add("type", "must be stated, for example VETH");
    }
    namespace(&mut problems, value.namespace.as_ref());
    match value.host_if_name.as_str() {
        "" if kind != Ok(Type::Loopback) && !value.name.is_empty() => {
            if let Some(reason) = host_name(&value.name) {
                problems.add("host_if_name", format!("must be stated, because `name` {reason}"));
            }
        }
        name => {
            if let Some(reason) = host_name(name) {
                problems.add("host_if_name", reason);
            }
        }
    }
    problems.mac_if_stated("phys_address", &value.phys_address);
    if let Ok(kind) = kind {
        linux_link(&mut problems, value, kind);
    }
    problems.0
}

fn linux_link(problems: &mut Problems, value: &Interface, kind: Type) {
    let wanted = match kind {
        Type::Veth => Some("veth"),
        Type::TapToVpp => Some("tap"),
        Type::VrfDevice => Some("vrf_dev"),
        Type::Undefined | Type::Loopback | Type::Existing | Type::Dummy => None,
    };
    let stated = value.link.as_ref().map(|link| match link {
        Link::Veth(_) => "veth",
        Link::Tap(_) => "tap",
        Link::VrfDev(_) => "vrf_dev",
    });
    problems.link(kind.as_str_name(), wanted, stated);
    match &value.link {
        Some(Link::Veth(veth)) => {
            problems.required("veth.peer_if_name", &veth.peer_if_name);
            if veth.peer_if_name == value.name && !value.name.is_empty() {
                problems.add("veth.peer_if_name", "is the interface itself");
            }
        }
        Some(Link::Tap(tap)) => problems.required("tap.vpp_tap_if_name", &tap.vpp_tap_if_name),
        Some(Link::VrfDev(_)) | None => {}
    }
    match kind {
        Type::Existing => {
            if value.namespace.is_some() {
                problems.add(
                    "namespace",
                    "must not be stated for type EXISTING: only the agent's own is looked at",
                );
            }
            for (i, address) in value.ip_addresses.iter().enumerate() {
                if value.link_only && is_alloc_ref(address) {
                    problems.add(
                        format!("ip_addresses[{i}]"),
                        "must not be a reference: with `link_only` others assign the addresses",
                    );
                }
            }
        }
        Type::VrfDevice => {
            if !value.phys_address.is_empty() {
                problems.add("phys_address", "must not be stated for type VRF_DEVICE");
            }
            if !value.vrf_master_interface.is_empty() {
                problems.add("vrf_master_interface", "must not be stated for type VRF_DEVICE");
            }
        }
        _ => {}
    }
}

fn namespace(problems: &mut Problems, namespace: Option<&NetNamespace>) {
    if let Some(namespace) = namespace {
        if namespace.r#type == ReferenceType::Undefined as i32 {
            problems.add("namespace.type", "must be stated: NSID, PID, FD or MICROSERVICE");
        }
        problems.required("namespace.reference", &namespace.reference);
    }
}

pub(crate) fn linux_route(value: &Route) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("dst_network", &value.dst_network);
    if value.scope == route::Scope::Link as i32 && !value.gw_addr.is_empty() {
        problems.add("gw_addr", "must be empty for scope LINK, which is reached without a gateway");
    }
    if let (Some(net), Some(is_ipv4)) = (parse_cidr(&value.dst_network), family(&value.gw_addr))
        && net.addr().is_ipv4() != is_ipv4
    {
        problems.add(
            "gw_addr",
            format!("`{}` is not of the address family of `{}`", value.gw_addr, value.dst_network),
        );
    }
    problems.0
}

pub(crate) fn linux_arp(value: &ArpEntry) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.mac("hw_address", &value.hw_address);
    problems.0
}

pub(crate) fn rule_chain(value: &RuleChain) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    namespace(&mut problems, value.namespace.as_ref());
    for (i, interface) in value.interfaces.iter().enumerate() {
        problems.required(format!("interfaces[{i}]"), interface);
    }
    let custom = value.chain_type == ChainType::Custom as i32;
    if custom {
        problems.required("chain_name", &value.chain_name);
    }
    if let (Ok(table), Ok(chain)) = (Table::try_from(value.table), ChainType::try_from(value.chain_type)) {
        let absent = match table {
            Table::Filter | Table::Security => {
                matches!(chain, ChainType::Prerouting | ChainType::Postrouting)
            }
            Table::Nat => matches!(chain, ChainType::Input | ChainType::Forward),
            Table::Raw => matches!(chain, ChainType::Input | ChainType::Forward | ChainType::Postrouting),
            Table::Mangle => false,
        };
        if absent {
            problems.add(
                "chain_type",
                format!("{} is no chain of table {}", chain.as_str_name(), table.as_str_name()),
            );
        }
    }
    if Policy::try_from(value.default_policy).is_ok_and(|policy| policy != Policy::None) {
        if value.table != Table::Filter as i32 {
            problems.add("default_policy", "is possible for table FILTER only");
        } else if custom {
            problems.add("default_policy", "is not possible for chains of type CUSTOM");
        }
    }
    for (i, rule) in value.rules.iter().enumerate() {
        if rule.trim().is_empty() {
            problems.add(format!("rules[{i}]"), "must not be empty");
        }
    }
    problems.0
}
