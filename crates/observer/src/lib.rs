//! What tests see of a VPP, and do to it, beside the agent: a client of its own, for tests only.
// It fails as tests do.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use vpp_client::{Client, Config};
use vppcalls::types::{BridgeDomain, Neighbor, Paths, Port, Route, RoutePath, Table};
use vppcalls::{Handlers, select};

/// What a VPP has: what it is, and how it is.
pub type Picture = BTreeMap<String, String>;

/// Connects, with the calls that fit the VPP behind `socket`.
pub async fn connect(socket: &Path) -> (Client, Handlers) {
    let mut config = Config::new(socket);
    config.name = "observer".to_string();
    let client = Client::start(config);
    let connection = client.connected().await.expect("connected");
    let (handlers, _) = select(&client, &connection).unwrap_or_else(|refusal| panic!("{refusal}"));
    (client, handlers)
}

/// Everything that can be told of a VPP, with its numbers.
pub async fn picture(calls: &Handlers) -> Picture {
    let mut all = BTreeMap::new();
    for item in calls.inventory().await.expect("an inventory") {
        all.insert(format!("interface {}", item.interface.sw_if_index), format!("{item:?}"));
    }
    let mut add = |what: &str, list: Vec<String>| {
        for text in list {
            *all.entry(format!("{what} {text}")).or_default() += "+";
        }
    };
    add("table", shown(&calls.l3.dump_tables().await.expect("a dump")));
    add("route", shown(&calls.l3.dump_routes().await.expect("a dump")));
    let domains = calls.l2.dump_bridge_domains().await.expect("a dump");
    for domain in &domains {
        add("fib", shown(&calls.l2.dump_fib(domain.bridge_domain.id).await.expect("a dump")));
    }
    add("bridge domain", shown(&domains));
    add("answer", shown(&calls.l2.dump_arp_terminations().await.expect("a dump")));
    add("xconnect", shown(&calls.l2.dump_xconnects().await.expect("a dump")));
    add("neighbour", shown(&calls.neighbor.dump_neighbors().await.expect("a dump")));
    add("proxy ARP", shown(&calls.neighbor.dump_proxy_arps().await.expect("a dump")));
    add("proxy ARP on", shown(&calls.neighbor.dump_proxy_arp_interfaces().await.expect("a dump")));
    if let Ok(sockets) = calls.memif.dump_memif_sockets().await {
        add("socket", shown(&sockets));
    }
    if let Ok(spans) = calls.span.dump_spans().await {
        add("span", shown(&spans));
    }
    all
}

fn shown<T: Debug>(list: &[T]) -> Vec<String> {
    list.iter().map(|item| format!("{item:?}")).collect()
}

/// Makes what is somebody else's: interfaces with a name and without, in a table and in bridge domains, with routes
/// and a neighbour.
pub async fn make_foreign(calls: &Handlers) {
    let nameless = calls.interface.add_loopback(None).await.unwrap();
    let named = calls.interface.add_loopback(None).await.unwrap();
    calls.interface.set_tag(named, "theirs").await.unwrap();
    calls.l3.add_table(&Table { id: 77, ipv6: false, name: "theirs".to_string() }).await.unwrap();
    calls.interface.set_table(named, false, 77).await.unwrap();
    for (index, address) in [(nameless, "172.16.0.1/24"), (named, "172.16.1.1/24")] {
        calls.interface.add_address(index, address.parse().unwrap()).await.unwrap();
        calls.interface.set_admin(index, true).await.unwrap();
    }
    for (id, tag, index) in [(1, "", nameless), (9, "theirs", named)] {
        let domain = BridgeDomain { id, tag: tag.to_string(), forward: true, ..BridgeDomain::default() };
        calls.l2.add_bridge_domain(&domain).await.unwrap();
        calls.l2.add_port(id, &Port { sw_if_index: index, ..Port::default() }).await.unwrap();
    }
    let next_hop = Some("172.16.0.2".parse().unwrap());
    let path = RoutePath { sw_if_index: nameless, next_hop, ..RoutePath::default() };
    for (table, prefix) in [(0, "172.20.0.0/16"), (77, "172.21.0.0/16")] {
        let route = Route { table, prefix: prefix.parse().unwrap(), paths: vec![path] };
        calls.l3.add_route(&route, Paths::Replace).await.unwrap();
    }
    let (ip, mac) = ("172.16.0.9".parse().unwrap(), [2, 0, 0, 0, 0, 1]);
    let neighbor = Neighbor { sw_if_index: nameless, ip, mac, fixed: true, no_fib_entry: false };
    calls.neighbor.add_neighbor(&neighbor).await.unwrap();
}

/// What of one picture is missing or other in another, for people; without VPP's own default route, in whose place
/// one of ours may be.
#[must_use]
pub fn missing(before: &Picture, now: &Picture) -> Vec<String> {
    let kept = before.iter().filter(|(what, _)| !what.contains("prefix: 0.0.0.0/0"));
    kept.filter(|(what, how)| now.get(*what) != Some(*how))
        .map(|(what, how)| format!("{what}: {how}\n   is {:?}", now.get(what)))
        .collect()
}

/// Where two are not the same, for people.
#[must_use]
pub fn differences(found: &Picture, expected: &Picture) -> String {
    let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let other = keys.into_iter().filter(|key| found.get(*key) != expected.get(*key));
    let text =
        other.map(|key| format!("{key}\n  found {:?}\n  not   {:?}", found.get(key), expected.get(key)));
    text.collect::<Vec<_>>().join("\n")
}
