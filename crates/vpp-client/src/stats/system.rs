//! What VPP tells of itself.

use std::collections::BTreeMap;

use super::layout::Kind;
use super::value::Value;
use super::view::Fault;
use super::{Snapshot, Stats, StatsError};

/// What VPP tells of itself. `None` is what this release does not tell. Updated with the heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Counts the updates.
    pub heartbeat: Option<u64>,
    /// Packets for each call of a node, on average, rounded down.
    pub vector_rate: Option<u64>,
    /// The same for each thread, the main thread first.
    pub vector_rate_per_thread: Vec<u64>,
    /// Rounds of the main loop in a second, for each thread; from 22.10.
    pub loops_per_thread: Vec<u64>,
    /// Packets that were received in a second.
    pub input_rate: Option<u64>,
    /// When it was updated, in seconds since VPP started: how long VPP has been up.
    pub last_update: Option<u64>,
    /// When run-time statistics were cleared, in seconds since VPP started.
    pub last_stats_clear: Option<u64>,
    /// When VPP started, in seconds since 1970; from 23.02.
    pub boottime: Option<u64>,
    /// Threads beside the main one; from 19.04.2.
    pub num_worker_threads: Option<u64>,
}

/// Buffers of a pool; from 19.04.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BufferPool {
    /// Its name: `default-numa-0`.
    pub name: String,
    /// Buffers kept by threads.
    pub cached: u64,
    /// Buffers that carry packets.
    pub used: u64,
    /// Buffers left.
    pub available: u64,
}

/// Bytes of a heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// Its name: `main heap`; up to 21.01 there is only `statseg`.
    pub name: String,
    /// All.
    pub total: u64,
    /// Those in use.
    pub used: u64,
    /// The rest; up to 21.01 it is not told.
    pub free: Option<u64>,
}

impl Stats {
    /// What VPP tells of itself.
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn system(&mut self) -> Result<System, StatsError> {
        self.consistent(|snapshot| snapshot.system())
    }

    /// The buffer pools, by name.
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn buffer_pools(&mut self) -> Result<Vec<BufferPool>, StatsError> {
        self.consistent(|snapshot| snapshot.buffer_pools())
    }

    /// The heaps, by name; from 19.08.
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn memory(&mut self) -> Result<Vec<Heap>, StatsError> {
        self.consistent(|snapshot| snapshot.memory())
    }
}

impl Snapshot<'_> {
    fn system(&self) -> Result<System, Fault> {
        let value = |name: &str| match self.directory.find(name) {
            Some(entry) => self.lenient(self.value(entry)).map(Some),
            None => Ok(None),
        };
        let scalar = |name| {
            value(name).map(|value| match value {
                Some(Value::Scalar(number)) => Some(number),
                _ => None,
            })
        };
        let num_worker_threads = scalar("/sys/num_worker_threads")?;
        let workers = num_worker_threads.and_then(|workers| usize::try_from(workers).ok());
        // From 22.06 the vector has an element more than there are threads.
        let threads = workers.map_or(usize::MAX, |workers| workers.saturating_add(1));
        // A vector of one element for each thread, and from 22.06 one vector for all.
        let per_thread = |name| {
            value(name).map(|value| match value {
                Some(Value::Simple(vectors)) => vectors.into_iter().flatten().take(threads).collect(),
                _ => Vec::new(),
            })
        };
        Ok(System {
            heartbeat: scalar("/sys/heartbeat")?,
            vector_rate: scalar("/sys/vector_rate")?,
            vector_rate_per_thread: per_thread("/sys/vector_rate_per_worker")?,
            loops_per_thread: per_thread("/sys/loops_per_worker")?,
            input_rate: scalar("/sys/input_rate")?,
            last_update: scalar("/sys/last_update")?,
            last_stats_clear: scalar("/sys/last_stats_clear")?,
            boottime: scalar("/sys/boottime")?,
            num_worker_threads,
        })
    }

    fn buffer_pools(&self) -> Result<Vec<BufferPool>, Fault> {
        let mut pools: BTreeMap<&str, BufferPool> = BTreeMap::new();
        for entry in self.directory.entries() {
            let parts = entry.name.strip_prefix("/buffer-pools/").and_then(|name| name.rsplit_once('/'));
            let Some((name, what)) = parts else { continue };
            let Value::Scalar(value) = self.lenient(self.value(entry))? else { continue };
            let pool = pools
                .entry(name)
                .or_insert_with(|| BufferPool { name: name.to_string(), ..BufferPool::default() });
            match what {
                "cached" => pool.cached = value,
                "used" => pool.used = value,
                "available" => pool.available = value,
                _ => {}
            }
        }
        Ok(pools.into_values().collect())
    }

    fn memory(&self) -> Result<Vec<Heap>, Fault> {
        let mut heaps: BTreeMap<&str, Heap> = BTreeMap::new();
        for entry in self.directory.entries() {
            let Some(name) = entry.name.strip_prefix("/mem/") else { continue };
            match entry.kind {
                // From 21.06 a heap is a vector. Symlinks name its elements; those of 22.06 have used and total the wrong
                // way round, so that the vector itself is read (`vlib/stats/provider_mem.c`).
                Kind::Simple => {
                    let Value::Simple(threads) = self.lenient(self.value(entry))? else { continue };
                    let mut values = threads.into_iter().flatten();
                    let (Some(total), Some(used), free) = (values.next(), values.next(), values.next())
                    else {
                        continue;
                    };
                    heaps.insert(name, Heap { name: name.to_string(), total, used, free });
                }
                Kind::Scalar => {
                    let Some((name, what)) = name.rsplit_once('/') else { continue };
                    let Value::Scalar(value) = self.value(entry)? else { continue };
                    let heap = heaps
                        .entry(name)
                        .or_insert_with(|| Heap { name: name.to_string(), ..Heap::default() });
                    match what {
                        "total" => heap.total = value,
                        "used" => heap.used = value,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Ok(heaps.into_values().collect())
    }
}
