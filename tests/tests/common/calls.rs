//! What one does with a VPP, and what it has to tell afterwards.

mod kinds;
mod layers;

use std::net::IpAddr;

use ipnet::IpNet;
use vppcalls::types::{
    BridgeDomain, FibEntry, Interface, Mac, NO_INTERFACE, PathKind, Paths, Port, Route, RoutePath, Table,
    Tap, TapDetails,
};
use vppcalls::{Error, Handlers, Result};

/// An index that no interface has.
pub const NOWHERE: u32 = 424_242;

/// A table that is not there.
const NO_TABLE: u32 = 4_242;

/// Destinations and next hops that are used.
const ROUTES: [(&str, [&str; 3]); 4] = [
    ("192.168.232.0/24", ["10.232.1.2", "10.232.1.3", "10.232.1.4"]),
    ("192.168.233.7/32", ["10.232.1.5", "10.232.1.6", "10.232.1.7"]),
    ("2001:db8:1:2000::/52", ["2001:db8:232::2", "2001:db8:232::3", "2001:db8:232::4"]),
    ("2001:db8:ffff::7/128", ["2001:db8:232::5", "2001:db8:232::6", "2001:db8:232::7"]),
];

pub fn net(text: &str) -> IpNet {
    text.parse().expect("a network")
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A path to a next hop through an interface.
pub fn through(sw_if_index: u32, next_hop: &str) -> RoutePath {
    RoutePath { sw_if_index, next_hop: Some(ip(next_hop)), ..RoutePath::default() }
}

/// Vpp, its calls and the text by which it names itself.
pub struct Scenario<'a> {
    pub calls: &'a Handlers,
    /// `20.05-release`.
    pub version: &'a str,
}

/// What is done, each by itself, with any VPP.
pub const PARTS: &[&str] = &[
    "loopback",
    "more of interfaces",
    "tables of interfaces",
    "sub-interfaces",
    "tag rewrite",
    "memifs",
    "VXLAN",
    "GRE",
    "IPIP",
    "bonds",
    "mirrors",
    "DHCP clients",
    "events",
    "bridge domains",
    "change of bridge domains",
    "ARP termination",
    "cross-connects",
    "tables",
    "routes",
    "routes that drop",
    "wrong routes",
    "neighbours",
    "proxy ARP",
    "scan of neighbours",
];

/// The same, with a VPP that may make devices on its host.
pub const PARTS_ON_HOST: &[&str] = &["taps", "taps with everything", "queues", "AF_PACKET"];

impl Scenario<'_> {
    /// Does a part; without the plugin that it needs, what is left of it.
    pub async fn part(&self, name: &str) {
        let module = match name {
            "memifs" => "memif",
            "VXLAN" => "vxlan",
            "GRE" => "gre",
            "DHCP clients" => "dhcp",
            "taps" | "taps with everything" | "queues" => "tapv2",
            "AF_PACKET" => "af_packet",
            _ => "",
        };
        if self.calls.absent.contains(module) {
            let error = match module {
                "memif" => self.calls.memif.dump_memifs().await.map(drop),
                "vxlan" => self.calls.vxlan.dump_vxlans().await.map(drop),
                "gre" => self.calls.gre.dump_gres().await.map(drop),
                "dhcp" => self.calls.dhcp.dump_dhcp_clients().await.map(drop),
                "tapv2" => self.calls.tap.dump_taps().await.map(drop),
                _ => self.calls.af_packet.dump_af_packets().await.map(drop),
            };
            assert!(error.expect_err("the plugin is not loaded").is_absent());
            println!("{name}: VPP has no plugin {module}");
            return;
        }
        match name {
            "loopback" => self.loopback().await,
            "more of interfaces" => self.more_of_interfaces().await,
            "tables of interfaces" => self.tables_of_interfaces().await,
            "sub-interfaces" => self.sub_interfaces().await,
            "tag rewrite" => self.vlan_rewrite().await,
            "memifs" => self.memifs().await,
            "VXLAN" => self.vxlans().await,
            "GRE" => self.gres().await,
            "IPIP" => self.ipips().await,
            "bonds" => self.bonds().await,
            "mirrors" => self.spans().await,
            "DHCP clients" => self.dhcp_clients().await,
            "events" => self.events().await,
            "bridge domains" => self.bridge_domain().await,
            "change of bridge domains" => self.change_of_bridge_domains().await,
            "ARP termination" => self.arp_terminations().await,
            "cross-connects" => self.xconnects().await,
            "tables" => self.tables().await,
            "routes" => self.routes().await,
            "routes that drop" => self.drop_routes().await,
            "wrong routes" => self.wrong_routes().await,
            "neighbours" => self.neighbors().await,
            "proxy ARP" => self.proxy_arps().await,
            "scan of neighbours" => self.scan_of_neighbors().await,
            "taps" => self.tap().await,
            "taps with everything" => self.taps_with_everything().await,
            "queues" => self.queues().await,
            "AF_PACKET" => self.af_packets().await,
            other => panic!("there is no part {other}"),
        }
    }

    pub async fn interface(&self, sw_if_index: u32) -> Option<Interface> {
        let all = self.calls.interface.dump_interfaces().await.expect("a dump");
        all.into_iter().find(|i| i.sw_if_index == sw_if_index)
    }

    async fn route(&self, prefix: &str) -> Option<Vec<RoutePath>> {
        let wanted = net(prefix);
        let all = self.calls.l3.dump_routes().await.expect("a dump");
        let mut found = all.into_iter().filter(|r| r.table == 0 && r.prefix == wanted);
        let mut paths = found.next()?.paths;
        assert!(found.next().is_none(), "{prefix} stands once");
        paths.sort_by_key(|p| (p.preference, p.next_hop));
        Some(paths)
    }

    pub fn refused<T: std::fmt::Debug>(&self, result: Result<T>, expected: &[(i32, &str)]) {
        let error = result.expect_err("VPP refuses");
        let retval = error.retval().unwrap_or_else(|| panic!("{error}"));
        let text = error.to_string();
        let known = expected.iter().find(|(number, _)| *number == retval);
        let (_, name) = known.unwrap_or_else(|| panic!("{text}, one of {expected:?} was expected"));
        for part in [*name, &retval.to_string(), self.version] {
            assert!(text.contains(part), "{text:?} does not tell {part}");
        }
        assert!(!error.is_lost() && !error.is_absent(), "{text}");
    }

    /// Takes away what a part left behind when it failed: all that has the names and addresses of tests.
    pub async fn sweep(&self) {
        let (interfaces, l2, l3) = (&self.calls.interface, &self.calls.l2, &self.calls.l3);
        let nets = ROUTES.map(|(prefix, _)| net(prefix));
        for route in l3.dump_routes().await.expect("a dump") {
            if route.table == 0 && nets.contains(&route.prefix) {
                l3.delete_route(0, route.prefix).await.expect("gone");
            }
        }
        for domain in l2.dump_bridge_domains().await.expect("a dump") {
            let id = domain.bridge_domain.id;
            if (4201..=4203).contains(&id) {
                for entry in l2.dump_fib(id).await.expect("a dump").iter().filter(|e| !e.bvi) {
                    l2.delete_fib_entry(entry).await.expect("gone");
                }
                for port in &domain.ports {
                    l2.delete_port(id, port).await.expect("gone");
                }
                l2.delete_bridge_domain(id).await.expect("gone");
            }
        }
        for interface in interfaces.dump_interfaces().await.expect("a dump") {
            if interface.mac[..5] == [0xde, 0xad, 0, 0, 0x42] {
                interfaces.delete_loopback(interface.sw_if_index).await.expect("gone");
            }
        }
    }

    /// Who VPP is; gives its process.
    pub async fn core(&self) -> u32 {
        let core = &self.calls.core;
        let version = core.version().await.expect("a version");
        assert_eq!(version.version, self.version);
        assert!(!version.program.is_empty() && !version.build_date.is_empty(), "{version:?}");
        let text = core.cli("show version").await.expect("an answer");
        assert!(text.starts_with("vpp v") && text.contains(self.version), "{text:?}");
        // A mistake is answered with what VPP prints about it.
        let text = core.cli("no such command").await.expect("an answer");
        assert!(text.contains("unknown input"), "{text:?}");
        core.ping().await.expect("a pong")
    }

    /// A loopback from its making to its end.
    pub async fn loopback(&self) {
        let calls = &self.calls.interface;
        let mac: Mac = [0xde, 0xad, 0, 0, 0x42, 1];
        let index = calls.add_loopback(Some(mac)).await.expect("a loopback");
        let made = self.interface(index).await.expect("it is there");
        assert!(made.internal_name.starts_with("loop"), "{made:?}");
        let expected = Interface {
            sw_if_index: index,
            sup_sw_if_index: index,
            internal_name: made.internal_name.clone(),
            device: made.device.clone(),
            link_mtu: made.link_mtu,
            mtu: made.mtu,
            mac,
            ..Interface::default()
        };
        assert_eq!(made, expected);
        // Releases that do not tell the kind of device tell nothing.
        assert!(["", "Loopback"].contains(&made.device.as_str()), "{made:?}");
        assert!(made.link_mtu >= 9000, "{made:?}");

        let longest = "t".repeat(63);
        calls.set_tag(index, &longest).await.expect("63 bytes");
        assert_eq!(self.interface(index).await.expect("it is there").tag, longest);
        calls.set_tag(index, "conformance-a").await.expect("a tag");
        let other: Mac = [0xde, 0xad, 0, 0, 0x42, 2];
        calls.set_mac(index, other).await.expect("a MAC");
        calls.set_mtu(index, 1500).await.expect("an MTU");
        calls.set_admin(index, true).await.expect("up");
        let addresses = [net("10.231.1.1/24"), net("10.231.2.1/30"), net("2001:db8:231::1/64")];
        for address in addresses {
            calls.add_address(index, address).await.expect("an address");
        }
        let configured = Interface {
            tag: "conformance-a".to_string(),
            mac: other,
            mtu: 1500,
            admin_up: true,
            link_up: true,
            addresses: addresses.to_vec(),
            ..expected.clone()
        };
        assert_eq!(self.interface(index).await, Some(configured.clone()));

        // Refused, and nothing has changed.
        let no_index = [(-2, "INVALID_SW_IF_INDEX")];
        self.refused(calls.set_admin(NOWHERE, true).await, &no_index);
        self.refused(calls.set_tag(NOWHERE, "x").await, &no_index);
        self.refused(calls.set_mac(NOWHERE, other).await, &no_index);
        self.refused(calls.set_mtu(NOWHERE, 1500).await, &no_index);
        self.refused(calls.add_address(NOWHERE, addresses[0]).await, &no_index);
        self.refused(calls.delete_loopback(NOWHERE).await, &no_index);
        let taken = [(-127, "DUPLICATE_IF_ADDRESS"), (-105, "ADDRESS_IN_USE")];
        self.refused(calls.add_address(index, addresses[0]).await, &taken);
        let absent = [(-60, "ADDRESS_NOT_FOUND_FOR_INTERFACE")];
        self.refused(calls.delete_address(index, net("10.231.9.1/24")).await, &absent);
        match calls.set_tag(index, &"t".repeat(64)).await {
            Err(Error::TooLong { max: 63, text, .. }) => assert_eq!(text.len(), 64),
            other => panic!("64 bytes of tag: {other:?}"),
        }
        assert_eq!(self.interface(index).await, Some(configured));

        for address in addresses {
            calls.delete_address(index, address).await.expect("no address");
        }
        calls.set_admin(index, false).await.expect("down");
        let unset = self.interface(index).await.expect("it is there");
        assert_eq!((unset.addresses.len(), unset.admin_up, unset.link_up), (0, false, false), "{unset:?}");
        calls.delete_loopback(index).await.expect("gone");
        assert_eq!(self.interface(index).await, None);
        self.refused(calls.delete_loopback(index).await, &no_index);

        // Without a MAC, VPP gives one.
        let index = calls.add_loopback(None).await.expect("a loopback");
        let made = self.interface(index).await.expect("it is there");
        assert_ne!(made.mac, Mac::default());
        calls.delete_loopback(index).await.expect("gone");
    }

    /// TAP interfaces.
    pub async fn tap(&self) {
        let calls = &self.calls.tap;
        let mac: Mac = [2, 0xfe, 0, 0, 0x42, 5];
        let tap = Tap {
            id: Some(5),
            mac: Some(mac),
            host_name: Some("conf-tap".to_string()),
            rx_ring: 512,
            tx_ring: 1024,
            ..Tap::default()
        };
        let index = calls.add_tap(&tap).await.expect("a TAP");
        let told = calls.dump_taps().await.expect("a dump");
        let expected = TapDetails {
            // VPP chooses.
            host_mac: told.first().map(|t| t.host_mac).unwrap_or_default(),
            sw_if_index: index,
            id: 5,
            host_name: "conf-tap".to_string(),
            rx_ring: 512,
            tx_ring: 1024,
            ..TapDetails::default()
        };
        assert_eq!(calls.dump_taps().await.expect("a dump"), std::slice::from_ref(&expected));
        let interface = self.interface(index).await.expect("it is there");
        assert_eq!((interface.internal_name.as_str(), interface.mac), ("tap5", mac));
        // The number is taken.
        self.refused(calls.add_tap(&tap).await, &[(-71, "INVALID_INTERFACE")]);
        // All that VPP can choose itself.
        let other = calls.add_tap(&Tap::default()).await.expect("a TAP");
        let taps = calls.dump_taps().await.expect("a dump");
        let found = taps.iter().find(|t| t.sw_if_index == other).expect("it is there");
        assert_eq!((found.rx_ring, found.tx_ring), (256, 256), "{found:?}");
        assert!(taps.contains(&expected) && taps.len() == 2);
        calls.delete_tap(other).await.expect("gone");

        for (gso, tun) in [(true, false), (false, true), (true, true)] {
            let special = Tap { id: Some(6), gso, tun, ..tap.clone() };
            match calls.add_tap(&special).await {
                Ok(index) => {
                    let taps = calls.dump_taps().await.expect("a dump");
                    let found = taps.iter().find(|t| t.sw_if_index == index).expect("it is there");
                    assert_eq!((found.gso, found.tun), (gso, tun), "{found:?}");
                    calls.delete_tap(index).await.expect("gone");
                }
                Err(error) => {
                    assert!(matches!(error, Error::Unsupported { .. }) && error.is_absent(), "{error}");
                    assert_eq!(calls.dump_taps().await.expect("a dump").len(), 1);
                }
            }
        }
        match calls.add_tap(&Tap { host_name: Some("h".repeat(200)), ..Tap::default() }).await {
            Err(Error::TooLong { .. }) => {}
            other => panic!("200 bytes of name: {other:?}"),
        }
        calls.delete_tap(index).await.expect("gone");
        assert_eq!(calls.dump_taps().await.expect("a dump"), []);
        self.refused(calls.delete_tap(index).await, &[(-2, "INVALID_SW_IF_INDEX")]);
    }

    /// A bridge domain with ports and FIB entries.
    pub async fn bridge_domain(&self) {
        let (l2, interfaces) = (&self.calls.l2, &self.calls.interface);
        let there = async |id: u32| {
            let all = l2.dump_bridge_domains().await.expect("a dump");
            all.into_iter().find(|d| d.bridge_domain.id == id)
        };
        let domain = BridgeDomain {
            id: 4201,
            tag: "b".repeat(63),
            flood: true,
            unknown_unicast_flood: false,
            forward: true,
            learn: false,
            arp_termination: true,
            mac_age: 7,
        };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
        let found = there(4201).await.expect("it is there");
        assert_eq!((&found.bridge_domain, found.ports.len()), (&domain, 0));
        // The other way round, so that no two switches are mixed up.
        let opposite = BridgeDomain {
            id: 4202,
            tag: "conformance-b".to_string(),
            flood: false,
            unknown_unicast_flood: true,
            forward: false,
            learn: true,
            arp_termination: false,
            mac_age: 0,
        };
        l2.add_bridge_domain(&opposite).await.expect("a bridge domain");
        assert_eq!(there(4202).await.expect("it is there").bridge_domain, opposite);
        match l2.add_bridge_domain(&BridgeDomain { id: 4203, tag: "b".repeat(64), ..domain.clone() }).await {
            Err(Error::TooLong { max: 63, .. }) => {}
            other => panic!("64 bytes of name: {other:?}"),
        }
        self.refused(l2.add_bridge_domain(&domain).await, &[(-119, "BD_ALREADY_EXISTS")]);
        self.refused(l2.delete_bridge_domain(4203).await, &[(-6, "NO_SUCH_ENTRY")]);

        let bvi = interfaces.add_loopback(Some([0xde, 0xad, 0, 0, 0x42, 3])).await.expect("a loopback");
        let plain = interfaces.add_loopback(Some([0xde, 0xad, 0, 0, 0x42, 4])).await.expect("a loopback");
        let ports = [
            Port { sw_if_index: bvi, bvi: true, split_horizon_group: 0 },
            Port { sw_if_index: plain, bvi: false, split_horizon_group: 3 },
        ];
        for port in &ports {
            l2.add_port(4201, port).await.expect("a port");
        }
        let mut found = there(4201).await.expect("it is there").ports;
        // A number that was free is given again: any order.
        found.sort_by_key(|p| !p.bvi);
        assert_eq!(found, ports);
        self.refused(
            l2.add_port(4201, &Port { sw_if_index: NOWHERE, ..ports[1] }).await,
            &[(-2, "INVALID_SW_IF_INDEX")],
        );
        let second = Port { sw_if_index: plain, bvi: true, split_horizon_group: 0 };
        self.refused(l2.add_port(4201, &second).await, &[(-152, "BD_ALREADY_HAS_BVI")]);
        l2.add_port(4201, &ports[1]).await.expect("a port");

        let fixed = FibEntry {
            bd_id: 4201,
            mac: [2, 0x42, 0, 0, 0, 1],
            sw_if_index: plain,
            fixed: true,
            drop: false,
            bvi: false,
        };
        let dropped = FibEntry { mac: [2, 0x42, 0, 0, 0, 2], sw_if_index: NO_INTERFACE, drop: true, ..fixed };
        let loose = FibEntry { mac: [2, 0x42, 0, 0, 0, 3], fixed: false, ..fixed };
        let mine = async || {
            let mut all = l2.dump_fib(4201).await.expect("a dump");
            all.retain(|e| e.mac[..2] == [2, 0x42]);
            all.sort_by_key(|e| e.mac);
            all
        };
        for entry in [fixed, dropped, loose] {
            l2.add_fib_entry(&entry).await.expect("an entry");
        }
        assert_eq!(mine().await, [fixed, dropped, loose]);
        self.refused(
            l2.add_fib_entry(&FibEntry { sw_if_index: NOWHERE, ..fixed }).await,
            &[(-2, "INVALID_SW_IF_INDEX")],
        );
        self.refused(l2.add_fib_entry(&FibEntry { bd_id: 4203, ..fixed }).await, &[(-6, "NO_SUCH_ENTRY")]);
        self.refused(l2.delete_bridge_domain(4201).await, &[(-120, "BD_IN_USE")]);
        assert!(there(4201).await.is_some());

        for entry in [loose, dropped, fixed] {
            l2.delete_fib_entry(&entry).await.expect("no entry");
        }
        assert_eq!(mine().await, []);
        for port in &ports {
            l2.delete_port(4201, port).await.expect("no port");
        }
        assert_eq!(there(4201).await.expect("it is there").ports, []);
        l2.delete_bridge_domain(4202).await.expect("gone");
        l2.delete_bridge_domain(4201).await.expect("gone");
        assert!(there(4201).await.is_none() && there(4202).await.is_none());
        for index in [plain, bvi] {
            interfaces.delete_loopback(index).await.expect("gone");
        }
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
}
