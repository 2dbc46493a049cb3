//! A southbound that answers at once, or after a while, and values that look like those of a router.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use kvscheduler::*;
use nix::time::{ClockId, clock_gettime};

/// A value of the size of a small message.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Changes make it differ.
    pub version: u64,
    /// A dependency.
    pub needs: Option<Key>,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version:{}", self.version)
    }
}

/// Configures in no time, or in this time.
pub struct Instantly(pub Option<Duration>);

#[async_trait]
impl Descriptor for Instantly {
    type Value = Item;
    type Metadata = u32;

    fn name(&self) -> &str {
        "item"
    }
    fn owns(&self, key: &str) -> bool {
        key.starts_with("config/vpp/v2/item/")
    }
    fn dependencies(&self, _key: &str, value: &Item) -> Vec<Dependency> {
        value.needs.iter().map(|key| Dependency::key("item", Key::clone(key))).collect()
    }
    fn recreate(&self, _: &str, _: &Item, _: &Item) -> bool {
        false
    }
    async fn create(&self, _: &str, _: &Item) -> Result<u32, Failure> {
        if let Some(time) = self.0 {
            tokio::time::sleep(time).await;
        }
        Ok(1)
    }
    async fn update(&self, _: &str, _: &Item, _: &Item, metadata: &u32) -> Result<u32, Failure> {
        Ok(*metadata)
    }
    async fn delete(&self, _: &str, _: &Item, _: &u32) -> Result<(), Failure> {
        Ok(())
    }
}

pub fn key(i: usize) -> Key {
    format!("config/vpp/v2/item/loopback-{i:07}").into()
}

pub fn item(version: u64) -> Item {
    Item { version, needs: None }
}

pub fn scheduler(latency: Option<Duration>) -> Scheduler {
    Scheduler::builder().register_private(Instantly(latency)).history(0).value_history(0).build().unwrap()
}

pub fn independent(range: std::ops::Range<usize>) -> Transaction {
    range.fold(Transaction::change(), |txn, i| txn.set(key(i), item(0)))
}

/// Each needs the one after it, so that in the order of keys everything waits for the last.
pub fn chain(n: usize) -> Transaction {
    (0..n).fold(Transaction::change(), |txn, i| {
        txn.set(key(i), Item { version: 0, needs: (i + 1 < n).then(|| key(i + 1)) })
    })
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// The time that this thread has run: what else the machine does is left out.
#[derive(Clone, Copy)]
pub struct Cpu;

impl Cpu {
    pub fn used() -> Duration {
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
    }
}
