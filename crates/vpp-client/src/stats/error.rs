//! What can go wrong with statistics.

use std::path::PathBuf;
use std::time::Duration;

/// Why there are no statistics.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StatsError {
    /// Nothing is at the path.
    #[error(
        "{path}: no such socket; is VPP running, and is `statseg {{ socket-name }}` in its start-up file set to this path? \
         VPP 18.10 opens it with `statseg {{ default }}` only"
    )]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{path}: not a socket of statistics; the usual one is {}", super::DEFAULT_PATH)]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket may not be used.
    #[error(
        "{path}: permission denied; the socket is open to the group of VPP's process, run in that group or as its user"
    )]
    Permission {
        /// The path.
        path: PathBuf,
    },
    /// Nobody listens.
    #[error("{path}: nobody listens; VPP has gone and left its socket behind")]
    Refused {
        /// The path.
        path: PathBuf,
    },
    /// The other end took the connection and did not send a segment.
    #[error(
        "{path}: no segment within {within:?}; VPP's main thread is busy, or another program serves the socket"
    )]
    Silent {
        /// The path.
        path: PathBuf,
        /// The limit.
        within: Duration,
    },
    /// The other end answered with something else.
    #[error(
        "{path}: the answer carries no segment; is it the socket of `statseg`, not of `socksvr` or the CLI?"
    )]
    NoSegment {
        /// The path.
        path: PathBuf,
    },
    /// The segment is too short to be one.
    #[error(
        "{path}: the segment has {size} bytes, too few for its header; connect again when VPP has started"
    )]
    TooSmall {
        /// The path.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// The system says something else.
    #[error("{path}: {what}: {reason}")]
    System {
        /// The path.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        reason: String,
    },
    /// A layout that is not known.
    #[error(
        "{path}: segment version {version}; this client reads the segments of VPP 18.10 to 26.06 (no version, 1 and 2). \
         A newer VPP needs a newer client"
    )]
    UnknownVersion {
        /// The path.
        path: PathBuf,
        /// What the segment says.
        version: u64,
    },
    /// VPP is changing the directory and does not come to an end.
    #[error(
        "{path}: VPP has been changing the directory for {waited:?}; it hangs or has died at it: connect again"
    )]
    InProgress {
        /// The path.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Every read was overtaken by a change.
    #[error(
        "{path}: the directory changed during each of {attempts} reads; read again when VPP is less busy"
    )]
    Torn {
        /// The path.
        path: PathBuf,
        /// How often it was read.
        attempts: u32,
    },
    /// The bytes make no sense, and no change is under way.
    #[error("{path}: {what}; connect again, and if it repeats the segment is of a layout that is not known")]
    Malformed {
        /// The path.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file behind the segment became shorter.
    #[error("{path}: the segment was cut short; connect again")]
    Shrunk {
        /// The path.
        path: PathBuf,
    },
}

impl StatsError {
    /// True when only another connection can help: the segment that is mapped is of no use any more.
    pub fn wants_reconnect(&self) -> bool {
        matches!(self, Self::InProgress { .. } | Self::Malformed { .. } | Self::Shrunk { .. })
    }
}
