//! The calls on a real VPP, where there is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::path::Path;

use common::calls::Scenario;
use common::{connect, run};

#[test]
fn a_real_vpp_does_what_the_calls_say_and_is_left_as_it_was() {
    let Some(socket) = std::env::var_os("VPP_API_SOCKET") else {
        println!("skipped: set VPP_API_SOCKET");
        return;
    };
    run(async {
        let peer = connect(Path::new(&socket)).await;
        let version = peer.connection.version.clone();
        println!("VPP {version}: calls of {}, without {:?}", peer.selection.release, peer.selection.absent);
        assert_eq!(vppcalls::select::release_of(&version).as_deref(), Some(peer.selection.release));
        let scenario = Scenario { calls: &peer.handlers, version: &version };
        let state = async || {
            let mut routes = peer.handlers.l3.dump_routes().await.expect("a dump");
            // In the order of a hash table.
            routes.sort_by_key(|r| (r.table, r.prefix));
            let domains = peer.handlers.l2.dump_bridge_domains().await.expect("a dump");
            (peer.handlers.interface.dump_interfaces().await.expect("a dump"), domains, routes)
        };
        let before = state().await;
        assert_eq!(scenario.core().await, peer.connection.pid);
        scenario.loopback().await;
        scenario.bridge_domain().await;
        scenario.routes().await;
        assert_eq!(state().await, before);
        peer.client.close().await;
    });
}
