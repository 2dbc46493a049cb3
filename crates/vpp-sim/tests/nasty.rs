//! What hurts a real VPP hurts the simulated one.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::Client;
use serde_json::{Value, json};

fn route(is_add: bool, is_multipath: bool, sw_if_index: u64, next_hop: &str) -> Value {
    json!({"is_add": is_add, "is_multipath": is_multipath, "route": {
        "prefix": {"address": {"af": 0, "un": {"ip4": "14000000"}}, "len": 8},
        "paths": [{"sw_if_index": sw_if_index, "weight": 1, "nh": {"address": {"ip4": next_hop}}}]}})
}

fn interface_of_route(client: &mut Client) -> Option<u64> {
    let routes = client.answers("ip_route_dump", json!({"table": {}}));
    let route = routes.iter().map(|r| &r["route"]).find(|r| r["prefix"]["len"] == 8)?;
    route["paths"][0]["sw_if_index"].as_u64()
}

#[test]
fn the_next_interface_inherits_routes() {
    let mut client = Client::new("23.06");
    let (first, second) = (client.loopback(), client.loopback());
    assert_eq!(client.retval("ip_route_add_del", route(true, false, first, "0a010107")), 0);
    assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": first})), 0);
    assert_eq!(interface_of_route(&mut client), Some(first));
    // The stale path cannot be named.
    assert_eq!(client.retval("ip_route_add_del", route(false, true, first, "0a010107")), -54);
    // The next interface has the index, and the route.
    assert_eq!(client.loopback(), first);
    assert_eq!(interface_of_route(&mut client), Some(first));
    // Replacing is how it is mended.
    assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": first})), 0);
    assert_eq!(client.retval("ip_route_add_del", route(true, false, second, "0a010107")), 0);
    assert_eq!(interface_of_route(&mut client), Some(second));
}

/// Of whatever kind the interfaces are.
#[test]
fn a_memif_inherits_from_a_tunnel() {
    let mut client = Client::new("23.06");
    let tunnel = |is_add: bool| {
        json!({"is_add": is_add, "src_address": {"ip": "10.0.0.1"}, "dst_address": {"ip": "10.0.0.2"}, "vni": 9,
            "instance": u32::MAX, "decap_next_index": u32::MAX})
    };
    client.expect("vxlan_add_del_tunnel_v3", tunnel(true), 0);
    let bridge = |port: u64| json!({"rx_sw_if_index": port, "bd_id": 1, "enable": true});
    client.expect("sw_interface_set_l2_bridge", bridge(1), 0);
    let entry =
        json!({"mac": "020000000001", "bd_id": 1, "sw_if_index": 1, "is_add": true, "static_mac": true});
    client.expect("l2fib_add_del", entry, 0);
    assert_eq!(client.retval("ip_route_add_del", route(true, false, 1, "0a010107")), 0);
    client.expect("sw_interface_span_enable_disable", json!({"sw_if_index_from": 1, "state": 3}), 0);
    client.expect("dhcp_client_config", json!({"is_add": true, "client": {"sw_if_index": 1}}), 0);

    client.expect("vxlan_add_del_tunnel_v3", tunnel(false), 0);
    client.expect("memif_create_v2", json!({"role": 1}), 0);
    assert_eq!(client.name(1).as_deref(), Some("memif0/0"));
    assert_eq!(interface_of_route(&mut client), Some(1));
    assert_eq!(client.answers("l2_fib_table_dump", json!({"bd_id": 1}))[0]["sw_if_index"], 1);
    assert_eq!(client.answers("sw_interface_span_dump", json!({})).len(), 1);
    assert_eq!(client.answers("dhcp_client_dump", json!({})).len(), 1);
    // The bridge domain forgot its port.
    let domains = client.answers("bridge_domain_dump", json!({"bd_id": 1, "sw_if_index": u32::MAX}));
    assert_eq!(domains[0]["n_sw_ifs"], 0);
}

#[test]
fn a_path_beside_a_stale_one_kills() {
    for (release, dies) in [("20.05", false), ("21.01", false), ("21.06", true), ("26.06", true)] {
        let mut client = Client::new(release);
        let (first, second) = (client.loopback(), client.loopback());
        assert_eq!(client.retval("ip_route_add_del", route(true, false, first, "0a010107")), 0);
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": first})), 0);
        let answers = client.answers("ip_route_add_del", route(true, true, second, "0a010108"));
        assert_eq!(client.sim.died().is_some(), dies, "{release}");
        assert_eq!(answers.is_empty(), dies, "{release}");
    }
}

#[test]
fn the_next_bridge_domain_inherits_entries() {
    for release in ["18.10", "20.05", "26.06"] {
        let mut client = Client::new(release);
        let port = client.loopback();
        let domain = |id: u32, is_add: bool| json!({"bd_id": id, "is_add": u8::from(is_add), "learn": 1});
        assert_eq!(client.retval("bridge_domain_add_del", domain(1, true)), 0);
        let enable = json!({"rx_sw_if_index": port, "bd_id": 1, "enable": 1});
        assert_eq!(client.retval("sw_interface_set_l2_bridge", enable), 0);
        let entry = |id: u32, is_add: bool| {
            json!({"mac": "020000000001", "bd_id": id, "sw_if_index": port, "is_add": u8::from(is_add),
                "static_mac": 1})
        };
        assert_eq!(client.retval("l2fib_add_del", entry(1, true)), 0);
        assert_eq!(client.retval("bridge_domain_add_del", domain(1, false)), -120, "in use");
        // The port goes with its interface, the entry stays with the dead index.
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": port})), 0);
        let entries = client.answers("l2_fib_table_dump", json!({"bd_id": 1}));
        assert_eq!(entries[0]["sw_if_index"], json!(port));
        // While its domain is gone it cannot be removed, and the next domain has it.
        assert_eq!(client.retval("bridge_domain_add_del", domain(1, false)), 0);
        assert_eq!(client.retval("l2fib_add_del", entry(1, false)), -6);
        assert_eq!(client.retval("bridge_domain_add_del", domain(9, true)), 0);
        assert_eq!(client.answers("l2_fib_table_dump", json!({"bd_id": 9})).len(), 1);
        assert_eq!(client.retval("l2fib_add_del", entry(9, false)), 0);
        assert_eq!(client.answers("l2_fib_table_dump", json!({"bd_id": 9})).len(), 0);
    }
}

#[test]
fn refusals() {
    let mut client = Client::new("26.06");
    assert_eq!(client.retval("sw_interface_set_flags", json!({"sw_if_index": 4, "flags": 1})), -2);
    assert_eq!(client.retval("l2fib_add_del", json!({"bd_id": 4, "is_add": true})), -6);
    let port = client.loopback();
    assert_eq!(client.retval("bridge_domain_add_del", json!({"bd_id": 4, "is_add": true})), 0);
    assert_eq!(client.retval("bridge_domain_add_del", json!({"bd_id": 4, "is_add": true})), -119);
    let entry = json!({"mac": "020000000001", "bd_id": 4, "sw_if_index": port, "is_add": true});
    assert_eq!(client.retval("l2fib_add_del", entry), -2, "not a port");
    let twice = json!({"enable_disable": 1, "pid": 1});
    assert_eq!(client.retval("want_interface_events", twice.clone()), 0);
    assert_eq!(client.retval("want_interface_events", twice), -31);
}

#[test]
fn taps() {
    for release in ["18.10", "20.05", "22.02", "26.06"] {
        let mut client = Client::new(release);
        let any = json!({"id": u32::MAX, "mac_address": "02fe00000001", "host_if_name_set": 1,
            "host_if_name": if release == "18.10" { "766d31" } else { "vm1" }});
        let first = client.call("tap_create_v2", any.clone());
        assert_eq!(
            (first["retval"].clone(), first["sw_if_index"].clone()),
            (json!(0), json!(1)),
            "{release}"
        );
        assert_eq!(client.call("tap_create_v2", any)["sw_if_index"], 2);
        assert_eq!(client.retval("tap_create_v2", json!({"id": 1})), -71);
        let name = client.sim.state().interfaces.get(2).map(|i| i.name.clone());
        assert_eq!(name.as_deref(), Some("tap1"));
        let ask = if release == "18.10" { json!({}) } else { json!({"sw_if_index": u32::MAX}) };
        let taps = client.answers("sw_interface_tap_v2_dump", ask);
        assert_eq!(taps.len(), 2, "{release}");
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": 1})), -2);
        assert_eq!(client.retval("tap_delete_v2", json!({"sw_if_index": 1})), 0);
        assert_eq!(client.retval("tap_delete_v2", json!({"sw_if_index": 1})), -2);
    }
}
