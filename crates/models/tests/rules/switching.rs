//! Bridge domains, FIB entries, cross-connects, access lists.

use serde_json::{Value, json};

use crate::{check, check_example};

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
fn switching_and_filtering() {
    check_example(
        "vpp.span",
        &[(json!({"direction": "UNKNOWN", "interface_to": ""}), &["direction", "interface_to"])],
    );
    check_example("vpp.l2.xconnect", &[(json!({"transmit_interface": ""}), &["transmit_interface"])]);
    let ip = |rule: Value| json!({"rules": [{"ip_rule": rule}]});
    check_example(
        "vpp.acls.acl",
        &[
            (json!({"rules": []}), &["rules"]),
            (json!({"rules": [{}]}), &["rules[0]"]),
            (json!({"rules": [{"ip_rule": {}, "macip_rule": {}}]}), &["rules[0]"]),
            (ip(json!({})), &[]),
            (ip(json!({"ip": {"source_network": "10.0.0.0"}})), &["rules[0].ip_rule.ip.source_network"]),
            (
                ip(
                    json!({"ip": {"destination_network": "10.0.0.0/8", "source_network": "::/0", "protocol": 256}}),
                ),
                &["rules[0].ip_rule.ip.source_network", "rules[0].ip_rule.ip.protocol"],
            ),
            (ip(json!({"tcp": {}, "udp": {}})), &["rules[0].ip_rule"]),
            (
                ip(json!({"udp": {"source_port_range": {"lower_port": 9, "upper_port": 8}}})),
                &["rules[0].ip_rule.udp.source_port_range.upper_port"],
            ),
            (
                ip(json!({"icmp": {"icmp_code_range": {"first": 300, "last": 2}}})),
                &[
                    "rules[0].ip_rule.icmp.icmp_code_range.last",
                    "rules[0].ip_rule.icmp.icmp_code_range.first",
                ],
            ),
            (
                json!({"rules": [{"ip_rule": {}}, {"macip_rule": {
                    "source_mac_address": "x", "source_mac_address_mask": "ff:ff:ff:ff:ff:ff",
                    "source_address": "10.0.0.0", "source_address_prefix": 33,
                }}]}),
                &[
                    "rules[1].macip_rule.source_mac_address",
                    "rules[1].macip_rule.source_address_prefix",
                    "rules[1]",
                ],
            ),
            (
                json!({"interfaces": {"ingress": ["a", "a", ""]}}),
                &["interfaces.ingress[1]", "interfaces.ingress[2]"],
            ),
        ],
    );
    check_example(
        "vpp.abfs.abf",
        &[
            (json!({"acl_name": ""}), &["acl_name"]),
            (
                json!({"forwarding_paths": [{}, {"next_hop_ip": "x", "weight": 256}]}),
                &["forwarding_paths[0]", "forwarding_paths[1].weight", "forwarding_paths[1].next_hop_ip"],
            ),
            (
                json!({"attached_interfaces": [{"input_interface": "a"}, {"input_interface": "a"}]}),
                &["attached_interfaces[1].input_interface"],
            ),
        ],
    );
}
