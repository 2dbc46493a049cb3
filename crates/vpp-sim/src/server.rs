//! The socket: clients served one message at a time by one thread, like VPP's main thread does.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, listen, recv, send, socket,
};

use crate::Release;
use crate::options::Options;
use crate::sim::{Error, Outbox, Sim};

/// Bytes that VPP reads and writes at once, which on a socket with packets is what a packet can have.
const CHUNK: usize = 4096;

/// Bytes read from one client before the others get their turn.
const TURN: usize = 256 * 1024;

/// Frames beyond this are taken for a broken client.
const LARGEST: usize = 64 * 1024 * 1024;

const HEADER: usize = 16;

/// Why the socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another process answers there.
    #[error("{}: another process serves this socket", .0.display())]
    InUse(PathBuf),
    /// There is a file that is no socket.
    #[error("{}: there is a file that is not a socket, it is left as it is", .0.display())]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("{}: {what}: {source}", path.display())]
    System {
        /// The socket.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// No VPP to serve, on a restart.
    #[error(transparent)]
    Sim(#[from] Error),
}

fn lock(sim: &Mutex<Sim>) -> MutexGuard<'_, Sim> {
    sim.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A VPP that serves its socket. Dropped, it closes its connections and removes the socket file.
pub struct Running {
    path: PathBuf,
    sim: Arc<Mutex<Sim>>,
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// Serves the API at a path. A socket file that nobody serves is replaced.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn serve(self, path: impl Into<PathBuf>) -> Result<Running, ServeError> {
        let path = path.into();
        let seqpacket = self.behaviour().seqpacket;
        let (listener, inode) = bound(&path, seqpacket)?;
        let refused = |what| {
            let path = path.clone();
            move |source| ServeError::System { path, what, source }
        };
        let (stop, stopped) = UnixStream::pair().map_err(refused("cannot make a pair of sockets"))?;
        let sim = Arc::new(Mutex::new(self));
        let server = Server {
            sim: Arc::clone(&sim),
            listener,
            stopped,
            seqpacket,
            connections: BTreeMap::new(),
            path: path.clone(),
            inode,
        };
        let thread = std::thread::Builder::new()
            .name("vpp-sim".to_string())
            .spawn(move || server.run())
            .map_err(refused("cannot start a thread"))?;
        Ok(Running { path, sim, stop, thread: Some(thread) })
    }
}

impl Running {
    /// The path of the socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The VPP, for a look; messages wait meanwhile.
    pub fn sim(&self) -> MutexGuard<'_, Sim> {
        lock(&self.sim)
    }

    /// Why the simulated VPP died, once it did. Its connections are closed then; the socket file stays, as that of
    /// a crashed VPP does.
    pub fn died(&self) -> Option<String> {
        self.sim().died().map(str::to_string)
    }

    /// Ends it and starts another one of the same release and options, with nothing configured.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn restart(self) -> Result<Self, ServeError> {
        let (release, options) = {
            let sim = self.sim();
            (sim.release(), sim.options().clone())
        };
        self.restart_as(release, options)
    }

    /// Ends it and starts another release at the same path.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn restart_as(mut self, release: Release, options: Options) -> Result<Self, ServeError> {
        self.end();
        Sim::new(release, options)?.serve(self.path.clone())
    }

    /// Ends it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            // When the thread is gone already there is nobody to hear it.
            let _ = self.stop.write_all(&[0]);
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn bound(path: &Path, seqpacket: bool) -> Result<(UnixListener, u64), ServeError> {
    let refused =
        |what, errno: Errno| ServeError::System { path: path.to_path_buf(), what, source: errno.into() };
    let kind = if seqpacket { SockType::SeqPacket } else { SockType::Stream };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let new =
        || socket(AddressFamily::Unix, kind, flags, None).map_err(|e| refused("cannot make a socket", e));
    let address = UnixAddr::new(path).map_err(|e| refused("cannot be the path of a socket", e))?;
    if let Ok(there) = std::fs::symlink_metadata(path) {
        if !there.file_type().is_socket() {
            return Err(ServeError::NotASocket(path.to_path_buf()));
        }
        // Any answer but a refusal means that somebody is there; the other type of socket tells itself too.
        match connect(new()?.as_raw_fd(), &address) {
            Err(Errno::ECONNREFUSED | Errno::ENOENT) => {}
            Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => {
                return Err(ServeError::InUse(path.to_path_buf()));
            }
            Err(errno) => return Err(refused("cannot tell whether it is served", errno)),
        }
        std::fs::remove_file(path).map_err(|source| ServeError::System {
            path: path.to_path_buf(),
            what: "cannot remove the socket file of a VPP that is gone",
            source,
        })?;
    }
    let listener = new()?;
    bind(listener.as_raw_fd(), &address).map_err(|e| refused("cannot be bound", e))?;
    let backlog = Backlog::new(128).map_err(|e| refused("cannot be listened at", e))?;
    listen(&listener, backlog).map_err(|e| refused("cannot be listened at", e))?;
    let inode = std::fs::symlink_metadata(path).map_or(0, |m| m.ino());
    // The listener of std works for packets too: it only accepts.
    Ok((UnixListener::from(listener), inode))
}

struct Connection {
    socket: OwnedFd,
    read: Vec<u8>,
    write: Vec<u8>,
    /// Bytes of `write` that are sent.
    sent: usize,
    /// Close when all is sent.
    closing: bool,
}

struct Server {
    sim: Arc<Mutex<Sim>>,
    listener: UnixListener,
    stopped: UnixStream,
    seqpacket: bool,
    connections: BTreeMap<u64, Connection>,
    path: PathBuf,
    inode: u64,
}

/// What there is to do.
struct Ready {
    stop: bool,
    accept: bool,
    /// Connections, and whether there is something to read.
    connections: Vec<(u64, bool)>,
}

impl Server {
    fn run(mut self) {
        let mut buffer = vec![0; if self.seqpacket { CHUNK } else { 64 * 1024 }];
        loop {
            let Ready { stop, accept, connections } = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(errno) => {
                    tracing::error!(%errno, "cannot wait for clients");
                    return;
                }
            };
            if stop {
                let _ = self.stopped.read(&mut [0]);
                // The path may be another's by now.
                if std::fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode) {
                    let _ = std::fs::remove_file(&self.path);
                }
                return;
            }
            for (id, readable) in connections {
                if readable {
                    self.receive(id, &mut buffer);
                }
                self.transmit(id);
            }
            let sim = lock(&self.sim);
            if sim.died().is_some() {
                if sim.options().abort_when_dead {
                    std::process::abort();
                }
                return;
            }
            drop(sim);
            if accept {
                self.accept();
            }
        }
    }

    fn wait(&self) -> Result<Ready, Errno> {
        let mut waited = vec![
            PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
        ];
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
        poll(&mut waited, PollTimeout::NONE)?;
        let mut events = waited.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        let stop = events.next().is_some_and(|e| !e.is_empty());
        let accept = events.next().is_some_and(|e| !e.is_empty());
        let readable = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        let ready = ids
            .into_iter()
            .zip(events)
            .filter(|(_, events)| !events.is_empty())
            .map(|(id, events)| (id, events.intersects(readable)))
            .collect();
        Ok(Ready { stop, accept, connections: ready })
    }

    fn accept(&mut self) {
        let accepted = self.listener.accept().and_then(|(socket, _)| {
            socket.set_nonblocking(true)?;
            Ok(OwnedFd::from(socket))
        });
        match accepted {
            Ok(socket) => {
                let id = lock(&self.sim).connect();
                let connection =
                    Connection { socket, read: Vec::new(), write: Vec::new(), sent: 0, closing: false };
                self.connections.insert(id, connection);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => tracing::error!(%error, "cannot accept a client"),
        }
    }

    fn close(&mut self, id: u64) {
        if self.connections.remove(&id).is_some() {
            lock(&self.sim).disconnect(id);
        }
    }

    /// Reads what a client sent, handles what is complete, and puts the answers where they go.
    fn receive(&mut self, id: u64, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let mut turn = 0;
        let mut gone = false;
        while turn < TURN {
            // With this flag a packet tells its length, also when it is more than VPP reads of it.
            let flags = if self.seqpacket { MsgFlags::MSG_TRUNC } else { MsgFlags::empty() };
            match recv(connection.socket.as_raw_fd(), buffer, flags) {
                Ok(0) => {
                    gone = true;
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
                    gone = true;
                    break;
                }
            }
        }
        let mut out = Outbox::new(id);
        let mut at = 0;
        let mut sim = lock(&self.sim);
        while let Some((header, rest)) =
            connection.read.get(at..).and_then(|b| b.split_first_chunk::<HEADER>())
        {
            let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = *header;
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            if length > LARGEST {
                tracing::warn!(length, "frame too large, client closed");
                gone = true;
                break;
            }
            let Some(message) = rest.get(..length) else { break };
            at += HEADER + length;
            sim.handle(message, &mut out);
            if out.close || sim.died().is_some() {
                break;
            }
        }
        // Before the answers go, so that who has one finds its request in the log.
        sim.flush();
        drop(sim);
        connection.read.drain(..at);
        connection.write.append(&mut out.own);
        connection.closing |= out.close;
        for (other, bytes) in out.others {
            if let Some(connection) = self.connections.get_mut(&other) {
                connection.write.extend_from_slice(&bytes);
            }
            self.transmit(other);
        }
        if gone {
            self.close(id);
        }
    }

    /// Writes as much as the client takes. There is no limit to what waits, as there is none in VPP.
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
                    self.close(id);
                    return;
                }
            }
        }
        connection.write.clear();
        connection.sent = 0;
        if connection.closing {
            self.close(id);
        }
    }
}
