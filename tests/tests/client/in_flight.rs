//! Calls in flight: each gets its own answer, or an error in time, whatever VPP and the others do.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vpp_client::{CallError, Client};

use super::{context, hasty, ping, pong, socket};
use crate::common::server::{Behind, Reaction, Server};
use crate::common::{PATIENCE, config, connect_with, newest, run, sim};

/// A server that takes requests after the handshake, answers none, and hangs up after so many.
fn silent(hang_up_after: usize) -> impl FnMut(u32, &[u8]) -> Reaction {
    let mut behind = Behind::new(sim(newest()));
    let mut pings = 0;
    move |connection, message| {
        if behind.name(message) == "control_ping" {
            pings += 1;
            // The first one is of the handshake.
            if pings > 1 {
                return Reaction { bytes: Vec::new(), close: pings > hang_up_after };
            }
        }
        if connection > 1 {
            return Reaction::close();
        }
        Reaction::bytes(behind.answer(connection, message))
    }
}

/// Many calls at a time while the server dies: what each gets.
fn calls_in_flight(window: usize, calls: usize, hang_up_after: usize) -> Vec<CallError> {
    let (_folder, path) = socket();
    let _server = Server::start(&path, false, silent(hang_up_after));
    run(async {
        let mut config = hasty(&path, 3_000);
        config.window = window;
        let client = Client::start(config);
        client.connected().await.expect("connected");
        let mut set = JoinSet::new();
        for _ in 0..calls {
            let client = client.clone();
            set.spawn(async move { ping(&client).await });
        }
        let mut errors = Vec::new();
        while let Some(ended) = set.join_next().await {
            errors.push(ended.expect("no panic").expect_err("nothing was answered"));
        }
        client.close().await;
        errors
    })
}

#[test]
fn ten_thousand_calls_in_flight_each_get_an_error_when_the_server_dies() {
    let started = Instant::now();
    let errors = calls_in_flight(16_384, 10_000, 10_000);
    assert_eq!(errors.len(), 10_000);
    assert!(errors.iter().all(|e| matches!(e, CallError::Lost { .. })), "{:?}", errors[0]);
    // At once, not when their time is up.
    assert!(started.elapsed() < Duration::from_millis(2_500), "{:?}", started.elapsed());
}

#[test]
fn calls_that_wait_for_their_turn_get_an_error_when_the_server_dies() {
    let errors = calls_in_flight(64, 2_000, 64);
    assert_eq!(errors.len(), 2_000);
    for error in errors {
        assert!(matches!(error, CallError::Lost { .. } | CallError::Timeout { .. }), "{error}");
    }
}

#[test]
fn a_call_without_an_answer_ends_at_its_deadline() {
    let (_folder, path) = socket();
    let _server = Server::start(&path, false, silent(usize::MAX));
    run(async {
        let client = Client::start(hasty(&path, 100));
        client.connected().await.expect("connected");
        let started = Instant::now();
        let error = ping(&client).await.expect_err("no answer");
        assert!(matches!(error, CallError::Timeout { message: "control_ping", .. }), "{error}");
        assert!(started.elapsed() >= Duration::from_millis(100));
        client.close().await;
    });
}

#[test]
fn a_dump_that_waits_for_its_turn_ends_at_its_deadline() {
    let (_folder, path) = socket();
    let _server = Server::start(&path, false, silent(usize::MAX));
    run(async {
        let mut config = hasty(&path, 100);
        config.window = 1;
        let peer = connect_with(config).await;
        // It has the only place, and VPP does not answer.
        ping(&peer.client).await.expect_err("no answer");
        let limit = Duration::from_secs(3);
        let dump = tokio::time::timeout(limit, peer.handlers.l2.dump_bridge_domains()).await;
        let error = dump.expect("a dump has a deadline, also before it is sent").expect_err("no answer");
        assert!(error.to_string().contains("no reply within"), "{error}");
        peer.client.close().await;
    });
}

#[test]
fn calls_that_wait_for_their_turn_do_so_as_long_as_vpp_goes_on_answering() {
    let (_folder, path) = socket();
    let mut behind = Behind::new(sim(newest()));
    let _server = Server::start(&path, false, move |connection, message| {
        if behind.name(message) == "control_ping" {
            std::thread::sleep(Duration::from_millis(20));
        }
        Reaction::bytes(behind.answer(connection, message))
    });
    run(async {
        let mut config = hasty(&path, 200);
        config.window = 1;
        let client = Client::start(config);
        client.connected().await.expect("connected");
        // All together take three times as long as one may.
        let calls: Vec<_> = (0..30)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { ping(&client).await.map(|_| ()) })
            })
            .collect();
        for call in calls {
            call.await.expect("no panic").expect("a pong");
        }
        client.close().await;
    });
}

#[test]
fn a_dropped_call_does_not_disturb_the_next() {
    let (_folder, path) = socket();
    let mut behind = Behind::new(sim(newest()));
    let mut pings: Vec<[u8; 4]> = Vec::new();
    let mut number = 0;
    let (seen, arrived) = mpsc::channel();
    let _server = Server::start(&path, false, move |connection, message| {
        if behind.name(message) != "control_ping" {
            return Reaction::bytes(behind.answer(connection, message));
        }
        number += 1;
        if number == 1 {
            return Reaction::bytes(behind.answer(connection, message));
        }
        pings.push(context(message));
        if pings.len() < 2 {
            seen.send(()).expect("the test listens");
            return Reaction::nothing();
        }
        // Answers to both come together, the late one first.
        let answers = pings.drain(..).enumerate().map(|(n, context)| pong(&behind, context, n as u32 + 1));
        Reaction::bytes(answers.collect::<Vec<_>>().concat())
    });
    let arrived = Arc::new(Mutex::new(arrived));
    run(async {
        let client = Client::start(config(&path));
        client.connected().await.expect("connected");
        for _ in 0..20 {
            let task = tokio::spawn({
                let client = client.clone();
                async move { ping(&client).await }
            });
            let arrived = Arc::clone(&arrived);
            let waiting = tokio::task::spawn_blocking(move || arrived.lock().unwrap().recv_timeout(PATIENCE));
            waiting.await.expect("no panic").expect("it is sent");
            task.abort();
            assert!(task.await.expect_err("dropped").is_cancelled());
            assert_eq!(ping(&client).await.expect("a pong").vpe_pid, 2);
        }
        assert!(client.state().borrow().connection().is_some_and(|c| c.session == 1));
        client.close().await;
    });
}

#[test]
fn calls_of_many_tasks_get_their_own_answers() {
    let (_folder, path) = socket();
    let mut behind = Behind::new(sim(newest()));
    let mut waiting: Vec<[u8; 4]> = Vec::new();
    let mut number = 0;
    const CALLS: usize = 500;
    let _server = Server::start(&path, false, move |connection, message| {
        if behind.name(message) == "control_ping" {
            number += 1;
            if number > 1 {
                waiting.push(context(message));
                if waiting.len() < CALLS {
                    return Reaction::nothing();
                }
                // In the reverse order, each with its own context for an answer.
                let answers = waiting
                    .drain(..)
                    .rev()
                    .map(|context| pong(&behind, context, u32::from_be_bytes(context)));
                return Reaction::bytes(answers.collect::<Vec<_>>().concat());
            }
        }
        Reaction::bytes(behind.answer(connection, message))
    });
    run(async {
        let client = Client::start(config(&path));
        client.connected().await.expect("connected");
        let mut set = JoinSet::new();
        for _ in 0..CALLS {
            let client = client.clone();
            set.spawn(async move { ping(&client).await.expect("a pong").vpe_pid });
        }
        let mut answers: Vec<u32> = set.join_all().await;
        answers.sort_unstable();
        answers.dedup();
        assert_eq!(answers.len(), CALLS);
        client.close().await;
    });
}
