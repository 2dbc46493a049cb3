//! Translation, security, segments, records.

use models::Registry;
use serde_json::{Value, json};

use crate::check_example;

#[test]
fn translation() {
    check_example(
        "vpp.nat.nat44-global",
        &[
            (
                json!({"nat_interfaces": [{"name": "a"}, {"name": "a"}, {"name": "a", "is_inside": true, "output_feature": true}]}),
                &[
                    "nat_interfaces[1]",
                    "nat_interfaces[2].output_feature",
                    "nat_interfaces[2].output_feature",
                ],
            ),
            (
                json!({"address_pool": [{"address": "10.0.0.1"}, {"address": "10.0.0.1"}, {}]}),
                &["address_pool[1].address", "address_pool[2].address"],
            ),
        ],
    );
    check_example(
        "vpp.nat.nat44-interface",
        &[(json!({"nat_outside": true, "output_feature": true}), &["output_feature"])],
    );
    check_example(
        "vpp.nat.nat44-pool",
        &[
            (json!({"first_ip": ""}), &["first_ip"]),
            (json!({"last_ip": "10.0.0.1"}), &["last_ip"]),
            (json!({"first_ip": "::1"}), &["first_ip"]),
        ],
    );
    let mapping = |mapping: Value| json!({"st_mappings": [mapping], "id_mappings": []});
    check_example(
        "vpp.nat.dnat44",
        &[
            (json!({"label": "x".repeat(64)}), &["label"]),
            (json!({"id_mappings": [{}]}), &["id_mappings[0]"]),
            (mapping(json!({})), &["st_mappings[0]", "st_mappings[0].local_ips"]),
            (
                mapping(json!({"external_ip": "10.0.0.1", "external_port": 65536, "local_ips": [{}]})),
                &["st_mappings[0].local_ips[0].local_ip", "st_mappings[0].external_port"],
            ),
            (
                mapping(
                    json!({"external_ip": "10.0.0.1", "twice_nat_pool_ip": "10.0.0.2", "local_ips": [{"local_ip": "10.0.0.3"}, {"local_ip": "10.0.0.4"}]}),
                ),
                &["st_mappings[0].twice_nat_pool_ip", "st_mappings[0].twice_nat_pool_ip"],
            ),
        ],
    );
}

#[test]
fn security() {
    check_example("vpp.ipsec.spd", &[(json!({"policy_entries": [{}]}), &["policy_entries"])]);
    check_example(
        "vpp.ipsec.sp",
        &[
            (json!({"remote_addr_start": "10.0.0.2"}), &["remote_addr_stop"]),
            (json!({"remote_addr_stop": "::1"}), &["remote_addr_stop"]),
            (json!({"local_port_start": 2, "protocol": 256}), &["protocol", "local_port_stop"]),
            (json!({"remote_addr_start": ""}), &["remote_addr_start"]),
        ],
    );
    check_example(
        "vpp.ipsec.sa",
        &[
            (json!({"crypto_key": "00"}), &["crypto_key"]),
            (json!({"crypto_key": "xx", "integ_key": "0"}), &["crypto_key", "integ_key"]),
            (json!({"integ_key": ""}), &["integ_key"]),
            (json!({"crypto_alg": "AES_GCM_256"}), &["crypto_key"]),
            (json!({"protocol": "AH", "integ_alg": "NONE_INTEG"}), &["integ_alg"]),
            (json!({"tunnel_dst_addr": ""}), &["tunnel_dst_addr"]),
            (json!({"tunnel_dst_addr": "::1"}), &["tunnel_dst_addr"]),
        ],
    );
    check_example("vpp.ipsec.tun-protect", &[(json!({"sa_out": [], "sa_in": []}), &["sa_out", "sa_in"])]);
    check_example(
        "vpp.wg.peer",
        &[
            (
                json!({"public_key": "x", "endpoint": "::", "persistent_keepalive": 65536}),
                &["public_key", "persistent_keepalive", "endpoint"],
            ),
            (
                json!({"endpoint": "host.example", "allowed_ips": ["10.0.0.0/33"]}),
                &["endpoint", "allowed_ips[0]"],
            ),
        ],
    );
}

#[test]
fn keys_are_not_shown_in_what_is_wrong_with_them() {
    let registry = Registry::builtin().expect("the table is good");
    let secret = "deadbeefdeadbeef0";
    let value = json!({"index": 1, "protocol": "ESP", "crypto_alg": "AES_CBC_128", "crypto_key": secret, "integ_key": secret});
    let problems = registry.by_name("vpp.ipsec.sa").expect("known").decode(&value).expect("typed").validate();
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|problem| !problem.reason.contains("dead")), "{problems:?}");
}

#[test]
fn punting_segments_and_records() {
    check_example(
        "vpp.ipredirect",
        &[
            (json!({"l3_protocol": 0, "next_hop": ""}), &["l3_protocol", "next_hop"]),
            (json!({"next_hop": "::1"}), &["next_hop"]),
        ],
    );
    check_example(
        "vpp.tohost",
        &[(
            json!({"l3_protocol": 0, "l4_protocol": 0, "port": 0, "socket_path": ""}),
            &["l3_protocol", "l4_protocol", "port", "socket_path"],
        )],
    );
    check_example("vpp.exception", &[(json!({"reason": "", "socket_path": ""}), &["socket_path", "reason"])]);
    check_example(
        "vpp.srv6.localsid",
        &[
            (json!({"sid": "10.0.0.1"}), &["sid"]),
            (
                json!({"end_function_dx6": {}}),
                &["end_function_dx6.outgoing_interface", "end_function_dx6.next_hop"],
            ),
            (
                json!({"end_function_dx6": {"outgoing_interface": "a", "next_hop": "10.0.0.1"}}),
                &["end_function_dx6.next_hop"],
            ),
            (json!({"end_function_dx6": null}), &["end_function"]),
        ],
    );
    check_example(
        "vpp.srv6.policy",
        &[
            (json!({"segment_lists": []}), &["segment_lists"]),
            (
                json!({"segment_lists": [{"segments": ["a::", "x"]}, {}, {"segments": ["a::", "x"]}]}),
                &[
                    "segment_lists[1].segments",
                    "segment_lists[2].segments",
                    "segment_lists[0].segments[1]",
                    "segment_lists[2].segments[1]",
                ],
            ),
            (json!({"segment_lists": [{"segments": vec!["a::"; 17]}]}), &["segment_lists[0].segments"]),
        ],
    );
    check_example(
        "vpp.srv6.steering",
        &[
            (json!({"policy_bsid": null, "policy_index": 3}), &[]),
            (json!({"policy_bsid": null, "l3_traffic": null}), &["policy_bsid", "traffic"]),
            (json!({"l3_traffic": {"prefix_address": "a::"}}), &["l3_traffic.prefix_address"]),
        ],
    );
    check_example(
        "vpp.srv6.srv6-global",
        &[(json!({"encap_source_address": "10.0.0.1"}), &["encap_source_address"])],
    );
    check_example(
        "vpp.stn.rule",
        &[(json!({"interface": "", "ip_address": ""}), &["interface", "ip_address"])],
    );
    check_example(
        "vpp.ipfix.ipfix",
        &[
            (json!({"path_mtu": 0}), &[]),
            (
                json!({"path_mtu": 67, "collector": null, "source_address": ""}),
                &["collector.address", "source_address", "path_mtu"],
            ),
            (json!({"path_mtu": 1451}), &["path_mtu"]),
        ],
    );
    check_example(
        "vpp.ipfix.flowprobe-params",
        &[(json!({"record_l3": false, "record_l4": false}), &["record_l3"])],
    );
    check_example(
        "vpp.dns.dnscache",
        &[(
            json!({"upstream_dns_servers": ["x", ""]}),
            &["upstream_dns_servers[0]", "upstream_dns_servers[1]"],
        )],
    );
}
