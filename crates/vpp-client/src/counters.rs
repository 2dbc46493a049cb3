//! What VPP sent that nobody could use: counted by kind, logged once for each.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of message that is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// Shorter than its number or its context.
    Short,
    /// Of a number that answers nothing that was asked, and that nobody subscribed to.
    Unasked,
    /// With a context that nobody waits for: late, or made up.
    Unawaited,
    /// With bytes behind its last field.
    OverLong,
    /// A message table without `control_ping`: dumps have no end there, and a silent VPP is not asked for a sign of
    /// life.
    NoPing,
}

impl Odd {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Short, Self::Unasked, Self::Unawaited, Self::OverLong, Self::NoPing];
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "shorter than a message is",
            Self::Unasked => "not asked for",
            Self::Unawaited => "for which nobody waits",
            Self::OverLong => "longer than its definition",
            Self::NoPing => "table without control_ping",
        })
    }
}

/// Counts over the life of a client.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    odd: [AtomicU64; Odd::ALL.len()],
    heard: AtomicU64,
}

impl Counters {
    /// Counts a message; the first of a kind is logged.
    pub(crate) fn odd(&self, kind: Odd, what: impl FnOnce() -> String) {
        let before = self.odd.get(kind as usize).map(|n| n.fetch_add(1, Ordering::Relaxed));
        if before == Some(0) {
            tracing::warn!(message = what(), "VPP sent a message {kind}; more of the kind are counted only");
        }
    }

    /// Something came from VPP.
    pub(crate) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes whenever something has come from VPP.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, kind: Odd) -> u64 {
        self.odd.get(kind as usize).map_or(0, |n| n.load(Ordering::Relaxed))
    }
}
