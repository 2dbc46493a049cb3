//! Rules of NAT44.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::{FieldProblem, Problems};
use crate::proto::ligato::vpp::nat;
use crate::proto::ligato::vpp::nat::d_nat44::StaticMapping;
use crate::proto::ligato::vpp::nat::d_nat44::static_mapping::TwiceNatMode;

// Lists that are superseded are known, so that values that have them are checked.
#[allow(deprecated)]
pub(crate) fn nat44_global(value: &nat::Nat44Global) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    for (i, interface) in value.nat_interfaces.iter().enumerate() {
        let path = format!("nat_interfaces[{i}]");
        problems.required(format!("{path}.name"), &interface.name);
        for other in value.nat_interfaces.iter().take(i).filter(|other| other.name == interface.name) {
            if other.is_inside == interface.is_inside {
                problems.add(path.clone(), format!("states `{}` a second time", interface.name));
            } else if other.output_feature || interface.output_feature {
                problems.add(
                    format!("{path}.output_feature"),
                    "excludes that the interface is both inside and outside",
                );
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (i, address) in value.address_pool.iter().enumerate() {
        let path = format!("address_pool[{i}].address");
        problems.required(path.clone(), &address.address);
        if !seen.insert((&address.address, address.twice_nat)) {
            problems.add(path, format!("`{}` is in the pool already", address.address));
        }
    }
    problems.0
}

pub(crate) fn nat44_interface(value: &nat::Nat44Interface) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if value.output_feature && value.nat_inside && value.nat_outside {
        problems.add("output_feature", "excludes that the interface is both inside and outside");
    }
    problems.0
}

pub(crate) fn nat44_pool(value: &nat::Nat44AddressPool) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.required("first_ip", &value.first_ip);
    problems.ascending::<Ipv4Addr>("last_ip", &value.first_ip, &value.last_ip);
    problems.0
}

pub(crate) fn dnat44(value: &nat::DNat44) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.tag("label", &value.label);
    for (i, mapping) in value.st_mappings.iter().enumerate() {
        static_mapping(&mut problems, mapping, &format!("st_mappings[{i}]"));
    }
    for (i, mapping) in value.id_mappings.iter().enumerate() {
        if mapping.interface.is_empty() && mapping.ip_address.is_empty() {
            problems.add(format!("id_mappings[{i}]"), "must have `ip_address` or `interface`");
        }
    }
    problems.0
}

fn static_mapping(problems: &mut Problems, mapping: &StaticMapping, path: &str) {
    if mapping.external_interface.is_empty() && mapping.external_ip.is_empty() {
        problems.add(path, "must have `external_ip` or `external_interface`");
    }
    if mapping.local_ips.is_empty() {
        problems.add(format!("{path}.local_ips"), "must have at least one address");
    }
    for (i, local) in mapping.local_ips.iter().enumerate() {
        let at = format!("{path}.local_ips[{i}]");
        problems.required(format!("{at}.local_ip"), &local.local_ip);
        // VPP: u8.
        problems.at_most(format!("{at}.probability"), local.probability, 255);
    }
    if !mapping.twice_nat_pool_ip.is_empty() {
        if mapping.twice_nat != TwiceNatMode::Enabled as i32 {
            problems.add(format!("{path}.twice_nat_pool_ip"), "needs `twice_nat` to be ENABLED");
        }
        if mapping.local_ips.len() > 1 {
            problems
                .add(format!("{path}.twice_nat_pool_ip"), "is not possible with more than one local address");
        }
    }
}
