//! A simulated VPP, and an agent without sources: a scheduler with all descriptors over a connection.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use descriptors::{Defaults, Indexes, Southbound, States};
use kvscheduler::{Op, Record, Resync, RetryPolicy, Scheduler, State, Transaction};
use models::{ModelMessage, ModelValue, ModelVisitor, Registry};
use serde_json::Value;
use vpp_client::Client;
use vpp_sim::{Options, Release, Running, Sim};
use vppcalls::Handlers;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// One of each generation of the API.
pub const RELEASES: [&str; 6] = ["18.10", "20.01", "20.05", "21.06", "23.06", "26.06"];

pub fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json")
}

pub fn options() -> Options {
    Options::new(api_json())
}

/// Runs a future to its end; one that does not come to it fails.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("it ends") })
}

/// A simulated VPP in a folder of its own.
pub struct Vpp {
    _folder: tempfile::TempDir,
    pub running: Running,
}

impl Vpp {
    pub fn new(release: &str) -> Self {
        Self::with(release, options())
    }

    pub fn with(release: &str, options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let release = Release::parse(release).expect("a release");
        let sim = Sim::new(release, options).expect("a simulated VPP");
        let running = sim.serve(folder.path().join("api.sock")).expect("serves");
        Self { _folder: folder, running }
    }

    /// Another VPP at the same place, with everything loaded.
    pub fn restarted(self, release: &str) -> Self {
        let release = Release::parse(release).expect("a release");
        let Self { _folder, running } = self;
        Self { _folder, running: running.restart_as(release, options()).expect("serves") }
    }

    pub async fn connect(&self) -> (Client, Handlers) {
        observer::connect(self.running.path()).await
    }

    /// Everything that can be told of it, without numbers that only count.
    pub async fn picture(&self) -> BTreeMap<String, String> {
        let (client, calls) = self.connect().await;
        let picture = observer::picture(&calls).await;
        client.close().await;
        picture
    }

    /// Makes what is somebody else's.
    pub async fn make_foreign(&self) {
        let (client, calls) = self.connect().await;
        observer::make_foreign(&calls).await;
        client.close().await;
    }
}

/// A value of a model, from JSON.
pub fn value(model: &str, json: &Value) -> ModelValue {
    let registry = Registry::builtin().expect("models");
    let model = registry.by_name(model).unwrap_or_else(|| panic!("no model {model}"));
    model.decode(json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

struct Set(Transaction, String);

impl ModelVisitor for Set {
    type Output = Transaction;

    fn visit<M: ModelMessage>(self, value: M) -> Transaction {
        self.0.set(self.1, value)
    }
}

pub fn set(transaction: Transaction, value: ModelValue) -> Transaction {
    let key = value.key();
    value.visit(Set(transaction, key))
}

/// A scheduler with all descriptors, connected.
pub struct Agent {
    pub scheduler: Scheduler,
    pub southbound: Southbound,
    client: Client,
    states: States,
}

impl Agent {
    pub async fn new(vpp: &Vpp) -> Self {
        Self::owning(vpp, |_| false).await
    }

    /// One that knows what an earlier run has made.
    pub async fn owning(vpp: &Vpp, is_ours: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::with(vpp, is_ours, Defaults::default()).await
    }

    pub async fn with(
        vpp: &Vpp,
        is_ours: impl Fn(&str) -> bool + Send + Sync + 'static,
        defaults: Defaults,
    ) -> Self {
        let (southbound, indexes) = (Southbound::default(), Indexes::default());
        let policy = RetryPolicy { period: Duration::ZERO, max_count: 5, ..RetryPolicy::default() };
        let builder = descriptors::register(Scheduler::builder(), &southbound, &indexes, defaults)
            .ownership(is_ours)
            .retry(policy);
        let scheduler = builder.build().unwrap_or_else(|e| panic!("{e}"));
        let states = States::new(&southbound, &indexes);
        let (client, handlers) = vpp.connect().await;
        southbound.set(Some(handlers));
        Self { scheduler, southbound, client, states }
    }

    /// Connects anew, as after a loss.
    pub async fn reconnect(&mut self, vpp: &Vpp) {
        self.southbound.set(None);
        let (client, handlers) = vpp.connect().await;
        std::mem::replace(&mut self.client, client).close().await;
        self.southbound.set(Some(handlers));
    }

    pub async fn close(self) {
        self.client.close().await;
    }

    pub async fn commit(&mut self, transaction: Transaction) -> Arc<Record> {
        let record = self.scheduler.commit(transaction).await.unwrap_or_else(|e| panic!("{e}"));
        self.settle().await;
        record
    }

    /// What comes by itself next.
    pub async fn next(&mut self) -> Option<Transaction> {
        self.states.next().await
    }

    /// Takes what comes by itself, until nothing does.
    pub async fn settle(&mut self) {
        while let Ok(Some(told)) = tokio::time::timeout(Duration::from_millis(60), self.states.next()).await {
            self.scheduler.commit(told).await.unwrap_or_else(|e| panic!("{e}"));
        }
    }

    pub async fn change(&mut self, values: impl IntoIterator<Item = ModelValue>) -> Arc<Record> {
        self.commit(values.into_iter().fold(Transaction::change(), set)).await
    }

    pub async fn delete<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>) -> Arc<Record> {
        self.commit(keys.into_iter().fold(Transaction::change(), |t, key| t.delete(key))).await
    }

    pub async fn resync(&mut self, values: impl IntoIterator<Item = ModelValue>) -> Arc<Record> {
        self.commit(values.into_iter().fold(Transaction::resync(Resync::Full), set)).await
    }

    /// The states of all values that are not as they should be.
    pub fn unwell(&self) -> Vec<String> {
        let well = [State::Configured, State::Obtained];
        let unwell = self.scheduler.dump().into_iter().filter(|status| !well.contains(&status.state));
        unwell.map(|status| status.to_string()).collect()
    }

    pub fn state(&self, key: &str) -> Option<State> {
        self.scheduler.status(key).map(|status| status.state)
    }
}

/// What was done to VPP, as text.
pub fn done(record: &Record) -> Vec<String> {
    let real = |op: &&Op| !op.noop || op.error.is_some();
    record.executed.iter().filter(real).map(ToString::to_string).collect()
}

/// What a panic said.
pub fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_string(),
        (None, None) => "it panicked".to_string(),
    }
}

/// Does something with each, several at once; gives what went wrong, in order.
pub fn at_once<T: Sync>(threads: usize, all: &[T], act: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(one) = all.get(at) else { return };
                    if let Some(why) = act(one) {
                        failed.lock().expect("no panic holds it").insert(at, why);
                    }
                }
            });
        }
    });
    failed.into_inner().expect("no panic holds it").into_values().collect()
}

/// All values of `configuration.json`.
pub fn everything(_release: &str) -> Vec<ModelValue> {
    let list: Value = serde_json::from_str(include_str!("../configuration.json")).expect("JSON");
    let list = list.as_array().expect("a list");
    list.iter().map(|stated| value(stated["model"].as_str().expect("a model"), &stated["json"])).collect()
}

/// Both have the same; told is only what differs.
#[track_caller]
pub fn assert_same(found: &BTreeMap<String, String>, expected: &BTreeMap<String, String>) {
    assert!(found == expected, "{}", observer::differences(found, expected));
}
