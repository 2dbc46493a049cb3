//! Merges what sources state and how the southbound stands into scheduler transactions.
//!
//! ```text
//! source: file:line, JSON --parse--> wanted values --change/resync--> scheduler
//! southbound: up(n) / down ----------------------------resync / park--^
//! ```
//!
//! Nothing here knows VPP: the southbound is up or down.

mod ledger;
mod run;
mod wanted;

pub use ledger::{Ledger, LedgerError};
pub use run::{Orchestrator, Report};
pub use wanted::{Rejected, Wanted};

/// How the southbound stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Southbound {
    /// Nothing can be configured; why.
    Down(String),
    /// It can be configured. The number counts its connections: each new one has to be compared with what is wanted.
    Up(u64),
}
