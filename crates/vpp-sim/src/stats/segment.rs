//! The segment: a file in memory, written as VPP writes it.
//!
//! Whenever something moves, all data is laid out anew in the other half of the file and the half that it was in is
//! overwritten with nonsense, all while `in_progress` is set. VPP frees and reuses at once as well; a reader that
//! follows an old address finds anything there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use binapi_gen::Release;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::content::Content;
use super::directory::Plan;
use super::format::{Format, Numbers};
use super::image::{Image, VECTOR_HEADER};

/// Where VPP has its heap: a page after the start.
const HEAP: u64 = 4096;

/// An address that the segment has in the simulated VPP.
const BASE: u64 = 0x7f12_3400_0000;

const NAME: usize = 128;

/// Why a segment cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// No entry of that name.
    #[error("no entry {0:?} in the directory")]
    NoEntry(String),
    /// The entry holds something else.
    #[error("{0:?} holds something else")]
    Holds(String),
    /// The release has no such type.
    #[error("VPP {release} has no type for {name:?}")]
    NoType {
        /// The release.
        release: Release,
        /// The entry.
        name: String,
    },
    /// No room for the data.
    #[error("the segment is full")]
    Full,
    /// The system refuses.
    #[error("statistics segment: {0}")]
    System(#[from] io::Error),
}

/// Where the data of an entry lies.
#[derive(Clone, Debug, Default)]
struct Places {
    /// Its vector.
    outer: u64,
    /// The vector of offsets; 0 where addresses are used.
    offsets: u64,
    /// Vectors that these lead to.
    parts: Vec<u64>,
}

/// The segment of a release.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    size: u64,
    release: Release,
    format: Format,
    numbers: Numbers,
    entries: Vec<(String, Content)>,
    free: Vec<usize>,
    /// By thread.
    errors: Vec<Vec<u64>>,
    error_places: Places,
    places: Vec<Places>,
    directory: u64,
    epoch: u64,
    second_half: bool,
    used: u64,
    stuck: bool,
}

impl Segment {
    pub(super) fn new(release: Release, threads: usize, size: u64) -> Result<Self, SegmentError> {
        let descriptor = memfd_create("stat segment", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)
            .map_err(io::Error::from)?;
        let file = File::from(descriptor);
        file.set_len(size)?;
        if release >= (Release { year: 21, month: 1 }) {
            fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK)).map_err(io::Error::from)?;
        }
        let format = Format::of(release);
        let plan = Plan::of(release, threads);
        let mut segment = Self {
            file,
            size,
            release,
            format,
            numbers: Numbers::of(release),
            entries: plan.entries,
            free: Vec::new(),
            errors: vec![vec![0; super::directory::ERRORS.len()]; threads],
            error_places: Places::default(),
            places: Vec::new(),
            directory: 0,
            epoch: 1,
            second_half: false,
            used: 0,
            stuck: false,
        };
        let version: &[u64] = match format {
            Format::V0 => &[],
            Format::V1 => &[1],
            Format::V2a | Format::V2b => &[2, BASE],
        };
        for (n, word) in (0..).zip(version) {
            segment.put(n * 8, *word)?;
        }
        segment.put(format.epoch_at(), 1)?;
        segment.change(|_| Ok(()))?;
        Ok(segment)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn release(&self) -> Release {
        self.release
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn entries(&self) -> &[(String, Content)] {
        &self.entries
    }

    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), SegmentError> {
        Ok(self.file.write_all_at(bytes, at)?)
    }

    fn put(&self, at: u64, word: u64) -> Result<(), SegmentError> {
        self.write(at, &word.to_ne_bytes())
    }

    /// What leads to a place.
    fn pointer(&self, at: u64) -> u64 {
        if self.format.has_addresses() { BASE.saturating_add(at) } else { at }
    }

    pub(super) fn find(&self, name: &str) -> Result<usize, SegmentError> {
        let found = self.entries.iter().position(|(n, c)| n == name && *c != Content::Empty);
        found.ok_or_else(|| SegmentError::NoEntry(name.to_string()))
    }

    /// Changes what there is and lays it out anew, as VPP does: under `in_progress`, with another epoch after it.
    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        self.put(self.format.in_progress_at(), 1)?;
        let done = change(self).and_then(|()| self.lay_out());
        self.epoch = self.epoch.wrapping_add(1);
        self.put(self.format.epoch_at(), self.epoch)?;
        if !self.stuck {
            self.put(self.format.in_progress_at(), 0)?;
        }
        done
    }

    fn half(&self, second: bool) -> u64 {
        if second { HEAP.saturating_add(self.room()) } else { HEAP }
    }

    fn room(&self) -> u64 {
        self.size.saturating_sub(HEAP) / 2 / 4096 * 4096
    }

    fn lay_out(&mut self) -> Result<(), SegmentError> {
        let old = self.half(self.second_half);
        let second = !self.second_half;
        let mut image = Image::at(self.half(second));
        let entries = std::mem::take(&mut self.entries);
        self.places = entries.iter().map(|(_, content)| self.lay_out_content(&mut image, content)).collect();
        self.entries = entries;
        let errors = self.errors.clone();
        self.error_places = self.lay_out_parts(&mut image, errors.iter().map(Vec::as_slice));
        let mut directory = Vec::new();
        for ((name, content), places) in self.entries.iter().zip(&self.places) {
            directory.extend(self.entry(name, content, places)?);
        }
        self.directory = image.vector(self.entries.len(), &directory);
        let len = u64::try_from(image.bytes.len()).unwrap_or(u64::MAX);
        if len > self.room() {
            return Err(SegmentError::Full);
        }
        self.write(self.half(second), &image.bytes)?;
        self.put(self.format.directory_at(), self.pointer(self.directory))?;
        if let Some(at) = self.format.errors_at() {
            // Up to 19.04 the one vector that was registered last.
            let errors = match (self.format, self.error_places.parts.first()) {
                (Format::V0, Some(first)) => *first,
                (Format::V1, _) => self.error_places.offsets,
                _ => self.error_places.outer,
            };
            self.put(at, self.pointer(errors))?;
        }
        let nonsense = vec![0xee; usize::try_from(self.used).unwrap_or(0)];
        self.write(old, &nonsense)?;
        self.second_half = second;
        self.used = len;
        Ok(())
    }

    fn lay_out_parts<'a>(&self, image: &mut Image, parts: impl Iterator<Item = &'a [u64]>) -> Places {
        let parts: Vec<u64> = parts.map(|part| image.words(part)).collect();
        self.lay_out_outer(image, parts)
    }

    /// The vector that leads to parts; 0 leads nowhere.
    fn lay_out_outer(&self, image: &mut Image, parts: Vec<u64>) -> Places {
        let address = |at: &u64| if *at == 0 { 0 } else { BASE.saturating_add(*at) };
        let addresses: Vec<u64> = parts.iter().map(address).collect();
        let outer = image.words(&addresses);
        let offsets = if self.format.has_addresses() { 0 } else { image.words(&parts) };
        Places { outer, offsets, parts }
    }

    fn lay_out_content(&self, image: &mut Image, content: &Content) -> Places {
        match content {
            // Nothing was counted yet, so that there is no vector.
            Content::Simple(threads) | Content::Histogram(threads) if threads.iter().all(Vec::is_empty) => {
                Places::default()
            }
            Content::Simple(threads) | Content::Histogram(threads) => {
                self.lay_out_parts(image, threads.iter().map(Vec::as_slice))
            }
            Content::Combined(threads) if threads.iter().all(Vec::is_empty) => Places::default(),
            Content::Combined(threads) => {
                let part = |thread: &Vec<(u64, u64)>| {
                    let words = thread.iter().flat_map(|(p, b)| [*p, *b]);
                    let bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
                    image.vector(thread.len(), &bytes)
                };
                let parts = threads.iter().map(part).collect();
                self.lay_out_outer(image, parts)
            }
            Content::Names(names) if names.is_empty() => Places::default(),
            Content::Names(names) => {
                let part = |name: &Option<String>| {
                    name.as_ref().map_or(0, |name| {
                        let bytes = [name.as_bytes(), &[0]].concat();
                        image.vector(bytes.len(), &bytes)
                    })
                };
                let parts = names.iter().map(part).collect();
                self.lay_out_outer(image, parts)
            }
            Content::Ring(threads) => Places { outer: ring(image, threads), ..Places::default() },
            _ => Places::default(),
        }
    }

    fn entry(&self, name: &str, content: &Content, places: &Places) -> Result<Vec<u8>, SegmentError> {
        let number = content
            .number(&self.numbers)
            .ok_or_else(|| SegmentError::NoType { release: self.release, name: name.to_string() })?;
        let value = match content {
            Content::Scalar(value) | Content::Gauge(value) | Content::Other(_, value) => *value,
            Content::Error(index) => u64::from(*index),
            Content::Symlink { target, column } => {
                let [[a, b, c, d], [e, f, g, h]] = [target.to_ne_bytes(), column.to_ne_bytes()];
                u64::from_ne_bytes([a, b, c, d, e, f, g, h])
            }
            // The next free slot, for VPP itself.
            Content::Empty => u64::from(u32::MAX),
            _ if places.outer == 0 => 0,
            _ => self.pointer(places.outer),
        };
        // VPP leaves what was on its stack between the type and the value.
        let mut bytes = [number.to_ne_bytes(), [0xc3; 4]].concat();
        bytes.extend_from_slice(&value.to_ne_bytes());
        if !self.format.has_addresses() {
            bytes.extend_from_slice(&places.offsets.to_ne_bytes());
        }
        let mut text = [0; NAME];
        for (to, from) in text.iter_mut().zip(name.bytes().take(NAME - 1)) {
            *to = from;
        }
        bytes.extend_from_slice(&text);
        Ok(bytes)
    }

    /// Writes a counter where it lies. `false` when there is no room for it yet.
    fn set_words(
        &self,
        entry: usize,
        thread: usize,
        index: usize,
        words: &[u64],
    ) -> Result<(), SegmentError> {
        let part = self.places.get(entry).and_then(|p| p.parts.get(thread)).ok_or(SegmentError::Full)?;
        for (n, word) in words.iter().enumerate() {
            let offset = index.saturating_mul(words.len()).saturating_add(n).saturating_mul(8);
            self.put(part.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)), *word)?;
        }
        Ok(())
    }

    pub(super) fn set_combined(
        &mut self,
        name: &str,
        thread: usize,
        index: usize,
        pair: (u64, u64),
    ) -> Result<(), SegmentError> {
        let entry = self.find(name)?;
        let holds = || SegmentError::Holds(name.to_string());
        let fits = {
            let Some((_, Content::Combined(threads))) = self.entries.get_mut(entry) else {
                return Err(holds());
            };
            set(threads, thread, index, pair)
        };
        if fits { self.set_words(entry, thread, index, &[pair.0, pair.1]) } else { self.change(|_| Ok(())) }
    }

    pub(super) fn set_simple(
        &mut self,
        name: &str,
        thread: usize,
        index: usize,
        value: u64,
    ) -> Result<(), SegmentError> {
        let mut entry = self.find(name)?;
        let (mut index, mut link) = (index, None);
        if let Some((_, Content::Symlink { target, column })) = self.entries.get(entry) {
            link = Some((*target, *column));
        }
        if let Some((target, column)) = link {
            let wide = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
            (entry, index) = (wide(target), wide(column));
        }
        let holds = || SegmentError::Holds(name.to_string());
        let fits = match self.entries.get_mut(entry) {
            Some((_, Content::Simple(threads) | Content::Histogram(threads))) => {
                set(threads, thread, index, value)
            }
            Some((_, Content::Error(error))) => {
                let error = usize::try_from(*error).unwrap_or(usize::MAX);
                set(&mut self.errors, thread, error, value);
                let part = self.error_places.parts.get(thread).ok_or_else(holds)?;
                let offset = u64::try_from(error).unwrap_or(u64::MAX).saturating_mul(8);
                return self.put(part.saturating_add(offset), value);
            }
            _ => return Err(holds()),
        };
        if fits { self.set_words(entry, thread, index, &[value]) } else { self.change(|_| Ok(())) }
    }

    pub(super) fn set_scalar(
        &mut self,
        name: &str,
        new: impl FnOnce(u64) -> u64,
    ) -> Result<(), SegmentError> {
        let entry = self.find(name)?;
        let Some((_, Content::Scalar(value) | Content::Gauge(value))) = self.entries.get_mut(entry) else {
            return Err(SegmentError::Holds(name.to_string()));
        };
        *value = new(*value);
        let value = *value;
        self.put(self.entry_at(entry).saturating_add(8), value)
    }

    /// Offset of an entry.
    pub(super) fn entry_at(&self, entry: usize) -> u64 {
        let offset = u64::try_from(entry).unwrap_or(u64::MAX).saturating_mul(self.format.entry_bytes());
        self.directory.saturating_add(offset)
    }

    /// Adds an entry, in the slot that was freed last if there is one. Inside of [`Segment::change`].
    pub(super) fn add(&mut self, name: &str, content: Content) -> u32 {
        let entry = (name.to_string(), content);
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(slot) = self.entries.get_mut(index) {
                    *slot = entry;
                }
                index
            }
            None => {
                self.entries.push(entry);
                self.entries.len().saturating_sub(1)
            }
        };
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Removes an entry. Inside of [`Segment::change`].
    pub(super) fn remove(&mut self, index: usize) {
        if self.numbers.empty.is_none() {
            // A release without empty slots moves the last one here.
            if index < self.entries.len() {
                self.entries.swap_remove(index);
            }
        } else if let Some(slot) = self.entries.get_mut(index) {
            *slot = (String::new(), Content::Empty);
            self.free.push(index);
        }
    }

    pub(super) fn content_mut(&mut self, name: &str) -> Result<&mut Content, SegmentError> {
        let index = self.find(name)?;
        let slot = self.entries.get_mut(index).map(|(_, content)| content);
        slot.ok_or_else(|| SegmentError::NoEntry(name.to_string()))
    }

    /// Keeps `in_progress` set, or not any more.
    pub(super) fn hang(&mut self, hang: bool) -> Result<(), SegmentError> {
        self.stuck = hang;
        self.put(self.format.in_progress_at(), u64::from(hang))
    }

    /// Another epoch, with everything where it was.
    pub(super) fn move_epoch(&mut self) -> Result<(), SegmentError> {
        self.epoch = self.epoch.wrapping_add(1);
        self.put(self.format.epoch_at(), self.epoch)
    }

    pub(super) fn set_directory(&self, at: u64) -> Result<(), SegmentError> {
        self.put(self.format.directory_at(), at)
    }

    pub(super) fn set_directory_len(&self, len: u32) -> Result<(), SegmentError> {
        self.write(self.directory.saturating_sub(VECTOR_HEADER), &len.to_ne_bytes())
    }

    /// Makes a thread's vector of an entry claim to have another length.
    pub(super) fn set_len(&self, name: &str, thread: usize, len: u32) -> Result<(), SegmentError> {
        let places = self.places.get(self.find(name)?);
        let part = places.and_then(|p| p.parts.get(thread)).filter(|at| **at != 0);
        let part = part.ok_or_else(|| SegmentError::Holds(name.to_string()))?;
        self.write(part.saturating_sub(VECTOR_HEADER), &len.to_ne_bytes())
    }

    /// Makes what leads to a thread's vector lead somewhere else.
    pub(super) fn set_pointer(&self, name: &str, thread: usize, to: u64) -> Result<(), SegmentError> {
        let places = self.places.get(self.find(name)?);
        let places = places.filter(|p| p.outer != 0).ok_or_else(|| SegmentError::Holds(name.to_string()))?;
        let vector = if places.offsets == 0 { places.outer } else { places.offsets };
        let offset = u64::try_from(thread).unwrap_or(u64::MAX).saturating_mul(8);
        self.put(vector.saturating_add(offset), to)
    }
}

/// Sets an element, with default ones up to it. `false` when the vector had to grow.
fn set<T: Clone + Default>(threads: &mut [Vec<T>], thread: usize, index: usize, value: T) -> bool {
    let Some(vector) = threads.get_mut(thread) else { return true };
    let fits = index < vector.len();
    if !fits {
        vector.resize(index.saturating_add(1), T::default());
    }
    if let Some(element) = vector.get_mut(index) {
        *element = value;
    }
    fits
}

/// A ring of four records of 16 bytes for each thread (`vlib_stats_ring_buffer_t`).
fn ring(image: &mut Image, threads: &[u64]) -> u64 {
    const RECORD: u32 = 16;
    const RECORDS: u32 = 4;
    const DESCRIPTOR: u32 = 28;
    let count = u32::try_from(threads.len()).unwrap_or(0);
    let data = count.saturating_mul(RECORD).saturating_mul(RECORDS);
    let metadata = DESCRIPTOR.saturating_add(data).next_multiple_of(64);
    let numbers = [RECORD, RECORDS, count, 0, 1, metadata, DESCRIPTOR];
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
    bytes.resize(usize::try_from(metadata).unwrap_or(0), 0);
    for written in threads {
        let head = u32::try_from(written % u64::from(RECORDS)).unwrap_or(0);
        bytes.extend_from_slice(&head.to_ne_bytes());
        bytes.extend_from_slice(&1_u32.to_ne_bytes());
        bytes.extend_from_slice(&written.to_ne_bytes());
        bytes.extend_from_slice(&[0; 48]);
    }
    image.aligned(64, &bytes)
}
