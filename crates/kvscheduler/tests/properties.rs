//! What holds for any configuration, in any order, whatever fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::collections::BTreeMap;

use common::*;
use kvscheduler::*;
use proptest::prelude::*;

type Config = BTreeMap<String, Item>;

fn scheduler(southbound: &Southbound, width: usize) -> Scheduler {
    Scheduler::builder()
        .register_private(toy("a", "a/", southbound))
        .register_private(Toy { in_place: false, ..toy("r", "r/", southbound) })
        .register_private(toy("d", "d/", southbound))
        .width(width)
        .build()
        .unwrap()
}

fn name(i: usize) -> String {
    format!("{}/{i}", if i.is_multiple_of(3) { "r" } else { "a" })
}

/// Values whose needs are of a lower number, or absent, or a derived value of a lower number. What any-of asks for needs
/// nothing itself: otherwise values could come to hold each other up, and no order of deletes would be right.
fn config() -> impl Strategy<Value = Config> {
    let value = (0..4u8, proptest::collection::vec((0..12usize, 0..4u8), 0..3), 0..3u8, any::<bool>());
    proptest::collection::btree_map(0..12usize, value, 0..12).prop_map(|values| {
        let mut config = Config::new();
        for (i, (text, needs, derived, any_of)) in values {
            let mut value = item(&text.to_string());
            for (need, kind) in needs {
                if need < i && i % 3 != 0 {
                    let need = if kind == 0 { format!("d/{need}/0") } else { name(need) };
                    value = value.needs(need);
                }
            }
            for n in 0..derived {
                // Derived values may wait for something themselves.
                let mut child = item(&format!("{text}"));
                if n == 1 && i % 3 != 0 {
                    child = child.needs(name(i - 1));
                }
                value = value.derives(&format!("d/{i}/{n}"), child);
            }
            if any_of && i % 3 != 0 {
                value = value.any_of("r/");
            }
            config.insert(name(i), value);
        }
        config
    })
}

/// What must be there in the end: everything whose needs are, transitively.
fn satisfiable(config: &Config) -> BTreeMap<String, String> {
    let mut there: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let before = there.len();
        for (key, value) in config {
            let met = |item: &Item, there: &BTreeMap<String, String>| {
                item.needs.iter().all(|need| there.contains_key(need))
                    && item.any_of.iter().all(|prefix| there.keys().any(|key| key.starts_with(prefix)))
            };
            if met(value, &there) {
                there.insert(key.clone(), value.text.clone());
            }
            for (child, item) in &value.derived {
                if there.contains_key(key) && met(item, &there) {
                    there.insert(child.clone(), item.text.clone());
                }
            }
        }
        if there.len() == before {
            return there;
        }
    }
}

fn texts(southbound: &Southbound) -> BTreeMap<String, String> {
    southbound.values().into_iter().map(|(key, item)| (key, item.text)).collect()
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
    for status in s.dump() {
        let there = expected.contains_key(&*status.key);
        let state = if there { State::Configured } else { State::Pending };
        assert_eq!(status.state, state, "{}", s.explain(&status.key));
        assert_eq!(status.unmet.is_empty(), there, "{}", s.explain(&status.key));
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_ends_the_same(config in config(), order in any::<u64>(), width in 1..9usize) {
        block_on(async {
            let sb = Southbound::default();
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
    fn changes_end_at_the_last_configuration(configs in proptest::collection::vec(config(), 1..5), width in 1..9usize) {
        block_on(async {
            let sb = Southbound::default();
            let mut s = scheduler(&sb, width);
            let mut now = Config::new();
            for config in &configs {
                let plan = s.commit(difference(&now, config).plan_only()).await.unwrap();
                let executed = run_well(&mut s, difference(&now, config)).await;
                assert_eq!(titles(&plan.planned), executed);
                check(&s, &sb, config);
                now = config.clone();
            }
            // A new run takes over without a touch, or goes to another configuration.
            let mut again = scheduler(&sb, width);
            assert_eq!(run_well(&mut again, full(&now)).await.iter().filter(|op| !op.contains("NOOP")).count(), 0);
            check(&again, &sb, &now);
        });
    }

    #[test]
    fn failures_are_repaired_by_a_resync(
        configs in proptest::collection::vec(config(), 1..4),
        failing in proptest::collection::vec((0..3usize, 0..12usize, 0..3usize), 0..8),
        lose_after in proptest::option::of(0..20usize),
        restart in any::<bool>(),
    ) {
        block_on(async {
            let sb = Southbound::default();
            let mut s = scheduler(&sb, 4);
            for (operation, i, child) in failing {
                let operation = ["CREATE", "UPDATE", "DELETE"][operation];
                let key = if child == 0 { name(i) } else { format!("d/{i}/{}", child - 1) };
                sb.fail(&format!("{operation} {key}"), 1);
            }
            sb.lock().lose_after = lose_after;
            let mut now = Config::new();
            for config in &configs {
                s.commit(difference(&now, config)).await.unwrap();
                sb.assert_sound();
                now = config.clone();
            }
            sb.lock().lose_after = None;
            sb.lock().failing.clear();
            if restart {
                sb.wipe();
            }
            let resync = run_well(&mut s, Transaction::resync(Resync::Downstream)).await;
            sb.assert_sound();
            assert_eq!(texts(&sb), satisfiable(&now), "{resync:#?}");
            check(&s, &sb, &now);
            assert_eq!(run_well(&mut s, full(&now)).await, [""; 0]);
        });
    }
}
