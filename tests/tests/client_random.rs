//! Two million frames that mean nothing, sent to a client with calls in flight: framing is intact, so the connection
//! stays, every call ends, and the next one is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use binapi_messages::interface::v1810::WantInterfaceEvents;
use binapi_messages::interface::v1908::SwInterfaceDump;
use binapi_messages::release::V2606;
use binapi_messages::vpe::v1810::{ControlPing, ShowVersion};
use common::server::{Behind, Reaction, Server, frame};
use common::{config, newest, run, sim};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use vpp_client::{CallError, Client, Odd};

const CASES: u32 = 250;
const FRAMES: usize = 8192;

/// Fast numbers that depend on the seed alone (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

/// What the frames of a case are like: out of 8, how often a number or a context is one that the client knows.
#[derive(Clone, Copy, Debug)]
struct Case {
    seed: u64,
    known_ids: u64,
    known_contexts: u64,
    longest: u64,
}

fn noise(case: Case, ids: &[u16], contexts: &[[u8; 4]]) -> Vec<u8> {
    let mut numbers = Numbers(case.seed | 1);
    let mut out = Vec::new();
    for _ in 0..FRAMES {
        let mut message: Vec<u8> = (0..numbers.below(case.longest)).map(|_| numbers.next() as u8).collect();
        if numbers.below(8) < case.known_ids && message.len() >= 2 {
            let id = ids[numbers.below(ids.len() as u64) as usize];
            message[..2].copy_from_slice(&id.to_be_bytes());
        }
        if numbers.below(8) < case.known_contexts && message.len() >= 6 {
            let context = contexts[numbers.below(contexts.len() as u64) as usize];
            message[2..6].copy_from_slice(&context);
        }
        out.extend(frame(&message));
    }
    out
}

#[test]
fn two_million_random_frames_end_no_connection_and_no_call_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let case: Arc<Mutex<Option<Case>>> = Arc::default();
    let mut behind = Behind::new(sim(newest()));
    let names = ["control_ping_reply", "show_version_reply", "sw_interface_details", "sw_interface_event"];
    let ids: Vec<u16> = names.iter().map(|name| behind.sim.table().id(name).expect("a message")).collect();
    let mut contexts: Vec<[u8; 4]> = Vec::new();
    let next = Arc::clone(&case);
    let _server = Server::start(&path, false, move |connection, message| {
        let answer = behind.answer(connection, message);
        // Requests are held until the last of a case, so that all are in flight when the noise comes.
        contexts.push(message.get(6..10).and_then(|c| c.try_into().ok()).unwrap_or_default());
        if behind.name(message) != "show_version" {
            return Reaction::bytes(answer);
        }
        match next.lock().expect("a lock").take() {
            Some(case) => Reaction::bytes([noise(case, &ids, &contexts.split_off(0)), answer].concat()),
            None => Reaction::bytes(answer),
        }
    });
    run(async {
        let mut settings = config(&path);
        settings.deadline = Duration::from_secs(20);
        let client = Client::start(settings);
        let session = client.connected().await.expect("connected").session;
        let mut events = client.events::<V2606, _>(&WantInterfaceEvents { enable_disable: 1, pid: 1 });
        let cases = (any::<u64>(), 0..9u64, 0..9u64, 2..96u64).prop_map(
            |(seed, known_ids, known_contexts, longest)| Case { seed, known_ids, known_contexts, longest },
        );
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        for _ in 0..CASES {
            let tree = cases.new_tree(&mut runner).expect("a case");
            let chosen = tree.current();
            *case.lock().expect("a lock") = Some(chosen);
            let mut dump = client.dump::<V2606, _>(&SwInterfaceDump::default()).expect("a question");
            let ended = tokio::time::timeout(Duration::from_secs(60), async {
                let all = async {
                    while let Some(one) = dump.next().await {
                        if one.is_err() {
                            break;
                        }
                    }
                };
                let one = client.call_unchecked::<V2606, _>(&ControlPing {});
                let two = client.call_unchecked::<V2606, _>(&ShowVersion {});
                let (_, one, two) = tokio::join!(all, one, two);
                for error in [one.err(), two.err()].into_iter().flatten() {
                    assert!(
                        matches!(error, CallError::Decode(_) | CallError::WrongReply { .. }),
                        "{chosen:?}: {error}"
                    );
                }
                while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, events.next()).await {}
                client.call::<V2606, _>(&ControlPing {}).await
            });
            let pong = ended.await.unwrap_or_else(|_| panic!("{chosen:?}: something hangs"));
            pong.unwrap_or_else(|e| panic!("{chosen:?}: {e}"));
        }
        let now = client.connected().await.expect("connected").session;
        assert_eq!(now, session, "the connection was made again");
        let odd: u64 = Odd::ALL.iter().map(|kind| client.odd(*kind)).sum();
        assert!(odd + events.missed() > u64::from(CASES) * FRAMES as u64 / 4, "{odd} counted");
        client.close().await;
    });
}
