//! What comes of what several sources state, with a southbound in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kvscheduler::{Believed, Descriptor, Failure, Origin, Retrieved, Scheduler, State};
use kvstore::{Entry, Running, Source, SourceEvent, Value};
use models::proto::ligato::vpp::interfaces::Interface;
use models::{ModelMessage, ModelValue, Registry};
use orchestrator::{Client, Fault, Identity, Item, Ledger, Orchestrator, Report, Southbound, Statuses};
use serde_json::json;
use tokio::sync::{Notify, mpsc, watch};

const PREFIX: &str = "config/vpp/v2/interfaces/";

#[derive(Clone, Default)]
struct Plane {
    there: Arc<Mutex<BTreeMap<String, Interface>>>,
    calls: Arc<Mutex<Vec<String>>>,
    slow: Arc<Mutex<Option<Arc<Notify>>>>,
}

impl Plane {
    fn mtus(&self) -> BTreeMap<String, u32> {
        let there = self.there.lock().unwrap();
        there.iter().map(|(key, value)| (key[PREFIX.len()..].to_string(), value.mtu)).collect()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    async fn call(&self, what: &str, key: &str) {
        self.calls.lock().unwrap().push(format!("{what} {}", &key[PREFIX.len()..]));
        let slow = self.slow.lock().unwrap().clone();
        if let Some(slow) = slow {
            slow.notified().await;
        }
    }
}

struct Interfaces(Plane);

#[async_trait]
impl Descriptor for Interfaces {
    type Value = Interface;
    type Metadata = ();

    fn name(&self) -> &str {
        "interface"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(PREFIX)
    }

    fn recreate(&self, _: &str, _: &Interface, _: &Interface) -> bool {
        false
    }

    async fn create(&self, key: &str, value: &Interface) -> Result<(), Failure> {
        self.0.call("CREATE", key).await;
        self.0.there.lock().unwrap().insert(key.into(), value.clone());
        Ok(())
    }

    async fn update(&self, key: &str, _: &Interface, new: &Interface, (): &()) -> Result<(), Failure> {
        self.0.call("UPDATE", key).await;
        self.0.there.lock().unwrap().insert(key.into(), new.clone());
        Ok(())
    }

    async fn delete(&self, key: &str, _: &Interface, (): &()) -> Result<(), Failure> {
        self.0.call("DELETE", key).await;
        self.0.there.lock().unwrap().remove(key);
        Ok(())
    }

    async fn retrieve(
        &self,
        _: &[Believed<'_, Interface>],
    ) -> Result<Option<Vec<Retrieved<Interface, ()>>>, Failure> {
        let found = |(key, value): (&String, &Interface)| Retrieved {
            key: key.clone(),
            value: value.clone(),
            metadata: (),
            origin: Origin::Unknown,
        };
        Ok(Some(self.0.there.lock().unwrap().iter().map(found).collect()))
    }
}

/// A source that says what the test says.
struct Told(mpsc::Receiver<SourceEvent>);

impl Source for Told {
    fn name(&self) -> String {
        "told".into()
    }

    fn run(mut self: Box<Self>, events: mpsc::Sender<SourceEvent>) -> Running {
        Box::pin(async move {
            while let Some(event) = self.0.recv().await {
                events.send(event).await.unwrap();
            }
            std::future::pending().await
        })
    }
}

struct Agent {
    plane: Plane,
    tell: BTreeMap<&'static str, mpsc::Sender<SourceEvent>>,
    client: Client,
    statuses: Statuses,
    faults: Arc<Mutex<Vec<Arc<Fault>>>>,
    southbound: watch::Sender<Southbound>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// An agent with these sources, the first of which has its way.
fn agent(plane: &Plane, ledger: Ledger, sources: &[&'static str]) -> Agent {
    let faults: Arc<Mutex<Vec<Arc<Fault>>>> = Arc::default();
    let seen = faults.clone();
    let report = move |report: Report<'_>| match report {
        Report::Faults(new) => seen.lock().unwrap().extend(new.iter().cloned()),
        Report::NotCommitted(error) => panic!("{error}"),
        Report::Ledger(error) => panic!("{error}"),
        _ => {}
    };
    let builder = Scheduler::builder().register_private(Interfaces(plane.clone()));
    let registry = Arc::new(Registry::builtin().unwrap());
    let mut orchestrator = Orchestrator::new(builder, registry, "vpp1", ledger, report).unwrap();
    let mut tell = BTreeMap::new();
    for (i, name) in sources.iter().enumerate() {
        let (sender, events) = mpsc::channel(1);
        let priority = 100 - i32::try_from(i).unwrap();
        orchestrator.source(Identity::new(*name, priority), kvstore::subscribe(Box::new(Told(events))));
        tell.insert(*name, sender);
    }
    let (client, statuses) = (orchestrator.client(), orchestrator.statuses());
    let (southbound, states) = watch::channel(Southbound::Up(1));
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(orchestrator.run(states, stopping));
    Agent { plane: plane.clone(), tell, client, statuses, faults, southbound, stop, task }
}

impl Agent {
    async fn tell(&self, source: &str, event: SourceEvent) {
        self.tell[source].send(event).await.unwrap();
        // Time stands still until all has been done.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }

    fn state(&self, name: &str) -> Option<(State, String)> {
        let status = self.statuses.get(&format!("{PREFIX}{name}"))?;
        Some((status.state, status.error.unwrap_or_default()))
    }

    /// Stops it, and waits until it has stopped.
    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

fn mtu(name: &str, mtu: u32) -> (String, Value) {
    (format!("/vnf-agent/vpp1/{PREFIX}{name}"), json!({"name": name, "mtu": mtu}).into())
}

fn entries(items: impl IntoIterator<Item = (String, Value)>) -> BTreeMap<String, Entry> {
    items
        .into_iter()
        .map(|(key, value)| (key.clone(), Entry { value, place: format!("store {key}") }))
        .collect()
}

fn snapshot(items: impl IntoIterator<Item = (String, Value)>) -> SourceEvent {
    SourceEvent::Snapshot { entries: entries(items), complete: true, revision: 1 }
}

fn set(items: impl IntoIterator<Item = (String, Value)>) -> SourceEvent {
    SourceEvent::Change { set: entries(items), deleted: BTreeSet::new(), revision: 2 }
}

fn delete(name: &str) -> SourceEvent {
    let deleted = BTreeSet::from([format!("/vnf-agent/vpp1/{PREFIX}{name}")]);
    SourceEvent::Change { set: BTreeMap::new(), deleted, revision: 3 }
}

fn table<const N: usize>(items: [(&str, u32); N]) -> BTreeMap<String, u32> {
    items.map(|(name, mtu)| (name.to_string(), mtu)).into()
}

#[tokio::test(start_paused = true)]
async fn a_value_deleted_in_one_source_falls_back_to_the_next() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd", "files"]);
    a.tell("files", snapshot([mtu("if1", 1500), mtu("if2", 1500)])).await;
    a.tell("etcd", snapshot([mtu("if1", 9000)])).await;
    assert_eq!(a.plane.mtus(), table([("if1", 9000), ("if2", 1500)]));
    a.tell("files", set([mtu("if1", 1400)])).await;
    assert_eq!(a.plane.mtus()["if1"], 9000, "who has the higher priority has its way");
    a.plane.calls();
    a.tell("etcd", delete("if1")).await;
    assert_eq!(a.plane.mtus()["if1"], 1400);
    assert_eq!(a.plane.calls(), ["UPDATE if1"]);
    a.tell("files", delete("if1")).await;
    assert_eq!(a.plane.mtus(), table([("if2", 1500)]));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_one_source_touches_its_values_only() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd", "files"]);
    a.tell("files", snapshot([mtu("if1", 1500)])).await;
    a.tell("etcd", snapshot([mtu("if2", 1500), mtu("if3", 1500)])).await;
    a.plane.calls();
    a.tell("etcd", snapshot([mtu("if2", 1501)])).await;
    assert_eq!(a.plane.calls(), ["DELETE if3", "UPDATE if2"]);
    assert_eq!(a.plane.mtus(), table([("if1", 1500), ("if2", 1501)]));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_invalid_and_takes_nothing_down() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd"]);
    a.tell("etcd", snapshot([mtu("if1", 1500)])).await;
    let (key, _) = mtu("if1", 0);
    let (other, _) = mtu("if2", 0);
    let typo = ("/vnf-agent/vpp1/config/vpp/v2/interfces/if3".to_string(), json!({"name": "if3"}).into());
    let reason = "expected JSON".to_string();
    let broken = Value::Undecodable { reason, position: Some(kvstore::Position { line: 3, column: 7 }) };
    let wrong_name = (other.clone(), json!({"name": "if9"}).into());
    a.tell("etcd", set([(key, broken), wrong_name, typo.clone(), mtu("if4", 1500)])).await;
    assert_eq!(a.plane.mtus(), table([("if1", 1500), ("if4", 1500)]), "the rest goes on");
    let (state, error) = a.state("if1").unwrap();
    assert_eq!(state, State::Invalid);
    assert!(error.contains("line 3, column 7") && error.contains("if1"), "{error}");
    let (state, error) = a.state("if2").unwrap();
    assert_eq!(state, State::Invalid);
    assert!(error.contains("whose own key is"), "{error}");
    let stray = a.statuses.get(&typo.0).unwrap();
    assert!(stray.error.unwrap().contains("interfaces/"), "the nearest is named");
    assert_eq!(a.faults.lock().unwrap().len(), 3, "each is told once");
    assert_eq!(a.statuses.dump().iter().filter(|status| status.state == State::Invalid).count(), 3);

    a.tell("etcd", set([mtu("if1", 1501), mtu("if2", 1502)])).await;
    assert_eq!(a.plane.mtus(), table([("if1", 1501), ("if2", 1502), ("if4", 1500)]));
    assert_eq!(a.state("if1"), Some((State::Configured, String::new())));
    a.tell("etcd", snapshot([mtu("if1", 1501), mtu("if2", 1502), mtu("if4", 1500)])).await;
    assert_eq!(a.statuses.get(&typo.0), None, "what is gone is forgotten");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_at_the_start_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let plane = Plane::default();
    let a = agent(&plane, Ledger::open(&path).unwrap(), &["etcd"]);
    a.tell("etcd", snapshot([mtu("if1", 1500), mtu("if2", 1500)])).await;
    a.end().await;
    plane.calls();

    let a = agent(&plane, Ledger::open(&path).unwrap(), &["etcd"]);
    let (key, _) = mtu("if1", 0);
    a.tell("etcd", snapshot([(key, json!({"name": "if1", "mtu": "many"}).into())])).await;
    assert_eq!(plane.calls(), ["DELETE if2"]);
    assert_eq!(plane.mtus(), table([("if1", 1500)]));
    assert_eq!(a.state("if1").unwrap().0, State::Invalid);
    a.tell("etcd", delete("if1")).await;
    a.southbound.send(Southbound::Up(2)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(plane.mtus(), table([]));
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_source_asked_for_stays_until_it_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let plane = Plane::default();
    let a = agent(&plane, Ledger::open(&path).unwrap(), &["etcd", "files"]);
    a.tell("files", snapshot([mtu("if1", 1500), mtu("if2", 1500)])).await;
    a.tell("etcd", snapshot([mtu("if1", 9000), mtu("if3", 1500)])).await;
    a.end().await;
    plane.calls();

    // etcd is away: neither does the value of the lower source take over, nor does anything of etcd's go.
    let a = agent(&plane, Ledger::open(&path).unwrap(), &["etcd", "files"]);
    a.tell("files", snapshot([mtu("if1", 1500)])).await;
    assert_eq!(plane.calls(), ["DELETE if2"]);
    assert_eq!(plane.mtus(), table([("if1", 9000), ("if3", 1500)]));
    a.tell("etcd", snapshot([mtu("if3", 1501)])).await;
    assert_eq!(plane.mtus(), table([("if1", 1500), ("if3", 1501)]));
}

#[tokio::test(start_paused = true)]
async fn a_key_misspelled_in_a_change_does_not_remove_what_it_stood_for() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["files"]);
    let plain = |name: &str| (format!("{PREFIX}{name}"), mtu(name, 1500).1);
    let garbage = ("config/no/such/thing".to_string(), json!({}).into());
    a.tell("files", snapshot([plain("if1"), plain("if2"), garbage])).await;
    let (key, value) = plain("if1");
    let typo = key.replace("interfaces", "interfcaes");
    let deleted = BTreeSet::from([key.clone()]);
    let change = |set, deleted| SourceEvent::Change { set, deleted, revision: 2 };
    a.tell("files", change(entries([(typo.clone(), value.clone())]), deleted)).await;
    assert_eq!(a.plane.mtus(), table([("if1", 1500), ("if2", 1500)]));
    // Others go as ever.
    a.tell("files", change(BTreeMap::new(), BTreeSet::from([plain("if2").0]))).await;
    assert_eq!(a.plane.mtus(), table([("if1", 1500)]));
    a.plane.calls();
    a.tell("files", change(entries([(key, value)]), BTreeSet::from([typo.clone()]))).await;
    assert_eq!(a.plane.calls(), [""; 0]);

    // It was meant to go after all.
    let (key, value) = plain("if1");
    a.tell("files", change(entries([(typo.clone(), value)]), BTreeSet::from([key]))).await;
    a.tell("files", change(BTreeMap::new(), BTreeSet::from([typo]))).await;
    assert_eq!(a.plane.mtus(), table([]));
}

#[tokio::test(start_paused = true)]
async fn what_a_store_deletes_goes_whatever_comes_with_it() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd"]);
    a.tell("etcd", snapshot([mtu("if1", 1500)])).await;
    let garbage = ("/vnf-agent/vpp1/config/no/such/thing".to_string(), json!({}).into());
    let deleted = BTreeSet::from([mtu("if1", 0).0]);
    a.tell("etcd", SourceEvent::Change { set: entries([garbage]), deleted, revision: 2 }).await;
    assert_eq!(a.plane.mtus(), table([]));
}

#[tokio::test(start_paused = true)]
async fn what_is_foreign_stays() {
    let plane = Plane::default();
    let foreign = Interface { name: "theirs".into(), ..Interface::default() };
    plane.there.lock().unwrap().insert(foreign.key(), foreign);
    let a = agent(&plane, Ledger::in_memory(), &["etcd"]);
    a.tell("etcd", snapshot([mtu("if1", 1500)])).await;
    a.tell("etcd", snapshot([])).await;
    assert_eq!(plane.mtus(), table([("theirs", 0)]));
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_others_and_those_that_agents_write_are_told_apart() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd"]);
    let own = ["vpp/status/v2/interface/if1", "check/status/v1/agent", "config-status/vpp/v2/interfaces/if1"];
    let own = own.map(|key| (format!("/vnf-agent/vpp1/{key}"), json!({}).into()));
    let (theirs, value) = mtu("if1", 1500);
    let theirs = theirs.replace("vpp1", "vpp2");
    a.tell("etcd", snapshot(own.into_iter().chain([(theirs, value)]))).await;
    let faults = a.faults.lock().unwrap().clone();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].reason.contains("for agent vpp2, this one is vpp1"), "{}", faults[0]);
    assert_eq!(a.plane.calls(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn one_value_under_two_spellings_of_its_key_is_a_mistake() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["files"]);
    let fib = "config/vpp/l2/v2/fib/bd1/mac/";
    let key = format!("{fib}aa:00:00:00:00:01");
    let upper = format!("{fib}AA:00:00:00:00:01");
    let value = |interface: &str| -> Value {
        json!({"bridge_domain": "bd1", "phys_address": "aa:00:00:00:00:01", "outgoing_interface": interface})
            .into()
    };
    let wanted = || a.statuses.view().status(&key).unwrap().wanted.unwrap().to_string();
    a.tell("files", snapshot([(key.clone(), value("if1"))])).await;
    a.tell("files", set([(upper.clone(), value("if2"))])).await;
    let fault = a.faults.lock().unwrap()[0].to_string();
    assert!(fault.contains(&format!("is stated twice, as {key} and as {upper}")), "{fault}");
    assert!(wanted().contains("if1"), "{}", wanted());
    let deleted = BTreeSet::from([key.clone()]);
    a.tell("files", SourceEvent::Change { set: BTreeMap::new(), deleted, revision: 2 }).await;
    assert!(wanted().contains("if2"), "the second takes its place: {}", wanted());
    assert_eq!(a.statuses.get(&upper), None);
}

#[tokio::test(start_paused = true)]
async fn clients_state_values_with_labels() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd"]);
    a.tell("etcd", snapshot([mtu("if1", 1500)])).await;
    let grpc = || Identity::new("grpc", 200);
    let value = |name: &str, mtu| -> ModelValue {
        Interface { name: name.into(), mtu, ..Interface::default() }.into()
    };
    let labels = BTreeMap::from([("site".to_string(), "b".to_string())]);
    let items = vec![Item::Put(value("if1", 9000), labels.clone()), Item::Put(value("if2", 9000), labels)];
    let done = a.client.push(grpc(), items, false).await.unwrap();
    assert_eq!(done.iter().map(|status| status.state).collect::<Vec<_>>(), [State::Configured; 2]);
    assert_eq!(a.plane.mtus(), table([("if1", 9000), ("if2", 9000)]));
    assert_eq!(a.statuses.labels(&format!("{PREFIX}if2"))["site"], "b");

    let twice = vec![Item::Put(value("if3", 1), BTreeMap::new()), Item::Delete(format!("{PREFIX}if3"))];
    let error = a.client.push(grpc(), twice, false).await.unwrap_err();
    assert!(error.to_string().contains("if3 is given twice"), "{error}");

    // Only what this client stated goes.
    let done = a.client.push(grpc(), vec![Item::Put(value("if3", 1), BTreeMap::new())], true).await.unwrap();
    assert_eq!(done[0].state, State::Configured);
    assert_eq!(a.plane.mtus(), table([("if1", 1500), ("if3", 1)]));
    assert!(a.statuses.labels(&format!("{PREFIX}if1")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_there_is_no_southbound_the_states_say_so() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd"]);
    a.southbound.send(Southbound::Down("no VPP".into())).unwrap();
    a.tell("etcd", snapshot([mtu("if1", 1500)])).await;
    assert_eq!(a.state("if1").unwrap().0, State::Pending);
    assert_eq!(a.plane.calls(), [""; 0]);
    a.southbound.send(Southbound::Up(2)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(a.plane.mtus(), table([("if1", 1500)]));
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_it_lets_the_running_operation_end_and_starts_no_other() {
    let plane = Plane::default();
    let a = agent(&plane, Ledger::in_memory(), &["etcd"]);
    let go_on = Arc::new(Notify::new());
    *plane.slow.lock().unwrap() = Some(go_on.clone());
    let many = (0..1000).map(|i| mtu(&format!("if{i}"), 1500));
    a.tell("etcd", snapshot(many)).await;
    let running = plane.calls.lock().unwrap().len();
    assert!((1..1000).contains(&running), "{running}");
    a.stop.send(true).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!a.task.is_finished());
    for _ in 0..running {
        go_on.notify_one();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    a.task.await.unwrap();
    assert_eq!(plane.calls.lock().unwrap().len(), running);
    assert_eq!(plane.mtus().len(), running);
}

#[tokio::test(start_paused = true)]
async fn watchers_see_the_last_state_of_every_value() {
    let a = agent(&Plane::default(), Ledger::in_memory(), &["etcd"]);
    let mut watcher = a.statuses.watch();
    a.tell("etcd", snapshot([mtu("if1", 1500)])).await;
    let (key, _) = mtu("if2", 0);
    a.tell("etcd", set([(key, json!([]).into())])).await;
    let mut seen = BTreeMap::new();
    while let Ok(Some(changes)) = tokio::time::timeout(Duration::from_secs(1), watcher.next()).await {
        seen.extend(changes.into_iter().map(|(key, status)| (key.to_string(), status.unwrap().state)));
    }
    let expected = [("if1", State::Configured), ("if2", State::Invalid)];
    assert_eq!(seen, expected.map(|(name, state)| (format!("{PREFIX}{name}"), state)).into());
}
