//! Counters of graph nodes: errors, and what they have done.

use super::interfaces::at;
use super::layout::Kind;
use super::value::{self, Value};
use super::view::Fault;
use super::{Snapshot, Stats, StatsError};

/// Where error counters are.
const ERRORS: &str = "/err/";

/// An error counter of a node. Not all count errors: nodes count what they please.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounter {
    /// The node.
    pub node: String,
    /// What it counts, in VPP's words.
    pub reason: String,
    /// Its value on each thread. Up to 19.04 there is one value.
    pub threads: Vec<u64>,
}

impl ErrorCounter {
    /// The sum over all threads.
    pub fn total(&self) -> u64 {
        self.threads.iter().fold(0, |sum, value| sum.wrapping_add(*value))
    }
}

/// What a node has done on one thread, or on all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeValues {
    /// Clock cycles spent.
    pub clocks: u64,
    /// Packets, or events of a process.
    pub vectors: u64,
    /// Times it was called.
    pub calls: u64,
    /// Times a process waited.
    pub suspends: u64,
}

/// What a node has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCounters {
    /// Its index.
    pub index: u32,
    /// Its name; `None` before 19.04.
    pub name: Option<String>,
    /// What it did on each thread. From 21.06 VPP has a thread too many here, which did nothing.
    pub threads: Vec<NodeValues>,
}

impl NodeCounters {
    /// The sum over all threads.
    pub fn total(&self) -> NodeValues {
        self.threads.iter().fold(NodeValues::default(), |sum, thread| NodeValues {
            clocks: sum.clocks.wrapping_add(thread.clocks),
            vectors: sum.vectors.wrapping_add(thread.vectors),
            calls: sum.calls.wrapping_add(thread.calls),
            suspends: sum.suspends.wrapping_add(thread.suspends),
        })
    }
}

impl Stats {
    /// All error counters, in the order of the directory, zeros included.
    ///
    /// # Errors
    /// The segment or an error counter cannot be read.
    pub fn error_counters(&mut self) -> Result<Vec<ErrorCounter>, StatsError> {
        self.consistent(|snapshot| snapshot.error_counters())
    }

    /// What nodes have done, by index, updated with the heartbeat. Empty unless VPP was started with
    /// `statseg { per-node-counters on }`.
    ///
    /// # Errors
    /// The segment or a node counter cannot be read.
    pub fn node_counters(&mut self) -> Result<Vec<NodeCounters>, StatsError> {
        self.consistent(|snapshot| snapshot.node_counters())
    }
}

impl Snapshot<'_> {
    fn error_counters(&self) -> Result<Vec<ErrorCounter>, Fault> {
        let mut counters = Vec::new();
        for entry in self.directory.entries() {
            if !matches!(entry.kind, Kind::ErrorIndex | Kind::Symlink) {
                continue;
            }
            // Names of nodes have no slash; what is counted may have.
            let Some((node, reason)) = entry.name.strip_prefix(ERRORS).and_then(|n| n.split_once('/')) else {
                continue;
            };
            if let Value::Counter(threads) = self.value(entry)? {
                counters.push(ErrorCounter { node: node.to_string(), reason: reason.to_string(), threads });
            }
        }
        Ok(counters)
    }

    fn node_counters(&self) -> Result<Vec<NodeCounters>, Fault> {
        let read = |name| match self.raw(name, Kind::Simple)? {
            Some(raw) => value::simple(&self.view, &raw),
            None => Ok(Vec::new()),
        };
        let clocks = read("/sys/node/clocks")?;
        let vectors = read("/sys/node/vectors")?;
        let calls = read("/sys/node/calls")?;
        let suspends = read("/sys/node/suspends")?;
        let names = match self.raw("/sys/node/names", Kind::Names)? {
            Some(raw) => self.view.names(&raw)?,
            None => Vec::new(),
        };
        let all = [&clocks, &vectors, &calls, &suspends];
        let threads = all.iter().map(|threads| threads.len()).max().unwrap_or(0);
        // Where there are names, what has none is no node; there is one such element at the end up to 19.04.
        let longest = all.iter().flat_map(|threads| threads.iter().map(Vec::len)).max().unwrap_or(0);
        let nodes = if names.is_empty() { longest } else { names.len() };
        let values = |index: u32, thread: usize| NodeValues {
            clocks: at(&clocks, thread, index),
            vectors: at(&vectors, thread, index),
            calls: at(&calls, thread, index),
            suspends: at(&suspends, thread, index),
        };
        let named = !names.is_empty();
        let names = names.into_iter().chain(std::iter::repeat(None)).take(nodes);
        let nodes = (0..).zip(names).filter(|(_, name)| name.is_some() || !named);
        let of = |(index, name)| NodeCounters {
            index,
            name,
            threads: (0..threads).map(|thread| values(index, thread)).collect(),
        };
        Ok(nodes.map(of).collect())
    }
}
