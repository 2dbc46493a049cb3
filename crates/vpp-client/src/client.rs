//! The handle that callers have.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use binapi_core::{Dump, Frame, Header, Message, Oneway, Request, Stream, Subscribe};
use binapi_messages::vpe::v1810::{ControlPing, ControlPingReply};
use bytes::BytesMut;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::backoff::Backoff;
use crate::config::Config;
use crate::counters::{Counters, Odd};
use crate::details::{Details, Follow, Question};
use crate::driver::{Command, Driver, End, Exchange, Waiter};
use crate::error::{CallError, ConnectError};
use crate::events::{Asked, Events, Queue, Subscription, Subscriptions};
use crate::frame::{self, u16_at};
use crate::handshake;
use crate::state::{Connection, State};
use crate::table::Lookup;

/// What VPP answers to a `*_get` that did not finish (`VNET_API_ERROR_EAGAIN`).
const EAGAIN: i32 = -165;

/// A connection to VPP that many can use. Clones share it; when the last one is gone VPP is told goodbye.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    /// The only connection that calls may go over.
    session: Option<u64>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    commands: mpsc::UnboundedSender<Command>,
    window: Arc<Semaphore>,
    state: watch::Receiver<State>,
    close: watch::Sender<bool>,
    counters: Arc<Counters>,
    subscriptions: Arc<Subscriptions>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// Starts to connect, and goes on for ever. Needs a tokio runtime.
    pub fn start(config: Config) -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (sender, state) =
            watch::channel(State::Connecting { attempt: 0, since: Instant::now(), why: String::new() });
        let (close, closing) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let subscriptions = Arc::new(Subscriptions::default());
        let common = (counters.clone(), subscriptions.clone());
        let task = tokio::spawn(supervise(config.clone(), receiver, sender, closing, common));
        let window = Arc::new(Semaphore::new(config.window.max(1)));
        let task = Mutex::new(Some(task));
        let shared = Shared { config, commands, window, state, close, counters, subscriptions, task };
        Self { shared: Arc::new(shared), session: None }
    }

    /// How many messages of a kind VPP sent that were of no use, over all connections.
    pub fn odd(&self, kind: Odd) -> u64 {
        self.shared.counters.count(kind)
    }

    /// How the connection stands, to watch.
    pub fn state(&self) -> watch::Receiver<State> {
        self.shared.state.clone()
    }

    /// The same client for one connection only: when that is gone calls end with an error instead of going over the
    /// next one, whose VPP may number and lay out things differently.
    pub fn bound_to(&self, connection: &Connection) -> Self {
        Self { shared: self.shared.clone(), session: Some(connection.session) }
    }

    /// Waits until there is a connection.
    pub async fn connected(&self) -> Result<Arc<Connection>, ConnectError> {
        let mut state = self.shared.state.clone();
        let found = state.wait_for(|s| matches!(s, State::Connected(_) | State::Closed)).await;
        match found.as_deref() {
            Ok(State::Connected(connection)) => Ok(connection.clone()),
            _ => Err(ConnectError::Closed),
        }
    }

    /// Says goodbye to VPP and waits until that is done. Calls in flight end with an error.
    pub async fn close(&self) {
        let _ = self.shared.close.send(true);
        let task = self.shared.task.lock().ok().and_then(|mut task| task.take());
        if let Some(task) = task {
            let _ = task.await;
        }
    }

    /// Sends a request and waits for its reply. A `retval` below zero is an error.
    pub async fn call<V, R: Request<V>>(&self, request: &R) -> Result<R::Reply, CallError> {
        let connection = self.connection(R::NAME)?;
        let reply = self.reply::<R, R::Reply>(&connection, request).await?;
        refused(R::NAME, &connection, reply.retval())?;
        Ok(reply)
    }

    /// Sends a request and waits for its reply, whatever its `retval` says.
    pub async fn call_unchecked<V, R: Request<V>>(&self, request: &R) -> Result<R::Reply, CallError> {
        let connection = self.connection(R::NAME)?;
        self.reply::<R, R::Reply>(&connection, request).await
    }

    async fn reply<Q: Message, A: Message>(
        &self,
        connection: &Arc<Connection>,
        request: &Q,
    ) -> Result<A, CallError> {
        let asked = id::<Q>(connection)?;
        let answered = id::<A>(connection)?;
        let at = A::HEADER.context_offset().unwrap_or(2);
        let mut buffer = BytesMut::with_capacity(128);
        let context = append(&mut buffer, asked, connection, request)?;
        let (to, from) = oneshot::channel();
        let waiter = Waiter::Reply { reply: (answered, at), to };
        self.send_frame(Q::NAME, connection, buffer, [context, None], waiter).await?;
        // The driver keeps the time, for all calls at once.
        let message = match from.await {
            Ok(Some(message)) => message,
            Ok(None) => {
                return Err(CallError::Timeout { message: Q::NAME, after: self.shared.config.deadline });
            }
            Err(_) => return Err(CallError::Lost { message: Q::NAME }),
        };
        expect::<A>(Q::NAME, connection, answered, &message)?;
        decode(self, &message)
    }

    /// Sends a message that VPP does not answer. It is on its way when this returns, behind all that was sent before;
    /// whether VPP took it shows only in what it does.
    pub async fn send<V, R: Oneway<V>>(&self, message: &R) -> Result<(), CallError> {
        let connection = self.connection(R::NAME)?;
        let asked = id::<R>(&connection)?;
        let mut buffer = BytesMut::with_capacity(128);
        append(&mut buffer, asked, &connection, message)?;
        self.send_frame(R::NAME, &connection, buffer, [None, None], Waiter::Nobody).await
    }

    /// Subscribes to events, on this connection and all that follow; on a client that is
    /// [bound](Self::bound_to) to a connection, on that one. Needs no connection yet.
    pub fn events<V, R: Subscribe<V> + Clone>(&self, request: &R) -> Events<R::Event> {
        let queue = Arc::new(Queue::new(self.shared.config.events));
        let request = request.clone();
        let ask = move |connection: &Connection| {
            let asked = id::<R>(connection)?;
            let mut frame = BytesMut::with_capacity(64);
            let context = append(&mut frame, asked, connection, &request)?;
            Ok(Asked {
                frame,
                context,
                reply: (id::<R::Reply>(connection)?, R::Reply::HEADER.context_offset().unwrap_or(2)),
                expected: R::Reply::NAME,
                retval: R::Reply::RETVAL,
                event: id::<R::Event>(connection)?,
            })
        };
        let subscription = Subscription {
            message: R::NAME,
            session: self.session,
            ask: Box::new(ask),
            queue: queue.clone(),
        };
        let subscription = Arc::new(subscription);
        self.shared.subscriptions.add(subscription.clone());
        if self.shared.commands.send(Command::Subscribe(subscription)).is_err() {
            queue.end();
        }
        Events::new(queue)
    }

    /// Asks for details. A `control_ping` that goes with the request marks their end: VPP carries out one after the
    /// other.
    ///
    /// VPP does not tell an empty answer from a refused one.
    pub fn dump<V, R: Dump<V>>(&self, request: &R) -> Result<Details<R::Details>, CallError> {
        let connection = self.connection(R::NAME)?;
        let asked = id::<R>(&connection)?;
        let ping = id::<ControlPing>(&connection)?;
        let details = id::<R::Details>(&connection)?;
        let pong = id::<ControlPingReply>(&connection)?;
        let mut frame = BytesMut::with_capacity(128);
        let first = append(&mut frame, asked, &connection, request)?;
        let second = append(&mut frame, ping, &connection, &ControlPing {})?;
        let question = Question { frame, contexts: [first, second] };
        let end: Follow = Box::new(|_| Ok(None));
        Ok(Details::new(self.clone(), connection, R::NAME, details, (pong, 2), question, end))
    }

    /// Asks for details that a reply ends, and asks on where VPP stopped half-way.
    ///
    /// `next` gives the request that follows a reply which says EAGAIN.
    pub fn stream<V, R: Stream<V>>(
        &self,
        request: &R,
        mut next: impl FnMut(&R::Reply) -> R + Send + 'static,
    ) -> Result<Details<R::Details>, CallError> {
        let connection = self.connection(R::NAME)?;
        let asked = id::<R>(&connection)?;
        let details = id::<R::Details>(&connection)?;
        let end = (id::<R::Reply>(&connection)?, R::Reply::HEADER.context_offset().unwrap_or(2));
        let question = move |request: &R, connection: &Connection| {
            let mut frame = BytesMut::with_capacity(128);
            let context = append(&mut frame, asked, connection, request)?;
            Ok::<_, CallError>(Question { frame, contexts: [context, None] })
        };
        let first = question(request, &connection)?;
        let same = connection.clone();
        let follow: Follow = Box::new(move |last| {
            let reply = Frame::<R::Reply>::decode(last)?.message;
            if reply.retval() == Some(EAGAIN) {
                return question(&next(&reply), &same).map(Some);
            }
            refused(R::NAME, &same, reply.retval())?;
            Ok(None)
        });
        Ok(Details::new(self.clone(), connection, R::NAME, details, end, first, follow))
    }

    /// Hands a request to the connection once there is a place in the window for it.
    pub(crate) async fn send_frame(
        &self,
        message: &'static str,
        connection: &Connection,
        frame: BytesMut,
        contexts: [Option<usize>; 2],
        waiter: Waiter,
    ) -> Result<(), CallError> {
        let permit = self.place(message).await?;
        let exchange = Exchange { session: connection.session, frame, contexts, waiter, permit };
        self.shared.commands.send(Command::Exchange(exchange)).map_err(|_| CallError::Lost { message })
    }

    /// A place in the window. It is waited for as long as VPP goes on answering, which is no fault of the one who
    /// waits; when VPP says nothing at all for the time of the deadline, that is its end.
    async fn place(&self, message: &'static str) -> Result<OwnedSemaphorePermit, CallError> {
        let window = &self.shared.window;
        if let Ok(place) = window.clone().try_acquire_owned() {
            return Ok(place);
        }
        let closed = |_| CallError::Lost { message };
        let mut place = pin!(window.clone().acquire_owned());
        let after = self.shared.config.deadline;
        loop {
            let heard = self.shared.counters.heard();
            match tokio::time::timeout(after, &mut place).await {
                Ok(place) => return place.map_err(closed),
                Err(_) if self.shared.counters.heard() != heard => {}
                Err(_) => return Err(CallError::Timeout { message, after }),
            }
        }
    }

    /// What comes within the deadline.
    pub(crate) async fn in_time<T>(
        &self,
        message: &'static str,
        what: impl Future<Output = T>,
    ) -> Result<T, CallError> {
        let after = self.shared.config.deadline;
        tokio::time::timeout(after, what).await.map_err(|_| CallError::Timeout { message, after })
    }

    fn connection(&self, message: &'static str) -> Result<Arc<Connection>, CallError> {
        match &*self.shared.state.borrow() {
            State::Connected(connection) if self.session.is_none_or(|s| s == connection.session) => {
                Ok(connection.clone())
            }
            State::Connected(_) => Err(CallError::Lost { message }),
            state => Err(CallError::NotConnected { message, why: state.to_string() }),
        }
    }
}

pub(crate) fn refused(
    message: &'static str,
    connection: &Connection,
    retval: Option<i32>,
) -> Result<(), CallError> {
    match retval {
        Some(retval) if retval < 0 => {
            Err(CallError::Refused { message, retval, version: connection.version.clone() })
        }
        _ => Ok(()),
    }
}

pub(crate) fn id<M: Message>(connection: &Connection) -> Result<u16, CallError> {
    let version = || connection.version.clone();
    match connection.table.lookup(M::NAME, M::CRC) {
        Lookup::Present(id) => Ok(id),
        Lookup::Changed(found) => {
            Err(CallError::Changed { message: M::NAME, crc: M::CRC, found, version: version() })
        }
        Lookup::Absent => Err(CallError::Absent { message: M::NAME, crc: M::CRC, version: version() }),
    }
}

/// Reads a message; one that is longer than its definition is counted.
pub(crate) fn decode<M: Message>(client: &Client, message: &[u8]) -> Result<M, CallError> {
    let (frame, left) = Frame::<M>::decode_prefix(message).inspect_err(|e| {
        client.shared.counters.odd(Odd::Short, || e.to_string());
    })?;
    if left > 0 {
        let what = || format!("{} with {left} bytes behind its last field", M::NAME);
        client.shared.counters.odd(Odd::OverLong, what);
    }
    Ok(frame.message)
}

pub(crate) fn expect<M: Message>(
    request: &'static str,
    connection: &Connection,
    expected: u16,
    message: &[u8],
) -> Result<(), CallError> {
    match u16_at(message, 0) {
        Some(id) if id != expected => Err(wrong(request, connection, M::NAME, id)),
        _ => Ok(()),
    }
}

/// The error of a call that something else came for.
pub(crate) fn wrong(
    message: &'static str,
    connection: &Connection,
    expected: &'static str,
    id: u16,
) -> CallError {
    let received = connection.table.name(id).map_or_else(|| format!("message {id}"), str::to_string);
    CallError::WrongReply { message, expected, received, version: connection.version.clone() }
}

/// Appends a frame; tells where its context is.
pub(crate) fn append<M: Message>(
    buffer: &mut BytesMut,
    id: u16,
    connection: &Connection,
    message: &M,
) -> Result<Option<usize>, CallError> {
    let start = frame::begin(buffer);
    let header = Header { client_index: connection.client_index, context: 0 };
    binapi_core::message::encode(id, header, message, buffer)?;
    frame::end(buffer, start);
    Ok(M::HEADER.context_offset().map(|at| start + frame::HEADER + at))
}

/// Connects, lets the driver run, connects again.
async fn supervise(
    config: Config,
    mut commands: mpsc::UnboundedReceiver<Command>,
    state: watch::Sender<State>,
    mut close: watch::Receiver<bool>,
    (counters, subscriptions): (Arc<Counters>, Arc<Subscriptions>),
) {
    let mut backoff = Backoff::new(config.backoff_first, config.backoff_most);
    let mut session = 0;
    let mut before: Option<Arc<Connection>> = None;
    let mut attempt = 0;
    let mut since = Instant::now();
    // What was said last of failures, so that each is said once.
    let mut told = String::new();
    loop {
        let tried = tokio::select! {
            // Also ends when the last client is gone.
            () = closed(&mut close) => break,
            tried = handshake::any(&config, session + 1) => tried,
        };
        match tried {
            Ok((link, mut connection)) => {
                session = connection.session;
                connection.restarted = before.as_ref().is_some_and(|b| {
                    b.pid != connection.pid || b.version != connection.version || b.table != connection.table
                });
                if connection.table.crc(ControlPing::NAME).is_none() {
                    counters.odd(Odd::NoPing, || format!("{} messages", connection.table.len()));
                }
                let connection = Arc::new(connection);
                tracing::info!(
                    version = %connection.version,
                    pid = connection.pid,
                    messages = connection.table.len(),
                    plugins = connection.plugins.join(" "),
                    restarted = connection.restarted,
                    "connected to VPP"
                );
                before = Some(connection.clone());
                let connected = Instant::now();
                link.recorder.connected(&connection);
                let recorder = link.recorder.clone();
                let mut driver = Driver::new(link, connection.clone(), &config, &counters);
                for subscription in subscriptions.live() {
                    driver.subscribe(&subscription);
                }
                state.send_replace(State::Connected(connection));
                match driver.run(&mut commands, &mut close).await {
                    End::Closed => {
                        recorder.ended("closed");
                        break;
                    }
                    End::Lost(why) => {
                        tracing::warn!(%why, "connection to VPP lost");
                        recorder.ended(&why);
                        state.send_replace(State::Lost { why });
                    }
                }
                subscriptions.lost(session);
                forget(&mut commands);
                (attempt, since, told) = (0, Instant::now(), String::new());
                // One that VPP ends at once is no reason to hurry.
                if connected.elapsed() > config.backoff_most {
                    backoff.reset();
                    continue;
                }
            }
            Err(e) => {
                attempt += 1;
                let why = e.to_string();
                if why != told {
                    tracing::warn!("{why}; trying again");
                    told.clone_from(&why);
                }
                state.send_replace(State::Connecting { attempt, since, why });
            }
        }
        forget(&mut commands);
        let wait = tokio::time::sleep(backoff.next());
        tokio::select! {
            () = closed(&mut close) => break,
            () = wait => {}
        }
    }
    state.send_replace(State::Closed);
    subscriptions.end();
}

/// Drops what was queued for a connection that is gone, which tells the callers. Subscriptions are kept elsewhere.
fn forget(commands: &mut mpsc::UnboundedReceiver<Command>) {
    while commands.try_recv().is_ok() {}
}

/// Returns when a client asks to close, or none is left.
pub(crate) async fn closed(close: &mut watch::Receiver<bool>) {
    let _ = close.wait_for(|closed| *closed).await;
}
