//! Requests that were recorded on real VPPs, put to the simulated one: the same answers.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::collections::BTreeMap;

use common::Client;
use serde_json::{Value, json};
use vpp_sim::Sim;

/// Requests that the simulator is stateful for.
const SCOPE: &[&str] = &[
    "abf_itf_attach_add_del",
    "abf_itf_attach_dump",
    "abf_policy_add_del",
    "abf_policy_dump",
    "acl_add_replace",
    "acl_dump",
    "acl_interface_list_dump",
    "acl_interface_set_acl_list",
    "acl_plugin_get_version",
    "api_versions",
    "bd_ip_mac_add_del",
    "bond_create",
    "bond_create2",
    "bridge_domain_add_del",
    "bridge_domain_add_del_v2",
    "bridge_domain_dump",
    "cli_inband",
    "control_ping",
    "create_loopback",
    "create_loopback_instance",
    "create_subif",
    "create_vlan_subif",
    "delete_loopback",
    "delete_subif",
    "gre_tunnel_add_del",
    "gre_tunnel_dump",
    "hw_interface_set_mtu",
    "ip6_fib_dump",
    "ip_add_del_route",
    "ip_address_dump",
    "ip_fib_dump",
    "ip_neighbor_add_del",
    "ip_neighbor_dump",
    "ip_route_add_del",
    "ip_route_dump",
    "ip_route_v2_dump",
    "ip_table_add_del",
    "ip_table_dump",
    "ipip_add_tunnel",
    "ipip_tunnel_dump",
    "l2_fib_table_dump",
    "l2_xconnect_dump",
    "l2fib_add_del",
    "macip_acl_add",
    "macip_acl_dump",
    "memif_create",
    "memif_create_v2",
    "memif_dump",
    "memif_socket_filename_add_del",
    "memif_socket_filename_add_del_v2",
    "memif_socket_filename_dump",
    "proxy_arp_add_del",
    "proxy_arp_dump",
    "proxy_arp_intfc_dump",
    "proxy_arp_intfc_enable_disable",
    "set_ip_flow_hash",
    "show_version",
    "show_vpe_system_time",
    "sockclnt_delete",
    "sw_bond_interface_dump",
    "sw_interface_add_del_address",
    "sw_interface_dump",
    "sw_interface_get_mac_address",
    "sw_interface_get_table",
    "sw_interface_rx_placement_dump",
    "sw_interface_set_flags",
    "sw_interface_set_l2_bridge",
    "sw_interface_set_mac_address",
    "sw_interface_set_mtu",
    "sw_interface_set_rx_mode",
    "sw_interface_set_table",
    "sw_interface_set_unnumbered",
    "sw_interface_span_dump",
    "sw_interface_span_enable_disable",
    "sw_interface_tag_add_del",
    "sw_interface_tap_v2_dump",
    "sw_interface_tx_placement_get",
    "tap_create_v2",
    "tap_create_v3",
    "vxlan_add_del_tunnel",
    "vxlan_add_del_tunnel_v3",
    "vxlan_tunnel_dump",
    "vxlan_tunnel_v2_dump",
    "want_interface_events",
];

/// Fields that a VPP makes up, so that two real ones differ in them too, each with its reason.
const INTERNAL: &[(&str, &str, &str)] = &[
    ("show_version_reply", "version", "point release of the recorded build"),
    ("show_version_reply", "build_date", "when it was built"),
    ("show_version_reply", "build_directory", "where it was built"),
    ("control_ping_reply", "vpe_pid", "process id"),
    ("show_vpe_system_time_reply", "vpe_system_time", "clock"),
    ("api_versions_reply", "count", "modules that the recorded build had loaded"),
    ("api_versions_reply", "api_versions", "modules that the recorded build had loaded"),
    ("ip_route_add_del_reply", "stats_index", "slot of a pool that adjacencies and others share"),
    ("ip_add_del_route_reply", "stats_index", "slot of a pool that adjacencies and others share"),
    ("ip_route_details", "route.stats_index", "slot of a pool that adjacencies and others share"),
    ("ip_route_v2_details", "route.stats_index", "slot of a pool that adjacencies and others share"),
    ("ip_fib_details", "stats_index", "slot of a pool that adjacencies and others share"),
    ("ip6_fib_details", "stats_index", "slot of a pool that adjacencies and others share"),
    ("ip_neighbor_add_del_reply", "stats_index", "slot of the pool of adjacencies"),
    ("ip_neighbor_details", "age", "clock"),
];

/// Details whose order is that of a hash table.
const UNORDERED: &[&str] = &["ip_route_details", "ip_route_v2_details"];

fn without_internal(name: &str, fields: &Value) -> Value {
    let mut fields = fields.clone();
    for (message, path, _) in INTERNAL {
        if *message != name {
            continue;
        }
        let place = path.split('.').try_fold(&mut fields, |value, step| value.get_mut(step));
        if let Some(place) = place {
            // That there is none is not internal.
            if *place != json!(u32::MAX) {
                *place = json!("internal");
            }
        }
    }
    if let Some(object) = fields.as_object_mut() {
        object.remove("client_index");
    }
    fields
}

/// Lines of text that the simulator shows have to stand in the recorded text; counters and what requests out of
/// scope made are more there.
fn compare_text(command: &str, recorded: &str, ours: &str) {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let recorded: Vec<String> = recorded.lines().map(str::to_string).collect();
    for line in ours.lines() {
        let found = recorded.iter().any(|r| r == line)
            || recorded.iter().any(|r| r.starts_with(line.trim_end()) && command == "show interface");
        assert!(found, "{command}: {line:?} is not in\n{}", recorded.join("\n"));
        assert!(!squeeze(line).contains("DELETED"));
    }
}

/// Where the recorded VPP ran, by the socket that memifs have from the start.
fn runtime_dir(frames: &[Value]) -> String {
    let file = frames
        .iter()
        .filter(|f| f["name"] == "memif_socket_filename_details")
        .find(|f| f["fields"]["socket_id"] == 0)
        .and_then(|f| f["fields"]["socket_filename"].as_str())
        .expect("socket 0");
    let bytes = vpp_schema::hex::read(file);
    let file = bytes.map_or_else(|| file.to_string(), |b| String::from_utf8(b).expect("text"));
    file.trim_end_matches('\0').strip_suffix("/memif.sock").expect("VPP's own name").to_string()
}

fn replay(release: &str) {
    let mut options = common::options();
    // The VPPs were recorded where there was no /dev/net/tun.
    options.tap_devices = false;
    let text = std::fs::read_to_string(common::root().join(format!("tests/traces/{release}.jsonl")))
        .expect("recording");
    let frames: Vec<Value> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).expect("a frame")).collect();
    // Two of them could not make sockets where memifs were to listen.
    options.memif_sockets = !["18.10", "23.06"].contains(&release);
    options.runtime_dir = runtime_dir(&frames);
    let mut client = Client::of(Sim::new(common::release(release), options).expect("a simulated VPP"));

    let mut out_of_scope: BTreeMap<&str, u32> = BTreeMap::new();
    let mut compared = 0;
    let mut our_events = Vec::new();
    for frame in frames.iter().filter(|f| f["dir"] == "tx") {
        let name = frame["name"].as_str().expect("name");
        let at = format!("{release}, frame {} {name}", frame["n"]);
        if name == "sockclnt_create" {
            continue;
        }
        if !SCOPE.contains(&name) {
            *out_of_scope.entry(name).or_default() += 1;
            continue;
        }
        let mut fields = frame["fields"].clone();
        fields["client_index"] = json!(client.handle);
        if fields.get("index").is_some() {
            fields["index"] = json!(client.handle);
        }
        let all =
            client.sim.request(client.connection, name, &fields).unwrap_or_else(|e| panic!("{at}: {e}"));
        let (events, ours): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(name, _)| name.ends_with("_event"));
        our_events.extend(events);

        let service = client.sim.schema().service(name).expect("a request");
        let answers = |other: &str| {
            service.reply.as_deref() == Some(other) || service.details.as_deref() == Some(other)
        };
        let recorded: Vec<(String, Value)> = frames
            .iter()
            .filter(|f| f["dir"] == "rx" && f["fields"]["context"] == fields["context"])
            .filter(|f| f["name"].as_str().is_some_and(answers))
            .map(|f| (f["name"].as_str().expect("name").to_string(), f["fields"].clone()))
            .collect();
        if name == "cli_inband" {
            let text =
                |answers: &[(String, Value)]| answers[0].1["reply"].as_str().expect("text").to_string();
            assert_eq!(ours[0].1["retval"], recorded[0].1["retval"], "{at}");
            compare_text(fields["cmd"].as_str().expect("command"), &text(&recorded), &text(&ours));
            compared += 1;
            continue;
        }
        let comparable = |answers: &[(String, Value)]| {
            let mut list: Vec<String> =
                answers.iter().map(|(n, f)| format!("{n} {:#}", without_internal(n, f))).collect();
            if answers.first().is_some_and(|(n, _)| UNORDERED.contains(&n.as_str())) {
                list.sort();
            }
            list
        };
        assert_eq!(comparable(&ours), comparable(&recorded), "{at}");
        compared += 1;
    }

    // Events come when the VPP gets to it, so only their own order counts; those of interfaces that requests out
    // of scope made have no counterpart.
    let ours: Vec<String> =
        our_events.iter().map(|(n, f)| format!("{n} {}", without_internal(n, f))).collect();
    let indices: Vec<u64> = client.sim.state().interfaces.iter().map(|i| u64::from(i.sw_if_index)).collect();
    let recorded: Vec<String> = frames
        .iter()
        .filter(|f| f["name"] == "sw_interface_event")
        .filter(|f| f["fields"]["sw_if_index"].as_u64().is_some_and(|i| indices.contains(&i)))
        .map(|f| format!("sw_interface_event {}", without_internal("sw_interface_event", &f["fields"])))
        .collect();
    assert_eq!(ours, recorded, "{release}: events");
    assert!(compared > 30, "{release}: {compared} requests");
    println!("{release}: {compared} requests answered as recorded, {} events", ours.len());
    println!("{release}: out of scope {out_of_scope:?}");
}

#[test]
fn vpp_18_10() {
    replay("18.10");
}

#[test]
fn vpp_20_01() {
    replay("20.01");
}

#[test]
fn vpp_20_05() {
    replay("20.05");
}

#[test]
fn vpp_23_06() {
    replay("23.06");
}

#[test]
fn vpp_26_06() {
    replay("26.06");
}
