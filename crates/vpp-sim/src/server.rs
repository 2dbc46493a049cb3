//! The sockets: clients served one message at a time by one thread, like VPP's main thread does.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};

use crate::outbox::{HEADER, Outbox, Piece, length};
use crate::sim::Sim;
use crate::socket::Listener;

/// Bytes that VPP reads and writes at once, which on a socket with packets is what a packet can have.
const CHUNK: usize = 4096;

/// Bytes read from one client before the others get their turn.
const TURN: usize = 256 * 1024;

/// Frames beyond this are taken for a broken client.
const LARGEST: usize = 64 * 1024 * 1024;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread is told from outside.
#[derive(Debug)]
pub(crate) enum Order {
    /// Do nothing for a time.
    Stall(Duration),
    /// End a connection, or all.
    Close(Option<u64>),
    /// Send bytes to a connection, or to all.
    Send(Option<u64>, Vec<u8>),
    /// Look at the VPP: it has events, or it is dead.
    Look,
}

/// The way to tell it.
pub(crate) struct Orders {
    queue: Mutex<VecDeque<Order>>,
    stop: AtomicBool,
    wake: UnixStream,
}

impl Orders {
    /// And the end that the thread waits at.
    pub(crate) fn new() -> std::io::Result<(Self, UnixStream)> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        Ok((Self { queue: Mutex::default(), stop: AtomicBool::new(false), wake }, woken))
    }

    pub(crate) fn give(&self, order: Order) {
        lock(&self.queue).push_back(order);
        self.wake();
    }

    /// The thread ends, with its socket files.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        // When it cannot be written it is woken already, or gone.
        let _ = (&self.wake).write(&[0]);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// What is behind a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// The binary API.
    Api,
}

struct Connection {
    socket: OwnedFd,
    read: Vec<u8>,
    write: Vec<u8>,
    /// Bytes of `write` that are sent.
    sent: usize,
    /// What may be sent from a time on, in order; all later than `write`.
    held: VecDeque<(Instant, Vec<u8>)>,
    /// Bytes in `held`.
    held_bytes: usize,
    /// Close when all is sent, and read nothing more.
    closing: bool,
}

impl Connection {
    fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            read: Vec::new(),
            write: Vec::new(),
            sent: 0,
            held: VecDeque::new(),
            held_bytes: 0,
            closing: false,
        }
    }

    /// Puts bytes behind all others.
    fn queue(&mut self, delay: Duration, mut bytes: Vec<u8>) {
        let last = self.held.back_mut();
        if last.is_some() || !delay.is_zero() {
            self.held_bytes = self.held_bytes.saturating_add(bytes.len());
        }
        match last {
            Some((_, held)) if delay.is_zero() => held.append(&mut bytes),
            None if delay.is_zero() => self.write.append(&mut bytes),
            last => {
                let now = Instant::now();
                let due = now.checked_add(delay).unwrap_or(now);
                let due = last.map_or(due, |(before, _)| due.max(*before));
                self.held.push_back((due, bytes));
            }
        }
    }

    /// Lets go what is due.
    fn release(&mut self, now: Instant) {
        while self.held.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, mut bytes)) = self.held.pop_front() else { return };
            self.held_bytes = self.held_bytes.saturating_sub(bytes.len());
            self.write.append(&mut bytes);
        }
    }

    fn waiting(&self) -> usize {
        self.write.len().saturating_sub(self.sent).saturating_add(self.held_bytes)
    }
}

pub(crate) struct Server {
    sim: Arc<Mutex<Sim>>,
    orders: Arc<Orders>,
    woken: UnixStream,
    listeners: Vec<(Role, Listener)>,
    seqpacket: bool,
    abort_when_dead: bool,
    most_waiting: usize,
    connections: BTreeMap<u64, Connection>,
}

/// What there is to do.
struct Ready {
    /// Listeners by position.
    accept: Vec<usize>,
    /// Connections, and whether there is something to read.
    connections: Vec<(u64, bool)>,
}

impl Server {
    pub(crate) fn new(
        sim: Arc<Mutex<Sim>>,
        orders: Arc<Orders>,
        woken: UnixStream,
        listeners: Vec<(Role, Listener)>,
    ) -> Self {
        let (seqpacket, abort_when_dead, most_waiting) = {
            let sim = lock(&sim);
            (sim.behaviour().seqpacket, sim.options().abort_when_dead, sim.options().most_waiting)
        };
        let connections = BTreeMap::new();
        Self { sim, orders, woken, listeners, seqpacket, abort_when_dead, most_waiting, connections }
    }

    /// Serves until it is stopped or the VPP is dead.
    pub(crate) fn run(mut self) {
        let mut buffer = vec![0; if self.seqpacket { CHUNK } else { 64 * 1024 }];
        loop {
            self.obey();
            if self.orders.stopped() {
                for (_, listener) in self.listeners {
                    listener.remove();
                }
                return;
            }
            if lock(&self.sim).died().is_some() {
                if self.abort_when_dead {
                    std::process::abort();
                }
                return;
            }
            self.release();
            let Ready { accept, connections } = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(errno) => {
                    tracing::error!(%errno, "cannot wait for clients");
                    return;
                }
            };
            for (id, readable) in connections {
                if readable {
                    self.receive(id, &mut buffer);
                }
                self.transmit(id);
            }
            for listener in accept {
                self.accept(listener);
            }
        }
    }

    fn wait(&mut self) -> Result<Ready, Errno> {
        let mut waited = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        waited.extend(self.listeners.iter().map(|(_, l)| PollFd::new(l.as_fd(), PollFlags::POLLIN)));
        let mut ids = Vec::with_capacity(self.connections.len());
        for (id, connection) in &self.connections {
            let mut flags = PollFlags::empty();
            if !connection.closing {
                flags |= PollFlags::POLLIN;
            }
            if connection.sent < connection.write.len() {
                flags |= PollFlags::POLLOUT;
            }
            waited.push(PollFd::new(connection.socket.as_fd(), flags));
            ids.push(*id);
        }
        let due = self.connections.values().filter_map(|c| c.held.front()).map(|(due, _)| *due).min();
        poll(&mut waited, timeout(due))?;
        let mut events = waited.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        let woken = events.next().is_some_and(|e| !e.is_empty());
        let accept = (0..self.listeners.len())
            .zip(events.by_ref())
            .filter(|(_, events)| !events.is_empty())
            .map(|(listener, _)| listener)
            .collect();
        let readable = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        let connections = ids
            .into_iter()
            .zip(events)
            .filter(|(_, events)| !events.is_empty())
            .map(|(id, events)| (id, events.intersects(readable)))
            .collect();
        if woken {
            self.drain();
        }
        Ok(Ready { accept, connections })
    }

    fn drain(&self) {
        while matches!((&self.woken).read(&mut [0; 64]), Ok(n) if n > 0) {}
    }

    /// Does what it was told.
    fn obey(&mut self) {
        loop {
            let order = lock(&self.orders.queue).pop_front();
            match order {
                None => return,
                Some(Order::Stall(time)) => self.stand_still(time),
                Some(Order::Look) => {
                    let mut out = Outbox::default();
                    lock(&self.sim).deliver_events(&mut out);
                    self.deliver(out.take());
                }
                Some(Order::Close(which)) => {
                    for id in self.these(which) {
                        self.close(id, Side::Vpp);
                    }
                }
                Some(Order::Send(which, bytes)) => {
                    let piece =
                        |connection| Piece { connection, delay: Duration::ZERO, bytes: bytes.clone() };
                    self.deliver(self.these(which).into_iter().map(piece).collect());
                }
            }
        }
    }

    fn these(&self, which: Option<u64>) -> Vec<u64> {
        self.connections.keys().copied().filter(|id| which.is_none_or(|which| which == *id)).collect()
    }

    /// Does nothing for a time, unless it is stopped or killed meanwhile.
    fn stand_still(&self, time: Duration) {
        let Some(until) = Instant::now().checked_add(time) else { return };
        while Instant::now() < until && !self.orders.stopped() && lock(&self.sim).died().is_none() {
            let mut waited = [PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
            if poll(&mut waited, timeout(Some(until))).is_ok_and(|n| n > 0) {
                // Orders wait in their queue.
                self.drain();
            }
        }
    }

    fn accept(&mut self, listener: usize) {
        let Some((role, listener)) = self.listeners.get(listener) else { return };
        let Some(socket) = listener.accept() else { return };
        match role {
            Role::Api => {
                let id = lock(&self.sim).connect();
                self.connections.insert(id, Connection::new(socket));
            }
        }
    }

    fn close(&mut self, id: u64, by: Side) {
        let Some(connection) = self.connections.remove(&id) else { return };
        let mut sim = lock(&self.sim);
        match by {
            Side::Client if !connection.closing => sim.disconnect(id),
            Side::Client | Side::Vpp => {
                sim.close(id);
            }
        }
    }

    /// Reads what a client sent, handles what is complete, and puts the answers where they go.
    fn receive(&mut self, id: u64, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.closing {
            // It left before all was sent.
            self.close(id, Side::Client);
            return;
        }
        let mut turn = 0;
        let mut gone = None;
        while turn < TURN {
            // With this flag a packet tells its length, also when it is more than VPP reads of it.
            let flags = if self.seqpacket { MsgFlags::MSG_TRUNC } else { MsgFlags::empty() };
            match recv(connection.socket.as_raw_fd(), buffer, flags) {
                Ok(0) => {
                    gone = Some(Side::Client);
                    break;
                }
                Ok(n) => {
                    if n > buffer.len() {
                        tracing::warn!(length = n, "packet longer than {CHUNK} bytes, the rest is lost");
                    }
                    let n = n.min(buffer.len());
                    connection.read.extend_from_slice(buffer.get(..n).unwrap_or_default());
                    turn += n;
                    if !self.seqpacket && n < buffer.len() {
                        break;
                    }
                }
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    tracing::info!(%errno, "client lost");
                    gone = Some(Side::Client);
                    break;
                }
            }
        }
        // What it was told before the client sent this comes before it.
        self.obey();
        if self.handle(id).is_err() {
            gone = gone.or(Some(Side::Vpp));
        }
        if let Some(by) = gone {
            // What it left behind may be a goodbye.
            self.close(id, by);
        }
    }

    /// Handles the complete frames of a connection; an error when its next one is none.
    fn handle(&mut self, id: u64) -> Result<(), ()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let mut read = std::mem::take(&mut connection.read);
        let mut out = Outbox::new(id);
        let mut at = 0;
        let mut fine = Ok(());
        let host = Arc::clone(&self.sim);
        let mut sim = lock(&host);
        while let Some((header, rest)) = read.get(at..).and_then(|b| b.split_first_chunk::<HEADER>()) {
            if out.close || sim.died().is_some() || self.orders.stopped() {
                break;
            }
            let length = length(header);
            if length > LARGEST {
                tracing::warn!(length, "frame too large, client closed");
                fine = Err(());
                break;
            }
            let Some(message) = rest.get(..length) else { break };
            // VPP looks at a header when there is more than a header.
            if rest.is_empty() {
                break;
            }
            at += HEADER + length;
            sim.handle(message, &mut out);
            if let Some(time) = out.stall.take() {
                drop(sim);
                self.stand_still(time);
                sim = lock(&host);
            }
        }
        // Before the answers go, so that who has one finds its request in the log.
        sim.flush();
        drop(sim);
        read.drain(..at);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.read = read;
            connection.closing |= out.close;
        }
        self.deliver(out.take());
        fine
    }

    /// Queues bytes and sends what can be sent.
    fn deliver(&mut self, pieces: Vec<Piece>) {
        let mut ids: Vec<u64> = pieces.iter().map(|piece| piece.connection).collect();
        ids.dedup();
        for Piece { connection, delay, bytes } in pieces {
            if let Some(connection) = self.connections.get_mut(&connection) {
                connection.queue(delay, bytes);
            }
        }
        for id in ids {
            self.transmit(id);
            let waiting = self.connections.get(&id).map_or(0, Connection::waiting);
            if waiting > self.most_waiting {
                tracing::error!(connection = id, waiting, "client does not read, closed");
                self.close(id, Side::Vpp);
            }
        }
    }

    /// Sends what was held back until now.
    fn release(&mut self) {
        let now = Instant::now();
        let due = |c: &Connection| c.held.front().is_some_and(|(due, _)| *due <= now);
        let ids: Vec<u64> = self.connections.iter().filter(|(_, c)| due(c)).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.release(now);
            }
            self.transmit(id);
        }
    }

    /// Writes as much as the client takes.
    fn transmit(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        while connection.sent < connection.write.len() {
            let end = if self.seqpacket {
                connection.write.len().min(connection.sent + CHUNK)
            } else {
                connection.write.len()
            };
            let bytes = connection.write.get(connection.sent..end).unwrap_or_default();
            match send(connection.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(n) => connection.sent += n,
                Err(Errno::EAGAIN) => {
                    // What is sent is not kept for ever.
                    if connection.sent > 1 << 20 {
                        connection.write.drain(..connection.sent);
                        connection.sent = 0;
                    }
                    return;
                }
                Err(Errno::EINTR) => {}
                Err(_) => {
                    self.close(id, Side::Client);
                    return;
                }
            }
        }
        connection.write.clear();
        connection.sent = 0;
        if connection.closing && connection.held.is_empty() {
            self.close(id, Side::Vpp);
        }
    }
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Vpp,
}

/// Until then, in whole milliseconds upwards.
fn timeout(until: Option<Instant>) -> PollTimeout {
    let Some(until) = until else { return PollTimeout::NONE };
    let left = until.saturating_duration_since(Instant::now());
    let left = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}
