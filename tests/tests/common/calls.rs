//! What one does with a VPP, and what it has to tell afterwards.

mod bonds;
mod bridges;
mod devices;
mod interfaces;
mod routing;
mod tunnels;
mod vlans;

use std::net::IpAddr;

use ipnet::IpNet;
use vppcalls::types::{Interface, RoutePath};
use vppcalls::{Error, Handlers, Inventory, Kind, NewInterface, Result};

use super::position;

/// An index that no interface has.
pub const NOWHERE: u32 = 424_242;

/// A table that is not there.
const NO_TABLE: u32 = 4_242;

/// The tag of interfaces that are made with one.
const TAG: &str = "conformance-kind";

pub const NO_INDEX: [(i32, &str); 1] = [(-2, "INVALID_SW_IF_INDEX")];

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

/// MACs that tests give, so that what is left behind can be found.
pub fn mac(last: u8) -> [u8; 6] {
    [0xde, 0xad, 0, 0, 0x42, last]
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

    pub fn has(&self, since: &str) -> bool {
        position(self.calls.release) >= position(since)
    }

    pub async fn inventory(&self) -> Vec<Inventory> {
        self.calls.inventory().await.expect("an inventory")
    }

    /// Makes an interface with a tag. From a release on there has to be one; before it the error says that there
    /// cannot be, and there is none.
    pub async fn make(&self, new: &NewInterface, since: &str) -> Option<Inventory> {
        let before = self.inventory().await;
        match self.calls.create(new, TAG).await {
            Ok(index) => {
                assert!(self.has(since), "{new:?} can be had");
                let all = self.inventory().await;
                let found = all.iter().find(|i| i.interface.sw_if_index == index).expect("it is there");
                assert_eq!(found.interface.tag, TAG);
                assert_eq!(all.len(), before.len() + 1);
                Some(found.clone())
            }
            Err(error) => {
                assert!(matches!(error, Error::Unsupported { .. }) && !self.has(since), "{new:?}: {error}");
                assert!(error.to_string().contains(self.calls.release), "{error}");
                assert_eq!(self.inventory().await, before);
                None
            }
        }
    }

    /// Removes it; nothing else has changed.
    pub async fn unmake(&self, new: &NewInterface, made: &Inventory) {
        let index = made.interface.sw_if_index;
        let mut before = self.inventory().await;
        self.calls.delete(new, index).await.expect("gone");
        before.retain(|i| i.interface.sw_if_index != index);
        assert_eq!(self.inventory().await, before);
    }

    pub async fn there_and_back(&self, new: &NewInterface, since: &str, expected: impl FnOnce(u32) -> Kind) {
        if let Some(made) = self.make(new, since).await {
            assert_eq!(made.kind, expected(made.interface.sw_if_index), "{new:?}");
            self.unmake(new, &made).await;
        }
    }

    /// A loopback that others are put on top of.
    pub async fn loop_with(&self, last: u8) -> u32 {
        self.calls.interface.add_loopback(Some(mac(last))).await.expect("a loopback")
    }

    pub async fn drop_loop(&self, index: u32) {
        self.calls.interface.delete_loopback(index).await.expect("gone");
    }

    /// A refusal, or the error that nothing can be known of it.
    pub fn refused_or_silent<T: std::fmt::Debug>(
        &self,
        result: Result<T>,
        silent: bool,
        expected: &[(i32, &str)],
    ) {
        if silent {
            assert!(matches!(result, Err(Error::Unanswered { .. })), "{result:?}");
        } else {
            self.refused(result, expected);
        }
    }
}
