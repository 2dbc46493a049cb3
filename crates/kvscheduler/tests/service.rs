//! The queue, watching, and looking while transactions run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::time::Duration;

use common::*;
use kvscheduler::*;

fn builder(sb: &Southbound) -> Builder {
    Scheduler::builder()
        .register_private(toy("a", "a/", sb))
        .register_private(Toy { in_place: false, ..toy("r", "r/", sb) })
        .clock(TokioClock::new())
}

fn set(key: &str) -> Transaction {
    Transaction::change().set(key, item("x"))
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_space_is_given_back_and_the_rest_runs_in_order() {
    let sb = Southbound::default();
    sb.lock().latency = Some(Duration::from_millis(1));
    let (handle, run) = builder(&sb).build().unwrap().serve(3);
    let tickets: Vec<_> = (0..3).map(|i| handle.try_queue(set(&format!("a/{i}"))).unwrap()).collect();
    let refused = handle.try_queue(set("a/3").description("the fourth")).unwrap_err();
    assert_eq!(
        refused.to_string().split(';').next().unwrap(),
        "not queued: 3 transactions are waiting already"
    );
    let again = refused.into_transaction();
    let running = tokio::spawn(run);
    // With space for it, it is taken.
    let record = handle.commit(again).await.unwrap();
    assert_eq!((record.seq, record.description.as_str()), (4, "the fourth"));
    for (ticket, seq) in tickets.into_iter().zip(1..) {
        assert_eq!(ticket.wait().await.unwrap().seq, seq);
    }
    assert_eq!(handle.space(), 3);
    let view = handle.view().clone();
    drop(handle);
    let scheduler = running.await.unwrap();
    assert_eq!((scheduler.len(), view.keys().len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_transactions_are_given_back() {
    let sb = Southbound::default();
    let (handle, run) = builder(&sb).build().unwrap().serve(3);
    drop(run);
    assert!(matches!(handle.try_queue(set("a/1")), Err(QueueError::Closed { .. })));
    assert_eq!(handle.commit(set("a/1")).await.unwrap_err(), CommitError::Closed);
    assert_eq!(handle.park().await.unwrap_err(), CommitError::Closed);
}

#[tokio::test(start_paused = true)]
async fn retries_run_by_themselves_when_they_are_due() {
    let sb = Southbound::default();
    let (handle, run) = builder(&sb).build().unwrap().serve(3);
    tokio::spawn(run);
    sb.fail("CREATE a/1", 2);
    let mut watcher = handle.view().watch(|key| key == "a/1");
    handle.commit(set("a/1").retry(RetryPolicy::default())).await.unwrap();
    let start = tokio::time::Instant::now();
    let mut states = Vec::new();
    while states.last() != Some(&State::Configured) {
        states.extend(watcher.next().await.unwrap().iter().map(|change| change.state));
    }
    // One second, then two.
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(states.first(), Some(&State::Retrying));
    let kinds: Vec<Kind> = handle.view().history().iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [Kind::Change, Kind::Retry, Kind::Retry]);
}

#[tokio::test(start_paused = true)]
async fn no_retry_runs_while_the_southbound_is_lost() {
    let sb = Southbound::default();
    let (handle, run) = builder(&sb).build().unwrap().serve(3);
    tokio::spawn(run);
    sb.fail("CREATE a/1", 9);
    handle.commit(set("a/1").retry(RetryPolicy::default())).await.unwrap();
    handle.park().await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(handle.view().history().len(), 1);
    sb.lock().failing.clear();
    handle.commit(Transaction::resync(Resync::Downstream)).await.unwrap();
    assert_eq!(sb.keys(), ["a/1"]);
}

#[tokio::test]
async fn a_watcher_that_sleeps_still_gets_the_last_state() {
    let sb = Southbound::default();
    let mut s = builder(&sb).build().unwrap();
    run_well(&mut s, set("a/0")).await;
    let mut watcher = s.view().watch(|key| key.starts_with("a/"));
    let mut other = s.view().watch(|key| key.starts_with("r/"));
    for i in 0..500 {
        let value = item(&i.to_string()).needs("r/1");
        run_well(&mut s, Transaction::change().set("a/1", value.clone())).await;
        run_well(&mut s, Transaction::change().set("r/1", item(&i.to_string()))).await;
        run_well(&mut s, Transaction::change().delete("r/1")).await;
    }
    run_well(&mut s, set("r/1").delete("a/0")).await;
    let face = |changes: Vec<Change>| -> Vec<(String, State)> {
        changes.iter().map(|change| (change.key.to_string(), change.state)).collect()
    };
    let expected = [("a/0".to_owned(), State::Nonexistent), ("a/1".to_owned(), State::Configured)];
    assert_eq!(face(watcher.next().await.unwrap()), expected);
    assert_eq!(face(other.next().await.unwrap()), [("r/1".to_owned(), State::Configured)]);
    assert_eq!(face(watcher.take()), []);
    drop(s);
    assert_eq!(watcher.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_view_does_not_wait_for_the_transaction() {
    let sb = Southbound::default();
    sb.lock().latency = Some(Duration::from_secs(1));
    let mut s = builder(&sb).width(1).build().unwrap();
    let view = s.view();
    let task = tokio::spawn(async move {
        let txn = (0..10).fold(Transaction::change(), |txn, i| txn.set(format!("a/{i}"), item("")));
        s.commit(txn).await.map(|record| record.executed.len())
    });
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let configured = view.dump().iter().filter(|status| status.state == State::Configured).count();
    assert_eq!(configured, 4);
    assert!(view.needs_resync(), "until it is known what was done");
    assert_eq!(task.await.unwrap(), Ok(10));
    assert!(!view.needs_resync());
}

#[tokio::test(start_paused = true)]
async fn waves_take_the_time_of_a_few() {
    let sb = Southbound::default();
    sb.lock().latency = Some(Duration::from_millis(1));
    let mut s = Scheduler::builder()
        .register_private(Toy { check: false, ..toy("a", "a/", &sb) })
        .clock(TokioClock::new())
        .build()
        .unwrap();
    let txn = (0..1000).fold(Transaction::change(), |txn, i| txn.set(format!("a/{i}"), item("")));
    let record = s.commit(txn).await.unwrap();
    assert_eq!(sb.keys().len(), 1000);
    assert!(record.took < Duration::from_millis(20), "{:?}", record.took);
    assert!(record.times.iter().all(|time| time.took >= Duration::from_millis(1)));
    assert_eq!(record.times.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_dropped_leaves_what_it_did_to_a_resync() {
    let sb = Southbound::default();
    sb.lock().latency = Some(Duration::from_secs(1));
    let mut s = builder(&sb).width(1).build().unwrap();
    let txn = set("a/1").set("a/2", item("x").needs("a/1"));
    let cut = tokio::time::timeout(Duration::from_millis(1500), s.commit(txn)).await;
    assert!(cut.is_err() && s.needs_resync());
    run(&mut s, Transaction::resync(Resync::Downstream)).await;
    assert_eq!(sb.keys(), ["a/1", "a/2"]);
    assert!(s.dump().iter().all(|status| status.state == State::Configured));
    sb.assert_sound();
}

#[tokio::test(start_paused = true)]
async fn the_clock_on_the_wall_may_jump() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::SystemTime;

    #[derive(Clone)]
    struct Jumping(TokioClock, Arc<AtomicU64>);
    impl Clock for Jumping {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.1.load(Ordering::Relaxed))
        }
        fn monotonic(&self) -> Duration {
            self.0.monotonic()
        }
    }
    let sb = Southbound::default();
    let wall = Arc::new(AtomicU64::new(1_000_000));
    let mut s = builder(&sb).clock(Jumping(TokioClock::new(), wall.clone())).build().unwrap();
    sb.fail("CREATE a/1", 1);
    run(&mut s, set("a/1").retry(RetryPolicy::default())).await;
    for jump in [5, 900_000_000, 0] {
        wall.store(jump, Ordering::Relaxed);
        // Neither early nor late.
        let due = s.next_retry().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(due, Duration::from_secs(jump + 1));
        assert_eq!(run(&mut s, Transaction::retry_failed()).await, [""; 0]);
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(run(&mut s, Transaction::retry_failed()).await, ["CREATE [RETRY FIXED] a/1"]);
}

#[tokio::test(start_paused = true)]
async fn history_is_bounded_by_count_and_age() {
    let sb = Southbound::default();
    let mut s =
        builder(&sb).history(3).value_history(2).history_age(Duration::from_secs(60)).build().unwrap();
    for i in 0..5 {
        run_well(&mut s, Transaction::change().set("a/1", item(&i.to_string()))).await;
    }
    let seqs = |s: &Scheduler| -> Vec<u64> { s.history().iter().map(|record| record.seq).collect() };
    assert_eq!(seqs(&s), [3, 4, 5]);
    assert_eq!(s.view().transaction(4).unwrap().executed.len(), 1);
    let values = |s: &Scheduler| -> Vec<String> {
        s.view().value_history("a/1").iter().map(|event| event.value.as_ref().unwrap().to_string()).collect()
    };
    assert_eq!(values(&s), ["3", "4"]);
    run_well(&mut s, Transaction::change().delete("a/1")).await;
    assert_eq!(s.view().value_history("a/1").last().unwrap().state, State::Removed);
    assert!(s.explain("a/1").contains("#6 DELETE -> REMOVED"), "{}", s.explain("a/1"));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(seqs(&s), [0; 0]);
    assert_eq!(s.view().value_history("a/1").len(), 0);
}

#[tokio::test]
async fn the_graph_is_shown_in_three_forms() {
    let sb = Southbound::default();
    let mut s = builder(&sb).build().unwrap();
    let txn = set("a/1")
        .set("a/2", item("two \"quoted\"").needs("a/1").any_of("r/"))
        .set("a/3", item("x").derives("prop/3/up", item("up")))
        .set("a/4", item("x").needs("a/2"));
    run_well(&mut s, txn).await;
    let view = s.view();
    let all = view.graph(&GraphFilter::all());
    assert_eq!(all.nodes.len(), 5);
    let edges: Vec<String> =
        all.edges.iter().map(|edge| format!("{} {:?} {}", edge.from, edge.relation, edge.to)).collect();
    let expected = ["a/2 Needs a/1", "a/2 Misses any of r/", "a/3 Derives prop/3/up", "a/4 Misses a/2"];
    assert_eq!(edges, expected);
    let dot = all.to_dot();
    assert!(dot.starts_with("digraph") && dot.ends_with("}\n"), "{dot}");
    assert!(dot.contains(r#""a/2" -> "any of r/" [color=red, label="any"];"#), "{dot}");
    assert!(
        dot.contains(r#""a/2" [fillcolor=pink, label="a/2\nPENDING", tooltip="two \"quoted\""];"#),
        "{dot}"
    );
    let mermaid = all.to_mermaid();
    assert!(
        mermaid.starts_with("flowchart LR\n") && mermaid.contains("classDef pending fill:pink"),
        "{mermaid}"
    );
    let json = all.to_json();
    assert_eq!(json["nodes"][1]["state"], "PENDING");
    assert_eq!(json["edges"][0]["relation"], "needs");
    let keys = |filter: &GraphFilter| -> Vec<String> {
        view.graph(filter).nodes.iter().map(|node| node.key.to_string()).collect()
    };
    assert_eq!(keys(&GraphFilter::all().prefix("prop/")), ["prop/3/up"]);
    assert_eq!(keys(&GraphFilter::all().state(State::Pending)), ["a/2", "a/4"]);
    assert_eq!(keys(&GraphFilter::all().around("a/1")), ["a/1", "a/2", "a/4"]);
    assert_eq!(keys(&GraphFilter::all().around("a/3").matching(|key| key.starts_with('p'))), ["prop/3/up"]);
}

#[tokio::test]
async fn metadata_can_be_watched_and_found_by_number() {
    let sb = Southbound::default();
    let map = MetadataMap::indexed(|index: &u32| vec![index.to_string()]);
    let mut watcher = map.watch();
    let mut s = Scheduler::builder().register(toy("a", "a/", &sb), map.clone()).build().unwrap();
    run_well(&mut s, set("a/1").set("a/2", item("x"))).await;
    assert_eq!(watcher.next().await.len(), 2);
    let index = map.get("2").unwrap();
    assert_eq!(map.find_by(&index.to_string()), ["2"]);
    run_well(&mut s, Transaction::change().delete("a/2")).await;
    assert_eq!(watcher.next().await, [("2".to_owned(), None)].into());
    assert_eq!(map.find_by(&index.to_string()), [""; 0]);
    assert!(watcher.take().is_empty());
}
