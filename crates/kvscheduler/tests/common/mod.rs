//! A southbound in memory that refuses what comes too early or goes too early, and toy descriptors for it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub mod codec;

use async_trait::async_trait;
use kvscheduler::*;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Item {
    pub text: String,
    pub needs: Vec<String>,
    pub any_of: Vec<String>,
    pub derived: Vec<(String, Item)>,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub fn item(text: &str) -> Item {
    Item { text: text.into(), ..Item::default() }
}

impl Item {
    pub fn needs(mut self, key: impl Into<String>) -> Self {
        self.needs.push(key.into());
        self
    }
    pub fn any_of(mut self, prefix: &str) -> Self {
        self.any_of.push(prefix.into());
        self
    }
    pub fn derives(mut self, key: &str, item: Item) -> Self {
        self.derived.push((key.into(), item));
        self
    }
}

#[derive(Default)]
pub struct Plane {
    pub values: BTreeMap<String, Item>,
    pub indexes: BTreeMap<String, u32>,
    pub parents: BTreeMap<String, String>,
    pub calls: Vec<String>,
    pub violations: Vec<String>,
    /// Operations that fail, as `CREATE key`, with how often.
    pub failing: BTreeMap<String, u32>,
    pub unreadable: BTreeSet<String>,
    /// The southbound has nothing to do values with this prefix with.
    pub lacks: Option<String>,
    /// The next operations that fail, whatever they are.
    pub fail_next: u32,
    /// The operation of this number fails, counted from the first.
    pub fail_at: Option<usize>,
    /// What fails is done all the same.
    pub treacherous: bool,
    /// How long everything takes.
    pub latency: Option<Duration>,
    /// Values of somebody else.
    pub foreign: BTreeSet<String>,
    /// For each value those that it needs and that need it, which cannot all be there first.
    pub circles: BTreeMap<String, BTreeSet<String>>,
    /// How many operations there were.
    pub count: usize,
    /// The connection breaks after so many calls.
    pub lose_after: Option<usize>,
    pub next_index: u32,
    pub running: usize,
    pub most_running: usize,
}

#[derive(Clone, Default)]
pub struct Southbound(Arc<Mutex<Plane>>);

impl Southbound {
    pub fn lock(&self) -> MutexGuard<'_, Plane> {
        self.0.lock().unwrap()
    }
    pub fn fail(&self, call: &str, times: u32) {
        self.lock().failing.insert(call.into(), times);
    }
    pub fn values(&self) -> BTreeMap<String, Item> {
        self.lock().values.clone()
    }
    pub fn keys(&self) -> Vec<String> {
        self.lock().values.keys().cloned().collect()
    }
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }
    /// Everything is gone, as after a restart.
    pub fn wipe(&self) {
        let mut plane = self.lock();
        plane.values.clear();
        plane.indexes.clear();
        plane.parents.clear();
        plane.next_index += 1000;
    }
    /// Takes the time that an operation takes.
    async fn work(&self) {
        let latency = {
            let mut plane = self.lock();
            plane.running += 1;
            plane.most_running = plane.most_running.max(plane.running);
            plane.latency
        };
        match latency {
            Some(latency) => tokio::time::sleep(latency).await,
            None => tokio::task::yield_now().await,
        }
        self.lock().running -= 1;
    }
    pub fn assert_sound(&self) {
        assert_eq!(self.lock().violations, Vec::<String>::new());
    }
}

impl Plane {
    fn call(&mut self, operation: &str, key: &str) -> Result<(), Failure> {
        if let Some(left) = &mut self.lose_after {
            if *left == 0 {
                return Err(Failure::lost("connection reset"));
            }
            *left -= 1;
        }
        let call = format!("{operation} {key}");
        if self.lacks.as_ref().is_some_and(|prefix| key.starts_with(prefix.as_str())) {
            return Err(Failure::unimplemented(format!("{call}: the plugin is not loaded")));
        }
        self.calls.push(call.clone());
        let number = self.count;
        self.count += 1;
        if operation != "CREATE" && self.foreign.contains(key) {
            self.violations.push(format!("{call}: is somebody else's"));
        }
        let fails = if self.fail_at == Some(number) {
            true
        } else if self.fail_next > 0 {
            self.fail_next -= 1;
            true
        } else {
            let times = self.failing.get_mut(&call).filter(|times| **times > 0);
            times.map(|times| *times -= 1).is_some()
        };
        if fails { Err(Failure::new(format!("{call}: retval -1 (UNSPECIFIED)"))) } else { Ok(()) }
    }
    fn met(&self, key: &str, item: &Item) -> bool {
        let circle = self.circles.get(key);
        let tolerated = |other: &str| circle.is_some_and(|circle| circle.contains(other));
        item.needs
            .iter()
            .all(|need| need.starts_with("prop/") || self.values.contains_key(need) || tolerated(need))
            && item.any_of.iter().all(|prefix| {
                let mut there =
                    self.values.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(prefix));
                there.any(|(other, _)| other != key)
                    || circle.is_some_and(|circle| circle.iter().any(|other| other.starts_with(prefix)))
            })
    }
    /// The values that lack what they need.
    fn broken(&self) -> Vec<String> {
        self.values.iter().filter(|(key, item)| !self.met(key, item)).map(|(key, _)| key.clone()).collect()
    }
}

pub struct Toy {
    pub name: &'static str,
    pub prefix: &'static str,
    pub southbound: Southbound,
    pub in_place: bool,
    pub readable: bool,
    pub after: Vec<String>,
    /// Checking everything after each call is quadratic.
    pub check: bool,
    pub examples: Vec<(String, Item)>,
    pub properties: Vec<String>,
}

pub fn toy(name: &'static str, prefix: &'static str, southbound: &Southbound) -> Toy {
    Toy {
        name,
        prefix,
        southbound: southbound.clone(),
        in_place: true,
        readable: true,
        after: Vec::new(),
        check: true,
        examples: Vec::new(),
        properties: Vec::new(),
    }
}

#[async_trait]
impl Descriptor for Toy {
    type Value = Item;
    type Metadata = u32;

    fn name(&self) -> &str {
        self.name
    }
    fn owns(&self, key: &str) -> bool {
        key.starts_with(self.prefix)
    }
    fn label(&self, key: &str) -> String {
        key.trim_start_matches(self.prefix).to_owned()
    }
    fn validate(&self, _key: &str, value: &Item) -> Result<(), Invalid> {
        if value.text.contains("bad") { Err(Invalid::new(["text"], "is bad")) } else { Ok(()) }
    }
    fn equivalent(&self, _key: &str, old: &Item, new: &Item) -> bool {
        old.text == new.text && old.needs == new.needs && old.any_of == new.any_of
    }
    fn derived(&self, _key: &str, value: &Item) -> Vec<KeyValue> {
        value.derived.iter().map(|(key, item)| KeyValue::new(key.as_str(), item.clone())).collect()
    }
    fn dependencies(&self, _key: &str, value: &Item) -> Vec<Dependency> {
        let keys = value.needs.iter().map(|key| Dependency::key("need", key.as_str()));
        let any = value.any_of.iter().map(|prefix| Dependency::any_of("any", [prefix.as_str()]));
        keys.chain(any).collect()
    }
    async fn create(&self, key: &str, value: &Item) -> Result<u32, Failure> {
        self.southbound.work().await;
        let mut plane = self.southbound.lock();
        let answer = plane.call("CREATE", key);
        if answer.as_ref().is_err_and(|failure| failure.lost || !plane.treacherous) {
            return Err(answer.unwrap_err());
        }
        if plane.values.contains_key(key) && answer.is_ok() {
            plane.violations.push(format!("CREATE {key}: exists"));
        }
        if !plane.met(key, value) {
            plane.violations.push(format!("CREATE {key}: too early"));
        }
        plane.next_index += 1;
        let index = plane.next_index;
        plane.values.insert(key.into(), value.clone());
        plane.indexes.insert(key.into(), index);
        for (child, _) in &value.derived {
            plane.parents.insert(child.clone(), key.into());
        }
        answer.map(|()| index)
    }
    async fn update(&self, key: &str, _: &Item, new: &Item, metadata: &u32) -> Result<u32, Failure> {
        self.southbound.work().await;
        let mut plane = self.southbound.lock();
        let answer = plane.call("UPDATE", key);
        if answer.as_ref().is_err_and(|failure| failure.lost || !plane.treacherous) {
            return Err(answer.unwrap_err());
        }
        if plane.indexes.get(key) != Some(metadata) {
            plane.violations.push(format!("UPDATE {key}: wrong metadata"));
        }
        if !plane.met(key, new) {
            plane.violations.push(format!("UPDATE {key}: too early"));
        }
        plane.values.insert(key.into(), new.clone());
        for (child, _) in &new.derived {
            plane.parents.insert(child.clone(), key.into());
        }
        answer.map(|()| *metadata)
    }
    fn recreate(&self, _: &str, _: &Item, _: &Item) -> bool {
        !self.in_place
    }
    async fn delete(&self, key: &str, _: &Item, metadata: &u32) -> Result<(), Failure> {
        self.southbound.work().await;
        let mut plane = self.southbound.lock();
        let answer = plane.call("DELETE", key);
        if answer.as_ref().is_err_and(|failure| failure.lost || !plane.treacherous) {
            return Err(answer.unwrap_err());
        }
        if self.readable && plane.indexes.get(key) != Some(metadata) {
            plane.violations.push(format!("DELETE {key}: wrong metadata"));
        }
        let before = if self.check { plane.broken() } else { Vec::new() };
        plane.values.remove(key);
        plane.indexes.remove(key);
        let after = if self.check { plane.broken() } else { Vec::new() };
        for left in after.iter().filter(|left| !before.contains(left)) {
            plane.violations.push(format!("DELETE {key}: {left} is left without what it needs"));
        }
        answer
    }
    async fn retrieve(&self, _: &[Believed<'_, Item>]) -> Result<Option<Vec<Retrieved<Item, u32>>>, Failure> {
        if !self.readable {
            return Ok(None);
        }
        let plane = self.southbound.lock();
        if plane.lose_after == Some(0) {
            return Err(Failure::lost("connection reset"));
        }
        if plane.unreadable.contains(self.name) {
            return Err(Failure::new("dump failed"));
        }
        let mut found = Vec::new();
        for (key, item) in plane.values.iter().filter(|(key, _)| key.starts_with(self.prefix)) {
            let mut value = item.clone();
            // As a data plane shows it: with the parts that are there, and no others.
            value.derived.retain(|(child, _)| child.starts_with("prop/"));
            value.derived.extend(
                plane
                    .values
                    .iter()
                    .filter(|(child, _)| plane.parents.get(*child) == Some(key))
                    .map(|(child, item)| (child.clone(), item.clone())),
            );
            let metadata = plane.indexes.get(key).copied().unwrap_or_default();
            found.push(Retrieved { key: key.clone(), value, metadata, origin: Origin::Unknown });
        }
        Ok(Some(found))
    }
    fn retrieve_after(&self) -> Vec<String> {
        self.after.clone()
    }
    fn examples(&self) -> Vec<(String, Item)> {
        self.examples.clone()
    }
    fn properties(&self) -> Vec<String> {
        self.properties.clone()
    }
}

/// The titles and keys of operations: `CREATE [NOOP IS-PENDING] key`.
pub fn titles(ops: &[Op]) -> Vec<String> {
    ops.iter().map(|op| format!("{} {}", op.title(), op.key)).collect()
}

pub async fn run(scheduler: &mut Scheduler, transaction: Transaction) -> Vec<String> {
    let record = scheduler.commit(transaction).await.unwrap();
    titles(&record.executed)
}

/// As `run`, where planned and executed must be the same.
pub async fn run_well(scheduler: &mut Scheduler, transaction: Transaction) -> Vec<String> {
    let record = scheduler.commit(transaction).await.unwrap();
    let text = |ops: &[Op]| ops.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(text(&record.planned), text(&record.executed));
    titles(&record.executed)
}

/// Notes for each value those in a circle of needs with it, over all these values.
pub fn note_circles<'a>(southbound: &Southbound, all: impl IntoIterator<Item = (&'a String, &'a Item)>) {
    let mut needs: BTreeMap<String, Vec<(bool, String)>> = BTreeMap::new();
    let mut stack: Vec<(String, Item)> =
        all.into_iter().map(|(key, item)| (key.clone(), item.clone())).collect();
    while let Some((key, item)) = stack.pop() {
        let edges = needs.entry(key.clone()).or_default();
        edges.extend(item.needs.iter().map(|need| (false, need.clone())));
        edges.extend(item.any_of.iter().map(|prefix| (true, prefix.clone())));
        for (child, item) in item.derived {
            needs.entry(child.clone()).or_default().push((false, key.clone()));
            stack.push((child, item));
        }
    }
    let next = |key: &String| -> Vec<String> {
        let edges = needs.get(key).into_iter().flatten();
        edges
            .flat_map(|(any, to)| match any {
                false => vec![to.clone()],
                true => needs.keys().filter(|key| key.starts_with(to)).cloned().collect(),
            })
            .collect()
    };
    let reach = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut stack = next(from);
        while let Some(key) = stack.pop() {
            if seen.insert(key.clone()) {
                stack.extend(next(&key));
            }
        }
        seen
    };
    let reached: BTreeMap<String, BTreeSet<String>> =
        needs.keys().map(|key| (key.clone(), reach(key))).collect();
    let back = |key: &String, other: &String| reached.get(other).is_some_and(|keys| keys.contains(key));
    southbound.lock().circles = reached
        .iter()
        .map(|(key, others)| (key.clone(), others.iter().filter(|other| back(key, other)).cloned().collect()))
        .collect();
}
