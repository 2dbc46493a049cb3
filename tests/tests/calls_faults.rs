//! Calls on a VPP that refuses half-way, changes between two questions, or goes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::calls::ip;
use common::server::{Answers, Meddle, Reaction, between};
use common::{Peer, connect, newest, run};
use serde_json::json;
use vpp_client::CallError;
use vppcalls::types::{AfPacket, Bond, Gre, GreKind, Ipip, Memif, SubInterface, Tap, Vxlan};
use vppcalls::{Error, NewInterface, Settings};

fn refusing(release: &str, names: &'static [&'static str], retval: i32) -> Meddle {
    let answers = Answers::of(release);
    Box::new(move |behind, _, message| {
        let name = behind.name(message);
        let reply = format!("{name}_reply");
        let refused = names.contains(&name.as_str());
        refused.then(|| Reaction::bytes(answers.make(behind, message, &reply, json!({"retval": retval}))))
    })
}

/// One of each kind, on top of a loopback where one is needed.
fn kinds(below: u32) -> Vec<NewInterface> {
    let (a, b) = (ip("10.1.0.1"), ip("10.1.0.2"));
    vec![
        NewInterface::Loopback { mac: None, instance: None },
        NewInterface::Loopback { mac: None, instance: Some(77) },
        NewInterface::Sub(SubInterface::vlan(below, 100)),
        NewInterface::Tap(Tap::default()),
        NewInterface::Memif(Memif { id: 9, ..Memif::default() }),
        NewInterface::AfPacket(AfPacket { host_name: "conf-host".to_string(), ..AfPacket::default() }),
        NewInterface::Vxlan(Vxlan::between(a, b, 9)),
        NewInterface::Gre(Gre::between(GreKind::Teb, a, b)),
        NewInterface::Ipip(Ipip::between(a, b)),
        NewInterface::Bond(Bond::default()),
    ]
}

async fn indices(peer: &Peer) -> Vec<u32> {
    let all = peer.handlers.interface.dump_interfaces().await.expect("a dump");
    all.iter().map(|i| i.sw_if_index).collect()
}

#[test]
fn an_interface_that_cannot_be_finished_is_removed_again() {
    let named = Settings { tag: "a-name".to_string(), ..Settings::default() };
    let settings: [(&'static [&'static str], Settings); 5] = [
        (&["sw_interface_tag_add_del"], named.clone()),
        (&["sw_interface_set_mac_address"], Settings { mac: Some([2, 0xfe, 0, 0, 0, 9]), ..named.clone() }),
        (&["sw_interface_set_mtu"], Settings { mtu: Some(1_400), ..named.clone() }),
        (&["sw_interface_set_table"], Settings { table: Some((false, 0)), ..named.clone() }),
        (&["sw_interface_set_flags"], Settings { admin_up: Some(true), ..named }),
    ];
    for release in ["18.10", "19.04", "20.05", newest()] {
        for (refused, wanted) in &settings {
            let (_folder, _server, path) = between(release, refusing(release, refused, -7));
            run(async {
                let peer = connect(&path).await;
                let below = peer.handlers.interface.add_loopback(None).await.expect("a loopback");
                let before = indices(&peer).await;
                for kind in kinds(below) {
                    let error = peer.handlers.create_as(&kind, wanted).await.expect_err("it is not finished");
                    assert_eq!(error.retval(), Some(-7), "VPP {release}, {kind:?}: {error}");
                    assert!(error.to_string().contains(refused[0]), "{error}");
                    assert_eq!(indices(&peer).await, before, "VPP {release}, {kind:?}");
                }
                // Without a name and the rest there is nothing to fail.
                for kind in kinds(below) {
                    peer.handlers.create(&kind, "").await.unwrap_or_else(|e| panic!("{kind:?}: {e}"));
                }
                peer.client.close().await;
            });
        }
    }
}

#[test]
fn an_interface_that_cannot_be_removed_either_is_told_by_its_number() {
    let (_folder, _server, path) =
        between(newest(), refusing(newest(), &["sw_interface_tag_add_del", "delete_loopback"], -7));
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
    let (_folder, _server, path) = between(newest(), meddle);
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
    let (_folder, _server, path) = between(newest(), meddle);
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
    let answers = Answers::of(newest());
    let meddle: Meddle = Box::new(move |behind, _, message| {
        let wrong = behind.name(message) == "sw_interface_get_table";
        wrong.then(|| {
            Reaction::bytes(answers.make(behind, message, "control_ping_reply", json!({"retval": 0})))
        })
    });
    let (_folder, _server, path) = between(newest(), meddle);
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
    let (_folder, _server, path) = between(newest(), meddle);
    run(async {
        let peer = connect(&path).await;
        for _ in 0..LOOPBACKS {
            peer.handlers.interface.add_loopback(None).await.expect("a loopback");
        }
        assert_eq!(indices(&peer).await.len(), LOOPBACKS + 1);
        peer.client.close().await;
    });
}
