//! Before there is a connection: what a client says of a server that is none, and of tables of messages.

use std::path::PathBuf;

use binapi_messages::interface::v1908::SwInterfaceDump;
use binapi_messages::release::V2606;
use binapi_messages::vpe::v1810::ShowVersion;
use vpp_client::{Client, Odd, State};
use vpp_sim::Sim;

use super::{SOCKCLNT_CREATE, hasty, id, ping, socket, until, why};
use crate::common::server::{Behind, Reaction, Server, frame};
use crate::common::{config, connect, newest, options, release, run, sim};

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
