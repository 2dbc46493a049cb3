//! Keys are those that users have in their stores.

use models::keys::{self, AddressSource, DerivedKey, Direction, IpVersion, LinkState, PropertyKey};
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
        (
            json!({"interface_from": "Gig0/8/0", "interface_to": "if2"}),
            "vpp.span",
            "config/vpp/v2/span/Gig0/8/0/to/if2",
        ),
        (json!({"name": "acl1"}), "vpp.acls.acl", "config/vpp/acls/v2/acl/acl1"),
        (json!({"index": 7}), "vpp.abfs.abf", "config/vpp/abfs/v2/abf/7"),
        (json!({}), "vpp.abfs.abf", "config/vpp/abfs/v2/abf/0"),
        (json!({"receive_interface": "if1"}), "vpp.l2.xconnect", "config/vpp/l2/v2/xconnect/if1"),
        (
            json!({"interface": "Gig0/8/0", "ip_address": "2001:DB8::0:1"}),
            "vpp.arp",
            "config/vpp/v2/arp/Gig0/8/0/2001:db8::1",
        ),
        (json!({}), "vpp.proxyarp-global", "config/vpp/v2/proxyarp-global"),
        (json!({"mode": "BOTH"}), "vpp.ipscanneigh-global", "config/vpp/v2/ipscanneigh-global"),
        (json!({}), "vpp.vrf-table", "config/vpp/v2/vrf-table/id/0/protocol/IPV4"),
        (json!({"id": 3, "protocol": "IPV6"}), "vpp.vrf-table", "config/vpp/v2/vrf-table/id/3/protocol/IPV6"),
        (json!({"id": 3, "protocol": 9}), "vpp.vrf-table", "config/vpp/v2/vrf-table/id/3/protocol/9"),
        (
            json!({"source_ip_address": "10.0.0.1", "rx_vrf_id": 2}),
            "vpp.dhcp-proxy",
            "config/vpp/v2/dhcp-proxy/IPv4/rx-vrf/2",
        ),
        (json!({"source_ip_address": "::1"}), "vpp.dhcp-proxy", "config/vpp/v2/dhcp-proxy/IPv6/rx-vrf/0"),
        (json!({}), "vpp.dhcp-proxy", "config/vpp/v2/dhcp-proxy/<invalid>/rx-vrf/0"),
        (
            json!({"interface": "if1", "protocol": "IPV6"}),
            "vpp.l3xconnect",
            "config/vpp/v2/l3xconnect/if1/protocol/IPV6",
        ),
        (
            json!({"interface": "if1", "peer_addr": "10.0.0.1"}),
            "vpp.teib",
            "config/vpp/v2/teib/if1/peer/10.0.0.1",
        ),
        (json!({"interface": "if1", "vr_id": 4}), "vpp.vrrp", "config/vpp/v2/vrrp/if1/vrid/4"),
        (
            json!({"l3_protocol": "IPV4", "tx_interface": "if1"}),
            "vpp.ipredirect",
            "config/vpp/v2/ipredirect/l3/IPV4/tx/if1",
        ),
        (
            json!({"l3_protocol": "ALL", "l4_protocol": "UDP", "port": 53}),
            "vpp.tohost",
            "config/vpp/v2/tohost/l3/ALL/l4/UDP/port/53",
        ),
        (
            json!({"reason": "ipsec4-spi-o-udp-0"}),
            "vpp.exception",
            "config/vpp/v2/exception/reason/ipsec4-spi-o-udp-0",
        ),
        (json!({"forwarding": true}), "vpp.nat.nat44-global", "config/vpp/nat/v2/nat44-global"),
        (json!({"label": "web"}), "vpp.nat.dnat44", "config/vpp/nat/v2/dnat44/web"),
        (json!({"name": "if1"}), "vpp.nat.nat44-interface", "config/vpp/nat/v2/nat44-interface/if1"),
        (
            json!({"name": "pool1", "first_ip": "10.0.0.1"}),
            "vpp.nat.nat44-pool",
            "config/vpp/nat/v2/nat44-pool/pool1",
        ),
        (
            json!({"vrf_id": 2, "first_ip": "10.0.0.1", "last_ip": "10.0.0.9"}),
            "vpp.nat.nat44-pool",
            "config/vpp/nat/v2/nat44-pool/vrf/2/address/10.0.0.1-10.0.0.9",
        ),
        (
            json!({"first_ip": "10.0.0.1", "last_ip": "10.0.0.1"}),
            "vpp.nat.nat44-pool",
            "config/vpp/nat/v2/nat44-pool/vrf/0/address/10.0.0.1",
        ),
        (
            json!({"src_vrf_id": 1, "dest_vrf_ids": [2, 3]}),
            "vpp.nat.nat44-vrf",
            "config/vpp/nat/v2/nat44-vrf/vrfid/1",
        ),
        (
            json!({"src_vrf_id": 1, "dest_vrf_id": 2}),
            "vpp.nat.nat44-vrf-route",
            "config/vpp/nat/v2/nat44-vrf-route/vrfid/1/destvrfid/2",
        ),
        (json!({"index": 1}), "vpp.ipsec.spd", "config/vpp/ipsec/v2/spd/1"),
        (json!({"index": 10}), "vpp.ipsec.sa", "config/vpp/ipsec/v2/sa/10"),
        (
            json!({
                "spd_index": 1, "sa_index": 10, "is_outbound": true, "local_addr_start": "10.0.0.1",
                "local_addr_stop": "10.0.0.2", "remote_addr_start": "2001:DB8::0:1", "remote_addr_stop": "2001:db8::2",
            }),
            "vpp.ipsec.sp",
            "config/vpp/ipsec/v2/sp/spd/1/sa/10/outbound/local-addresses/10.0.0.1-10.0.0.2/remote-addresses/2001:db8::1-2001:db8::2",
        ),
        (
            json!({}),
            "vpp.ipsec.sp",
            "config/vpp/ipsec/v2/sp/spd/0/sa/0/inbound/local-addresses/-/remote-addresses/-",
        ),
        (json!({"interface": "ipip0"}), "vpp.ipsec.tun-protect", "config/vpp/ipsec/v2/tun-protect/ipip0"),
        (
            json!({"interface": "ipip0", "next_hop_addr": "10.0.0.1"}),
            "vpp.ipsec.tun-protect",
            "config/vpp/ipsec/v2/tun-protect/ipip0/nh/10.0.0.1",
        ),
        (json!({"sid": "A::0:1"}), "vpp.srv6.localsid", "config/vpp/srv6/v2/localsid/a::1"),
        (json!({"bsid": "b::1"}), "vpp.srv6.policy", "config/vpp/srv6/v2/policy/b::1"),
        (json!({"name": "s1"}), "vpp.srv6.steering", "config/vpp/srv6/v2/steering/s1"),
        (json!({}), "vpp.srv6.srv6-global", "config/vpp/srv6/v2/srv6-global"),
        (
            json!({"interface": "if1", "ip_address": "10.0.0.1"}),
            "vpp.stn.rule",
            "config/vpp/stn/v2/rule/if1/ip/10.0.0.1",
        ),
        (json!({}), "vpp.ipfix.ipfix", "config/vpp/ipfix/v2/ipfix"),
        (json!({}), "vpp.ipfix.flowprobe-params", "config/vpp/ipfix/v2/flowprobe-params"),
        (
            json!({"interface": "if1"}),
            "vpp.ipfix.flowprobe-feature",
            "config/vpp/ipfix/v2/flowprobe-feature/if1",
        ),
        (
            json!({"wg_if_name": "wg/0", "endpoint": "2001:DB8::1", "port": 51820}),
            "vpp.wg.peer",
            "config/vpp/wg/v1/peer/wg/0/endpoint/2001:db8::1/51820",
        ),
        (json!({}), "vpp.dns.dnscache", "config/vpp/dns/v1/dnscache"),
        (
            json!({"name": "veth1"}),
            "linux.interfaces.interface",
            "config/linux/interfaces/v2/interface/veth1",
        ),
        (
            json!({"dst_network": "10.1.2.3/16", "outgoing_interface": "veth1/a"}),
            "linux.l3.route",
            "config/linux/l3/v2/route/10.1.0.0/16/veth1/a",
        ),
        (
            json!({"dst_network": "alloc:net1/veth2", "outgoing_interface": "veth1"}),
            "linux.l3.route",
            "config/linux/l3/v2/route/alloc:net1/veth2/veth1",
        ),
        (
            json!({"interface": "veth1", "ip_address": "10.0.0.1"}),
            "linux.l3.arp",
            "config/linux/l3/v2/arp/veth1/10.0.0.1",
        ),
        (
            json!({"interface": "veth1", "ip_address": "alloc:net1/veth2"}),
            "linux.l3.arp",
            "config/linux/l3/v2/arp/veth1/alloc:net1/veth2",
        ),
        (json!({"name": "rc1"}), "linux.iptables.rulechain", "config/linux/iptables/v2/rulechain/rc1"),
        (
            json!({"network_name": "net1", "interface_name": "if1"}),
            "netalloc.ip",
            "config/netalloc/v1/ip/network/net1/interface/if1",
        ),
        (json!({"requests_sent": "1"}), "govppmux.stats", "metrics/govppmux/v0/stats"),
    ]
}

#[test]
fn every_model_has_a_row() {
    let rows: std::collections::BTreeSet<_> =
        template_rows().into_iter().map(|(_, model, _)| model).collect();
    for model in Registry::builtin().unwrap().models() {
        assert!(rows.contains(model.name()), "{}", model.name());
    }
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
fn a_value_is_found_under_its_key_and_its_canonical_key_is_its_key() {
    let registry = Registry::builtin().unwrap();
    for (value, model, key) in template_rows().into_iter().filter(|row| row.0["name"] != "") {
        assert_eq!(registry.for_key(key).map(|m| m.name()), Some(model), "{key}");
        assert_eq!(registry.canonical_key(key).unwrap(), key);
        assert_eq!(registry.parse_json(key, &value).unwrap().key(), key);
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
        ("config/vpp/v2/route/vrf/0/dst/2001:DB8:0::/32", "config/vpp/v2/route/vrf/0/dst/2001:db8::/32"),
        ("config/vpp/v2/route/vrf/0/dst/10.1.2.3/16", "config/vpp/v2/route/vrf/0/dst/10.1.0.0/16"),
        ("config/linux/l3/v2/route/10.1.2.3/16/if/1", "config/linux/l3/v2/route/10.1.0.0/16/if/1"),
        ("config/linux/l3/v2/route/alloc:n/if/1", "config/linux/l3/v2/route/alloc:n/if/1"),
        ("config/vpp/v2/arp/if1/2001:DB8::0:1", "config/vpp/v2/arp/if1/2001:db8::1"),
        ("config/vpp/wg/v1/peer/w/endpoint/A::0:1/1", "config/vpp/wg/v1/peer/w/endpoint/a::1/1"),
        ("config/vpp/srv6/v2/localsid/A::0:1", "config/vpp/srv6/v2/localsid/a::1"),
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

#[test]
fn derived_keys_are_those_that_users_know() {
    let egress = Direction::Egress;
    let source = AddressSource::Existing;
    for (expected, key) in [
        ("vpp/proxyarp/interface/a/1", DerivedKey::ProxyArpInterface { interface: "a/1" }),
        (
            "vpp/acl/w/x/interface/egress/a/1",
            DerivedKey::AclInterface { acl: "w/x", direction: egress, interface: "a/1" },
        ),
        (
            "vpp/acl/w/interface/ingress/a/interface/egress/b",
            DerivedKey::AclInterface {
                acl: "w",
                direction: Direction::Ingress,
                interface: "a/interface/egress/b",
            },
        ),
        ("vpp/abf/7/interface/a/1", DerivedKey::AbfInterface { index: 7, interface: "a/1" }),
        ("vpp/spd/7/interface/a", DerivedKey::SpdInterface { index: 7, interface: "a" }),
        ("vpp/nat44/endpoint-dependent", DerivedKey::NatEndpointDependent),
        ("vpp/nat44/interface/a/1/feature/in", DerivedKey::NatInterface { interface: "a/1", inside: true }),
        ("vpp/nat44/interface/a/feature/out", DerivedKey::NatInterface { interface: "a", inside: false }),
        (
            "vpp/nat44/address/10.0.0.1/twice-nat/on",
            DerivedKey::NatAddress { address: "10.0.0.1", twice_nat: true },
        ),
        (
            "vpp/nat44/twiceNAT-pool/vrf/2/addresses/10.0.0.1",
            DerivedKey::NatTwicePool { vrf: 2, first: "10.0.0.1", last: "" },
        ),
        (
            "vpp/nat44/twiceNAT-pool/vrf/2/addresses/10.0.0.1-10.0.0.9",
            DerivedKey::NatTwicePool { vrf: 2, first: "10.0.0.1", last: "10.0.0.9" },
        ),
        ("linux/interface/host-name/eth0", DerivedKey::HostInterface { name: "eth0" }),
        (
            "linux/interface/host-name/eth0/address/10.0.0.1/24",
            DerivedKey::HostAddress { name: "eth0", address: "10.0.0.1/24" },
        ),
        (
            "linux/interface/host-name/eth0/vrf-host-name/blue",
            DerivedKey::HostVrf { name: "eth0", vrf: "blue" },
        ),
        ("linux/interface/state/a/1/UP", DerivedKey::LinuxState { interface: "a/1", state: LinkState::Up }),
        (
            "linux/interface/a/1/address/existing/10.0.0.1/24",
            DerivedKey::LinuxAddress { interface: "a/1", source, address: "10.0.0.1/24" },
        ),
        ("linux/interface/a/1/vrf/blue", DerivedKey::LinuxVrf { interface: "a/1", vrf: "blue" }),
        (
            "linux/link-local-route/a/1/dest-address/10.0.0.0/8",
            DerivedKey::LinkLocalRoute { interface: "a/1", destination: "10.0.0.0/8" },
        ),
        ("linux/microservice/ms1", DerivedKey::Microservice { label: "ms1" }),
        (
            "netalloc/neigh-gw/network/net1/interface/a/1",
            DerivedKey::NeighbourGateway { network: "net1", interface: "a/1" },
        ),
    ] {
        assert_eq!(key.to_string(), expected);
        assert_eq!(DerivedKey::parse(expected), Some(key));
    }
    assert_eq!(
        DerivedKey::ProxyArpInterface { interface: "" }.to_string(),
        "vpp/proxyarp/interface/<invalid>"
    );
    for key in [
        "",
        "vpp/acl/a/interface/sideways/b",
        "vpp/abf/x/interface/a",
        "vpp/abf/07/interface/a",
        "vpp/nat44/interface/a/feature/both",
        "vpp/nat44/twiceNAT-pool/vrf/1/addresses/a-",
        "linux/interface/a",
        "linux/microservice/",
        "config/vpp/v2/interfaces/a",
    ] {
        assert_eq!(DerivedKey::parse(key), None, "{key}");
    }
}

#[test]
fn status_keys_are_those_that_users_know() {
    use models::keys::status;
    assert_eq!(status::interface("Gig0/8/0"), "vpp/status/v2/interface/Gig0/8/0");
    assert_eq!(status::interface_error("if1"), "vpp/status/v2/interface/error/if1");
    assert_eq!(status::parse_interface(&status::interface("Gig0/8/0")), Some("Gig0/8/0"));
    assert_eq!(status::parse_interface_error(&status::interface_error("a/b")), Some("a/b"));
    assert_eq!(status::parse_interface(&status::interface_error("if1")), None);
    assert_eq!(status::parse_interface("vpp/status/v2/interface/"), None);
    assert_eq!(
        (status::AGENT, &*status::plugin("etcd")),
        ("check/status/v1/agent", "check/status/v1/plugin/etcd")
    );
    assert_eq!(
        status::of_config("config/vpp/v2/exception/reason/r").as_deref(),
        Some("status/vpp/v2/exception/reason/r")
    );
    assert_eq!(status::of_config("vpp/bd/a"), None);
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
    fn parsing_a_derived_key_never_panics(
        text in "(vpp/(acl|abf|spd|nat44/interface|nat44/address|nat44/twiceNAT-pool/vrf)/|linux/(interface|link-local-route|microservice)/)?[a-z/<>0-9-]{0,40}",
    ) {
        if let Some(key) = DerivedKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn parsing_a_property_key_never_panics(text in "(vpp/(interface|bd|bond)/)?[a-z/<>0-9-]{0,40}") {
        if let Some(key) = PropertyKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
