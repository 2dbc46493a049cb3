//! Dependency graph and transactions over key-value configuration.
//!
//! A southbound (a data plane, a kernel) refuses what comes too early and keeps broken references to what goes too
//! early. The [`Scheduler`] takes values in any order, applies those that can be applied in the order that their
//! dependencies allow, remembers the others until they can be, takes things down before what they need goes, and says
//! why a value is in the state it is in. It knows nothing of the southbound: a [`Descriptor`] per kind of value does.
//!
//! A transaction is planned first, without touching anything, and then executed; both are in its [`Record`].
//! Independent operations run concurrently, and are still recorded in the order of the plan.

mod builder;
mod classify;
mod clock;
mod descriptor;
mod down;
mod erased;
mod error;
mod execute;
mod explain;
mod export;
mod graph;
mod group;
mod history;
mod keyset;
mod metadata;
mod node;
mod nodes;
mod plan;
mod record;
mod recording;
mod registry;
mod released;
mod replay;
mod resync;
mod scheduler;
mod service;
mod shared;
mod state;
mod steps;
mod transaction;
mod value;
mod view;
mod watch;

pub use builder::Builder;
pub use clock::{Clock, SystemClock, TokioClock};
pub use descriptor::{
    AnyOf, Believed, Dependency, Descriptor, Failure, Invalid, KeyPredicate, Retrieved, Target,
};
pub use error::{CommitError, QueueError};
pub use explain::{Status, Unmet};
pub use export::{GraphEdge, GraphFilter, GraphNode, GraphView, Relation};
pub use history::Event;
pub use metadata::{MetadataMap, MetadataWatcher};
pub use record::{Op, OpTime, Record, Unread};
pub use recording::{Codec, RecordingError};
pub use registry::{RegistryError, TwoOwners};
pub use replay::{Replay, Replayed};
pub use scheduler::{Ownership, Scheduler, Stop};
pub use service::{Handle, Ticket};
pub use state::{Operation, Origin, State};
pub use transaction::{Kind, Resync, RetryPolicy, Transaction};
pub use value::{AnyValue, Key, KeyValue, Value};
pub use view::View;
pub use watch::{Change, Watcher};
