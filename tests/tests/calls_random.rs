//! Random values of every kind, set and read back on every release: what is said in one message and told in another
//! one, in whatever shape a release has for it, is the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::{Peer, Served, connect, each_release, position, run, seed};
use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use vppcalls::types::{
    ArpTermination, BridgeDomain, FibEntry, Ipip, Mac, NO_INTERFACE, Neighbor, PathKind, Paths, Port,
    ProxyArpRange, RewriteKind, Route, RoutePath, SubInterface, Table, TunnelFlags, Vlan, VlanRewrite,
    VlanTags,
};

const CASES: u32 = 40;

/// The table of each family that routes are in.
const TABLE: u32 = 4_400;

/// Texts of up to 63 bytes, many of them of exactly so many, with letters of one to four bytes.
fn name() -> impl Strategy<Value = String> {
    let letters = proptest::collection::vec(select(vec!['x', 'é', '語', '🦀', ' ', '"', '\\']), 1..64);
    (letters, any::<bool>()).prop_map(|(letters, full)| {
        let mut text = String::new();
        for letter in letters {
            if text.len() + letter.len_utf8() <= 63 {
                text.push(letter);
            }
        }
        if full {
            text.extend(std::iter::repeat_n('y', 63 - text.len()));
        }
        text
    })
}

/// One that no group has and that is not zero.
fn mac() -> impl Strategy<Value = Mac> {
    any::<Mac>().prop_map(|mac| [mac[0] & 0xfc | 2, mac[1], mac[2], mac[3], mac[4], mac[5]])
}

/// Addresses of hosts, some of them IPv6 that looks like IPv4.
fn host(ipv6: bool) -> BoxedStrategy<IpAddr> {
    if ipv6 {
        let mapped = any::<[u8; 4]>().prop_map(|[_, b, c, d]| Ipv4Addr::new(10, b, c, d).to_ipv6_mapped());
        let plain =
            any::<u64>().prop_map(|low| Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(low) | 1));
        prop_oneof![mapped, plain].prop_map(IpAddr::V6).boxed()
    } else {
        any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(10, b, c, d.max(1)).into()).boxed()
    }
}

/// A destination of any length, the whole of its family and single hosts among them.
fn prefix(ipv6: bool) -> impl Strategy<Value = IpNet> {
    let most = if ipv6 { 128 } else { 32 };
    let length = prop_oneof![Just(0), Just(1), Just(most - 1), Just(most), 0..=most];
    (host(ipv6), length).prop_map(|(address, length)| IpNet::new(address, length).expect("it fits").trunc())
}

/// Next hops with weights and preferences, none of them twice.
fn hops(ipv6: bool) -> impl Strategy<Value = Vec<(IpAddr, u8, u8)>> {
    let hops = proptest::collection::btree_map(host(ipv6), (1..=u8::MAX, any::<u8>()), 1..5);
    hops.prop_map(|hops| {
        hops.into_iter().map(|(hop, (weight, preference))| (hop, weight, preference)).collect()
    })
}

/// What an address of an interface is: any length that leaves a host, and the host.
fn of_interface(ipv6: bool) -> impl Strategy<Value = IpNet> {
    let lengths = if ipv6 { 33..=128_u8 } else { 9..=32 };
    (host(ipv6), lengths).prop_map(|(address, length)| IpNet::new(address, length).expect("it fits"))
}

#[derive(Clone, Debug)]
struct Case {
    ipv6: bool,
    name: String,
    mac: Mac,
    mtu: u32,
    address: IpNet,
    prefix: IpNet,
    hops: Vec<(IpAddr, u8, u8)>,
    drops: bool,
    host: IpAddr,
    /// Yes or no, for whatever is.
    switches: [bool; 8],
    number: u16,
}

fn case() -> impl Strategy<Value = Case> {
    any::<bool>().prop_flat_map(|ipv6| {
        let layers = (prefix(ipv6), hops(ipv6), any::<bool>(), host(ipv6), of_interface(ipv6));
        let rest = (name(), mac(), 64..65_536_u32, any::<[bool; 8]>(), 1..4_096_u16);
        (layers, rest).prop_map(move |((prefix, hops, drops, host, address), rest)| {
            let (name, mac, mtu, switches, number) = rest;
            Case { ipv6, name, mac, mtu, address, prefix, hops, drops, host, switches, number }
        })
    })
}

/// A release, a connection, and a loopback that is there for each case.
struct Bench<'a> {
    peer: &'a Peer,
    release: &'a str,
    loopback: u32,
}

impl Bench<'_> {
    fn has(&self, since: &str) -> bool {
        position(self.release) >= position(since)
    }

    async fn interfaces(&self, case: &Case) {
        let calls = &self.peer.handlers.interface;
        let index = self.loopback;
        calls.set_tag(index, &case.name).await.expect("a tag");
        calls.set_mac(index, case.mac).await.expect("a MAC");
        calls.set_mtu(index, case.mtu).await.expect("an MTU");
        calls.set_admin(index, case.switches[0]).await.expect("up or down");
        calls.add_address(index, case.address).await.expect("an address");
        let all = calls.dump_interfaces().await.expect("a dump");
        let found = all.iter().find(|i| i.sw_if_index == index).expect("it is there");
        assert_eq!((&found.tag, found.mac, found.mtu), (&case.name, case.mac, case.mtu));
        assert_eq!((found.admin_up, found.addresses.as_slice()), (case.switches[0], &[case.address][..]));
        calls.delete_address(index, case.address).await.expect("no address");
    }

    async fn sub_interfaces(&self, case: &Case) {
        let [two, dot1ad, exact, dot1q, ..] = case.switches;
        let (outer, inner) = (case.number, 4_096 - case.number);
        let tags = if two {
            VlanTags::Two(Vlan::Id(outer), Vlan::Id(inner))
        } else {
            VlanTags::One(Vlan::Id(outer))
        };
        let sub_id = u32::from_be_bytes([0, case.mac[3], case.mac[4], case.mac[5] | 1]);
        let sub =
            SubInterface { parent: self.loopback, sub_id, tags, dot1ad, exact_match: exact, default: false };
        let (calls, l2) = (&self.peer.handlers.subif, &self.peer.handlers.l2);
        let index = calls.add_sub_interface(&sub).await.expect("a sub-interface");
        // VPP tells of tags only where something is bridged.
        l2.add_bridge_domain(&BridgeDomain { id: 9, ..BridgeDomain::default() })
            .await
            .expect("a bridge domain");
        let port = Port { sw_if_index: index, ..Port::default() };
        l2.add_port(9, &port).await.expect("a port");
        let rewrite = VlanRewrite { kind: RewriteKind::Push2, dot1q, tag1: inner, tag2: outer };
        calls.set_vlan_rewrite(index, &rewrite).await.expect("a rewrite");
        let all = self.peer.handlers.interface.dump_interfaces().await.expect("a dump");
        let found = all.iter().find(|i| i.sw_if_index == index).expect("it is there");
        assert_eq!((found.sub, found.rewrite), (Some(sub), rewrite));
        l2.delete_port(9, &port).await.expect("no port");
        l2.delete_bridge_domain(9).await.expect("gone");
        calls.delete_sub_interface(index).await.expect("gone");
    }

    async fn bridges(&self, case: &Case) {
        let l2 = &self.peer.handlers.l2;
        let [flood, unknown_unicast_flood, forward, learn, arp_termination, forwards, fixed, drop] =
            case.switches;
        let domain = BridgeDomain {
            id: u32::from(case.number),
            tag: case.name.clone(),
            flood,
            unknown_unicast_flood,
            forward,
            learn,
            arp_termination,
            arp_unicast_forward: forwards && self.has("19.08"),
            mac_age: case.mac[5],
        };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
        let found = l2.dump_bridge_domains().await.expect("a dump");
        assert_eq!(found.iter().map(|d| &d.bridge_domain).collect::<Vec<_>>(), [&domain]);
        let other = BridgeDomain {
            flood: learn,
            unknown_unicast_flood: flood,
            forward: arp_termination,
            learn: !forward,
            arp_termination: !unknown_unicast_flood,
            arp_unicast_forward: !forwards && self.has("19.08"),
            mac_age: case.mac[4],
            ..domain.clone()
        };
        l2.change_bridge_domain(&other).await.expect("it is changed");
        assert_eq!(l2.dump_bridge_domains().await.expect("a dump")[0].bridge_domain, other);

        let answer = ArpTermination { bd_id: domain.id, ip: case.host, mac: case.mac };
        l2.add_arp_termination(&answer).await.expect("an answer");
        assert_eq!(l2.dump_arp_terminations().await.expect("a dump"), [answer]);
        l2.delete_arp_termination(&answer).await.expect("gone");

        // Entries lead to ports.
        let port = Port { sw_if_index: self.loopback, bvi: false, split_horizon_group: case.mac[3] };
        l2.add_port(domain.id, &port).await.expect("a port");
        assert_eq!(l2.dump_bridge_domains().await.expect("a dump")[0].ports, [port]);
        let sw_if_index = if drop { NO_INTERFACE } else { self.loopback };
        let (bd_id, mac) = (domain.id, case.mac);
        let entry = FibEntry { bd_id, mac, sw_if_index, fixed: fixed || drop, drop, bvi: false };
        l2.add_fib_entry(&entry).await.expect("an entry");
        assert_eq!(l2.dump_fib(bd_id).await.expect("a dump"), [entry]);
        l2.delete_fib_entry(&entry).await.expect("gone");
        l2.delete_port(domain.id, &port).await.expect("no port");
        l2.delete_bridge_domain(bd_id).await.expect("gone");
    }

    async fn routes(&self, case: &Case) {
        let l3 = &self.peer.handlers.l3;
        let table = Table { id: TABLE, ipv6: case.ipv6, name: case.name.clone() };
        l3.add_table(&table).await.expect("a table");
        assert!(l3.dump_tables().await.expect("a dump").contains(&table));
        let hop = |(hop, weight, preference): &(IpAddr, u8, u8)| RoutePath {
            sw_if_index: self.loopback,
            next_hop: Some(*hop),
            weight: *weight,
            preference: *preference,
            ..RoutePath::default()
        };
        let paths = if case.drops {
            vec![RoutePath { kind: PathKind::Drop, ..RoutePath::default() }]
        } else {
            case.hops.iter().map(hop).collect()
        };
        let route = Route { table: table.id, prefix: case.prefix, paths };
        l3.add_route(&route, Paths::Replace).await.expect("a route");
        let found = l3.dump_routes().await.expect("a dump");
        let mut found: Vec<_> =
            found.into_iter().filter(|r| r.table == route.table && r.prefix == route.prefix).collect();
        found.iter_mut().for_each(|r| r.paths.sort_by_key(|p| p.next_hop));
        assert_eq!(found, std::slice::from_ref(&route));
        l3.delete_route(route.table, route.prefix).await.expect("gone");

        // The same with a bit behind its prefix is refused before it is sent.
        if case.prefix.prefix_len() < case.prefix.max_prefix_len() {
            let last = case.prefix.broadcast();
            let bits = IpNet::new(last, case.prefix.prefix_len()).expect("it fits");
            let error = l3.add_route(&Route { prefix: bits, ..route }, Paths::Replace).await;
            let error = error.expect_err("it has bits of a host");
            assert_eq!(
                error.to_string(),
                format!("{bits} has bits behind its prefix; the network is {}", case.prefix)
            );
        }
        l3.delete_table(table.id, case.ipv6).await.expect("gone");
    }

    async fn neighbors(&self, case: &Case) {
        let calls = &self.peer.handlers.neighbor;
        let [fixed, no_fib_entry, ..] = case.switches;
        let no_fib_entry = no_fib_entry && self.has("19.04");
        let neighbor =
            Neighbor { sw_if_index: self.loopback, ip: case.host, mac: case.mac, fixed, no_fib_entry };
        // A neighbour is one of an interface that is up and speaks its family.
        let interface = &self.peer.handlers.interface;
        interface.set_admin(self.loopback, true).await.expect("up");
        interface.add_address(self.loopback, case.address).await.expect("an address");
        calls.add_neighbor(&neighbor).await.expect("a neighbour");
        assert_eq!(calls.dump_neighbors().await.expect("a dump"), [neighbor]);
        calls.delete_neighbor(&neighbor).await.expect("gone");
        interface.delete_address(self.loopback, case.address).await.expect("no address");

        let at = |n: u16| Ipv4Addr::new(10, 77, (n >> 8) as u8, n as u8);
        let range = ProxyArpRange { table: 0, first: at(case.number), last: at(case.number + 9) };
        calls.add_proxy_arp(&range).await.expect("a range");
        assert_eq!(calls.dump_proxy_arps().await.expect("a dump"), [range]);
        calls.delete_proxy_arp(&range).await.expect("gone");
    }

    async fn tunnels(&self, case: &Case) {
        let src = Ipv4Addr::from(u32::from(case.number) | 0x0a4e_0000);
        let src = if case.ipv6 { IpAddr::V6(src.to_ipv6_mapped()) } else { IpAddr::V4(src) };
        if src == case.host {
            return;
        }
        let calls = &self.peer.handlers.ipip;
        // Those that all releases with flags have.
        let bits = case.switches.iter().take(5).fold(0, |bits, on| bits << 1 | u8::from(*on));
        let flags = if self.has("20.01") { TunnelFlags(bits) } else { TunnelFlags::default() };
        let instance = Some(u32::from(case.number));
        let told = Ipip { instance, flags, ..Ipip::between(src, case.host) };
        let index = calls.add_ipip(&told).await.expect("a tunnel");
        let found = calls.dump_ipips().await.expect("a dump");
        let found: Vec<_> = found.iter().map(|t| (t.sw_if_index, t.tunnel)).collect();
        assert_eq!(found, [(index, told)]);
        calls.delete_ipip(index).await.expect("gone");
    }
}

#[test]
fn what_is_set_is_told_on_every_release_whatever_its_values() {
    each_release(|release| {
        let served = Served::new(release);
        let seed = RngSeed::Fixed(seed(release));
        let config = Config { failure_persistence: None, rng_seed: seed, ..Config::default() };
        let mut runner = TestRunner::new(config);
        run(async {
            let peer = connect(&served.path()).await;
            let loopback = peer.handlers.interface.add_loopback(None).await.expect("a loopback");
            let bench = Bench { peer: &peer, release, loopback };
            let before = peer.handlers.inventory().await.expect("an inventory");
            for _ in 0..CASES {
                let case = case().new_tree(&mut runner).expect("a case").current();
                // A test that fails tells what it was about.
                println!("VPP {release}: {case:?}");
                bench.interfaces(&case).await;
                bench.sub_interfaces(&case).await;
                bench.bridges(&case).await;
                bench.routes(&case).await;
                bench.neighbors(&case).await;
                bench.tunnels(&case).await;
            }
            // Nothing is left of it.
            let after = peer.handlers.inventory().await.expect("an inventory");
            assert_eq!(after.len(), before.len());
            assert!(peer.handlers.l3.dump_tables().await.expect("a dump").iter().all(|t| t.id == 0));
            peer.client.close().await;
        });
    });
}
