//! Every kind of interface on every release: made, shown, refused a second time, deleted, gone.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::{Client, is_silent, on_every_release, releases};
use serde_json::{Value, json};
use vpp_sim::Sim;

const ALL: u32 = u32::MAX;

/// A kind of interface.
struct Kind {
    /// Messages that make one; each release has some of them.
    create: &'static [&'static str],
    fields: Value,
    delete: &'static [&'static str],
    /// Beside `sw_if_index`.
    delete_fields: Value,
    dump: &'static [&'static str],
    /// What the details have, as far as the release has the fields.
    shows: Value,
    name: &'static str,
    class: &'static str,
    mtu: fn(&Client) -> u32,
    /// Retval of making it again.
    again: i64,
    /// Retval of deleting it again.
    missing: i64,
}

fn tunnel(is_add: bool) -> Value {
    let object = json!({"src": {"ip": "10.0.0.1"}, "dst": {"ip": "10.0.0.2"}, "instance": 7});
    json!({"is_add": is_add, "instance": 7, "src_address": {"ip": "10.0.0.1"}, "dst_address": {"ip": "10.0.0.2"},
        "tunnel": object, "vni": 11, "encap_vrf_id": 0, "decap_next_index": ALL, "mcast_sw_if_index": ALL})
}

/// Point to point, as the release numbers it.
fn with_mode(client: &Client, message: &str, mut fields: Value) -> Value {
    if message.starts_with("gre_") && client.sim.schema().field(message, "tunnel.mode").is_some() {
        let modes = &mut fields["tunnel"]["mode"];
        if modes.is_null() {
            *modes = json!(client.sim.behaviour().gre_first_mode);
        }
    }
    fields
}

fn kinds() -> Vec<Kind> {
    let ethernet = |_: &Client| 9000;
    vec![
        Kind {
            create: &["memif_create", "memif_create_v2"],
            fields: json!({"id": 3, "role": 1, "hw_addr": "02fe00000033", "secret": {"text": "s"}}),
            delete: &["memif_delete"],
            delete_fields: json!({}),
            dump: &["memif_dump"],
            shows: json!({"id": 3, "socket_id": 0, "role": 1, "hw_addr": "02fe00000033", "zero_copy": true,
                "if_name": {"text": "memif0/3"}, "ring_size": 1}),
            name: "memif0/3",
            class: "memif",
            mtu: ethernet,
            again: -68,
            missing: -2,
        },
        Kind {
            create: &["af_packet_create", "af_packet_create_v2", "af_packet_create_v3"],
            fields: json!({"host_if_name": {"text": "eth0"}, "hw_addr": "02fe00000044", "mode": 1}),
            delete: &["af_packet_delete"],
            delete_fields: json!({"host_if_name": {"text": "eth0"}}),
            dump: &["af_packet_dump"],
            shows: json!({"host_if_name": {"text": "eth0"}}),
            name: "host-eth0",
            class: "af-packet",
            mtu: ethernet,
            again: -79,
            missing: -11,
        },
        Kind {
            create: &["vxlan_add_del_tunnel", "vxlan_add_del_tunnel_v2", "vxlan_add_del_tunnel_v3"],
            fields: tunnel(true),
            delete: &["vxlan_add_del_tunnel", "vxlan_add_del_tunnel_v2", "vxlan_add_del_tunnel_v3"],
            delete_fields: tunnel(false),
            dump: &["vxlan_tunnel_dump", "vxlan_tunnel_v2_dump"],
            shows: json!({"instance": 7, "vni": 11, "src_address": {"ip": "10.0.0.1"}, "src_port": 4789,
                "dst_port": 4789, "decap_next_index": 1, "is_ipv6": false}),
            name: "vxlan_tunnel7",
            class: "VXLAN",
            mtu: |client| if client.sim.behaviour().vxlan_is_ethernet { 9000 } else { 0 },
            again: -75,
            missing: -6,
        },
        Kind {
            create: &["gre_add_del_tunnel", "gre_tunnel_add_del", "gre_tunnel_add_del_v2"],
            fields: tunnel(true),
            delete: &["gre_add_del_tunnel", "gre_tunnel_add_del", "gre_tunnel_add_del_v2"],
            delete_fields: tunnel(false),
            dump: &["gre_tunnel_dump", "gre_tunnel_dump_v2", "gre_tunnel_v2_dump"],
            shows: json!({"instance": 7, "tunnel": {"instance": 7, "dst": {"ip": "10.0.0.2"}, "session_id": 0},
                "dst_address": {"ip": "10.0.0.2"}, "tunnel_type": 0}),
            name: "gre7",
            class: "GRE tunnel device",
            mtu: ethernet,
            again: -79,
            missing: -6,
        },
        Kind {
            create: &["ipip_add_tunnel"],
            fields: tunnel(true),
            delete: &["ipip_del_tunnel"],
            delete_fields: json!({}),
            dump: &["ipip_tunnel_dump"],
            shows: json!({"instance": 7, "tunnel": {"instance": 7, "dst": {"ip": "10.0.0.2"}, "table_id": 0},
                "dst_address": {"ip": "10.0.0.2"}, "fib_index": 0}),
            name: "ipip7",
            class: "IPIP tunnel device",
            mtu: ethernet,
            again: -79,
            missing: -6,
        },
        Kind {
            create: &["bond_create", "bond_create2"],
            fields: json!({"id": 0, "mode": 3, "lb": 1, "use_custom_mac": true, "mac_address": "02fe00000055"}),
            delete: &["bond_delete"],
            delete_fields: json!({}),
            dump: &["sw_interface_bond_dump", "sw_bond_interface_dump"],
            shows: json!({"id": 0, "mode": 3, "lb": 1, "members": 0, "slaves": 0, "active_members": 0,
                "interface_name": {"text": "BondEthernet0"}}),
            name: "BondEthernet0",
            class: "bond",
            mtu: ethernet,
            again: -147,
            missing: -2,
        },
        Kind {
            create: &["tap_create_v2", "tap_create_v3"],
            fields: json!({"id": 5, "mac_address": "02fe00000066", "host_if_name_set": true,
                "host_if_name": {"text": "vm"}}),
            delete: &["tap_delete_v2"],
            delete_fields: json!({}),
            dump: &["sw_interface_tap_v2_dump"],
            shows: json!({"id": 5, "host_if_name": {"text": "vm"}}),
            name: "tap5",
            class: "virtio",
            mtu: ethernet,
            again: -71,
            missing: -2,
        },
        Kind {
            create: &["bvi_create"],
            fields: json!({"user_instance": 4}),
            delete: &["bvi_delete"],
            delete_fields: json!({}),
            dump: &[],
            shows: json!({}),
            name: "bvi4",
            class: "BVI",
            mtu: ethernet,
            again: -31,
            missing: -2,
        },
    ]
}

/// What both have is the same.
fn assert_shows(at: &str, details: &Value, wanted: &Value) {
    let Value::Object(wanted) = wanted else {
        let number = |value: &Value| value.as_bool().map_or(value.as_u64(), |flag| Some(u64::from(flag)));
        match (details.as_str(), wanted.as_str()) {
            // Texts in bytes and addresses in 16 of them have zeros after them.
            (Some(details), Some(wanted)) => assert!(
                details.strip_prefix(wanted).is_some_and(|rest| rest.trim_matches('0').is_empty()),
                "{at}: {details} is not {wanted}"
            ),
            _ => assert_eq!(number(details), number(wanted), "{at}: {details} is not {wanted}"),
        }
        return;
    };
    for (name, wanted) in wanted {
        assert_shows(&format!("{at} {name}"), &details[name], wanted);
    }
}

#[test]
fn made_shown_deleted() {
    on_every_release(|client| {
        let without_id = client.sim.schema().field("bond_create", "id").is_none();
        for kind in kinds() {
            for create in client.having(kind.create) {
                client.restart();
                round(client, &kind, create, without_id && create == "bond_create");
            }
        }
    });
}

fn round(client: &mut Client, kind: &Kind, create: &str, any_number: bool) {
    let at = format!("{} {create}", client.sim.release());
    let fields = with_mode(client, create, kind.fields.clone());
    // Something with the index before, so that it is not the fresh one.
    let before = client.loopback();
    assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": before})), 0);
    if let Some(reply) = client.put(create, fields.clone()) {
        assert_eq!((&reply["retval"], &reply["sw_if_index"]), (&json!(0), &json!(1)), "{at}");
    }
    let state = client.sim.state();
    let interface = state.interfaces.get(1).unwrap_or_else(|| panic!("{at}: nothing made"));
    assert_eq!(interface.name, kind.name, "{at}");
    let [l3, ..] = interface.mtu;
    assert_eq!(l3, (kind.mtu)(client), "{at}");
    let shown = client.dump("sw_interface_dump", json!({"sw_if_index": 1}));
    let shown = shown.iter().find(|d| d["sw_if_index"] == 1).unwrap_or_else(|| panic!("{at}: not shown"));
    if let Some(class) = shown.get("interface_dev_type").filter(|class| **class != "tap") {
        assert_eq!(class, kind.class, "{at}");
    }
    for dump in client.having(kind.dump) {
        let details = client.dump(dump, json!({"sw_if_index": ALL}));
        assert_eq!(details.len(), 1, "{at} {dump}");
        let message = client.sim.schema().service(dump).and_then(|s| s.details.clone()).expect("details");
        let wanted = common::shaped(client, &message, kind.shows.clone());
        assert_shows(&format!("{at} {dump}"), &details[0], &wanted);
        let dumps_one = client.sim.schema().field(dump, "sw_if_index").is_some();
        if dumps_one {
            assert_eq!(client.dump(dump, json!({"sw_if_index": 1})).len(), 1, "{at} {dump}");
            assert_eq!(client.dump(dump, json!({"sw_if_index": 9})).len(), 0, "{at} {dump}");
        }
    }
    if !any_number {
        client.expect(create, fields.clone(), kind.again);
    }
    let count = client.sim.state().interfaces.iter().count();
    assert_eq!(count, 2 + usize::from(any_number && kind.again == 0), "{at}: only the first was made");

    for delete in client.having(kind.delete).into_iter().take(1) {
        let mut gone = with_mode(client, delete, kind.delete_fields.clone());
        gone["sw_if_index"] = json!(1);
        client.expect(delete, gone.clone(), 0);
        client.expect(delete, gone, kind.missing);
    }
    for dump in client.having(kind.dump) {
        assert_eq!(client.dump(dump, json!({"sw_if_index": ALL})).len(), 0, "{at} {dump}");
    }
    let left = client.dump("sw_interface_dump", json!({"sw_if_index": ALL}));
    assert_eq!(left.len(), 1, "{at}: local0 stays");
    // All that it held can be had again.
    client.expect(create, fields, 0);
    assert_eq!(client.name(1).as_deref(), Some(kind.name), "{at}");
}

#[test]
fn memif_sockets() {
    on_every_release(|client| {
        let release = client.sim.release();
        let silent = is_silent(client, "memif_create");
        for change in client.having(&["memif_socket_filename_add_del", "memif_socket_filename_add_del_v2"]) {
            client.restart();
            let socket = |id: u32, is_add: bool, file: &str| json!({"socket_id": id, "is_add": is_add, "socket_filename": {"text": file}});
            let ask = |client: &mut Client, fields: Value, retval: i64| client.expect(change, fields, retval);
            ask(client, socket(0, true, "/run/a.sock"), -73);
            ask(client, socket(1, true, ""), -73);
            ask(client, socket(1, false, ""), -73);
            ask(client, socket(1, true, "a.sock"), 0);
            ask(client, socket(1, true, "/run/vpp/a.sock"), 0);
            ask(client, socket(1, true, "/run/vpp/b.sock"), -116);
            assert_eq!(client.dump("memif_socket_filename_dump", json!({})).len(), 2, "{release}");
            let memif = |id: u32, role: u32, socket: u32| json!({"id": id, "role": role, "socket_id": socket, "ring_size": 1024});
            client.expect("memif_create", memif(1, 0, 9), -73);
            client.expect("memif_create", json!({"ring_size": 1000}), -73);
            client.expect("memif_create", memif(1, 0, 1), 0);
            client.expect("memif_create", memif(1, 0, 1), -68);
            client.expect("memif_create", memif(2, 1, 1), -68);
            client.expect("memif_create", memif(2, 0, 1), 0);
            client.expect("memif_create", memif(1, 0, 0), 0);
            let names = [1, 2, 3].map(|i| client.name(i).expect("a memif"));
            assert_eq!(names, ["memif1/1", "memif1/2", "memif0/1"], "{release}");
            ask(client, socket(1, false, ""), -74);
            for index in [1, 2, 3] {
                client.expect("memif_delete", json!({"sw_if_index": index}), 0);
            }
            ask(client, socket(1, false, ""), 0);
            assert_eq!(client.dump("memif_socket_filename_dump", json!({})).len(), 1, "{release}");
        }
        if client.sim.table().id("memif_socket_filename_add_del_v2").is_some() {
            let any = json!({"socket_id": ALL, "is_add": true, "socket_filename": {"text": "abstract:x"}});
            let reply = client.put("memif_socket_filename_add_del_v2", any).expect("a reply");
            assert_eq!(reply["retval"], 0);
            let id = u32::try_from(reply["socket_id"].as_u64().expect("an id")).expect("an id");
            let file = client.sim.state().memif_sockets.get(id).expect("a socket");
            assert_eq!(file.path, "abstract:x");
        }
        assert_eq!(silent, release == common::release("18.10"));
    });
}

#[test]
fn memifs_of_a_host_without_sockets() {
    for release in releases() {
        let mut options = common::options();
        options.memif_sockets = false;
        let mut client = Client::of(Sim::new(release, options).expect("a simulated VPP"));
        let early = client.sim.behaviour().memif_checks_folder;
        let add = json!({"socket_id": 1, "is_add": true, "socket_filename": {"text": "/run/a.sock"}});
        client.expect("memif_socket_filename_add_del", add, if early { -73 } else { 0 });
        client.expect("memif_create", json!({"role": 0, "socket_id": 0}), -14);
        client.expect("memif_create", json!({"role": 1, "socket_id": 0}), 0);
        assert_eq!(client.dump("memif_dump", json!({})).len(), 1, "{release}");
    }
}

#[test]
fn a_memif_mode_that_kills() {
    for release in ["20.05", "26.06"] {
        let mut client = Client::new(release);
        assert!(client.answers("memif_create", json!({"mode": 2})).is_empty());
        assert!(client.sim.died().is_some(), "{release}");
    }
}

#[test]
fn vxlan_refusals() {
    on_every_release(|client| {
        let release = client.sim.release();
        for message in
            client.having(&["vxlan_add_del_tunnel", "vxlan_add_del_tunnel_v2", "vxlan_add_del_tunnel_v3"])
        {
            client.restart();
            let with = |changes: Value| {
                let mut fields = tunnel(true);
                fields["instance"] = json!(ALL);
                for (name, value) in changes.as_object().expect("changes") {
                    fields[name] = value.clone();
                }
                fields
            };
            client.expect(message, with(json!({})), 0);
            client.expect(message, with(json!({"dst_address": {"ip": "10.0.0.1"}})), -82);
            client.expect(message, with(json!({"encap_vrf_id": 9})), -3);
            client.expect(message, with(json!({"vni": 12, "instance": 0})), -147);
            client.expect(message, with(json!({"vni": 12, "decap_next_index": 5})), -76);
            client.expect(message, with(json!({"vni": 12, "dst_address": {"ip": "225.0.0.1"}})), -2);
            client.expect(message, with(json!({"vni": 12, "is_add": false})), -6);
            client.expect(message, with(json!({"vni": 12})), 0);
            client.expect(message, with(json!({"src_address": {"ip": "10.0.0.3"}})), 0);
            // Of IPv6 tunnels the source does not count.
            let six = |src: &str| {
                with(
                    json!({"is_ipv6": true, "src_address": {"ip": src}, "dst_address": {"ip": "2001:db8::9"}}),
                )
            };
            client.expect(message, six("2001:db8::1"), 0);
            client.expect(message, six("2001:db8::2"), -75);
            // The end of a tunnel is followed: a host route without a source of its own.
            let table = client.sim.state().fib.table(0, false).expect("table 0");
            assert_eq!(client.sim.state().fib.resolved(table).len(), 1, "{release}");
            assert_eq!(client.name(4).as_deref(), Some("vxlan_tunnel3"));
            client.expect(message, with(json!({"is_add": false})), 0);
            assert_eq!(client.name(1), None);
            // Numbers come back, the last one first.
            client.expect(message, with(json!({"vni": 99})), 0);
            assert_eq!(client.name(1).as_deref(), Some("vxlan_tunnel0"));
        }
    });
}

#[test]
fn tunnel_refusals() {
    let ends = |src: &str, dst: &str, more: Value| {
        let mut fields = json!({"is_add": true, "instance": ALL, "src_address": {"ip": src},
            "dst_address": {"ip": dst}, "tunnel": {"instance": ALL, "src": {"ip": src}, "dst": {"ip": dst}}});
        for (name, value) in more.as_object().expect("more") {
            fields[name] = value.clone();
            fields["tunnel"][name] = value.clone();
        }
        fields
    };
    on_every_release(|client| {
        let release = client.sim.release();
        for message in client.having(&["gre_add_del_tunnel", "gre_tunnel_add_del", "gre_tunnel_add_del_v2"]) {
            client.restart();
            client.expect(message, with_mode(client, message, ends("10.0.0.1", "10.0.0.1", json!({}))), -82);
            let nowhere = json!({"outer_table_id": 9, "outer_fib_id": 9});
            client.expect(message, with_mode(client, message, ends("10.0.0.1", "10.0.0.2", nowhere)), -3);
            client.expect(
                message,
                with_mode(client, message, ends("10.0.0.1", "10.0.0.2", json!({"session_id": 1024}))),
                -148,
            );
            client.expect(message, with_mode(client, message, ends("10.0.0.1", "10.0.0.2", json!({}))), 0);
            client.expect(
                message,
                with_mode(client, message, ends("10.0.0.1", "10.0.0.3", json!({"instance": 0}))),
                -147,
            );
            client.expect(
                message,
                with_mode(
                    client,
                    message,
                    ends("10.0.0.1", "10.0.0.2", json!({"type": 1, "tunnel_type": 1})),
                ),
                0,
            );
            let mac = client.sim.state().interfaces.get(2).and_then(|i| i.mac);
            assert_eq!(mac, Some([0xd0, 0x0b, 0xee, 0xd0, 0, 1]), "{release} {message}");
            if client.sim.schema().field(message, "tunnel").is_some() {
                client.expect(
                    message,
                    with_mode(client, message, ends("10.0.0.1", "2001:db8::1", json!({}))),
                    -153,
                );
                client.expect(
                    message,
                    with_mode(client, message, ends("10.0.0.1", "10.0.0.9", json!({"type": 3}))),
                    -7,
                );
            }
            if client.sim.schema().field(message, "tunnel.mode").is_some() {
                let first = client.sim.behaviour().gre_first_mode;
                let mode = |mode: u32| json!({"mode": first + mode});
                client.expect(message, with_mode(client, message, ends("10.0.0.1", "10.0.0.9", mode(2))), -8);
                client.expect(
                    message,
                    with_mode(client, message, ends("10.0.0.1", "10.0.0.9", mode(1))),
                    -58,
                );
                client.expect(message, with_mode(client, message, ends("10.0.0.1", "0.0.0.0", mode(1))), 0);
            }
            if client.sim.schema().field(message, "tunnel.flags").is_some() {
                let unknown = json!({"flags": client.sim.behaviour().tunnel_flags + 1});
                if client.sim.behaviour().tunnel_flags < 0xff {
                    client.expect(
                        message,
                        with_mode(client, message, ends("10.0.0.1", "10.0.0.9", unknown)),
                        -8,
                    );
                }
            }
        }
        client.restart();
        let is_new = client.sim.schema().field("ipip_add_tunnel", "tunnel").is_some();
        client.expect(
            "ipip_add_tunnel",
            ends("10.0.0.1", "10.0.0.1", json!({})),
            if is_new { -82 } else { 0 },
        );
        client.expect("ipip_add_tunnel", ends("10.0.0.1", "10.0.0.2", json!({"table_id": 9})), -3);
        client.expect("ipip_add_tunnel", ends("10.0.0.1", "10.0.0.2", json!({})), 0);
        client.expect("ipip_add_tunnel", ends("10.0.0.1", "10.0.0.3", json!({"instance": 0})), -147);
        client.expect("ipip_del_tunnel", json!({"sw_if_index": 0}), -6);
    });
}

#[test]
fn bonds_and_members() {
    on_every_release(|client| {
        let release = client.sim.release();
        let (add, detach, members) = if client.sim.table().id("bond_add_member").is_some() {
            ("bond_add_member", "bond_detach_member", "sw_member_interface_dump")
        } else {
            ("bond_enslave", "bond_detach_slave", "sw_interface_slave_dump")
        };
        client.expect("bond_create", json!({"id": ALL, "mode": 6}), -73);
        client.expect("bond_create", json!({"id": ALL, "mode": 3, "lb": 3}), -73);
        client.expect("bond_create", json!({"id": ALL, "mode": 1}), 0);
        client.expect("bond_create", json!({"id": ALL, "mode": 5}), 0);
        let loops = [client.loopback(), client.loopback()];
        assert_eq!(loops, [3, 4]);
        let enter = |member: u64, bond: u32| json!({"sw_if_index": member, "bond_sw_if_index": bond, "is_passive": true});
        let tells = client.sim.behaviour().bond_member_refusals;
        let refusal = |retval| if tells { retval } else { 0 };
        if tells {
            client.expect(add, enter(9, 1), -2);
        }
        client.expect(add, enter(3, 9), refusal(-71));
        client.expect(add, enter(2, 1), refusal(-71));
        client.expect(add, enter(3, 1), 0);
        client.expect(add, enter(3, 1), refusal(-81));
        client.expect(add, enter(4, 1), 0);
        client.expect(detach, json!({"sw_if_index": 2}), refusal(-71));
        let mac = |client: &Client, index: u32| client.sim.state().interfaces.get(index).and_then(|i| i.mac);
        let first = Some([0xde, 0xad, 0, 0, 0, 0]);
        assert_eq!([1, 3, 4].map(|i| mac(client, i)), [first; 3], "{release}: all have the first one's");
        let details = client.dump(members, json!({"sw_if_index": 1}));
        let indices: Vec<&Value> = details.iter().map(|d| &d["sw_if_index"]).collect();
        assert_eq!(indices, [3, 4], "{release}");
        assert_eq!(client.dump(members, json!({"sw_if_index": 3})).len(), 0);
        let dump = client.having(&["sw_bond_interface_dump", "sw_interface_bond_dump"])[0];
        let active = |client: &mut Client| {
            let bond = client.dump(dump, json!({"sw_if_index": ALL}))[0].clone();
            [["members", "active_members"], ["slaves", "active_slaves"]]
                .iter()
                .find_map(|[all, active]| Some((bond.get(all)?.as_u64()?, bond.get(active)?.as_u64()?)))
                .expect("numbers")
        };
        assert_eq!(active(client), (2, 0), "{release}");
        for index in [1, 3] {
            let up = json!({"sw_if_index": index, "flags": 1, "admin_up_down": true});
            client.expect("sw_interface_set_flags", up, 0);
        }
        assert_eq!(active(client), (2, 1), "{release}");
        let link = client.sim.state().interfaces.get(1).map(|i| i.link_up);
        assert_eq!(link, Some(true), "{release}");
        // One leaves, one is deleted.
        client.expect(detach, json!({"sw_if_index": 4}), 0);
        assert_eq!(mac(client, 4), Some([0xde, 0xad, 0, 0, 0, 1]), "{release}: it has its own again");
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": 3})), 0);
        assert_eq!(active(client), (0, 0), "{release}");
        let link = client.sim.state().interfaces.get(1).map(|i| i.link_up);
        assert_eq!(link, Some(!client.sim.behaviour().bond_link_follows_members), "{release}");
        // With the bond gone its members are free.
        client.expect(add, enter(4, 1), 0);
        client.expect("bond_delete", json!({"sw_if_index": 1}), 0);
        assert_eq!(client.sim.state().bond_of(4), None, "{release}");
        client.expect(add, enter(4, 2), 0);
        client.expect("bond_delete", json!({"sw_if_index": 4}), -2);
    });
}

#[test]
fn an_elder_vpp_dies_of_a_member_that_is_not_there() {
    let mut client =
        Client::of(Sim::new(common::release("20.05"), common::options()).expect("a simulated VPP"));
    client.expect("bond_create", json!({"id": ALL, "mode": 1}), 0);
    let nowhere = json!({"sw_if_index": 9, "bond_sw_if_index": 1});
    assert!(client.all("bond_enslave", nowhere).is_empty());
    assert!(client.sim.died().is_some_and(|why| why.contains("no interface 9")));
}

#[test]
fn a_bond_needs_its_plugin() {
    let mut options = common::options();
    options.without_plugins = vec!["lacp".to_string()];
    let mut client = Client::of(Sim::new(common::release("23.06"), options).expect("a simulated VPP"));
    client.expect("bond_create2", json!({"id": ALL, "mode": 5}), -30);
    client.expect("bond_create2", json!({"id": ALL, "mode": 1}), 0);
}

#[test]
fn interfaces_of_the_host() {
    on_every_release(|client| {
        let release = client.sim.release();
        let create =
            |name: &str| json!({"host_if_name": {"text": name}, "use_random_hw_addr": true, "mode": 1});
        for message in client.having(&["af_packet_create", "af_packet_create_v2", "af_packet_create_v3"]) {
            client.expect(message, create("absent0"), -71);
            let existing = client.put(message, create("eth0")).expect("a reply");
            let again = client.put(message, create("eth0")).expect("a reply");
            assert_eq!(again["retval"], -79, "{release}");
            assert_eq!(existing["sw_if_index"], again["sw_if_index"], "{release}");
            client.expect("af_packet_delete", json!({"host_if_name": {"text": "eth0"}}), 0);
        }
        let mut options = common::options();
        options.host_interfaces = Some(vec!["uplink".to_string()]);
        let mut client = Client::of(Sim::new(release, options).expect("a simulated VPP"));
        client.expect("af_packet_create", create("eth0"), -71);
        client.expect("af_packet_create", create("uplink"), 0);
    });
}
