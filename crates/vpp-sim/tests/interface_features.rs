//! What can be asked of interfaces on every release: queues, mirrors, DHCP clients, switches and names.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::{Client, on_every_release};
use serde_json::{Value, json};

const ALL: u32 = u32::MAX;

#[test]
fn queues() {
    on_every_release(|client| {
        let release = client.sim.release();
        let host = json!({"host_if_name": {"text": "eth0"}, "use_random_hw_addr": true, "mode": 1});
        let create = client.having(&["af_packet_create_v3", "af_packet_create_v2", "af_packet_create"])[0];
        client.expect(create, host, 0);
        client.expect("create_vlan_subif", json!({"sw_if_index": 1, "vlan_id": 5}), 0);
        client.loopback();
        let modes = |client: &mut Client, index: u32| -> Vec<Value> {
            let details = client.dump("sw_interface_rx_placement_dump", json!({"sw_if_index": index}));
            details.iter().map(|d| d["mode"].clone()).collect()
        };
        assert_eq!(modes(client, ALL), [2], "{release}: interrupts");
        assert_eq!(modes(client, 3), [0; 0]);
        let mode = |index: u32, queue: Option<u32>| {
            json!({"sw_if_index": index, "mode": 1, "queue_id_valid": queue.is_some(),
                "queue_id": queue.unwrap_or(0)})
        };
        client.expect("sw_interface_set_rx_mode", mode(9, None), -2);
        client.expect("sw_interface_set_rx_mode", mode(2, None), -7);
        client.expect("sw_interface_set_rx_mode", mode(3, None), 0);
        client.expect("sw_interface_set_rx_mode", mode(1, Some(7)), -9);
        client.expect("sw_interface_set_rx_mode", mode(1, Some(0)), 0);
        assert_eq!(modes(client, 1), [1], "{release}");
        let place = |queue: u32, main: bool| json!({"sw_if_index": 1, "queue_id": queue, "is_main": main});
        client.expect("sw_interface_set_rx_placement", place(0, true), 0);
        client.expect("sw_interface_set_rx_placement", place(0, false), -9);
        client.expect("sw_interface_set_rx_placement", place(7, true), -9);
        if client.sim.table().id("sw_interface_tx_placement_get").is_none() {
            return;
        }
        let get = |client: &mut Client, index: u32| {
            client.all("sw_interface_tx_placement_get", json!({"sw_if_index": index}))
        };
        let all = get(client, ALL);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["sw_interface_tx_placement_details", "sw_interface_tx_placement_get_reply"]);
        assert_eq!((&all[0].1["threads"], &all[1].1["cursor"]), (&json!([0]), &json!(1)));
        for (index, retval) in [(9, -2), (2, -71), (3, -7)] {
            assert_eq!(get(client, index)[0].1["retval"], retval, "{release} {index}");
        }
        let set = |queue: u32, threads: Value| {
            let size = threads.as_array().map_or(0, Vec::len);
            json!({"sw_if_index": 1, "queue_id": queue, "array_size": size, "threads": threads})
        };
        client.expect("sw_interface_set_tx_placement", set(0, json!([0])), 0);
        client.expect("sw_interface_set_tx_placement", set(0, json!([1])), -7);
        client.expect("sw_interface_set_tx_placement", set(5, json!([0])), -125);
    });
}

#[test]
fn mirrors_outlive_their_interfaces() {
    on_every_release(|client| {
        let release = client.sim.release();
        let (from, to) = (client.loopback(), client.loopback());
        let set = |from: u64, to: u64, state: u32| json!({"sw_if_index_from": from, "sw_if_index_to": to, "state": state, "is_l2": false});
        let message = "sw_interface_span_enable_disable";
        client.expect(message, set(from, to, 4), -9);
        client.expect(message, set(from, from, 1), -71);
        client.expect(message, set(from, u64::from(ALL), 1), -71);
        client.expect(message, set(from, to, 1), 0);
        client.expect(message, set(from, to, 3), 0);
        let dump = |client: &mut Client, is_l2: bool| {
            client.dump("sw_interface_span_dump", json!({"is_l2": is_l2})).len()
        };
        assert_eq!((dump(client, false), dump(client, true)), (1, 0), "{release}");
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": to})), 0);
        assert_eq!(dump(client, false), 1, "{release}: still there");
        client.expect(message, set(from, u64::from(ALL), 0), 0);
        assert_eq!(dump(client, false), 0, "{release}");
    });
}

#[test]
fn dhcp_clients() {
    on_every_release(|client| {
        let release = client.sim.release();
        let port = client.loopback();
        let config = |port: u64, is_add: bool| {
            let object = json!({"sw_if_index": port, "hostname": {"text": "vpp"}, "id": {"text": "one"},
                "want_dhcp_event": true, "set_broadcast_flag": true, "pid": 7});
            json!({"is_add": is_add, "client": object})
        };
        client.expect("dhcp_client_config", config(9, true), -2);
        client.expect("dhcp_client_config", config(port, false), -7);
        client.expect("dhcp_client_config", config(port, true), 0);
        client.expect("dhcp_client_config", config(port, true), -7);
        let details = client.dump("dhcp_client_dump", json!({}));
        assert_eq!(details.len(), 1, "{release}");
        let object = &details[0]["client"];
        assert_eq!((&object["sw_if_index"], &object["pid"]), (&json!(port), &json!(7)), "{release}");
        assert_eq!(details[0]["lease"]["state"], 0, "{release}");
        client.expect("dhcp_client_config", config(port, false), 0);
        assert_eq!(client.dump("dhcp_client_dump", json!({})).len(), 0, "{release}");
    });
}

#[test]
fn switches_of_interfaces() {
    on_every_release(|client| {
        let release = client.sim.release();
        let [lender, other] = [client.loopback(), client.loopback()];
        let lend = |lender: u64, to: u64, is_add: bool| json!({"sw_if_index": lender, "unnumbered_sw_if_index": to, "is_add": is_add});
        client.expect("sw_interface_set_unnumbered", lend(lender, 9, true), -2);
        client.expect("sw_interface_set_unnumbered", lend(9, other, true), -10);
        client.expect("sw_interface_set_unnumbered", lend(lender, other, true), 0);
        let unnumbered = |client: &mut Client| client.dump("ip_unnumbered_dump", json!({"sw_if_index": ALL}));
        assert_eq!(unnumbered(client)[0]["ip_sw_if_index"], json!(lender), "{release}");
        client.expect("sw_interface_set_unnumbered", lend(lender, other, false), 0);
        assert_eq!(unnumbered(client).len(), 0, "{release}");
        let table = json!({"is_add": true, "table_id": 7, "table": {"table_id": 7}});
        client.expect("ip_table_add_del", table, 0);
        client.expect("sw_interface_set_table", json!({"sw_if_index": other, "vrf_id": 7}), 0);
        let strict = client.sim.behaviour().unnumbered_needs_same_table;
        client.expect("sw_interface_set_unnumbered", lend(lender, other, true), if strict { -74 } else { 0 });

        let counts = client.sim.behaviour().ip6_counts;
        let ip6 = |enable: bool| json!({"sw_if_index": 1, "enable": enable});
        for (enable, retval) in [(false, -62), (true, 0), (true, -81), (false, 0), (false, 0), (false, -62)] {
            let retval = if counts { retval } else { 0 };
            client.expect("sw_interface_ip6_enable_disable", ip6(enable), retval);
        }
        for message in [
            "sw_interface_ip6_enable_disable",
            "sw_interface_set_ip_directed_broadcast",
            "sw_interface_clear_stats",
            "interface_name_renumber",
        ] {
            client.expect(message, json!({"sw_if_index": 9}), -2);
        }
        client.expect("sw_interface_set_ip_directed_broadcast", json!({"sw_if_index": 1, "enable": true}), 0);
        client.expect("sw_interface_clear_stats", json!({"sw_if_index": ALL}), 0);
        client.expect("interface_name_renumber", json!({"sw_if_index": 1}), -9);
        if client.sim.table().id("sw_interface_set_promisc").is_some() {
            let on = |index: u32| json!({"sw_if_index": index, "promisc_on": true});
            client.expect("sw_interface_set_promisc", on(9), -2);
            client.expect("sw_interface_set_promisc", on(0), -7);
            // A loopback cannot, a memif can.
            client.expect("sw_interface_set_promisc", on(1), -1);
            client.expect("memif_create", json!({"role": 1}), 0);
            client.expect("sw_interface_set_promisc", on(3), 0);
            client.expect("memif_delete", json!({"sw_if_index": 3}), 0);
        }
        if client.sim.table().id("sw_interface_set_interface_name").is_some() {
            client.expect("create_vlan_subif", json!({"sw_if_index": 1, "vlan_id": 5}), 0);
            let name = |index: u32, name: &str| json!({"sw_if_index": index, "name": name});
            client.expect("sw_interface_set_interface_name", name(9, "up"), -2);
            client.expect("sw_interface_set_interface_name", name(1, ""), -7);
            client.expect("sw_interface_set_interface_name", name(1, "up"), 0);
            assert_eq!([1, 3].map(|i| client.name(i).expect("a name")), ["up", "up.5"], "{release}");
            let found = client.dump(
                "sw_interface_dump",
                json!({"sw_if_index": ALL, "name_filter_valid": true, "name_filter": {"text": "UP."}}),
            );
            assert_eq!(found.len(), 1, "{release}");
        }
    });
}
