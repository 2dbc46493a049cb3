//! What a message leads to, before it is sent.

use std::time::Duration;

/// Bytes in front of a message: a pointer of VPP's, the length, a time mark; only the length says anything.
pub(crate) const HEADER: usize = 16;

/// A message as it goes over the socket: 16 bytes of header with its length, and the message.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER.saturating_add(message.len()));
    put(&mut out, &[message]);
    out
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// The length that a header tells.
pub(crate) fn length(header: &[u8; HEADER]) -> usize {
    let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = *header;
    u32::from_be_bytes([a, b, c, d]) as usize
}

/// The messages of frames, id first.
pub(crate) fn messages(mut frames: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (header, rest) = frames.split_first_chunk::<HEADER>()?;
        let (message, after) = rest.split_at_checked(length(header))?;
        frames = after;
        Some(message)
    })
}

/// Bytes for a connection that are to be sent in one go.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) connection: u64,
    /// Time until they may be sent.
    pub(crate) delay: Duration,
    pub(crate) bytes: Vec<u8>,
}

/// What a message leads to, before it is sent.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Connection that the message came from.
    pub(crate) connection: u64,
    /// What goes before the rest.
    first: Vec<Piece>,
    /// Frames for it, ready to be written.
    pub(crate) own: Vec<u8>,
    /// Frames for other connections: events, and answers to a client that is another's.
    pub(crate) others: Vec<(u64, Vec<u8>)>,
    /// The connection is to be closed after what is in `own`.
    pub(crate) close: bool,
    /// Before anything more is done, nothing is done for this time.
    pub(crate) stall: Option<Duration>,
}

impl Outbox {
    /// For what a connection sent.
    pub fn new(connection: u64) -> Self {
        Self { connection, ..Self::default() }
    }

    /// Frames with their connections.
    pub fn frames(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.first
            .iter()
            .map(|piece| (piece.connection, piece.bytes.as_slice()))
            .chain(std::iter::once((self.connection, self.own.as_slice())))
            .chain(self.others.iter().map(|(connection, bytes)| (*connection, bytes.as_slice())))
    }

    pub(crate) fn frame(&mut self, connection: u64, parts: &[&[u8]]) {
        let out = if connection == self.connection {
            &mut self.own
        } else {
            self.others.push((connection, Vec::new()));
            match self.others.last_mut() {
                Some((_, out)) => out,
                None => return,
            }
        };
        put(out, parts);
    }

    /// Bytes that may be sent after a time, and not before what is there already.
    pub(crate) fn later(&mut self, connection: u64, delay: Duration, bytes: Vec<u8>) {
        self.settle();
        self.first.push(Piece { connection, delay, bytes });
    }

    fn settle(&mut self) {
        let own = (self.connection, std::mem::take(&mut self.own));
        for (connection, bytes) in std::iter::once(own).chain(self.others.drain(..)) {
            if !bytes.is_empty() {
                self.first.push(Piece { connection, delay: Duration::ZERO, bytes });
            }
        }
    }

    /// Takes everything, in the order in which each connection is to get it.
    pub(crate) fn take(&mut self) -> Vec<Piece> {
        self.settle();
        std::mem::take(&mut self.first)
    }
}
