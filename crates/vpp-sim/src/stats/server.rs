//! The socket: whoever connects gets the segment's descriptor, and is closed.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, MsgFlags, SockType, sendmsg};

use super::{Segment, StatsOptions};
use crate::sim::Sim;
use crate::socket::{Listener, ServeError};

/// What those who connect get.
#[derive(Debug, Default)]
pub enum Answer {
    /// The segment.
    #[default]
    Segment,
    /// A message without a descriptor.
    NoDescriptor,
    /// The connection is closed without a message.
    Closed,
    /// Nothing, and the connection stays.
    Silence,
    /// Another file.
    File(OwnedFd),
    /// The segment, and more descriptors than anyone asked for.
    Many,
}

/// A statistics socket that is served. Dropped, it is closed and its file removed.
#[derive(Debug)]
pub struct StatsServer {
    path: PathBuf,
    segment: Segment,
    answer: Arc<Mutex<Answer>>,
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl StatsServer {
    /// Serves a segment at a path. A socket file that nobody serves is replaced.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn start(
        path: impl Into<PathBuf>,
        segment: Segment,
        options: &StatsOptions,
    ) -> Result<Self, ServeError> {
        let path = path.into();
        let listener = Listener::bind(&path, SockType::SeqPacket)?;
        let refused = |what| {
            let path = path.clone();
            move |source| ServeError::System { path, what, source }
        };
        let (stop, stopped) = UnixStream::pair().map_err(refused("cannot make a pair of sockets"))?;
        let answer = Arc::new(Mutex::new(Answer::Segment));
        let server = Server {
            listener,
            stopped,
            segment: segment.clone(),
            answer: Arc::clone(&answer),
            interval: options.update_interval,
            held: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("vpp-sim-stats".to_string())
            .spawn(move || server.run())
            .map_err(refused("cannot start a thread"))?;
        Ok(Self { path, segment, answer, stop, thread: Some(thread) })
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it gives away.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// What those who connect from now on get.
    pub fn answer_with(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

impl Drop for StatsServer {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // When the thread is gone already there is nobody to hear it.
            let _ = self.stop.write_all(&[0]);
            let _ = thread.join();
        }
    }
}

impl Sim {
    /// Serves statistics at a path, with the interfaces that there are and will be. A VPP that is restarted is another
    /// one, with statistics of its own.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn serve_stats(
        &mut self,
        path: impl Into<PathBuf>,
        options: &StatsOptions,
    ) -> Result<StatsServer, ServeError> {
        let path = path.into();
        let segment = Segment::new(self.release(), options).map_err(|error| ServeError::System {
            path: path.clone(),
            what: "cannot make the statistics",
            source: io::Error::other(error),
        })?;
        self.count_in(segment.clone());
        StatsServer::start(path, segment, options)
    }
}

struct Server {
    listener: Listener,
    stopped: UnixStream,
    segment: Segment,
    answer: Arc<Mutex<Answer>>,
    interval: Duration,
    /// Connections that wait for ever.
    held: Vec<UnixStream>,
}

impl Server {
    fn run(mut self) {
        let mut due = Instant::now();
        loop {
            if Instant::now() >= due {
                // Nothing to update when the entries were removed.
                let _ = self.segment.update();
                due = Instant::now() + self.interval;
            }
            let moves = {
                let mut shared = self.segment.lock();
                shared.epoch_moves && shared.segment.move_epoch().is_ok()
            };
            let left = if moves { Duration::ZERO } else { due.saturating_duration_since(Instant::now()) };
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut waited = [
                PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waited, left) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => {
                    tracing::error!(%errno, "cannot wait for readers of statistics");
                    return;
                }
            }
            let [stop, accept] = waited.map(|fd| fd.any().unwrap_or(false));
            if stop {
                let _ = self.stopped.read(&mut [0]);
                self.listener.remove();
                return;
            }
            if accept && let Some(reader) = self.listener.accept() {
                self.give(reader.into());
            }
        }
    }

    fn give(&mut self, reader: UnixStream) {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = self.segment.lock();
        let segment = shared.segment.file().as_raw_fd();
        let sent = match &*answer {
            Answer::Segment => send(&reader, &[segment]),
            Answer::NoDescriptor => send(&reader, &[]),
            Answer::Closed => Ok(()),
            Answer::Silence => {
                self.held.push(reader);
                return;
            }
            Answer::File(file) => send(&reader, &[file.as_raw_fd()]),
            Answer::Many => send(&reader, &[segment; 8]),
        };
        if let Err(errno) = sent {
            tracing::warn!(%errno, "a reader of statistics went before it had them");
        }
    }
}

/// VPP sends no bytes with it; a message without anything would be none.
fn send(reader: &UnixStream, descriptors: &[i32]) -> Result<(), Errno> {
    let rights = [ControlMessage::ScmRights(descriptors)];
    let (bytes, rights): (&[u8], &[ControlMessage<'_>]) =
        if descriptors.is_empty() { (&[0], &[]) } else { (&[], &rights) };
    sendmsg::<()>(reader.as_raw_fd(), &[IoSlice::new(bytes)], rights, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}
