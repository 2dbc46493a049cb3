//! What must be so for every store.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kvstore::{Compare, Lifetime, Operation, Position, Transaction, Value};

use crate::Scenario;
use crate::follower::{Follower, PATIENCE};
use crate::servers::{Kind, Server};
use doubles::{Stranger, stranger};

type Row = (&'static str, fn(Kind) -> Scenario);

macro_rules! rows {
    ($($name:ident),* $(,)?) => { vec![$((stringify!($name), (|kind| Box::pin($name(kind))) as fn(Kind) -> Scenario)),*] };
}

pub(crate) fn all(kind: Kind) -> Vec<Row> {
    let mut rows: Vec<Row> = rows![
        a_snapshot_comes_then_only_what_changes,
        labels_do_not_see_each_other,
        a_value_that_makes_no_sense_is_told_as_such,
        values_are_read_and_written_one_by_one_and_together,
        what_lives_as_long_as_the_agent_goes_with_it,
        nothing_is_missed_while_much_changes,
    ];
    // Consul takes none that large.
    if kind != Kind::Consul {
        rows.extend(rows![a_huge_value_is_told_by_its_size]);
    }
    rows.extend(rows![keys_that_the_agent_writes_itself_can_be_passed_over]);
    if kind.is_remote() {
        rows.extend(rows![
            a_store_that_is_away_at_start_is_waited_for,
            a_store_that_restarts_is_read_again,
            what_happens_while_the_store_is_cut_off_is_known_after,
            what_lives_as_long_as_the_agent_is_put_again_after_a_cut,
            a_store_that_falls_silent_is_noticed,
            whoever_speaks_something_else_is_told_from_the_store,
        ]);
    }
    rows
}

pub(crate) fn number(n: i64) -> Bytes {
    Bytes::from(n.to_string())
}

pub(crate) fn key(name: &str) -> String {
    format!("/vnf-agent/vpp1/{name}")
}

async fn put(store: &dyn kvstore::Store, name: &str, n: i64) {
    store.put(&key(name), number(n), Lifetime::Permanent).await.unwrap();
}

async fn a_snapshot_comes_then_only_what_changes(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.store();
    put(&*store, "config/a", 1).await;
    put(&*store, "config/b", 1).await;
    let mut follower = Follower::of(server.store(), "vpp1");
    follower.knows(&[("config/a", 1), ("config/b", 1)]).await;
    let place = &follower.state[&key("config/a")].place;
    assert!(place.starts_with(&store.name()) && place.contains(&key("config/a")), "{place}");

    put(&*store, "config/b", 2).await;
    follower.knows(&[("config/a", 1), ("config/b", 2)]).await;
    put(&*store, "config/c", 3).await;
    follower.knows(&[("config/a", 1), ("config/b", 2), ("config/c", 3)]).await;
    assert!(store.delete(&key("config/a")).await.unwrap());
    follower.knows(&[("config/b", 2), ("config/c", 3)]).await;
    assert!(!store.delete(&key("config/a")).await.unwrap(), "it is gone already");
    follower.silence().await;
    put(&*store, "config/a", 4).await;
    follower.knows(&[("config/a", 4), ("config/b", 2), ("config/c", 3)]).await;
    assert_eq!(follower.snapshots, 1);
}

async fn labels_do_not_see_each_other(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.store();
    let (mut one, mut ten) = (Follower::of(server.store(), "vpp1"), Follower::of(server.store(), "vpp10"));
    one.knows(&[]).await;
    ten.knows(&[]).await;
    for (key, n) in
        [("/vnf-agent/vpp1/k", 1), ("/vnf-agent/vpp10/k", 10), ("/vnf-agent/vpp/k", 0), ("/other", 0)]
    {
        store.put(key, number(n), Lifetime::Permanent).await.unwrap();
    }
    one.knows(&[("k", 1)]).await;
    ten.knows(&[("k", 10)]).await;
    one.silence().await;
    ten.silence().await;
    let mut late = Follower::of(server.store(), "vpp1");
    late.knows(&[("k", 1)]).await;
    let ours = store.list("/vnf-agent/vpp1/").await.unwrap();
    assert_eq!(ours.items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["/vnf-agent/vpp1/k"]);
}

async fn a_value_that_makes_no_sense_is_told_as_such(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.store();
    type Bad = (&'static str, &'static [u8], &'static str, Option<(usize, usize)>);
    let bad: [Bad; 4] = [
        ("text", b"no json", "expected", Some((1, 2))),
        ("binary", b"{\n \x00\xff", "UTF-8", Some((2, 3))),
        ("empty", b"", "empty", None),
        ("half", b"{\"a\": 1,\n", "EOF", Some((2, 0))),
    ];
    put(&*store, "good", 1).await;
    for (name, value, ..) in bad {
        store.put(&key(name), Bytes::from_static(value), Lifetime::Permanent).await.unwrap();
    }
    let mut follower = Follower::of(server.store(), "vpp1");
    follower.until(|follower| follower.state.len() == 5).await;
    for (name, _, words, at) in bad {
        let Value::Undecodable { reason, position } = &follower.state[&key(name)].value else {
            panic!("{name}")
        };
        assert!(reason.contains(words), "{name}: {reason}");
        assert_eq!(*position, at.map(|(line, column)| Position { line, column: column.max(1) }), "{name}");
    }
    assert_eq!(follower.numbers()["good"], 1);
    assert_eq!(follower.problem, None, "the rest of the store is well");
    // Mended, and broken again.
    put(&*store, "text", 2).await;
    follower.until(|follower| follower.numbers()["text"] == 2).await;
    store.put(&key("good"), Bytes::from_static(b"{"), Lifetime::Permanent).await.unwrap();
    follower.until(|follower| follower.numbers()["good"] == -2).await;
}

async fn values_are_read_and_written_one_by_one_and_together(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.store();
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
    put(&*store, "a", 1).await;
    let item = store.get(&key("a")).await.unwrap().unwrap();
    assert_eq!((item.key, item.value), (key("a"), number(1)));
    let odd = "über/ä b//%2F*[x]?\"\\$";
    put(&*store, odd, 7).await;
    assert_eq!(store.get(&key(odd)).await.unwrap().unwrap().value, number(7));
    let listing = store.list(&key("")).await.unwrap();
    assert_eq!(listing.items.iter().map(|item| item.key.clone()).collect::<Vec<_>>(), [key("a"), key(odd)]);
    assert!(store.delete(&key(odd)).await.unwrap());

    // Put only if it is not there, or has the value that is expected.
    let compare_and_put = async |expected: Option<i64>, n| {
        store
            .transaction(Transaction::compare_and_put(&key("a"), expected.map(number), number(n)))
            .await
            .unwrap()
    };
    assert!(!compare_and_put(None, 9).await);
    assert!(!compare_and_put(Some(9), 9).await);
    assert!(compare_and_put(Some(1), 2).await);
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, number(2));
    assert!(store.delete(&key("a")).await.unwrap());
    assert!(!compare_and_put(Some(2), 3).await);
    assert!(compare_and_put(None, 3).await);

    // All or nothing, and told at once.
    let mut follower = Follower::of(server.store(), "vpp1");
    follower.knows(&[("a", 3)]).await;
    let operations = vec![
        Operation::Delete(key("a")),
        Operation::Put(key("b"), number(1)),
        Operation::Put(key("c"), number(1)),
        Operation::Delete(key("never")),
    ];
    let compare = vec![Compare::Equals(key("a"), number(3)), Compare::Absent(key("z"))];
    let transaction = Transaction { compare, operations };
    put(&*store, "z", 1).await;
    assert!(!store.transaction(transaction.clone()).await.unwrap());
    assert_eq!(store.list(&key("")).await.unwrap().items.len(), 2);
    assert!(store.delete(&key("z")).await.unwrap());
    assert!(store.transaction(transaction).await.unwrap());
    follower.knows(&[("b", 1), ("c", 1)]).await;
}

async fn is_gone(store: &dyn kvstore::Store, name: &str) -> bool {
    store.get(&key(name)).await.unwrap().is_none()
}

async fn what_lives_as_long_as_the_agent_goes_with_it(kind: Kind) {
    let server = Server::start(kind).await;
    let other = server.direct();
    let store = server.store();
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[]).await;
    store.put(&key("mine"), number(1), Lifetime::Agent).await.unwrap();
    store.put(&key("permanent"), number(1), Lifetime::Agent).await.unwrap();
    store.put(&key("permanent"), number(2), Lifetime::Permanent).await.unwrap();
    store.put(&key("deleted"), number(1), Lifetime::Agent).await.unwrap();
    assert!(store.delete(&key("deleted")).await.unwrap());
    // Longer than it would live by itself.
    let long = if kind.is_remote() { Duration::from_secs(4) } else { Duration::ZERO };
    tokio::time::sleep(long).await;
    follower.knows(&[("mine", 1), ("permanent", 2)]).await;
    store.put(&key("mine"), number(2), Lifetime::Agent).await.unwrap();
    follower.knows(&[("mine", 2), ("permanent", 2)]).await;

    // On a proper end at once.
    store.close().await.unwrap();
    assert!(is_gone(&*other, "mine").await);
    follower.knows(&[("permanent", 2)]).await;

    // After an end that is none, a while later.
    store.put(&key("mine"), number(3), Lifetime::Agent).await.unwrap();
    follower.knows(&[("mine", 3), ("permanent", 2)]).await;
    if !kind.is_remote() {
        return;
    }
    drop(store);
    let since = Instant::now();
    follower.knows(&[("permanent", 2)]).await;
    assert!(since.elapsed() > Duration::from_millis(500), "it went too early");
}

async fn nothing_is_missed_while_much_changes(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.direct();
    let writer = tokio::spawn(async move {
        for n in 0..600_i64 {
            let name = format!("k{}", n * 7919 % 23);
            if n % 5 == 4 {
                store.delete(&key(&name)).await.unwrap();
            } else {
                store.put(&key(&name), number(n), Lifetime::Permanent).await.unwrap();
            }
        }
        store
    });
    let mut followers = Vec::new();
    for i in 0..6 {
        followers.push(Follower::of(server.store(), "vpp1"));
        tokio::time::sleep(Duration::from_millis(40)).await;
        if kind.is_remote() && i % 2 == 1 {
            server.proxy().cut();
            server.proxy().mend();
        }
    }
    let store = writer.await.unwrap();
    let items = store.list(&key("")).await.unwrap().items;
    let expected: Vec<(String, i64)> = items
        .iter()
        .map(|item| {
            let n = std::str::from_utf8(&item.value).unwrap().parse().unwrap();
            (item.key[key("").len()..].to_owned(), n)
        })
        .collect();
    let rows: Vec<(&str, i64)> = expected.iter().map(|(key, n)| (key.as_str(), *n)).collect();
    for follower in &mut followers {
        follower.knows(&rows).await;
    }
}

async fn a_huge_value_is_told_by_its_size(kind: Kind) {
    let arguments: &[&str] = match kind {
        Kind::Etcd => &["--max-request-bytes", "33554432"],
        _ => &[],
    };
    let server = Server::start_with(kind, arguments).await;
    let store = server.store();
    let mut early = Follower::of(server.store(), "vpp1");
    early.knows(&[]).await;
    let huge = Bytes::from(format!("\"{}\"", "x".repeat(10 << 20)));
    put(&*store, "a", 1).await;
    store.put(&key("huge"), huge, Lifetime::Permanent).await.unwrap();
    put(&*store, "z", 1).await;
    let mut late = Follower::of(server.store(), "vpp1");
    for follower in [&mut early, &mut late] {
        follower.knows(&[("a", 1), ("huge", -2), ("z", 1)]).await;
        let Value::Undecodable { reason, .. } = &follower.state[&key("huge")].value else { panic!() };
        assert!(reason.contains("10485762 bytes"), "{reason}");
        assert_eq!(follower.problem, None);
    }
}

async fn a_store_that_is_away_at_start_is_waited_for(kind: Kind) {
    let mut server = Server::stopped(kind, &[]).await;
    let mut follower = Follower::of(server.direct(), "vpp1");
    let problem = follower.problem().await;
    assert!(problem.contains(&format!("127.0.0.1:{}", server.port)), "{problem}");
    assert!(problem.contains("cannot be reached") && problem.contains("check that"), "{problem}");
    // What is tried again and again is told once.
    tokio::time::timeout(Duration::from_secs(2), follower.next()).await.expect_err("told again");
    server.run().await;
    put(&*server.direct(), "a", 1).await;
    follower.knows(&[("a", 1)]).await;
    follower.until(|follower| follower.problem.is_none()).await;
}

async fn a_store_that_restarts_is_read_again(kind: Kind) {
    let mut server = Server::start(kind).await;
    let store = server.direct();
    put(&*store, "a", 1).await;
    put(&*store, "b", 1).await;
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[("a", 1), ("b", 1)]).await;
    server.stop();
    let problem = follower.problem().await;
    assert!(problem.contains("what was configured stays"), "{problem}");
    assert_eq!(follower.state.len(), 2, "nothing is taken for deleted");
    server.run().await;
    // Through the connection from before.
    put(&*store, "a", 2).await;
    follower.knows(&[("a", 2), ("b", 1)]).await;
    follower.until(|follower| follower.problem.is_none()).await;
    put(&*store, "a", 3).await;
    follower.knows(&[("a", 3), ("b", 1)]).await;
}

async fn what_happens_while_the_store_is_cut_off_is_known_after(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.direct();
    for name in ["gone", "kept", "set"] {
        put(&*store, name, 1).await;
    }
    let mut follower = Follower::of(server.store(), "vpp1");
    follower.knows(&[("gone", 1), ("kept", 1), ("set", 1)]).await;
    server.proxy().cut();
    follower.problem().await;
    store.delete(&key("gone")).await.unwrap();
    put(&*store, "set", 2).await;
    put(&*store, "new", 1).await;
    assert_eq!(follower.state.len(), 3);
    server.proxy().mend();
    follower.knows(&[("kept", 1), ("new", 1), ("set", 2)]).await;
    follower.until(|follower| follower.problem.is_none()).await;
    assert_eq!(follower.snapshots, 2);
    put(&*store, "set", 3).await;
    follower.knows(&[("kept", 1), ("new", 1), ("set", 3)]).await;
}

async fn what_lives_as_long_as_the_agent_is_put_again_after_a_cut(kind: Kind) {
    let server = Server::start(kind).await;
    let (store, other) = (server.store(), server.direct());
    store.put(&key("mine"), number(1), Lifetime::Agent).await.unwrap();
    server.proxy().cut();
    let since = Instant::now();
    while !is_gone(&*other, "mine").await {
        assert!(since.elapsed() < PATIENCE, "it stays though the agent is not there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.proxy().mend();
    let since = Instant::now();
    while is_gone(&*other, "mine").await {
        assert!(since.elapsed() < PATIENCE, "it is not put again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_store_that_falls_silent_is_noticed(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.direct();
    put(&*store, "a", 1).await;
    let mut follower = Follower::of(server.store(), "vpp1");
    follower.knows(&[("a", 1)]).await;
    server.proxy().swallow();
    follower.problem().await;
    put(&*store, "a", 2).await;
    server.proxy().mend();
    follower.knows(&[("a", 2)]).await;
    follower.until(|follower| follower.problem.is_none()).await;
}

async fn keys_that_the_agent_writes_itself_can_be_passed_over(kind: Kind) {
    let server = Server::start(kind).await;
    let store = server.store();
    put(&*store, "status/a", 1).await;
    put(&*store, "config/a", 1).await;
    let source = kvstore::StoreSource::new(server.store(), "vpp1").without(["status/"]);
    let mut follower = Follower::from(source);
    follower.knows(&[("config/a", 1)]).await;
    put(&*store, "status/a", 2).await;
    put(&*store, "status/b", 1).await;
    store.delete(&key("status/a")).await.unwrap();
    follower.silence().await;
    put(&*store, "config/a", 2).await;
    follower.knows(&[("config/a", 2)]).await;
}

async fn whoever_speaks_something_else_is_told_from_the_store(kind: Kind) {
    let http: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n";
    let redis: &[u8] = b"-ERR unknown command\r\n";
    for (what, words) in [
        (Stranger::Says { first: false, what: http }, "does not answer as it should"),
        (Stranger::Says { first: false, what: redis }, "does not answer as it should"),
        (
            Stranger::Says { first: true, what: b"220 mail.example ready\r\n\xff\xfe" },
            "does not answer as it should",
        ),
        (Stranger::Floods, "does not answer as it should"),
        (Stranger::HangsUp, "cannot be reached"),
        (Stranger::Silent, "cannot be reached"),
    ] {
        if kind == Kind::Redis && matches!(what, Stranger::Says { what, .. } if what == redis) {
            // That is Redis' own protocol.
            continue;
        }
        let (port, connections) = stranger(what).await;
        let mut follower = Follower::of(kind.at(port), "vpp1");
        let problem = follower.problem().await;
        assert!(problem.contains(words), "{what:?}: {problem}");
        assert!(
            problem.contains(&format!("127.0.0.1:{port}")) && problem.contains("check"),
            "{what:?}: {problem}"
        );
        let before = connections.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let more = connections.load(Ordering::SeqCst) - before;
        assert!(more <= 10, "{what:?}: {more} connections in half a second");
        assert_eq!(follower.snapshots, 0);
    }
}
