//! The task that owns the socket: sends what callers hand it, gives answers to whom they belong, says goodbye.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use binapi_core::{HeaderKind, Message as _};
use binapi_messages::vpe::v1810::{ControlPing, ControlPingReply};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::client::{append, closed, id, refused, wrong};
use crate::config::Config;
use crate::counters::{Counters, Odd};
use crate::error::CallError;
use crate::events::{Queue, Subscription};
use crate::frame::{self, u16_at, u32_at};
use crate::handshake::Link;
use crate::slots::{ByContext, Kind, Kinds};
use crate::socket;
use crate::state::Connection;

/// Commands that are taken at once.
const BATCH: usize = 256;

/// Bytes that may wait for the socket before no more commands are taken.
const OUTPUT: usize = 1 << 20;

/// How long a request that nobody waits for any more keeps its place in the window.
const ABANDONED: Duration = Duration::from_secs(30);

/// What callers hand over.
#[derive(Debug)]
pub(crate) enum Command {
    /// A request.
    Exchange(Exchange),
    /// A subscription that is new.
    Subscribe(Arc<Subscription>),
}

/// A request on its way to the socket.
#[derive(Debug)]
pub(crate) struct Exchange {
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
        /// Takes it; nothing when it did not come in time.
        to: oneshot::Sender<Option<Bytes>>,
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
    /// VPP does not answer.
    Nobody,
    /// The answer to a subscription: who is told when it is refused.
    Subscribed {
        /// Number of the reply, and where its context is.
        reply: (u16, usize),
        /// Where its retval is.
        retval: Option<usize>,
        /// The request's name.
        message: &'static str,
        /// The reply's name.
        expected: &'static str,
        /// Takes what went wrong.
        queue: Arc<Queue>,
    },
    /// The driver's own ping.
    Probe {
        /// Number of the reply, and where its context is.
        reply: (u16, usize),
    },
}

#[derive(Debug)]
struct Pending {
    waiter: Waiter,
    since: Instant,
    _permit: Option<OwnedSemaphorePermit>,
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
    connection: Arc<Connection>,
    config: &'a Config,
    counters: &'a Counters,
    output: BytesMut,
    /// Who wants an event, by its number.
    events: HashMap<u16, Vec<Arc<Queue>>>,
    /// Subscriptions that VPP has from this connection, so that none is asked for twice: it would refuse.
    subscribed: HashSet<Bytes>,
    /// When VPP was last heard.
    heard: Instant,
    /// When something was first left to answer since then.
    asked: Option<Instant>,
    pending: ByContext<Pending>,
    /// What messages are, by their number.
    kinds: Kinds,
    next: u32,
    /// About now: taken once for many messages.
    now: Instant,
}

/// A driver that is dropped with its runtime: the goodbye that follows must not land in the middle of a frame.
impl Drop for Driver<'_> {
    fn drop(&mut self) {
        if self.link.handle.is_some() && (self.flush().is_err() || !self.output.is_empty()) {
            self.link.handle = None;
        }
    }
}

impl<'a> Driver<'a> {
    pub(crate) fn new(
        link: Link,
        connection: Arc<Connection>,
        config: &'a Config,
        counters: &'a Counters,
    ) -> Self {
        Self {
            link,
            connection,
            config,
            counters,
            output: BytesMut::with_capacity(64 * 1024),
            events: HashMap::new(),
            subscribed: HashSet::new(),
            heard: Instant::now(),
            asked: None,
            pending: ByContext::default(),
            kinds: Kinds::default(),
            next: 1,
            now: Instant::now(),
        }
    }

    /// Runs until the connection ends. Who still waits then is told by the end of its channel.
    pub(crate) async fn run(
        mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        close: &mut tokio::sync::watch::Receiver<bool>,
    ) -> End {
        let mut batch = Vec::with_capacity(BATCH);
        let every = (self.config.deadline / 16).clamp(Duration::from_millis(2), ABANDONED / 4);
        let mut sweep = tokio::time::interval(every);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let beat = (self.config.probe_after.min(self.config.probe_limit) / 4).max(Duration::from_millis(1));
        let mut probe = tokio::time::interval(beat);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
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
                    self.now = Instant::now();
                    for command in batch.drain(..) {
                        match command {
                            Command::Exchange(exchange) => self.enqueue(exchange),
                            Command::Subscribe(subscription) => self.subscribe(&subscription),
                        }
                    }
                    Ok(())
                }
                ready = self.link.stream.readable() => ready.and_then(|()| self.receive()),
                ready = self.link.stream.writable(), if !self.output.is_empty() => ready,
                _ = sweep.tick() => {
                    self.now = Instant::now();
                    self.sweep();
                    Ok(())
                }
                _ = probe.tick() => self.probe(),
            };
            if let Err(e) = result.and_then(|()| self.flush()) {
                // The connection is gone or cannot be trusted: nothing to say goodbye to where VPP has closed it,
                // but where it is open VPP has to hear it.
                self.link.goodbye(&self.output).await;
                return End::Lost(e.to_string());
            }
        }
    }

    fn enqueue(&mut self, exchange: Exchange) {
        if exchange.session != self.connection.session {
            // Made for an elder connection: its numbers mean something else here. Dropping it tells the caller.
            return;
        }
        self.put(exchange.frame, exchange.contexts, exchange.waiter, Some(exchange.permit));
    }

    fn put(
        &mut self,
        mut frame: BytesMut,
        contexts: [Option<usize>; 2],
        waiter: Waiter,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        // Contexts stay below 2^31, so that none looks like the handle at the same place of an event.
        while self.pending.contains_key(&self.next) || self.next == 0 {
            self.next = (self.next + 1) & 0x7fff_ffff;
        }
        let context = self.next;
        self.next = (self.next + 1) & 0x7fff_ffff;
        for at in contexts.into_iter().flatten() {
            if let Some(place) = frame.get_mut(at..at + 4) {
                place.copy_from_slice(&context.to_be_bytes());
            }
        }
        self.link.recorder.sent(&frame);
        self.output.put_slice(&frame);
        match &waiter {
            Waiter::Nobody => return,
            Waiter::Reply { reply, .. } | Waiter::Subscribed { reply, .. } | Waiter::Probe { reply } => {
                self.kinds.set(reply.0, Kind::Answer(reply.1));
            }
            Waiter::Details { details, end, .. } => {
                self.kinds.set(details.0, Kind::Answer(details.1));
                self.kinds.set(end.0, Kind::Answer(end.1));
            }
        }
        self.asked.get_or_insert(self.now);
        self.pending.insert(context, Pending { waiter, since: self.now, _permit: permit });
    }

    /// Asks VPP for events, unless this connection has them already, and gives them to the subscriber.
    pub(crate) fn subscribe(&mut self, subscription: &Subscription) {
        if subscription.session.is_some_and(|only| only != self.connection.session) {
            // Sessions only count up: the one that it was for is over.
            subscription.queue.push(Err(CallError::Lost { message: subscription.message }));
            subscription.queue.end();
            return;
        }
        let asked = match (subscription.ask)(&self.connection) {
            Ok(asked) => asked,
            Err(e) => {
                tracing::warn!(message = subscription.message, "cannot subscribe: {e}");
                subscription.queue.push(Err(e));
                return;
            }
        };
        let queues = self.events.entry(asked.event).or_default();
        if queues.iter().any(|queue| Arc::ptr_eq(queue, &subscription.queue)) {
            return;
        }
        queues.push(subscription.queue.clone());
        self.kinds.set(asked.event, Kind::Event);
        if self.subscribed.insert(asked.frame.clone().freeze()) {
            let (message, queue) = (subscription.message, subscription.queue.clone());
            let (reply, retval, expected) = (asked.reply, asked.retval, asked.expected);
            let waiter = Waiter::Subscribed { reply, retval, message, expected, queue };
            self.put(asked.frame, [asked.context, None], waiter, None);
        }
    }

    /// A VPP that is silent is asked for a sign of life; one that gives none is given up.
    fn probe(&mut self) -> io::Result<()> {
        let silent = self.heard.elapsed();
        match self.asked {
            Some(asked) if asked.elapsed().min(silent) >= self.config.probe_limit => {
                let limit = self.config.probe_limit;
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no sign of life within {limit:?}"),
                ));
            }
            None if silent >= self.config.probe_after => {
                let mut frame = BytesMut::with_capacity(32);
                let ping = id::<ControlPing>(&self.connection)
                    .and_then(|ping| append(&mut frame, ping, &self.connection, &ControlPing {}));
                if let (Ok(context), Ok(pong)) = (ping, id::<ControlPingReply>(&self.connection)) {
                    let at = ControlPingReply::HEADER.context_offset().unwrap_or(2);
                    self.put(frame, [context, None], Waiter::Probe { reply: (pong, at) }, None);
                }
            }
            _ => {}
        }
        Ok(())
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
            match self.link.stream.try_read(self.link.input.room()) {
                Ok(0) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "VPP closed the connection"));
                }
                Ok(n) => {
                    self.link.input.filled(n);
                    self.now = Instant::now();
                    self.heard = self.now;
                    self.counters.hear();
                    self.asked = None;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            let invalid = |e: frame::TooLong| io::Error::new(io::ErrorKind::InvalidData, e.to_string());
            while let Some(message) = self.link.input.next().map_err(invalid)? {
                self.link.recorder.received(&message);
                self.give(message);
            }
        }
        if !self.pending.is_empty() {
            self.asked.get_or_insert(self.heard);
        }
        Ok(())
    }

    fn give(&mut self, message: Bytes) {
        let Some(id) = u16_at(&message, 0) else {
            self.counters.odd(Odd::Short, || format!("{} bytes", message.len()));
            return;
        };
        let at = match self.kinds.get(id) {
            Kind::Answer(at) => at,
            Kind::Event => {
                if let Some(queues) = self.events.get_mut(&id) {
                    queues.retain(|queue| !queue.is_dropped());
                    // A copy: what waits long for its subscriber must not keep all that was read together with it.
                    queues.iter().for_each(|queue| queue.push(Ok(Bytes::copy_from_slice(&message))));
                }
                return;
            }
            Kind::Unasked => match self.in_place_of_answer(id, &message) {
                Some(at) => at,
                None => {
                    // Events that nobody asked this client for, and messages that it never waits for.
                    self.counters.odd(Odd::Unasked, || format!("number {id}"));
                    return;
                }
            },
        };
        let Some(context) = u32_at(&message, at) else {
            self.counters.odd(Odd::Short, || format!("number {id}, {} bytes", message.len()));
            return;
        };
        let Some(pending) = self.pending.get(&context) else {
            self.counters.odd(Odd::Unawaited, || format!("number {id} with context {context}"));
            return;
        };
        match &pending.waiter {
            Waiter::Reply { .. } => {
                if let Some(Pending { waiter: Waiter::Reply { to, .. }, .. }) = self.pending.remove(&context)
                {
                    // The caller checks the number: another reply than the expected one is its error to tell.
                    let _ = to.send(Some(message));
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
            Waiter::Subscribed { reply, retval, message: name, expected, queue } => {
                let retval = retval.and_then(|at| u32_at(&message, at));
                let answer = if id == reply.0 {
                    refused(name, &self.connection, retval.map(|n| n as i32))
                } else {
                    Err(wrong(name, &self.connection, expected, id))
                };
                if let Err(e) = answer {
                    tracing::warn!(message = name, "cannot subscribe: {e}");
                    queue.push(Err(e));
                }
                self.pending.remove(&context);
            }
            Waiter::Probe { .. } | Waiter::Nobody => {
                self.pending.remove(&context);
            }
        }
    }

    /// Where the context of a message is that answers nothing which was ever asked, when a request with that context
    /// waits: its answer is of the wrong kind, and nothing else will come for it. Of events what stands there is the
    /// handle of the client.
    fn in_place_of_answer(&self, id: u16, message: &Bytes) -> Option<usize> {
        let at = HeaderKind::Context.context_offset()?;
        let waited_for = u32_at(message, at).is_some_and(|context| self.pending.contains_key(&context));
        (waited_for && !self.connection.table.is_event(id)).then_some(at)
    }

    /// Ends the wait of callers whose time is over. Their places stay taken until VPP answers after all, or for long
    /// enough that it never will.
    fn sweep(&mut self) {
        for pending in self.pending.values_mut() {
            let late = self.now.duration_since(pending.since) >= self.config.deadline;
            if late
                && matches!(pending.waiter, Waiter::Reply { .. })
                && let Waiter::Reply { to, .. } = std::mem::replace(&mut pending.waiter, Waiter::Nobody)
            {
                let _ = to.send(None);
            }
        }
        self.pending.retain(|_, pending| {
            let gone = match &pending.waiter {
                Waiter::Reply { to, .. } => to.is_closed(),
                Waiter::Details { to, .. } => to.is_closed(),
                Waiter::Nobody => true,
                Waiter::Subscribed { .. } | Waiter::Probe { .. } => false,
            };
            !(gone && pending.since.elapsed() > ABANDONED)
        });
    }
}
