//! What an entry of the segment holds.

use super::format::Numbers;

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A number.
    Scalar(u64),
    /// A number with the type that 26.02 has for it.
    Gauge(u64),
    /// Counters by thread and index.
    Simple(Vec<Vec<u64>>),
    /// Packets and bytes by thread and index.
    Combined(Vec<Vec<(u64, u64)>>),
    /// Names by index.
    Names(Vec<Option<String>>),
    /// An index of the error vectors.
    Error(u32),
    /// A column of another entry.
    Symlink {
        /// Index of the entry.
        target: u32,
        /// Index in its vectors.
        column: u32,
    },
    /// Smallest exponent and buckets, by thread.
    Histogram(Vec<Vec<u64>>),
    /// Records of 16 bytes in a ring of 4, of so many threads; each has written so many.
    Ring(Vec<u64>),
    /// A slot that was freed.
    Empty,
    /// A type that nobody knows, and its eight bytes.
    Other(u32, u64),
}

impl Content {
    /// The number of its type; `None` when the release does not have it.
    pub(super) fn number(&self, numbers: &Numbers) -> Option<u32> {
        match self {
            Self::Scalar(_) => Some(1),
            Self::Simple(_) => Some(2),
            Self::Combined(_) => Some(3),
            Self::Error(_) => numbers.error,
            Self::Names(_) => numbers.names,
            Self::Empty => numbers.empty,
            Self::Symlink { .. } => numbers.symlink,
            Self::Histogram(_) => numbers.histogram,
            Self::Ring(_) => numbers.ring,
            Self::Gauge(_) => numbers.gauge,
            Self::Other(number, _) => Some(*number),
        }
    }
}
