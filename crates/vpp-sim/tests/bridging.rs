//! What layer 2 keeps and refuses, in every release.
#![allow(clippy::expect_used, clippy::panic)]

mod common;

use common::Client;
use common::layers::{any, every_release, fields};
use serde_json::{Value, json};

const ALL: u32 = u32::MAX;

fn domain(client: &mut Client, id: u32, is_add: bool) -> i64 {
    client.ask(
        "bridge_domain_add_del",
        &[("bd_id", json!(id)), ("is_add", json!(is_add)), ("learn", json!(true))],
    )
}

fn port(client: &mut Client, sw_if_index: u64, id: u32, enable: bool) -> i64 {
    let fields = [("rx_sw_if_index", json!(sw_if_index)), ("bd_id", json!(id)), ("enable", json!(enable))];
    client.ask("sw_interface_set_l2_bridge", &fields)
}

fn ports(client: &mut Client, id: u32) -> usize {
    let domains = client.list("bridge_domain_dump", &[("bd_id", json!(id)), ("sw_if_index", json!(ALL))]);
    domains[0]["sw_if_details"].as_array().expect("ports").len()
}

#[test]
fn arp_termination() {
    let change = |client: &mut Client, id: u32, mac: &str, is_add: bool| {
        let ip = "0a010109";
        client.ask(
            "bd_ip_mac_add_del",
            &[
                ("is_add", json!(is_add)),
                ("bd_id", json!(id)),
                ("entry.bd_id", json!(id)),
                ("ip_address", json!(format!("{ip}{:024}", 0))),
                ("ip.un.ip4", json!(ip)),
                ("entry.ip.un.ip4", json!(ip)),
                ("mac_address", json!(mac)),
                ("mac", json!(mac)),
                ("entry.mac", json!(mac)),
            ],
        )
    };
    every_release(|client, release| {
        let (first, second) = ("020000000001", "020000000002");
        assert_eq!(change(client, 0, first, true), -121, "{release}");
        assert_eq!(change(client, 5, first, true), -6);
        assert_eq!(domain(client, 5, true), 0);
        assert_eq!(change(client, 5, first, true), 0);
        // Another MAC takes its place.
        assert_eq!(change(client, 5, second, true), 0);
        let entries = client.list("bd_ip_mac_dump", &[("bd_id", json!(ALL))]);
        assert_eq!(entries.len(), 1, "{release}");
        assert_eq!(any(&entries[0], &["entry.mac", "mac_address"]), second);
        assert_eq!(any(&entries[0], &["entry.bd_id", "bd_id"]), 5);
        let ip = any(&entries[0], &["entry.ip.un.ip4", "ip_address"]).as_str().expect("an address");
        assert!(ip.starts_with("0a010109"), "{release} {ip}");
        assert_eq!(client.list("bd_ip_mac_dump", &[("bd_id", json!(6))]).len(), 0);
        assert_eq!(change(client, 5, first, false), -1, "another MAC");
        assert_eq!(change(client, 5, second, false), 0);
        assert_eq!(change(client, 5, second, false), -1);
        assert_eq!(client.list("bd_ip_mac_dump", &[("bd_id", json!(5))]).len(), 0);
        if client.knows("bd_ip_mac_flush") {
            assert_eq!(change(client, 5, first, true), 0);
            assert_eq!(client.ask("bd_ip_mac_flush", &[("bd_id", json!(0))]), -121);
            assert_eq!(client.ask("bd_ip_mac_flush", &[("bd_id", json!(6))]), -6);
            assert_eq!(client.ask("bd_ip_mac_flush", &[("bd_id", json!(5))]), 0);
            assert_eq!(client.list("bd_ip_mac_dump", &[("bd_id", json!(5))]).len(), 0);
        }
        // Entries go with their domain.
        assert_eq!(change(client, 5, first, true), 0);
        assert_eq!(domain(client, 5, false), 0);
        assert_eq!(domain(client, 5, true), 0);
        assert_eq!(client.list("bd_ip_mac_dump", &[("bd_id", json!(5))]).len(), 0, "{release}");
    });
}

#[test]
fn features_of_a_bridge_domain() {
    let set = |client: &mut Client, id: u32, flags: u32, is_set: bool| {
        let pairs = [("bd_id", json!(id)), ("flags", json!(flags)), ("is_set", json!(is_set))];
        let fields = fields(&client.sim, "bridge_flags", &pairs);
        let reply = client.call("bridge_flags", fields);
        (reply["retval"].as_i64().expect("retval"), reply["resulting_feature_bitmap"].as_u64().expect("bits"))
    };
    every_release(|client, release| {
        assert_eq!(set(client, 0, 1, true).0, -121, "{release}");
        assert_eq!(set(client, 7, 1, true).0, -6);
        assert_eq!(domain(client, 7, true), 0);
        // Learning only, and all that a domain does not control.
        let learning = match () {
            () if client.from(22, 2) => 9,
            () if client.from(19, 8) => 10,
            () => 9,
        };
        let before = set(client, 7, 0, true).1;
        assert_eq!(set(client, 7, 1, false), (0, before & !(1 << learning)), "{release}");
        assert_eq!(set(client, 7, 1, true), (0, before));
        let arp_term = if client.from(19, 8) { 4 } else { 3 };
        assert_eq!(set(client, 7, 16, true), (0, before | 1 << arp_term), "{release}");
        let age = |client: &mut Client, id: u32| {
            client.ask("bridge_domain_set_mac_age", &[("bd_id", json!(id)), ("mac_age", json!(9))])
        };
        assert_eq!((age(client, 0), age(client, 8), age(client, 7)), (-121, -6, 0));
        let shown =
            &client.list("bridge_domain_dump", &[("bd_id", json!(7)), ("sw_if_index", json!(ALL))])[0];
        assert_eq!(shown["mac_age"], 9);
        let arp_term = shown["arp_term"].as_bool().unwrap_or(shown["arp_term"] == 1);
        assert!(arp_term, "{release}");
        let shown = client.show("show bridge-domain 7 detail");
        assert!(shown.contains("IP4/IP6 to MAC table for ARP Termination"), "{release}");
        if client.knows("bridge_domain_set_learn_limit") {
            let limit = |client: &mut Client, id: u32| {
                client
                    .ask("bridge_domain_set_learn_limit", &[("bd_id", json!(id)), ("learn_limit", json!(5))])
            };
            assert_eq!((limit(client, 0), limit(client, 8), limit(client, 7)), (-121, -6, 0));
            assert_eq!(client.ask("bridge_domain_set_default_learn_limit", &[("learn_limit", json!(3))]), 0);
            assert_eq!(client.sim.state().l2.by_id(7).map(|d| d.learn_limit), Some(5));
            assert_eq!(domain(client, 9, true), 0);
            assert_eq!(client.sim.state().l2.by_id(9).map(|d| d.learn_limit), Some(3));
        }
    });
}

fn xconnect(client: &mut Client, rx: u64, tx: u64, enable: bool) -> i64 {
    let fields = [("rx_sw_if_index", json!(rx)), ("tx_sw_if_index", json!(tx)), ("enable", json!(enable))];
    client.ask("sw_interface_set_l2_xconnect", &fields)
}

fn xconnects(client: &mut Client) -> Vec<(u64, u64)> {
    let index = |value: &Value| value.as_u64().expect("an index");
    let details = client.list("l2_xconnect_dump", &[]);
    details.iter().map(|d| (index(&d["rx_sw_if_index"]), index(&d["tx_sw_if_index"]))).collect()
}

#[test]
fn cross_connects() {
    every_release(|client, release| {
        let (first, second, third) = (client.loopback(), client.loopback(), client.loopback());
        assert_eq!(xconnect(client, 99, first, true), -2, "{release}");
        assert_eq!(xconnect(client, first, 99, true), -2);
        assert_eq!(xconnect(client, 99, first, false), -2);
        assert_eq!(xconnect(client, first, second, true), 0);
        assert_eq!(xconnect(client, second, first, true), 0);
        assert_eq!(xconnects(client), [(first, second), (second, first)], "{release}");
        // The last wish for an interface counts.
        assert_eq!(xconnect(client, first, third, true), 0);
        assert_eq!(xconnects(client), [(first, third), (second, first)]);
        assert_eq!(xconnect(client, first, third, false), 0);
        assert_eq!(xconnect(client, second, 99, false), 0);
        assert_eq!(xconnects(client), []);

        assert_eq!(xconnect(client, first, second, true), 0);
        assert!(client.show("show interface address").contains("L2 xconnect loop1"), "{release}");

        // It takes a port out of its bridge domain, and the other way round.
        assert_eq!(domain(client, 1, true), 0);
        assert_eq!(port(client, first, 1, true), 0);
        assert_eq!(xconnect(client, first, second, true), 0);
        assert_eq!((ports(client, 1), xconnects(client).len()), (0, 1));
        assert_eq!(port(client, first, 1, true), 0);
        assert_eq!((ports(client, 1), xconnects(client).len()), (1, 0));
        // Taking away the one takes away the other.
        assert_eq!(xconnect(client, first, 0, false), 0);
        assert_eq!(ports(client, 1), 0, "{release}");

        // Both ends go with either interface; one that only sends stays, to the dead index.
        assert_eq!(xconnect(client, first, second, true), 0);
        assert_eq!(xconnect(client, second, first, true), 0);
        assert_eq!(xconnect(client, third, first, true), 0);
        client.delete_loopback(first);
        assert_eq!(xconnects(client), [(third, first)], "{release}");
    });
}

#[test]
fn tag_rewrites() {
    let set = |client: &mut Client, sw_if_index: u64, op: u32| {
        let tags = [("push_dot1q", json!(1)), ("tag1", json!(100)), ("tag2", json!(200))];
        let mut fields = vec![("sw_if_index", json!(sw_if_index)), ("vtr_op", json!(op))];
        fields.extend(tags);
        client.ask("l2_interface_vlan_tag_rewrite", &fields)
    };
    let shown = |client: &mut Client, sw_if_index: u64| {
        let interfaces = client.list("sw_interface_dump", &[("sw_if_index", json!(ALL))]);
        let interface =
            interfaces.iter().find(|i| i["sw_if_index"] == json!(sw_if_index)).expect("it is there");
        ["vtr_op", "vtr_push_dot1q", "vtr_tag1", "vtr_tag2"]
            .map(|field| interface[field].as_u64().expect(field))
    };
    every_release(|client, release| {
        let parent = client.loopback();
        let fields = fields(
            &client.sim,
            "create_vlan_subif",
            &[("sw_if_index", json!(parent)), ("vlan_id", json!(5))],
        );
        let sub = client.call("create_vlan_subif", fields)["sw_if_index"].as_u64().expect("an index");
        assert_eq!(set(client, 99, 3), -2, "{release}");
        assert_eq!(set(client, 0, 3), -71, "no Ethernet");
        assert_eq!(set(client, sub, 9), -7);
        assert_eq!(set(client, parent, 3), -72, "no tag to pop");
        assert_eq!(set(client, sub, 4), -72, "no second tag to pop");
        assert_eq!(shown(client, sub), [0, 0, 0, 0]);
        for (op, expected) in [
            (1, [1, 1, 100, 0]),
            (2, [2, 1, 100, 200]),
            (3, [3, 0, 0, 0]),
            (5, [5, 1, 100, 0]),
            (6, [6, 1, 100, 200]),
        ] {
            assert_eq!(set(client, sub, op), 0, "{release} {op}");
            assert_eq!(shown(client, sub), expected, "{release}");
        }
        // What is refused loses the tags of what was.
        assert_eq!(set(client, sub, 8), -72);
        assert_eq!(shown(client, sub), [6, 0, 0, 0], "{release}");
        assert_eq!(set(client, sub, 0), 0);
        assert_eq!(shown(client, sub), [0, 0, 0, 0]);

        // It stays for the next interface, unless the one that goes is a port.
        let delete =
            |client: &mut Client, index: u64| client.ask("delete_subif", &[("sw_if_index", json!(index))]);
        assert_eq!(set(client, sub, 3), 0);
        assert_eq!(delete(client, sub), 0);
        assert_eq!(client.loopback(), sub);
        assert_eq!(shown(client, sub), [3, 0, 0, 0], "{release}");
        assert_eq!(domain(client, 1, true), 0);
        assert_eq!(port(client, sub, 1, true), 0);
        assert!(client.show("show bridge-domain 1 detail").contains(" pop-1 "), "{release}");
        client.delete_loopback(sub);
        assert_eq!(client.loopback(), sub);
        assert_eq!(shown(client, sub), [0, 0, 0, 0], "{release}");
    });
}

#[test]
fn flushes_of_the_l2_fib() {
    every_release(|client, release| {
        let (first, second) = (client.loopback(), client.loopback());
        assert_eq!(domain(client, 1, true), 0);
        assert_eq!(domain(client, 2, true), 0);
        assert_eq!((port(client, first, 1, true), port(client, second, 2, true)), (0, 0));
        let fill = |client: &mut Client| {
            for (mac, id, index, is_static) in [
                ("020000000001", 1, first, true),
                ("020000000002", 1, first, false),
                ("020000000003", 2, second, false),
            ] {
                let fields = [
                    ("mac", json!(mac)),
                    ("bd_id", json!(id)),
                    ("sw_if_index", json!(index)),
                    ("is_add", json!(true)),
                    ("static_mac", json!(is_static)),
                ];
                assert_eq!(client.ask("l2fib_add_del", &fields), 0);
            }
        };
        let count = |client: &mut Client| client.list("l2_fib_table_dump", &[("bd_id", json!(ALL))]).len();
        fill(client);
        assert_eq!(count(client), 3, "{release}");
        assert_eq!(client.ask("l2fib_flush_bd", &[("bd_id", json!(9))]), -6);
        assert_eq!(client.ask("l2fib_flush_int", &[("sw_if_index", json!(99))]), -2);
        assert_eq!(client.ask("l2fib_flush_bd", &[("bd_id", json!(1))]), 0);
        assert_eq!(count(client), 2, "static ones stay");
        assert_eq!(client.ask("l2fib_flush_int", &[("sw_if_index", json!(second))]), 0);
        assert_eq!(count(client), 1);
        fill(client);
        assert_eq!(client.ask("l2fib_flush_all", &[]), 0);
        assert_eq!(count(client), 1);
        assert_eq!(client.ask("l2_fib_clear_table", &[]), 0);
        assert_eq!(count(client), 0, "{release}");
    });
}
