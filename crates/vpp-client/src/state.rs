//! How a connection stands.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::socket::SocketKind;
use crate::table::MessageTable;

/// What was learned about the VPP at the other end.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Counts the connections of a client, from 1.
    pub session: u64,
    /// What VPP says of itself: `23.06-release`.
    pub version: String,
    /// When it was built, in its own words.
    pub build_date: String,
    /// Its process.
    pub pid: u32,
    /// The handle that it gave to this client.
    pub client_index: u32,
    /// Its messages.
    pub table: Arc<MessageTable>,
    /// API modules of the plugins that it has loaded, as far as their messages show them, in order.
    pub plugins: Vec<&'static str>,
    /// How bytes travel.
    pub socket: SocketKind,
    /// True when the process or the messages are other ones than those of the connection before: what was
    /// configured there is gone.
    pub restarted: bool,
}

/// Life of a client's connection.
#[derive(Clone, Debug)]
pub enum State {
    /// Tries, again and again.
    Connecting {
        /// How often it has tried since the last connection.
        attempt: u32,
        /// Since when.
        since: Instant,
        /// Why the last try failed.
        why: String,
    },
    /// Connected.
    Connected(Arc<Connection>),
    /// Just lost; connecting follows.
    Lost {
        /// Why.
        why: String,
    },
    /// The client was closed.
    Closed,
}

impl State {
    /// The connection, when there is one.
    pub fn connection(&self) -> Option<&Arc<Connection>> {
        match self {
            Self::Connected(connection) => Some(connection),
            _ => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { attempt: 0, .. } => write!(f, "connecting"),
            Self::Connecting { attempt, why, .. } => write!(f, "connecting, attempt {attempt}: {why}"),
            Self::Connected(c) => {
                write!(f, "connected to VPP {} (pid {}, {} messages)", c.version, c.pid, c.table.len())
            }
            Self::Lost { why } => write!(f, "lost: {why}"),
            Self::Closed => write!(f, "closed"),
        }
    }
}
