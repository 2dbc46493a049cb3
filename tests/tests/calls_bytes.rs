//! Calls against recordings of real VPPs: the requests are those that were recorded, to the byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use common::calls::{ip, net, through};
use common::recording::{self, Frame};
use common::server::{Reaction, Server, frame};
use common::{Peer, connect, position, run, schema};
use serde_json::json;
use vpp_schema::Schema;
use vppcalls::types::{
    ArpTermination, Bond, BondMode, BridgeDomain, FibEntry, FlowHash, Gre, GreKind, Ipip, Memif, MemifSocket,
    Neighbor, PathKind, Paths, Port, ProxyArpRange, Route, RxMode, Span, SpanDirection, SubInterface, Table,
    Tap, TunnelDetails, Vxlan,
};
use vppcalls::{Error, Result};

const SOCKCLNT_CREATE: u16 = 15;
const SOCKCLNT_DELETE: u16 = 17;

/// Recorded requests that no call makes, each with its reason: message, field, value.
const NEVER_MADE: &[(&str, &str, &str)] = &[
    // Calls ask for all interfaces and choose themselves.
    ("sw_interface_dump", "name_filter", "loop"),
    // Calls ask for the queues of all interfaces.
    ("sw_interface_rx_placement_dump", "sw_if_index", "1"),
    // Calls ask for the neighbours of all interfaces.
    ("ip_neighbor_dump", "sw_if_index", "1"),
];

/// The same by release.
const NEVER_MADE_IN: &[(&str, &str)] = &[
    // It names a mode that 20.01 does not have, and was refused.
    ("20.01", "gre_tunnel_add_del"),
];

/// A request without the two numbers that a connection gives it.
fn bare(request: &[u8]) -> Vec<u8> {
    let mut bare = request.to_vec();
    bare[2..10].fill(0);
    bare
}

/// Also without the process of the client, which is the last thing in what subscribes.
fn without_process(name: &str, request: &[u8]) -> Vec<u8> {
    let mut bare = bare(request);
    if name == "want_interface_events" {
        let pid = bare.len() - 4;
        bare[pid..].fill(0);
    }
    bare
}

/// Answers like the recorded VPP.
struct Replay {
    schema: Schema,
    frames: Vec<Frame>,
    names: HashMap<u16, String>,
    /// How often each request came.
    times: HashMap<Vec<u8>, usize>,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Replay {
    fn new(release: &str, requests: Arc<Mutex<Vec<Vec<u8>>>>) -> Self {
        let frames = recording::load(release);
        let table = frames.iter().find(|f| f.name == "sockclnt_create_reply").expect("a handshake");
        let names = table.payload[20..].chunks_exact(66).map(|entry| {
            let end = entry[2..].iter().position(|b| *b == 0).expect("an end");
            let name = std::str::from_utf8(&entry[2..2 + end]).expect("a name");
            let (name, _) = name.rsplit_once('_').expect("a CRC");
            (u16::from_be_bytes([entry[0], entry[1]]), name.to_string())
        });
        let names = names.collect();
        Self { schema: schema(release), frames, names, times: HashMap::new(), requests }
    }

    fn react(&mut self, request: &[u8]) -> Reaction {
        let recorded = |name: &str| {
            let found = self.frames.iter().find(|f| f.name == name).expect("recorded");
            frame(&found.payload)
        };
        match u16::from_be_bytes([request[0], request[1]]) {
            SOCKCLNT_CREATE => return Reaction::bytes(recorded("sockclnt_create_reply")),
            SOCKCLNT_DELETE => {
                return Reaction { bytes: recorded("sockclnt_delete_reply"), close: true };
            }
            _ => {}
        }
        self.requests.lock().unwrap().push(request.to_vec());
        Reaction::bytes(self.answers(request).iter().flat_map(|m| frame(m)).collect::<Vec<_>>())
    }

    fn answers(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let id = u16::from_be_bytes([request[0], request[1]]);
        let name = self.names.get(&id).unwrap_or_else(|| panic!("message {id} is not in the table"));
        let context: [u8; 4] = request[6..10].try_into().expect("a context");
        let service = self.schema.service(name).unwrap_or_else(|| panic!("{name} is no request"));
        let answer = |other: &str| {
            service.reply.as_deref() == Some(other) || service.details.as_deref() == Some(other)
        };
        let times = self.times.entry(bare(request)).or_default();
        *times += 1;
        // The same request, the one that was made as often before; else nothing is known of what VPP would say.
        let same: Vec<&Frame> =
            self.frames.iter().filter(|f| f.request && bare_of(f) == Some(bare(request))).collect();
        let asked = same.get(*times - 1).or(same.last());
        let Some(asked) = asked else {
            let Some(reply) = &service.reply else { return Vec::new() };
            let fields = json!({"context": u32::from_be_bytes(context)});
            let id = self.names.iter().find(|(_, n)| *n == reply).expect("in the table").0;
            let body = self.schema.encode(reply, &fields).expect("it encodes");
            return vec![[id.to_be_bytes().as_slice(), &body].concat()];
        };
        let answers = self
            .frames
            .iter()
            .filter(|f| !f.request && f.n > asked.n && f.context() == asked.context() && answer(&f.name));
        answers
            .map(|f| {
                let mut message = f.payload.clone();
                let with_handle = self.schema.message(&f.name).expect("a message").fields().next();
                let at = if with_handle == Some("client_index") { 6 } else { 2 };
                message[at..at + 4].copy_from_slice(&context);
                message
            })
            .collect()
    }
}

fn bare_of(frame: &Frame) -> Option<Vec<u8>> {
    (frame.payload.len() >= 10).then(|| bare(&frame.payload))
}

fn retval<T: std::fmt::Debug>(result: Result<T>) -> Option<i32> {
    match result {
        Ok(_) => None,
        Err(error) => Some(error.retval().unwrap_or_else(|| panic!("{error}"))),
    }
}

/// Every call with the values of the recordings.
async fn calls(peer: &Peer, release: &str) {
    let calls = &peer.handlers;
    let version = calls.core.version().await.expect("a version");
    assert_eq!(version.version, peer.connection.version);
    calls.core.ping().await.expect("a pong");
    for command in ["show interface", "show bridge-domain 1 detail"] {
        let text = calls.core.cli(command).await.expect("an answer");
        assert!(text.is_empty() || text.contains('\n'), "{text:?}");
    }

    let interface = &calls.interface;
    let loopback = interface.add_loopback(Some([0xde, 0xad, 0, 0, 0, 1])).await.expect("a loopback");
    assert_eq!(loopback, 1);
    let second = interface.add_loopback_instance(Some([0xde, 0xad, 0, 0, 0, 2]), 7).await;
    assert_eq!(second.expect("a loopback"), 2);
    interface.set_tag(1, "loop-a").await.expect("a tag");
    interface.set_admin(1, true).await.expect("up");
    interface.set_admin(2, true).await.expect("up");
    interface.set_mtu(1, 1500).await.expect("an MTU");
    let linked = interface.set_link_mtu(1, 1500).await;
    assert!(linked.is_ok() || linked.as_ref().is_err_and(|e| e.retval().is_some()), "{linked:?}");
    interface.set_mac(1, [0xde, 0xad, 0, 0, 0, 3]).await.expect("a MAC");
    let addresses = [net("10.10.1.1/24"), net("2001:db8::1/64")];
    for address in addresses {
        interface.add_address(1, address).await.expect("an address");
    }
    let refused = if position(release) < position("20.05") { -127 } else { -105 };
    assert_eq!(retval(interface.add_address(1, addresses[0]).await), Some(refused));
    let found = interface.dump_interfaces().await.expect("a dump");
    assert_eq!(found.len(), 3);
    let first = &found[1];
    assert_eq!((first.sw_if_index, first.tag.as_str(), first.mtu), (1, "loop-a", 1500));
    assert_eq!((first.mac, first.admin_up), ([0xde, 0xad, 0, 0, 0, 3], true));
    assert_eq!((first.addresses.as_slice(), first.internal_name.as_str()), (&addresses[..], "loop0"));
    let tap = Tap {
        id: Some(11),
        mac: Some([2, 0xfe, 0, 0, 0, 0x44]),
        host_name: Some("rec-tap".to_string()),
        rx_ring: 256,
        tx_ring: 256,
        ..Tap::default()
    };
    let made = calls.tap.add_tap(&tap).await;
    if release != "18.10" {
        // It was recorded where TAPs cannot be had.
        assert_eq!(retval(made), Some(-11));
    }
    assert_eq!(calls.tap.dump_taps().await.expect("a dump"), []);
    assert_eq!(retval(interface.delete_loopback(4000).await), Some(-2));

    kinds(peer, release).await;

    let l2 = &calls.l2;
    for mac_age in [0, 10] {
        let domain = BridgeDomain {
            id: 1,
            tag: "bd1".to_string(),
            flood: true,
            unknown_unicast_flood: true,
            forward: true,
            learn: true,
            arp_termination: true,
            arp_unicast_forward: false,
            mac_age,
        };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
    }
    let port = Port { sw_if_index: 2, bvi: false, split_horizon_group: 0 };
    l2.add_port(1, &port).await.expect("a port");
    let entry = FibEntry {
        bd_id: 1,
        mac: [0x62, 0x89, 0xc6, 0xa3, 0x6d, 0x5c],
        sw_if_index: 2,
        fixed: true,
        drop: false,
        bvi: false,
    };
    l2.add_fib_entry(&entry).await.expect("an entry");
    let entries = l2.dump_fib(1).await.expect("a dump");
    assert!(entries.is_empty() || entries == [entry], "{entries:?}");
    let domains = l2.dump_bridge_domains().await.expect("a dump");
    assert_eq!(domains.len(), 1);
    assert_eq!((domains[0].bridge_domain.id, domains[0].ports.as_slice()), (1, &[port][..]));
    assert_eq!(retval(l2.delete_bridge_domain(77).await), Some(-6));

    layers(peer, release).await;

    let l3 = &calls.l3;
    let single =
        |table, prefix: &str| Route { table, prefix: net(prefix), paths: vec![through(1, "10.10.1.2")] };
    l3.add_route(&single(0, "192.168.10.0/24"), Paths::Replace).await.expect("a route");
    let mut several = single(0, "192.168.11.0/24");
    several.paths.push(through(1, "10.10.1.3"));
    several.paths[1].weight = 3;
    l3.add_route(&several, Paths::Add).await.expect("a route");
    let elsewhere = if release == "18.10" { "192.168.10.0/24" } else { "192.168.12.0/24" };
    assert_eq!(retval(l3.add_route(&single(99, elsewhere), Paths::Replace).await), Some(-3));
    let routes = l3.dump_routes().await.expect("a dump");
    assert!(routes.contains(&single(0, "192.168.10.0/24")), "{routes:?}");
    if release != "18.10" {
        assert!(routes.contains(&several), "{routes:?}");
    }
    let drops = routes.iter().filter(|r| r.paths.iter().all(|p| p.kind == PathKind::Drop)).count();
    assert!(drops >= 3, "{routes:?}");

    interface.set_admin(1, false).await.expect("down");
}

/// Interfaces of all kinds with the values of the recordings.
async fn kinds(peer: &Peer, release: &str) {
    let calls = &peer.handlers;
    let at = position(release);
    let since = |first| at >= position(first);

    assert_eq!(calls.subif.add_vlan(1, 100).await.expect("a sub-interface"), 3);
    if since("20.01") {
        assert_eq!(calls.subif.add_sub_interface(&SubInterface::vlan(1, 200)).await.expect("another"), 4);
        assert_eq!(retval(calls.subif.delete_sub_interface(0xffff_fff0).await), Some(-2));
    }

    let socket = MemifSocket { id: 1, path: "/run/vpp/memif1.sock".to_string() };
    let memif = Memif {
        master: true,
        id: 3,
        socket_id: 1,
        secret: Some("s3cret".to_string()),
        ring_size: 1024,
        buffer_size: 2048,
        rx_queues: 1,
        tx_queues: 1,
        mac: Some([2, 0xfe, 0, 0, 0, 0x33]),
        ..Memif::default()
    };
    if release == "18.10" {
        // Neither was answered, and the folder of the socket was not there.
        for result in
            [calls.memif.add_memif_socket(&socket).await, calls.memif.add_memif(&memif).await.map(drop)]
        {
            assert!(matches!(result, Err(Error::Unanswered { .. })), "{result:?}");
        }
    } else {
        calls.memif.add_memif_socket(&socket).await.expect("a socket");
        let sockets = calls.memif.dump_memif_sockets().await.expect("a dump");
        assert!(sockets.len() == 2 && sockets.contains(&socket), "{sockets:?}");
        let made = calls.memif.add_memif(&memif).await;
        let memifs = calls.memif.dump_memifs().await.expect("a dump");
        match release {
            // The folder was not there.
            "23.06" => assert_eq!((retval(made), memifs.len()), (Some(-14), 0)),
            _ => {
                let index = made.expect("a memif");
                let [found] = memifs.as_slice() else { panic!("{memifs:?}") };
                assert_eq!((found.sw_if_index, found.id, found.socket_id), (index, 3, 1));
                assert_eq!((found.master, found.mac), (true, [2, 0xfe, 0, 0, 0, 0x33]));
            }
        }
    }

    let [here, there] = [ip("10.10.1.1"), ip("10.10.1.20")];
    let vxlan = Vxlan::between(here, there, 55);
    if release != "20.01" {
        let index = calls.vxlan.add_vxlan(&vxlan).await.expect("a tunnel");
        let found = calls.vxlan.dump_vxlans().await.expect("a dump");
        let tunnel = Vxlan { instance: Some(0), decap_next: 1, ..vxlan };
        assert_eq!(found, [TunnelDetails { sw_if_index: index, tunnel }]);
    } else {
        assert_eq!(calls.vxlan.dump_vxlans().await.expect("a dump"), []);
    }
    if since("20.01") {
        let gre = Gre::between(GreKind::L3, here, ip("10.10.1.21"));
        let made = calls.gre.add_gre(&gre).await;
        let found = calls.gre.dump_gres().await.expect("a dump");
        if since("20.05") && !since("25.10") {
            let tunnel = Gre { instance: Some(0), ..gre };
            assert_eq!(found, [TunnelDetails { sw_if_index: made.expect("a tunnel"), tunnel }]);
        }
        let ipip = Ipip::between(here, ip("10.10.1.22"));
        let index = calls.ipip.add_ipip(&ipip).await.expect("a tunnel");
        let found = calls.ipip.dump_ipips().await.expect("a dump");
        let tunnel = Ipip { instance: Some(0), ..ipip };
        assert_eq!(found, [TunnelDetails { sw_if_index: index, tunnel }]);
        let index = calls.bond.add_bond(&Bond::default()).await.expect("a bond");
        if since("20.09") {
            let found = calls.bond.dump_bonds().await.expect("a dump");
            let [bond] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((bond.sw_if_index, bond.mode), (index, BondMode::RoundRobin));
        }
    }
    let span = Span { from: 1, to: 2, direction: SpanDirection::Both, l2: false };
    calls.span.set_span(&span).await.expect("a mirror");
    assert_eq!(calls.span.dump_spans().await.expect("a dump"), [span]);

    let interface = &calls.interface;
    assert_eq!(interface.table(1, false).await.expect("a table"), 0);
    interface.set_table(2, false, 5).await.expect("a table");
    if since("20.01") {
        calls.rx.set_rx_mode(1, None, RxMode::Polling).await.expect("a mode");
        let borrowed = interface.set_unnumbered(2, 1).await;
        assert_eq!(retval(borrowed), since("23.06").then_some(-74));
    }
    // The request that subscribes carries the number of a process: any.
    drop(interface.events());
}

/// What is recorded of bridges, tables and neighbours besides the rest.
async fn layers(peer: &Peer, release: &str) {
    let calls = &peer.handlers;
    let since = |first| position(release) >= position(first);
    let entry = ArpTermination { bd_id: 1, ip: ip("10.10.1.9"), mac: [0x62, 0x89, 0xc6, 0xa3, 0x6d, 0x5d] };
    calls.l2.add_arp_termination(&entry).await.expect("an answer");
    assert_eq!(calls.l2.dump_xconnects().await.expect("a dump"), []);
    let table = Table { id: 5, ipv6: false, name: "vrf5".to_string() };
    calls.l3.add_table(&table).await.expect("a table");
    if since("20.01") {
        assert!(calls.l3.dump_tables().await.expect("a dump").contains(&table));
        calls.l3.set_flow_hash(0, false, FlowHash::DEFAULT).await.expect("a flow hash");
    }
    let neighbor = Neighbor {
        sw_if_index: 1,
        ip: ip("10.10.1.2"),
        mac: [2, 0xfe, 0, 0, 0, 9],
        fixed: true,
        no_fib_entry: false,
    };
    calls.neighbor.add_neighbor(&neighbor).await.expect("a neighbour");
    let range = ProxyArpRange { table: 0, first: [10, 10, 1, 100].into(), last: [10, 10, 1, 110].into() };
    calls.neighbor.add_proxy_arp(&range).await.expect("a range");
    calls.neighbor.set_proxy_arp(1, true).await.expect("on");
    assert_eq!(calls.neighbor.dump_proxy_arps().await.expect("a dump"), [range]);
    assert_eq!(calls.neighbor.dump_proxy_arp_interfaces().await.expect("a dump"), [1]);
}

fn check(release: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let requests: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let mut replay = Replay::new(release, Arc::clone(&requests));
    let names = replay.names.clone();
    let frames = replay.frames.clone();
    let packets = position(release) < position("19.08");
    let server = Server::start(&path, packets, move |_, request| replay.react(request));
    run(async {
        let peer = connect(&path).await;
        assert_eq!(peer.selection.release, release, "{:?}", peer.selection.notice);
        assert_eq!(peer.selection.notice, None);
        println!("{release}: {}, plugins not loaded: {:?}", peer.connection.version, peer.selection.absent);
        calls(&peer, release).await;
        peer.client.close().await;
    });
    drop(server);

    let captured = requests.lock().unwrap();
    let name_of = |request: &[u8]| names[&u16::from_be_bytes([request[0], request[1]])].as_str();
    let made: BTreeSet<Vec<u8>> = captured.iter().map(|r| without_process(name_of(r), r)).collect();
    let made_names: BTreeSet<&str> = captured.iter().map(|r| name_of(r)).collect();
    let required = vppcalls::select::required(&vppcalls::select::groups(), position(release));
    let required: BTreeSet<&str> = required.iter().map(|m| m.name).collect();
    for name in &made_names {
        assert!(required.contains(name), "{release}: {name} was sent, but is not among the required");
    }
    let mut reproduced: BTreeMap<&str, usize> = BTreeMap::new();
    let mut missing = Vec::new();
    for frame in frames.iter().filter(|f| f.request && required.contains(f.name.as_str())) {
        if made.contains(&without_process(&frame.name, &frame.payload)) {
            *reproduced.entry(&frame.name).or_default() += 1;
            continue;
        }
        let by_design = NEVER_MADE.iter().any(|(name, field, value)| {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            frame.name == *name && frame.fields[*field] == value
        });
        if !by_design && !NEVER_MADE_IN.contains(&(release, frame.name.as_str())) {
            missing.push(format!("frame {} {} {}", frame.n, frame.name, frame.fields));
        }
    }
    assert!(missing.is_empty(), "{release}: not reproduced\n{}", missing.join("\n"));
    assert!(reproduced.len() >= 40, "{release}: {reproduced:?}");
    println!(
        "{release}: {} recorded requests reproduced: {reproduced:?}",
        reproduced.values().sum::<usize>()
    );
    let unrecorded: Vec<_> = made_names.iter().filter(|n| !reproduced.contains_key(*n)).collect();
    println!("{release}: sent but not recorded: {unrecorded:?}");
}

#[test]
fn requests_are_those_recorded_with_18_10() {
    check("18.10");
}

#[test]
fn requests_are_those_recorded_with_20_01() {
    check("20.01");
}

#[test]
fn requests_are_those_recorded_with_20_05() {
    check("20.05");
}

#[test]
fn requests_are_those_recorded_with_23_06() {
    check("23.06");
}

#[test]
fn requests_are_those_recorded_with_26_06() {
    check("26.06");
}
