//! What only the embedded store has: its file.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kvstore::embedded::{EmbeddedConfig, EmbeddedStore};
use kvstore::{Lifetime, SourceEvent, Store, StoreSource, subscribe};
use libtest_mimic::Trial;

use crate::follower::{Follower, PATIENCE};
use crate::scenarios::{key, number};
use crate::servers::Kind;
use crate::trial;

/// In the environment of this program: hold the store in that file until told to stop.
pub(crate) const HOLD: &str = "KVSTORE_TEST_HOLD";

pub(crate) fn all() -> Vec<Trial> {
    fn row<F: Future<Output = ()> + Send + 'static>(name: &str, scenario: fn() -> F) -> Trial {
        trial(Kind::Embedded, name, scenario)
    }
    vec![
        row("what_was_put_is_there_after_a_kill", kill),
        row("a_file_that_another_process_holds_is_waited_for", held),
        row("a_file_that_is_none_of_its_kind_is_left_alone", damaged),
        row("who_falls_behind_is_told_everything_again", behind),
        row("a_hundred_thousand_keys_are_read_quickly", many_keys),
    ]
}

fn store(path: &Path) -> EmbeddedStore {
    EmbeddedStore::new(&EmbeddedConfig { path: path.to_owned(), ..EmbeddedConfig::default() })
}

/// Holds the store until it is killed; called in another process.
pub(crate) async fn hold(path: &Path) -> ! {
    let store = store(path);
    store.put(&key("kept"), number(1), Lifetime::Permanent).await.unwrap();
    store.put(&key("mine"), number(1), Lifetime::Agent).await.unwrap();
    fs::write(path.with_extension("ready"), "").unwrap();
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

fn holder(path: &Path) -> std::process::Child {
    let child = Command::new(std::env::current_exe().unwrap()).env(HOLD, path).spawn().unwrap();
    let since = Instant::now();
    while !path.with_extension("ready").exists() {
        assert!(since.elapsed() < PATIENCE, "the other process does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

async fn kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/store.redb");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut other = holder(&path);
    other.kill().unwrap();
    other.wait().unwrap();
    // What lived as long as the agent before does not.
    let mut follower = Follower::of(std::sync::Arc::new(store(&path)), "vpp1");
    follower.knows(&[("kept", 1)]).await;
}

async fn held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut other = holder(&path);
    let mut follower = Follower::of(std::sync::Arc::new(store(&path)), "vpp1");
    let problem = follower.problem().await;
    assert!(problem.contains("store.redb") && problem.contains("in use by another process"), "{problem}");
    other.kill().unwrap();
    other.wait().unwrap();
    follower.knows(&[("kept", 1)]).await;
    follower.until(|follower| follower.problem.is_none()).await;
}

async fn damaged() {
    let folder = tempfile::tempdir().unwrap();
    for (i, garbage) in [&b"config: {}\n"[..], &[0; 8192], &[0xa5; 100_000]].into_iter().enumerate() {
        let path = folder.path().join(format!("{i}-store.redb"));
        fs::write(&path, garbage).unwrap();
        let mut follower = Follower::of(std::sync::Arc::new(store(&path)), "vpp1");
        let problem = follower.problem().await;
        assert!(problem.contains("store.redb") && problem.contains("move it away"), "{problem}");
        assert_eq!(fs::read(&path).unwrap(), garbage, "it is left as it was");
        // Mended while it is followed.
        fs::remove_file(&path).unwrap();
        follower.knows(&[]).await;
    }
    // Half of a good one.
    let path = folder.path().join("store.redb");
    let good = store(&path);
    for i in 0..200 {
        good.put(&key(&format!("k{i}")), number(i), Lifetime::Permanent).await.unwrap();
    }
    drop(good);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let problem = Follower::of(std::sync::Arc::new(store(&path)), "vpp1").problem().await;
    assert!(problem.contains("store.redb"), "{problem}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let problem = Follower::of(std::sync::Arc::new(store(&path)), "vpp1").problem().await;
    assert!(problem.contains("store.redb") && problem.contains("set path"), "{problem}");
}

async fn behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(store(&folder.path().join("store.redb")));
    let mut source = subscribe(Box::new(StoreSource::new(store.clone(), "vpp1")));
    assert!(matches!(source.next().await, Some(SourceEvent::Snapshot { .. })));
    // More than the queue and the backlog hold, while nothing is taken.
    for n in 0..1200 {
        store.put(&key("a"), number(n), Lifetime::Permanent).await.unwrap();
    }
    let mut snapshots = 0;
    loop {
        let value = match source.next().await.unwrap() {
            SourceEvent::Snapshot { entries, .. } => {
                snapshots += 1;
                entries[&key("a")].value.clone()
            }
            SourceEvent::Change { set, .. } => set[&key("a")].value.clone(),
            other => panic!("{other:?}"),
        };
        if value.as_json().and_then(serde_json::Value::as_i64) == Some(1199) {
            break;
        }
    }
    assert_eq!(snapshots, 1);
}

async fn many_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let first = store(&path);
    let put = |i| kvstore::Operation::Put(key(&format!("k/{i}")), format!("{{\"n\": {i}}}").into());
    let operations = (0..100_000).map(put).collect();
    let all = kvstore::Transaction { compare: vec![], operations };
    assert!(first.transaction(all).await.unwrap());
    drop(first);
    let since = Instant::now();
    let mut follower = Follower::of(std::sync::Arc::new(store(&path)), "vpp1");
    follower.next().await;
    eprintln!("100000 keys: {:?} (other tests run beside)", since.elapsed());
    assert_eq!(follower.state.len(), 100_000);
}
