//! Recordings that are damaged, or of other descriptors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::path::Path;
use std::time::Duration;

use common::codec::ItemCodec;
use common::*;
use kvscheduler::*;

fn builder(sb: &Southbound) -> Builder {
    Scheduler::builder().register_private(toy("a", "a/", sb)).clock(TokioClock::new())
}

/// A run with everything that a recording has.
async fn record(path: &Path, codec: impl Codec) -> Scheduler {
    let sb = Southbound::default();
    let mut s =
        builder(&sb).ownership(|key| key == "a/7").external("x/").build_recorded(path, codec).unwrap();
    sb.lock().values.insert("a/7".into(), item("of an earlier run"));
    sb.fail("CREATE a/1", 1);
    let retry = RetryPolicy { max_count: 1, ..RetryPolicy::default() };
    s.commit(Transaction::resync(Resync::Full).set("a/1", item("one")).retry(retry)).await.unwrap();
    s.commit(Transaction::notification().set("x/1", "up".to_owned())).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    s.commit(Transaction::retry_failed()).await.unwrap();
    s.park();
    s.commit(Transaction::change().set("a/2", item("two")).description("while lost").revert()).await.unwrap();
    s.commit(Transaction::resync(Resync::Downstream)).await.unwrap();
    s.commit(Transaction::change().set("a/3", item("three")).plan_only()).await.unwrap();
    s.commit(Transaction::change().set("a/1", item("two"))).await.unwrap();
    s
}

/// Items, and texts.
struct Both;

impl Codec for Both {
    fn encode(&self, key: &str, value: &dyn Value) -> Result<serde_json::Value, String> {
        match value.downcast_ref::<String>() {
            Some(text) => Ok(text.as_str().into()),
            None => ItemCodec.encode(key, value),
        }
    }
    fn decode(&self, key: &str, json: &serde_json::Value) -> Result<AnyValue, String> {
        match json.as_str() {
            Some(text) => Ok(std::sync::Arc::new(text.to_owned())),
            None => ItemCodec.decode(key, json),
        }
    }
}

fn states(s: &Scheduler) -> Vec<(String, State, bool)> {
    s.dump().iter().map(|status| (status.key.to_string(), status.state, status.ours)).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_run_has_can_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let recorded = states(&record(&path, Both).await);
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    let replayed = Replay::read(&path, &Both).unwrap().run(builder(&Southbound::default())).await.unwrap();
    assert_eq!((states(&replayed.scheduler), replayed.divergences), (recorded, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_said_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    record(&path, ItemCodec).await;
    let error = Replay::read(&path, &ItemCodec).err().unwrap().to_string();
    assert!(error.ends_with("the value of x/1 was not written: \"no item\""), "{error}");
    assert!(error.contains("run.jsonl:"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let sb = Southbound::default();
    let mut s = builder(&sb).build_recorded(&path, ItemCodec).unwrap();
    s.commit(Transaction::change().set("a/1", item("one"))).await.unwrap();
    s.commit(Transaction::change().set("a/2", item("two"))).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for length in 0..text.len() {
        std::fs::write(&path, &text[..length]).unwrap();
        // Never a panic; what is there is replayed.
        let Ok(replay) = Replay::read(&path, &ItemCodec) else { continue };
        let replayed = replay.run(builder(&Southbound::default())).await.unwrap();
        assert!(replayed.scheduler.len() <= 2);
    }
    std::fs::write(&path, "hello\n").unwrap();
    assert!(matches!(Replay::read(&path, &ItemCodec), Err(RecordingError::Line { line: 1, .. })));
    std::fs::write(&path, "{\"kvscheduler\":999}\n").unwrap();
    let error = Replay::read(&path, &ItemCodec).err().unwrap().to_string();
    assert!(error.ends_with("run.jsonl:1: no recording of version 1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn descriptors_that_changed_since_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let sb = Southbound::default();
    let mut s = builder(&sb).build_recorded(&path, ItemCodec).unwrap();
    s.commit(Transaction::change().set("a/1", item("one"))).await.unwrap();
    s.commit(Transaction::change().set("a/1", item("two"))).await.unwrap();
    let other = Toy { in_place: false, ..toy("a", "a/", &sb) };
    let replay = Replay::read(&path, &ItemCodec).unwrap();
    let replayed = replay.run(Scheduler::builder().register_private(other)).await.unwrap();
    assert!(replayed.divergences.iter().any(|text| text == "DELETE of a/1 is not in the recording"));
    assert!(replayed.divergences.iter().any(|text| text == "UPDATE of a/1 was not asked for"));
}
