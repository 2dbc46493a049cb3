//! The statistics segment of the simulated VPP, and the socket that gives it away.
//!
//! The segment is laid out as the release's, has its names and type numbers, and follows the interfaces that requests
//! make. Counters count what calls of [`Segment`] say. For tests it can be spoilt: [`Corruption`], [`Answer`].

mod content;
mod directory;
mod format;
mod image;
mod segment;
mod server;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use binapi_gen::Release;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};

pub use content::Content;
pub use format::Format;
pub use segment::SegmentError;
pub use server::{Answer, StatsServer};

use crate::state::interface::Interfaces;

/// How the segment is to be.
#[derive(Clone, Debug)]
pub struct StatsOptions {
    /// Threads beside the main one.
    pub workers: usize,
    /// Bytes of the segment. VPP's is 32 MiB.
    pub size: u64,
    /// How often the heartbeat beats; VPP's does every 10 s.
    pub update_interval: Duration,
}

impl Default for StatsOptions {
    fn default() -> Self {
        Self { workers: 0, size: 2 << 20, update_interval: Duration::from_secs(10) }
    }
}

/// What can be wrong with a segment.
#[derive(Clone, Debug)]
pub enum Corruption {
    /// `in_progress` stays set.
    Hangs(bool),
    /// The epoch moves all the time.
    EpochMoves(bool),
    /// The word that says the version, which in the oldest layout is the epoch.
    Version(u64),
    /// What leads to the directory is this.
    Directory(u64),
    /// The directory says that it has so many entries.
    DirectoryLength(u32),
    /// The vector of a thread says that it has so many elements.
    VectorLength {
        /// Name of the entry.
        name: String,
        /// Thread, or index of a name.
        thread: usize,
        /// Elements.
        len: u32,
    },
    /// What leads to the vector of a thread is this.
    Pointer {
        /// Name of the entry.
        name: String,
        /// Thread, or index of a name.
        thread: usize,
        /// An offset, or from 20.09 an address.
        to: u64,
    },
    /// The file is so long. From 21.01 VPP seals it, so that it cannot become shorter.
    Cut(u64),
    /// Bytes at an offset.
    Bytes(u64, Vec<u8>),
}

/// The segment, for whoever counts.
#[derive(Clone, Debug)]
pub struct Segment {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    segment: segment::Segment,
    threads: usize,
    started: Instant,
    /// Version of the interfaces that the segment has.
    interfaces: Option<u64>,
    names: Vec<Option<String>>,
    epoch_moves: bool,
}

impl Segment {
    /// A segment of a release, with no interface.
    ///
    /// # Errors
    /// The system has no memory, or the size is too small.
    pub fn new(release: Release, options: &StatsOptions) -> Result<Self, SegmentError> {
        let threads = options.workers.saturating_add(1);
        let segment = segment::Segment::new(release, threads, options.size)?;
        let shared = Shared {
            segment,
            threads,
            started: Instant::now(),
            interfaces: None,
            names: Vec::new(),
            epoch_moves: false,
        };
        Ok(Self { shared: Arc::new(Mutex::new(shared)) })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is laid out.
    pub fn format(&self) -> Format {
        self.lock().segment.format()
    }

    /// Its entries in the order of the directory, without empty slots.
    pub fn entries(&self) -> Vec<(String, Content)> {
        let shared = self.lock();
        shared.segment.entries().iter().filter(|(_, content)| *content != Content::Empty).cloned().collect()
    }

    /// The whole of it, as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>, SegmentError> {
        use std::os::unix::fs::FileExt;
        let shared = self.lock();
        let file = shared.segment.file();
        let len = usize::try_from(file.metadata()?.len()).map_err(|_| SegmentError::Full)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Sets a counter of packets and bytes, `/if/rx`. The vector grows when it is too short.
    ///
    /// # Errors
    /// There is no such entry, or it holds something else.
    pub fn set_counter(
        &self,
        name: &str,
        thread: usize,
        index: u32,
        packets: u64,
        bytes: u64,
    ) -> Result<(), SegmentError> {
        let index = usize::try_from(index).map_err(|_| SegmentError::Full)?;
        self.lock().segment.set_combined(name, thread, index, (packets, bytes))
    }

    /// Sets a counter with one value, `/if/drops`, or what `/err/...` counts, where the index does not matter.
    ///
    /// # Errors
    /// There is no such entry, or it holds something else.
    pub fn set_simple(&self, name: &str, thread: usize, index: u32, value: u64) -> Result<(), SegmentError> {
        let index = usize::try_from(index).map_err(|_| SegmentError::Full)?;
        self.lock().segment.set_simple(name, thread, index, value)
    }

    /// Sets a number.
    ///
    /// # Errors
    /// There is no such entry, or it holds something else.
    pub fn set_scalar(&self, name: &str, value: u64) -> Result<(), SegmentError> {
        self.lock().segment.set_scalar(name, |_| value)
    }

    /// Does what VPP does every 10 s: the heartbeat, and when it was.
    ///
    /// # Errors
    /// The entries were removed.
    pub fn update(&self) -> Result<(), SegmentError> {
        let mut shared = self.lock();
        let up = shared.started.elapsed().as_secs();
        shared.segment.set_scalar("/sys/last_update", |_| up)?;
        shared.segment.set_scalar("/sys/heartbeat", |beat| beat.wrapping_add(1))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// The release has no such type.
    pub fn add_entry(&self, name: &str, content: Content) -> Result<(), SegmentError> {
        self.lock().segment.change(|segment| {
            segment.add(name, content);
            Ok(())
        })
    }

    /// Removes an entry: its slot is empty, or in a release without empty slots the last entry moves there.
    ///
    /// # Errors
    /// There is no such entry.
    pub fn remove_entry(&self, name: &str) -> Result<(), SegmentError> {
        self.lock().segment.change(|segment| {
            let index = segment.find(name)?;
            segment.remove(index);
            Ok(())
        })
    }

    /// Lays everything out anew.
    ///
    /// # Errors
    /// The system refuses.
    pub fn move_all(&self) -> Result<(), SegmentError> {
        self.lock().segment.change(|_| Ok(()))
    }

    /// Spoils it.
    ///
    /// # Errors
    /// There is no such entry, or the file is sealed.
    pub fn corrupt(&self, corruption: Corruption) -> Result<(), SegmentError> {
        let mut shared = self.lock();
        let segment = &mut shared.segment;
        match corruption {
            Corruption::Hangs(hangs) => segment.hang(hangs)?,
            Corruption::EpochMoves(moves) => shared.epoch_moves = moves,
            Corruption::Version(version) => segment.write(0, &version.to_ne_bytes())?,
            Corruption::Directory(at) => segment.set_directory(at)?,
            Corruption::DirectoryLength(len) => segment.set_directory_len(len)?,
            Corruption::VectorLength { name, thread, len } => segment.set_len(&name, thread, len)?,
            Corruption::Pointer { name, thread, to } => segment.set_pointer(&name, thread, to)?,
            Corruption::Cut(len) => segment.file().set_len(len)?,
            Corruption::Bytes(at, bytes) => segment.write(at, &bytes)?,
        }
        Ok(())
    }

    /// Whether the file cannot become shorter.
    pub fn is_sealed(&self) -> bool {
        let shared = self.lock();
        let seals = fcntl(shared.segment.file(), FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
        seals.is_ok_and(|seals| seals.contains(SealFlag::F_SEAL_SHRINK))
    }

    /// Makes the segment have the interfaces that there are.
    pub(crate) fn follow(&self, interfaces: &Interfaces) {
        let mut shared = self.lock();
        if shared.interfaces == Some(interfaces.version()) {
            return;
        }
        shared.interfaces = Some(interfaces.version());
        let mut names: Vec<Option<String>> = Vec::new();
        for interface in interfaces.iter() {
            let index = usize::try_from(interface.sw_if_index).unwrap_or(0);
            if names.len() <= index {
                names.resize(index.saturating_add(1), None);
            }
            if let Some(name) = names.get_mut(index) {
                *name = Some(interface.name.clone());
            }
        }
        if let Err(error) = shared.take_over(names) {
            tracing::error!(%error, "the statistics do not have the interfaces");
        }
    }
}

impl Shared {
    /// One change of the segment for each interface that came or went, as VPP makes them.
    fn take_over(&mut self, mut names: Vec<Option<String>>) -> Result<(), SegmentError> {
        // Vectors never become shorter.
        if names.len() < self.names.len() {
            names.resize(self.names.len(), None);
        }
        for (index, new) in names.into_iter().enumerate() {
            if self.names.len() <= index {
                self.names.push(None);
            }
            let old = self.names.get(index).cloned().flatten();
            if old == new {
                continue;
            }
            let threads = self.threads;
            self.segment.change(|segment| {
                if let Some(old) = &old {
                    delete(segment, index, old)?;
                }
                match &new {
                    Some(new) => create(segment, threads, index, new),
                    None => Ok(()),
                }
            })?;
            if let Some(name) = self.names.get_mut(index) {
                *name = new;
            }
        }
        Ok(())
    }
}

fn has_names(release: Release) -> bool {
    release >= Release { year: 19, month: 4 }
}

fn set_name(segment: &mut segment::Segment, index: usize, name: Option<&str>) -> Result<(), SegmentError> {
    if let Content::Names(names) = segment.content_mut("/if/names")? {
        if names.len() <= index {
            names.resize(index.saturating_add(1), None);
        }
        if let Some(slot) = names.get_mut(index) {
            *slot = name.map(str::to_string);
        }
    }
    Ok(())
}

/// Slashes would be folders.
fn symlink(interface: &str, counter: &str) -> String {
    format!("/interfaces/{}/{counter}", interface.replace('/', "_"))
}

/// VPP makes the vectors long enough, sets the counters to 0, and from 22.06 on names them.
fn create(
    segment: &mut segment::Segment,
    threads: usize,
    index: usize,
    name: &str,
) -> Result<(), SegmentError> {
    let release = segment.release();
    let mut links = Vec::new();
    for counter in directory::SIMPLE.into_iter().chain(directory::COMBINED) {
        let Some(entry) = directory::interface_counter(release, counter) else { continue };
        match segment.content_mut(&entry)? {
            Content::Simple(vectors) => clear(vectors, threads, index),
            Content::Combined(vectors) => clear(vectors, threads, index),
            _ => return Err(SegmentError::Holds(entry)),
        }
        links.push((counter, segment.find(&entry)?));
    }
    if has_names(release) {
        set_name(segment, index, Some(name))?;
    }
    if segment.format() == Format::V2b {
        let column = u32::try_from(index).unwrap_or(u32::MAX);
        for (counter, target) in links {
            let target = u32::try_from(target).unwrap_or(u32::MAX);
            segment.add(&symlink(name, counter), Content::Symlink { target, column });
        }
    }
    Ok(())
}

fn clear<T: Clone + Default>(vectors: &mut Vec<Vec<T>>, threads: usize, index: usize) {
    vectors.resize(threads, Vec::new());
    for vector in vectors {
        if vector.len() <= index {
            vector.resize(index.saturating_add(1), T::default());
        }
        if let Some(element) = vector.get_mut(index) {
            *element = T::default();
        }
    }
}

/// Counters stay. The name goes; from 22.06 to 23.06 it stays, and from 23.10 it is the word `deleted`.
fn delete(segment: &mut segment::Segment, index: usize, name: &str) -> Result<(), SegmentError> {
    let release = segment.release();
    if segment.format() != Format::V2b {
        return if has_names(release) { set_name(segment, index, None) } else { Ok(()) };
    }
    for counter in directory::SIMPLE.into_iter().chain(directory::COMBINED) {
        let entry = segment.find(&symlink(name, counter))?;
        segment.remove(entry);
    }
    if release >= (Release { year: 23, month: 10 }) {
        set_name(segment, index, Some("deleted"))?;
    }
    Ok(())
}
