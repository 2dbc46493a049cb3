//! What holds for any configuration, in any order, whatever fails.
//!
//! `PROPTEST_CASES` sets how many random graphs each property sees, 1000 unless set; `GRAPH_SIZE` how many values they
//! have at most, 10 to 14 unless set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::codec::ItemCodec;
use common::*;
use kvscheduler::*;
use proptest::prelude::*;

type Config = BTreeMap<String, Item>;

fn builder(southbound: &Southbound, width: usize) -> Builder {
    Scheduler::builder()
        .register_private(toy("a", "a/", southbound))
        .register_private(Toy { in_place: false, ..toy("r", "r/", southbound) })
        .register_private(toy("d", "d/", southbound))
        .width(width)
}

fn scheduler(southbound: &Southbound, width: usize) -> Scheduler {
    builder(southbound, width).build().unwrap()
}

fn name(i: usize) -> String {
    format!("{}/{i}", if i.is_multiple_of(3) { "r" } else { "a" })
}

/// Values that need others, present or not, of a lower number, or of any number where circles are allowed; or a derived
/// value of another; or any value with a prefix.
fn config(size: usize, circles: bool) -> impl Strategy<Value = Config> {
    let value = (
        0..4u8,
        proptest::collection::vec((0..size, 0..4u8), 0..3),
        0..3u8,
        proptest::option::weighted(0.3, 0..4usize),
    );
    proptest::collection::btree_map(0..size, value, 0..size).prop_map(move |values| {
        let mut config = Config::new();
        for (i, (text, needs, derived, any_of)) in values {
            let mut value = item(&text.to_string());
            for (need, kind) in needs {
                if need < i || (circles && need != i) {
                    value = value.needs(if kind == 0 { format!("d/{need}/0") } else { name(need) });
                }
            }
            for n in 0..derived {
                // Derived values may wait for something themselves.
                let mut child = item(&format!("{text}"));
                if n == 1 && i > 0 {
                    child = child.needs(name(i - 1));
                }
                value = value.derives(&format!("d/{i}/{n}"), child);
            }
            if let Some(any_of) = any_of {
                value = value.any_of(["r/", "d/1", "a/", "r/3"][any_of]);
            }
            config.insert(name(i), value);
        }
        config
    })
}

/// What must be there in the end: as much as can be there at the same time.
fn satisfiable(config: &Config) -> BTreeMap<String, String> {
    let mut there: BTreeMap<String, (&Item, Option<&String>)> = BTreeMap::new();
    for (key, value) in config {
        there.insert(key.clone(), (value, None));
        there.extend(value.derived.iter().map(|(child, item)| (child.clone(), (item, Some(key)))));
    }
    loop {
        let keys: BTreeSet<String> = there.keys().cloned().collect();
        there.retain(|key, (item, base)| {
            base.is_none_or(|base| keys.contains(base))
                && item.needs.iter().all(|need| need != key && keys.contains(need))
                && item
                    .any_of
                    .iter()
                    .all(|prefix| keys.iter().any(|other| other.starts_with(prefix) && other != key))
        });
        if there.len() == keys.len() {
            return there.into_iter().map(|(key, (item, _))| (key, item.text.clone())).collect();
        }
    }
}

/// What is there, without what is somebody else's.
fn texts(southbound: &Southbound) -> BTreeMap<String, String> {
    let foreign = southbound.lock().foreign.clone();
    let values = southbound.values().into_iter().filter(|(key, _)| !foreign.contains(key));
    values.map(|(key, item)| (key, item.text)).collect()
}

fn full(config: &Config) -> Transaction {
    config
        .iter()
        .fold(Transaction::resync(Resync::Full), |txn, (key, value)| txn.set(key.as_str(), value.clone()))
}

/// The change that leads from one configuration to another.
fn difference(from: &Config, to: &Config) -> Transaction {
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    let txn = gone.fold(Transaction::change(), |txn, key| txn.delete(key.as_str()));
    to.iter().fold(txn, |txn, (key, value)| txn.set(key.as_str(), value.clone()))
}

fn check(s: &Scheduler, sb: &Southbound, config: &Config) {
    sb.assert_sound();
    let expected = satisfiable(config);
    assert_eq!(texts(sb), expected);
    for status in s.dump().iter().filter(|status| status.state != State::Obtained) {
        let there = expected.contains_key(&*status.key);
        let state = if there { State::Configured } else { State::Pending };
        assert_eq!(status.state, state, "{}", s.explain(&status.key));
        // Who waits has a reason, and the reason is true.
        assert_eq!(status.unmet.is_empty(), there, "{}", s.explain(&status.key));
        for unmet in status.unmet.iter().filter(|unmet| !unmet.target.starts_with("any of")) {
            assert!(!sb.lock().values.contains_key(&unmet.target), "{}", s.explain(&status.key));
            let derived = |item: &Item| item.derived.iter().any(|(child, _)| *child == unmet.target);
            let wanted = config.contains_key(&unmet.target) || config.values().any(derived);
            assert_eq!(unmet.wanted, wanted, "{}", s.explain(&status.key));
        }
    }
}

fn note_all_circles(sb: &Southbound, configs: &[Config]) {
    note_circles(sb, configs.iter().flatten());
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// Fails operations by number, and reports the operation as failed although it was done.
#[derive(Debug, Clone)]
struct Trouble {
    failing: Vec<(usize, usize, usize)>,
    lose_after: Option<usize>,
    treacherous: bool,
    restart: bool,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let failing = proptest::collection::vec((0..3usize, 0..12usize, 0..3usize), 0..8);
    (failing, proptest::option::of(0..20usize), any::<bool>(), any::<bool>()).prop_map(
        |(failing, lose_after, treacherous, restart)| Trouble { failing, lose_after, treacherous, restart },
    )
}

impl Trouble {
    fn begin(&self, sb: &Southbound) {
        for (operation, i, child) in &self.failing {
            let operation = ["CREATE", "UPDATE", "DELETE"][*operation];
            let key = if *child == 0 { name(*i) } else { format!("d/{i}/{}", child - 1) };
            sb.fail(&format!("{operation} {key}"), 1);
        }
        let mut plane = sb.lock();
        plane.lose_after = self.lose_after;
        plane.treacherous = self.treacherous;
    }

    fn end(&self, sb: &Southbound) {
        let mut plane = sb.lock();
        plane.lose_after = None;
        plane.failing.clear();
        plane.treacherous = false;
        drop(plane);
        if self.restart {
            sb.wipe();
        }
    }
}

fn size(usual: usize) -> usize {
    std::env::var("GRAPH_SIZE").ok().and_then(|size| size.parse().ok()).unwrap_or(usual)
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_ends_the_same(config in config(size(14), true), order in any::<u64>(), width in 1..9usize) {
        block_on(async {
            let sb = Southbound::default();
            note_all_circles(&sb, std::slice::from_ref(&config));
            let mut s = scheduler(&sb, width);
            let mut keys: Vec<_> = config.keys().collect();
            keys.sort_by_key(|key| {
                key.bytes().fold(order, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
            });
            for key in keys {
                run_well(&mut s, Transaction::change().set(key.as_str(), config[key].clone())).await;
                sb.assert_sound();
            }
            check(&s, &sb, &config);
            assert_eq!(run_well(&mut s, full(&config)).await, [""; 0]);
        });
    }

    #[test]
    fn changes_end_at_the_last_configuration(
        configs in proptest::collection::vec(any::<bool>().prop_flat_map(|circles| config(size(12), circles)), 1..5),
        width in 1..9usize,
    ) {
        block_on(async {
            let sb = Southbound::default();
            note_all_circles(&sb, &configs);
            let mut s = scheduler(&sb, width);
            let mut now = Config::new();
            for config in &configs {
                let plan = s.commit(difference(&now, config).plan_only()).await.unwrap();
                let executed = run_well(&mut s, difference(&now, config)).await;
                assert_eq!(titles(&plan.planned), executed);
                check(&s, &sb, config);
                now = config.clone();
            }
            // A new run takes over without a touch.
            sb.calls();
            let mut again = scheduler(&sb, width);
            run_well(&mut again, full(&now)).await;
            assert_eq!(sb.calls(), [""; 0]);
            check(&again, &sb, &now);
        });
    }

    #[test]
    fn failures_are_repaired_by_a_resync(
        configs in proptest::collection::vec(config(size(12), true), 1..4),
        trouble in trouble(),
        width in 1..9usize,
    ) {
        block_on(async {
            let sb = Southbound::default();
            note_all_circles(&sb, &configs);
            let mut s = scheduler(&sb, width);
            trouble.begin(&sb);
            let mut now = Config::new();
            for config in &configs {
                s.commit(difference(&now, config)).await.unwrap();
                if !trouble.treacherous {
                    sb.assert_sound();
                }
                now = config.clone();
            }
            trouble.end(&sb);
            sb.lock().violations.clear();
            let resync = run_well(&mut s, Transaction::resync(Resync::Downstream)).await;
            sb.assert_sound();
            assert_eq!(texts(&sb), satisfiable(&now), "{resync:#?}");
            check(&s, &sb, &now);
            assert_eq!(run_well(&mut s, full(&now)).await, [""; 0]);
        });
    }

    #[test]
    fn after_a_failure_the_graph_tells_the_truth(
        configs in proptest::collection::vec(config(size(12), false), 1..4),
        trouble in trouble(),
    ) {
        block_on(async {
            let sb = Southbound::default();
            note_all_circles(&sb, &configs);
            let mut s = scheduler(&sb, 4);
            Trouble { lose_after: None, ..trouble.clone() }.begin(&sb);
            let mut now = Config::new();
            for config in &configs {
                s.commit(difference(&now, config)).await.unwrap();
                now = config.clone();
                let believed: BTreeSet<String> = s
                    .dump()
                    .iter()
                    .filter(|status| status.present.is_some())
                    .map(|status| status.key.to_string())
                    .collect();
                assert_eq!(believed, sb.keys().into_iter().collect());
            }
        });
    }

    #[test]
    fn failures_are_repaired_by_retries(
        configs in proptest::collection::vec(config(size(12), false), 1..4),
        trouble in trouble(),
        width in 1..9usize,
    ) {
        block_on(async {
            let sb = Southbound::default();
            note_all_circles(&sb, &configs);
            let clock = TokioClock::new();
            let mut s = builder(&sb, width).clock(clock).build().unwrap();
            Trouble { lose_after: None, treacherous: false, ..trouble.clone() }.begin(&sb);
            let mut now = Config::new();
            for config in &configs {
                let policy = RetryPolicy { max_count: 0, ..RetryPolicy::default() };
                s.commit(difference(&now, config).retry(policy)).await.unwrap();
                now = config.clone();
            }
            sb.lock().failing.clear();
            for _ in 0..20 {
                let Some(due) = s.next_retry() else { break };
                tokio::time::advance(due.duration_since(clock.now()).unwrap()).await;
                s.commit(Transaction::retry_failed()).await.unwrap();
            }
            check(&s, &sb, &now);
        });
    }

    #[test]
    fn what_is_foreign_is_never_touched(
        configs in proptest::collection::vec(config(size(10), false), 1..4),
        foreign in config(size(14), false),
        trouble in trouble(),
    ) {
        block_on(async {
            let sb = Southbound::default();
            let wanted: BTreeSet<&String> = configs.iter().flat_map(|config| config.keys()).collect();
            for (key, value) in &foreign {
                let parts: BTreeSet<&String> = configs
                    .iter()
                    .flat_map(|config| config.values())
                    .flat_map(|item| item.derived.iter().map(|(child, _)| child))
                    .collect();
                // What is asked for as well is not only somebody else's.
                let plain = Item { text: value.text.clone(), ..Item::default() };
                if !wanted.contains(key) && !parts.contains(key) {
                    let mut plane = sb.lock();
                    plane.values.insert(key.clone(), plain);
                    plane.indexes.insert(key.clone(), 7);
                    plane.foreign.insert(key.clone());
                }
            }
            let theirs: Vec<(String, Item)> = sb.values().into_iter().collect();
            let mut s = scheduler(&sb, 4);
            s.commit(Transaction::resync(Resync::Full)).await.unwrap();
            trouble.begin(&sb);
            let mut now = Config::new();
            for (round, config) in configs.iter().enumerate() {
                s.commit(difference(&now, config)).await.unwrap();
                now = config.clone();
                if round % 2 == 1 {
                    // The southbound may be lost.
                    let _ = s.commit(full(&now)).await;
                }
            }
            let restart = Trouble { restart: false, ..trouble.clone() };
            restart.end(&sb);
            s.commit(full(&now)).await.unwrap();
            s.commit(full(&Config::new())).await.unwrap();
            let left: Vec<(String, Item)> = sb.values().into_iter().collect();
            assert_eq!(left, theirs);
            let touched: Vec<String> =
                sb.lock().violations.iter().filter(|v| v.contains("somebody else's")).cloned().collect();
            assert_eq!(touched, [""; 0]);
        });
    }

    #[test]
    fn what_comes_and_goes_by_itself_takes_others_along(
        configs in proptest::collection::vec(config(size(10), true), 1..3),
        told in proptest::collection::vec((0..6usize, any::<bool>(), any::<bool>()), 1..12),
        needs in proptest::collection::vec((0..10usize, 0..6usize, any::<bool>()), 0..8),
        width in 1..9usize,
    ) {
        block_on(async {
            let sb = Southbound::default();
            let mut configs = configs;
            for (i, external, any_of) in needs {
                for item in configs.iter_mut().filter_map(|config| config.get_mut(&name(i))) {
                    if any_of { item.any_of.push("x/".to_owned()) } else { item.needs.push(format!("x/{external}")) }
                }
            }
            note_all_circles(&sb, &configs);
            let mut s = builder(&sb, width).external("x/").build().unwrap();
            let (mut now, mut there) = (Config::new(), Config::new());
            let mut configs = configs.into_iter();
            for (i, comes, change) in told {
                if change && let Some(config) = configs.next() {
                    run_well(&mut s, difference(&now, &config)).await;
                    now = config;
                }
                let key = format!("x/{i}");
                let mut notification = Transaction::notification();
                if comes {
                    there.insert(key.clone(), item("x"));
                    sb.lock().values.insert(key.clone(), item("x"));
                    notification = notification.set(key, item("x"));
                } else {
                    // It has gone before it is told.
                    there.remove(&key);
                    sb.lock().values.remove(&key);
                    notification = notification.delete(key);
                }
                run_well(&mut s, notification).await;
                sb.assert_sound();
                let all: Config = now.iter().chain(&there).map(|(key, item)| (key.clone(), item.clone())).collect();
                assert_eq!(texts(&sb), satisfiable(&all));
            }
            // A resync leaves it as it is.
            assert_eq!(run_well(&mut s, full(&now)).await, [""; 0]);
        });
    }

    #[test]
    fn concurrent_and_serial_runs_are_alike(
        configs in proptest::collection::vec(config(size(12), true), 1..4),
        trouble in trouble(),
        latencies in any::<bool>(),
    ) {
        block_on(async {
            let mut runs = Vec::new();
            for width in [1, 3, 64] {
                let sb = Southbound::default();
                note_all_circles(&sb, &configs);
                let mut s = scheduler(&sb, width);
                Trouble { lose_after: None, ..trouble.clone() }.begin(&sb);
                sb.lock().latency = (latencies && width > 1).then_some(Duration::from_millis(1));
                let mut log = Vec::new();
                let mut now = Config::new();
                for config in &configs {
                    let record = s.commit(difference(&now, config)).await.unwrap();
                    log.extend(record.executed.iter().map(ToString::to_string));
                    now = config.clone();
                }
                let states: Vec<_> = s.dump().iter().map(|s| (s.key.clone(), s.state, s.error.clone())).collect();
                runs.push((log, states, texts(&sb)));
            }
            assert_eq!(runs[0], runs[1]);
            assert_eq!(runs[0], runs[2]);
        });
    }

    #[test]
    fn a_reverted_change_leaves_everything_as_it_was(
        before in config(size(10), false),
        after in config(size(10), false),
        fail_at in 0..12usize,
        width in 1..9usize,
    ) {
        block_on(async {
            let sb = Southbound::default();
            note_all_circles(&sb, &[before.clone(), after.clone()]);
            let mut s = scheduler(&sb, width);
            run_well(&mut s, difference(&Config::new(), &before)).await;
            let states = |s: &Scheduler| -> Vec<_> { s.dump().iter().map(|s| (s.key.clone(), s.state)).collect() };
            let (known, there) = (states(&s), texts(&sb));
            let count = sb.lock().count;
            sb.lock().fail_at = Some(count + fail_at);
            let record = s.commit(difference(&before, &after).revert()).await.unwrap();
            sb.assert_sound();
            if sb.lock().count > count + fail_at && record.errors().next().is_some() {
                assert!(record.reverted);
                assert_eq!((states(&s), texts(&sb)), (known, there), "{record}");
                check(&s, &sb, &before);
            } else {
                check(&s, &sb, &after);
            }
        });
    }

    #[test]
    fn a_replay_ends_like_the_recorded_run(
        configs in proptest::collection::vec(config(size(12), true), 1..4),
        trouble in trouble(),
        width in 1..9usize,
    ) {
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("run.jsonl");
            let sb = Southbound::default();
            note_all_circles(&sb, &configs);
            let mut s = builder(&sb, width)
                .clock(TokioClock::new())
                .ownership(|key| key.ends_with('1'))
                .build_recorded(&file, ItemCodec)
                .unwrap();
            trouble.begin(&sb);
            sb.lock().latency = Some(Duration::from_micros(300));
            let mut now = Config::new();
            let mut logs = Vec::new();
            for config in &configs {
                let txn = difference(&now, config).retry(RetryPolicy::default());
                logs.push(s.commit(txn).await.map(|record| titles(&record.executed)));
                tokio::time::advance(Duration::from_secs(2)).await;
                logs.push(s.commit(Transaction::retry_failed()).await.map(|record| titles(&record.executed)));
                now = config.clone();
            }
            logs.push(s.commit(full(&now)).await.map(|record| titles(&record.executed)));
            let face = |s: &Scheduler| -> Vec<String> {
                let face = |status: &Status| {
                    let value = |value: &Option<AnyValue>| value.as_ref().map(ToString::to_string);
                    let (wanted, present) = (value(&status.wanted), value(&status.present));
                    format!("{} {} {:?} {wanted:?} {present:?} {:?}", status.key, status.state, status.error,
                        status.retry_in)
                };
                s.dump().iter().map(face).collect()
            };
            let recorded = face(&s);
            let replay = Replay::read(&file, &ItemCodec).unwrap();
            let replayed = replay.run(builder(&Southbound::default(), width)).await.unwrap();
            assert_eq!(replayed.divergences, [""; 0]);
            let again: Vec<_> = replayed
                .records
                .into_iter()
                .map(|record| record.map(|record| titles(&record.executed)))
                .collect();
            assert_eq!(again, logs);
            assert_eq!(face(&replayed.scheduler), recorded);
        });
    }
}
