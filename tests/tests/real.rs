//! The calls on a real VPP, where there is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use common::calls::{PARTS, Scenario};
use common::{Peer, connect, run, text_of};
use vppcalls::types::{BridgeDomainDetails, Interface, Route};

fn with_vpp<T>(socket: &Path, part: impl AsyncFnOnce(&Peer, &Scenario<'_>) -> T) -> T {
    run(async {
        let peer = connect(socket).await;
        let scenario = Scenario { calls: &peer.handlers, version: &peer.connection.version };
        let result = part(&peer, &scenario).await;
        peer.client.close().await;
        result
    })
}

async fn state(peer: &Peer) -> (Vec<Interface>, Vec<BridgeDomainDetails>, Vec<Route>) {
    let mut routes = peer.handlers.l3.dump_routes().await.expect("a dump");
    // In the order of a hash table.
    routes.sort_by_key(|r| (r.table, r.prefix));
    let domains = peer.handlers.l2.dump_bridge_domains().await.expect("a dump");
    (peer.handlers.interface.dump_interfaces().await.expect("a dump"), domains, routes)
}

#[test]
fn a_real_vpp_does_what_the_calls_say_and_is_left_as_it_was() {
    let Some(socket) = std::env::var_os("VPP_API_SOCKET") else {
        println!("skipped: set VPP_API_SOCKET");
        return;
    };
    let socket = Path::new(&socket);
    let before = with_vpp(socket, async |peer, scenario| {
        let (version, chosen) = (scenario.version, peer.selection.release);
        println!("VPP {version}: calls of {chosen}, without {:?}", peer.selection.absent);
        assert_eq!(vppcalls::select::release_of(version).as_deref(), Some(chosen));
        // What a run before may have left.
        scenario.sweep().await;
        state(peer).await
    });
    let mut failed = Vec::new();
    for part in ["core"].iter().chain(PARTS) {
        let done = catch_unwind(AssertUnwindSafe(|| {
            with_vpp(socket, async |peer, scenario| match *part {
                "core" => assert_eq!(scenario.core().await, peer.connection.pid),
                other => scenario.part(other).await,
            });
        }));
        if let Err(why) = done {
            failed.push(format!("{part}: {}", text_of(&*why)));
            with_vpp(socket, async |_, scenario| scenario.sweep().await);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let after = with_vpp(socket, async |peer, _| state(peer).await);
    assert_eq!(after, before);
}
