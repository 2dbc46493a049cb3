//! Rules that values are held to: one row per rule.

// Helpers of tests fail as tests do.
#![allow(clippy::expect_used)]

use models::Registry;
use serde_json::{Value, json};

fn merged(base: &Value, change: &Value) -> Value {
    let mut merged = base.clone();
    if let (Some(into), Some(from)) = (merged.as_object_mut(), change.as_object()) {
        into.extend(from.clone());
    }
    merged
}

/// Checks that `change` to the good value `base` breaks the rules of exactly the fields `paths`.
fn check(model: &str, base: &Value, rows: &[(Value, &[&str])]) {
    let registry = Registry::builtin().expect("the table is good");
    let model = registry.by_name(model).expect("the model exists");
    for (change, paths) in rows {
        let value = merged(base, change);
        let problems = model.decode(&value).expect("types are right").validate();
        let found: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(&found, paths, "{change}: {problems:?}");
    }
}

#[test]
fn interfaces() {
    let loopback = json!({"name": "if1", "type": "SOFTWARE_LOOPBACK"});
    check(
        "vpp.interfaces",
        &loopback,
        &[
            (json!({}), &[]),
            (json!({"name": ""}), &["name"]),
            (json!({"name": "x".repeat(63)}), &[]),
            (json!({"name": "x".repeat(64)}), &["name"]),
            (json!({"name": "ö".repeat(32)}), &["name"]),
            (json!({"type": "UNDEFINED_TYPE"}), &["type"]),
            (json!({"type": 99}), &["type"]),
            (json!({"tap": {}}), &["tap"]),
            (json!({"type": "TAP"}), &["tap"]),
            (json!({"type": "MEMIF", "tap": {}}), &["tap"]),
            (json!({"type": "DPDK"}), &[]),
            (json!({"phys_address": "02:fe:00:00:00:01"}), &[]),
            (json!({"phys_address": "02:fe:00:00:01"}), &["phys_address"]),
            (json!({"ip_addresses": ["10.0.0.1/24", "2001:db8::1/64", "alloc:net1"]}), &[]),
            (
                json!({"ip_addresses": ["10.0.0.1", "10.0.0.1/33", "alloc:net1/GW"]}),
                &["ip_addresses[0]", "ip_addresses[1]", "ip_addresses[2]"],
            ),
            (json!({"mtu": 9216}), &[]),
            (json!({"mtu": 9217}), &["mtu"]),
            (json!({"unnumbered": {"interface_with_ip": "if2"}}), &[]),
            (json!({"unnumbered": {}}), &["unnumbered.interface_with_ip"]),
            (json!({"unnumbered": {"interface_with_ip": "if1"}}), &["unnumbered.interface_with_ip"]),
            (
                json!({"unnumbered": {"interface_with_ip": "if2"}, "ip_addresses": ["10.0.0.1/24"]}),
                &["unnumbered"],
            ),
            (json!({"rx_modes": [{"mode": "POLLING"}, {"queue": 1, "mode": "INTERRUPT"}]}), &[]),
            (json!({"rx_modes": [{}]}), &["rx_modes[0].mode"]),
            (json!({"rx_modes": [{"mode": "POLLING"}, {"mode": "ADAPTIVE"}]}), &["rx_modes[1].queue"]),
            (
                json!({"rx_modes": [{"mode": "POLLING", "default_mode": true}, {"mode": "POLLING", "default_mode": true}]}),
                &["rx_modes[1].default_mode"],
            ),
            (json!({"type": "DPDK", "rx_modes": [{"mode": "ADAPTIVE"}]}), &["rx_modes[0].mode"]),
            (json!({"rx_placements": [{"queue": 1}, {"queue": 1}]}), &["rx_placements[1].queue"]),
        ],
    );
}

#[test]
fn taps() {
    let tap = json!({"name": "tap1", "type": "TAP"});
    check(
        "vpp.interfaces",
        &tap,
        &[
            (json!({"tap": {}}), &[]),
            (json!({"tap": {"version": 1}}), &[]),
            (json!({"tap": {"version": 2, "rx_ring_size": 256, "tx_ring_size": 1024}}), &[]),
            (json!({"tap": {"version": 3}}), &["tap.version"]),
            (json!({"tap": {"host_if_name": "x".repeat(15)}}), &[]),
            (json!({"tap": {"host_if_name": "x".repeat(16)}}), &["tap.host_if_name"]),
            (json!({"tap": {"host_if_name": "a/b"}}), &["tap.host_if_name"]),
            (
                json!({"tap": {"rx_ring_size": 100, "tx_ring_size": 65536}}),
                &["tap.rx_ring_size", "tap.tx_ring_size"],
            ),
        ],
    );
}

#[test]
fn bridge_domains() {
    check(
        "vpp.l2.bridge-domain",
        &json!({"name": "bd1"}),
        &[
            (json!({}), &[]),
            (json!({"name": ""}), &["name"]),
            (json!({"name": "x".repeat(64)}), &["name"]),
            (json!({"mac_age": 256}), &["mac_age"]),
            (json!({"interfaces": [{"name": "a"}, {"name": "b", "bridged_virtual_interface": true}]}), &[]),
            (
                json!({"interfaces": [
                    {"name": "a", "bridged_virtual_interface": true},
                    {"name": "b", "bridged_virtual_interface": true},
                ]}),
                &["interfaces[1].bridged_virtual_interface"],
            ),
            (json!({"interfaces": [{"name": "a"}, {"name": "a"}]}), &["interfaces[1].name"]),
            (
                json!({"interfaces": [{"split_horizon_group": 300}]}),
                &["interfaces[0].name", "interfaces[0].split_horizon_group"],
            ),
            (
                json!({"arp_termination_table": [{"ip_address": "10.0.0", "phys_address": "x"}]}),
                &["arp_termination_table[0].ip_address", "arp_termination_table[0].phys_address"],
            ),
        ],
    );
}

#[test]
fn fib_entries() {
    let entry =
        json!({"bridge_domain": "bd1", "phys_address": "02:fe:00:00:00:01", "outgoing_interface": "if1"});
    check(
        "vpp.l2.fib",
        &entry,
        &[
            (json!({}), &[]),
            (json!({"phys_address": ""}), &["phys_address"]),
            (json!({"bridge_domain": ""}), &["bridge_domain"]),
            (json!({"outgoing_interface": ""}), &["outgoing_interface"]),
            (json!({"outgoing_interface": "", "action": "DROP"}), &[]),
            (json!({"action": 7}), &["action"]),
        ],
    );
}

#[test]
fn routes() {
    let route =
        json!({"dst_network": "10.1.0.0/16", "next_hop_addr": "10.0.0.1", "outgoing_interface": "if1"});
    check(
        "vpp.route",
        &route,
        &[
            (json!({}), &[]),
            (json!({"dst_network": ""}), &["dst_network"]),
            (json!({"dst_network": "10.1.0.0"}), &["dst_network"]),
            (json!({"dst_network": "10.1.0.1/16"}), &["dst_network"]),
            (json!({"dst_network": "10.1.0.1/32"}), &[]),
            (json!({"dst_network": "2001:db8::/32"}), &["next_hop_addr"]),
            (json!({"dst_network": "2001:db8::/32", "next_hop_addr": "2001:db8::1"}), &[]),
            (json!({"dst_network": "2001:db8::1/32", "next_hop_addr": ""}), &["dst_network"]),
            (json!({"next_hop_addr": "10.0.0.1/24"}), &["next_hop_addr"]),
            (json!({"next_hop_addr": "alloc:net1/GW"}), &[]),
            (json!({"next_hop_addr": "alloc:net1/if1"}), &["next_hop_addr"]),
            (json!({"dst_network": "alloc:net1/if1"}), &[]),
            (json!({"type": 9}), &["type"]),
            (json!({"weight": 256, "preference": 256}), &["weight", "preference"]),
        ],
    );
}

#[test]
fn a_network_with_host_bits_is_told_what_it_should_be() {
    let registry = Registry::builtin().unwrap();
    let route = json!({"dst_network": "10.1.2.3/16"});
    let problems = registry.by_name("vpp.route").unwrap().decode(&route).unwrap().validate();
    assert!(problems[0].to_string().contains("10.1.0.0/16"), "{problems:?}");
}
