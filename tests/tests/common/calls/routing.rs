//! Tables, routes, neighbours, proxy ARP.

use std::net::Ipv4Addr;

use vppcalls::Error;
use vppcalls::types::{
    FlowHash, IpScan, IpScanMode, Neighbor, NeighborLimits, PathKind, Paths, ProxyArpRange, Route, RoutePath,
    Table,
};

use super::{NO_INDEX, NO_TABLE, NOWHERE, ROUTES, Scenario, ip, mac, net, through};

impl Scenario<'_> {
    async fn route(&self, prefix: &str) -> Option<Vec<RoutePath>> {
        let wanted = net(prefix);
        let all = self.calls.l3.dump_routes().await.expect("a dump");
        let mut found = all.into_iter().filter(|r| r.table == 0 && r.prefix == wanted);
        let mut paths = found.next()?.paths;
        assert!(found.next().is_none(), "{prefix} stands once");
        paths.sort_by_key(|p| (p.preference, p.next_hop));
        Some(paths)
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
                // Made once more it stays as it is, and the one that it was.
                l3.add_table(&Table { name: "other".to_string(), ..table.clone() })
                    .await
                    .expect("it is there");
                assert_eq!(l3.dump_tables().await.expect("a dump"), tables);
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

    /// Routes of both families.
    pub async fn routes(&self) {
        let (l3, interfaces) = (&self.calls.l3, &self.calls.interface);
        let tables = l3.dump_tables().await.expect("a dump");
        for ipv6 in [false, true] {
            let name = format!("ipv{}-VRF:0", if ipv6 { 6 } else { 4 });
            assert!(tables.contains(&Table { id: 0, ipv6, name }), "{tables:?}");
        }
        let index = interfaces.add_loopback(Some([0xde, 0xad, 0, 0, 0x42, 6])).await.expect("a loopback");
        interfaces.set_admin(index, true).await.expect("up");
        let addresses = [net("10.232.1.1/24"), net("2001:db8:232::1/64")];
        for address in addresses {
            interfaces.add_address(index, address).await.expect("an address");
        }
        for (prefix, hops) in ROUTES {
            let [a, b, c] = hops.map(|hop| through(index, hop));
            let route = |paths: &[RoutePath]| Route { table: 0, prefix: net(prefix), paths: paths.to_vec() };
            let replaced = async |paths: &[RoutePath]| {
                l3.add_route(&route(paths), Paths::Replace).await.unwrap_or_else(|e| panic!("{prefix}: {e}"));
                assert_eq!(self.route(prefix).await.as_deref(), Some(paths), "{prefix}");
            };
            assert_eq!(self.route(prefix).await, None, "{prefix}");
            replaced(&[a]).await;
            // Several at once, then fewer, then others.
            let b = RoutePath { weight: 3, ..b };
            let c = RoutePath { preference: 5, weight: 2, ..c };
            replaced(&[a, b, c]).await;
            replaced(&[b]).await;
            l3.add_route(&route(&[c]), Paths::Add).await.expect("a path");
            assert_eq!(self.route(prefix).await.as_deref(), Some(&[b, c][..]), "{prefix}");
            l3.add_route(&route(&[a]), Paths::Add).await.expect("a path");
            assert_eq!(self.route(prefix).await.as_deref(), Some(&[a, b, c][..]), "{prefix}");

            replaced(&[a]).await;
            l3.delete_route(0, net(prefix)).await.expect("gone");
            assert_eq!(self.route(prefix).await, None, "{prefix}");
            // What is not there can be deleted.
            l3.delete_route(0, net(prefix)).await.expect("gone");

            let elsewhere = Route { table: NO_TABLE, ..route(&[a]) };
            self.refused(l3.add_route(&elsewhere, Paths::Replace).await, &[(-3, "NO_SUCH_FIB")]);
            let nowhere = through(NOWHERE, hops[0]);
            self.refused(
                l3.add_route(&route(&[nowhere]), Paths::Replace).await,
                &[(-54, "NO_MATCHING_INTERFACE")],
            );
            assert_eq!(self.route(prefix).await, None, "{prefix}");
        }
        for address in addresses {
            interfaces.delete_address(index, address).await.expect("no address");
        }
        interfaces.set_admin(index, false).await.expect("down");
        interfaces.delete_loopback(index).await.expect("gone");
    }

    /// Routes that drop. VPPs up to 20.05 tell the interface 0 and, of a host, the host as next hop of them; that is
    /// no difference to what was asked for.
    pub async fn drop_routes(&self) {
        let l3 = &self.calls.l3;
        let drop = RoutePath { kind: PathKind::Drop, ..RoutePath::default() };
        let mut told = Vec::new();
        for (prefix, _) in ROUTES {
            let route = Route { table: 0, prefix: net(prefix), paths: vec![drop] };
            l3.add_route(&route, Paths::Replace).await.unwrap_or_else(|e| panic!("{prefix}: {e}"));
            told.push((prefix, self.route(prefix).await));
            l3.delete_route(0, net(prefix)).await.expect("gone");
            assert_eq!(self.route(prefix).await, None, "{prefix}");
        }
        assert_eq!(told, ROUTES.map(|(prefix, _)| (prefix, Some(vec![drop]))));
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
