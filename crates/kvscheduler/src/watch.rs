//! Watching the states of values. Who is slow misses states in between, never the last one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::descriptor::KeyPredicate;
use crate::graph::Graph;
use crate::node::Node;
use crate::state::{Operation, State};
use crate::value::Key;

/// The state that a value has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which value.
    pub key: Key,
    /// Its state; nonexistent once nothing is known of it any more.
    pub state: State,
    /// The last operation on it.
    pub operation: Option<Operation>,
    /// Why the operation failed or was not run, or why the value was refused.
    pub error: Option<Arc<str>>,
}

impl Change {
    fn new(key: &Key, node: Option<&Node>) -> Self {
        Self {
            key: Key::clone(key),
            state: node.map_or(State::Nonexistent, |node| node.state),
            operation: node.and_then(|node| node.last),
            error: node.and_then(|node| node.error.clone()),
        }
    }
}

#[derive(Default)]
struct Waiting {
    changes: BTreeMap<Key, Change>,
    closed: bool,
}

struct Channel {
    filter: KeyPredicate,
    waiting: Mutex<Waiting>,
    told: Notify,
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the states of values as they change: see [`View::watch`](crate::View::watch).
pub struct Watcher {
    channel: Arc<Channel>,
}

impl Watcher {
    /// The values whose state changed since the last call, sorted by key, each with the state that it has now. The first
    /// call gives all. None: the scheduler is gone and all has been told.
    pub async fn next(&mut self) -> Option<Vec<Change>> {
        loop {
            {
                let mut waiting = self.channel.lock();
                if !waiting.changes.is_empty() {
                    return Some(std::mem::take(&mut waiting.changes).into_values().collect());
                }
                if waiting.closed {
                    return None;
                }
            }
            // One permit is kept for who does not wait yet.
            self.channel.told.notified().await;
        }
    }

    /// What [`next`](Self::next) would give now, without waiting.
    pub fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.channel.lock().changes).into_values().collect()
    }
}

#[derive(Default)]
pub(crate) struct Watchers {
    channels: Vec<Weak<Channel>>,
}

impl Watchers {
    pub(crate) fn add(&mut self, graph: &Graph, filter: KeyPredicate) -> Watcher {
        let known = graph.iter().filter(|(key, _)| filter(key));
        let changes = known.map(|(key, node)| (Key::clone(key), Change::new(key, Some(node)))).collect();
        let waiting = Mutex::new(Waiting { changes, closed: false });
        let channel = Arc::new(Channel { filter, waiting, told: Notify::new() });
        self.channels.push(Arc::downgrade(&channel));
        Watcher { channel }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Tells the state that a value has now.
    pub(crate) fn tell(&mut self, key: &Key, node: Option<&Node>) {
        self.channels.retain(|channel| {
            let Some(channel) = channel.upgrade() else { return false };
            if (channel.filter)(key) {
                channel.lock().changes.insert(Key::clone(key), Change::new(key, node));
                channel.told.notify_one();
            }
            true
        });
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        for channel in self.channels.iter().filter_map(Weak::upgrade) {
            channel.lock().closed = true;
            channel.told.notify_one();
        }
    }
}
