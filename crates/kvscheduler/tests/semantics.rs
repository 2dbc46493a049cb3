//! What a transaction does to the southbound, case by case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use common::*;
use kvscheduler::*;

fn scheduler(southbound: &Southbound) -> Scheduler {
    build(southbound).build().unwrap()
}

/// `a/` changes in place, `r/` is re-created, `u/` cannot be read back, `d/` is derived.
fn build(southbound: &Southbound) -> Builder {
    Scheduler::builder()
        .register_private(toy("a", "a/", southbound))
        .register_private(Toy { in_place: false, ..toy("r", "r/", southbound) })
        .register_private(Toy { readable: false, ..toy("u", "u/", southbound) })
        .register_private(Toy { readable: false, ..toy("d", "d/", southbound) })
}

fn full() -> Transaction {
    Transaction::resync(Resync::Full)
}

fn change() -> Transaction {
    Transaction::change()
}

#[tokio::test]
async fn foreign_values_stay_and_satisfy_dependencies() {
    let sb = Southbound::default();
    sb.lock().values.insert("a/local0".into(), item("foreign").derives("prop/local0", item("")));
    let mut s = scheduler(&sb);
    let ops = run_well(&mut s, full().set("a/1", item("one").needs("a/local0").needs("prop/local0"))).await;
    assert_eq!(ops, ["CREATE a/1"]);
    assert_eq!(s.status("a/local0").unwrap().state, State::Obtained);
    assert_eq!(s.status("prop/local0").unwrap().state, State::Obtained);
    assert_eq!(run_well(&mut s, full()).await, ["DELETE a/1"]);
    assert_eq!(run_well(&mut s, change().delete("a/local0")).await, [""; 0]);
    assert_eq!(sb.keys(), ["a/local0"]);
    sb.assert_sound();
}

#[tokio::test]
async fn ours_of_an_earlier_run_goes_when_not_wanted() {
    let sb = Southbound::default();
    run_well(&mut scheduler(&sb), change().set("a/1", item("x")).set("a/2", item("x").needs("a/1"))).await;
    sb.lock().values.insert("a/foreign".into(), item("f"));
    let mut s = build(&sb).ownership(|key| key != "a/foreign").build().unwrap();
    let ops = run_well(&mut s, full().set("a/3", item("x"))).await;
    assert_eq!(ops, ["DELETE [DISCOVERED] a/2", "DELETE [DISCOVERED] a/1", "CREATE a/3"]);
    assert_eq!(sb.keys(), ["a/3", "a/foreign"]);
    sb.assert_sound();
}

#[tokio::test]
async fn update_in_place_and_recreate() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let first = change()
        .set("a/1", item("1"))
        .set("r/1", item("1"))
        .set("a/on-a", item("x").needs("a/1"))
        .set("a/on-r", item("x").needs("r/1"));
    run_well(&mut s, first).await;
    assert_eq!(run_well(&mut s, change().set("a/1", item("2"))).await, ["UPDATE a/1"]);
    assert_eq!(run_well(&mut s, change().set("a/1", item("2"))).await, [""; 0]);
    let ops = run_well(&mut s, change().set("r/1", item("2"))).await;
    let expected = [
        "DELETE [IS-PENDING] a/on-r",
        "DELETE [RECREATE] r/1",
        "CREATE [RECREATE] r/1",
        "CREATE [WAS-PENDING] a/on-r",
    ];
    assert_eq!(ops, expected);
    sb.assert_sound();
}

#[tokio::test]
async fn an_update_waits_for_its_new_dependency() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    run_well(&mut s, change().set("a/old", item("")).set("a/1", item("1").needs("a/old"))).await;
    // The new dependency comes in the same transaction: no interruption.
    let ops = run_well(&mut s, change().set("a/1", item("2").needs("a/new")).set("a/new", item(""))).await;
    assert_eq!(ops, ["CREATE a/new", "UPDATE a/1"]);
    // The new dependency is not there: the old value cannot stay.
    let ops = run_well(&mut s, change().set("a/1", item("3").needs("a/none"))).await;
    assert_eq!(ops, ["DELETE [IS-PENDING] a/1"]);
    let ops = run_well(&mut s, change().set("a/none", item(""))).await;
    assert_eq!(ops, ["CREATE a/none", "CREATE [WAS-PENDING] a/1"]);
    sb.assert_sound();
}

#[tokio::test]
async fn a_failure_stops_only_what_depends_on_it() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    sb.fail("CREATE a/1", 1);
    let all = |txn: Transaction| {
        txn.set("a/1", item("1").derives("d/1", item("d")))
            .set("a/2", item("2").needs("a/1"))
            .set("a/3", item("3").needs("a/2"))
            .set("a/4", item("4"))
    };
    let ops = run(&mut s, all(change())).await;
    let expected = [
        "CREATE [FAILED] a/1",
        "CREATE [NOOP IS-PENDING] a/2",
        "CREATE [NOOP IS-PENDING] a/3",
        "CREATE [DERIVED NOOP] d/1",
        "CREATE a/4",
    ];
    assert_eq!(ops, expected);
    assert_eq!(sb.keys(), ["a/4"]);
    assert!(s.explain("a/1").contains("retval -1 (UNSPECIFIED)"));
    assert!(s.explain("a/2").contains("waits for need: a/1 (FAILED"), "{}", s.explain("a/2"));
    let ops = run_well(&mut s, all(full())).await;
    let expected = [
        "CREATE [FIXED] a/1",
        "CREATE [WAS-PENDING] a/2",
        "CREATE [WAS-PENDING] a/3",
        "CREATE [DERIVED] d/1",
    ];
    assert_eq!(ops, expected);
    assert_eq!(run_well(&mut s, all(full())).await, [""; 0]);
    sb.assert_sound();
}

#[tokio::test]
async fn a_failed_delete_keeps_what_it_stands_on() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    run_well(&mut s, change().set("a/1", item("")).set("a/2", item("").needs("a/1"))).await;
    sb.fail("DELETE a/2", 1);
    let ops = run(&mut s, change().delete("a/1").delete("a/2")).await;
    assert_eq!(ops, ["DELETE [FAILED] a/2", "DELETE [NOOP] a/1"]);
    assert_eq!(sb.keys(), ["a/1", "a/2"]);
    run(&mut s, full()).await;
    assert!(sb.keys().is_empty() && s.is_empty());
    sb.assert_sound();
}

#[tokio::test]
async fn a_bad_update_keeps_the_good_value() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    run_well(&mut s, change().set("a/1", item("good")).set("a/2", item("").needs("a/1"))).await;
    let record = s.commit(change().set("a/1", item("bad"))).await.unwrap();
    assert_eq!(titles(&record.executed), ["UPDATE [NOOP INVALID] a/1"]);
    assert_eq!(record.errors().count(), 1);
    assert_eq!(s.status("a/1").unwrap().error.as_deref(), Some("is bad (text)"));
    assert_eq!(sb.values()["a/1"].text, "good");
    // Nor do a resync or a restart of the southbound.
    let wanted = || full().set("a/1", item("bad")).set("a/2", item("").needs("a/1"));
    assert_eq!(run_well(&mut s, wanted()).await, [""; 0]);
    sb.wipe();
    run_well(&mut s, wanted()).await;
    assert_eq!(sb.values()["a/1"].text, "good");
    assert_eq!(s.status("a/1").unwrap().state, State::Invalid);
    // Nor does a new run, which only finds it.
    let mut again = build(&sb).ownership(|_| true).build().unwrap();
    assert_eq!(run_well(&mut again, wanted()).await, ["UPDATE [NOOP DISCOVERED INVALID] a/1"]);
    assert_eq!(sb.values()["a/1"].text, "good");
    assert_eq!(run_well(&mut again, change().set("a/1", item("better"))).await, ["UPDATE a/1"]);
    sb.assert_sound();
}

#[tokio::test]
async fn any_of_moves_on_and_flips() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let ops = run_well(&mut s, change().set("a/x", item("").any_of("r/"))).await;
    assert_eq!(ops, ["CREATE [NOOP IS-PENDING] a/x"]);
    run_well(&mut s, change().set("r/1", item(""))).await;
    run_well(&mut s, change().set("r/2", item(""))).await;
    assert_eq!(run_well(&mut s, change().delete("r/1")).await, ["DELETE r/1"]);
    assert_eq!(run_well(&mut s, change().delete("r/2")).await, ["DELETE [IS-PENDING] a/x", "DELETE r/2"]);
    let ops = run_well(&mut s, change().set("r/3", item(""))).await;
    assert_eq!(ops, ["CREATE r/3", "CREATE [WAS-PENDING] a/x"]);
    let ops = run_well(&mut s, change().delete("r/3").set("r/4", item(""))).await;
    assert_eq!(ops, ["DELETE [IS-PENDING] a/x", "DELETE r/3", "CREATE r/4", "CREATE [WAS-PENDING] a/x"]);
    sb.assert_sound();
}

#[tokio::test]
async fn properties_and_unimplemented_values() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let up = item("").derives("prop/1/up", item("up"));
    let ops = run_well(&mut s, change().set("a/1", up).set("a/2", item("").needs("prop/1/up"))).await;
    assert_eq!(ops, ["CREATE a/1", "CREATE [PROPERTY] prop/1/up", "CREATE a/2"]);
    let ops = run_well(&mut s, change().set("a/1", item("down"))).await;
    assert_eq!(ops, ["DELETE [IS-PENDING] a/2", "DELETE [PROPERTY] prop/1/up", "UPDATE a/1"]);
    let ops = run_well(&mut s, change().set("nobody/1", item("x"))).await;
    assert_eq!(ops, ["CREATE [NOOP UNIMPLEMENTED] nobody/1"]);
    assert_eq!(
        run_well(&mut s, change().delete("nobody/1")).await,
        ["DELETE [NOOP WAS-UNIMPLEMENTED] nobody/1"]
    );
    sb.assert_sound();
}

#[tokio::test]
async fn a_lost_connection_parks_the_rest() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    run_well(&mut s, change().set("a/0", item(""))).await;
    sb.lock().lose_after = Some(1);
    let chain = change()
        .set("a/1", item(""))
        .set("a/2", item("").needs("a/1"))
        .set("a/3", item("").needs("a/2"))
        .delete("a/0");
    let record = s.commit(chain).await.unwrap();
    assert!(record.lost && s.needs_resync());
    let configured = s.dump().iter().filter(|status| status.state == State::Configured).count();
    assert_eq!(configured, 0, "{:?}", s.dump());
    // Nothing is run until the southbound has been read back, but what is wanted is remembered.
    let calls = sb.calls().len();
    let ops = run(&mut s, change().set("a/4", item(""))).await;
    assert_eq!(ops, ["CREATE [NOOP IS-PENDING] a/4"]);
    sb.lock().lose_after = Some(0);
    let error = s.commit(Transaction::resync(Resync::Downstream)).await.unwrap_err();
    assert!(matches!(error, CommitError::Lost { .. }));
    assert_eq!(sb.calls().len() + calls, calls);
    sb.lock().lose_after = None;
    run_well(&mut s, Transaction::resync(Resync::Downstream)).await;
    assert_eq!(sb.keys(), ["a/1", "a/2", "a/3", "a/4"]);
    assert!(!s.needs_resync());
    sb.assert_sound();
}

#[tokio::test]
async fn what_cannot_be_read_back_is_believed_as_long_as_it_can_be_true() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let all =
        |txn: Transaction| txn.set("a/1", item("")).set("u/1", item("").needs("a/1")).set("u/2", item(""));
    run_well(&mut s, all(change())).await;
    assert_eq!(run_well(&mut s, all(full())).await, [""; 0]);
    sb.lock().unreadable.insert("a".into());
    let record = s.commit(all(full())).await.unwrap();
    assert!(record.planned.is_empty());
    assert_eq!(record.unread.iter().filter(|unread| unread.error.is_some()).count(), 1);
    sb.lock().unreadable.clear();
    sb.wipe();
    let ops = run_well(&mut s, all(full())).await;
    assert_eq!(ops, ["CREATE [WAS-MISSING] a/1", "CREATE [WAS-MISSING] u/1"]);
}

struct Hand(Mutex<SystemTime>);
impl Clock for &'static Hand {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn retries_are_due_later_and_end() {
    static HAND: Hand = Hand(Mutex::new(SystemTime::UNIX_EPOCH));
    let sb = Southbound::default();
    let mut s = build(&sb).clock(&HAND).build().unwrap();
    let policy = RetryPolicy { max_count: 2, ..RetryPolicy::default() };
    sb.fail("CREATE a/1", 2);
    sb.fail("CREATE a/3", 9);
    let txn =
        change().set("a/1", item("")).set("a/2", item("").needs("a/1")).set("a/3", item("")).retry(policy);
    run(&mut s, txn).await;
    assert_eq!(s.status("a/1").unwrap().state, State::Retrying);
    assert_eq!(run(&mut s, Transaction::retry_failed()).await, [""; 0], "nothing is due");
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(s.next_retry(), Some(at(1)));
    *HAND.0.lock().unwrap() = at(1);
    let ops = run(&mut s, Transaction::retry_failed()).await;
    assert!(ops.contains(&"CREATE [RETRY STILL-FAILING] a/1".to_owned()), "{ops:?}");
    assert_eq!(s.next_retry(), Some(at(3)));
    *HAND.0.lock().unwrap() = at(3);
    let ops = run(&mut s, Transaction::retry_failed()).await;
    let expected =
        ["CREATE [RETRY FIXED] a/1", "CREATE [RETRY WAS-PENDING] a/2", "CREATE [RETRY STILL-FAILING] a/3"];
    assert_eq!(ops, expected);
    assert_eq!(s.next_retry(), None);
    assert_eq!(s.status("a/3").unwrap().state, State::Failed);
    sb.assert_sound();
}

#[tokio::test]
async fn registration_and_transactions_are_checked() {
    let sb = Southbound::default();
    let two =
        Scheduler::builder().register_private(toy("x", "a/", &sb)).register_private(toy("x", "b/", &sb));
    assert_eq!(two.build().err(), Some(RegistryError::DuplicateName("x".into())));
    let after = |name, after: &str| Toy { after: vec![after.into()], ..toy(name, "a/", &sb) };
    let cycle = Scheduler::builder().register_private(after("x", "y")).register_private(after("y", "x"));
    assert!(matches!(cycle.build().err(), Some(RegistryError::RetrieveCycle(_))));
    let unknown = Scheduler::builder().register_private(after("x", "nobody"));
    assert!(matches!(unknown.build().err(), Some(RegistryError::UnknownName { .. })));
    let mut s = Scheduler::builder()
        .register_private(toy("x", "a/", &sb))
        .register_private(toy("y", "a/1", &sb))
        .build()
        .unwrap();
    let error = s.commit(change().set("a/1", item("")).set("a/2", item(""))).await.unwrap_err();
    assert!(matches!(error, CommitError::TwoOwners(_)));
    assert!(s.is_empty());
    let mut s = scheduler(&sb);
    run_well(&mut s, change().set("a/1", item("").derives("d/1", item("")))).await;
    let error = s.commit(change().delete("d/1")).await.unwrap_err();
    assert!(matches!(error, CommitError::DerivedKey { .. }));
    let wrong = change().set("a/7", "not an item".to_owned());
    assert_eq!(run_well(&mut s, wrong).await, ["CREATE [NOOP INVALID] a/7"]);
}

#[test]
fn examples_show_at_registration_what_can_never_work() {
    let sb = Southbound::default();
    let with = |name: &'static str, prefix: &'static str, examples: Vec<(&str, Item)>| Toy {
        examples: examples.into_iter().map(|(key, item)| (key.to_owned(), item)).collect(),
        ..toy(name, prefix, &sb)
    };
    let build = |toys: Vec<Toy>| {
        let mut builder = Scheduler::builder().external("ext/");
        for toy in toys {
            builder = builder.register_private(toy);
        }
        builder.build().err()
    };
    let a = |item: Item| with("a", "a/", vec![("a/1", item)]);
    let b = || with("b", "b/", vec![("b/1", item("").derives("prop/1", item("")))]);
    assert_eq!(build(vec![a(item("").needs("b/2").needs("ext/1").needs("prop/1").any_of("b/")), b()]), None);
    // Nobody has such a key.
    let error = build(vec![a(item("").needs("bb/2")), b()]).unwrap();
    assert_eq!(
        error.to_string(),
        "a/1 of descriptor a needs need: bb/2, which no descriptor can ever provide"
    );
    let error = build(vec![a(item("").any_of("c/")), b()]).unwrap();
    assert!(
        matches!(&error, RegistryError::Unsatisfiable { target, .. } if target == "any of c/"),
        "{error}"
    );
    // Where not all give examples it cannot be told.
    assert_eq!(build(vec![a(item("").any_of("c/")), toy("b", "b/", &sb)]), None);
    // Nor where somebody says that such keys come as properties.
    let properties = Toy { properties: vec!["c/".into()], ..b() };
    assert_eq!(build(vec![a(item("").any_of("c/x/").needs("c/1")), properties]), None);
    // What derived values need counts, too.
    let error = build(vec![a(item("").derives("b/9", item("").needs("nowhere/1"))), b()]).unwrap();
    assert!(error.to_string().starts_with("b/9 of descriptor b needs need: nowhere/1"), "{error}");
    // Two owners, and an example of another one.
    let error = build(vec![a(item("")), toy("aa", "a/1", &sb)]).unwrap();
    assert_eq!(error.to_string(), "the key a/1 is owned by two descriptors: a and aa");
    let error = build(vec![with("a", "a/", vec![("b/1", item(""))]), b()]).unwrap();
    assert!(matches!(error, RegistryError::NotOwned { .. }), "{error}");
}

/// Whatever operation of a rich scenario fails, and whether or not it was done all the same, retries put it right.
#[tokio::test(start_paused = true)]
async fn a_failure_of_any_operation_is_repaired_by_retries() {
    let steps = || {
        [
            change()
                .set("a/1", item("1").derives("d/1", item("d").needs("r/1")).derives("d/2", item("d")))
                .set("r/1", item("1"))
                .set("a/2", item("2").needs("d/1").any_of("r/"))
                .set("a/3", item("3").needs("a/4"))
                .set("a/4", item("4").needs("a/3")),
            change().set("r/1", item("2")).set("a/1", item("2").derives("d/1", item("e").needs("r/1"))),
            change().set("r/2", item("1")).delete("r/1").set("a/4", item("5").needs("a/3").needs("r/2")),
            change().delete("a/1").delete("a/3").set("a/5", item("5").any_of("r/")),
        ]
    };
    let mut number = 0;
    for treacherous in [false, true] {
        for fail_at in 0.. {
            number += 1;
            let sb = Southbound::default();
            let clock = TokioClock::new();
            sb.lock().fail_at = Some(fail_at);
            sb.lock().treacherous = treacherous;
            let circle =
                [("a/3".to_owned(), item("3").needs("a/4")), ("a/4".to_owned(), item("4").needs("a/3"))];
            note_circles(&sb, circle.iter().map(|(key, item)| (key, item)));
            let mut s = Scheduler::builder()
                .register_private(toy("a", "a/", &sb))
                .register_private(Toy { in_place: false, ..toy("r", "r/", &sb) })
                .register_private(toy("d", "d/", &sb))
                .clock(clock)
                .build()
                .unwrap();
            for step in steps() {
                s.commit(step.retry(RetryPolicy { max_count: 0, ..RetryPolicy::default() })).await.unwrap();
            }
            for _ in 0..10 {
                let Some(due) = s.next_retry() else { break };
                tokio::time::advance(due.duration_since(clock.now()).unwrap()).await;
                s.commit(Transaction::retry_failed()).await.unwrap();
            }
            let log: Vec<String> = s.history().iter().flat_map(|record| titles(&record.executed)).collect();
            assert_eq!(sb.keys(), ["a/5", "r/2"], "failure {fail_at}, treacherous {treacherous}: {log:#?}");
            let states: Vec<_> = s.dump().iter().map(|s| (s.key.to_string(), s.state)).collect();
            let expected = [
                ("a/2", State::Pending),
                ("a/4", State::Pending),
                ("a/5", State::Configured),
                ("r/2", State::Configured),
            ];
            assert_eq!(states, expected.map(|(key, state)| (key.to_owned(), state)), "failure {fail_at}");
            if !treacherous {
                sb.assert_sound();
            }
            if sb.lock().count <= fail_at {
                break;
            }
        }
    }
    assert!(number > 40, "{number}");
}

#[tokio::test]
async fn metadata_follows() {
    let sb = Southbound::default();
    let map = MetadataMap::new();
    let mut s = Scheduler::builder().register(toy("a", "a/", &sb), map.clone()).build().unwrap();
    run_well(&mut s, change().set("a/1", item("")).set("a/2", item(""))).await;
    let indexes = sb.lock().indexes.clone();
    assert_eq!(map.get("1"), indexes.get("a/1").copied());
    assert_eq!(map.find(|index| Some(index) == indexes.get("a/2")).as_deref(), Some("2"));
    run_well(&mut s, change().delete("a/1")).await;
    assert_eq!(map.get("1"), None);
    sb.wipe();
    s.commit(full().plan_only()).await.unwrap();
    assert_eq!(map.get("2"), indexes.get("a/2").copied());
    run_well(&mut s, full().set("a/2", item(""))).await;
    assert_eq!(map.get("2"), Some(1003));
}

#[tokio::test]
async fn commit_can_be_spawned() {
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let task = tokio::spawn(async move { s.commit(change().set("a/1", item(""))).await.map(|r| r.seq) });
    assert_eq!(task.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn a_derived_value_that_went_before_the_failure_comes_back() {
    let sb = Southbound::default();
    let mut s = build(&sb).width(3).build().unwrap();
    let base = || item("0").any_of("r/3").derives("d/8/0", item("0"));
    let before = change()
        .set("a/4", item("0"))
        .set("a/8", base())
        .set("r/0", item("0"))
        .set("r/3", item("0").derives("d/3/0", item("0")));
    run_well(&mut s, before).await;
    let there = sb.values();
    // Runs beside the delete of `d/8/0`.
    sb.fail("DELETE d/3/0", 1);
    let change = change().delete("a/4").set("a/8", base()).delete("r/0").delete("r/3").revert();
    let record = s.commit(change).await.unwrap();
    assert!(titles(&record.executed).iter().any(|op| op == "DELETE [DERIVED] d/8/0"), "{record}");
    assert!(record.reverted);
    assert_eq!(sb.values(), there, "{record}");
    sb.assert_sound();
}
