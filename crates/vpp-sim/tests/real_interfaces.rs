//! Requests about interfaces put to a real VPP and to the simulated one. Runs when `VPP_API_SOCKET` names the API
//! socket of a VPP on which nothing is configured; what it makes there it deletes. With `VPP_HOST_INTERFACE` also an
//! interface of the host that AF_PACKET may use. Each test takes a VPP just started, as VPP gives freed indices in the
//! order in which they were freed.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::compare::Pair;
use common::socket::SocketClient;
use serde_json::{Value, json};
use vpp_sim::Options;

const ALL: u32 = u32::MAX;

fn options(real: &SocketClient) -> Options {
    let mut options = common::options();
    // A VPP may have been built with less.
    for (plugin, message) in [("lacp", "sw_interface_lacp_dump"), ("dhcp", "dhcp_client_dump")] {
        if !real.ids.contains_key(message) {
            options.without_plugins.push(plugin.to_string());
        }
    }
    options
}

fn interfaces(pair: &mut Pair) {
    pair.ask_any(&["sw_interface_dump"], json!({"sw_if_index": ALL}));
}

fn up(pair: &mut Pair, index: u32, up: bool) {
    let fields = json!({"sw_if_index": index, "flags": u8::from(up), "admin_up_down": up});
    pair.ask_any(&["sw_interface_set_flags"], fields);
}

fn routes(pair: &mut Pair) {
    pair.ask_any(&["ip_route_dump"], json!({"table": {"table_id": 0}}));
    pair.ask_any(&["ip_route_dump"], json!({"table": {"table_id": 0, "is_ip6": true}}));
}

fn loopback(pair: &mut Pair, mac: &str) {
    pair.ask_any(&["create_loopback"], json!({"mac_address": mac}));
}

fn delete_loopback(pair: &mut Pair, index: u32) {
    pair.ask_any(&["delete_loopback"], json!({"sw_if_index": index}));
}

#[test]
fn memifs() {
    let Some(mut pair) = Pair::connect(options) else { return };
    let default =
        pair.real.request(&pair.client.sim.schema().clone(), "memif_socket_filename_dump", &json!({}));
    let file = default[0].1["socket_filename"].as_str().expect("a name").trim_end_matches('\0').to_string();
    let folder = file.strip_suffix("/memif.sock").expect("VPP's own name").to_string();
    pair.client.sim = vpp_sim::Sim::new(
        pair.client.sim.release(),
        Options { runtime_dir: folder.clone(), ..pair.client.sim.options().clone() },
    )
    .expect("a simulated VPP");
    pair.client.restart();
    let change = ["memif_socket_filename_add_del_v2", "memif_socket_filename_add_del"];
    let socket = |id: u32, is_add: bool, file: &str| json!({"socket_id": id, "is_add": is_add, "socket_filename": {"text": file}});
    let memif = |id: u32, role: u32, socket: u32, more: Value| {
        let mut fields = json!({"id": id, "role": role, "socket_id": socket, "secret": {"text": "s"}});
        for (name, value) in more.as_object().expect("more") {
            fields[name] = value.clone();
        }
        fields
    };
    let create = ["memif_create_v2", "memif_create"];
    for name in ["memif_socket_filename_add_del_v2", "memif_socket_filename_add_del"] {
        for fields in [
            socket(0, true, "x.sock"),
            socket(0, false, ""),
            socket(5, true, ""),
            socket(5, false, ""),
            socket(5, true, "x.sock"),
            socket(5, true, "x.sock"),
            socket(5, true, &format!("{folder}/x.sock")),
            socket(5, true, "y.sock"),
            socket(6, true, &format!("{folder}/z.sock")),
            socket(6, false, ""),
            socket(5, false, ""),
        ] {
            pair.ask_any(&[name], fields);
        }
    }
    pair.ask_any(&change, socket(1, true, "a.sock"));
    pair.ask_any(&["memif_socket_filename_dump"], json!({}));
    for fields in [
        memif(1, 0, 9, json!({})),
        memif(1, 0, 1, json!({"ring_size": 1000})),
        memif(1, 0, 1, json!({"hw_addr": "de0000000001"})),
        memif(1, 0, 1, json!({})),
        memif(2, 1, 1, json!({})),
        memif(2, 0, 1, json!({"mode": 1})),
        memif(7, 1, 0, json!({"no_zero_copy": true})),
        memif(8, 1, 0, json!({"ring_size": 512, "buffer_size": 1024})),
    ] {
        pair.ask_any(&create, fields);
    }
    interfaces(&mut pair);
    pair.ask_any(&["memif_dump"], json!({}));
    up(&mut pair, 1, true);
    up(&mut pair, 2, true);
    interfaces(&mut pair);
    pair.ask_any(&["memif_dump"], json!({}));
    pair.ask_any(&["sw_interface_rx_placement_dump"], json!({"sw_if_index": ALL}));
    pair.ask_any(&["sw_interface_tx_placement_get"], json!({"sw_if_index": ALL}));
    for (index, mtu) in [(1, 1500), (1, 10), (1, 10000), (2, 1500)] {
        pair.ask_any(&["hw_interface_set_mtu"], json!({"sw_if_index": index, "mtu": mtu}));
    }
    interfaces(&mut pair);
    pair.ask_any(&["sw_interface_set_mac_address"], json!({"sw_if_index": 1, "mac_address": "de0000000009"}));
    pair.ask_any(&change, socket(1, false, ""));
    for index in [0, 99, 1, 2, 3, 4, 4] {
        pair.ask_any(&["memif_delete"], json!({"sw_if_index": index}));
    }
    pair.ask_any(&create, memif(3, 1, 1, json!({})));
    pair.ask_any(&["memif_delete"], json!({"sw_if_index": 4}));
    pair.ask_any(&["memif_delete"], json!({"sw_if_index": 1}));
    pair.ask_any(&change, socket(1, false, ""));
    pair.ask_any(&["memif_socket_filename_dump"], json!({}));
    interfaces(&mut pair);
    pair.finish();
}

fn tunnel(is_add: bool, src: &str, dst: &str, more: Value) -> Value {
    let mut fields = json!({"is_add": is_add, "instance": ALL, "src_address": {"ip": src},
        "dst_address": {"ip": dst}, "vni": 11, "decap_next_index": ALL, "mcast_sw_if_index": ALL,
        "is_ipv6": src.contains(':'), "tunnel": {"instance": ALL, "src": {"ip": src}, "dst": {"ip": dst}}});
    for (name, value) in more.as_object().expect("more") {
        fields[name] = value.clone();
        fields["tunnel"][name] = value.clone();
    }
    fields
}

#[test]
fn vxlan_tunnels() {
    let Some(mut pair) = Pair::connect(options) else { return };
    loopback(&mut pair, "de0000000001");
    for name in ["vxlan_add_del_tunnel", "vxlan_add_del_tunnel_v2", "vxlan_add_del_tunnel_v3"] {
        let mut ask = |is_add: bool, src: &str, dst: &str, more: Value| {
            pair.ask_any(&[name], tunnel(is_add, src, dst, more));
        };
        ask(true, "10.0.0.1", "10.0.0.1", json!({}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"encap_vrf_id": 9}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"vni": 12, "instance": 0}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"vni": 12, "decap_next_index": 9}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"vni": 12, "decap_next_index": 0}));
        ask(true, "10.0.0.3", "10.0.0.2", json!({"instance": 40}));
        ask(true, "10.0.0.1", "225.0.0.1", json!({}));
        ask(true, "10.0.0.1", "225.0.0.1", json!({"mcast_sw_if_index": 1}));
        ask(true, "10.0.0.9", "225.0.0.1", json!({"mcast_sw_if_index": 1}));
        ask(true, "2001:db8::1", "2001:db8::2", json!({}));
        ask(true, "2001:db8::3", "2001:db8::2", json!({}));
        ask(
            true,
            "10.0.0.1",
            "10.0.0.2",
            json!({"vni": 13, "src_port": 5000, "dst_port": 5001, "is_l3": true}),
        );
        interfaces(&mut pair);
        routes(&mut pair);
        for dump in ["vxlan_tunnel_dump", "vxlan_tunnel_v2_dump"] {
            for index in [ALL, 2, 99] {
                pair.ask_any(&[dump], json!({"sw_if_index": index}));
            }
        }
        pair.ask_any(&["hw_interface_set_mtu"], json!({"sw_if_index": 2, "mtu": 1500}));
        up(&mut pair, 2, false);
        interfaces(&mut pair);
        up(&mut pair, 2, true);
        pair.ask_any(&["create_vlan_subif"], json!({"sw_if_index": 2, "vlan_id": 5}));
        interfaces(&mut pair);
        let mut ask = |is_add: bool, src: &str, dst: &str, more: Value| {
            pair.ask_any(&[name], tunnel(is_add, src, dst, more));
        };
        ask(false, "10.0.0.1", "10.0.0.2", json!({"vni": 99}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({"vni": 12}));
        ask(false, "10.0.0.3", "10.0.0.2", json!({}));
        ask(true, "10.0.0.7", "10.0.0.2", json!({}));
        ask(false, "10.0.0.7", "10.0.0.2", json!({}));
        ask(false, "10.0.0.1", "225.0.0.1", json!({"mcast_sw_if_index": 1}));
        ask(false, "2001:db8::1", "2001:db8::2", json!({}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({"vni": 13, "src_port": 5000, "dst_port": 5001}));
        interfaces(&mut pair);
        routes(&mut pair);
    }
    delete_loopback(&mut pair, 1);
    pair.finish();
}

#[test]
fn gre_and_ipip_tunnels() {
    let Some(mut pair) = Pair::connect(options) else { return };
    loopback(&mut pair, "de0000000001");
    let gre = ["gre_tunnel_add_del", "gre_tunnel_add_del_v2"];
    for name in gre {
        let mut ask = |is_add: bool, src: &str, dst: &str, more: Value| {
            pair.ask_any(&[name], tunnel(is_add, src, dst, more));
        };
        ask(true, "10.0.0.1", "10.0.0.1", json!({}));
        ask(true, "10.0.0.1", "2001:db8::1", json!({}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"outer_table_id": 9}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"type": 3}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"mode": 2}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"mode": 1}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"session_id": 1024}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"session_id": 5}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"type": 1, "instance": 0}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"type": 1, "flags": 3}));
        ask(true, "10.0.0.1", "10.0.0.2", json!({"type": 2, "session_id": 5}));
        ask(true, "10.0.0.1", "0.0.0.0", json!({"mode": 1, "instance": 30}));
        ask(true, "2001:db8::1", "2001:db8::2", json!({}));
        interfaces(&mut pair);
        for dump in ["gre_tunnel_dump", "gre_tunnel_dump_v2", "gre_tunnel_v2_dump"] {
            for index in [ALL, 2, 99] {
                pair.ask_any(&[dump], json!({"sw_if_index": index}));
            }
        }
        for index in [2, 3] {
            pair.ask_any(&["hw_interface_set_mtu"], json!({"sw_if_index": index, "mtu": 1500}));
            pair.ask_any(
                &["sw_interface_set_mac_address"],
                json!({"sw_if_index": index, "mac_address": "de0000000009"}),
            );
            pair.ask_any(&["sw_interface_get_mac_address"], json!({"sw_if_index": index}));
        }
        up(&mut pair, 2, true);
        interfaces(&mut pair);
        routes(&mut pair);
        let mut ask = |is_add: bool, src: &str, dst: &str, more: Value| {
            pair.ask_any(&[name], tunnel(is_add, src, dst, more));
        };
        ask(false, "10.0.0.1", "10.0.0.9", json!({}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({"session_id": 5}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({"type": 1}));
        ask(false, "10.0.0.1", "10.0.0.2", json!({"type": 2, "session_id": 5}));
        ask(false, "10.0.0.1", "0.0.0.0", json!({"mode": 1}));
        ask(false, "2001:db8::1", "2001:db8::2", json!({}));
        interfaces(&mut pair);
    }
    let mut ask = |src: &str, dst: &str, more: Value| {
        pair.ask_any(&["ipip_add_tunnel"], tunnel(true, src, dst, more));
    };
    ask("10.0.0.1", "10.0.0.1", json!({}));
    ask("10.0.0.1", "2001:db8::1", json!({}));
    ask("10.0.0.1", "10.0.0.2", json!({"table_id": 9}));
    ask("10.0.0.1", "10.0.0.2", json!({"mode": 2}));
    ask("10.0.0.1", "10.0.0.2", json!({"mode": 1}));
    ask("10.0.0.1", "10.0.0.2", json!({"flags": 255}));
    ask("10.0.0.1", "10.0.0.2", json!({"dscp": 10}));
    ask("10.0.0.1", "10.0.0.2", json!({}));
    ask("10.0.0.1", "10.0.0.3", json!({"instance": 0}));
    ask("10.0.0.1", "0.0.0.0", json!({"mode": 1}));
    ask("2001:db8::1", "2001:db8::2", json!({"flags": 3}));
    interfaces(&mut pair);
    for index in [ALL, 2, 99] {
        pair.ask_any(&["ipip_tunnel_dump"], json!({"sw_if_index": index}));
    }
    up(&mut pair, 3, true);
    interfaces(&mut pair);
    routes(&mut pair);
    for index in 0..8 {
        pair.ask_any(&["ipip_del_tunnel"], json!({"sw_if_index": index}));
    }
    interfaces(&mut pair);
    delete_loopback(&mut pair, 1);
    pair.finish();
}

#[test]
fn bonds() {
    let Some(mut pair) = Pair::connect(options) else { return };
    for mac in ["de0000000001", "de0000000002", "de0000000003"] {
        loopback(&mut pair, mac);
    }
    let create = ["bond_create2", "bond_create"];
    let bond = |id: u32, mode: u32, lb: u32| json!({"id": id, "mode": mode, "lb": lb});
    let dump = |pair: &mut Pair| {
        pair.ask_any(&["sw_bond_interface_dump"], json!({"sw_if_index": ALL}));
        pair.ask_any(&["sw_bond_interface_dump"], json!({"sw_if_index": 4}));
        pair.ask_any(&["sw_interface_bond_dump"], json!({}));
        for index in [1, 4, 5] {
            pair.ask_any(&["sw_member_interface_dump"], json!({"sw_if_index": index}));
            pair.ask_any(&["sw_interface_slave_dump"], json!({"sw_if_index": index}));
        }
        interfaces(pair);
    };
    for fields in
        [bond(ALL, 0, 0), bond(ALL, 6, 0), bond(ALL, 5, 0), bond(ALL, 3, 3), bond(ALL, 3, 1), bond(0, 1, 0)]
    {
        pair.ask_any(&create, fields);
    }
    pair.ask_any(&create, json!({"id": 9, "mode": 2, "use_custom_mac": true, "mac_address": "de0000000099"}));
    dump(&mut pair);
    let add = ["bond_add_member", "bond_enslave"];
    let enter = |member: u32, bond: u32| json!({"sw_if_index": member, "bond_sw_if_index": bond, "is_passive": true, "is_long_timeout": true});
    up(&mut pair, 1, true);
    for (member, bond) in [(1, 99), (1, 2), (4, 5), (1, 4), (1, 4), (2, 4), (3, 5)] {
        pair.ask_any(&add, enter(member, bond));
    }
    dump(&mut pair);
    pair.ask_any(&["create_vlan_subif"], json!({"sw_if_index": 2, "vlan_id": 5}));
    pair.ask_any(&["delete_subif"], json!({"sw_if_index": 6}));
    for (index, is_up) in [(4, true), (2, true), (3, true), (1, false), (2, false), (4, false), (2, true)] {
        up(&mut pair, index, is_up);
        dump(&mut pair);
    }
    pair.ask_any(&["hw_interface_set_mtu"], json!({"sw_if_index": 4, "mtu": 1500}));
    pair.ask_any(&["sw_interface_set_bond_weight"], json!({"sw_if_index": 3, "weight": 7}));
    pair.ask_any(&["sw_interface_set_bond_weight"], json!({"sw_if_index": 2, "weight": 7}));
    let detach = ["bond_detach_member", "bond_detach_slave"];
    for index in [4, 1] {
        pair.ask_any(&detach, json!({"sw_if_index": index}));
    }
    dump(&mut pair);
    delete_loopback(&mut pair, 2);
    dump(&mut pair);
    for index in [1, 4, 4, 5] {
        pair.ask_any(&["bond_delete"], json!({"sw_if_index": index}));
    }
    dump(&mut pair);
    for index in [1, 3] {
        delete_loopback(&mut pair, index);
    }
    interfaces(&mut pair);
    pair.finish();
}

#[test]
fn sub_interfaces() {
    let Some(mut pair) = Pair::connect(options) else { return };
    loopback(&mut pair, "de0000000001");
    let mut id = 0;
    let mut sub = |flags: u32, outer: u16, inner: u16| {
        id += 1;
        json!({"sw_if_index": 1, "sub_id": id, "sub_if_flags": flags, "outer_vlan_id": outer,
            "inner_vlan_id": inner})
    };
    let mut list = Vec::new();
    for (flags, outer, inner) in [
        (18, 100, 0),
        (2, 101, 0),
        (26, 100, 0),
        (20, 100, 7),
        (4, 100, 8),
        (28, 100, 7),
        (132, 100, 0),
        (32, 0, 0),
        (1, 0, 0),
        (0, 0, 0),
        (148, 100, 0),
        (66, 0, 0),
        (196, 0, 0),
        (68, 0, 9),
        (18, 100, 0),
        (18, 100, 0),
        (32, 0, 0),
        (256, 0, 0),
    ] {
        list.push(sub(flags, outer, inner));
    }
    for fields in list {
        pair.ask_any(&["create_subif"], fields);
        interfaces(&mut pair);
    }
    pair.ask_any(
        &["create_subif"],
        json!({"sw_if_index": 1, "sub_id": 1, "sub_if_flags": 18, "outer_vlan_id": 3}),
    );
    pair.ask_any(&["create_subif"], json!({"sw_if_index": 99, "sub_id": 1, "sub_if_flags": 18}));
    pair.ask_any(&["create_vlan_subif"], json!({"sw_if_index": 2, "vlan_id": 300}));
    pair.ask_any(&["create_vlan_subif"], json!({"sw_if_index": 1, "vlan_id": 101}));
    interfaces(&mut pair);
    // The parent's switch, and theirs.
    up(&mut pair, 1, true);
    up(&mut pair, 2, true);
    interfaces(&mut pair);
    pair.ask_any(&["sw_interface_set_mac_address"], json!({"sw_if_index": 2, "mac_address": "de0000000009"}));
    pair.ask_any(&["sw_interface_get_mac_address"], json!({"sw_if_index": 2}));
    pair.ask_any(&["sw_interface_set_promisc"], json!({"sw_if_index": 2, "promisc_on": true}));
    pair.ask_any(&["sw_interface_set_rx_mode"], json!({"sw_if_index": 2, "mode": 1}));
    for index in [99, 1, 3] {
        pair.ask_any(&["delete_subif"], json!({"sw_if_index": index}));
    }
    interfaces(&mut pair);
    delete_loopback(&mut pair, 1);
    interfaces(&mut pair);
    pair.finish();
}

#[test]
fn switches() {
    let Some(mut pair) = Pair::connect(options) else { return };
    for mac in ["de0000000001", "de0000000002"] {
        loopback(&mut pair, mac);
    }
    pair.ask_any(&["create_vlan_subif"], json!({"sw_if_index": 1, "vlan_id": 5}));
    // Unnumbered.
    let lend = |lender: u32, to: u32, is_add: bool| json!({"sw_if_index": lender, "unnumbered_sw_if_index": to, "is_add": is_add});
    pair.ask_any(&["ip_table_add_del"], json!({"is_add": true, "table": {"table_id": 7}}));
    for fields in
        [lend(1, 99, true), lend(99, 2, true), lend(99, 2, false), lend(1, 2, true), lend(1, 3, true)]
    {
        pair.ask_any(&["sw_interface_set_unnumbered"], fields);
    }
    for index in [ALL, 2, 1, 99] {
        pair.ask_any(&["ip_unnumbered_dump"], json!({"sw_if_index": index}));
    }
    pair.ask_any(&["sw_interface_set_unnumbered"], lend(1, 2, false));
    pair.ask_any(&["sw_interface_set_table"], json!({"sw_if_index": 2, "vrf_id": 7}));
    pair.ask_any(&["sw_interface_set_unnumbered"], lend(1, 2, true));
    pair.ask_any(&["sw_interface_set_unnumbered"], lend(1, 2, false));
    pair.ask_any(&["sw_interface_set_table"], json!({"sw_if_index": 2, "vrf_id": 0}));
    pair.ask_any(&["ip_table_add_del"], json!({"is_add": false, "table": {"table_id": 7}}));
    pair.ask_any(&["ip_unnumbered_dump"], json!({"sw_if_index": ALL}));
    // IPv6 and the rest.
    for (index, enable) in [(99, true), (1, false), (1, true), (1, true), (1, false), (1, false), (1, false)]
    {
        pair.ask_any(&["sw_interface_ip6_enable_disable"], json!({"sw_if_index": index, "enable": enable}));
    }
    for index in [99, 0, 1, 3] {
        for name in [
            "sw_interface_set_ip_directed_broadcast",
            "sw_interface_set_promisc",
            "sw_interface_clear_stats",
            "interface_name_renumber",
            "sw_interface_set_rx_mode",
            "sw_interface_rx_placement_dump",
            "sw_interface_set_rx_placement",
            "sw_interface_set_tx_placement",
            "sw_interface_tx_placement_get",
        ] {
            let fields = json!({"sw_if_index": index, "enable": true, "promisc_on": true, "mode": 1});
            pair.ask_any(&[name], fields);
        }
    }
    pair.ask_any(&["sw_interface_set_rx_mode"], json!({"sw_if_index": 1, "mode": 1, "queue_id_valid": true}));
    pair.ask_any(&["sw_interface_clear_stats"], json!({"sw_if_index": ALL}));
    // Mirrors.
    let span = |from: u32, to: u32, state: u32, is_l2: bool| json!({"sw_if_index_from": from, "sw_if_index_to": to, "state": state, "is_l2": is_l2});
    for fields in [
        span(1, 2, 4, false),
        span(1, 1, 1, false),
        span(ALL, 1, 1, false),
        span(1, ALL, 1, false),
        span(1, 2, 3, false),
        span(1, 3, 1, false),
        span(1, 2, 2, false),
        span(2, 1, 2, true),
    ] {
        pair.ask_any(&["sw_interface_span_enable_disable"], fields);
        for is_l2 in [false, true] {
            pair.ask_any(&["sw_interface_span_dump"], json!({"is_l2": is_l2}));
        }
    }
    pair.ask_any(&["delete_subif"], json!({"sw_if_index": 3}));
    pair.ask_any(&["sw_interface_span_dump"], json!({"is_l2": false}));
    for fields in [span(2, 1, 0, true), span(1, 3, 0, false), span(1, 2, 0, false)] {
        pair.ask_any(&["sw_interface_span_enable_disable"], fields);
    }
    pair.ask_any(&["sw_interface_span_dump"], json!({"is_l2": false}));
    // DHCP clients.
    let dhcp = |index: u32, is_add: bool| {
        json!({"is_add": is_add, "client": {"sw_if_index": index, "hostname": {"text": "vpp"},
            "id": {"text": "one"}, "want_dhcp_event": true, "set_broadcast_flag": true, "pid": 7}})
    };
    for (index, is_add) in [(99, true), (1, false), (1, true), (1, true), (2, true)] {
        pair.ask_any(&["dhcp_client_config"], dhcp(index, is_add));
    }
    pair.ask_any(&["dhcp_client_dump"], json!({}));
    for index in [1, 2] {
        pair.ask_any(&["dhcp_client_config"], dhcp(index, false));
    }
    pair.ask_any(&["dhcp_client_dump"], json!({}));
    // BVIs and names.
    let bvi = |instance: u32, mac: &str| json!({"user_instance": instance, "mac": mac});
    for fields in
        [bvi(ALL, "000000000000"), bvi(0, "000000000000"), bvi(7, "de0000000077"), bvi(20000, "000000000000")]
    {
        pair.ask_any(&["bvi_create"], fields);
    }
    up(&mut pair, 3, true);
    interfaces(&mut pair);
    pair.ask_any(&["create_vlan_subif"], json!({"sw_if_index": 1, "vlan_id": 6}));
    for (index, name) in [(99, "up"), (1, ""), (1, "up")] {
        pair.ask_any(
            &["sw_interface_set_interface_name"],
            json!({"sw_if_index": index, "name": {"text": name}}),
        );
    }
    interfaces(&mut pair);
    for filter in ["UP", "p.", "nothing", ""] {
        let fields = json!({"sw_if_index": ALL, "name_filter_valid": true, "name_filter": {"text": filter}});
        pair.ask_any(&["sw_interface_dump"], fields);
    }
    for index in [0, 99, 1, 3, 4] {
        pair.ask_any(&["bvi_delete"], json!({"sw_if_index": index}));
    }
    for index in [1, 2] {
        delete_loopback(&mut pair, index);
    }
    interfaces(&mut pair);
    pair.finish();
}

#[test]
fn interfaces_of_the_host() {
    let Ok(name) = std::env::var("VPP_HOST_INTERFACE") else {
        println!("skipped: VPP_HOST_INTERFACE is not set");
        return;
    };
    let Some(mut pair) = Pair::connect(options) else { return };
    let create = |name: &str, mode: u32| {
        json!({"host_if_name": {"text": name}, "hw_addr": "de0000000001", "mode": mode, "num_rx_queues": 1,
            "num_tx_queues": 1})
    };
    for message in ["af_packet_create", "af_packet_create_v2", "af_packet_create_v3"] {
        pair.ask_any(&[message], create("absent0", 1));
        pair.ask_any(&[message], create(&name, 9));
        if message != "af_packet_create_v3" {
            pair.ask_any(&["af_packet_delete"], json!({"host_if_name": {"text": name}}));
        }
        pair.ask_any(&[message], create(&name, 1));
        pair.ask_any(&[message], create(&name, 1));
        pair.ask_any(&["af_packet_dump"], json!({}));
        interfaces(&mut pair);
        up(&mut pair, 1, true);
        interfaces(&mut pair);
        for index in [ALL, 1] {
            pair.ask_any(&["sw_interface_rx_placement_dump"], json!({"sw_if_index": index}));
            pair.ask_any(&["sw_interface_tx_placement_get"], json!({"sw_if_index": index}));
        }
        for queue in [0, 5] {
            let fields = json!({"sw_if_index": 1, "mode": 1, "queue_id_valid": true, "queue_id": queue,
                "is_main": true, "array_size": 1, "threads": [0]});
            pair.ask_any(&["sw_interface_set_rx_mode"], fields.clone());
            pair.ask_any(&["sw_interface_set_rx_placement"], fields.clone());
            pair.ask_any(&["sw_interface_set_tx_placement"], fields);
        }
        pair.ask_any(&["sw_interface_rx_placement_dump"], json!({"sw_if_index": 1}));
        for _ in 0..2 {
            pair.ask_any(&["af_packet_delete"], json!({"host_if_name": {"text": name}}));
        }
        interfaces(&mut pair);
    }
    pair.finish();
}
