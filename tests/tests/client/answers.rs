//! Answers that are none: cut off, too short, of nobody, of the wrong kind, too late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use binapi_messages::interface::v1810::WantInterfaceEvents;
use binapi_messages::interface::v2202::{SwInterfaceTxPlacementGet, SwInterfaceTxPlacementGetReply};
use binapi_messages::release::V2606;
use vpp_client::{CallError, Client, Odd, State};
use vppcalls::types::BridgeDomain;

use super::{context, ping, pong, socket, until};
use crate::common::server::{Behind, Reaction, Server, frame};
use crate::common::{PATIENCE, Peer, config, connect, newest, run, sim};

/// A simulated VPP whose first pongs, after the one of the handshake, are what a test says; connections after the
/// first behave.
fn misbehaving(
    answer: impl Fn(&Behind, &[u8]) -> Reaction + Send + 'static,
) -> impl FnMut(u32, &[u8]) -> Reaction {
    let mut behind = Behind::new(sim(newest()));
    let mut pings = 0;
    move |connection, message| {
        if connection == 1 && behind.name(message) == "control_ping" {
            pings += 1;
            if pings == 2 {
                return answer(&behind, message);
            }
        }
        Reaction::bytes(behind.answer(connection, message))
    }
}

/// The call that gets the answer is lost, and the client is back for the next one.
fn loses_and_comes_back(answer: impl Fn(&Behind, &[u8]) -> Reaction + Send + 'static) -> String {
    let (_folder, path) = socket();
    let _server = Server::start(&path, false, misbehaving(answer));
    run(async {
        let client = Client::start(config(&path));
        let first = client.connected().await.expect("connected");
        assert_eq!((first.session, first.restarted), (1, false));
        let mut states = client.state();
        states.borrow_and_update();
        let (answer, lost) = tokio::join!(ping(&client), async {
            loop {
                states.changed().await.expect("the client goes on");
                if let State::Lost { why } = &*states.borrow_and_update() {
                    return why.clone();
                }
                if states.borrow().connection().is_some_and(|c| c.session > 1) {
                    return String::new();
                }
            }
        });
        let error = answer.expect_err("the connection is gone");
        assert!(matches!(error, CallError::Lost { message: "control_ping" }) && error.is_lost(), "{error}");
        let state = until(&client, |s| s.connection().is_some_and(|c| c.session == 2)).await;
        let second = state.connection().expect("connected").clone();
        // It is the same VPP.
        assert_eq!((second.pid, second.restarted), (first.pid, false));
        assert_eq!(ping(&client).await.expect("a pong").vpe_pid, second.pid);
        client.close().await;
        lost
    })
}

#[test]
fn a_connection_that_ends_in_a_frame_is_lost_and_made_again() {
    loses_and_comes_back(|behind, message| {
        let whole = pong(behind, context(message), 1);
        Reaction { bytes: whole[..whole.len() - 3].to_vec(), close: true }
    });
    // In the header of the frame.
    loses_and_comes_back(|_, _| Reaction { bytes: vec![0; 9], close: true });
}

#[test]
fn a_length_of_4_gib_ends_the_connection_and_nothing_is_allocated_for_it() {
    let why =
        loses_and_comes_back(|_, _| Reaction::bytes([[0; 8], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]].concat()));
    assert!(why.is_empty() || why.contains("a frame of 4294967295 bytes"), "{why}");
}

#[test]
fn messages_that_belong_to_nobody_are_survived() {
    let (_folder, path) = socket();
    let _server = Server::start(
        &path,
        false,
        misbehaving(|behind, message| {
            let own = context(message);
            let reply = behind.sim.table().id("control_ping_reply").expect("a message");
            let event = behind.sim.table().id("sw_interface_event").expect("a message");
            let frames = [
                // Shorter than a number, and nothing behind it.
                frame(&[]),
                frame(&[1]),
                frame(&reply.to_be_bytes()),
                frame(&[&reply.to_be_bytes()[..], &own[..3]].concat()),
                // Numbers that the table does not have, and contexts that nobody has.
                frame(&[&[0xff, 0xff][..], &[0x7f; 16]].concat()),
                frame(&[0, 0, 0, 0, 0, 0]),
                // A context that was never given.
                pong(behind, [0x7f, 0xff, 0xff, 0xff], 1),
                pong(behind, [0xff, 0xff, 0xff, 0xff], 2),
                pong(behind, [0, 0, 0, 0], 3),
                // An event that nobody asked for, with the context where its handle is.
                frame(&[&event.to_be_bytes()[..], &own, &[0; 13]].concat()),
                pong(behind, own, 4),
                // The same once more.
                pong(behind, own, 5),
            ];
            Reaction::bytes(frames.concat())
        }),
    );
    run(async {
        let peer = connect(&path).await;
        assert_eq!(ping(&peer.client).await.expect("a pong").vpe_pid, 4);
        for _ in 0..3 {
            assert_eq!(ping(&peer.client).await.expect("a pong").vpe_pid, peer.connection.pid);
        }
        assert!(peer.client.state().borrow().connection().is_some_and(|c| c.session == 1));
        peer.client.close().await;
    });
}

#[test]
fn a_reply_of_another_kind_or_too_short_is_the_error_of_its_call_only() {
    let (_folder, path) = socket();
    let _server = Server::start(
        &path,
        false,
        misbehaving(|behind, message| {
            let whole = pong(behind, context(message), 1);
            // A whole frame with half a message.
            Reaction::bytes(frame(&whole[16..whole.len() - 5]))
        }),
    );
    run(async {
        let peer = connect(&path).await;
        let error = ping(&peer.client).await.expect_err("it is too short");
        assert!(matches!(error, CallError::Decode(_)), "{error}");
        assert!(error.to_string().contains("control_ping_reply"), "{error}");
        assert_eq!(ping(&peer.client).await.expect("a pong").vpe_pid, peer.connection.pid);
        peer.client.close().await;
    });
}

#[test]
fn details_after_the_end_of_a_dump_are_nobodys() {
    let (_folder, path) = socket();
    let mut behind = Behind::new(sim(newest()));
    let mut held: Vec<u8> = Vec::new();
    let mut sent_late = 0;
    let late = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&late);
    let _server = Server::start(&path, false, move |connection, message| {
        let answer = behind.answer(connection, message);
        match behind.name(message).as_str() {
            "bridge_domain_dump" => {
                held.clone_from(&answer);
                Reaction::bytes(answer)
            }
            "control_ping" if !held.is_empty() => {
                sent_late += 1;
                counted.store(sent_late, Ordering::SeqCst);
                // The end of the dump, then its details once more.
                let late = std::mem::take(&mut held);
                Reaction::bytes([answer, late].concat())
            }
            _ => Reaction::bytes(answer),
        }
    });
    run(async {
        let peer = connect(&path).await;
        let l2 = &peer.handlers.l2;
        for n in 1..=4 {
            l2.add_bridge_domain(&BridgeDomain { id: n, tag: format!("bd{n}"), ..BridgeDomain::default() })
                .await
                .expect("a bridge domain");
            let found = l2.dump_bridge_domains().await.expect("a dump");
            let ids: Vec<u32> = found.iter().map(|d| d.bridge_domain.id).collect();
            assert_eq!(ids, (1..=n).collect::<Vec<_>>());
        }
        assert_eq!(late.load(Ordering::SeqCst), 4);
        peer.client.close().await;
    });
}

/// What may stand in the place of an answer: replies and details that nothing ever waited for, a request, a reply that
/// others wait for, and a number that VPP's table does not have.
const OTHERS: [Option<&str>; 6] = [
    Some("sw_interface_set_mtu_reply"),
    Some("ip_address_details"),
    Some("sw_interface_dump"),
    Some("control_ping_reply"),
    Some("sw_interface_details"),
    None,
];

const UNKNOWN: u16 = 0xfffe;

/// A simulated VPP that answers a request with another message, which has the context of the request; what was
/// expected comes behind it, too late.
fn answering_with(
    request: &'static str,
    other: Option<&'static str>,
) -> impl FnMut(u32, &[u8]) -> Reaction + Send {
    let mut behind = Behind::new(sim(newest()));
    let mut done = false;
    move |connection, message| {
        let answer = behind.answer(connection, message);
        if done || behind.name(message) != request {
            return Reaction::bytes(answer);
        }
        done = true;
        let id = other.map_or(UNKNOWN, |name| behind.sim.table().id(name).expect("a message"));
        let wrong = frame(&[&id.to_be_bytes()[..], &context(message), &[0; 64]].concat());
        Reaction::bytes([wrong, answer].concat())
    }
}

/// Asks, twice: the first answer is of the wrong kind, the second one right. Gives how often what came too late was
/// counted.
fn wrong_answer<T: std::fmt::Debug>(
    request: &'static str,
    expected: &'static str,
    other: Option<&'static str>,
    ask: impl AsyncFn(&Peer) -> Result<T, vppcalls::Error>,
) -> u64 {
    let (_folder, path) = socket();
    let _server = Server::start(&path, false, answering_with(request, other));
    run(async {
        let peer = connect(&path).await;
        // Some of them were waited for before.
        peer.handlers.interface.dump_links().await.expect("a dump");
        let started = Instant::now();
        let error = ask(&peer).await.expect_err("it is no answer");
        assert!(started.elapsed() < Duration::from_secs(2), "{request}, {other:?}: not at once");
        let came = other.map_or_else(|| format!("message {UNKNOWN}"), str::to_string);
        match &error {
            vppcalls::Error::Call(CallError::WrongReply { message, expected: wanted, received, version }) => {
                assert_eq!((*message, *wanted, received), (request, expected, &came));
                assert_eq!(version, &peer.connection.version);
            }
            other => panic!("{request}: {other}"),
        }
        assert_eq!(
            error.to_string(),
            format!("{request}: VPP {}-release answered with {came}, {expected} was expected", newest())
        );
        assert!(!error.is_lost() && !error.is_absent() && error.retval().is_none());
        ask(&peer).await.unwrap_or_else(|e| panic!("{request}: {e}"));
        assert!(peer.client.state().borrow().connection().is_some_and(|c| c.session == 1));
        peer.client.close().await;
        peer.client.odd(Odd::Unawaited)
    })
}

#[test]
fn another_message_in_the_place_of_a_reply_is_an_error_at_once() {
    for other in OTHERS {
        let ask = async |peer: &Peer| peer.handlers.interface.table(0, false).await;
        let late = wrong_answer("sw_interface_get_table", "sw_interface_get_table_reply", other, ask);
        assert_eq!(late, 1, "{other:?}");
    }
}

#[test]
fn another_message_in_the_place_of_details_is_an_error_at_once() {
    for other in OTHERS.into_iter().filter(|other| *other != Some("control_ping_reply")) {
        let ask = async |peer: &Peer| peer.handlers.span.dump_spans().await;
        let late = wrong_answer("sw_interface_span_dump", "sw_interface_span_details", other, ask);
        assert_eq!(late, 0, "{other:?}: its end was waited for");
    }
}

#[test]
fn another_message_in_the_place_of_details_that_a_reply_ends_is_an_error_at_once() {
    for other in OTHERS {
        let ask = async |peer: &Peer| {
            let request = SwInterfaceTxPlacementGet { cursor: 0, sw_if_index: u32::MAX };
            let same = request.clone();
            let again = move |_: &SwInterfaceTxPlacementGetReply| same.clone();
            let details = peer.client.stream::<V2606, _>(&request, again)?;
            match details.all().await {
                // Of no interface there is anything to tell.
                Err(refused) if refused.retval() == Some(-6) => Ok(0),
                other => Ok(other?.len()),
            }
        };
        let expected = "sw_interface_tx_placement_details";
        wrong_answer("sw_interface_tx_placement_get", expected, other, ask);
    }
}

#[test]
fn another_message_in_the_place_of_the_answer_to_a_subscription_is_told_to_the_subscriber() {
    let (_folder, path) = socket();
    let request = "want_interface_events";
    let _server = Server::start(&path, false, answering_with(request, Some("sw_interface_dump")));
    run(async {
        let client = Client::start(config(&path));
        let mut events = client.events::<V2606, _>(&WantInterfaceEvents { enable_disable: 1, pid: 1 });
        let told = tokio::time::timeout(PATIENCE, events.next()).await.expect("in time").expect("a word");
        match told.expect_err("it is no answer") {
            CallError::WrongReply { message, expected, received, .. } => {
                assert_eq!((message, expected), (request, "want_interface_events_reply"));
                assert_eq!(received, "sw_interface_dump");
            }
            other => panic!("{other}"),
        }
        client.close().await;
    });
}
