//! Whoever wants to see every message of a client's connections.

use std::fmt;
use std::sync::Arc;

use crate::frame::HEADER;
use crate::state::Connection;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To VPP.
    Sent,
    /// From VPP.
    Received,
}

/// Sees the messages of all connections, in the order in which they are sent and read. Called by the task that owns
/// the socket: it must not wait.
///
/// Keys and secrets are in the messages as they are on the wire.
pub trait Record: fmt::Debug + Send + Sync {
    /// A message without its frame. `session` counts from 1; a handshake that fails leaves its number to the next.
    fn message(&self, session: u64, direction: Direction, message: &[u8]);

    /// The handshake is over; what follows can be read with this.
    fn connected(&self, connection: &Connection);

    /// The connection, or the try to make one, has ended.
    fn ended(&self, session: u64, why: &str);
}

/// Where the messages of one connection go.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    record: Option<Arc<dyn Record>>,
    session: u64,
}

impl Recorder {
    pub(crate) fn new(record: Option<Arc<dyn Record>>, session: u64) -> Self {
        Self { record, session }
    }

    /// Whole frames, one behind the other.
    pub(crate) fn sent(&self, mut frames: &[u8]) {
        let Some(record) = &self.record else { return };
        while let Some((header, rest)) = frames.split_first_chunk::<HEADER>() {
            let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = *header;
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let Some((message, after)) = rest.split_at_checked(length) else { return };
            record.message(self.session, Direction::Sent, message);
            frames = after;
        }
    }

    pub(crate) fn received(&self, message: &[u8]) {
        if let Some(record) = &self.record {
            record.message(self.session, Direction::Received, message);
        }
    }

    pub(crate) fn connected(&self, connection: &Connection) {
        if let Some(record) = &self.record {
            record.connected(connection);
        }
    }

    pub(crate) fn ended(&self, why: &str) {
        if let Some(record) = &self.record {
            record.ended(self.session, why);
        }
    }
}
