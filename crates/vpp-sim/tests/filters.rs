//! What the ACL and ABF plugins keep and refuse, in every release.
#![allow(clippy::expect_used, clippy::panic)]

mod common;

use common::Client;
use common::layers::{every_release, fields};
use serde_json::{Value, json};

const ALL: u32 = u32::MAX;

/// A rule from `src` to `dst`, hex and length of IPv4 prefixes, for TCP to a port range.
fn rule(client: &Client, src: (&str, u8), dst: (&str, u8), ports: (u16, u16)) -> Value {
    let flat = |ip: &str| json!(format!("{ip:0<32}"));
    let fields = fields(
        &client.sim,
        "acl_add_replace",
        &[
            ("r.is_permit", json!(1)),
            ("r.is_ipv6", json!(false)),
            ("r.src_ip_addr", flat(src.0)),
            ("r.src_ip_prefix_len", json!(src.1)),
            ("r.dst_ip_addr", flat(dst.0)),
            ("r.dst_ip_prefix_len", json!(dst.1)),
            ("r.src_prefix.address.un.ip4", json!(src.0)),
            ("r.src_prefix.len", json!(src.1)),
            ("r.dst_prefix.address.un.ip4", json!(dst.0)),
            ("r.dst_prefix.len", json!(dst.1)),
            ("r.proto", json!(6)),
            ("r.srcport_or_icmptype_last", json!(65535)),
            ("r.dstport_or_icmpcode_first", json!(ports.0)),
            ("r.dstport_or_icmpcode_last", json!(ports.1)),
            ("r.tcp_flags_mask", json!(3)),
            ("r.tcp_flags_value", json!(2)),
        ],
    );
    fields["r"].clone()
}

fn good(client: &Client) -> Value {
    rule(client, ("0a000000", 8), ("00000000", 0), (80, 90))
}

/// Retval and index.
fn put(client: &mut Client, message: &str, index: u32, tag: &str, rules: &[Value]) -> (i64, u64) {
    let pairs = [
        ("acl_index", json!(index)),
        ("tag", json!(tag)),
        ("count", json!(rules.len())),
        ("r", json!(rules)),
    ];
    let fields = fields(&client.sim, message, &pairs);
    let reply = client.call(message, fields);
    (reply["retval"].as_i64().expect("retval"), reply["acl_index"].as_u64().expect("an index"))
}

fn acl(client: &mut Client, index: u32, rules: &[Value]) -> (i64, u64) {
    put(client, "acl_add_replace", index, "a", rules)
}

fn delete(client: &mut Client, index: u64) -> i64 {
    client.ask("acl_del", &[("acl_index", json!(index))])
}

#[test]
fn lists() {
    every_release(|client, release| {
        let version = client.call("acl_plugin_get_version", json!({}));
        let minor = if client.from(19, 8) { 4 } else { 3 };
        assert_eq!((&version["major"], &version["minor"]), (&json!(1), &json!(minor)), "{release}");
        let good = good(client);
        assert_eq!(acl(client, ALL, &[good.clone(), good.clone()]), (0, 0), "{release}");
        assert_eq!(acl(client, ALL, &[]), (0, 1), "one without rules is fine");
        assert_eq!(acl(client, 5, std::slice::from_ref(&good)), (-6, 5));
        let shown = client.list("acl_dump", &[("acl_index", json!(ALL))]);
        assert_eq!(shown.len(), 2);
        assert_eq!((&shown[0]["count"], &shown[1]["count"]), (&json!(2), &json!(0)));
        for (field, asked) in good.as_object().expect("a rule") {
            let (shown, asked) = (&shown[0]["r"][1][field], asked);
            match asked.as_object() {
                None => assert_eq!(shown, asked, "{release} {field}"),
                Some(_) => {
                    assert_eq!(shown["len"], asked["len"], "{release} {field}");
                    assert_eq!(shown["address"]["un"]["ip4"], asked["address"]["un"]["ip4"]);
                }
            }
        }
        // Replaced in place.
        assert_eq!(acl(client, 0, std::slice::from_ref(&good)), (0, 0));
        let shown = client.list("acl_dump", &[("acl_index", json!(0))]);
        assert_eq!((shown.len(), &shown[0]["count"]), (1, &json!(1)), "{release}");
        assert_eq!((delete(client, 0), delete(client, 0)), (0, -6));
        assert_eq!(client.list("acl_dump", &[("acl_index", json!(0))]).len(), 0);
        // The last index that was freed is the next one.
        assert_eq!((delete(client, 1), acl(client, ALL, &[]), acl(client, ALL, &[])), (0, (0, 1), (0, 0)));
        let long = "x".repeat(64);
        let refused = if client.from(21, 6) { -7 } else { 0 };
        assert_eq!(put(client, "acl_add_replace", ALL, &long, &[]).0, refused, "{release}");
    });
}

#[test]
fn rules_that_make_no_sense() {
    every_release(|client, release| {
        let checks = client.from(20, 1);
        let nested = client.from(20, 5);
        let good = ("0a000000", 8);
        for (name, rule, retval) in [
            ("bits behind the source's length", rule(client, ("0a000001", 8), good, (0, 1)), -57),
            ("bits behind the destination's length", rule(client, good, ("0a000001", 8), (0, 1)), -58),
            ("long source", rule(client, ("0a000000", 33), good, (0, 1)), if nested { -57 } else { -7 }),
            ("long destination", rule(client, good, ("0a000000", 33), (0, 1)), if nested { -58 } else { -7 }),
            ("ports the wrong way round", rule(client, good, good, (2, 1)), -8),
        ] {
            let (expected, index) = if checks { (retval, u64::from(ALL)) } else { (0, 0) };
            assert_eq!(acl(client, ALL, &[rule]), (expected, index), "{release} {name}");
            if !checks {
                assert_eq!(delete(client, 0), 0);
            }
        }
        if nested {
            let mut mixed = rule(client, good, ("00000000", 0), (0, 1));
            mixed["dst_prefix"]["address"]["af"] = json!(1);
            let refused = if client.from(23, 2) { -57 } else { 0 };
            assert_eq!(acl(client, ALL, &[mixed]).0, refused, "{release}");
        }
    });
}

fn apply(client: &mut Client, sw_if_index: u64, acls: &[u32], n_input: u8) -> i64 {
    client.ask(
        "acl_interface_set_acl_list",
        &[
            ("sw_if_index", json!(sw_if_index)),
            ("count", json!(acls.len())),
            ("n_input", json!(n_input)),
            ("acls", json!(acls)),
        ],
    )
}

/// Lists of an interface, and how many of them are for input.
fn applied(client: &mut Client, sw_if_index: u64) -> (Value, Value) {
    let shown = client.list("acl_interface_list_dump", &[("sw_if_index", json!(sw_if_index))]);
    assert_eq!(shown.len(), 1);
    (shown[0]["acls"].clone(), shown[0]["n_input"].clone())
}

#[test]
fn lists_on_interfaces() {
    every_release(|client, release| {
        let port = client.loopback();
        for index in 0..3 {
            assert_eq!(acl(client, ALL, &[]), (0, index));
        }
        assert_eq!(apply(client, 99, &[0], 1), -2, "{release}");
        assert_eq!(apply(client, port, &[0, 7], 1), -6);
        assert_eq!(applied(client, port), (json!([]), json!(0)), "nothing was applied");
        assert_eq!(apply(client, port, &[0, 1, 2], 1), 0);
        assert_eq!(applied(client, port), (json!([0, 1, 2]), json!(1)));
        assert_eq!(client.list("acl_interface_list_dump", &[("sw_if_index", json!(ALL))]).len(), 2);
        // Twice in one direction is refused with 1, and what comes first, output, is applied all the same.
        assert_eq!(apply(client, port, &[0, 0, 2], 2), 1, "{release}");
        assert_eq!(applied(client, port), (json!([0, 2]), json!(1)), "{release}");
        assert_eq!((delete(client, 0), delete(client, 2), delete(client, 1)), (-142, -143, 0), "{release}");

        let one = |client: &mut Client, index: u64, list: u32, input: bool, is_add: bool| {
            client.ask(
                "acl_interface_add_del",
                &[
                    ("sw_if_index", json!(index)),
                    ("acl_index", json!(list)),
                    ("is_input", json!(input)),
                    ("is_add", json!(is_add)),
                ],
            )
        };
        assert_eq!(one(client, 99, 0, true, true), -2);
        assert_eq!(one(client, port, 9, true, true), -6);
        assert_eq!(one(client, port, 0, true, true), -142);
        assert_eq!(one(client, port, 2, false, true), -143);
        assert_eq!(one(client, port, 2, true, false), -6);
        assert_eq!(one(client, port, 2, true, true), 0);
        assert_eq!(applied(client, port), (json!([0, 2, 2]), json!(2)));
        assert_eq!(one(client, port, 0, true, false), 0);
        assert_eq!(applied(client, port), (json!([2, 2]), json!(1)), "{release}");
        // The interface goes, and with it the use of its lists.
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": port})), 0);
        assert_eq!(delete(client, 2), 0, "{release}");
        assert_eq!(client.loopback(), port);
        assert_eq!(applied(client, port), (json!([]), json!(0)));
    });
}

#[test]
fn ethertypes() {
    every_release(|client, release| {
        let port = client.loopback();
        let set = |client: &mut Client, index: u64, list: &[u16], n_input: u8| {
            client.ask(
                "acl_interface_set_etype_whitelist",
                &[
                    ("sw_if_index", json!(index)),
                    ("count", json!(list.len())),
                    ("n_input", json!(n_input)),
                    ("whitelist", json!(list)),
                ],
            )
        };
        let ask = [("sw_if_index", json!(ALL))];
        assert_eq!(set(client, 99, &[0x806], 1), -2, "{release}");
        assert_eq!(client.list("acl_interface_etype_whitelist_dump", &ask).len(), 0);
        assert_eq!(set(client, port, &[0x806, 0x800], 1), 0);
        let shown = client.list("acl_interface_etype_whitelist_dump", &ask);
        assert_eq!((&shown[0]["whitelist"], &shown[0]["n_input"]), (&json!([0x806, 0x800]), &json!(1)));
        // It passes to the next interface with the index.
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": port})), 0);
        assert_eq!(client.list("acl_interface_etype_whitelist_dump", &ask).len(), 0);
        assert_eq!(client.loopback(), port);
        assert_eq!(client.list("acl_interface_etype_whitelist_dump", &ask).len(), 1, "{release}");
        assert_eq!(set(client, port, &[], 0), 0);
        assert_eq!(client.list("acl_interface_etype_whitelist_dump", &ask).len(), 0);
    });
}

#[test]
fn mac_lists() {
    every_release(|client, release| {
        let port = client.loopback();
        let rule = fields(
            &client.sim,
            "macip_acl_add",
            &[
                ("r.is_permit", json!(1)),
                ("r.src_mac", json!("020000000001")),
                ("r.src_mac_mask", json!("ffffffffffff")),
                ("r.src_prefix.address.un.ip4", json!("0a000000")),
                ("r.src_prefix.len", json!(8)),
                ("r.src_ip_addr", json!(format!("{:0<32}", "0a000000"))),
                ("r.src_ip_prefix_len", json!(8)),
            ],
        )["r"]
            .clone();
        assert_eq!(put(client, "macip_acl_add", ALL, "m", std::slice::from_ref(&rule)), (0, 0), "{release}");
        assert_eq!(put(client, "macip_acl_add_replace", 7, "m", std::slice::from_ref(&rule)), (-6, 7));
        assert_eq!(put(client, "macip_acl_add_replace", ALL, "n", &[]), (0, 1));
        assert_eq!(put(client, "macip_acl_add_replace", 1, "n", &[rule.clone(), rule]), (0, 1));
        let shown = client.list("macip_acl_dump", &[("acl_index", json!(ALL))]);
        assert_eq!((&shown[0]["count"], &shown[1]["count"]), (&json!(1), &json!(2)));
        assert_eq!(shown[1]["r"][1]["src_mac"], "020000000001");
        assert_eq!(client.list("macip_acl_dump", &[("acl_index", json!(9))]).len(), 0);

        let on = |client: &mut Client, index: u64, list: u32, is_add: bool| {
            let fields =
                [("sw_if_index", json!(index)), ("acl_index", json!(list)), ("is_add", json!(is_add))];
            client.ask("macip_acl_interface_add_del", &fields)
        };
        assert_eq!(client.call("macip_acl_interface_get", json!({}))["acls"], json!([]));
        assert_eq!(on(client, 99, 0, true), -2);
        assert_eq!(on(client, port, 9, true), -6);
        assert_eq!(on(client, port, 0, false), -6);
        assert_eq!((on(client, port, 0, true), on(client, port, 1, true)), (0, 0), "the last one counts");
        assert_eq!(client.call("macip_acl_interface_get", json!({}))["acls"], json!([ALL, 1]), "{release}");
        let shown = client.list("macip_acl_interface_list_dump", &[("sw_if_index", json!(ALL))]);
        assert_eq!((shown.len(), &shown[0]["acls"]), (1, &json!([1])));
        // Deleted, it is taken off the interface.
        assert_eq!(client.ask("macip_acl_del", &[("acl_index", json!(1))]), 0);
        assert_eq!(client.ask("macip_acl_del", &[("acl_index", json!(1))]), -6);
        assert_eq!(client.list("macip_acl_interface_list_dump", &[("sw_if_index", json!(ALL))]).len(), 0);
        assert_eq!(client.call("macip_acl_interface_get", json!({}))["acls"], json!([ALL, ALL]));
        assert_eq!(on(client, port, 0, true), 0);
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": port})), 0);
        assert_eq!(client.list("macip_acl_interface_list_dump", &[("sw_if_index", json!(ALL))]).len(), 0);
    });
}

/// A policy with a path through an interface.
fn policy(client: &mut Client, id: u32, list: u32, sw_if_index: u64, is_add: bool) -> i64 {
    let path = fields(
        &client.sim,
        "abf_policy_add_del",
        &[
            ("policy.paths.sw_if_index", json!(sw_if_index)),
            ("policy.paths.weight", json!(1)),
            ("policy.paths.nh.address.ip4", json!("0a010107")),
            ("policy.paths.next_hop", json!(format!("{:0<32}", "0a010107"))),
        ],
    )["policy"]["paths"]
        .clone();
    let pairs = [
        ("is_add", json!(is_add)),
        ("policy.policy_id", json!(id)),
        ("policy.acl_index", json!(list)),
        ("policy.n_paths", json!(1)),
        ("policy.paths", json!([path])),
    ];
    client.ask("abf_policy_add_del", &pairs)
}

fn attachment(client: &Client, id: u32, sw_if_index: u64, is_add: bool) -> Value {
    let pairs = [
        ("is_add", json!(is_add)),
        ("attach.policy_id", json!(id)),
        ("attach.sw_if_index", json!(sw_if_index)),
        ("attach.priority", json!(4)),
    ];
    fields(&client.sim, "abf_itf_attach_add_del", &pairs)
}

#[test]
fn forwarding_by_acl() {
    every_release(|client, release| {
        let (first, second, third) = (client.loopback(), client.loopback(), client.loopback());
        assert_eq!(acl(client, ALL, &[]), (0, 0));
        let told = |client: &Client, retval: i64| if client.from(19, 8) { retval } else { 0 };
        assert_eq!(policy(client, 1, 0, first, false), told(client, -7), "{release}: no such policy");
        assert_eq!(policy(client, 1, 0, first, true), 0);
        assert_eq!(policy(client, 1, 0, second, true), 0);
        let shown = client.list("abf_policy_dump", &[]);
        assert_eq!(shown.len(), 1);
        assert_eq!(
            (&shown[0]["policy"]["policy_id"], &shown[0]["policy"]["n_paths"]),
            (&json!(1), &json!(2))
        );
        assert_eq!(policy(client, 1, 7, third, true), told(client, -7), "{release}: another ACL");
        if client.from(19, 8) {
            assert_eq!(policy(client, 2, 0, 99, true), -54, "{release}: no such interface");
        }
        if client.from(22, 10) {
            let empty = json!({"is_add": true, "policy": {"policy_id": 3, "acl_index": 0}});
            assert_eq!(client.retval("abf_policy_add_del", empty), -7, "{release}: no paths");
        }

        let attach = |client: &mut Client, is_add: bool| {
            let fields = attachment(client, 1, first, is_add);
            client.retval("abf_itf_attach_add_del", fields)
        };
        let told = |client: &Client, retval: i64| if client.from(23, 2) { retval } else { 0 };
        assert_eq!(attach(client, false), told(client, -6), "{release}");
        assert_eq!((attach(client, true), attach(client, true)), (0, told(client, -116)), "{release}");
        let shown = client.list("abf_itf_attach_dump", &[]);
        assert_eq!(shown.len(), 1);
        assert_eq!(
            (&shown[0]["attach"]["policy_id"], &shown[0]["attach"]["priority"]),
            (&json!(1), &json!(4))
        );
        assert_eq!(delete(client, 0), -149, "{release}: it is looked up");
        assert_eq!(attach(client, false), 0);
        assert_eq!(delete(client, 0), 0);
        assert_eq!(client.list("abf_itf_attach_dump", &[]).len(), 0);
        // Before 19.08 it took the path, whatever the ACL.
        assert_eq!(policy(client, 1, 0, third, false), 0);
        assert_eq!((policy(client, 1, 0, first, false), policy(client, 1, 0, second, false)), (0, 0));
        assert_eq!(client.list("abf_policy_dump", &[]).len(), 0, "{release}");
    });
}

#[test]
fn a_policy_whose_acl_is_missing() {
    every_release(|client, release| {
        let port = client.loopback();
        assert_eq!(policy(client, 1, 0, port, true), 0, "{release}");
        let fields = attachment(client, 1, port, true);
        let answers = client.answers("abf_itf_attach_add_del", fields);
        let dies = release == "20.05";
        assert_eq!((client.sim.died().is_some(), answers.is_empty()), (dies, dies), "{release}");
    });
    // A policy that does not exist ends every release.
    let mut client = Client::new("26.06");
    let port = client.loopback();
    let fields = attachment(&client, 1, port, true);
    assert!(client.answers("abf_itf_attach_add_del", fields).is_empty());
    assert!(client.sim.died().is_some());
}

#[test]
fn a_path_that_a_policy_has_already() {
    every_release(|client, release| {
        let port = client.loopback();
        assert_eq!((policy(client, 1, 0, port, true), policy(client, 1, 0, port, true)), (0, 0), "{release}");
        let shown = client.list("abf_policy_dump", &[]);
        assert_eq!(shown[0]["policy"]["n_paths"], 0, "{release}");
    });
    let mut client = Client::new("26.06");
    let port = client.loopback();
    assert_eq!((policy(&mut client, 1, 0, port, true), policy(&mut client, 1, 0, port, true)), (0, 0));
    let taken = json!({"is_add": false, "policy": {"policy_id": 1, "n_paths": 1, "paths": [{"weight": 1,
        "sw_if_index": port, "nh": {"address": {"ip4": "0a010107"}}}]}});
    assert!(client.answers("abf_policy_add_del", taken).is_empty());
    assert!(client.sim.died().is_some());
}
