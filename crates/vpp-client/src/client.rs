//! The handle that callers have.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use binapi_core::{Dump, Frame, Header, Message, Request, Stream};
use binapi_messages::vpe::v1810::{ControlPing, ControlPingReply};
use bytes::{Bytes, BytesMut};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::backoff::Backoff;
use crate::driver::{Command, Driver, End, Waiter};
use crate::error::{CallError, ConnectError};
use crate::frame::{self, u16_at};
use crate::handshake;
use crate::state::{Connection, State};
use crate::table::Lookup;

/// What VPP answers to a `*_get` that did not finish (`VNET_API_ERROR_EAGAIN`).
const EAGAIN: i32 = -165;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The API socket.
    pub path: PathBuf,
    /// The name under which VPP lists this client, up to 63 bytes.
    pub name: String,
    /// Requests in flight at a time; callers beyond wait.
    pub window: usize,
    /// How long a call waits for its reply.
    pub deadline: Duration,
    /// Longest message that is taken, in bytes.
    pub longest: usize,
    /// Wait before the second try to connect; doubles up to `backoff_most`.
    pub backoff_first: Duration,
    /// See `backoff_first`.
    pub backoff_most: Duration,
}

impl Config {
    /// The usual values.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: "vpp-agent".to_string(),
            window: 1024,
            deadline: Duration::from_secs(5),
            longest: 8 << 20,
            backoff_first: Duration::from_millis(100),
            backoff_most: Duration::from_secs(5),
        }
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Messages that belong to nobody.
    pub(crate) odd: AtomicU64,
}

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
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// Starts to connect, and goes on for ever. Needs a tokio runtime.
    pub fn start(config: Config) -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (sender, state) =
            watch::channel(State::Connecting { attempt: 0, since: Instant::now(), why: String::new() });
        let (close, closing) = watch::channel(false);
        let task = tokio::spawn(supervise(config.clone(), receiver, sender, closing));
        let window = Arc::new(Semaphore::new(config.window.max(1)));
        let task = std::sync::Mutex::new(Some(task));
        Self { shared: Arc::new(Shared { config, commands, window, state, close, task }), session: None }
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
            _ => Err(ConnectError::System {
                path: self.shared.config.path.clone(),
                reason: "the client was closed".to_string(),
            }),
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
        let deadline = self.shared.config.deadline;
        let exchange = async {
            self.send(Q::NAME, connection, buffer, [context, None], waiter).await?;
            from.await.map_err(|_| CallError::Lost { message: Q::NAME })
        };
        let message = tokio::time::timeout(deadline, exchange)
            .await
            .map_err(|_| CallError::Timeout { message: Q::NAME, after: deadline })??;
        expect::<A>(Q::NAME, answered, &message)?;
        Ok(Frame::<A>::decode(&message)?.message)
    }

    /// Asks for details and waits for all of them. A `control_ping` that goes with the request marks their end:
    /// VPP carries out one after the other.
    ///
    /// VPP does not tell an empty answer from a refused one.
    pub async fn dump<V, R: Dump<V>>(&self, request: &R) -> Result<Vec<R::Details>, CallError> {
        let connection = self.connection(R::NAME)?;
        let asked = id::<R>(&connection)?;
        let ping = id::<ControlPing>(&connection)?;
        let details = id::<R::Details>(&connection)?;
        let pong = id::<ControlPingReply>(&connection)?;
        let mut buffer = BytesMut::with_capacity(128);
        let first = append(&mut buffer, asked, &connection, request)?;
        let second = append(&mut buffer, ping, &connection, &ControlPing {})?;
        let (items, _) =
            self.details::<R, R::Details>(&connection, buffer, [first, second], details, (pong, 2)).await?;
        Ok(items)
    }

    /// Asks for details that a reply ends, and asks on where VPP stopped half-way.
    ///
    /// `next` gives the request that follows a reply which says EAGAIN.
    pub async fn stream<V, R: Stream<V>>(
        &self,
        request: &R,
        next: impl Fn(&R::Reply) -> R,
    ) -> Result<Vec<R::Details>, CallError> {
        let connection = self.connection(R::NAME)?;
        let asked = id::<R>(&connection)?;
        let details = id::<R::Details>(&connection)?;
        let end = (id::<R::Reply>(&connection)?, R::Reply::HEADER.context_offset().unwrap_or(2));
        let mut request = request.clone();
        let mut all = Vec::new();
        loop {
            let mut buffer = BytesMut::with_capacity(128);
            let context = append(&mut buffer, asked, &connection, &request)?;
            let (items, last) =
                self.details::<R, R::Details>(&connection, buffer, [context, None], details, end).await?;
            all.extend(items);
            let reply = Frame::<R::Reply>::decode(&last)?.message;
            if reply.retval() != Some(EAGAIN) {
                refused(R::NAME, &connection, reply.retval())?;
                return Ok(all);
            }
            request = next(&reply);
        }
    }

    async fn details<Q: Message, D: Message>(
        &self,
        connection: &Arc<Connection>,
        buffer: BytesMut,
        contexts: [Option<usize>; 2],
        details: u16,
        end: (u16, usize),
    ) -> Result<(Vec<D>, Bytes), CallError> {
        let (to, mut from) = mpsc::unbounded_channel();
        let at = D::HEADER.context_offset().unwrap_or(2);
        let waiter = Waiter::Details { details: (details, at), end, to };
        let deadline = self.shared.config.deadline;
        let late = |_| CallError::Timeout { message: Q::NAME, after: deadline };
        // There may be no place in the window.
        let sent = self.send(Q::NAME, connection, buffer, contexts, waiter);
        tokio::time::timeout(deadline, sent).await.map_err(late)??;
        let mut items = Vec::new();
        loop {
            // The deadline is for each next message: a long answer that keeps coming is no stalled one.
            let message = tokio::time::timeout(deadline, from.recv())
                .await
                .map_err(late)?
                .ok_or(CallError::Lost { message: Q::NAME })?;
            if u16_at(&message, 0) == Some(end.0) {
                return Ok((items, message));
            }
            expect::<D>(Q::NAME, details, &message)?;
            items.push(Frame::<D>::decode(&message)?.message);
        }
    }

    async fn send(
        &self,
        message: &'static str,
        connection: &Arc<Connection>,
        frame: BytesMut,
        contexts: [Option<usize>; 2],
        waiter: Waiter,
    ) -> Result<(), CallError> {
        let permit =
            self.shared.window.clone().acquire_owned().await.map_err(|_| CallError::Lost { message })?;
        let command = Command { session: connection.session, frame, contexts, waiter, permit };
        self.shared.commands.send(command).map_err(|_| CallError::Lost { message })
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

fn refused(message: &'static str, connection: &Connection, retval: Option<i32>) -> Result<(), CallError> {
    match retval {
        Some(retval) if retval < 0 => {
            Err(CallError::Refused { message, retval, version: connection.version.clone() })
        }
        _ => Ok(()),
    }
}

fn id<M: Message>(connection: &Connection) -> Result<u16, CallError> {
    let version = || connection.version.clone();
    match connection.table.lookup(M::NAME, M::CRC) {
        Lookup::Present(id) => Ok(id),
        Lookup::Changed(found) => {
            Err(CallError::Changed { message: M::NAME, crc: M::CRC, found, version: version() })
        }
        Lookup::Absent => Err(CallError::Absent { message: M::NAME, crc: M::CRC, version: version() }),
    }
}

fn expect<M: Message>(request: &'static str, expected: u16, message: &[u8]) -> Result<(), CallError> {
    match u16_at(message, 0) {
        Some(id) if id != expected => Err(CallError::WrongReply { message: request, id, expected: M::NAME }),
        _ => Ok(()),
    }
}

/// Appends a frame; tells where its context is.
fn append<M: Message>(
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
) {
    let counters = Counters::default();
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
            tried = handshake::handshake(&config.path, &config.name, config.longest, config.deadline) => tried,
        };
        match tried {
            Ok((link, mut connection)) => {
                session += 1;
                connection.session = session;
                connection.restarted = before.as_ref().is_some_and(|b| {
                    b.pid != connection.pid
                        || b.version != connection.version
                        || b.table.len() != connection.table.len()
                });
                let connection = Arc::new(connection);
                tracing::info!(
                    version = %connection.version,
                    pid = connection.pid,
                    messages = connection.table.len(),
                    restarted = connection.restarted,
                    "connected to VPP"
                );
                before = Some(connection.clone());
                let connected = Instant::now();
                let driver = Driver::new(link, session, &counters);
                state.send_replace(State::Connected(connection));
                match driver.run(&mut commands, &mut close).await {
                    End::Closed => break,
                    End::Lost(why) => {
                        tracing::warn!(%why, "connection to VPP lost");
                        state.send_replace(State::Lost { why });
                    }
                }
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
        // What was queued for the connection that is gone: dropping it tells the callers.
        while commands.try_recv().is_ok() {}
        let wait = tokio::time::sleep(backoff.next());
        tokio::select! {
            () = closed(&mut close) => break,
            () = wait => {}
        }
    }
    state.send_replace(State::Closed);
    let odd = counters.odd.load(Ordering::Relaxed);
    if odd > 0 {
        tracing::info!(odd, "messages from VPP that belonged to nobody");
    }
}

/// Returns when a client asks to close, or none is left.
pub(crate) async fn closed(close: &mut watch::Receiver<bool>) {
    let _ = close.wait_for(|closed| *closed).await;
}
