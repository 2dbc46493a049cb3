//! The control socket: a line of JSON is a command, a line of JSON its answer. A thread of its own serves it, so
//! that it is there while VPP stands still or is dead.

mod command;
mod fields;
mod rule;

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::SockType;

use crate::running::Host;
use crate::socket::{Listener, ServeError};
use fields::CommandError;

/// A line that is longer than this is a mistake.
const LONGEST: usize = 1 << 20;

/// A client that does not take its answer for so long is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread that serves it. Dropped, it ends with the socket file.
pub(crate) struct Control {
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    pub(crate) fn start(host: Arc<Host>, path: PathBuf) -> Result<Self, ServeError> {
        let refused = |path: &Path, what, source: io::Error| ServeError::system(path, what, source);
        let listener = Listener::bind(&path, SockType::Stream)?;
        let (stop, stopped) =
            UnixStream::pair().map_err(|e| refused(&path, "cannot make a pair of sockets", e))?;
        let server = Server { host, listener, stopped, clients: Vec::new() };
        let thread = std::thread::Builder::new()
            .name("vpp-sim-control".to_string())
            .spawn(move || server.run())
            .map_err(|e| refused(&path, "cannot start a thread", e))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.stop.write_all(&[0]);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Client {
    socket: UnixStream,
    read: Vec<u8>,
}

struct Server {
    host: Arc<Host>,
    listener: Listener,
    stopped: UnixStream,
    clients: Vec<Client>,
}

impl Server {
    fn run(mut self) {
        loop {
            let mut waited = vec![
                PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
            ];
            waited.extend(self.clients.iter().map(|c| PollFd::new(c.socket.as_fd(), PollFlags::POLLIN)));
            match poll(&mut waited, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(errno) => {
                    tracing::error!(%errno, "cannot wait for commands");
                    return;
                }
            }
            let mut ready = waited.iter().map(|fd| fd.revents().is_some_and(|e| !e.is_empty()));
            let (stop, accept) = (ready.next() == Some(true), ready.next() == Some(true));
            let ready: Vec<bool> = ready.collect();
            if stop {
                self.listener.remove();
                return;
            }
            let mut ready = ready.into_iter();
            let host = &self.host;
            self.clients.retain_mut(|client| !ready.next().unwrap_or(false) || client.serve(host));
            if accept && let Some(socket) = self.listener.accept() {
                let socket = UnixStream::from(socket);
                // Reads are only tried when there is something; writes may wait a while.
                let set =
                    socket.set_nonblocking(false).and_then(|()| socket.set_write_timeout(Some(PATIENCE)));
                match set {
                    Ok(()) => self.clients.push(Client { socket, read: Vec::new() }),
                    Err(error) => tracing::error!(%error, "cannot serve a client of the control socket"),
                }
            }
        }
    }
}

impl Client {
    /// Reads and carries out what is complete. False when the client is gone.
    fn serve(&mut self, host: &Host) -> bool {
        let mut buffer = [0; 16 * 1024];
        let n = match self.socket.read(&mut buffer) {
            Ok(n) if n > 0 => n,
            _ => return false,
        };
        for byte in buffer.into_iter().take(n) {
            if byte != b'\n' {
                self.read.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.read);
            if !line.trim_ascii().is_empty() && !self.answer(&command::run(host, &line)) {
                return false;
            }
        }
        if self.read.len() > LONGEST {
            self.answer(&command::answer(Err(CommandError::TooLong(LONGEST))));
            return false;
        }
        true
    }

    fn answer(&mut self, answer: &serde_json::Value) -> bool {
        self.socket.write_all(format!("{answer}\n").as_bytes()).is_ok()
    }
}
