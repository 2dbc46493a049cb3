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

/// Checks changes to the example of a model.
fn check_example(model: &str, rows: &[(Value, &[&str])]) {
    let example = models::schema::example(model).expect("every model has one");
    check(model, example, &[(json!({}), &[])]);
    check(model, example, rows);
}

#[test]
fn links_of_other_types() {
    let key = "A".repeat(44);
    let link = |kind: &str, link: Value| {
        let mut value = json!({"name": "if1", "type": kind});
        value.as_object_mut().expect("a mapping").extend(link.as_object().expect("a mapping").clone());
        value
    };
    for (value, paths) in [
        (link("SUB_INTERFACE", json!({"sub": {"parent_name": "if0", "sub_id": 7}})), vec![]),
        (link("SUB_INTERFACE", json!({"sub": {}})), vec!["sub.parent_name"]),
        (link("SUB_INTERFACE", json!({"sub": {"parent_name": "if1"}})), vec!["sub.parent_name"]),
        (link("MEMIF", json!({"memif": {"id": 1, "ring_size": 512, "secret": "s"}})), vec![]),
        (
            link(
                "MEMIF",
                json!({"memif": {"ring_size": 3, "secret": "x".repeat(25), "rx_queues": 256, "buffer_size": 65536}}),
            ),
            vec!["memif.secret", "memif.ring_size", "memif.buffer_size", "memif.rx_queues"],
        ),
        (link("AF_PACKET", json!({"afpacket": {}})), vec!["afpacket.host_if_name"]),
        (link("AF_PACKET", json!({"afpacket": {"linux_interface": "veth1"}})), vec![]),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "10.0.0.2", "vni": 7}}),
            ),
            vec![],
        ),
        (link("VXLAN_TUNNEL", json!({"vxlan": {}})), vec!["vxlan.src_address", "vxlan.dst_address"]),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "2001:db8::1", "vni": 16777216}}),
            ),
            vec!["vxlan.dst_address", "vxlan.vni"],
        ),
        (
            link("VXLAN_TUNNEL", json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "239.0.0.1"}})),
            vec!["vxlan.multicast"],
        ),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "10.0.0.2", "gpe": {}}}),
            ),
            vec!["vxlan.gpe.protocol"],
        ),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "x", "gpe": {"protocol": "NSH", "decap_vrf_id": 1}}}),
            ),
            vec!["vxlan.gpe.decap_vrf_id", "vxlan.dst_address"],
        ),
        (
            link("BOND_INTERFACE", json!({"bond": {"bonded_interfaces": [{"name": "a"}, {"name": "b"}]}})),
            vec![],
        ),
        (
            link(
                "BOND_INTERFACE",
                json!({"bond": {"bonded_interfaces": [{"name": "a"}, {"name": "a"}, {"name": "if1"}]}}),
            ),
            vec!["bond.bonded_interfaces[1].name", "bond.bonded_interfaces[2].name"],
        ),
        (
            link(
                "GRE_TUNNEL",
                json!({"gre": {"tunnel_type": "L3", "src_addr": "10.0.0.1", "dst_addr": "10.0.0.2"}}),
            ),
            vec![],
        ),
        (
            link("GRE_TUNNEL", json!({"gre": {"session_id": 1024}})),
            vec!["gre.tunnel_type", "gre.src_addr", "gre.dst_addr", "gre.session_id"],
        ),
        (link("GTPU_TUNNEL", json!({"gtpu": {"src_addr": "10.0.0.1"}})), vec!["gtpu.dst_addr"]),
        (link("IPIP_TUNNEL", json!({"ipip": {"src_addr": "10.0.0.1"}})), vec!["ipip.dst_addr"]),
        (
            link(
                "IPIP_TUNNEL",
                json!({"ipip": {"src_addr": "10.0.0.1", "tunnel_mode": "POINT_TO_MULTIPOINT"}}),
            ),
            vec![],
        ),
        (
            link(
                "WIREGUARD_TUNNEL",
                json!({"wireguard": {"private_key": key, "port": 51820, "src_addr": "10.0.0.1"}}),
            ),
            vec![],
        ),
        (
            link("WIREGUARD_TUNNEL", json!({"wireguard": {"private_key": "x", "port": 65536}})),
            vec!["wireguard.private_key", "wireguard.src_addr", "wireguard.port"],
        ),
        (link("RDMA", json!({"rdma": {"host_if_name": "eth0", "rxq_size": 1024}})), vec![]),
        (
            link("RDMA", json!({"rdma": {"rxq_num": 65536, "rxq_size": 100}})),
            vec!["rdma.host_if_name", "rdma.rxq_num", "rdma.rxq_size"],
        ),
        (link("VMXNET3_INTERFACE", json!({"vmx_net3": {}})), vec![]),
    ] {
        check("vpp.interfaces", &value, &[(json!({}), &paths)]);
    }
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
