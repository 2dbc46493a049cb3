//! Sources of wanted configuration behind one trait.
//!
//! A [`Source`] publishes a snapshot of everything that is wanted, then changes to it, over a channel. Watched files
//! ([`file::FileSource`]) are one kind of source; stores such as etcd, Redis and Consul have the same shape: list
//! everything at a revision, then follow the changes after it.
//!
//! Values are JSON and keys are text here. Which keys there are and what a value has to be is the models' matter.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

mod diff;
mod error;
pub mod file;

pub use diff::{Difference, difference};
pub use error::{Fault, Place, SourceError};

/// Events that may wait for the receiver before a source pauses.
const QUEUE: usize = 16;

/// A value as a source states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The value.
    pub value: serde_json::Value,
    /// Where it is stated, for messages: `file:line`, or the name of a store.
    pub place: String,
}

/// What a source publishes.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceEvent {
    /// Everything that is wanted. Comes first, and again whenever the source has lost track of changes (a store whose
    /// history was compacted): what is not in it is not wanted any more.
    Snapshot {
        /// Values by key.
        entries: BTreeMap<String, Entry>,
        /// Revision of the source: grows with every snapshot and change.
        revision: u64,
    },
    /// What has changed since the event before.
    Change {
        /// Values that are new or different.
        set: BTreeMap<String, Entry>,
        /// Keys that are gone.
        deleted: BTreeSet<String>,
        /// Revision of the source: grows with every snapshot and change.
        revision: u64,
    },
    /// The source cannot be read as a whole. Everything published before stays as it is; before the first snapshot it
    /// means that nothing is known, which is not the same as that nothing is wanted.
    Problem(SourceError),
    /// The problem published before is over and nothing has changed. (A snapshot or change after a problem says the
    /// same.)
    Recovered,
}

/// Future of a running source.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that states what is wanted, and tells when that changes.
///
/// The future returned by [`Source::run`] sends events until the receiver is dropped; it may also be dropped itself at
/// any time. Whatever goes wrong in between is an event and is tried again by the source: a source does not end by
/// itself.
pub trait Source: Send {
    /// Name for messages and metrics, such as `file /etc/vpp-agent/config.yaml`.
    fn name(&self) -> String;

    /// Runs the source: one snapshot, then changes and problems.
    fn run(self: Box<Self>, events: mpsc::Sender<SourceEvent>) -> Running;
}

/// A running source. Dropping it stops the source.
#[derive(Debug)]
pub struct Subscription {
    name: String,
    events: mpsc::Receiver<SourceEvent>,
    task: JoinHandle<()>,
}

impl Subscription {
    /// Name of the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next event; `None` only if the source has ended, which a sound source does not.
    ///
    /// Cancellation safe: a dropped call loses no event.
    pub async fn next(&mut self) -> Option<SourceEvent> {
        self.events.recv().await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a source as a task of the current tokio runtime.
pub fn subscribe(source: Box<dyn Source>) -> Subscription {
    let name = source.name();
    let (sender, events) = mpsc::channel(QUEUE);
    let task = tokio::spawn(source.run(sender));
    Subscription { name, events, task }
}
