//! Events, details as they come, signs of life, and where the client looks for VPP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::time::{Duration, Instant};

use binapi_messages::interface::{v1810, v1908};
use binapi_messages::release::V2606;
use binapi_messages::vpe::v1810::ControlPing;
use common::server::{Behind, Reaction, Server, frame};
use common::{PATIENCE, Served, config, connect, newest, run, sim};
use vpp_client::{CallError, Client, Events, Odd, State};

type Event = binapi_messages::interface::v2106::SwInterfaceEvent;

const WANT: v1810::WantInterfaceEvents = v1810::WantInterfaceEvents { enable_disable: 1, pid: 7 };

async fn next(events: &mut Events<Event>) -> Result<Event, CallError> {
    tokio::time::timeout(PATIENCE, events.next()).await.expect("in time").expect("there is more")
}

/// Makes an interface and sets it up, as another client would.
async fn up(peer: &common::Peer) -> u32 {
    let index = peer.handlers.interface.add_loopback(None).await.expect("a loopback");
    peer.handlers.interface.set_admin(index, true).await.expect("it is up");
    index
}

#[test]
fn events_come_also_after_a_restart_of_vpp() {
    let Served { folder: _folder, running } = Served::new("26.06");
    run(async {
        let client = Client::start(config(running.path()));
        // Needs no connection yet.
        let mut events = client.events::<V2606, _>(&WANT);
        let peer = connect(running.path()).await;
        client.connected().await.expect("connected");
        // Subscribed before anything that is called after it.
        client.call::<V2606, _>(&ControlPing {}).await.expect("a pong");
        let index = up(&peer).await;
        let event = next(&mut events).await.expect("an event");
        assert_eq!((event.sw_if_index, event.pid), (index, 7));

        let running = running.restart().expect("restarts");
        // What happened meanwhile is not known, and the subscriber is told so.
        loop {
            match next(&mut events).await {
                Ok(_) => {}
                Err(e) => {
                    assert!(e.is_lost(), "{e}");
                    break;
                }
            }
        }
        let again = connect(running.path()).await;
        client
            .state()
            .wait_for(|s| s.connection().is_some_and(|c| c.session == 2))
            .await
            .expect("it is back");
        client.call::<V2606, _>(&ControlPing {}).await.expect("a pong");
        let index = up(&again).await;
        assert_eq!(next(&mut events).await.expect("an event").sw_if_index, index);
        for client in [&client, &peer.client, &again.client] {
            client.close().await;
        }
        // What was there is still given, then it is over.
        while let Some(event) = events.next().await {
            event.expect("an event");
        }
    });
}

#[test]
fn subscribers_of_the_same_event_share_one_subscription() {
    let Served { folder: _folder, running } = Served::new("26.06");
    run(async {
        let peer = connect(running.path()).await;
        let mut first = peer.client.events::<V2606, _>(&WANT);
        let mut second = peer.client.events::<V2606, _>(&WANT);
        peer.client.call::<V2606, _>(&ControlPing {}).await.expect("a pong");
        let index = up(&peer).await;
        assert_eq!(next(&mut first).await.expect("an event").sw_if_index, index);
        assert_eq!(next(&mut second).await.expect("an event").sw_if_index, index);
        // VPP refuses a second one from the same client.
        assert_eq!(running.sim().received().get("want_interface_events"), Some(&1));
        peer.client.close().await;
    });
}

#[test]
fn a_subscriber_that_does_not_read_misses_the_oldest_events() {
    let Served { folder: _folder, running } = Served::new("26.06");
    run(async {
        let mut config = config(running.path());
        config.events = 3;
        let peer = common::connect_with(config).await;
        let mut events = peer.client.events::<V2606, _>(&WANT);
        let index = up(&peer).await;
        for up in [false, true, false, true, false, true] {
            peer.handlers.interface.set_admin(index, up).await.expect("set");
        }
        peer.client.call::<V2606, _>(&ControlPing {}).await.expect("a pong");
        assert!(events.missed() > 0);
        let flags: Vec<u32> = [next(&mut events).await, next(&mut events).await, next(&mut events).await]
            .into_iter()
            .map(|event| event.expect("an event").flags.0 & 1)
            .collect();
        assert_eq!(flags, [1, 0, 1], "the newest are kept");
        peer.client.close().await;
    });
}

#[test]
fn a_subscription_that_vpp_does_not_know_or_refuses_is_told() {
    let Served { folder: _folder, running } = Served::new("18.10");
    run(async {
        let client = Client::start(config(running.path()));
        client.connected().await.expect("connected");
        let mut events = client.events::<V2606, _>(&WANT);
        let error = next(&mut events).await.expect_err("18.10 has other events");
        assert!(error.to_string().contains("sw_interface_event"), "{error}");
        client.close().await;
    });
    let Served { folder: _folder, running } = Served::new("26.06");
    run(async {
        let client = Client::start(config(running.path()));
        client.connected().await.expect("connected");
        // Nothing to take back yet: VPP refuses.
        let request = v1810::WantInterfaceEvents { enable_disable: 0, pid: 7 };
        let mut events = client.events::<V2606, _>(&request);
        let error = next(&mut events).await.expect_err("refused");
        assert_eq!(error.retval(), Some(-31), "{error}");
        client.close().await;
    });
}

#[test]
fn a_subscription_of_one_connection_ends_with_it() {
    let Served { folder: _folder, running } = Served::new("26.06");
    run(async {
        let peer = connect(running.path()).await;
        let bound = peer.client.bound_to(&peer.connection);
        let mut events = bound.events::<V2606, _>(&WANT);
        let _running = running.restart().expect("restarts");
        assert!(next(&mut events).await.expect_err("it is gone").is_lost());
        assert!(events.next().await.is_none());
        // Also one that is made afterwards.
        let state =
            peer.client.state().wait_for(|s| s.connection().is_some_and(|c| c.session == 2)).await.map(drop);
        state.expect("it is back");
        let mut late = bound.events::<V2606, _>(&WANT);
        let end = tokio::time::timeout(PATIENCE, late.next()).await.expect("in time");
        assert!(end.is_none_or(|e| e.is_err()), "no event of another VPP");
        peer.client.close().await;
    });
}

#[test]
fn details_are_there_before_the_dump_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let mut behind = Behind::new(sim(newest()));
    let mut pings = 0;
    // The ping that ends the dump is never answered.
    let _server = Server::start(&path, false, move |connection, message| {
        let answer = behind.answer(connection, message);
        if behind.name(message) == "control_ping" {
            pings += 1;
            if pings > 1 {
                return Reaction::nothing();
            }
        }
        Reaction::bytes(answer)
    });
    run(async {
        let mut config = config(&path);
        config.deadline = Duration::from_millis(200);
        let client = Client::start(config);
        client.connected().await.expect("connected");
        let request = v1908::SwInterfaceDump { sw_if_index: u32::MAX, ..Default::default() };
        let mut details = client.dump::<V2606, _>(&request).expect("asked");
        let first = details.next().await.expect("one").expect("local0");
        assert_eq!(first.sw_if_index, 0);
        let error = details.next().await.expect("an end").expect_err("no ping came back");
        assert!(matches!(error, CallError::Timeout { message: "sw_interface_dump", .. }), "{error}");
        assert!(details.next().await.is_none(), "nothing comes after an error");
        client.close().await;
    });
}

#[test]
fn a_vpp_that_gives_no_sign_of_life_is_given_up_and_a_slow_one_is_not() {
    for (limit, stall, lost) in [(100, u64::MAX, true), (2000, 300, false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        let mut behind = Behind::new(sim(newest()));
        let mut pings = 0;
        let _server = Server::start(&path, false, move |connection, message| {
            let answer = behind.answer(connection, message);
            // The second ping is the probe of an idle connection.
            pings += u32::from(behind.name(message) == "control_ping");
            if connection == 1 && pings == 2 {
                if stall == u64::MAX {
                    return Reaction::nothing();
                }
                std::thread::sleep(Duration::from_millis(stall));
            }
            Reaction::bytes(answer)
        });
        run(async {
            let mut config = config(&path);
            config.probe_after = Duration::from_millis(40);
            config.probe_limit = Duration::from_millis(limit);
            let client = Client::start(config);
            client.connected().await.expect("connected");
            let mut states = client.state();
            let until = states.wait_for(|s| matches!(s, State::Lost { .. }));
            let state = tokio::time::timeout(Duration::from_millis(800), until).await;
            match state {
                Ok(state) => {
                    assert!(lost, "it was only slow");
                    assert!(state.expect("a state").to_string().contains("no sign of life"));
                }
                Err(_) => assert!(!lost, "it said nothing"),
            }
            client.close().await;
        });
    }
}

#[test]
fn a_message_that_is_too_long_is_taken_and_counted_and_so_are_those_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let mut behind = Behind::new(sim(newest()));
    let mut pings = 0;
    let _server = Server::start(&path, false, move |connection, message| {
        let mut answer = behind.answer(connection, message);
        pings += u32::from(behind.name(message) == "control_ping");
        if pings == 2 {
            let whole = answer.get(16..).expect("a message").to_vec();
            let longer = frame(&[&whole[..], b"more"].concat());
            answer = [frame(&[1]), frame(&[0xff; 12]), longer.clone(), longer].concat();
        }
        Reaction::bytes(answer)
    });
    run(async {
        let client = Client::start(config(&path));
        client.connected().await.expect("connected");
        client.call::<V2606, _>(&ControlPing {}).await.expect("a pong");
        client.call::<V2606, _>(&ControlPing {}).await.expect("another");
        let counted: Vec<u64> = Odd::ALL.into_iter().map(|kind| client.odd(kind)).collect();
        assert_eq!(counted, [1, 1, 1, 1, 0], "{:?}", Odd::ALL);
        client.close().await;
    });
}

#[test]
fn the_first_socket_that_answers_is_taken_and_of_those_that_do_not_the_one_that_is_there_is_told() {
    let Served { folder, running } = Served::new("26.06");
    run(async {
        let mut config = config(running.path());
        config.paths.insert(0, folder.path().join("elsewhere.sock"));
        let client = Client::start(config);
        client.connected().await.expect("connected");
        client.close().await;

        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut config = common::config(&folder.path().join("nothing.sock"));
        config.paths.push(file);
        let client = Client::start(config);
        let state = client
            .state()
            .wait_for(|s| matches!(s, State::Connecting { attempt: 1.., .. }))
            .await
            .map(|s| s.clone());
        assert!(state.unwrap().to_string().contains("not a socket"));
        client.close().await;
    });
}

#[test]
fn a_message_without_an_answer_is_sent_and_not_waited_for() {
    let Served { folder: _folder, running } = Served::new("26.06");
    run(async {
        let client = Client::start(config(running.path()));
        client.connected().await.expect("connected");
        let before = Instant::now();
        let message = binapi_messages::memclnt::v1810::MemclntRxThreadSuspend::default();
        let sent = client.send::<V2606, _>(&message).await;
        // VPP's table has it or not, by release: either way nobody waits for the deadline.
        assert!(sent.is_ok() || matches!(sent, Err(CallError::Absent { .. })), "{sent:?}");
        assert!(before.elapsed() < Duration::from_secs(4));
        client.call::<V2606, _>(&ControlPing {}).await.expect("a pong");
        client.close().await;
    });
}
