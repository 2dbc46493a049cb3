//! Merges what sources state and how the southbound stands into scheduler transactions.
//!
//! ```text
//! sources: key, place, JSON --parse--> items --merge by priority--> change/resync --> scheduler
//! clients: values, labels -------------^                                 ^
//! southbound: up(n) / down --------------------------resync / park-------+
//! ```
//!
//! Nothing here knows VPP: the southbound is up or down.

mod client;
mod ledger;
mod merge;
mod run;
mod stated;
mod status;

pub use client::{Client, ClientError, Item};
pub use ledger::{Ledger, LedgerError};
pub use merge::Identity;
pub use run::{Orchestrator, Report};
pub use stated::{Fault, Labels, NOT_CONFIGURATION};
pub use status::{SourceState, StatusWatcher, Statuses, ValueStatus};

/// How the southbound stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Southbound {
    /// Nothing can be configured; why.
    Down(String),
    /// It can be configured. The number counts its connections: each new one has to be compared with what is wanted.
    Up(u64),
}
