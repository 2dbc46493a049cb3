//! All calls on a simulated VPP of each release.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::panic::AssertUnwindSafe;

use common::calls::{PARTS, PARTS_ON_HOST, Scenario};
use common::{Peer, Served, connect, each_release, position, run, text_of};
use futures::FutureExt as _;
use vpp_client::SocketKind;
use vppcalls::Error;
use vppcalls::types::Tap;

async fn run_part(part: &str, scenario: &Scenario<'_>, served: &Served, peer: &Peer) {
    match part {
        "core" => {
            let pid = scenario.core().await;
            assert_eq!((pid, pid), (served.running.sim().pid(), peer.connection.pid));
            let packets = position(peer.selection.release) < position("19.08");
            let expected = if packets { SocketKind::SeqPacket } else { SocketKind::Stream };
            assert_eq!(peer.connection.socket, expected);
        }
        "what the release lacks" => lacking(peer).await,
        other => scenario.part(other).await,
    }
}

/// What a release cannot do is known from the start, and an error that names the release.
async fn lacking(peer: &Peer) {
    let tap = Tap { gso: true, tun: true, ..Tap::default() };
    match peer.handlers.tap.add_tap(&tap).await {
        Ok(index) => {
            let said = &peer.selection.unsupported;
            assert!(
                !said
                    .iter()
                    .any(|what| what.contains("TAP interfaces for IP") || what.contains("flags of TAP")),
                "{said:?}"
            );
            peer.handlers.tap.delete_tap(index).await.expect("gone");
        }
        Err(Error::Unsupported { what, release }) => {
            assert!(peer.selection.unsupported.contains(&what), "{what}");
            assert_eq!(release, peer.selection.release, "the release by the name that people know");
        }
        Err(other) => panic!("{other}"),
    }
}

/// Runs some parts over one connection; what each made is gone afterwards.
fn parts_on(served: &Served, release: &str, parts: &[&str]) -> Vec<String> {
    let failed = run(async {
        let peer = connect(&served.path()).await;
        assert_eq!(peer.selection.release, release);
        let mut failed = Vec::new();
        for part in parts {
            let done = AssertUnwindSafe(part_on(served, part, &peer)).catch_unwind().await;
            if let Err(why) = done {
                failed.push(format!("{part}: {}", text_of(&*why)));
            }
        }
        peer.client.close().await;
        failed
    });
    let sim = served.running.sim();
    assert_eq!(sim.dropped(), 0, "messages that the simulated VPP did not understand");
    assert!(sim.unimplemented().is_empty(), "{:?}", sim.unimplemented());
    failed
}

async fn part_on(served: &Served, part: &str, peer: &Peer) {
    let scenario = Scenario { calls: &peer.handlers, version: &peer.connection.version };
    let state = async || {
        let interfaces = peer.handlers.inventory().await.expect("an inventory");
        let routes = peer.handlers.l3.dump_routes().await.expect("a dump");
        (interfaces, routes)
    };
    let before = state().await;
    run_part(part, &scenario, served, peer).await;
    assert_eq!(state().await, before);
    assert_eq!(peer.handlers.l2.dump_bridge_domains().await.expect("a dump").len(), 0);
}

#[test]
fn every_call_does_on_every_release_what_it_says() {
    let own = ["core", "what the release lacks"];
    let all: Vec<&str> = own.iter().chain(PARTS).chain(PARTS_ON_HOST).copied().collect();
    each_release(|release| {
        let served = Served::new(release);
        let failed: Vec<String> = all.chunks(8).flat_map(|parts| parts_on(&served, release, parts)).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    });
}
