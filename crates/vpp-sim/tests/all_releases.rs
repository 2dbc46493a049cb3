//! Every release: the same small scenario, and an answer to everything.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::{Client, releases, shaped};
use serde_json::{Value, json};
use vpp_sim::{Sim, state::fib::source};

fn start(release: vpp_sim::Release) -> Client {
    Client::of(Sim::new(release, common::options()).expect("a simulated VPP"))
}

fn retval(client: &mut Client, message: &str, fields: Value) -> i64 {
    let fields = shaped(client, message, fields);
    client.retval(message, fields)
}

#[test]
fn a_bridge_and_a_route() {
    for release in releases() {
        let mut client = start(release);
        let version = client.call("show_version", json!({}));
        let text = format!("{}", client.sim.schema().release());
        let version = version["version"].as_str().expect("text");
        let hex = vpp_schema::hex::write(text.as_bytes());
        assert!(version.starts_with(&text) || version.starts_with(&hex), "{version}");

        let port = client.loopback();
        assert_eq!(port, 1);
        let tag = json!({"sw_if_index": port, "is_add": true, "tag": {"text": "loop-a"}});
        assert_eq!(retval(&mut client, "sw_interface_tag_add_del", tag), 0, "{release}");
        let up = json!({"sw_if_index": port, "flags": 1, "admin_up_down": true});
        assert_eq!(retval(&mut client, "sw_interface_set_flags", up), 0);
        let ip4 = "0a010101";
        let address = if client.sim.schema().field("sw_interface_add_del_address", "prefix").is_some() {
            json!({"sw_if_index": port, "is_add": true,
                "prefix": {"address": {"af": 0, "un": {"ip4": ip4}}, "len": 24}})
        } else {
            json!({"sw_if_index": port, "is_add": true, "address_length": 24, "address": ip4})
        };
        assert_eq!(retval(&mut client, "sw_interface_add_del_address", address), 0);

        let second = client.loopback();
        let domain = json!({"bd_id": 1, "is_add": true, "flood": true, "forward": true, "learn": true,
            "bd_tag": {"text": "bd1"}});
        assert_eq!(retval(&mut client, "bridge_domain_add_del", domain), 0);
        let bridge = json!({"rx_sw_if_index": second, "bd_id": 1, "enable": true});
        assert_eq!(retval(&mut client, "sw_interface_set_l2_bridge", bridge), 0);
        let entry = json!({"mac": "020000000001", "bd_id": 1, "sw_if_index": second, "is_add": true,
            "static_mac": true});
        assert_eq!(retval(&mut client, "l2fib_add_del", entry), 0);
        assert_eq!(client.answers("l2_fib_table_dump", json!({"bd_id": 1})).len(), 1);
        let ask = shaped(&client, "bridge_domain_dump", json!({"bd_id": u32::MAX, "sw_if_index": u32::MAX}));
        let domains = client.answers("bridge_domain_dump", ask);
        assert_eq!(domains[0]["sw_if_details"][0]["sw_if_index"], json!(second), "{release}");

        if client.sim.table().id("ip_route_add_del").is_some() {
            let route = json!({"is_add": true, "route": {
                "prefix": {"address": {"af": 0, "un": {"ip4": "14000000"}}, "len": 8},
                "paths": [{"sw_if_index": port, "weight": 1, "nh": {"address": {"ip4": "0a010107"}}}]}});
            assert_eq!(retval(&mut client, "ip_route_add_del", route), 0, "{release}");
            assert_eq!(client.answers("ip_route_dump", json!({"table": {}})).len(), 10);
        } else {
            let route = json!({"is_add": 1, "next_hop_sw_if_index": port, "dst_address_length": 8,
                "dst_address": "14000000", "next_hop_address": "0a010107", "next_hop_weight": 1});
            assert_eq!(retval(&mut client, "ip_add_del_route", route), 0, "{release}");
            assert_eq!(client.answers("ip_fib_dump", json!({})).len(), 10);
        }
        let ip = "20.0.0.0".parse().expect("an address");
        let paths = client.sim.state().fib.paths(0, ip, 8, source::API).expect("a route");
        assert_eq!(paths[0].interface(), Some(1));

        for command in [
            "show version",
            "show interface",
            "show bridge-domain 1 detail",
            "show l2fib verbose",
            "show ip fib",
            "show ip6 fib",
            "show interface address",
        ] {
            let cmd = match client.sim.schema().field("cli_inband", "cmd") {
                Some(vpp_schema::FieldKind::Bytes(_)) => vpp_schema::hex::write(command.as_bytes()),
                _ => command.to_string(),
            };
            let reply = client.call("cli_inband", json!({"cmd": cmd}));
            assert_eq!(reply["retval"], 0, "{release} {command}");
            assert!(!reply["reply"].as_str().expect("text").is_empty(), "{release} {command}");
        }
        assert!(client.sim.unimplemented().is_empty());
    }
}

/// SplitMix64.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn every_request_has_its_answer() {
    for release in releases() {
        let mut client = start(release);
        for _ in 0..3 {
            client.loopback();
        }
        let schema = client.sim.schema().clone();
        for message in schema.messages() {
            let Some(service) = schema.service(message.name()) else { continue };
            if message.name().starts_with("sockclnt_")
                || message.header() != binapi_gen::resolve::Header::ClientIndexContext
            {
                continue;
            }
            for seed in 0..4 {
                let mut next = numbers(seed ^ u64::from(message.crc()));
                // Small numbers, so that some are indices of what is there.
                let mut small = || {
                    let n = next();
                    if n & 1 == 0 { n >> 62 } else { n }
                };
                let fields = schema.sample(message.name(), &mut small).expect("a sample");
                let answers = client.answers(message.name(), fields);
                if client.sim.died().is_some() {
                    client = start(release);
                    continue;
                }
                if common::is_silent(&client, message.name()) {
                    assert!(answers.is_empty(), "{release} {}", message.name());
                } else if service.reply.is_some() {
                    assert_eq!(answers.len(), 1, "{release} {}", message.name());
                    assert_eq!(answers[0]["context"], json!(7), "{release} {}", message.name());
                }
            }
        }
        assert!(client.sim.unimplemented().len() > 100, "{release}");
    }
}
