//! Routes, neighbours, tables, and their likes in Linux.

use models::Registry;
use serde_json::json;

use crate::{check, check_example};

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

/// Checks changes to the example of a model.

#[test]
fn routing_and_neighbours() {
    check_example(
        "vpp.arp",
        &[(json!({"phys_address": "", "ip_address": "10.0.0"}), &["phys_address", "ip_address"])],
    );
    check_example(
        "vpp.proxyarp-global",
        &[
            (
                json!({"ranges": [{"first_ip_addr": "10.0.0.9", "last_ip_addr": "10.0.0.1"}]}),
                &["ranges[0].last_ip_addr"],
            ),
            (
                json!({"ranges": [{"first_ip_addr": "::1"}]}),
                &["ranges[0].last_ip_addr", "ranges[0].first_ip_addr"],
            ),
            (json!({"interfaces": [{"name": "a"}, {"name": "a"}]}), &["interfaces[1].name"]),
        ],
    );
    check_example(
        "vpp.ipscanneigh-global",
        &[(json!({"mode": 9, "max_update": 256}), &["max_update", "mode"])],
    );
    check_example(
        "vpp.vrf-table",
        &[(json!({"label": "x".repeat(64)}), &["label"]), (json!({"label": ""}), &[])],
    );
    check_example(
        "vpp.dhcp-proxy",
        &[(
            json!({"servers": [{}, {"ip_address": "::1"}]}),
            &["servers[0].ip_address", "servers[1].ip_address"],
        )],
    );
    check_example(
        "vpp.l3xconnect",
        &[
            (json!({"paths": []}), &["paths"]),
            (
                json!({"paths": [{"next_hop_addr": "10.0.0.1"}]}),
                &["paths[0].outgoing_interface", "paths[0].next_hop_addr"],
            ),
        ],
    );
    check_example(
        "vpp.teib",
        &[(json!({"peer_addr": "", "next_hop_addr": ""}), &["next_hop_addr", "peer_addr"])],
    );
    check_example(
        "vpp.vrrp",
        &[
            (json!({"vr_id": 0, "priority": 256, "interval": 9}), &["vr_id", "priority", "interval"]),
            (json!({"ip_addresses": []}), &["ip_addresses"]),
            (json!({"ip_addresses": ["10.0.0.1", "::1", "x"]}), &["ip_addresses[1]", "ip_addresses[2]"]),
        ],
    );
}

#[test]
fn linux_network() {
    check_example(
        "linux.interfaces.interface",
        &[
            (json!({"type": 0, "veth": null}), &["type"]),
            (json!({"type": "DUMMY"}), &["veth"]),
            (json!({"veth": {"peer_if_name": "veth1"}}), &["veth.peer_if_name"]),
            (json!({"veth": null, "tap": {}}), &["tap", "tap.vpp_tap_if_name"]),
            (json!({"namespace": {}}), &["namespace.type", "namespace.reference"]),
            (json!({"name": "a-rather-long-name"}), &["host_if_name"]),
            (json!({"name": "a-rather-long-name", "host_if_name": "veth1"}), &[]),
            (
                json!({"ip_addresses": ["alloc:", "alloc:net1/if1/GW", "10.0.0.1"]}),
                &["ip_addresses[0]", "ip_addresses[1]", "ip_addresses[2]"],
            ),
            (json!({"type": "EXISTING", "veth": null, "link_only": true}), &["namespace", "ip_addresses[1]"]),
            (
                json!({"type": "VRF_DEVICE", "veth": null, "vrf_dev": {}, "phys_address": "02:fe:00:00:00:01", "vrf_master_interface": "x"}),
                &["phys_address", "vrf_master_interface"],
            ),
            (json!({"mtu": 9217, "phys_address": "x"}), &["phys_address", "mtu"]),
        ],
    );
    check_example(
        "linux.l3.route",
        &[
            (json!({"scope": "LINK"}), &["gw_addr"]),
            (json!({"gw_addr": "::1"}), &["gw_addr"]),
            (json!({"gw_addr": "alloc:net1/GW", "dst_network": "alloc:net1"}), &[]),
            (json!({"gw_addr": "alloc:net1", "dst_network": "10.0.0.1"}), &["dst_network", "gw_addr"]),
            (json!({"dst_network": "", "outgoing_interface": ""}), &["dst_network", "outgoing_interface"]),
        ],
    );
    check_example(
        "linux.l3.arp",
        &[(json!({"ip_address": "alloc:net1/if2"}), &[]), (json!({"hw_address": ""}), &["hw_address"])],
    );
    check_example(
        "linux.iptables.rulechain",
        &[
            (json!({"chain_type": "CUSTOM"}), &["chain_name", "default_policy"]),
            (json!({"table": "NAT"}), &["chain_type", "default_policy"]),
            (json!({"table": "RAW", "chain_type": "OUTPUT", "default_policy": "NONE"}), &[]),
            (json!({"rules": [" "], "interfaces": [""]}), &["interfaces[0]", "rules[0]"]),
        ],
    );
    check_example(
        "netalloc.ip",
        &[
            (json!({"address": "", "network_name": "a/b"}), &["address", "network_name"]),
            (json!({"address": "10.0.0.1/33", "gw": "x"}), &["address", "gw"]),
        ],
    );
}
