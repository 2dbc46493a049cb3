//! All calls on a simulated VPP of each release.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use common::calls::Scenario;
use common::{Peer, Served, connect, each_release, position, run};
use vpp_client::SocketKind;
use vppcalls::Error;
use vppcalls::types::Tap;

/// Runs a part of the scenario on every release; what it made is gone afterwards.
fn on_each_release(part: impl AsyncFn(&Scenario<'_>, &Served, &Peer) + Sync) {
    each_release(|release| {
        let served = Served::new(release);
        run(async {
            let peer = connect(&served.path()).await;
            assert_eq!(peer.selection.release, release);
            let scenario = Scenario { calls: &peer.handlers, version: &peer.connection.version };
            let before = peer.handlers.interface.dump_interfaces().await.expect("a dump");
            let routes = peer.handlers.l3.dump_routes().await.expect("a dump");
            part(&scenario, &served, &peer).await;
            assert_eq!(peer.handlers.interface.dump_interfaces().await.expect("a dump"), before);
            assert_eq!(peer.handlers.l3.dump_routes().await.expect("a dump"), routes);
            assert_eq!(peer.handlers.l2.dump_bridge_domains().await.expect("a dump").len(), 0);
            peer.client.close().await;
        });
        let sim = served.running.sim();
        assert_eq!(sim.dropped(), 0, "messages that the simulated VPP did not understand");
        assert!(sim.unimplemented().is_empty(), "{:?}", sim.unimplemented());
    });
}

#[test]
fn version_ping_and_command_line() {
    on_each_release(async |scenario, served, peer| {
        let pid = scenario.core().await;
        assert_eq!(pid, served.running.sim().pid());
        assert_eq!(pid, peer.connection.pid);
        let packets = position(peer.selection.release) < position("19.08");
        let expected = if packets { SocketKind::SeqPacket } else { SocketKind::Stream };
        assert_eq!(peer.connection.socket, expected);
    });
}

#[test]
fn loopbacks_are_what_was_asked_for_until_they_are_gone() {
    on_each_release(async |scenario, _, _| scenario.loopback().await);
}

#[test]
fn taps_are_what_was_asked_for_until_they_are_gone() {
    on_each_release(async |scenario, _, _| scenario.tap().await);
}

#[test]
fn bridge_domains_are_what_was_asked_for_until_they_are_gone() {
    on_each_release(async |scenario, _, _| scenario.bridge_domain().await);
}

#[test]
fn routes_are_what_was_asked_for_until_they_are_gone() {
    on_each_release(async |scenario, _, _| scenario.routes().await);
}

#[test]
fn routes_that_drop_are_what_was_asked_for_until_they_are_gone() {
    on_each_release(async |scenario, _, _| scenario.drop_routes().await);
}

#[test]
fn what_a_release_cannot_do_is_an_error_that_names_the_release() {
    on_each_release(async |_, _, peer| {
        let tap = Tap { gso: true, tun: true, ..Tap::default() };
        match peer.handlers.interface.add_tap(&tap).await {
            Ok(index) => {
                assert!(peer.selection.unsupported.is_empty(), "{:?}", peer.selection.unsupported);
                peer.handlers.interface.delete_tap(index).await.expect("gone");
            }
            Err(Error::Unsupported { what, release }) => {
                assert!(peer.selection.unsupported.contains(&what), "{what}");
                assert_eq!(release, peer.selection.release, "the release by the name that people know");
            }
            Err(other) => panic!("{other}"),
        }
    });
}
