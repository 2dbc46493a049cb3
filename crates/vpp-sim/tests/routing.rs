//! What layer 3 keeps and refuses, in every release.
#![allow(clippy::expect_used, clippy::panic)]

mod common;

use common::Client;
use common::layers::{any, every_release};
use serde_json::{Value, json};

const ALL: u32 = u32::MAX;

/// A table of IPv4, in either shape.
fn table(client: &mut Client, message: &str, id: u32, is_add: bool) -> i64 {
    let fields = [("is_add", json!(is_add)), ("table_id", json!(id)), ("table.table_id", json!(id))];
    client.ask(message, &fields)
}

fn bind(client: &mut Client, sw_if_index: u64, id: u32) -> i64 {
    client.ask("sw_interface_set_table", &[("sw_if_index", json!(sw_if_index)), ("vrf_id", json!(id))])
}

const IP4: &str = "0a010107";
const IP6: &str = "20010db8000000000000000000000007";
const STATIC: u32 = 1;
const NO_FIB: u32 = 2;

fn neighbor(client: &mut Client, is_add: bool, sw_if_index: u64, ip: &str, mac: &str, flags: u32) -> i64 {
    let v6 = ip.len() == 32;
    let arm = if v6 { "neighbor.ip_address.un.ip6" } else { "neighbor.ip_address.un.ip4" };
    client.ask(
        "ip_neighbor_add_del",
        &[
            ("is_add", json!(is_add)),
            ("sw_if_index", json!(sw_if_index)),
            ("is_ipv6", json!(v6)),
            ("is_static", json!(flags & STATIC != 0)),
            ("is_no_adj_fib", json!(flags & NO_FIB != 0)),
            ("mac_address", json!(mac)),
            ("dst_address", json!(format!("{ip:0<32}"))),
            ("neighbor.sw_if_index", json!(sw_if_index)),
            ("neighbor.flags", json!(flags)),
            ("neighbor.mac_address", json!(mac)),
            ("neighbor.ip_address.af", json!(u8::from(v6))),
            (arm, json!(ip)),
        ],
    )
}

/// Interface, MAC and whether it is static.
fn neighbors(client: &mut Client, sw_if_index: u32, v6: bool) -> Vec<(u64, String, bool)> {
    let ask = [("sw_if_index", json!(sw_if_index)), ("is_ipv6", json!(v6)), ("af", json!(u8::from(v6)))];
    let text = |value: &Value| value.as_str().expect("text").to_string();
    client
        .list("ip_neighbor_dump", &ask)
        .iter()
        .map(|n| {
            let flags = any(n, &["neighbor.flags", "is_static"]).as_u64().expect("flags");
            (
                any(n, &["neighbor.sw_if_index", "sw_if_index"]).as_u64().expect("an index"),
                text(any(n, &["neighbor.mac_address", "mac_address"])),
                flags & 1 == 1,
            )
        })
        .collect()
}

fn up(client: &mut Client, sw_if_index: u64, up: bool) -> i64 {
    let fields =
        [("sw_if_index", json!(sw_if_index)), ("flags", json!(u8::from(up))), ("admin_up_down", json!(up))];
    client.ask("sw_interface_set_flags", &fields)
}

/// Prefixes of 32 bits in a table, as hex.
fn hosts(client: &mut Client, id: u32) -> Vec<String> {
    let name = if client.knows("ip_route_dump") { "ip_route_dump" } else { "ip_fib_dump" };
    let details = client.list(name, &[("table.table_id", json!(id))]);
    let ours = details.iter().filter(|d| any(d, &["route.table_id", "table_id"]) == id);
    ours.filter(|d| any(d, &["route.prefix.len", "address_length"]) == 32)
        .map(|d| any(d, &["route.prefix.address.un.ip4", "address"]).as_str().expect("hex")[..8].to_string())
        .collect()
}

#[test]
fn neighbours() {
    every_release(|client, release| {
        let (first, second) = (client.loopback(), client.loopback());
        let (mac, other) = ("020000000001", "020000000002");
        assert_eq!(neighbor(client, true, 99, IP4, mac, STATIC), -2, "{release}");
        assert_eq!(neighbor(client, true, first, IP4, mac, 0), 0);
        assert_eq!(neighbors(client, 1, false), [(first, mac.to_string(), false)], "{release}");
        assert!(hosts(client, 0).contains(&IP4.to_string()), "{release}: it has a route");
        assert_eq!(neighbors(client, 2, false), []);
        assert_eq!(neighbors(client, ALL, true), []);
        // A static one with the same MAC.
        assert_eq!(neighbor(client, true, first, IP4, mac, STATIC), 0);
        assert_eq!(neighbors(client, ALL, false)[0].2, client.from(20, 9), "{release}");
        assert_eq!(neighbor(client, true, first, IP4, other, STATIC), 0);
        assert_eq!(neighbors(client, ALL, false), [(first, other.to_string(), true)]);
        // What is learned does not replace what was set.
        let refused = if client.from(20, 1) { -2 } else { 0 };
        assert_eq!(neighbor(client, true, first, IP4, mac, 0), refused, "{release}");
        assert_eq!(neighbors(client, ALL, false), [(first, other.to_string(), true)]);
        assert_eq!(neighbor(client, true, second, IP6, mac, STATIC), 0);
        assert_eq!(neighbor(client, true, second, IP6, other, 0), -2, "{release}");
        assert_eq!(neighbors(client, ALL, true), [(second, mac.to_string(), true)]);

        let new = client.from(20, 1);
        let missing = |v6: bool| match () {
            () if new => -6,
            () if v6 => -1,
            () => 0,
        };
        assert_eq!(neighbor(client, false, second, IP4, mac, 0), missing(false), "{release}");
        assert_eq!(neighbor(client, false, first, IP6, mac, 0), missing(true), "{release}");
        assert_eq!(neighbor(client, false, first, IP4, mac, 0), 0);
        assert_eq!(neighbor(client, false, second, IP6, mac, 0), 0);
        assert_eq!((neighbors(client, ALL, false), neighbors(client, ALL, true)), (vec![], vec![]));
        assert!(!hosts(client, 0).contains(&IP4.to_string()), "{release}");
        assert_eq!(neighbor(client, true, first, IP4, mac, NO_FIB), 0);
        assert!(!hosts(client, 0).contains(&IP4.to_string()), "{release}: asked for no route");
    });
}

#[test]
fn neighbours_follow_their_interface() {
    every_release(|client, release| {
        let port = client.loopback();
        let mac = "020000000001";
        assert_eq!(up(client, port, true), 0);
        assert_eq!(neighbor(client, true, port, IP4, mac, STATIC), 0);
        assert_eq!(neighbor(client, true, port, "0a010108", mac, 0), 0);
        // The route is in the table of the interface.
        assert_eq!(table(client, "ip_table_add_del", 7, true), 0);
        assert_eq!(bind(client, port, 7), 0);
        assert!(hosts(client, 7).contains(&IP4.to_string()), "{release}");
        assert!(!hosts(client, 0).contains(&IP4.to_string()), "{release}");
        // Down, what was learned is forgotten.
        assert_eq!(up(client, port, false), 0);
        assert_eq!(neighbors(client, ALL, false), [(port, mac.to_string(), true)], "{release}");
        assert_eq!(neighbor(client, true, port, IP6, mac, STATIC), 0);
        client.delete_loopback(port);
        let (ip4, ip6) = match () {
            () if client.from(26, 2) => (0, 0),
            () if client.from(20, 1) => (1, 1),
            () if client.from(19, 1) => (0, 1),
            () => (1, 1),
        };
        assert_eq!(neighbors(client, ALL, false).len(), ip4, "{release}");
        assert_eq!(neighbors(client, ALL, true).len(), ip6, "{release}");
        assert_eq!(client.loopback(), port, "the next interface inherits them");
    });
}

#[test]
fn limits_and_flushes_of_neighbours() {
    every_release(|client, release| {
        if !client.knows("ip_neighbor_config") {
            assert_eq!(client.ask("ip_scan_neighbor_enable_disable", &[("mode", json!(1))]), 0, "{release}");
            return;
        }
        let port = client.loopback();
        let limit = |client: &mut Client, recycle: bool| {
            let fields = [
                ("af", json!(0)),
                ("max_number", json!(1)),
                ("max_age", json!(9)),
                ("recycle", json!(recycle)),
            ];
            client.ask("ip_neighbor_config", &fields)
        };
        assert_eq!(limit(client, false), 0);
        if client.knows("ip_neighbor_config_get") {
            let set = client.call("ip_neighbor_config_get", json!({"af": 0}));
            assert_eq!(
                (&set["max_number"], &set["max_age"], &set["recycle"]),
                (&json!(1), &json!(9), &json!(false))
            );
            assert_eq!(client.call("ip_neighbor_config_get", json!({"af": 1}))["max_number"], 50_000);
        }
        let (mac, other) = ("020000000001", "0a010108");
        assert_eq!(neighbor(client, true, port, IP4, mac, 0), 0);
        assert_eq!(neighbor(client, true, port, other, mac, 0), -162, "{release}");
        assert_eq!(limit(client, true), 0);
        assert_eq!(neighbor(client, true, port, other, mac, 0), 0);
        assert_eq!(neighbors(client, ALL, false).len(), 1, "the oldest gave way");
        if client.knows("ip_neighbor_flush") {
            let flush = |client: &mut Client, index: u64, af: u8| {
                client.ask("ip_neighbor_flush", &[("sw_if_index", json!(index)), ("af", json!(af))])
            };
            assert_eq!(flush(client, 99, 0), -2);
            assert_eq!(flush(client, u64::from(ALL), 1), 0);
            assert_eq!(neighbors(client, ALL, false).len(), 1);
            assert_eq!(flush(client, port, 0), 0);
            assert_eq!(neighbors(client, ALL, false), [], "{release}");

            assert_eq!(neighbor(client, true, port, IP4, mac, 0), 0);
            assert_eq!(neighbor(client, true, port, IP6, mac, STATIC), 0);
            assert_eq!(client.ask("ip_neighbor_replace_begin", &[]), 0);
            assert_eq!(neighbor(client, true, port, IP6, mac, STATIC), 0);
            assert_eq!(client.ask("ip_neighbor_replace_end", &[]), 0);
            assert_eq!((neighbors(client, ALL, false).len(), neighbors(client, ALL, true).len()), (0, 1));
        }
    });
}

#[test]
fn proxy_arp() {
    let range = |client: &mut Client, id: u32, is_add: bool| {
        let (low, high) = (json!("0a010164"), json!("0a01016e"));
        client.ask(
            "proxy_arp_add_del",
            &[
                ("is_add", json!(is_add)),
                ("proxy.table_id", json!(id)),
                ("proxy.vrf_id", json!(id)),
                ("proxy.low", low.clone()),
                ("proxy.low_address", low),
                ("proxy.hi", high.clone()),
                ("proxy.hi_address", high),
            ],
        )
    };
    let interface = |client: &mut Client, index: u64, enable: bool| {
        let fields =
            [("sw_if_index", json!(index)), ("enable", json!(enable)), ("enable_disable", json!(enable))];
        client.ask("proxy_arp_intfc_enable_disable", &fields)
    };
    every_release(|client, release| {
        assert_eq!(range(client, 7, true), -3, "{release}");
        assert_eq!(range(client, 0, false), -6);
        assert_eq!((range(client, 0, true), range(client, 0, true)), (0, 0));
        assert_eq!(client.list("proxy_arp_dump", &[]).len(), 1);
        assert_eq!(table(client, "ip_table_add_del", 7, true), 0);
        assert_eq!(range(client, 7, true), 0);
        let ranges = client.list("proxy_arp_dump", &[]);
        let shown = any(&ranges[1], &["proxy.table_id", "proxy.vrf_id"]);
        assert_eq!(*shown, if client.from(25, 10) { 7 } else { 1 }, "{release}: an index up to 25.06");
        assert_eq!(any(&ranges[1], &["proxy.hi", "proxy.hi_address"]), "0a01016e");
        assert_eq!((range(client, 7, false), range(client, 0, false)), (0, 0));
        assert_eq!(client.list("proxy_arp_dump", &[]).len(), 0);

        let port = client.loopback();
        assert_eq!(interface(client, 99, true), -2);
        assert_eq!((interface(client, port, true), interface(client, port, true)), (0, 0));
        let interfaces = client.list("proxy_arp_intfc_dump", &[]);
        assert_eq!((interfaces.len(), &interfaces[0]["sw_if_index"]), (1, &json!(port)));
        assert_eq!(interface(client, port, false), 0);
        assert_eq!(client.list("proxy_arp_intfc_dump", &[]).len(), 0);
        assert_eq!(interface(client, port, true), 0);
        client.delete_loopback(port);
        let left = usize::from(client.from(19, 8));
        assert_eq!(client.list("proxy_arp_intfc_dump", &[]).len(), left, "{release}");
    });
}

#[test]
fn tables() {
    let exists = |client: &Client, id: u32| client.sim.state().fib.table(id, false).is_some();
    every_release(|client, release| {
        let hash = |client: &mut Client, id: u32| {
            client.ask(
                "set_ip_flow_hash",
                &[("vrf_id", json!(id)), ("src", json!(true)), ("proto", json!(true))],
            )
        };
        assert_eq!((hash(client, 7), hash(client, 0)), (-3, 0), "{release}");
        assert!(client.show("show ip fib").contains("flow hash:[src proto ]"), "{release}");
        let label = if client.from(21, 6) { "flowlabel " } else { "" };
        let default = format!("flow hash:[src dst sport dport proto {label}]");
        assert!(client.show("show ip6 fib").contains(&default), "{release}");
        for name in ["set_ip_flow_hash_v2", "set_ip_flow_hash_v3"] {
            if client.knows(name) {
                let ask = |id: u32| json!({"table_id": id, "af": 1, "flow_hash_config": 3});
                assert_eq!((client.retval(name, ask(7)), client.retval(name, ask(0))), (-3, 0));
                assert!(client.show("show ip6 fib").contains("flow hash:[src dst ]"), "{release}");
            }
        }
        // A table goes when nothing is in it any more.
        let port = client.loopback();
        assert_eq!(table(client, "ip_table_add_del", 7, true), 0);
        assert_eq!(bind(client, port, 7), 0);
        assert_eq!(table(client, "ip_table_add_del", 7, false), 0);
        assert!(exists(client, 7), "{release}: an interface is in it");
        assert_eq!(bind(client, port, 0), 0);
        assert!(!exists(client, 7), "{release}");
        // Added again while it is in use, it is there for good from 22.02 on.
        assert_eq!(table(client, "ip_table_add_del", 7, true), 0);
        assert_eq!(bind(client, port, 7), 0);
        assert_eq!(table(client, "ip_table_add_del", 7, false), 0);
        assert_eq!(table(client, "ip_table_add_del", 7, true), 0);
        assert_eq!(bind(client, port, 0), 0);
        assert_eq!(exists(client, 7), client.from(22, 2), "{release}");
        // The interface of a table may be gone too.
        assert_eq!(table(client, "ip_table_add_del", 8, true), 0);
        assert_eq!(bind(client, port, 8), 0);
        assert_eq!(table(client, "ip_table_add_del", 8, false), 0);
        client.delete_loopback(port);
        assert!(!exists(client, 8), "{release}");
    });
}

fn route(is_add: bool, id: u32, to: &str, paths: &Value) -> Value {
    json!({"is_add": is_add, "route": {"table_id": id, "paths": paths,
        "prefix": {"address": {"af": 0, "un": {"ip4": to}}, "len": 16}}})
}

#[test]
fn flushed_and_replaced_tables() {
    every_release(|client, release| {
        if !client.knows("ip_table_flush") {
            return;
        }
        let port = client.loopback();
        assert_eq!(up(client, port, true), 0);
        let via = json!([{"sw_if_index": port, "weight": 1, "nh": {"address": {"ip4": IP4}}}]);
        let ours = |client: &mut Client| {
            let routes = client.list("ip_route_dump", &[]);
            routes.iter().filter(|r| r["route"]["prefix"]["len"] == 16).count()
        };
        for name in ["ip_table_flush", "ip_table_replace_begin", "ip_table_replace_end"] {
            assert_eq!(table(client, name, 7, true), -3, "{release} {name}");
        }
        for to in ["14010000", "14020000"] {
            assert_eq!(client.retval("ip_route_add_del", route(true, 0, to, &via)), 0);
        }
        assert_eq!(table(client, "ip_table_replace_begin", 0, true), 0);
        assert_eq!(client.retval("ip_route_add_del", route(true, 0, "14010000", &via)), 0);
        assert_eq!(client.retval("ip_route_add_del", route(true, 0, "14030000", &via)), 0);
        assert_eq!(table(client, "ip_table_replace_end", 0, true), 0);
        assert_eq!(ours(client), 2, "{release}: what was not set again is gone");
        // It also sets the interfaces of the table down.
        assert_eq!(table(client, "ip_table_flush", 0, true), 0);
        assert_eq!(ours(client), 0, "{release}");
        assert_eq!(client.sim.state().interfaces.get(1).map(|i| i.admin_up), Some(false));
    });
}

#[test]
fn paths_of_routes() {
    every_release(|client, release| {
        if !client.knows("ip_route_add_del") {
            return;
        }
        let (first, second) = (client.loopback(), client.loopback());
        assert_eq!(table(client, "ip_table_add_del", 7, true), 0);
        let through = |index: u64, weight: u8, preference: u8| {
            json!({"sw_if_index": index, "weight": weight, "preference": preference,
                "nh": {"address": {"ip4": IP4}}})
        };
        let cases = [
            ("14010000", json!([through(first, 3, 0), through(second, 1, 0)])),
            ("14020000", json!([through(first, 1, 0), through(second, 1, 9)])),
            ("14030000", json!([{"sw_if_index": ALL, "type": 2, "weight": 1}])),
            ("14040000", json!([{"sw_if_index": ALL, "table_id": 7, "weight": 1}])),
            (
                "14050000",
                json!([{"sw_if_index": ALL, "table_id": 7, "weight": 1, "nh": {"address": {"ip4": IP4}}}]),
            ),
        ];
        for (to, paths) in &cases {
            assert_eq!(client.retval("ip_route_add_del", route(true, 0, to, paths)), 0, "{release} {to}");
            let routes = client.list("ip_route_dump", &[]);
            let shown = routes
                .iter()
                .map(|r| &r["route"])
                .find(|r| r["prefix"]["address"]["un"]["ip4"] == *to)
                .expect("the route");
            assert_eq!(shown["n_paths"], json!(paths.as_array().map(Vec::len)), "{release} {to}");
            for (shown, asked) in
                shown["paths"].as_array().expect("paths").iter().zip(paths.as_array().expect("paths"))
            {
                for field in ["weight", "preference", "table_id", "type"] {
                    let asked = asked.get(field).cloned().unwrap_or(json!(0));
                    assert_eq!(shown[field], asked, "{release} {to} {field}");
                }
            }
        }
        // A table that a route leads to stays until the route goes.
        assert_eq!(table(client, "ip_table_add_del", 7, false), 0);
        assert!(client.sim.state().fib.table(7, false).is_some(), "{release}");
        for (to, paths) in &cases[3..] {
            assert_eq!(client.retval("ip_route_add_del", route(false, 0, to, paths)), 0);
        }
        assert!(client.sim.state().fib.table(7, false).is_none(), "{release}");

        for name in ["ip_route_lookup", "ip_route_lookup_v2"] {
            if !client.knows(name) {
                continue;
            }
            let ask = |id: u32, ip: &str, len: u8, exact: u8| {
                json!({"table_id": id, "exact": exact,
                    "prefix": {"address": {"af": 0, "un": {"ip4": ip}}, "len": len}})
            };
            assert_eq!(client.retval(name, ask(9, "14010203", 32, 0)), -3, "{release}");
            assert_eq!(client.retval(name, ask(0, "14010203", 32, 1)), -6, "{release}");
            let found = client.call(name, ask(0, "14010203", 32, 0));
            assert_eq!((&found["retval"], &found["route"]["prefix"]["len"]), (&json!(0), &json!(16)));
            assert_eq!(found["route"]["n_paths"], 2);
            assert_eq!(client.call(name, ask(0, "14010000", 16, 1))["route"]["prefix"]["len"], 16);
        }
    });
}
