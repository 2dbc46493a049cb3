//! What can go wrong with a connection and with a call.

use std::path::PathBuf;
use std::time::Duration;

use binapi_core::{DecodeError, EncodeError};

use crate::retval;

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing is at the path.
    #[error(
        "{path}: no such socket; is VPP running, and is `socksvr` in its start-up file set to this path?"
    )]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{path}: not a socket")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket may not be used.
    #[error(
        "{path}: permission denied; the API socket is open to VPP's group (`unix {{ gid ... }}`), join it"
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
    /// The system says something else.
    #[error("{path}: {reason}")]
    System {
        /// The path.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
    /// No path was given.
    #[error("no path of an API socket is configured")]
    NoPath,
    /// The client was closed.
    #[error("the client was closed")]
    Closed,
    /// The other end does not say what VPP says.
    #[error("{path}: handshake failed: {reason}")]
    Handshake {
        /// The path.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
}

/// Why a call has no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// VPP refused.
    #[error("{message}: VPP {version} refused with {retval} {}", retval::name(*.retval).unwrap_or("(unknown)"))]
    Refused {
        /// The request.
        message: &'static str,
        /// VPP's number.
        retval: i32,
        /// What VPP said of itself.
        version: String,
    },
    /// This VPP does not have the message at all.
    #[error(
        "{message}_{crc:08x}: VPP {version} has no message of that name; its plugin is not loaded, or it is of a release without it"
    )]
    Absent {
        /// The message.
        message: &'static str,
        /// The CRC that was looked for.
        crc: u32,
        /// What VPP said of itself.
        version: String,
    },
    /// This VPP has the message with another CRC.
    #[error("{message}_{crc:08x}: VPP {version} has it with CRC {found:08x}")]
    Changed {
        /// The message.
        message: &'static str,
        /// The CRC that was looked for.
        crc: u32,
        /// The CRC that VPP has.
        found: u32,
        /// What VPP said of itself.
        version: String,
    },
    /// There is no connection.
    #[error("{message}: not connected to VPP: {why}")]
    NotConnected {
        /// The request.
        message: &'static str,
        /// How the connection stands.
        why: String,
    },
    /// The connection went while the call waited. VPP may or may not have carried it out.
    #[error("{message}: connection to VPP lost before the reply came")]
    Lost {
        /// The request.
        message: &'static str,
    },
    /// No reply in time. VPP may or may not have carried it out.
    #[error("{message}: no reply within {after:?}")]
    Timeout {
        /// The request.
        message: &'static str,
        /// The deadline of the call.
        after: Duration,
    },
    /// A value does not fit the request.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The reply is not what the definition says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Another message came as the answer. VPP may or may not have carried the request out.
    #[error("{message}: VPP {version} answered with {received}, {expected} was expected")]
    WrongReply {
        /// The request.
        message: &'static str,
        /// The reply, or the details.
        expected: &'static str,
        /// The name of what came; `message 4711` where VPP's table has no such number.
        received: String,
        /// What VPP said of itself.
        version: String,
    },
}

impl CallError {
    /// True when there is no connection any more: what was asked has to be asked again after the next one.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::NotConnected { .. } | Self::Lost { .. })
    }

    /// VPP's number, when it refused.
    pub fn retval(&self) -> Option<i32> {
        match self {
            Self::Refused { retval, .. } => Some(*retval),
            _ => None,
        }
    }
}
