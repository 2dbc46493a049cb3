//! From one VPP to the next, and to the goodbye.

use std::sync::mpsc;

use vpp_client::{Client, State};

use super::{SOCKCLNT_CREATE, SOCKCLNT_DELETE, id, ping, socket, until};
use crate::common::server::{Behind, Reaction, Server};
use crate::common::{PATIENCE, Served, config, connect, newest, options, release, run, sim};

#[test]
fn a_restart_as_another_release_is_another_connection() {
    let Served { folder: _folder, running } = Served::new("20.05");
    run(async {
        let peer = connect(running.path()).await;
        let before = peer.connection.clone();
        assert_eq!((before.session, before.restarted), (1, false));
        assert_eq!(before.version, "20.05-release");
        peer.handlers.interface.add_loopback(None).await.expect("a loopback");

        // From a stream to packets and back.
        let mut running = running;
        for (session, name) in [(2, "18.10"), (3, newest())] {
            running = running.restart_as(release(name), options()).expect("restarts");
            let state = until(&peer.client, |s| s.connection().is_some_and(|c| c.session == session)).await;
            let after = state.connection().expect("connected").clone();
            assert!(after.restarted);
            assert_eq!(after.version, format!("{name}-release"));
            assert_ne!(after.pid, before.pid);
            // What was chosen before does not fit any more, and says so rather than write it wrongly.
            let (handlers, selection) =
                vppcalls::select(&peer.client, &after).unwrap_or_else(|r| panic!("{r}"));
            assert_eq!(selection.release, name);
            assert_eq!(handlers.interface.dump_interfaces().await.expect("a dump").len(), 1);
        }
        // The same release again is another process.
        let running = running.restart().expect("restarts");
        let state = until(&peer.client, |s| s.connection().is_some_and(|c| c.session == 4)).await;
        assert!(state.connection().expect("connected").restarted);
        assert_eq!(ping(&peer.client).await.expect("a pong").vpe_pid, running.sim().pid());
        peer.client.close().await;
    });
}

#[test]
fn calls_chosen_for_one_vpp_do_not_go_to_the_next() {
    let Served { folder: _folder, running } = Served::new("20.01");
    run(async {
        let peer = connect(running.path()).await;
        peer.handlers.l3.dump_tables().await.expect("a dump");
        // The same messages by name and CRC, some of them laid out otherwise.
        let running = running.restart_as(release("20.05"), options()).expect("restarts");
        until(&peer.client, |s| s.connection().is_some_and(|c| c.session == 2)).await;
        let error = peer.handlers.l3.dump_tables().await.expect_err("it was chosen for another VPP");
        assert!(error.is_lost(), "{error}");
        assert_eq!(running.sim().received().get("ip_table_dump"), None);
        peer.client.close().await;
    });
}

/// A simulated VPP and what it hears of registrations.
fn overheard(path: &std::path::Path) -> (Server, mpsc::Receiver<u16>) {
    let mut behind = Behind::new(sim(newest()));
    let (heard, hears) = mpsc::channel();
    let server = Server::start(path, false, move |connection, message| {
        if [SOCKCLNT_CREATE, SOCKCLNT_DELETE].contains(&id(message)) {
            heard.send(id(message)).expect("the test listens");
        }
        Reaction::bytes(behind.answer(connection, message))
    });
    (server, hears)
}

#[test]
fn close_says_goodbye() {
    let served = Served::new(newest());
    run(async {
        let peer = connect(&served.path()).await;
        assert_eq!(served.running.sim().received().get("sockclnt_delete"), None);
        let other = peer.client.clone();
        peer.client.close().await;
        assert_eq!(served.running.sim().received().get("sockclnt_delete"), Some(&1));
        assert!(matches!(*other.state().borrow(), State::Closed));
        let error = ping(&other).await.expect_err("it is closed");
        assert!(error.is_lost() && error.to_string().contains("closed"), "{error}");
        // Once more does nothing.
        other.close().await;
        assert_eq!(served.running.sim().received().get("sockclnt_delete"), Some(&1));
    });
}

#[test]
fn the_last_client_that_goes_says_goodbye() {
    let (_folder, path) = socket();
    let (_server, hears) = overheard(&path);
    run(async {
        let client = Client::start(config(&path));
        client.connected().await.expect("connected");
        let other = client.clone();
        drop(client);
        ping(&other).await.expect("a pong");
        let state = other.state();
        drop(other);
        let mut state = state;
        let _ = state.wait_for(|s| matches!(s, State::Closed)).await;
    });
    assert_eq!(hears.recv_timeout(PATIENCE), Ok(SOCKCLNT_CREATE));
    assert_eq!(hears.recv_timeout(PATIENCE), Ok(SOCKCLNT_DELETE));
}

#[test]
fn a_runtime_that_is_shut_down_says_goodbye() {
    let (_folder, path) = socket();
    let (_server, hears) = overheard(&path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = runtime.block_on(async {
        let client = Client::start(config(&path));
        client.connected().await.expect("connected");
        client
    });
    drop(runtime);
    assert_eq!(hears.recv_timeout(PATIENCE), Ok(SOCKCLNT_CREATE));
    assert_eq!(hears.recv_timeout(PATIENCE), Ok(SOCKCLNT_DELETE));
    drop(client);
}
