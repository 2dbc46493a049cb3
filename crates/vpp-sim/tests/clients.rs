//! Clients that behave badly.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::{Duration, Instant};

use common::misbehaving::{By, Misbehaving};
use common::socket::SocketClient;
use serde_json::json;
use vpp_sim::Sim;

const KINDS: [&str; 4] = ["18.10", "19.04", "20.05", "26.06"];

/// However a client puts its frames into writes, and with what between them.
#[test]
fn frames_in_pieces_many_at_once_and_empty() {
    for release in KINDS {
        let mut vpp = Misbehaving::new(release, By::Calls);
        let mut client = vpp.client();
        let ping = SocketClient::frame(&client.ping());
        for byte in &ping {
            client.send_raw(&[*byte]);
        }
        assert_eq!(client.receive().expect("a reply").len(), 18, "{release}");
        // As many as there is room for in a packet, and the rest in pieces.
        client.send_raw(&ping.repeat(5000));
        for _ in 0..5000 {
            assert_eq!(client.receive().expect("a reply").len(), 18, "{release}");
        }
        // An empty frame is nothing until more comes, and then it is dropped.
        client.send(&[]);
        client.send_raw(&ping[..1]);
        client.send_raw(&ping[1..]);
        assert_eq!(client.receive().expect("a reply").len(), 18);
        assert_eq!(vpp.state()["dropped"], 1, "{release}");
        client.send(&[]);
        let mut other = vpp.client();
        other.send(&other.ping());
        assert!(other.receive().is_some());
        assert_eq!(vpp.state()["dropped"], 1, "{release}: an empty frame waits for what comes after it");
        client.send_raw(&[SocketClient::frame(&[]), ping.clone()].concat());
        assert_eq!(client.receive().expect("a reply").len(), 18);
        assert_eq!(vpp.state()["dropped"], 3, "{release}");
        // With bytes after the message.
        let longer = [client.ping(), vec![9; 100]].concat();
        client.send(&longer);
        assert_eq!(client.receive().expect("a reply").len(), 18);
        assert!(client.goodbye().1);
    }
}

/// A frame that is larger than any: closed, and not rude.
#[test]
fn a_length_beyond_all_bounds_ends_the_connection() {
    for release in KINDS {
        let mut vpp = Misbehaving::new(release, By::Calls);
        let mut client = vpp.client();
        client.send_raw(&[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        assert!(client.receive().is_none(), "{release}");
        assert_eq!(vpp.state()["rude"], 0);
        assert!(vpp.client().goodbye().1, "others are served");
    }
}

/// What is queued for a client that does not read has a bound, and others do not notice.
#[test]
fn a_client_that_never_reads_is_closed_in_the_end() {
    for release in KINDS {
        let mut options = common::options();
        options.most_waiting = 1 << 20;
        let sim = Sim::new(common::release(release), options).expect("a simulated VPP");
        let vpp = Misbehaving::of(sim, By::Calls);
        let (mut deaf, mut other) = (vpp.client(), vpp.client());
        let pings = SocketClient::frame(&deaf.ping()).repeat(100);
        let deadline = Instant::now() + Duration::from_secs(60);
        while deaf.try_send(&pings) {
            assert!(Instant::now() < deadline, "{release}: not closed");
        }
        other.send(&other.ping());
        assert!(other.receive().is_some(), "{release}");
        assert!(other.goodbye().1);
    }
}

/// Below the bound nothing is lost, however late it is read.
#[test]
fn a_client_that_reads_late_gets_everything() {
    for release in KINDS {
        let vpp = Misbehaving::new(release, By::Calls);
        let mut client = vpp.client();
        let pings = SocketClient::frame(&client.ping()).repeat(60_000);
        client.send_raw(&pings);
        for _ in 0..60_000 {
            assert_eq!(client.receive().expect("a reply").len(), 18, "{release}");
        }
        assert!(client.goodbye().1);
    }
}

/// A client that goes while an answer is held back for it is gone, and rude.
#[test]
fn a_client_that_goes_before_its_answer() {
    for release in KINDS {
        let mut vpp = Misbehaving::new(release, By::Commands);
        let schema = vpp.schema();
        vpp.commands
            .run(&json!({"command": "fault", "kind": "delay", "message": "show_version", "ms": 60_000}));
        let mut client = vpp.client();
        client.ask(&schema, "show_version", &json!({}));
        while vpp.hits() == [0] {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(client);
        let deadline = Instant::now() + Duration::from_secs(10);
        while vpp.state()["rude"] != 1 {
            assert!(Instant::now() < deadline, "{release}: not counted");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(vpp.client().goodbye().1);
    }
}
