//! What entries hold.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::layout::Kind;
use super::view::{Fault, RawEntry, Vector, View};

/// Packets and bytes. VPP does not write both at once: one may be a packet ahead of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Combined {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl std::ops::Add for Combined {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            packets: self.packets.wrapping_add(other.packets),
            bytes: self.bytes.wrapping_add(other.bytes),
        }
    }
}

/// Counts by powers of two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The first bucket counts what is up to two to the power of this; each next one has twice the limit.
    pub smallest_exponent: u64,
    /// What was counted in each.
    pub buckets: Vec<u64>,
}

/// How a ring of records stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// Bytes of a record.
    pub record_bytes: u32,
    /// Records that a thread's ring holds.
    pub records: u32,
    /// Version of the records' schema.
    pub schema_version: u32,
    /// For each thread where the next record goes, and how many were written in all.
    pub threads: Vec<(u32, u64)>,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, also a gauge's. VPP truncates rates and times to whole ones.
    Scalar(u64),
    /// One counter: its value on each thread. Of error counters and symlinks. A thread that does not have it yet
    /// counts 0.
    Counter(Vec<u64>),
    /// One counter of packets and bytes: its value on each thread. Of symlinks.
    CombinedCounter(Vec<Combined>),
    /// Counters: by thread, then by index. Threads may have vectors of different length.
    Simple(Vec<Vec<u64>>),
    /// Counters of packets and bytes: by thread, then by index.
    Combined(Vec<Vec<Combined>>),
    /// Names by index; `None` where there is none.
    Names(Vec<Option<String>>),
    /// A histogram of each thread.
    Histogram(Vec<Histogram>),
    /// A ring, without its records.
    Ring(Ring),
    /// An entry of a type that is not known, or a symlink to one: its eight bytes as they are.
    Opaque(u64),
    /// What leads to its data does not lead into the segment. Real ones have it: from 20.09 to 21.01
    /// `/sys/vector_rate_per_worker` has a rate where an address should be.
    Unreadable(String),
}

/// What was learned while reading, so that it is read once.
#[derive(Default)]
pub(super) struct Known {
    threads: RefCell<HashMap<u32, Rc<Vec<Option<Vector>>>>>,
    errors: RefCell<Option<Rc<Vec<Option<Vector>>>>>,
}

const COUNTERS: &str = "a counter vector";

fn combined(words: &[u64]) -> Vec<Combined> {
    let pairs = words.as_chunks::<2>().0.iter();
    pairs.map(|&[packets, bytes]| Combined { packets, bytes }).collect()
}

/// Counters by thread and index.
pub(super) fn simple(view: &View<'_>, entry: &RawEntry) -> Result<Vec<Vec<u64>>, Fault> {
    let threads = view.threads(COUNTERS, entry)?;
    threads.into_iter().map(|v| v.map_or(Ok(Vec::new()), |v| view.elements(COUNTERS, v, 1))).collect()
}

/// Counters of packets and bytes by thread and index.
pub(super) fn pairs(view: &View<'_>, entry: &RawEntry) -> Result<Vec<Vec<Combined>>, Fault> {
    let threads = view.threads(COUNTERS, entry)?;
    let read = |v: Vector| view.elements(COUNTERS, v, 2).map(|words| combined(&words));
    threads.into_iter().map(|v| v.map_or(Ok(Vec::new()), read)).collect()
}

/// The value of an error counter on each thread.
pub(super) fn error(
    view: &View<'_>,
    known: &Known,
    entry: &RawEntry,
    single: bool,
) -> Result<Vec<u64>, Fault> {
    let vectors = known.errors.borrow().clone();
    let vectors = match vectors {
        Some(vectors) => vectors,
        None => {
            let vectors = Rc::new(view.errors(single)?);
            *known.errors.borrow_mut() = Some(Rc::clone(&vectors));
            vectors
        }
    };
    let index = u32::try_from(entry.value).unwrap_or(u32::MAX);
    column(view, &vectors, index, 1).map(|words| words.into_iter().map(|w| first(&w)).collect())
}

fn first(words: &[u64]) -> u64 {
    words.first().copied().unwrap_or_default()
}

/// One element of each thread's vector; zeros where a thread has none.
fn column(
    view: &View<'_>,
    vectors: &[Option<Vector>],
    index: u32,
    words: u64,
) -> Result<Vec<Vec<u64>>, Fault> {
    let read = |vector: &Option<Vector>| {
        let element = vector.map(|v| view.element(COUNTERS, v, index, words)).transpose()?;
        Ok(element.flatten().unwrap_or_default())
    };
    vectors.iter().map(read).collect()
}

/// What a symlink shows of its target, which is the entry with this index.
pub(super) fn linked(
    view: &View<'_>,
    known: &Known,
    index: u32,
    target: &RawEntry,
    at: u32,
) -> Result<Value, Fault> {
    let words = match target.kind {
        Kind::Simple => 1,
        Kind::Combined => 2,
        Kind::Scalar | Kind::Gauge => return Ok(Value::Scalar(target.value)),
        // VPP makes no others.
        _ => return Ok(Value::Opaque(target.value)),
    };
    let vectors = known.threads.borrow().get(&index).cloned();
    let vectors = match vectors {
        Some(vectors) => vectors,
        None => {
            let vectors = Rc::new(view.threads(COUNTERS, target)?);
            known.threads.borrow_mut().insert(index, Rc::clone(&vectors));
            vectors
        }
    };
    let elements = column(view, &vectors, at, words)?;
    Ok(if words == 1 {
        Value::Counter(elements.iter().map(|w| first(w)).collect())
    } else {
        let pair = |words: &Vec<u64>| combined(words).first().copied().unwrap_or_default();
        Value::CombinedCounter(elements.iter().map(pair).collect())
    })
}

/// Histograms, one for each thread: the smallest exponent, then the buckets (`vpp/app/vpp_get_stats.c`).
pub(super) fn histograms(view: &View<'_>, entry: &RawEntry) -> Result<Vec<Histogram>, Fault> {
    let histogram = |words: Vec<u64>| {
        let mut words = words.into_iter();
        Histogram { smallest_exponent: words.next().unwrap_or_default(), buckets: words.collect() }
    };
    Ok(simple(view, entry)?.into_iter().map(histogram).collect())
}

/// Seven numbers, and 64 bytes for each thread (`vlib_stats_ring_buffer_t`).
pub(super) fn ring(view: &View<'_>, entry: &RawEntry) -> Result<Ring, Fault> {
    const WHAT: &str = "a ring buffer";
    const METADATA: u64 = 64;
    let Some(at) = view.place(entry.value) else { return Ok(Ring::default()) };
    let [record_bytes, records, threads, _, schema_version, metadata, _] = view.numbers::<7>(WHAT, at)?;
    let metadata = at.checked_add(u64::from(metadata));
    let metadata = metadata.ok_or(Fault::Outside { what: WHAT, at, bytes: METADATA })?;
    let thread = |n: u32| {
        let at = metadata.saturating_add(u64::from(n).saturating_mul(METADATA));
        let [head, _, low, high] = view.numbers::<4>(WHAT, at)?;
        let [a, b, c, d] = low.to_ne_bytes();
        let [e, f, g, h] = high.to_ne_bytes();
        Ok((head, u64::from_ne_bytes([a, b, c, d, e, f, g, h])))
    };
    let threads = (0..threads).map(thread).collect::<Result<_, Fault>>()?;
    Ok(Ring { record_bytes, records, schema_version, threads })
}
