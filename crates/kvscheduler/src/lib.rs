//! Dependency graph and transactions over key-value configuration.
//!
//! A southbound (a data plane, a kernel) refuses what comes too early and keeps broken references to what goes too
//! early. The [`Scheduler`] takes values in any order, applies those that can be applied in the order that their
//! dependencies allow, remembers the others until they can be, takes things down before what they need goes, and says
//! why a value is in the state it is in. It knows nothing of the southbound: a [`Descriptor`] per kind of value does.
//!
//! A transaction is planned first, without touching anything, and then executed; both are in its [`Record`].
//! Independent operations run concurrently, and are still recorded in the order of the plan.

mod classify;
mod clock;
mod descriptor;
mod erased;
mod execute;
mod explain;
mod graph;
mod metadata;
mod plan;
mod record;
mod registry;
mod released;
mod resync;
mod scheduler;
mod state;
mod steps;
mod transaction;
mod value;

pub use clock::{Clock, SystemClock};
pub use descriptor::{
    AnyOf, Believed, Dependency, Descriptor, Failure, Invalid, KeyPredicate, Retrieved, Target,
};
pub use explain::{Status, Unmet};
pub use metadata::MetadataMap;
pub use record::{Op, Record, Unread};
pub use registry::{RegistryError, TwoOwners};
pub use scheduler::{Builder, CommitError, Ownership, Scheduler};
pub use state::{Operation, Origin, State};
pub use transaction::{Kind, Resync, RetryPolicy, Transaction};
pub use value::{AnyValue, Key, KeyValue, Value};
