//! The same requests put to a real VPP and to the simulated one. Runs when `VPP_API_SOCKET` names the API socket of
//! a VPP of 20.05 or later on which nothing is configured; what it makes there it deletes.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::path::PathBuf;

use common::compare::Pair;
use common::scenario::layers;
use common::socket::SocketClient;
use serde_json::{Value, json};
use vpp_sim::Sim;

const IFACE: &str = "create_loopback";

fn v4(text: &str) -> String {
    let ip: std::net::Ipv4Addr = text.parse().expect("an address");
    ip.octets().iter().map(|b| format!("{b:02x}")).collect()
}

fn prefix(text: &str, len: u8) -> Value {
    match text.parse().expect("an address") {
        std::net::IpAddr::V4(_) => json!({"address": {"af": 0, "un": {"ip4": v4(text)}}, "len": len}),
        std::net::IpAddr::V6(ip) => {
            let ip: String = ip.octets().iter().map(|b| format!("{b:02x}")).collect();
            json!({"address": {"af": 1, "un": {"ip6": ip}}, "len": len})
        }
    }
}

fn address(sw_if_index: u32, is_add: bool, text: &str, len: u8) -> (&'static str, Value) {
    let fields = json!({"sw_if_index": sw_if_index, "is_add": is_add, "prefix": prefix(text, len)});
    ("sw_interface_add_del_address", fields)
}

fn route(is_add: bool, is_multipath: bool, to: (&str, u8), paths: Value) -> (&'static str, Value) {
    let route = json!({"table_id": 0, "prefix": prefix(to.0, to.1), "paths": paths});
    ("ip_route_add_del", json!({"is_add": is_add, "is_multipath": is_multipath, "route": route}))
}

fn via(sw_if_index: u32, next_hop: &str, weight: u8) -> Value {
    json!({"sw_if_index": sw_if_index, "weight": weight, "nh": {"address": {"ip4": v4(next_hop)}}})
}

fn routes() -> (&'static str, Value) {
    ("ip_route_dump", json!({"table": {"table_id": 0}}))
}

fn routes6() -> (&'static str, Value) {
    ("ip_route_dump", json!({"table": {"table_id": 0, "is_ip6": true}}))
}

fn up(sw_if_index: u32, up: bool) -> (&'static str, Value) {
    ("sw_interface_set_flags", json!({"sw_if_index": sw_if_index, "flags": u8::from(up)}))
}

fn domain(id: u32, is_add: bool) -> (&'static str, Value) {
    let fields = json!({"bd_id": id, "is_add": is_add, "flood": true, "forward": true, "learn": true});
    ("bridge_domain_add_del", fields)
}

fn port(sw_if_index: u32, bd_id: u32, port_type: u32, enable: bool) -> (&'static str, Value) {
    let fields =
        json!({"rx_sw_if_index": sw_if_index, "bd_id": bd_id, "port_type": port_type, "enable": enable});
    ("sw_interface_set_l2_bridge", fields)
}

fn entry(mac: &str, bd_id: u32, sw_if_index: u32, is_add: bool) -> (&'static str, Value) {
    let fields =
        json!({"mac": mac, "bd_id": bd_id, "sw_if_index": sw_if_index, "is_add": is_add, "static_mac": true});
    ("l2fib_add_del", fields)
}

fn interfaces() -> (&'static str, Value) {
    ("sw_interface_dump", json!({"sw_if_index": u32::MAX}))
}

fn entries(bd_id: u32) -> (&'static str, Value) {
    ("l2_fib_table_dump", json!({"bd_id": bd_id}))
}

fn domains() -> (&'static str, Value) {
    ("bridge_domain_dump", json!({"bd_id": u32::MAX, "sw_if_index": u32::MAX}))
}

fn addresses(sw_if_index: u32) -> (&'static str, Value) {
    ("ip_address_dump", json!({"sw_if_index": sw_if_index}))
}

fn scenario(tap: bool) -> Vec<(&'static str, Value)> {
    let mut list = vec![
        ("want_interface_events", json!({"enable_disable": 1, "pid": 7})),
        ("want_interface_events", json!({"enable_disable": 1, "pid": 7})),
        (IFACE, json!({"mac_address": "de0000000001"})),
        (IFACE, json!({"mac_address": "de0000000002"})),
        (IFACE, json!({"mac_address": "de0000000003"})),
        ("create_loopback_instance", json!({"is_specified": true, "user_instance": 1})),
        ("create_loopback_instance", json!({"is_specified": true, "user_instance": 20000})),
        ("sw_interface_tag_add_del", json!({"sw_if_index": 1, "is_add": true, "tag": "one"})),
        ("sw_interface_tag_add_del", json!({"sw_if_index": 2, "is_add": true, "tag": ""})),
        ("sw_interface_tag_add_del", json!({"sw_if_index": 99, "is_add": true, "tag": "one"})),
        interfaces(),
        ("sw_interface_dump", json!({"sw_if_index": 2})),
        ("sw_interface_dump", json!({"sw_if_index": 0})),
        ("sw_interface_dump", json!({"sw_if_index": 99})),
        ("sw_interface_dump", json!({"sw_if_index": 1, "name_filter_valid": true, "name_filter": "OOP1"})),
        ("sw_interface_tag_add_del", json!({"sw_if_index": 1, "is_add": false, "tag": "one"})),
        up(1, true),
        up(1, true),
        up(99, true),
        ("sw_interface_set_mac_address", json!({"sw_if_index": 99, "mac_address": "de0000000009"})),
        ("sw_interface_set_mac_address", json!({"sw_if_index": 0, "mac_address": "de0000000009"})),
        ("sw_interface_set_mtu", json!({"sw_if_index": 99, "mtu": [1, 2, 3, 4]})),
        ("sw_interface_set_mtu", json!({"sw_if_index": 1, "mtu": [1400, 1300, 1280, 1200]})),
        ("hw_interface_set_mtu", json!({"sw_if_index": 1, "mtu": 1500})),
        ("hw_interface_set_mtu", json!({"sw_if_index": 0, "mtu": 1500})),
        ("hw_interface_set_mtu", json!({"sw_if_index": 2, "mtu": 10})),
        ("hw_interface_set_mtu", json!({"sw_if_index": 2, "mtu": 10000})),
        interfaces(),
        // Addresses and connected routes.
        address(99, true, "10.1.1.1", 24),
        address(0, true, "10.1.1.1", 24),
        address(1, true, "10.1.1.1", 24),
        address(1, true, "10.1.1.2", 24),
        address(1, true, "10.1.1.3", 25),
        address(1, true, "10.1.1.1", 24),
        address(2, true, "10.1.1.9", 24),
        address(2, true, "10.1.0.1", 16),
        address(2, true, "10.2.1.1", 31),
        address(2, true, "10.3.1.1", 32),
        address(2, true, "10.4.1.1", 0),
        address(2, true, "fe80::1", 64),
        address(2, true, "2001:db8::1", 64),
        address(1, false, "10.9.9.9", 24),
        address(2, false, "10.1.1.1", 24),
        addresses(1),
        addresses(2),
        addresses(99),
        routes(),
        up(2, true),
        routes(),
        routes6(),
        address(1, false, "10.1.1.1", 24),
        routes(),
        address(1, true, "10.1.1.1", 24),
        up(2, false),
        routes(),
        up(2, true),
        (
            "sw_interface_add_del_address",
            json!({"sw_if_index": 2, "del_all": true, "prefix": prefix("0.0.0.0", 0)}),
        ),
        addresses(2),
        routes(),
        routes6(),
        // Routes.
        route(true, false, ("20.0.0.0", 8), json!([via(1, "10.1.1.7", 0)])),
        route(true, true, ("20.0.0.0", 8), json!([via(1, "10.1.1.6", 5)])),
        route(true, true, ("20.0.0.0", 8), json!([via(1, "10.1.1.6", 9)])),
        route(true, false, ("20.1.2.3", 16), json!([via(1, "10.1.1.7", 1)])),
        route(true, false, ("20.2.2.2", 32), json!([{"sw_if_index": 1, "weight": 1}])),
        route(true, false, ("20.3.0.0", 16), json!([{"sw_if_index": 1, "weight": 1}])),
        route(true, false, ("20.4.0.0", 16), json!([{"sw_if_index": u32::MAX, "type": 2, "weight": 1}])),
        route(true, false, ("20.5.0.0", 16), json!([{"sw_if_index": u32::MAX, "type": 5, "weight": 1}])),
        route(true, false, ("20.6.0.0", 16), json!([{"sw_if_index": u32::MAX, "type": 6, "weight": 1}])),
        route(true, false, ("20.7.0.0", 16), json!([via(u32::MAX, "10.1.1.7", 1)])),
        route(true, false, ("20.8.0.0", 16), json!([{"sw_if_index": u32::MAX, "table_id": 77, "weight": 1}])),
        route(true, false, ("20.9.0.0", 16), json!([via(99, "10.1.1.7", 1)])),
        route(true, false, ("20.10.0.0", 16), json!([])),
        route(true, true, ("20.10.0.0", 16), json!([])),
        route(true, false, ("20.11.0.0", 16), json!([via(1, "10.1.1.7", 2), via(2, "10.1.1.5", 1)])),
        route(true, false, ("0.0.0.0", 0), json!([via(1, "10.1.1.7", 1)])),
        route(true, false, ("10.1.1.0", 24), json!([via(1, "10.1.1.7", 1)])),
        routes(),
        route(false, true, ("20.0.0.0", 8), json!([via(1, "10.1.1.6", 5)])),
        route(false, true, ("20.0.0.0", 8), json!([via(1, "10.1.1.6", 9)])),
        route(false, true, ("20.1.0.0", 16), json!([via(1, "10.1.1.7", 1)])),
        route(false, false, ("20.11.0.0", 16), json!([])),
        route(false, false, ("20.99.0.0", 16), json!([])),
        route(false, false, ("0.0.0.0", 0), json!([])),
        route(false, false, ("10.1.1.0", 24), json!([])),
        routes(),
        // Tables.
        ("ip_table_add_del", json!({"is_add": true, "table": {"table_id": 7, "is_ip6": true, "name": ""}})),
        ("ip_table_add_del", json!({"is_add": true, "table": {"table_id": 7, "name": "seven"}})),
        ("ip_table_add_del", json!({"is_add": true, "table": {"table_id": 7, "name": "eight"}})),
        ("ip_table_dump", json!({})),
        ("ip_route_dump", json!({"table": {"table_id": 7, "is_ip6": true}})),
        ("ip_route_dump", json!({"table": {"table_id": 8}})),
        ("sw_interface_set_table", json!({"sw_if_index": 1, "vrf_id": 7})),
        ("sw_interface_set_table", json!({"sw_if_index": 3, "vrf_id": 8})),
        ("sw_interface_set_table", json!({"sw_if_index": 3, "vrf_id": 7})),
        ("sw_interface_get_table", json!({"sw_if_index": 3})),
        address(3, true, "10.1.1.1", 24),
        up(3, true),
        ("ip_route_dump", json!({"table": {"table_id": 7}})),
        address(3, false, "10.1.1.1", 24),
        ("sw_interface_set_table", json!({"sw_if_index": 3, "vrf_id": 0})),
        ("ip_table_add_del", json!({"is_add": false, "table": {"table_id": 7, "is_ip6": true}})),
        ("ip_table_add_del", json!({"is_add": false, "table": {"table_id": 7}})),
        ("ip_table_add_del", json!({"is_add": false, "table": {"table_id": 70}})),
        ("ip_table_dump", json!({})),
        // Bridge domains.
        domain(0, true),
        domain(0, false),
        domain(1, false),
        domain(1, true),
        domain(1, true),
        domain(1 << 24, true),
        entry("020000000001", 9, 1, true),
        entry("020000000001", 1, 1, true),
        entry("020000000001", 1, 99, true),
        port(99, 1, 0, true),
        port(1, 1 << 24, 0, true),
        port(1, 1, 0, true),
        port(2, 1, 1, true),
        port(3, 1, 1, true),
        domains(),
        entries(1),
        entry("020000000001", 1, 1, true),
        entry("020000000002", 1, 1, true),
        entry("020000000002", 1, 2, true),
        ("l2fib_add_del", json!({"mac": "020000000003", "bd_id": 1, "is_add": true, "filter_mac": true})),
        entry("020000000001", 1, 2, false),
        entry("020000000001", 1, 0, false),
        entry("020000000001", 1, 1, false),
        entries(1),
        entries(9),
        domain(1, false),
        port(2, 1, 1, false),
        entries(1),
        port(1, 2, 0, true),
        domains(),
        port(1, 1, 0, true),
        port(1, 1, 0, false),
        port(3, 1, 0, false),
        domains(),
        // A domain goes, its static entries do not, and the next one has them.
        domain(1, false),
        entries(u32::MAX),
        entry("020000000002", 1, 2, false),
        domain(5, true),
        entries(5),
        entry("020000000002", 5, 2, false),
        entry("020000000003", 5, 0, false),
        domain(5, false),
        domain(2, false),
    ];
    list.extend(layers());
    list.extend([
        // Interfaces go, their routes do not, and the next one has them.
        ("delete_loopback", json!({"sw_if_index": 0})),
        ("delete_loopback", json!({"sw_if_index": 1})),
        interfaces(),
        addresses(1),
        routes(),
        route(false, true, ("20.0.0.0", 8), json!([via(1, "10.1.1.7", 1)])),
        ("delete_loopback", json!({"sw_if_index": 3})),
        (IFACE, json!({})),
        routes(),
        (IFACE, json!({})),
        interfaces(),
        route(false, false, ("20.0.0.0", 8), json!([])),
        route(false, false, ("20.2.2.2", 32), json!([])),
        route(false, false, ("20.3.0.0", 16), json!([])),
        route(false, false, ("20.4.0.0", 16), json!([])),
        route(false, false, ("20.5.0.0", 16), json!([])),
        route(false, false, ("20.6.0.0", 16), json!([])),
        route(false, false, ("20.7.0.0", 16), json!([])),
        route(false, false, ("20.8.0.0", 16), json!([])),
        routes(),
        // Sub-interfaces.
        up(2, false),
        ("create_vlan_subif", json!({"sw_if_index": 2, "vlan_id": 0})),
        ("create_vlan_subif", json!({"sw_if_index": 99, "vlan_id": 5})),
        ("create_vlan_subif", json!({"sw_if_index": 2, "vlan_id": 5})),
        ("create_vlan_subif", json!({"sw_if_index": 2, "vlan_id": 5})),
        up(4, true),
        up(2, true),
        up(4, true),
        interfaces(),
        up(2, false),
        interfaces(),
        ("delete_subif", json!({"sw_if_index": 2})),
        ("delete_subif", json!({"sw_if_index": 4})),
        ("create_vlan_subif", json!({"sw_if_index": 2, "vlan_id": 6})),
        ("delete_loopback", json!({"sw_if_index": 2})),
        ("delete_loopback", json!({"sw_if_index": 1})),
        ("delete_loopback", json!({"sw_if_index": 3})),
        interfaces(),
        ("tap_delete_v2", json!({"sw_if_index": 0})),
        ("cli_inband", json!({"cmd": "show nonsense"})),
        ("want_interface_events", json!({"enable_disable": 0, "pid": 7})),
        ("want_interface_events", json!({"enable_disable": 0, "pid": 7})),
    ]);
    if tap {
        let create = |id: u32| {
            let fields = json!({"id": id, "mac_address": "02fe00000001", "num_rx_queues": 1, "tag": "t",
                "host_if_name_set": true, "host_if_name": format!("vpp-sim{id:x}")});
            ("tap_create_v2", fields)
        };
        let end = list.len() - 1;
        let taps = [
            create(5),
            create(5),
            interfaces(),
            ("sw_interface_tap_v2_dump", json!({"sw_if_index": u32::MAX})),
            up(1, true),
            interfaces(),
            up(1, false),
            interfaces(),
            ("delete_loopback", json!({"sw_if_index": 1})),
            ("tap_delete_v2", json!({"sw_if_index": 1})),
            interfaces(),
        ];
        list.splice(end..end, taps);
    }
    list
}

#[test]
fn same_answers() {
    let Some(mut pair) = Pair::connect(|_| common::options()) else { return };
    for (name, fields) in scenario(std::env::var_os("VPP_HAS_TAP").is_some()) {
        // A VPP may have been built with less.
        if pair.has(&[name]).is_none() {
            println!("{name}: this VPP does not have it");
            continue;
        }
        pair.ask(name, &fields);
    }
    pair.finish();
}

/// A path added beside a stale one. Runs with `VPP_MAY_DIE` set too, as the VPP does where the simulated one does.
#[test]
fn dies_of_the_same() {
    let Some(path) = std::env::var_os("VPP_API_SOCKET").map(PathBuf::from) else {
        println!("skipped: VPP_API_SOCKET is not set");
        return;
    };
    if std::env::var_os("VPP_MAY_DIE").is_none() {
        println!("skipped: VPP_MAY_DIE is not set");
        return;
    }
    let (mut real, release) = SocketClient::find(&path);
    let sim = Sim::new(release, common::options()).expect("a simulated VPP");
    let schema = sim.schema().clone();
    let mut ask =
        |name: &str, fields: Value| real.request(&schema, name, &fields).pop().map(|(_, fields)| fields);
    let index = |reply: Option<Value>| {
        reply.and_then(|r| r["sw_if_index"].as_u64()).and_then(|i| u32::try_from(i).ok()).expect("an index")
    };
    let first = index(ask(IFACE, json!({})));
    let second = index(ask(IFACE, json!({})));
    for (index, text) in [(first, "10.1.1.1"), (second, "10.2.1.1")] {
        for (name, fields) in [up(index, true), address(index, true, text, 24)] {
            assert_eq!(ask(name, fields).expect("a reply")["retval"], 0);
        }
    }
    let (name, fields) = route(true, false, ("20.0.0.0", 8), json!([via(first, "10.1.1.7", 1)]));
    assert_eq!(ask(name, fields).expect("a reply")["retval"], 0);
    assert_eq!(ask("delete_loopback", json!({"sw_if_index": first})).expect("a reply")["retval"], 0);
    let (name, fields) = route(true, true, ("20.0.0.0", 8), json!([via(second, "10.2.1.7", 1)]));
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ask(name, fields))).is_ok();
    assert_eq!(!lived, sim.behaviour().stale_path_kills);
}
