//! Every call whose request VPP can refuse, refused, on every release.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use common::catalog::{CALLS, methods};
use common::server::{Answers, Meddle, Reaction, between};
use common::{Peer, connect, each_release, run};
use serde_json::json;
use vpp_client::retval;
use vppcalls::Error;

/// Calls that VPP cannot refuse, or whose refusal is no error: what is done in their place is said there.
const OTHERS: [(&str, &str); 4] = [
    ("ping", "its reply is what ends dumps"),
    ("plugins", "known from the table; else the command line's answer"),
    ("cli", "what VPP prints about a refused command is the answer"),
    ("events", "a stream of its own"),
];

/// Numbers that VPP has names for, the greatest and the least of them, and such as it has none for.
const RETVALS: [i32; 12] = [-1, -2, -3, -6, -9, -56, -73, -119, -165, -171, -999, i32::MIN];

/// Answers all that can be refused with a number, as long as there is one; keeps the names of what it refused.
fn refusing(release: &str, number: Arc<AtomicI32>, refused: Arc<Mutex<BTreeSet<String>>>) -> Meddle {
    let answers = Answers::of(release);
    Box::new(move |behind, _, message| {
        let (name, number) = (behind.name(message), number.load(Ordering::SeqCst));
        if number == 0 || name == "control_ping" || !answers.can_refuse(&name) {
            return None;
        }
        let reply = answers.make(behind, message, &format!("{name}_reply"), json!({"retval": number}));
        refused.lock().expect("a lock").insert(name);
        Some(Reaction::bytes(reply))
    })
}

/// What a refused call gives: the refusal, with all that there is to tell of it.
fn check(call: &str, outcome: Result<(), Error>, number: i32, refused: &BTreeSet<String>, peer: &Peer) {
    let error = match outcome {
        Ok(()) => panic!("{call}: VPP refused with {number}, and it is no error"),
        Err(Error::Unsupported { what, release }) => {
            assert!(peer.selection.unsupported.contains(&what), "{call}: {what}");
            assert_eq!(release, peer.selection.release);
            assert!(refused.is_empty(), "{call}: {refused:?} went out before it was known");
            return;
        }
        Err(error) => error,
    };
    assert_eq!(error.retval(), Some(number), "{call}: {error}");
    let others = [error.is_lost(), error.is_timeout(), error.is_absent(), error.is_bad_input()];
    assert_eq!(others, [false; 4], "{call}: {error}");
    let text = error.to_string();
    let name = retval::name(number).unwrap_or("(unknown)");
    let end = format!(": VPP {} refused with {number} {name}", peer.connection.version);
    let request = text.strip_suffix(&end).unwrap_or_else(|| panic!("{call}: {text:?} does not end {end:?}"));
    assert!(refused.contains(request), "{call}: {text}");
}

#[test]
fn every_refusal_is_the_error_of_its_call_on_every_release() {
    each_release(|release| {
        let number = Arc::new(AtomicI32::new(0));
        let refused: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let (_folder, _server, path) = between(release, refusing(release, number.clone(), refused.clone()));
        run(async {
            let peer = connect(&path).await;
            for (n, call) in CALLS.iter().enumerate() {
                for retval in RETVALS.into_iter().cycle().skip(n).take(3) {
                    refused.lock().expect("a lock").clear();
                    number.store(retval, Ordering::SeqCst);
                    let outcome = (call.ask)(&peer.handlers).await;
                    check(call.name, outcome, retval, &refused.lock().expect("a lock"), &peer);
                }
            }
            peer.client.close().await;
        });
    });
}

#[test]
fn no_call_is_left_out() {
    let tried: BTreeSet<String> = CALLS.iter().map(|c| c.name.to_string()).collect();
    let others: BTreeSet<String> = OTHERS.iter().map(|(name, _)| (*name).to_string()).collect();
    // VPP does not tell a refused dump from an empty one.
    let dumps = |name: &String| name.starts_with("dump_");
    let missing: Vec<_> = methods().into_iter().filter(|name| !dumps(name)).collect();
    assert!(missing.len() > 60, "{missing:?}");
    let missing: Vec<_> =
        missing.iter().filter(|name| !tried.contains(*name) && !others.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
