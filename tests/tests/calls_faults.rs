//! Calls on a VPP that refuses half-way, changes between two questions, or goes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::server::{Behind, Reaction, Server, frame};
use common::{Peer, connect, newest, run, schema, sim};
use serde_json::{Value, json};
use vpp_client::CallError;
use vppcalls::types::{Gre, GreKind, Tap, Vxlan};
use vppcalls::{Error, NewInterface};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    (folder, path)
}

/// What a test does to a message: the frames that answer it, or nothing to leave that to the simulated VPP.
type Meddle = Box<dyn FnMut(&mut Behind, u32, &[u8]) -> Option<Reaction> + Send>;

/// A VPP of the newest release, and a test in between.
fn between(mut meddle: Meddle) -> (tempfile::TempDir, Server, PathBuf) {
    let (folder, path) = folder();
    let mut behind = Behind::new(sim(newest()));
    let server = Server::start(&path, false, move |connection, message| {
        meddle(&mut behind, connection, message)
            .unwrap_or_else(|| Reaction::bytes(behind.answer(connection, message)))
    });
    (folder, server, path)
}

/// A message with the context of a request.
fn answer(behind: &Behind, request: &[u8], name: &str, mut fields: Value) -> Vec<u8> {
    fields["context"] = json!(u32::from_be_bytes(request[6..10].try_into().expect("a context")));
    let id = behind.sim.table().id(name).expect("a number");
    let body = schema(newest()).encode(name, &fields).expect("it encodes");
    frame(&[id.to_be_bytes().as_slice(), &body].concat())
}

fn refusing(names: &'static [&'static str], retval: i32) -> Meddle {
    Box::new(move |behind, _, message| {
        let name = behind.name(message);
        let reply = format!("{name}_reply");
        let refused = names.contains(&name.as_str());
        refused.then(|| Reaction::bytes(answer(behind, message, &reply, json!({"retval": retval}))))
    })
}

fn kinds() -> Vec<NewInterface> {
    let (a, b) = ("10.1.0.1".parse().expect("an address"), "10.1.0.2".parse().expect("an address"));
    vec![
        NewInterface::Loopback { mac: None, instance: None },
        NewInterface::Tap(Tap::default()),
        NewInterface::Vxlan(Vxlan::between(a, b, 9)),
        NewInterface::Gre(Gre::between(GreKind::Teb, a, b)),
    ]
}

async fn indices(peer: &Peer) -> Vec<u32> {
    let all = peer.handlers.interface.dump_interfaces().await.expect("a dump");
    all.iter().map(|i| i.sw_if_index).collect()
}

#[test]
fn an_interface_that_cannot_be_named_is_removed_again() {
    let (_folder, _server, path) = between(refusing(&["sw_interface_tag_add_del"], -7));
    run(async {
        let peer = connect(&path).await;
        for kind in kinds() {
            let error = peer.handlers.create(&kind, "a-name").await.expect_err("it cannot be named");
            assert_eq!(error.retval(), Some(-7), "{kind:?}: {error}");
            assert_eq!(indices(&peer).await, [0], "{kind:?}");
        }
        // Without a name there is nothing to fail.
        peer.handlers.create(&kinds()[0], "").await.expect("a loopback");
        peer.client.close().await;
    });
}

#[test]
fn an_interface_that_cannot_be_removed_either_is_told_by_its_number() {
    let (_folder, _server, path) = between(refusing(&["sw_interface_tag_add_del", "delete_loopback"], -7));
    run(async {
        let peer = connect(&path).await;
        let new = NewInterface::Loopback { mac: None, instance: None };
        let error = peer.handlers.create(&new, "a-name").await.expect_err("it cannot be named");
        let Error::LeftBehind { sw_if_index, unfinished, kept } = &error else { panic!("{error}") };
        assert_eq!((unfinished.retval(), kept.retval()), (Some(-7), Some(-7)));
        assert_eq!(indices(&peer).await, [0, *sw_if_index]);
        let text = error.to_string();
        for part in
            [&format!("interface {sw_if_index} was made"), "sw_interface_tag_add_del", "delete_loopback"]
        {
            assert!(text.contains(part), "{text}");
        }
        peer.client.close().await;
    });
}

#[test]
fn an_interface_that_goes_between_two_questions_is_left_out() {
    let mut gone = false;
    let meddle: Meddle = Box::new(move |behind, connection, message| {
        // The first question about tables comes after the dump of interfaces.
        if behind.name(message) == "sw_interface_get_table" && !gone {
            gone = true;
            let id = behind.sim.table().id("delete_loopback").expect("a number").to_be_bytes();
            let handle = &message[2..6];
            let request = [&id, handle, &[0, 0, 0, 1], &2_u32.to_be_bytes()].concat();
            behind.answer(connection, &request);
        }
        None
    });
    let (_folder, _server, path) = between(meddle);
    run(async {
        let peer = connect(&path).await;
        let interface = &peer.handlers.interface;
        for expected in 1..=3 {
            assert_eq!(interface.add_loopback(None).await.expect("a loopback"), expected);
            let name = format!("loop-{expected}");
            interface.set_tag(expected, &name).await.expect("a name");
        }
        let all = interface.dump_interfaces().await.expect("it is no error");
        let found: Vec<_> = all.iter().map(|i| (i.sw_if_index, i.tag.as_str())).collect();
        assert_eq!(found, [(0, ""), (1, "loop-1"), (3, "loop-3")]);
        peer.client.close().await;
    });
}

#[test]
fn a_dump_that_a_restart_interrupts_ends_as_lost() {
    let seen = Arc::new(AtomicU32::new(0));
    let counter = seen.clone();
    let meddle: Meddle = Box::new(move |behind, connection, message| {
        // In the middle of an answer that has several parts.
        if connection == 1
            && behind.name(message) == "ip_address_dump"
            && counter.fetch_add(1, Ordering::SeqCst) == 3
        {
            return Some(Reaction::close());
        }
        None
    });
    let (_folder, _server, path) = between(meddle);
    run(async {
        let peer = connect(&path).await;
        for _ in 0..4 {
            peer.handlers.interface.add_loopback(None).await.expect("a loopback");
        }
        let error = peer.handlers.inventory().await.expect_err("VPP is gone");
        assert!(error.is_lost(), "{error}");
        assert!(!error.is_bad_input() && !error.is_absent(), "{error}");
        // These calls are for that connection; for the next one others are chosen.
        peer.client.connected().await.expect("connected");
        let error = peer.handlers.interface.dump_interfaces().await.expect_err("they are of another time");
        assert!(error.is_lost(), "{error}");
        peer.client.close().await;
    });
    assert!(seen.load(Ordering::SeqCst) >= 4);
}

#[test]
fn a_reply_of_the_wrong_kind_is_an_error_that_names_both() {
    let meddle: Meddle = Box::new(|behind, _, message| {
        let wrong = behind.name(message) == "sw_interface_get_table";
        wrong.then(|| Reaction::bytes(answer(behind, message, "control_ping_reply", json!({"retval": 0}))))
    });
    let (_folder, _server, path) = between(meddle);
    run(async {
        let peer = connect(&path).await;
        peer.handlers.core.ping().await.expect("a pong");
        let error = peer.handlers.interface.table(0, false).await.expect_err("it is no answer");
        match &error {
            Error::Call(CallError::WrongReply { message, expected, received, .. }) => {
                assert_eq!((*message, *expected), ("sw_interface_get_table", "sw_interface_get_table_reply"));
                assert_eq!(received, "control_ping_reply");
            }
            other => panic!("{other}"),
        }
        peer.client.close().await;
    });
}

#[test]
fn questions_about_many_interfaces_are_on_their_way_together() {
    // Answers to questions about addresses are kept until all are there: whoever waits for one before the next one
    // waits for ever.
    const LOOPBACKS: usize = 40;
    let mut kept = Vec::new();
    let mut asked = 0;
    let meddle: Meddle = Box::new(move |behind, connection, message| {
        let about = ["ip_address_dump", "sw_interface_get_table"].contains(&behind.name(message).as_str());
        asked += usize::from(about);
        if !about && asked == 0 {
            return None;
        }
        kept.extend(behind.answer(connection, message));
        let all = asked >= (LOOPBACKS + 1) * 4;
        Some(Reaction::bytes(if all { std::mem::take(&mut kept) } else { Vec::new() }))
    });
    let (_folder, _server, path) = between(meddle);
    run(async {
        let peer = connect(&path).await;
        for _ in 0..LOOPBACKS {
            peer.handlers.interface.add_loopback(None).await.expect("a loopback");
        }
        assert_eq!(indices(&peer).await.len(), LOOPBACKS + 1);
        peer.client.close().await;
    });
}
