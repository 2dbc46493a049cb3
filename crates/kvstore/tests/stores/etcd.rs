//! What only etcd has: compaction, users, certificates, members.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kvstore::etcd::{EtcdConfig, EtcdStore};
use kvstore::{Lifetime, Operation, SourceEvent, Store, StoreError, Transaction};
use libtest_mimic::Trial;

use crate::follower::Follower;
use crate::scenarios::{key, number};
use crate::servers::{Kind, Server, etcd_config, free_port};
use crate::tls::Certificates;
use crate::{raw, trial};

pub(crate) fn all() -> Vec<Trial> {
    fn row<F: Future<Output = ()> + Send + 'static>(name: &str, scenario: fn() -> F) -> Trial {
        trial(Kind::Etcd, name, scenario)
    }
    vec![
        row("a_compacted_history_is_made_up_for_by_a_list", compaction),
        row("auto_compact_has_etcd_forget", auto_compact),
        row("a_hundred_thousand_keys_of_garbage_are_taken_in_pages", many_keys),
        row("a_user_with_a_password_gets_in_and_others_are_told", users),
        row("certificates_are_checked_both_ways", certificates),
        row("another_member_is_taken_when_one_is_away", members),
        row("a_store_that_was_wiped_is_read_again", wiped),
        row("a_change_is_known_within_milliseconds", latency),
    ]
}

fn store(config: EtcdConfig) -> Arc<dyn Store> {
    Arc::new(EtcdStore::new(config).unwrap())
}

async fn compaction() {
    let server = Server::start(Kind::Etcd).await;
    let store = server.direct();
    for name in ["gone", "kept"] {
        store.put(&key(name), number(1), Lifetime::Permanent).await.unwrap();
    }
    let mut follower = Follower::of(server.store(), "vpp1");
    follower.knows(&[("gone", 1), ("kept", 1)]).await;
    // All that the watch would go on with is compacted while it is cut off.
    server.proxy().cut();
    follower.problem().await;
    store.delete(&key("gone")).await.unwrap();
    for n in 0..20 {
        store.put(&key("new"), number(n), Lifetime::Permanent).await.unwrap();
    }
    let latest = store.list("/vnf-agent/").await.unwrap().revision;
    raw::compact(server.port, i64::try_from(latest).unwrap()).await;
    server.proxy().mend();
    follower.knows(&[("kept", 1), ("new", 19)]).await;
    // And while it watches, more than once.
    for n in 20..60 {
        store.put(&key("new"), number(n), Lifetime::Permanent).await.unwrap();
        let latest = store.list("/vnf-agent/").await.unwrap().revision;
        raw::compact(server.port, i64::try_from(latest).unwrap()).await;
    }
    follower.knows(&[("kept", 1), ("new", 59)]).await;
    // A watch from a revision that is gone is told of in its first answer.
    let mut late = Follower::of(server.store(), "vpp1");
    late.knows(&[("kept", 1), ("new", 59)]).await;
}

async fn auto_compact() {
    let server = Server::start(Kind::Etcd).await;
    let config = EtcdConfig { auto_compact: Duration::from_millis(200), ..etcd_config(server.port) };
    let store = store(config);
    let mut follower = Follower::of(store.clone(), "vpp1");
    follower.knows(&[]).await;
    let since = std::time::Instant::now();
    for n in 0.. {
        store.put(&key("a"), number(n), Lifetime::Permanent).await.unwrap();
        follower.knows(&[("a", n)]).await;
        if raw::is_compacted(server.port, 3).await {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "nothing is compacted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn many_keys() {
    const KEYS: usize = 100_000;
    let server = Server::start_with(Kind::Etcd, &["--max-txn-ops", "5000"]).await;
    let store = server.direct();
    let keys: Vec<usize> = (0..KEYS).collect();
    for chunk in keys.chunks(5000) {
        let put = |i: &usize| {
            let value = if i.is_multiple_of(2) { format!("{{\"n\": {i}") } else { format!("{{\"n\": {i}}}") };
            Operation::Put(key(&format!("garbage/{i:06}")), Bytes::from(value))
        };
        let operations = chunk.iter().map(put).collect();
        assert!(store.transaction(Transaction { compare: vec![], operations }).await.unwrap());
    }
    let (since, cpu) = (std::time::Instant::now(), cpu_time());
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.next().await;
    let (wall, cpu) = (since.elapsed(), cpu_time() - cpu);
    eprintln!("{KEYS} keys: {wall:?}, processor {cpu:?} (other tests run beside)");
    assert_eq!(follower.state.len(), KEYS);
    // All go at once: one change, however large.
    raw::delete_prefix(server.port, "/vnf-agent/vpp1/").await;
    follower.knows(&[]).await;
}

/// Processor time of this process.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // In hundredths of a second.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

async fn users() {
    let server = Server::start_with(Kind::Etcd, &["--auth-token-ttl", "1"]).await;
    raw::enable_auth(server.port, "agent", "secret").await;
    let with = |username: &str, password: &str| {
        store(EtcdConfig {
            username: username.to_owned(),
            password: password.into(),
            ..etcd_config(server.port)
        })
    };
    let good = with("agent", "secret");
    good.put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    let mut follower = Follower::of(good.clone(), "vpp1");
    follower.knows(&[("a", 1)]).await;
    for (bad, words) in
        [(with("agent", "wrong"), "authentication failed"), (with("", ""), "user name is empty")]
    {
        let error = bad.get(&key("a")).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }), "{error}");
        let mut follower = Follower::of(bad, "vpp1");
        let problem = follower.problem().await;
        assert!(problem.contains(words) && problem.contains("check username"), "{problem}");
        assert!(!problem.contains("wrong"), "the password is not shown: {problem}");
    }
    // What the role does not allow.
    let error = good.put("/elsewhere", number(1), Lifetime::Permanent).await.unwrap_err().to_string();
    assert!(error.contains("permission denied") && error.contains("denies access"), "{error}");
    // Longer than a token lives: a new one is fetched, for writing, watching and keeping alive.
    good.put(&key("mine"), number(1), Lifetime::Agent).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3500)).await;
    good.put(&key("a"), number(2), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 2), ("mine", 1)]).await;
}

async fn certificates() {
    let folder = tempfile::tempdir().unwrap();
    let Certificates { ca, server_cert, server_key, client_cert, client_key, other_ca } =
        Certificates::write(folder.path());
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let arguments = [
        "--cert-file".to_owned(),
        text(&server_cert),
        "--key-file".to_owned(),
        text(&server_key),
        "--client-cert-auth".to_owned(),
        "--trusted-ca-file".to_owned(),
        text(&ca),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = Server::start_with(Kind::Etcd, &arguments).await;
    let good = EtcdConfig {
        insecure_transport: false,
        ca_file: Some(ca),
        cert_file: Some(client_cert),
        key_file: Some(client_key),
        ..etcd_config(server.proxy().port)
    };
    let trusted = store(good.clone());
    let since = std::time::Instant::now();
    while let Err(error) = trusted.put(&key("a"), number(1), Lifetime::Permanent).await {
        assert!(since.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut follower = Follower::of(trusted.clone(), "vpp1");
    follower.knows(&[("a", 1)]).await;
    trusted.put(&key("a"), number(2), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 2)]).await;
    let unchecked = EtcdConfig { ca_file: None, insecure_skip_tls_verify: true, ..good.clone() };
    assert!(store(unchecked).get(&key("a")).await.unwrap().is_some());

    let missing = folder.path().join("none.pem");
    for (config, words) in [
        (
            EtcdConfig { ca_file: Some(other_ca), ..good.clone() },
            &["certificate is not trusted", "ca-file"][..],
        ),
        (EtcdConfig { ca_file: None, ..good.clone() }, &["certificate is not trusted", "ca-file"]),
        (EtcdConfig { ca_file: Some(missing), ..good.clone() }, &["ca-file", "none.pem"]),
        (EtcdConfig { key_file: None, ..good.clone() }, &["key-file", "not set"]),
        (EtcdConfig { cert_file: None, key_file: None, ..good.clone() }, &["127.0.0.1"]),
        (EtcdConfig { insecure_transport: true, ..good.clone() }, &["127.0.0.1"]),
    ] {
        let problem = Follower::of(store(config), "vpp1").problem().await;
        for word in words {
            assert!(problem.contains(word), "`{word}` is not in: {problem}");
        }
    }
    // TLS to an etcd that does none.
    let plain = Server::start(Kind::Etcd).await;
    let config = EtcdConfig { insecure_transport: false, ..etcd_config(plain.port) };
    let problem = Follower::of(store(config), "vpp1").problem().await;
    assert!(problem.contains("TLS") && problem.contains("insecure-transport: true"), "{problem}");
}

async fn members() {
    let mut server = Server::start(Kind::Etcd).await;
    let nobody = format!("127.0.0.1:{}", free_port());
    let endpoints = vec![
        nobody.clone(),
        format!("http://127.0.0.1:{}", server.proxy().port),
        format!("127.0.0.1:{}", server.port),
    ];
    let several = store(EtcdConfig { endpoints, ..etcd_config(0) });
    let mut follower = Follower::of(several.clone(), "vpp1");
    follower.knows(&[]).await;
    several.put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 1)]).await;
    server.proxy().cut();
    several.put(&key("a"), number(2), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 2)]).await;
    server.stop();
    let problem = follower.problem().await;
    assert!(problem.contains("127.0.0.1"), "{problem}");
    let error = several.get(&key("a")).await.unwrap_err().to_string();
    assert!(error.contains(&nobody), "each member that was tried is named: {error}");
}

async fn wiped() {
    let mut server = Server::start(Kind::Etcd).await;
    let store = server.direct();
    for n in 0..20 {
        store.put(&key("a"), number(n), Lifetime::Permanent).await.unwrap();
    }
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[("a", 19)]).await;
    server.stop();
    follower.problem().await;
    std::fs::remove_dir_all(server.folder.path().join("data")).unwrap();
    server.run().await;
    follower.knows(&[]).await;
    // Its revisions are lower than what was known before.
    store.put(&key("b"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("b", 1)]).await;
}

async fn latency() {
    let server = Server::start(Kind::Etcd).await;
    let store = server.direct();
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[]).await;
    let mut times = Vec::new();
    for n in 0..200 {
        let since = std::time::Instant::now();
        let writer = store.clone();
        let write = tokio::spawn(async move { writer.put(&key("a"), number(n), Lifetime::Permanent).await });
        assert!(matches!(follower.next().await, SourceEvent::Change { .. }));
        times.push(since.elapsed());
        write.await.unwrap().unwrap();
    }
    times.sort();
    eprintln!("put until known: median {:?}, 99 % {:?}", times[100], times[198]);
    assert!(times[100] < Duration::from_millis(20), "median {:?}", times[100]);
}
