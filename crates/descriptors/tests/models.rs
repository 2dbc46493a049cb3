//! Every kind of value from its making to its end, on a release of each generation: `cases/` has them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;

use common::{Agent, RELEASES, Vpp, assert_same, at_once, done, run, text_of, value};
use kvscheduler::{Record, State};
use models::ModelValue;
use serde::Deserialize;
use serde_json::Value;

/// A kind of value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The first and the last release that have it; in others it is unimplemented.
    since: Option<String>,
    until: Option<String>,
    /// What has to be there first.
    #[serde(default)]
    beside: Vec<Stated>,
    /// What it is about.
    value: Stated,
    /// Keys that wait for something that is not there.
    #[serde(default)]
    waits: Vec<String>,
    #[serde(default)]
    updates: Vec<Update>,
    /// A new agent cannot know it, and tells VPP again.
    #[serde(default)]
    told_again: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    model: String,
    json: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    /// Fields that are changed; null takes one away.
    change: Value,
    how: How,
    since: Option<String>,
    #[serde(default)]
    waits: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum How {
    /// The value stays, VPP is told of the change.
    InPlace,
    /// It is made anew.
    Recreate,
    /// Only what is derived from it changes.
    Parts,
    /// It means the same.
    Nothing,
}

fn position(release: &str) -> usize {
    let all = binapi_index::RELEASES;
    all.iter().position(|r| r.name == release).unwrap_or_else(|| panic!("no release {release}"))
}

fn has(release: &str, since: Option<&String>, until: Option<&String>) -> bool {
    since.is_none_or(|since| position(since) <= position(release))
        && until.is_none_or(|until| position(release) <= position(until))
}

/// Puts fields over others.
fn merge(json: &mut Value, change: &Value) {
    match (json, change) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (name, change) in changes {
                match change {
                    Value::Null => drop(fields.remove(name)),
                    change => merge(fields.entry(name.clone()).or_insert(Value::Null), change),
                }
            }
        }
        (json, change) => *json = change.clone(),
    }
}

struct Stage {
    vpp: Vpp,
    agent: Agent,
    beside: Vec<ModelValue>,
    case: Case,
}

impl Stage {
    /// Everything is as it should be, and stays so.
    async fn is_in_sync(&mut self, now: &ModelValue, waits: &[String]) {
        let well = |unwell: Vec<String>| {
            let unexpected: Vec<String> =
                unwell.into_iter().filter(|text| !waits.iter().any(|key| text.starts_with(key))).collect();
            assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
        };
        well(self.agent.unwell());
        for key in waits {
            assert_eq!(self.agent.state(key), Some(State::Pending), "{key}");
        }
        let all = || self.beside.iter().cloned().chain([now.clone()]);
        let before = self.vpp.picture().await;
        let again = self.agent.resync(all()).await;
        assert_eq!(done(&again), Vec::<String>::new(), "a resync changes nothing");
        let mut other = Agent::new(&self.vpp).await;
        let first = other.resync(all()).await;
        if !self.case.told_again {
            assert_eq!(done(&first), Vec::<String>::new(), "a new agent changes nothing");
        }
        let unwell = other.unwell();
        other.close().await;
        well(unwell);
        assert_same(&self.vpp.picture().await, &before);
    }
}

fn check(record: &Record, key: &str, how: How) {
    let failed: Vec<String> = record.errors().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let of_it: Vec<_> = record.executed.iter().filter(|op| *op.key == *key && !op.noop).collect();
    let recreated = of_it.iter().any(|op| op.recreate);
    let found = match () {
        () if recreated => How::Recreate,
        () if !of_it.is_empty() => How::InPlace,
        () if !done(record).is_empty() => How::Parts,
        () => How::Nothing,
    };
    assert_eq!(found, how, "{record}");
}

async fn case(release: &str, case: Case) {
    let vpp = Vpp::new(release);
    let mut agent = Agent::new(&vpp).await;
    let beside: Vec<ModelValue> = case.beside.iter().map(|s| value(&s.model, &s.json)).collect();
    let first = agent.resync(beside.clone()).await;
    let failed: Vec<String> = first.errors().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let before = vpp.picture().await;

    let (model, mut json) = (case.value.model.clone(), case.value.json.clone());
    let mut now = value(&model, &json);
    let key = now.key();
    let made = agent.change([now.clone()]).await;
    if !has(release, case.since.as_ref(), case.until.as_ref()) {
        let status = agent.scheduler.status(&key).unwrap();
        assert!(status.error.as_deref().unwrap_or_default().contains(release), "{status}");
        agent.close().await;
        return;
    }
    let failed: Vec<String> = made.errors().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(!done(&made).is_empty(), "something is done");

    let mut stage = Stage { vpp, agent, beside, case };
    let waits = stage.case.waits.clone();
    stage.is_in_sync(&now, &waits).await;
    let updates = std::mem::take(&mut stage.case.updates);
    for update in updates.iter().filter(|update| has(release, update.since.as_ref(), None)) {
        merge(&mut json, &update.change);
        now = value(&model, &json);
        assert_eq!(now.key(), key, "an update is one of the same value");
        let changed = stage.agent.change([now.clone()]).await;
        let caught = std::panic::AssertUnwindSafe(|| check(&changed, &key, update.how));
        if let Err(why) = std::panic::catch_unwind(caught) {
            panic!("update {}: {}", update.change, text_of(&*why));
        }
        let waits = [stage.case.waits.clone(), update.waits.clone()].concat();
        stage.is_in_sync(&now, &waits).await;
    }
    let gone = stage.agent.delete([key.as_str()]).await;
    let failed: Vec<String> = gone.errors().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_same(&stage.vpp.picture().await, &before);
    let again = stage.agent.resync(stage.beside.clone()).await;
    assert_eq!(done(&again), Vec::<String>::new(), "nor is anything missed");
    let unimplemented = stage.vpp.running.sim().unimplemented().clone();
    assert!(unimplemented.is_empty(), "{unimplemented:?}");
    stage.agent.close().await;
}

#[test]
fn every_kind_of_value_is_made_read_back_changed_and_removed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let wanted = std::env::var("CASE").unwrap_or_default();
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> = files.filter(|path| name(path).contains(&wanted)).collect();
    files.sort();
    assert!(!files.is_empty(), "no case is called {wanted}");
    let all: Vec<_> = files.iter().flat_map(|path| RELEASES.map(|release| (path, release))).collect();
    // Most of the time they wait whether anything comes.
    let failed = at_once(6, &all, |(path, release)| {
        let text = std::fs::read_to_string(path).unwrap();
        let parsed: Case = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let ended = std::panic::catch_unwind(|| run(case(release, parsed)));
        ended.err().map(|why| format!("{} on {release}: {}", name(path), text_of(&*why)))
    });
    assert!(failed.is_empty(), "{} of {} fail\n\n{}", failed.len(), all.len(), failed.join("\n\n"));
}
