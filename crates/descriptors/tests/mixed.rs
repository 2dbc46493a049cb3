//! A configuration of everything (`configuration.json`), in any order and beside what others made.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{
    Agent, RELEASES, Vpp, assert_same, at_once, done, everything, options, run, set, text_of, value,
};
use kvscheduler::{RetryPolicy, State, Transaction};
use models::ModelValue;
use serde_json::json;
use vpp_sim::{Fault, Rule, Which};

/// Runs a test on each of these releases; tells all that fail.
fn on_each(releases: &[&'static str], test: impl AsyncFn(&'static str) + Sync) {
    let failed = at_once(3, releases, |release| {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(test(release))));
        ended.err().map(|why| format!("{release}: {}", text_of(&*why)))
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// All there are.
fn all_releases() -> Vec<&'static str> {
    binapi_index::RELEASES.iter().map(|release| release.name).collect()
}

/// A stream of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// What a new agent, to which nothing is believable, sees; without MACs that VPP made up, and what only it numbers.
async fn seen(vpp: &Vpp) -> BTreeMap<String, String> {
    let mut agent = Agent::new(vpp).await;
    agent.resync([]).await;
    let values = agent.scheduler.dump().into_iter().filter(|s| s.key.starts_with("config/"));
    let made_up = ["phys_address:\"02:fe", "phys_address:\"d0:0b", "phys_address:\"de:ad"];
    let text = |text: String| {
        let text = text.replace(['{', '}'], " ");
        let words = text.split_whitespace().filter(|word| !made_up.iter().any(|mac| word.contains(mac)));
        // In the order in which they came, VPP tells ports and members.
        let mut words: Vec<_> = words.collect();
        words.sort_unstable();
        words.join(" ")
    };
    let seen = values
        .filter_map(|s| Some((s.key.to_string(), text(s.present?.to_string()))))
        .filter(|(key, _)| !key.contains("UNTAGGED-") && !key.contains("proxyarp"))
        .collect();
    agent.close().await;
    seen
}

fn assert_well(agent: &Agent) {
    let unwell = agent.unwell();
    assert!(unwell.is_empty(), "{}", unwell.join("\n"));
}

#[test]
fn the_order_does_not_matter() {
    on_each(&all_releases(), async |release| {
        let all = everything(release);
        let whole = Vpp::new(release);
        let empty = whole.picture().await;
        let mut agent = Agent::new(&whole).await;
        agent.resync(all.clone()).await;
        assert_well(&agent);
        agent.close().await;
        let expected = seen(&whole).await;
        assert!(expected.len() > all.len());

        let mut numbers = Numbers(u64::from(release.as_bytes()[0]) * 7 + release.len() as u64);
        for _ in 0..3 {
            let vpp = Vpp::new(release);
            let mut agent = Agent::new(&vpp).await;
            agent.resync([]).await;
            let mut order = all.clone();
            numbers.shuffle(&mut order);
            while !order.is_empty() {
                let few = 1 + numbers.below(4).min(order.len() - 1);
                let record = agent
                    .scheduler
                    .commit(order.drain(..few).fold(Transaction::change(), set))
                    .await
                    .unwrap();
                let failed: Vec<String> = record.errors().map(ToString::to_string).collect();
                assert!(failed.is_empty(), "{}", failed.join("\n"));
            }
            agent.settle().await;
            assert_well(&agent);
            assert_same(&seen(&vpp).await, &expected);
            let again = agent.resync(all.clone()).await;
            assert_eq!(done(&again), Vec::<String>::new());

            let mut keys: Vec<String> = all.iter().map(ModelValue::key).collect();
            numbers.shuffle(&mut keys);
            for key in &keys {
                let record =
                    agent.scheduler.commit(Transaction::change().delete(key.as_str())).await.unwrap();
                let failed: Vec<String> = record.errors().map(ToString::to_string).collect();
                assert!(failed.is_empty(), "{}", failed.join("\n"));
            }
            assert_same(&vpp.picture().await, &empty);
            assert_eq!(vpp.running.died(), None);
            agent.close().await;
        }
    });
}

#[test]
fn what_others_made_is_left_alone() {
    on_each(&all_releases(), async |release| {
        let vpp = Vpp::new(release);
        vpp.make_foreign().await;
        let before = vpp.picture().await;
        let all = everything(release);
        let mut agent = Agent::new(&vpp).await;
        agent.resync(all.clone()).await;
        agent.settle().await;
        assert_well(&agent);
        let with = vpp.picture().await;
        // Ours takes the place of VPP's own default route.
        for (what, how) in before.iter().filter(|(what, _)| !what.contains("prefix: 0.0.0.0/0")) {
            assert_eq!(with.get(what), Some(how), "{what}");
        }
        // Another agent, which wants nothing of what the first one made.
        agent.close().await;
        let ours: Vec<String> = all.iter().map(ModelValue::key).collect();
        let mut agent = Agent::owning(&vpp, move |key| ours.iter().any(|own| own == key)).await;
        let record = agent.resync([]).await;
        let failed: Vec<String> = record.errors().map(ToString::to_string).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        let mut after = vpp.picture().await;
        // Which sockets an agent made only itself knows.
        after.retain(|what, _| !what.contains("/run/vpp/m.sock"));
        assert_same(&after, &before);
        agent.close().await;
    });
}

#[test]
fn without_a_plugin_its_values_are_unimplemented_and_come_with_it() {
    let cases = [
        ("18.10", "memif", "config/vpp/v2/interfaces/memif0"),
        ("20.05", "memif", "config/vpp/v2/interfaces/memif0"),
        ("26.06", "memif", "config/vpp/v2/interfaces/memif0"),
        ("26.06", "vxlan", "config/vpp/v2/interfaces/vxlan0"),
        ("23.06", "dhcp", "vpp/interface/dhcp-client/tap2"),
        ("26.06", "af_packet", "config/vpp/v2/interfaces/host0"),
        ("20.01", "lacp", "config/vpp/v2/interfaces/bond1"),
    ];
    for (release, plugin, key) in cases {
        run(async {
            let mut all = everything(release);
            if plugin == "lacp" {
                let bond =
                    json!({"name": "bond1", "type": "BOND_INTERFACE", "bond": {"mode": "LACP", "id": 8}});
                all.push(value("vpp.interfaces", &bond));
            }
            let mut without = options();
            without.without_plugins.push(plugin.to_string());
            let vpp = Vpp::with(release, without);
            let mut agent = Agent::new(&vpp).await;
            let record = agent.resync(all.clone()).await;
            let status = agent.scheduler.status(key).unwrap();
            assert_eq!(status.state, State::Unimplemented, "{plugin}: {status}");
            assert!(status.error.as_deref().unwrap_or_default().contains(release), "{status}");
            let others = agent.scheduler.dump().into_iter();
            let fine = [State::Configured, State::Obtained, State::Pending, State::Unimplemented];
            let failed: Vec<String> =
                others.filter(|s| !fine.contains(&s.state)).map(|s| s.to_string()).collect();
            assert!(failed.is_empty(), "{plugin}: {}\n{record}", failed.join("\n"));
            agent.close().await;

            let vpp = vpp.restarted(release);
            let mut agent = Agent::new(&vpp).await;
            agent.resync(all).await;
            assert_well(&agent);
            agent.close().await;
        });
    }
}

/// The requests that make all of it, learned from an agent that does.
async fn asked(vpp: &Vpp, all: &[ModelValue]) -> Vec<String> {
    let mut agent = Agent::new(vpp).await;
    agent.resync([]).await;
    let before = vpp.running.sim().received().clone();
    agent.change(all.to_vec()).await;
    let after = vpp.running.sim().received().clone();
    remove(&mut agent, all).await;
    agent.close().await;
    let reads = |name: &str| name.ends_with("_dump") || name.contains("ping") || name.contains("_get_");
    let more = after.into_iter().filter(|(name, n)| before.get(name).is_none_or(|b| b < n));
    more.map(|(name, _)| name).filter(|name| !reads(name)).collect()
}

async fn remove(agent: &mut Agent, all: &[ModelValue]) {
    let keys: Vec<String> = all.iter().map(ModelValue::key).collect();
    agent.delete(keys.iter().map(String::as_str)).await;
}

#[test]
fn what_was_refused_once_is_there_after_all() {
    on_each(&RELEASES, async |release| {
        let all = everything(release);
        let vpp = Vpp::new(release);
        let empty = vpp.picture().await;
        let asked = asked(&vpp, &all).await;
        assert!(asked.len() > 20, "{asked:?}");
        assert_same(&vpp.picture().await, &empty);
        for name in asked {
            let mut agent = Agent::new(&vpp).await;
            agent.resync([]).await;
            let rule = Rule::new(Which::Message(name.clone()), Fault::Refuse { retval: -1 }).times(1);
            vpp.running.sim().add_fault(rule).unwrap();
            let policy = RetryPolicy { period: Duration::ZERO, max_count: 5, ..RetryPolicy::default() };
            let record =
                agent.commit(all.iter().cloned().fold(Transaction::change(), set).retry(policy)).await;
            let silent =
                ["memif_", "bond_"].iter().any(|prefix| name.starts_with(prefix)) && release == "18.10";
            // Refused while an interface is made it may show only in what it was made for.
            // Some is asked for only when VPP has told of what was made.
            let records = agent.scheduler.history();
            let told = records.iter().flat_map(|record| record.errors()).any(|op| {
                let error = op.error.as_deref().unwrap_or_default();
                error.contains(&name) && error.contains("-1 UNSPECIFIED") && error.contains(release)
            });
            assert!(told || silent, "{name}: {record}");
            for _ in 0..5 {
                agent.commit(Transaction::retry_failed()).await;
            }
            let unwell = agent.unwell();
            assert!(unwell.is_empty(), "{name}: {}\n{record}", unwell.join("\n"));
            let again = agent.resync(all.clone()).await;
            assert_eq!(done(&again), Vec::<String>::new(), "{name}");
            agent
                .delete(all.iter().map(ModelValue::key).collect::<Vec<_>>().iter().map(String::as_str))
                .await;
            assert_same(&vpp.picture().await, &empty);
            agent.close().await;
        }
    });
}

#[test]
fn a_connection_that_ends_within_a_change_leaves_nothing_undone() {
    on_each(&RELEASES, async |release| {
        let all = everything(release);
        let vpp = Vpp::new(release);
        let empty = vpp.picture().await;
        for name in asked(&vpp, &all).await {
            let mut agent = Agent::new(&vpp).await;
            agent.resync([]).await;
            // It is carried out, and nobody is told.
            let rule = Rule::new(Which::Message(name.clone()), Fault::Close { answers: Some(0) }).times(1);
            vpp.running.sim().add_fault(rule).unwrap();
            let record = agent.scheduler.commit(all.iter().cloned().fold(Transaction::change(), set)).await;
            drop(record);
            vpp.running.sim().clear_faults();
            agent.reconnect(&vpp).await;
            agent.resync(all.clone()).await;
            let unwell = agent.unwell();
            assert!(unwell.is_empty(), "{name}: {}", unwell.join("\n"));
            let again = agent.resync(all.clone()).await;
            assert_eq!(done(&again), Vec::<String>::new(), "{name}");
            remove(&mut agent, &all).await;
            agent.close().await;
            assert_eq!(vpp.running.died(), None);
            // What was made and has no name is nobody's.
            let (client, calls) = vpp.connect().await;
            for link in calls.interface.dump_links().await.unwrap() {
                match link.internal_name.as_str() {
                    name if name.starts_with("loop") => {
                        calls.interface.delete_loopback(link.sw_if_index).await.unwrap()
                    }
                    // With a number VPP would have refused another one.
                    name if name.starts_with("Bond") => {
                        calls.bond.delete_bond(link.sw_if_index).await.unwrap()
                    }
                    name if name.starts_with("tap") => calls.tap.delete_tap(link.sw_if_index).await.unwrap(),
                    _ => {}
                }
            }
            for domain in calls.l2.dump_bridge_domains().await.unwrap() {
                assert_eq!(domain.bridge_domain.tag, "", "{name}");
            }
            client.close().await;
            let mut after = vpp.picture().await;
            after.retain(|what, _| !what.contains("/run/vpp/m.sock"));
            assert_same(&after, &empty);
        }
    });
}
