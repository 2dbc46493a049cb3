//! Statistics: VPP's counters, read from the memory that it shares.
//!
//! VPP keeps its counters in a file in memory and gives the file to everyone who connects to its statistics socket.
//! Reading costs VPP nothing: no message is sent, and VPP does not know of it.
//!
//! ```no_run
//! use vpp_client::stats::{Stats, StatsConfig};
//!
//! # fn main() -> Result<(), vpp_client::stats::StatsError> {
//! let mut stats = Stats::connect(StatsConfig::default())?;
//! for interface in stats.interface_counters()? {
//!     let total = interface.total();
//!     println!("{} {:?} rx {} packets", interface.sw_if_index, interface.name, total.rx.packets);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everything here is synchronous: memory is read, and what waits has a limit ([`StatsConfig`]). On an asynchronous
//! runtime call it where blocking is allowed.
//!
//! # Consistency
//!
//! VPP counts at all times, and sometimes moves things: an interface more makes every vector longer. It sets
//! `in_progress` while it does so, and after it counts `epoch` up. A read waits until nothing is in progress, reads,
//! and is done again when the epoch moved meanwhile, a bounded number of times. Places and names are kept for as long
//! as the epoch stays. The directory is compared anyway, as VPP adds and removes some entries outside of what the
//! epoch guards. Counters are not guarded at all: each is read whole, two of them may be some packets apart.
//!
//! # Why it does not crash, whatever the segment says
//!
//! Every length and address comes from the segment, torn or wild ones included. Each is checked with arithmetic that
//! cannot overflow against the size that was mapped, before anything is allocated or read; how much one read may copy
//! in all is limited, too. Kinds of entries that are not known are opaque.
//!
//! The file is mapped, since a scrape of thousands of counters by `pread` would be thousands of system calls, and its
//! descriptor closed. A mapping has one danger that reading has not: when the file becomes shorter, a read beyond its
//! end is SIGBUS. From 21.01 on VPP seals its file against shrinking, which is looked at; nobody can shorten it then.
//! Before, VPP sets the size once, when it starts. For a file without the seal the kernel is asked before each read
//! whether the last page is there (`MADV_POPULATE_READ`, Linux 5.14), so that a file that was cut is an error. What is
//! left is a program that is not VPP and cuts the file during the microseconds of a read.
//!
//! No reference into the mapping is ever made, as it changes under it; words are copied out by volatile reads. That is
//! the one part with `unsafe`, in `sys.rs`.

mod directory;
mod error;
mod interfaces;
mod layout;
mod nodes;
mod socket;
mod sys;
mod system;
mod value;
mod view;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use directory::{Entry, Pattern};
pub use error::StatsError;
pub use interfaces::{Counters, InterfaceCounters};
pub use layout::{Kind, Layout};
pub use nodes::{ErrorCounter, NodeCounters, NodeValues};
pub use system::{BufferPool, Heap, System};
pub use value::{Combined, Histogram, Ring, Value};

use directory::Directory;
use layout::Unfit;
use sys::Mapping;
use value::Known;
use view::{Fault, RawEntry, View};

/// Where VPP's packages put the statistics socket, in every release.
pub const DEFAULT_PATH: &str = "/run/vpp/stats.sock";

/// VPP updates its heartbeat every 10 s, unless `statseg { update-interval }` says otherwise. One that stands still
/// for longer than this is that of a VPP that has died or hangs.
pub const STALE_AFTER: Duration = Duration::from_secs(30);

/// How often a read is done again when the directory changes, at most.
const ATTEMPTS: u32 = 1000;

/// How often bytes that make no sense are read again although the epoch stands still.
const DOUBTS: u32 = 3;

/// Longest wait between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// How statistics are read.
#[derive(Clone, Debug)]
pub struct StatsConfig {
    /// The socket.
    pub path: PathBuf,
    /// What VPP says of itself, such as `23.06-release`, where it is known. The segment itself tells nearly all; this
    /// decides what is left open.
    pub version: Option<String>,
    /// How long connecting may take, all in all.
    pub connect_within: Duration,
    /// How long a read may wait for VPP, and be done again.
    pub read_within: Duration,
}

impl StatsConfig {
    /// The usual values, for one socket.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            version: None,
            connect_within: Duration::from_secs(5),
            read_within: Duration::from_secs(1),
        }
    }
}

impl Default for StatsConfig {
    /// The usual values, for the socket at [`DEFAULT_PATH`].
    fn default() -> Self {
        Self::new(DEFAULT_PATH)
    }
}

/// The statistics of a VPP.
///
/// They are those of the process that was there when it connected: after a restart of VPP the memory stays readable and
/// stands still. See [`Stats::silent_for`] and [`Stats::reconnect`].
pub struct Stats {
    config: StatsConfig,
    map: Mapping,
    layout: Layout,
    directory: Option<Directory>,
    /// Heartbeat, and since when it has been this one.
    heard: Option<(u64, Instant)>,
    retries: u64,
}

/// One consistent look at the segment.
struct Snapshot<'a> {
    view: View<'a>,
    directory: &'a Directory,
    known: Known,
    /// What cannot be read is told in its place instead of being read again.
    tolerant: bool,
}

impl Stats {
    /// Connects.
    ///
    /// # Errors
    /// There is no socket, no segment comes in time, or it is of a layout that is not known.
    pub fn connect(config: StatsConfig) -> Result<Self, StatsError> {
        let map = socket::fetch(&config.path, config.connect_within)?;
        let known = config.version.as_deref().and_then(Layout::of_release);
        let layout = Layout::detect(&map, known).map_err(|unfit| {
            let path = config.path.clone();
            match unfit {
                Unfit::Version(version) => StatsError::UnknownVersion { path, version },
                Unfit::NoDirectory => {
                    StatsError::Malformed { path, what: "the header leads to no directory".to_string() }
                }
            }
        })?;
        Ok(Self { config, map, layout, directory: None, heard: None, retries: 0 })
    }

    /// Connects again, to the VPP that is there now. When that fails, what was there stays.
    ///
    /// # Errors
    /// As of [`Stats::connect`].
    pub fn reconnect(&mut self) -> Result<(), StatsError> {
        *self = Self { retries: self.retries, ..Self::connect(self.config.clone())? };
        Ok(())
    }

    /// How the segment is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of the segment.
    pub fn size(&self) -> usize {
        self.map.len()
    }

    /// The epoch: counts changes of the directory and of the places of counters.
    pub fn epoch(&self) -> u64 {
        self.map.load(self.layout.epoch_at()).unwrap_or(0)
    }

    /// How often a read was done again because VPP changed something meanwhile.
    pub fn retries(&self) -> u64 {
        self.retries
    }

    /// How long the heartbeat has stood still, as far as this reader has seen it: call it from time to time. More than
    /// [`STALE_AFTER`] means that VPP is gone or hangs, and [`Stats::reconnect`] is due.
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn silent_for(&mut self) -> Result<Duration, StatsError> {
        let beat = match self.get("/sys/heartbeat")? {
            Some(Value::Scalar(beat)) => beat,
            _ => 0,
        };
        let now = Instant::now();
        match self.heard {
            Some((last, since)) if last == beat => Ok(now.saturating_duration_since(since)),
            _ => {
                self.heard = Some((beat, now));
                Ok(Duration::ZERO)
            }
        }
    }

    /// The entries that fit, in the order of the directory; slots that are not used are left out.
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn list(&mut self, pattern: &Pattern) -> Result<Vec<Entry>, StatsError> {
        self.consistent(|snapshot| Ok(snapshot.matching(pattern).cloned().collect()))
    }

    /// The entries that fit, with what they hold. One that cannot be read is [`Value::Unreadable`].
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn dump(&mut self, pattern: &Pattern) -> Result<Vec<(Entry, Value)>, StatsError> {
        self.consistent(|snapshot| {
            let read = |entry: &Entry| Ok((entry.clone(), snapshot.lenient(snapshot.value(entry))?));
            snapshot.matching(pattern).map(read).collect()
        })
    }

    /// What the entry of a name holds; `None` when there is none.
    ///
    /// # Errors
    /// The segment or the entry cannot be read.
    pub fn get(&mut self, name: &str) -> Result<Option<Value>, StatsError> {
        self.consistent(|snapshot| snapshot.directory.find(name).map(|e| snapshot.value(e)).transpose())
    }

    /// Slots of the directory that are not used.
    ///
    /// # Errors
    /// The segment cannot be read.
    pub fn empty_slots(&mut self) -> Result<usize, StatsError> {
        self.consistent(|snapshot| Ok(snapshot.directory.empty()))
    }

    /// Reads until VPP has not changed anything meanwhile.
    fn consistent<T>(&mut self, read: impl Fn(&Snapshot<'_>) -> Result<T, Fault>) -> Result<T, StatsError> {
        let start = Instant::now();
        let deadline = start + self.config.read_within;
        let (mut attempts, mut doubts) = (0, 0);
        loop {
            if self.map.shrunk() {
                return Err(StatsError::Shrunk { path: self.config.path.clone() });
            }
            let epoch = self.quiet(start, deadline)?;
            let outcome = self.attempt(epoch, doubts, &read);
            let changed = !self.is_quiet() || self.epoch() != epoch;
            match outcome {
                Ok(read) if !changed => return Ok(read),
                Err(fault) if !changed => {
                    doubts += 1;
                    self.directory = None;
                    if doubts > DOUBTS {
                        let path = self.config.path.clone();
                        return Err(StatsError::Malformed { path, what: fault.to_string() });
                    }
                }
                _ => {}
            }
            attempts += 1;
            self.retries = self.retries.saturating_add(1);
            if attempts >= ATTEMPTS || Instant::now() >= deadline {
                return Err(StatsError::Torn { path: self.config.path.clone(), attempts });
            }
            if attempts < 4 && doubts == 0 {
                std::thread::yield_now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    }

    fn attempt<T>(
        &mut self,
        epoch: u64,
        doubts: u32,
        read: impl Fn(&Snapshot<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let view = View::new(&self.map, self.layout);
        let directory = match self.directory.take().filter(|d| d.is_current(&view, epoch)) {
            Some(directory) => directory,
            None => Directory::read(&view, epoch)?,
        };
        let directory = self.directory.insert(directory);
        read(&Snapshot { view, directory, known: Known::default(), tolerant: doubts >= DOUBTS })
    }

    fn is_quiet(&self) -> bool {
        self.map.load(self.layout.in_progress_at()).unwrap_or(0) == 0
    }

    /// Waits until no change is in progress. The epoch at that time.
    fn quiet(&self, start: Instant, deadline: Instant) -> Result<u64, StatsError> {
        let mut rounds = 0_u32;
        loop {
            let epoch = self.epoch();
            if self.is_quiet() {
                return Ok(epoch);
            }
            if Instant::now() >= deadline {
                let path = self.config.path.clone();
                return Err(StatsError::InProgress { path, waited: start.elapsed() });
            }
            rounds = rounds.saturating_add(1);
            if rounds < 64 {
                std::thread::yield_now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

impl Snapshot<'_> {
    fn matching(&self, pattern: &Pattern) -> impl Iterator<Item = &Entry> {
        self.directory.entries().iter().filter(|entry| pattern.matches(&entry.name))
    }

    /// The entry of a name, as it stands now, if it is of a kind.
    fn raw(&self, name: &str, kind: Kind) -> Result<Option<RawEntry>, Fault> {
        let Some(entry) = self.directory.find(name) else { return Ok(None) };
        if entry.kind != kind {
            return Err(Fault::Unexpected { name: entry.name.clone(), kind: entry.kind });
        }
        self.directory.raw(&self.view, entry).map(Some)
    }

    fn value(&self, entry: &Entry) -> Result<Value, Fault> {
        let raw = self.directory.raw(&self.view, entry)?;
        Ok(match raw.kind {
            Kind::Scalar | Kind::Gauge => Value::Scalar(raw.value),
            Kind::Simple => Value::Simple(value::simple(&self.view, &raw)?),
            Kind::Combined => Value::Combined(value::pairs(&self.view, &raw)?),
            Kind::Names => Value::Names(self.view.names(&raw)?),
            Kind::ErrorIndex => Value::Counter(self.error(&raw)?),
            Kind::Symlink => {
                let (index, column) = raw.halves();
                match self.directory.at(&self.view, index)? {
                    Some(target) => value::linked(&self.view, &self.known, index, &target, column)?,
                    None => Value::Opaque(raw.value),
                }
            }
            Kind::Histogram => Value::Histogram(value::histograms(&self.view, &raw)?),
            Kind::Ring => Value::Ring(value::ring(&self.view, &raw)?),
            Kind::Empty | Kind::Unknown(_) => Value::Opaque(raw.value),
        })
    }

    fn error(&self, raw: &RawEntry) -> Result<Vec<u64>, Fault> {
        value::error(&self.view, &self.known, raw, self.directory.single_errors)
    }

    /// A value that cannot be read is told as such, once it was tried several times.
    fn lenient(&self, read: Result<Value, Fault>) -> Result<Value, Fault> {
        match read {
            Err(fault @ Fault::Outside { .. }) if self.tolerant => Ok(Value::Unreadable(fault.to_string())),
            other => other,
        }
    }
}
