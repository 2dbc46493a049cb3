//! Keys are those that users have in their stores.

use models::keys::{self, AddressSource, IpVersion, LinkState, PropertyKey};
use models::{ModelError, Registry};
use proptest::prelude::*;
use serde_json::{Value, json};

/// (value as JSON, model name, its key)
fn template_rows() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"name": "if1"}), "vpp.interfaces", "config/vpp/v2/interfaces/if1"),
        (
            json!({"name": "GigabitEthernet0/8/0"}),
            "vpp.interfaces",
            "config/vpp/v2/interfaces/GigabitEthernet0/8/0",
        ),
        (json!({"name": ""}), "vpp.interfaces", "config/vpp/v2/interfaces"),
        (json!({"name": "a//b/"}), "vpp.interfaces", "config/vpp/v2/interfaces/a/b"),
        (json!({"name": "a/../b"}), "vpp.interfaces", "config/vpp/v2/interfaces/b"),
        (json!({"name": "bd1"}), "vpp.l2.bridge-domain", "config/vpp/l2/v2/bridge-domain/bd1"),
        (
            json!({"bridge_domain": "bd1", "phys_address": "aa:aa:aa:bb:bb:bb"}),
            "vpp.l2.fib",
            "config/vpp/l2/v2/fib/bd1/mac/aa:aa:aa:bb:bb:bb",
        ),
        (
            json!({"bridge_domain": "bd1", "phys_address": "AA:AA:AA:BB:BB:BB"}),
            "vpp.l2.fib",
            "config/vpp/l2/v2/fib/bd1/mac/aa:aa:aa:bb:bb:bb",
        ),
        (json!({"dst_network": "10.1.0.0/16"}), "vpp.route", "config/vpp/v2/route/vrf/0/dst/10.1.0.0/16"),
        (
            json!({"dst_network": "10.1.0.0/16", "next_hop_addr": "192.168.1.1"}),
            "vpp.route",
            "config/vpp/v2/route/vrf/0/dst/10.1.0.0/16/gw/192.168.1.1",
        ),
        (
            json!({"vrf_id": 7, "dst_network": "10.1.2.3/16", "outgoing_interface": "if1"}),
            "vpp.route",
            "config/vpp/v2/route/if/if1/vrf/7/dst/10.1.0.0/16",
        ),
        (
            json!({
                "outgoing_interface": "GigabitEthernet0/8/0",
                "dst_network": "0.0.0.0/0",
                "next_hop_addr": "10.0.0.1",
            }),
            "vpp.route",
            "config/vpp/v2/route/if/GigabitEthernet0/8/0/vrf/0/dst/0.0.0.0/0/gw/10.0.0.1",
        ),
        (
            json!({"dst_network": "2001:DB8:0:0::/32", "next_hop_addr": "2001:DB8::0:1"}),
            "vpp.route",
            "config/vpp/v2/route/vrf/0/dst/2001:db8::/32/gw/2001:db8::1",
        ),
        (json!({"dst_network": "::/0"}), "vpp.route", "config/vpp/v2/route/vrf/0/dst/::/0"),
        (
            json!({"dst_network": "alloc:net1/if2", "next_hop_addr": "alloc:net1/GW"}),
            "vpp.route",
            "config/vpp/v2/route/vrf/0/dst/alloc:net1/if2/gw/alloc:net1/GW",
        ),
        (json!({"dst_network": "nonsense"}), "vpp.route", "config/vpp/v2/route/vrf/0/dst/<invalid>/0"),
        (
            json!({"dst_network": "10.0.0.0/8", "type": "DROP", "weight": 5, "preference": 1}),
            "vpp.route",
            "config/vpp/v2/route/vrf/0/dst/10.0.0.0/8",
        ),
    ]
}

#[test]
fn a_value_has_the_key_of_its_template() {
    let registry = Registry::builtin().unwrap();
    for (value, model, key) in template_rows() {
        let model = registry.by_name(model).unwrap();
        assert_eq!(model.decode(&value).unwrap().key(), key, "{value}");
    }
}

#[test]
fn a_key_belongs_to_its_model() {
    let registry = Registry::builtin().unwrap();
    for (key, model) in [
        ("config/vpp/v2/interfaces/if1", Some("vpp.interfaces")),
        ("config/vpp/v2/interfaces/GigabitEthernet0/8/0", Some("vpp.interfaces")),
        ("/vnf-agent/vpp1/config/vpp/v2/interfaces/if1", Some("vpp.interfaces")),
        ("/vnf-agent/vpp1/config/vpp/l2/v2/bridge-domain/bd1", Some("vpp.l2.bridge-domain")),
        ("config/vpp/l2/v2/fib/bd1/mac/02:00:00:00:00:01", Some("vpp.l2.fib")),
        ("config/vpp/v2/route/vrf/0/dst/10.0.0.0/8", Some("vpp.route")),
        ("config/vpp/v2/interfaces", None),
        ("config/vpp/v2/interfacesX/if1", None),
        ("config/vpp/v9/interfaces/if1", None),
        ("vpp/bd/bd1/interface/if1", None),
        ("", None),
    ] {
        assert_eq!(registry.for_key(key).map(|m| m.name()), model, "{key}");
    }
}

#[test]
fn the_key_of_a_deletion_is_that_of_the_value_however_it_is_spelled() {
    let registry = Registry::builtin().unwrap();
    for (stored, canonical) in [
        ("/vnf-agent/vpp1/config/vpp/v2/interfaces/if1", "config/vpp/v2/interfaces/if1"),
        ("config/vpp/l2/v2/fib/bd1/mac/02:FE:00:00:00:0A", "config/vpp/l2/v2/fib/bd1/mac/02:fe:00:00:00:0a"),
        (
            "config/vpp/v2/route/vrf/0/dst/2001:db8::/32/gw/2001:DB8::0:1",
            "config/vpp/v2/route/vrf/0/dst/2001:db8::/32/gw/2001:db8::1",
        ),
    ] {
        assert_eq!(registry.canonical_key(stored).unwrap(), canonical);
    }
    assert!(matches!(registry.canonical_key("config/x"), Err(ModelError::UnknownModel { .. })));
}

#[test]
fn property_keys_are_those_that_users_know() {
    for (key, expected) in [
        (
            keys::interface_address("if1", AddressSource::Static, "10.0.0.1/24"),
            "vpp/interface/if1/address/static/10.0.0.1/24",
        ),
        (
            keys::interface_address("if1", AddressSource::Static, "2001:DB8:0::1/64"),
            "vpp/interface/if1/address/static/2001:db8::1/64",
        ),
        (
            keys::interface_address("if1", AddressSource::AllocRef, "alloc:net1/if1"),
            "vpp/interface/if1/address/alloc_ref/alloc:net1/if1",
        ),
        (
            keys::interface_address("", AddressSource::FromDhcp, "nonsense"),
            "vpp/interface/<invalid>/address/from_dhcp/<invalid>",
        ),
        (keys::interface_vrf("if1", 3, IpVersion::Both), "vpp/interface/if1/vrf/3/ip-version/both"),
        (keys::interface_inherited_vrf("if1", "if2"), "vpp/interface/if1/vrf/from-interface/if2"),
        (keys::has_ip_address("if1"), "vpp/interface/if1/has-IP-address"),
        (keys::link_state("Gig0/8/0", LinkState::Up), "vpp/interface/Gig0/8/0/link-state/UP"),
        (keys::rx_modes("if1"), "vpp/interface/if1/rx-modes"),
        (keys::admin_up("if1"), "vpp/interface/if1/admin-up"),
        (keys::vlan_rewrite("if1"), "vpp/interface/if1/vlan-rewrite"),
        (keys::rx_placement("if1", 2), "vpp/interface/if1/rx-placement/queue/2"),
        (keys::unnumbered("if1"), "vpp/interface/unnumbered/if1"),
        (keys::ip6nd("if1"), "vpp/interface/ip6nd/if1"),
        (keys::dhcp_client("if1"), "vpp/interface/dhcp-client/if1"),
        (keys::dhcp_lease("if1"), "vpp/interface/dhcp-lease/if1"),
        (keys::bonded_interface("bond1", "if1"), "vpp/bond/bond1/interface/if1/"),
        (keys::bd_interface("bd1", "if1"), "vpp/bd/bd1/interface/if1"),
        (keys::interface("Gig0/8/0"), "config/vpp/v2/interfaces/Gig0/8/0"),
        (keys::bridge_domain("bd1"), "config/vpp/l2/v2/bridge-domain/bd1"),
        (keys::vrf_table(1, true), "config/vpp/v2/vrf-table/id/1/protocol/IPV6"),
    ] {
        assert_eq!(key, expected);
    }
    assert!(
        keys::interface_address("if1", AddressSource::Static, "::1/128")
            .starts_with(&keys::interface_address_prefix("if1"))
    );
    assert!(keys::interface_vrf("if1", 0, IpVersion::V4).starts_with(&keys::interface_vrf_prefix("if1")));
}

#[test]
fn names_with_slashes_and_marker_words_are_told_apart() {
    for (key, expected) in [
        (
            "vpp/interface/unnumbered/x/address/static/10.0.0.1/24",
            PropertyKey::InterfaceAddress {
                interface: "unnumbered/x",
                source: AddressSource::Static,
                address: "10.0.0.1/24",
            },
        ),
        (
            "vpp/interface/a/address/b/address/existing/10.0.0.1/24",
            PropertyKey::InterfaceAddress {
                interface: "a/address/b",
                source: AddressSource::Existing,
                address: "10.0.0.1/24",
            },
        ),
        (
            "vpp/interface/a/vrf/1/vrf/2/ip-version/v6",
            PropertyKey::InterfaceVrf { interface: "a/vrf/1", vrf: 2, version: IpVersion::V6 },
        ),
        ("vpp/interface/unnumbered/a/b", PropertyKey::Unnumbered { interface: "a/b" }),
        ("vpp/bond/b/0/interface/a/1/", PropertyKey::BondedInterface { bond: "b/0", interface: "a/1" }),
    ] {
        assert_eq!(PropertyKey::parse(key), Some(expected));
        assert_eq!(expected.to_string(), key);
    }
}

#[test]
fn what_is_no_property_key_is_not_taken_for_one() {
    for key in [
        "",
        "vpp/interface/",
        "vpp/interface/if1",
        "vpp/interface/if1/link-state/SIDEWAYS",
        "vpp/interface/if1/vrf/x/ip-version/v4",
        "vpp/interface/if1/vrf/01/ip-version/v4",
        "vpp/interface/if1/address/guessed/10.0.0.1/24",
        "vpp/interface/unnumbered/",
        "vpp/bond/b/interface/a",
        "vpp/bd/bd1",
        "config/vpp/v2/interfaces/if1",
    ] {
        assert_eq!(PropertyKey::parse(key), None, "{key}");
    }
}

fn name() -> impl Strategy<Value = String> {
    // Parts that are no marker words, joined by slashes.
    prop::collection::vec("[A-Za-z0-9_.:-]{1,8}x", 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #[test]
    fn property_keys_survive_writing_and_reading(
        a in name(), b in name(), number: u32, source in 0..4_usize, version in 0..3_usize, up: bool,
    ) {
        let source = AddressSource::ALL[source];
        let version = IpVersion::ALL[version];
        let state = if up { LinkState::Up } else { LinkState::Down };
        for key in [
            PropertyKey::InterfaceAddress { interface: &a, source, address: "10.0.0.1/24" },
            PropertyKey::InterfaceVrf { interface: &a, vrf: number, version },
            PropertyKey::InheritedVrf { interface: &a, from: &b },
            PropertyKey::HasIpAddress { interface: &a },
            PropertyKey::LinkState { interface: &a, state },
            PropertyKey::RxModes { interface: &a },
            PropertyKey::AdminUp { interface: &a },
            PropertyKey::VlanRewrite { interface: &a },
            PropertyKey::RxPlacement { interface: &a, queue: number },
            PropertyKey::Unnumbered { interface: &a },
            PropertyKey::Ip6nd { interface: &a },
            PropertyKey::DhcpClient { interface: &a },
            PropertyKey::DhcpLease { interface: &a },
            PropertyKey::BondedInterface { bond: &a, interface: &b },
            PropertyKey::BdInterface { bridge_domain: &a, interface: &b },
        ] {
            let text = key.to_string();
            prop_assert_eq!(PropertyKey::parse(&text), Some(key), "{}", text);
        }
    }

    #[test]
    fn parsing_a_property_key_never_panics(text in "(vpp/(interface|bd|bond)/)?[a-z/<>0-9-]{0,40}") {
        if let Some(key) = PropertyKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
