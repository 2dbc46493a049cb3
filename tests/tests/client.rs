//! The client with simulated VPPs, and with such as behave badly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use binapi_messages::interface::v1908::SwInterfaceDump;
use binapi_messages::release::V2606;
use binapi_messages::vpe::v1810::{ControlPing, ControlPingReply, ShowVersion};
use common::server::{Behind, Reaction, Server, frame};
use common::{PATIENCE, Served, config, connect, connect_with, newest, options, release, run, sim};
use tokio::task::JoinSet;
use vpp_client::{CallError, Client, Config, Odd, State};
use vpp_sim::Sim;
use vppcalls::types::BridgeDomain;

const SOCKCLNT_CREATE: u16 = 15;
const SOCKCLNT_DELETE: u16 = 17;

/// The socket of a test in a folder that goes with it.
fn socket() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    (folder, path)
}

fn id(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

fn context(message: &[u8]) -> [u8; 4] {
    message[6..10].try_into().expect("a context")
}

/// A pong that tells which request it answers.
fn pong(behind: &Behind, context: [u8; 4], pid: u32) -> Vec<u8> {
    let id = behind.sim.table().id("control_ping_reply").expect("a message").to_be_bytes();
    frame(&[&id[..], &context, &[0; 8], &pid.to_be_bytes()].concat())
}

async fn ping(client: &Client) -> Result<ControlPingReply, CallError> {
    client.call::<(), _>(&ControlPing {}).await
}

fn hasty(path: &std::path::Path, deadline: u64) -> Config {
    let mut config = config(path);
    config.deadline = Duration::from_millis(deadline);
    config
}

/// Waits for a state.
async fn until(client: &Client, wanted: impl FnMut(&State) -> bool) -> State {
    client.state().wait_for(wanted).await.expect("the client goes on").clone()
}

fn why(state: &State) -> String {
    match state {
        State::Connecting { why, .. } => why.clone(),
        other => panic!("{other}"),
    }
}

/// How a client stands that never gets a connection, after a few tries.
fn never_connected(react: impl FnMut(u32, &[u8]) -> Reaction + Send + 'static) -> String {
    let (_folder, path) = socket();
    let _server = Server::start(&path, false, react);
    run(async {
        let client = Client::start(hasty(&path, 80));
        let state = until(&client, |s| matches!(s, State::Connecting { attempt: 3.., .. })).await;
        // Calls do not wait for a connection.
        let error = ping(&client).await.expect_err("there is no connection");
        assert!(error.is_lost() && error.to_string().contains("control_ping"), "{error}");
        client.close().await;
        let why = why(&state);
        assert!(why.contains(&path.display().to_string()), "{why}");
        assert!(state.to_string().contains(&why) && state.to_string().contains("attempt"), "{state}");
        why
    })
}

#[test]
fn a_server_without_an_answer_is_named_and_tried_again() {
    let why = never_connected(|_, _| Reaction::nothing());
    assert!(why.contains("handshake failed: no answer within 80ms"), "{why}");
}

#[test]
fn a_server_that_hangs_up_is_named_and_tried_again() {
    let why = never_connected(|_, _| Reaction::close());
    assert!(why.contains("handshake failed: VPP closed the connection"), "{why}");
}

#[test]
fn a_server_that_says_something_else_is_named_and_tried_again() {
    let why = never_connected(|_, _| Reaction::bytes(frame(&[0, 24, 0, 0, 0, 0])));
    assert!(why.contains("message 24 came where sockclnt_create_reply (16) was expected"), "{why}");
    // Too short for anything.
    for message in [&[][..], &[0], &[0, 16], &[0, 16, 0, 0, 0, 0, 0, 0]] {
        let why = never_connected(|_, _| Reaction::bytes(frame(message)));
        assert!(why.contains("handshake failed: sockclnt_create_reply of"), "{message:?}: {why}");
    }
    // A client that is refused.
    let mut refusal = vec![0, 16, 0, 0, 0, 0, 0, 0, 0, 0];
    refusal.extend(u32::to_be_bytes(-7_i32 as u32));
    let why = never_connected(move |_, _| Reaction::bytes(frame(&refusal)));
    assert!(why.contains("response -7"), "{why}");
}

#[test]
fn a_table_that_is_shorter_than_it_says_is_named_and_tried_again() {
    let mut reply = vec![0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    reply.extend([0x80, 0, 0, 1, 0xff, 0xff]);
    reply.extend([0; 66]);
    let short = reply.clone();
    let why = never_connected(move |_, _| Reaction::bytes(frame(&short)));
    assert!(why.contains("65535 messages take 4325310 bytes, 66 came"), "{why}");
    // As long as it says, with nothing in it that the handshake needs.
    reply[18..20].copy_from_slice(&[0, 1]);
    let why = never_connected(move |_, _| Reaction::bytes(frame(&reply)));
    assert!(why.contains("neither control_ping nor show_version"), "{why}");
}

#[test]
fn a_length_of_4_gib_in_the_handshake_is_named_and_nothing_is_allocated_for_it() {
    let why =
        never_connected(|_, _| Reaction::bytes([[0; 8], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]].concat()));
    assert!(why.contains("a frame of 4294967295 bytes"), "{why}");
}

#[test]
fn what_is_at_the_path_is_told() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let told = async |path: PathBuf| {
            let client = Client::start(config(&path));
            let state = until(&client, |s| matches!(s, State::Connecting { attempt: 2.., .. })).await;
            client.close().await;
            assert!(matches!(*client.state().borrow(), State::Closed));
            assert!(client.connected().await.is_err());
            why(&state)
        };
        let missing = told(folder.path().join("none.sock")).await;
        assert!(missing.contains("no such socket"), "{missing}");
        let file = folder.path().join("file");
        std::fs::write(&file, "text").unwrap();
        let file = told(file).await;
        assert!(file.contains("not a socket"), "{file}");
        let left = folder.path().join("left.sock");
        drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
        let left = told(left).await;
        assert!(left.contains("nobody listens"), "{left}");
    });
}

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
                // Numbers that the table does not have.
                frame(&[&[0xff, 0xff][..], &own, &[0; 12]].concat()),
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

/// A VPP whose message table is changed on its way: entries of a number and 64 bytes of name.
fn with_table(change: impl Fn(&mut Vec<[u8; 66]>) + Send + 'static) -> impl FnMut(u32, &[u8]) -> Reaction {
    const BEFORE: usize = 16 + 18;
    let mut behind = Behind::new(sim(newest()));
    move |connection, message| {
        let answer = behind.answer(connection, message);
        if id(message) != SOCKCLNT_CREATE {
            return Reaction::bytes(answer);
        }
        let mut entries: Vec<[u8; 66]> =
            answer[BEFORE + 2..].chunks_exact(66).map(|e| e.try_into().expect("66 bytes")).collect();
        change(&mut entries);
        let count = u16::try_from(entries.len()).expect("a count").to_be_bytes();
        Reaction::bytes(frame(&[&answer[16..BEFORE], &count, entries.as_flattened()].concat()))
    }
}

fn named(entry: &[u8; 66], name: &str) -> bool {
    entry[2..].starts_with(format!("{name}_").as_bytes())
}

#[test]
fn a_table_with_names_that_stand_twice_or_do_not_end_is_used_as_far_as_it_can_be() {
    let (_folder, path) = socket();
    let change = |entries: &mut Vec<[u8; 66]>| {
        let version = *entries.iter().find(|e| named(e, "show_version")).expect("an entry");
        let mut endless = [b'x'; 66];
        endless[..2].copy_from_slice(&[0x7f, 1]);
        let mut nameless = [0; 66];
        nameless[1] = 200;
        let mut foreign = [0xfe; 66];
        foreign[..2].copy_from_slice(&[0x7f, 2]);
        entries.extend([version, version, endless, nameless, foreign]);
    };
    let _server = Server::start(&path, false, with_table(change));
    run(async {
        let peer = connect(&path).await;
        assert_eq!(peer.connection.session, 1);
        assert!(peer.connection.version.starts_with(newest()));
        ping(&peer.client).await.expect("a pong");
        peer.client.close().await;
    });
}

#[test]
fn a_table_without_ping_is_counted_and_calls_go_on_without_dumps() {
    let (_folder, path) = socket();
    let change = |entries: &mut Vec<[u8; 66]>| entries.retain(|e| !named(e, "control_ping"));
    let _server = Server::start(&path, false, with_table(change));
    run(async {
        let client = Client::start(hasty(&path, 2_000));
        let connection = client.connected().await.expect("connected");
        // The pid is the system's word then.
        assert_eq!(connection.pid, std::process::id());
        assert_eq!(client.odd(Odd::NoPing), 1);
        client.call::<V2606, _>(&ShowVersion {}).await.expect("a version");
        let dump = client.dump::<V2606, _>(&SwInterfaceDump::default()).map(drop);
        assert!(dump.expect_err("it has no end").to_string().contains("control_ping"));
        client.close().await;
    });
}

#[test]
fn a_connection_tells_the_plugins_that_the_table_shows() {
    let mut without = options();
    without.without_plugins.push("acl".to_string());
    for (options, there) in [(options(), true), (without, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Sim::new(release("23.06"), options).map(|s| s.serve(folder.path().join("api.sock")));
        let running = running.expect("a simulated VPP").expect("serves");
        run(async {
            let peer = connect(running.path()).await;
            let plugins = &peer.connection.plugins;
            assert_eq!(plugins.contains(&"acl"), there, "{plugins:?}");
            assert!(plugins.contains(&"memif") && !plugins.contains(&"interface"), "{plugins:?}");
            peer.client.close().await;
        });
    }
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
