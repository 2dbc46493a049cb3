//! Requests for layers 2 and 3, ACLs and ABF, in the shape of 20.05 and later. They expect loopbacks 1, 2 and 3, all
//! in table 0, of which 1 is up with 10.1.1.1/24, and leave nothing behind but an ABF policy.

use serde_json::{Value, json};

type Request = (&'static str, Value);

const ALL: u32 = u32::MAX;
const MACS: [&str; 2] = ["020000000001", "020000000002"];

fn ip(hex: &str) -> Value {
    if hex.len() == 8 { json!({"af": 0, "un": {"ip4": hex}}) } else { json!({"af": 1, "un": {"ip6": hex}}) }
}

fn port(sw_if_index: u32, bd_id: u32, enable: bool) -> Request {
    let fields = json!({"rx_sw_if_index": sw_if_index, "bd_id": bd_id, "port_type": 0, "enable": enable});
    ("sw_interface_set_l2_bridge", fields)
}

fn domain(bd_id: u32, is_add: bool) -> Request {
    ("bridge_domain_add_del", json!({"bd_id": bd_id, "is_add": is_add, "learn": true, "arp_term": true}))
}

fn domains() -> Request {
    ("bridge_domain_dump", json!({"bd_id": ALL, "sw_if_index": ALL}))
}

fn bridges() -> Vec<Request> {
    let mac = |bd_id: u32, hex: &str, mac: &str, is_add: bool| {
        let entry = json!({"bd_id": bd_id, "ip": ip(hex), "mac": mac});
        ("bd_ip_mac_add_del", json!({"is_add": is_add, "entry": entry}))
    };
    let macs = |bd_id: u32| ("bd_ip_mac_dump", json!({"bd_id": bd_id}));
    let flags = |bd_id: u32, flags: u32, is_set: bool| {
        ("bridge_flags", json!({"bd_id": bd_id, "flags": flags, "is_set": is_set}))
    };
    let age = |bd_id: u32| ("bridge_domain_set_mac_age", json!({"bd_id": bd_id, "mac_age": 9}));
    let xconnect = |rx: u32, tx: u32, enable: bool| {
        let fields = json!({"rx_sw_if_index": rx, "tx_sw_if_index": tx, "enable": enable});
        ("sw_interface_set_l2_xconnect", fields)
    };
    let xconnects = || ("l2_xconnect_dump", json!({}));
    let rewrite = |sw_if_index: u32, op: u32| {
        let fields =
            json!({"sw_if_index": sw_if_index, "vtr_op": op, "push_dot1q": 1, "tag1": 100, "tag2": 200});
        ("l2_interface_vlan_tag_rewrite", fields)
    };
    let interface = |sw_if_index: u32| ("sw_interface_dump", json!({"sw_if_index": sw_if_index}));
    let ip6 = "20010db8000000000000000000000009";
    vec![
        mac(0, "0a010109", MACS[0], true),
        mac(5, "0a010109", MACS[0], true),
        domain(5, true),
        mac(5, "0a010109", MACS[0], true),
        mac(5, "0a010109", MACS[1], true),
        mac(5, ip6, MACS[0], true),
        macs(5),
        macs(ALL),
        macs(6),
        mac(5, "0a010109", MACS[0], false),
        mac(5, ip6, MACS[0], false),
        mac(5, ip6, MACS[0], false),
        macs(5),
        ("bd_ip_mac_flush", json!({"bd_id": 0})),
        ("bd_ip_mac_flush", json!({"bd_id": 6})),
        ("bd_ip_mac_flush", json!({"bd_id": 5})),
        macs(5),
        mac(5, ip6, MACS[0], true),
        flags(0, 1, true),
        flags(6, 1, true),
        flags(5, 1 | 2 | 4 | 8, true),
        flags(5, 1 | 16, false),
        flags(5, 32, true),
        age(0),
        age(6),
        age(5),
        domains(),
        xconnect(99, 1, true),
        xconnect(2, 99, true),
        xconnect(2, 3, true),
        xconnect(3, 2, true),
        xconnects(),
        port(2, 5, true),
        xconnects(),
        domains(),
        xconnect(2, 3, true),
        domains(),
        xconnects(),
        xconnect(2, 99, false),
        port(3, 5, false),
        xconnects(),
        port(3, 5, true),
        xconnect(3, 0, false),
        domains(),
        domain(5, false),
        domain(5, true),
        macs(5),
        domain(5, false),
        rewrite(99, 3),
        rewrite(0, 3),
        rewrite(2, 9),
        rewrite(2, 3),
        rewrite(2, 4),
        rewrite(2, 1),
        interface(2),
        rewrite(2, 2),
        interface(2),
        rewrite(2, 8),
        interface(2),
        rewrite(2, 0),
        interface(2),
        ("l2fib_flush_bd", json!({"bd_id": 6})),
        ("l2fib_flush_int", json!({"sw_if_index": 99})),
    ]
}

fn neighbors() -> Vec<Request> {
    let (first, second) = ("0a010107", "20010db8000000000000000000000007");
    let change = |is_add: bool, sw_if_index: u32, hex: &str, mac: &str, flags: u32| {
        let neighbor =
            json!({"sw_if_index": sw_if_index, "flags": flags, "mac_address": mac, "ip_address": ip(hex)});
        ("ip_neighbor_add_del", json!({"is_add": is_add, "neighbor": neighbor}))
    };
    let dump =
        |sw_if_index: u32, af: u32| ("ip_neighbor_dump", json!({"sw_if_index": sw_if_index, "af": af}));
    let routes = |is_ip6: bool| ("ip_route_dump", json!({"table": {"is_ip6": is_ip6}}));
    let flush =
        |sw_if_index: u32, af: u32| ("ip_neighbor_flush", json!({"sw_if_index": sw_if_index, "af": af}));
    let limit = |max_number: u32, recycle: bool| {
        ("ip_neighbor_config", json!({"af": 0, "max_number": max_number, "max_age": 0, "recycle": recycle}))
    };
    vec![
        change(true, 99, first, MACS[0], 1),
        change(true, 1, first, MACS[0], 0),
        dump(1, 0),
        dump(2, 0),
        dump(ALL, 1),
        routes(false),
        change(true, 1, first, MACS[0], 1),
        dump(ALL, 0),
        change(true, 1, first, MACS[1], 0),
        change(true, 1, first, MACS[0], 0),
        change(true, 1, first, MACS[1], 1),
        dump(ALL, 0),
        // Outside of the interface's subnets.
        change(true, 2, "0b010107", MACS[0], 1),
        change(true, 2, second, MACS[0], 1),
        dump(ALL, 0),
        dump(ALL, 1),
        routes(false),
        routes(true),
        change(false, 2, first, MACS[0], 0),
        change(false, 99, first, MACS[0], 0),
        change(false, 1, first, MACS[0], 0),
        change(true, 1, "0a010108", MACS[0], 2),
        dump(ALL, 0),
        routes(false),
        flush(99, 0),
        flush(1, 0),
        flush(ALL, 1),
        dump(ALL, 0),
        dump(ALL, 1),
        ("ip_neighbor_replace_begin", json!({})),
        change(true, 1, first, MACS[0], 1),
        ("ip_neighbor_replace_end", json!({})),
        dump(ALL, 0),
        limit(1, false),
        ("ip_neighbor_config_get", json!({"af": 0})),
        ("ip_neighbor_config_get", json!({"af": 1})),
        change(true, 1, "0a010108", MACS[0], 1),
        limit(50_000, false),
        flush(ALL, 0),
        routes(false),
        routes(true),
    ]
}

fn proxies() -> Vec<Request> {
    let range = |table_id: u32, is_add: bool| {
        let proxy = json!({"table_id": table_id, "low": "0a010164", "hi": "0a01016e"});
        ("proxy_arp_add_del", json!({"is_add": is_add, "proxy": proxy}))
    };
    let table = |is_add: bool| ("ip_table_add_del", json!({"is_add": is_add, "table": {"table_id": 70}}));
    let ranges = || ("proxy_arp_dump", json!({}));
    let interface = |sw_if_index: u32, enable: bool| {
        ("proxy_arp_intfc_enable_disable", json!({"sw_if_index": sw_if_index, "enable": enable}))
    };
    let interfaces = || ("proxy_arp_intfc_dump", json!({}));
    vec![
        range(70, true),
        range(0, false),
        range(0, true),
        range(0, true),
        table(true),
        range(70, true),
        ranges(),
        range(0, false),
        range(70, false),
        table(false),
        ranges(),
        interface(99, true),
        interface(2, true),
        interface(2, true),
        interfaces(),
        interface(2, false),
        interfaces(),
    ]
}

fn tables() -> Vec<Request> {
    let table = |is_add: bool| ("ip_table_add_del", json!({"is_add": is_add, "table": {"table_id": 71}}));
    let bind = |vrf_id: u32| ("sw_interface_set_table", json!({"sw_if_index": 3, "vrf_id": vrf_id}));
    let list = || ("ip_table_dump", json!({}));
    let of_table = |name: &'static str, table_id: u32| (name, json!({"table": {"table_id": table_id}}));
    let route = |is_add: bool, hex: &str, path: Value| {
        let route = json!({"table_id": 71, "prefix": {"address": ip(hex), "len": 16}, "paths": [path]});
        ("ip_route_add_del", json!({"is_add": is_add, "route": route}))
    };
    let drop = json!({"sw_if_index": ALL, "type": 2, "weight": 1});
    let lookup = |table_id: u32, hex: &str, len: u32, exact: u32| {
        let prefix = json!({"address": ip(hex), "len": len});
        ("ip_route_lookup", json!({"table_id": table_id, "exact": exact, "prefix": prefix}))
    };
    let hash = |table_id: u32| ("set_ip_flow_hash", json!({"vrf_id": table_id, "src": true}));
    vec![
        hash(71),
        of_table("ip_table_flush", 71),
        of_table("ip_table_replace_begin", 71),
        of_table("ip_table_replace_end", 71),
        table(true),
        hash(71),
        ("set_ip_flow_hash_v2", json!({"table_id": 71, "af": 0, "flow_hash_config": 3})),
        ("set_ip_flow_hash_v2", json!({"table_id": 72, "af": 0, "flow_hash_config": 3})),
        route(true, "14010000", drop.clone()),
        route(true, "14020000", drop.clone()),
        lookup(72, "14010203", 32, 0),
        lookup(71, "14010203", 32, 1),
        lookup(71, "14010203", 32, 0),
        lookup(71, "14010000", 16, 1),
        of_table("ip_table_replace_begin", 71),
        route(true, "14010000", drop.clone()),
        of_table("ip_table_replace_end", 71),
        of_table("ip_route_dump", 71),
        bind(71),
        of_table("ip_table_flush", 71),
        of_table("ip_route_dump", 71),
        ("sw_interface_dump", json!({"sw_if_index": 3})),
        // In use, it stays.
        table(false),
        list(),
        table(true),
        bind(0),
        list(),
        table(false),
        list(),
        // So does one that a route leads to.
        table(true),
        (
            "ip_route_add_del",
            json!({"is_add": true, "route": {"prefix": {"address": ip("14030000"), "len": 16},
            "paths": [{"sw_if_index": ALL, "table_id": 71, "weight": 1}]}}),
        ),
        table(false),
        list(),
        (
            "ip_route_add_del",
            json!({"is_add": false, "route": {"prefix": {"address": ip("14030000"), "len": 16}}}),
        ),
        list(),
    ]
}

fn lists() -> Vec<Request> {
    let side = |hex: &str, len: u32| json!({"address": ip(hex), "len": len});
    let rule = |src: Value, dst: Value, ports: (u32, u32)| {
        json!({"is_permit": 2, "src_prefix": src, "dst_prefix": dst, "proto": 6, "srcport_or_icmptype_last": 65535,
            "dstport_or_icmpcode_first": ports.0, "dstport_or_icmpcode_last": ports.1,
            "tcp_flags_mask": 3, "tcp_flags_value": 2})
    };
    let (src, dst) = (side("0a000000", 8), side("00000000", 0));
    let good = rule(src.clone(), dst.clone(), (80, 90));
    let six = rule(side("20010db8000000000000000000000000", 32), side(&"0".repeat(32), 0), (0, 65535));
    let put = |acl_index: u32, rules: Vec<Value>| {
        let fields = json!({"acl_index": acl_index, "tag": "a", "count": rules.len(), "r": rules});
        ("acl_add_replace", fields)
    };
    let dump = |acl_index: u32| ("acl_dump", json!({"acl_index": acl_index}));
    let delete = |acl_index: u32| ("acl_del", json!({"acl_index": acl_index}));
    let apply = |sw_if_index: u32, acls: Vec<u32>, n_input: u32| {
        let fields =
            json!({"sw_if_index": sw_if_index, "count": acls.len(), "n_input": n_input, "acls": acls});
        ("acl_interface_set_acl_list", fields)
    };
    let applied = |sw_if_index: u32| ("acl_interface_list_dump", json!({"sw_if_index": sw_if_index}));
    let one = |sw_if_index: u32, acl_index: u32, is_input: bool, is_add: bool| {
        let fields = json!({"sw_if_index": sw_if_index, "acl_index": acl_index, "is_input": is_input, "is_add": is_add});
        ("acl_interface_add_del", fields)
    };
    let whitelist = |sw_if_index: u32, list: Vec<u32>| {
        let fields =
            json!({"sw_if_index": sw_if_index, "count": list.len(), "n_input": 1, "whitelist": list});
        ("acl_interface_set_etype_whitelist", fields)
    };
    let whitelists = || ("acl_interface_etype_whitelist_dump", json!({"sw_if_index": ALL}));
    vec![
        ("acl_plugin_get_version", json!({})),
        put(ALL, vec![good.clone(), six]),
        put(ALL, vec![]),
        put(ALL, vec![good.clone()]),
        put(9, vec![good.clone()]),
        put(1, vec![good.clone()]),
        put(ALL, vec![rule(side("0a000001", 8), dst.clone(), (0, 1))]),
        put(ALL, vec![rule(src.clone(), side("0a000001", 8), (0, 1))]),
        put(ALL, vec![rule(side("0a000000", 33), dst.clone(), (0, 1))]),
        put(ALL, vec![rule(src.clone(), dst.clone(), (2, 1))]),
        dump(ALL),
        dump(1),
        dump(9),
        apply(99, vec![0], 1),
        apply(2, vec![0, 9], 1),
        apply(2, vec![0, 1, 2], 1),
        applied(2),
        applied(ALL),
        apply(2, vec![0, 0, 2], 2),
        applied(2),
        delete(0),
        delete(2),
        delete(9),
        one(99, 0, true, true),
        one(2, 9, true, true),
        one(2, 0, true, true),
        one(2, 2, false, true),
        one(2, 2, true, false),
        one(2, 1, true, true),
        one(2, 2, true, true),
        one(2, 0, true, false),
        applied(2),
        apply(2, vec![], 0),
        applied(2),
        whitelist(99, vec![0x806]),
        whitelist(2, vec![0x806, 0x800]),
        whitelists(),
        whitelist(2, vec![]),
        whitelists(),
        delete(1),
        delete(0),
        put(ALL, vec![]),
        put(ALL, vec![]),
        dump(ALL),
        // The next two are 0 and 1.
        delete(2),
        delete(1),
        delete(0),
        dump(ALL),
    ]
}

fn mac_lists() -> Vec<Request> {
    let rule = json!({"is_permit": 1, "src_mac": MACS[0], "src_mac_mask": "ffffffffffff",
        "src_prefix": {"address": ip("0a000000"), "len": 8}});
    let put = |acl_index: u32, rules: Vec<Value>| {
        let fields = json!({"acl_index": acl_index, "tag": "m", "count": rules.len(), "r": rules});
        ("macip_acl_add_replace", fields)
    };
    let dump = || ("macip_acl_dump", json!({"acl_index": ALL}));
    let delete = |acl_index: u32| ("macip_acl_del", json!({"acl_index": acl_index}));
    let on = |sw_if_index: u32, acl_index: u32, is_add: bool| {
        let fields = json!({"sw_if_index": sw_if_index, "acl_index": acl_index, "is_add": is_add});
        ("macip_acl_interface_add_del", fields)
    };
    let all = || ("macip_acl_interface_get", json!({}));
    let of = |sw_if_index: u32| ("macip_acl_interface_list_dump", json!({"sw_if_index": sw_if_index}));
    vec![
        all(),
        ("macip_acl_add", json!({"tag": "m", "count": 1, "r": [rule.clone()]})),
        put(9, vec![rule.clone()]),
        put(ALL, vec![]),
        put(1, vec![rule.clone(), rule]),
        dump(),
        on(99, 0, true),
        on(2, 9, true),
        on(2, 0, false),
        on(2, 0, true),
        on(2, 1, true),
        all(),
        of(2),
        of(ALL),
        delete(1),
        delete(1),
        all(),
        of(2),
        of(ALL),
        on(2, 0, true),
        on(2, 0, false),
        delete(0),
        dump(),
    ]
}

fn policies() -> Vec<Request> {
    let path = |sw_if_index: u32| json!({"sw_if_index": sw_if_index, "weight": 1, "nh": {"address": {"ip4": "0a010107"}}});
    let policy = |policy_id: u32, acl_index: u32, paths: Vec<Value>, is_add: bool| {
        let policy =
            json!({"policy_id": policy_id, "acl_index": acl_index, "n_paths": paths.len(), "paths": paths});
        ("abf_policy_add_del", json!({"is_add": is_add, "policy": policy}))
    };
    let policies = || ("abf_policy_dump", json!({}));
    let attach = |policy_id: u32, sw_if_index: u32, priority: u32, is_add: bool| {
        let attach = json!({"policy_id": policy_id, "sw_if_index": sw_if_index, "priority": priority});
        ("abf_itf_attach_add_del", json!({"is_add": is_add, "attach": attach}))
    };
    let attachments = || ("abf_itf_attach_dump", json!({}));
    let acl = || ("acl_add_replace", json!({"acl_index": ALL, "tag": "abf"}));
    let delete = |acl_index: u32| ("acl_del", json!({"acl_index": acl_index}));
    vec![
        ("abf_plugin_get_version", json!({})),
        acl(),
        acl(),
        policy(1, 0, vec![path(1)], false),
        policy(1, 0, vec![path(1)], true),
        policy(1, 0, vec![path(2)], true),
        policy(1, 1, vec![path(3)], true),
        policy(2, 1, vec![path(99)], true),
        policy(2, 1, vec![path(3)], true),
        policies(),
        attach(1, 2, 4, false),
        attach(1, 2, 4, true),
        attach(1, 2, 5, true),
        attach(2, 2, 3, true),
        attachments(),
        delete(0),
        delete(1),
        attach(1, 2, 4, false),
        delete(0),
        policy(1, 0, vec![path(1)], false),
        policies(),
        policy(1, 0, vec![path(2)], false),
        policies(),
        attach(2, 2, 3, false),
        delete(1),
        policy(2, 1, vec![path(3)], false),
        policies(),
        attachments(),
        delete(1),
        delete(0),
        // The policy loses its paths, and a VPP from which one is then taken dies. It stays.
        policy(5, 0, vec![path(1)], true),
        policy(5, 0, vec![path(1)], true),
        policies(),
    ]
}

pub fn layers() -> Vec<Request> {
    [bridges(), neighbors(), proxies(), tables(), lists(), mac_lists(), policies()].concat()
}
