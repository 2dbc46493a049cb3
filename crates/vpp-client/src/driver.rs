//! The task that owns the socket: sends what callers hand it, gives answers to whom they belong, says goodbye.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::client::{Counters, closed};
use crate::frame::{self, u16_at, u32_at};
use crate::handshake::Link;
use crate::socket;

/// Commands that are taken at once.
const BATCH: usize = 256;

/// Bytes that may wait for the socket before no more commands are taken.
const OUTPUT: usize = 1 << 20;

/// How long a request that nobody waits for any more keeps its place in the window.
const ABANDONED: Duration = Duration::from_secs(30);

/// A request on its way to the socket.
#[derive(Debug)]
pub(crate) struct Command {
    /// The connection that it was made for.
    pub(crate) session: u64,
    /// A whole frame whose context is still zero.
    pub(crate) frame: BytesMut,
    /// Where the contexts go, counted from the start of `frame`.
    pub(crate) contexts: [Option<usize>; 2],
    /// Who waits for what.
    pub(crate) waiter: Waiter,
    /// Its place in the window.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// One reply.
    Reply {
        /// Number of the reply, and where its context is.
        reply: (u16, usize),
        /// Takes it.
        to: oneshot::Sender<Bytes>,
    },
    /// Details up to a last message.
    Details {
        /// Number of a details message, and where its context is.
        details: (u16, usize),
        /// The same of the message that ends them.
        end: (u16, usize),
        /// Takes them; the last one is the end.
        to: mpsc::UnboundedSender<Bytes>,
    },
}

#[derive(Debug)]
struct Pending {
    waiter: Waiter,
    since: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Why a driver stopped.
#[derive(Debug)]
pub(crate) enum End {
    /// All clients are gone, or one asked for it.
    Closed,
    /// The connection is gone.
    Lost(String),
}

pub(crate) struct Driver<'a> {
    link: Link,
    session: u64,
    counters: &'a Counters,
    output: BytesMut,
    pending: HashMap<u32, Pending>,
    /// Where the context is in the messages that are waited for, by number.
    contexts: HashMap<u16, usize>,
    next: u32,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(link: Link, session: u64, counters: &'a Counters) -> Self {
        Self {
            link,
            session,
            counters,
            output: BytesMut::with_capacity(64 * 1024),
            pending: HashMap::new(),
            contexts: HashMap::new(),
            next: 1,
        }
    }

    /// Runs until the connection ends. Who still waits then is told by the end of its channel.
    pub(crate) async fn run(
        mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        close: &mut tokio::sync::watch::Receiver<bool>,
    ) -> End {
        let mut batch = Vec::with_capacity(BATCH);
        let mut sweep = tokio::time::interval(ABANDONED / 4);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let result = tokio::select! {
                () = closed(close) => {
                    self.link.goodbye(&self.output).await;
                    return End::Closed;
                }
                taken = commands.recv_many(&mut batch, BATCH), if self.output.len() < OUTPUT => {
                    if taken == 0 {
                        self.link.goodbye(&self.output).await;
                        return End::Closed;
                    }
                    for command in batch.drain(..) {
                        self.enqueue(command);
                    }
                    Ok(())
                }
                ready = self.link.stream.readable() => ready.and_then(|()| self.receive()),
                ready = self.link.stream.writable(), if !self.output.is_empty() => ready,
                _ = sweep.tick() => {
                    self.sweep();
                    Ok(())
                }
            };
            if let Err(e) = result.and_then(|()| self.flush()) {
                // The connection is gone or cannot be trusted: nothing to say goodbye to where VPP has closed it,
                // but where it is open VPP has to hear it.
                self.link.goodbye(&self.output).await;
                return End::Lost(e.to_string());
            }
        }
    }

    fn enqueue(&mut self, command: Command) {
        if command.session != self.session {
            // Made for an elder connection: its numbers mean something else here. Dropping it tells the caller.
            return;
        }
        // Contexts stay below 2^31, so that none looks like the handle at the same place of an event.
        while self.pending.contains_key(&self.next) || self.next == 0 {
            self.next = (self.next + 1) & 0x7fff_ffff;
        }
        let context = self.next;
        self.next = (self.next + 1) & 0x7fff_ffff;
        let mut frame = command.frame;
        for at in command.contexts.into_iter().flatten() {
            if let Some(place) = frame.get_mut(at..at + 4) {
                place.copy_from_slice(&context.to_be_bytes());
            }
        }
        match &command.waiter {
            Waiter::Reply { reply, .. } => {
                self.contexts.insert(reply.0, reply.1);
            }
            Waiter::Details { details, end, .. } => {
                self.contexts.insert(details.0, details.1);
                self.contexts.insert(end.0, end.1);
            }
        }
        self.output.put_slice(&frame);
        let pending = Pending { waiter: command.waiter, since: Instant::now(), _permit: command.permit };
        self.pending.insert(context, pending);
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            let n = socket::try_write(&self.link.stream, self.link.kind, &self.output)?;
            if n == self.output.len() {
                self.output.clear();
            } else {
                let _ = self.output.split_to(n);
            }
        }
        Ok(())
    }

    /// Reads what is there, gives away what is whole.
    fn receive(&mut self) -> io::Result<()> {
        // Bounded, so that sending is not forgotten over a VPP that answers without end.
        for _ in 0..16 {
            // A packet that does not fit the room is cut, so there is always plenty.
            self.link.input.reserve(64 * 1024);
            match self.link.stream.try_read_buf(&mut self.link.input) {
                Ok(0) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "VPP closed the connection"));
                }
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            let invalid = |e: frame::TooLong| io::Error::new(io::ErrorKind::InvalidData, e.to_string());
            while let Some(message) = frame::next(&mut self.link.input, self.link.limit).map_err(invalid)? {
                self.give(message);
            }
        }
        Ok(())
    }

    fn give(&mut self, message: Bytes) {
        let Some(id) = u16_at(&message, 0) else {
            self.odd("a message shorter than its number");
            return;
        };
        let Some(context) = self.contexts.get(&id).and_then(|at| u32_at(&message, *at)) else {
            // Events that nobody asked this client for, and messages that it never waits for.
            self.odd(&format!("message {id}, which is no answer to anything asked"));
            return;
        };
        let Some(pending) = self.pending.get(&context) else {
            self.odd(&format!("message {id} with context {context}, for which nobody waits"));
            return;
        };
        match &pending.waiter {
            Waiter::Reply { .. } => {
                if let Some(Pending { waiter: Waiter::Reply { to, .. }, .. }) = self.pending.remove(&context)
                {
                    // The caller checks the number: another reply than the expected one is its error to tell.
                    let _ = to.send(message);
                }
            }
            Waiter::Details { end, to, .. } => {
                let last = end.0 == id;
                // A caller that is gone does not want them; the end still has to be seen.
                let _ = to.send(message);
                if last {
                    self.pending.remove(&context);
                }
            }
        }
    }

    fn odd(&self, what: &str) {
        if self.counters.odd.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("VPP sent {what}; more of the kind are counted only");
        }
    }

    /// Frees the places of requests that VPP never answered and nobody waits for.
    fn sweep(&mut self) {
        self.pending.retain(|_, pending| {
            let gone = match &pending.waiter {
                Waiter::Reply { to, .. } => to.is_closed(),
                Waiter::Details { to, .. } => to.is_closed(),
            };
            !(gone && pending.since.elapsed() > ABANDONED)
        });
    }
}
