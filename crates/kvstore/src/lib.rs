//! Stores and files that state the wanted configuration.
//!
//! A [`Source`] publishes a snapshot of everything that is wanted, then changes to it, over a channel. Watched files
//! ([`file::FileSource`]) are one kind of source. A [`Store`] (etcd, Redis, Consul, the embedded one) can also be
//! written, and is a source through [`StoreSource`].
//!
//! Keys are text and values are JSON here, or bytes that are passed on. Which keys there are and what a value has to be
//! is the models' matter.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

mod backoff;
#[cfg(feature = "consul")]
pub mod consul;
mod diff;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
#[cfg(feature = "etcd")]
pub mod etcd;
mod exact;
mod feed;
#[cfg(feature = "files")]
pub mod file;
#[cfg(feature = "net")]
mod keep;
#[cfg(feature = "net")]
mod net;
#[cfg(feature = "redis")]
pub mod redis;
pub mod settings;
mod source;
mod store;
mod value;

pub use diff::{Difference, difference};
pub use error::{Fault, Place, SourceError, StoreError};
pub use feed::{Ended, Feed};
pub use source::StoreSource;
pub use store::{Compare, Item, Lifetime, Listing, Operation, Store, Transaction};
pub use value::{Decoder, Encoding, MAX_VALUE, Position, Value};

/// Events that may wait for the receiver before a source pauses.
const QUEUE: usize = 16;

/// A value and where it is stated.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// Where it is stated, for messages: `file:line`, or the name of a store with key and revision.
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
        /// False while something is stated that could never be read yet, such as in a file that has been broken since
        /// the start: what is not in it may be wanted, so nothing is to be removed. A complete snapshot follows.
        complete: bool,
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
    /// What is wrong with the source from now on, all of it: takes the place of the problem published before, and
    /// lasts until [`SourceEvent::Recovered`]. Everything published before stays as it is; before the first snapshot it
    /// means that nothing is known, which is not the same as that nothing is wanted.
    Problem(SourceError),
    /// Nothing is wrong any more.
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
