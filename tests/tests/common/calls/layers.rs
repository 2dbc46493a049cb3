//! Tables, neighbours, and what bridges do besides bridging.

use std::net::Ipv4Addr;

use vppcalls::Error;
use vppcalls::types::{
    ArpTermination, BridgeDomain, FlowHash, IpScan, IpScanMode, Neighbor, NeighborLimits, Paths,
    ProxyArpRange, Route, RoutePath, Table, Xconnect,
};

use super::kinds::{NO_INDEX, mac};
use super::{NOWHERE, Scenario, ip, net, through};

impl Scenario<'_> {
    /// A bridge domain that is changed while it is there.
    pub async fn change_of_bridge_domains(&self) {
        let l2 = &self.calls.l2;
        let there = async || {
            let all = l2.dump_bridge_domains().await.expect("a dump");
            all.into_iter().find(|d| d.bridge_domain.id == 4_204).map(|d| d.bridge_domain)
        };
        let first = BridgeDomain {
            id: 4_204,
            tag: "conformance-change".to_string(),
            flood: true,
            unknown_unicast_flood: false,
            forward: true,
            learn: false,
            arp_termination: true,
            mac_age: 0,
        };
        l2.add_bridge_domain(&first).await.expect("a bridge domain");
        let all = |on| BridgeDomain {
            flood: on,
            unknown_unicast_flood: on,
            forward: on,
            learn: on,
            arp_termination: on,
            ..first.clone()
        };
        let opposite = BridgeDomain {
            flood: false,
            unknown_unicast_flood: true,
            forward: false,
            learn: true,
            arp_termination: false,
            mac_age: 9,
            ..first.clone()
        };
        for wanted in [opposite, all(true), all(false), first.clone()] {
            l2.change_bridge_domain(&wanted).await.unwrap_or_else(|e| panic!("{wanted:?}: {e}"));
            assert_eq!(there().await, Some(wanted));
        }
        let nowhere = BridgeDomain { id: 4_205, ..first };
        self.refused(l2.change_bridge_domain(&nowhere).await, &[(-6, "NO_SUCH_ENTRY")]);
        l2.delete_bridge_domain(4_204).await.expect("gone");
    }

    /// What a bridge domain answers itself.
    pub async fn arp_terminations(&self) {
        let l2 = &self.calls.l2;
        let domain = BridgeDomain { id: 4_206, arp_termination: true, ..BridgeDomain::default() };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
        assert_eq!(l2.dump_arp_terminations().await.expect("a dump"), []);
        let entry = |address, last| ArpTermination { bd_id: 4_206, ip: ip(address), mac: mac(last) };
        let mut wanted = vec![entry("10.48.0.1", 1), entry("10.48.0.2", 2), entry("2001:db8:48::1", 3)];
        for one in &wanted {
            l2.add_arp_termination(one).await.unwrap_or_else(|e| panic!("{one:?}: {e}"));
        }
        wanted[0].mac = mac(4);
        l2.add_arp_termination(&wanted[0]).await.expect("another MAC");
        let sorted = async || {
            let mut all = l2.dump_arp_terminations().await.expect("a dump");
            all.sort_unstable();
            all
        };
        assert_eq!(sorted().await, wanted);
        let nowhere = ArpTermination { bd_id: 4_207, ..wanted[0] };
        self.refused(l2.add_arp_termination(&nowhere).await, &[(-6, "NO_SUCH_ENTRY")]);
        for one in &wanted {
            l2.delete_arp_termination(one).await.expect("gone");
        }
        self.refused(l2.delete_arp_termination(&wanted[0]).await, &[(-1, "UNSPECIFIED")]);
        assert_eq!(sorted().await, []);
        l2.delete_bridge_domain(4_206).await.expect("gone");
    }

    /// Cross-connects.
    pub async fn xconnects(&self) {
        let l2 = &self.calls.l2;
        let (a, b) = (self.loop_with(30).await, self.loop_with(31).await);
        let there = Xconnect { rx: a, tx: b };
        let back = Xconnect { rx: b, tx: a };
        for one in [there, back] {
            l2.add_xconnect(&one).await.expect("a cross-connect");
        }
        let mut found = l2.dump_xconnects().await.expect("a dump");
        found.sort_unstable();
        // A number that was free is given again: any order.
        assert_eq!(found, [there.min(back), there.max(back)]);
        l2.delete_xconnect(&back).await.expect("gone");
        assert_eq!(l2.dump_xconnects().await.expect("a dump"), [there]);
        l2.delete_xconnect(&there).await.expect("gone");
        assert_eq!(l2.dump_xconnects().await.expect("a dump"), []);
        for one in [Xconnect { rx: NOWHERE, tx: b }, Xconnect { rx: a, tx: NOWHERE }] {
            let error = l2.add_xconnect(&one).await.expect_err("there is none");
            assert!(matches!(error.retval(), Some(-2 | -10)), "{error}");
        }
        self.drop_loop(a).await;
        self.drop_loop(b).await;
    }

    /// Tables with names, their flow hashes, and routes from one into the other.
    pub async fn tables(&self) {
        let l3 = &self.calls.l3;
        let before = l3.dump_tables().await.expect("a dump");
        for ipv6 in [false, true] {
            let (from, into) = if ipv6 { (4_311, 4_312) } else { (4_313, 4_314) };
            for id in [from, into] {
                let table = Table { id, ipv6, name: "n".repeat(63) };
                l3.add_table(&table).await.expect("a table");
                let tables = l3.dump_tables().await.expect("a dump");
                assert!(tables.contains(&table), "{tables:?}");
            }
            let hash = FlowHash { src_ip: true, protocol: true, reverse: true, ..FlowHash::default() };
            l3.set_flow_hash(from, ipv6, hash).await.expect("a flow hash");
            l3.set_flow_hash(from, ipv6, FlowHash::DEFAULT).await.expect("a flow hash");
            for (hash, since) in [
                (FlowHash { symmetric: true, ..hash }, "19.01"),
                (FlowHash { flow_label: true, ..hash }, "21.06"),
                (FlowHash { gtp_teid: true, ..hash }, "23.06"),
            ] {
                match l3.set_flow_hash(from, ipv6, hash).await {
                    Ok(()) => assert!(self.has(since), "{hash:?}"),
                    Err(error) => assert!(error.is_absent() && !self.has(since), "{hash:?}: {error}"),
                }
            }
            let error = l3.set_flow_hash(4_242, ipv6, hash).await.expect_err("there is no such table");
            assert!(error.retval().is_some(), "{error}");

            let prefix = if ipv6 { "2001:db8:49::/48" } else { "10.49.0.0/16" };
            let path = RoutePath { table: into, ..RoutePath::default() };
            let route = Route { table: from, prefix: net(prefix), paths: vec![path] };
            l3.add_route(&route, Paths::Replace).await.expect("a route");
            let routes = l3.dump_routes().await.expect("a dump");
            let found = routes.iter().find(|r| r.table == from && r.prefix == route.prefix);
            let found = found.unwrap_or_else(|| panic!("{routes:?}"));
            let [only] = found.paths.as_slice() else { panic!("{found:?}") };
            assert_eq!((only.table, only.next_hop, only.sw_if_index), (into, None, path.sw_if_index));
            l3.delete_route(from, route.prefix).await.expect("gone");
            for id in [from, into] {
                l3.delete_table(id, ipv6).await.expect("gone");
            }
        }
        assert_eq!(l3.dump_tables().await.expect("a dump"), before);
        let result = l3.add_table(&Table { id: 9, ipv6: false, name: "n".repeat(64) }).await;
        assert!(matches!(result, Err(Error::TooLong { max: 63, .. })), "{result:?}");
    }

    /// Routes that are wrong before anything is sent.
    pub async fn wrong_routes(&self) {
        let l3 = &self.calls.l3;
        let before = l3.dump_routes().await.expect("a dump");
        let route = |prefix: &str, paths| Route { table: 0, prefix: net(prefix), paths };
        let bits = route("10.50.0.1/24", vec![through(1, "10.50.1.1")]);
        let result = l3.add_route(&bits, Paths::Replace).await;
        match &result {
            Err(error @ Error::HostBits { prefix, network }) => {
                assert_eq!((*prefix, *network), (net("10.50.0.1/24"), net("10.50.0.0/24")));
                assert!(error.is_bad_input());
            }
            other => panic!("{other:?}"),
        }
        let result = l3.delete_route(0, net("2001:db8::1/64")).await;
        assert!(matches!(result, Err(Error::HostBits { .. })), "{result:?}");
        for (prefix, hop) in [("10.50.0.0/24", "2001:db8::1"), ("2001:db8:50::/48", "10.50.0.1")] {
            let result = l3.add_route(&route(prefix, vec![through(1, hop)]), Paths::Replace).await;
            match &result {
                Err(Error::OtherFamily { address, other, .. }) => {
                    assert_eq!((*address, *other), (ip(hop), net(prefix).addr()));
                }
                other => panic!("{other:?}"),
            }
        }
        let result = l3.add_route(&route("10.50.0.0/24", Vec::new()), Paths::Replace).await;
        assert!(matches!(result, Err(Error::Lacks { lacks: "path", .. })), "{result:?}");
        assert_eq!(l3.dump_routes().await.expect("a dump"), before);
    }

    /// Neighbours of both families.
    pub async fn neighbors(&self) {
        let (calls, interfaces) = (&self.calls.neighbor, &self.calls.interface);
        let index = self.loop_with(32).await;
        interfaces.set_admin(index, true).await.expect("up");
        let addresses = [net("10.51.0.1/24"), net("2001:db8:51::1/64")];
        for address in addresses {
            interfaces.add_address(index, address).await.expect("an address");
        }
        let one = |address, last, fixed, no_fib_entry| Neighbor {
            sw_if_index: index,
            ip: ip(address),
            mac: mac(last),
            fixed,
            no_fib_entry,
        };
        let mut wanted = [
            one("10.51.0.2", 1, true, false),
            one("10.51.0.3", 2, false, false),
            one("10.51.0.4", 3, true, true),
            one("2001:db8:51::2", 4, true, false),
            one("2001:db8:51::3", 5, false, true),
        ];
        let found = async || {
            let mut all = calls.dump_neighbors().await.expect("a dump");
            all.retain(|n| n.sw_if_index == index);
            all.sort_unstable();
            all
        };
        assert_eq!(found().await, []);
        for neighbor in &wanted {
            calls.add_neighbor(neighbor).await.unwrap_or_else(|e| panic!("{neighbor:?}: {e}"));
        }
        wanted[0].mac = mac(6);
        calls.add_neighbor(&wanted[0]).await.expect("another MAC");
        let told = wanted.map(|n| Neighbor { no_fib_entry: n.no_fib_entry && self.has("19.04"), ..n });
        assert_eq!(found().await, told);
        let nowhere = Neighbor { sw_if_index: NOWHERE, ..wanted[0] };
        self.refused(calls.add_neighbor(&nowhere).await, &NO_INDEX);
        for neighbor in &wanted {
            calls.delete_neighbor(neighbor).await.unwrap_or_else(|e| panic!("{neighbor:?}: {e}"));
        }
        assert_eq!(found().await, []);
        for address in addresses {
            interfaces.delete_address(index, address).await.expect("no address");
        }
        interfaces.set_admin(index, false).await.expect("down");
        self.drop_loop(index).await;
    }

    /// Proxy ARP.
    pub async fn proxy_arps(&self) {
        let calls = &self.calls.neighbor;
        let index = self.loop_with(33).await;
        let at = |last| Ipv4Addr::new(10, 52, 0, last);
        let ranges = [
            ProxyArpRange { table: 0, first: at(10), last: at(20) },
            ProxyArpRange { table: 0, first: at(30), last: at(30) },
        ];
        for range in &ranges {
            calls.add_proxy_arp(range).await.expect("a range");
        }
        let sorted = async || {
            let mut all = calls.dump_proxy_arps().await.expect("a dump");
            all.sort_unstable();
            all
        };
        assert_eq!(sorted().await, ranges);
        calls.set_proxy_arp(index, true).await.expect("on");
        assert_eq!(calls.dump_proxy_arp_interfaces().await.expect("a dump"), [index]);
        calls.set_proxy_arp(index, false).await.expect("off");
        assert_eq!(calls.dump_proxy_arp_interfaces().await.expect("a dump"), [0_u32; 0]);
        self.refused(calls.set_proxy_arp(NOWHERE, true).await, &NO_INDEX);
        for range in &ranges {
            calls.delete_proxy_arp(range).await.expect("gone");
        }
        assert_eq!(sorted().await, []);
        let backwards = ProxyArpRange { table: 0, first: at(2), last: at(1) };
        let result = calls.add_proxy_arp(&backwards).await;
        assert!(matches!(result, Err(Error::Backwards { .. })), "{result:?}");
        let error = calls.add_proxy_arp(&ProxyArpRange { table: 4_242, ..ranges[0] }).await;
        assert!(error.expect_err("there is no such table").retval().is_some());
        self.drop_loop(index).await;
    }

    /// The scan of neighbours and what came in its place.
    pub async fn scan_of_neighbors(&self) {
        let calls = &self.calls.neighbor;
        for mode in [IpScanMode::Both, IpScanMode::Ipv4, IpScanMode::Ipv6, IpScanMode::Disabled] {
            let scan = IpScan { mode, interval: 1, ..IpScan::default() };
            match calls.set_ip_scan(&scan).await {
                Ok(()) => assert!(!self.has("20.01")),
                Err(error) => {
                    assert!(matches!(error, Error::Unsupported { .. }) && self.has("20.01"), "{error}");
                    assert!(error.to_string().contains("ip_scan_neighbor_enable_disable"), "{error}");
                }
            }
        }
        for ipv6 in [false, true] {
            let before = calls.neighbor_limits(ipv6).await;
            let limits = NeighborLimits { max_number: 4_000, max_age: 600, recycle: true };
            match calls.set_neighbor_limits(ipv6, &limits).await {
                Ok(()) => assert!(self.has("20.01")),
                Err(error) => assert!(error.is_absent() && !self.has("20.01"), "{error}"),
            }
            match (calls.neighbor_limits(ipv6).await, before) {
                (Ok(now), Ok(before)) => {
                    assert!(self.has("23.10") && now == limits, "{now:?}");
                    calls.set_neighbor_limits(ipv6, &before).await.expect("as before");
                }
                (now, _) => {
                    assert!(!self.has("23.10") && now.as_ref().is_err_and(Error::is_absent), "{now:?}");
                }
            }
        }
    }
}
