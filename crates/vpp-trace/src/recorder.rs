//! Writes a recording while the connection goes on.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

use serde_json::Value;
use vpp_client::{Connection, Direction, Record};

use crate::line;
use crate::mask::Secrets;
use crate::session::Session;

/// Bytes of messages that may wait to be written. Beyond it messages are left out, and that is written.
const WAITING: usize = 64 << 20;

/// What a message takes beside its bytes.
const OVERHEAD: usize = 96;

/// A file cannot be recorded to.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}; the recording of API messages needs a file that can be made or emptied", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

enum Item {
    Message { at: SystemTime, session: u64, direction: Direction, bytes: Box<[u8]> },
    Connected { at: SystemTime, connection: Box<Connection> },
    Ended { at: SystemTime, session: u64, why: String },
    Stop,
}

/// Records to a file. What was sent and read is written by a thread of its own, soon after; all of it once this is
/// dropped.
pub struct Recorder {
    items: Sender<Item>,
    load: Arc<Load>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Load {
    waiting: AtomicUsize,
    left_out: AtomicU64,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// Records to a file, which only its owner can read; what was in it is gone.
    pub fn create(path: &Path, secrets: Secrets) -> Result<Self, OpenError> {
        let failed = |source| OpenError { path: path.to_path_buf(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = file.map_err(failed)?;
        let (items, waiting) = channel();
        let load = Arc::new(Load::default());
        let writer = Writer {
            out: BufWriter::new(file),
            path: path.to_path_buf(),
            secrets,
            load: load.clone(),
            session: Session::unknown(),
            held: Vec::new(),
            failed: false,
        };
        let thread = std::thread::Builder::new()
            .name("vpp-trace".to_string())
            .spawn(move || writer.run(&waiting))
            .map_err(failed)?;
        Ok(Self { items, load, thread: Mutex::new(Some(thread)) })
    }

    fn send(&self, item: Item) {
        // Without a writer nothing is recorded any more, which it has logged.
        let _ = self.items.send(item);
    }
}

impl Record for Recorder {
    fn message(&self, session: u64, direction: Direction, message: &[u8]) {
        let size = message.len() + OVERHEAD;
        if self.load.waiting.fetch_add(size, Ordering::Relaxed) > WAITING {
            self.load.waiting.fetch_sub(size, Ordering::Relaxed);
            self.load.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.send(Item::Message { at: SystemTime::now(), session, direction, bytes: message.into() });
    }

    fn connected(&self, connection: &Connection) {
        self.send(Item::Connected { at: SystemTime::now(), connection: Box::new(connection.clone()) });
    }

    fn ended(&self, session: u64, why: &str) {
        self.send(Item::Ended { at: SystemTime::now(), session, why: why.to_string() });
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.send(Item::Stop);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

struct Writer {
    out: BufWriter<File>,
    path: PathBuf,
    secrets: Secrets,
    load: Arc<Load>,
    session: Session,
    /// Messages of a handshake, until it is known whom it is with.
    held: Vec<(SystemTime, u64, Direction, Box<[u8]>)>,
    /// The file takes no more.
    failed: bool,
}

impl Writer {
    fn run(mut self, items: &Receiver<Item>) {
        loop {
            let item = match items.try_recv() {
                Ok(item) => item,
                Err(_) => {
                    self.flush();
                    match items.recv() {
                        Ok(item) => item,
                        Err(_) => return,
                    }
                }
            };
            match item {
                Item::Stop => {
                    self.release();
                    self.flush();
                    return;
                }
                item => self.take(item),
            }
            let left_out = self.load.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                self.write(&line::left_out(SystemTime::now(), left_out));
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Message { at, session, direction, bytes } => {
                self.load.waiting.fetch_sub(bytes.len() + OVERHEAD, Ordering::Relaxed);
                // The table comes in the handshake itself, so that its messages have to wait for its end.
                if self.session.is_known() {
                    self.message(at, session, direction, &bytes);
                } else {
                    self.held.push((at, session, direction, bytes));
                }
            }
            Item::Connected { at, connection } => {
                self.session = Session::of(&connection);
                self.release();
                self.write(&line::connected(at, &connection, &self.session));
            }
            Item::Ended { at, session, why } => {
                self.release();
                self.write(&line::ended(at, session, &why));
                self.session = Session::unknown();
            }
            Item::Stop => {}
        }
    }

    /// Writes what was held back.
    fn release(&mut self) {
        if !self.held.is_empty() && !self.session.is_known() {
            self.session = Session::handshake();
        }
        for (at, session, direction, bytes) in std::mem::take(&mut self.held) {
            self.message(at, session, direction, &bytes);
        }
    }

    fn message(&mut self, at: SystemTime, session: u64, direction: Direction, bytes: &[u8]) {
        let line = line::message(at, session, direction, bytes, &self.session, self.secrets);
        self.write(&line);
    }

    fn write(&mut self, line: &Value) {
        if self.failed {
            return;
        }
        let result = serde_json::to_writer(&mut self.out, line).map_err(io::Error::from);
        let result = result.and_then(|()| self.out.write_all(b"\n"));
        self.check(result);
    }

    fn flush(&mut self) {
        if !self.failed {
            let result = self.out.flush();
            self.check(result);
        }
    }

    fn check(&mut self, result: io::Result<()>) {
        if let Err(e) = result {
            tracing::error!(file = %self.path.display(), "API messages are not recorded any more: {e}");
            self.failed = true;
        }
    }
}
