//! A VPP that does what a test tells it.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use serde_json::{Value, json};
use vpp_schema::Schema;
use vpp_sim::{Outbox, Sim};

use super::{schema, sim};

/// Bytes in front of a message.
pub const HEADER: usize = 16;

/// What VPP writes at once, which is a packet where the socket has packets.
const CHUNK: usize = 4096;

/// A message as it goes over the socket.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.extend_from_slice(&u32::try_from(message.len()).expect("a length").to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(message);
    bytes
}

/// What comes of a message: bytes as they are, and whether the connection ends after them.
#[derive(Debug, Default)]
pub struct Reaction {
    pub bytes: Vec<u8>,
    pub close: bool,
}

impl Reaction {
    pub fn nothing() -> Self {
        Self::default()
    }

    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), close: false }
    }

    pub fn close() -> Self {
        Self { bytes: Vec::new(), close: true }
    }
}

/// Serves one connection after the other.
pub struct Server {
    path: PathBuf,
    listener: UnixListener,
    stopping: Arc<AtomicBool>,
    current: Arc<Mutex<Option<UnixStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `react` gets the number of the connection, from 1, and a message from its id on.
    pub fn start(
        path: &Path,
        seqpacket: bool,
        mut react: impl FnMut(u32, &[u8]) -> Reaction + Send + 'static,
    ) -> Self {
        let kind = if seqpacket { SockType::SeqPacket } else { SockType::Stream };
        let fd = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        bind(fd.as_raw_fd(), &UnixAddr::new(path).expect("a path")).expect("bound");
        listen(&fd, Backlog::new(8).expect("a backlog")).expect("listens");
        let listener = UnixListener::from(fd);
        let stopping = Arc::new(AtomicBool::new(false));
        let current = Arc::new(Mutex::new(None));
        let (accepting, stop, now) =
            (listener.try_clone().expect("cloned"), Arc::clone(&stopping), Arc::clone(&current));
        let thread = std::thread::spawn(move || {
            let mut connection = 0;
            while let Ok((stream, _)) = accepting.accept() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                *now.lock().expect("a lock") = Some(stream.try_clone().expect("cloned"));
                connection += 1;
                serve(stream, |message| react(connection, message));
                // Closed only when the other handle is gone, too.
                *now.lock().expect("a lock") = None;
            }
        });
        Self { path: path.to_path_buf(), listener, stopping, current, thread: Some(thread) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn serve(mut stream: UnixStream, mut react: impl FnMut(&[u8]) -> Reaction) {
    let mut input = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = match stream.read(&mut buffer) {
            Ok(n) if n > 0 => n,
            _ => return,
        };
        input.extend_from_slice(&buffer[..n]);
        while input.len() >= HEADER {
            let length = u32::from_be_bytes(input[8..12].try_into().expect("four bytes")) as usize;
            if input.len() < HEADER + length {
                break;
            }
            let Reaction { bytes, close } = react(&input[HEADER..HEADER + length]);
            input.drain(..HEADER + length);
            for chunk in bytes.chunks(CHUNK) {
                if stream.write_all(chunk).is_err() {
                    return;
                }
            }
            if close {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Both wake the thread: one from `accept`, one from `read`.
        let _ = nix::sys::socket::shutdown(self.listener.as_raw_fd(), nix::sys::socket::Shutdown::Both);
        if let Some(stream) = &*self.current.lock().expect("a lock") {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A test that fails already says why.
            assert!(ended.is_ok() || std::thread::panicking(), "the server does not panic");
        }
    }
}

/// A simulated VPP whose answers a test can change on their way.
pub struct Behind {
    pub sim: Sim,
    number: u32,
    connection: u64,
}

impl Behind {
    pub fn new(sim: Sim) -> Self {
        Self { sim, number: 0, connection: 0 }
    }

    /// The frames with which the simulated VPP answers.
    pub fn answer(&mut self, number: u32, message: &[u8]) -> Vec<u8> {
        if number != self.number {
            self.sim.disconnect(self.connection);
            self.connection = self.sim.connect();
            self.number = number;
        }
        let mut out = Outbox::new(self.connection);
        self.sim.handle(message, &mut out);
        let frames = out.frames().filter(|(connection, _)| *connection == self.connection);
        frames.flat_map(|(_, bytes)| bytes.to_vec()).collect()
    }

    /// The name of a message.
    pub fn name(&self, message: &[u8]) -> String {
        let id = u16::from_be_bytes([message[0], message[1]]);
        self.sim.table().name(id).unwrap_or_default().to_string()
    }
}

/// What a test does to a message: the frames that answer it, or nothing to leave that to the simulated VPP.
pub type Meddle = Box<dyn FnMut(&mut Behind, u32, &[u8]) -> Option<Reaction> + Send>;

/// A VPP of a release in a folder that goes with it, and a test in between.
pub fn between(release: &str, mut meddle: Meddle) -> (tempfile::TempDir, Server, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let mut behind = Behind::new(sim(release));
    let server = Server::start(&path, false, move |connection, message| {
        meddle(&mut behind, connection, message)
            .unwrap_or_else(|| Reaction::bytes(behind.answer(connection, message)))
    });
    (folder, server, path)
}

/// Makes answers to requests.
pub struct Answers(pub Schema);

impl Answers {
    /// As a release lays them out.
    pub fn of(release: &str) -> Self {
        Self(schema(release))
    }

    /// A message with the context of a request; what `fields` does not say is zero.
    pub fn make(&self, behind: &Behind, request: &[u8], name: &str, mut fields: Value) -> Vec<u8> {
        fields["context"] = json!(u32::from_be_bytes(request[6..10].try_into().expect("a context")));
        let id = behind.sim.table().id(name).expect("a number");
        let body = self.0.encode(name, &fields).unwrap_or_else(|e| panic!("{name} {fields}: {e}"));
        frame(&[id.to_be_bytes().as_slice(), &body].concat())
    }

    /// The fields of a message of which only some are said. Of each the first spelling that the release has counts, and
    /// one that it has none of is left out.
    pub fn fields(&self, name: &str, said: &[(&[&str], Value)]) -> Value {
        let mut fields = json!({});
        for (spellings, value) in said {
            let there = spellings.iter().find(|path| self.0.field(name, path).is_some());
            let Some(path) = there else { continue };
            let mut place = &mut fields;
            for step in path.split('.') {
                place = &mut place[step];
            }
            *place = value.clone();
        }
        fields
    }

    /// True when a request has a reply that can refuse it.
    pub fn can_refuse(&self, request: &str) -> bool {
        let reply = self.0.message(&format!("{request}_reply"));
        reply.is_some_and(|reply| reply.fields().any(|field| field == "retval"))
    }
}
