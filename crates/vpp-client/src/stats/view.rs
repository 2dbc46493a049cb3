//! Reading through the mapping. Every length and every place comes from the segment and is checked against it.

use std::cell::Cell;

use super::layout::{Kind, Layout, NAME};
use super::sys::Mapping;

/// Bytes before a vector's elements; the first four are their number (`vppinfra/vec_bootstrap.h`).
const VECTOR_HEADER: u64 = 8;

const WORD: u64 = 8;

/// How many times its own size may be read out of a segment at once. Vectors do not overlap, so that VPP's own data
/// needs less than one; columns that symlinks show are read once more each.
const BUDGET: u64 = 4;

/// The least budget, for segments of few pages.
const LEAST_BUDGET: u64 = 16 << 20;

/// What was found instead of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something leads out of the segment.
    Outside { what: &'static str, at: u64, bytes: u64 },
    /// More data than the segment can have.
    TooMuch,
    /// The directory is not the one that was read before.
    Stale,
    /// An entry has something else than its name says.
    Unexpected { name: String, kind: Kind },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Outside { what, at, bytes } => {
                write!(f, "{what} of {bytes} bytes at {at:#x} is not inside the segment")
            }
            Self::TooMuch => f.write_str("the segment claims to hold several times more than its size"),
            Self::Stale => f.write_str("the directory changes without a change of its epoch"),
            Self::Unexpected { name, kind } => {
                write!(f, "{name} is of kind {kind}, which is not what it is for")
            }
        }
    }
}

/// Elements of a vector: where, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vector {
    at: u64,
    pub(super) len: u32,
}

/// An entry as it stands in the segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawEntry {
    pub(super) kind: Kind,
    /// Value, index, offset or address, as the kind says.
    pub(super) value: u64,
    /// Where the offsets of the parts are; v0 and v1 only.
    pub(super) offsets: u64,
    pub(super) name: [u8; NAME],
}

impl RawEntry {
    pub(super) fn parse(layout: Layout, bytes: &[u8]) -> Option<Self> {
        // What follows the type up to the next word may be anything.
        let (kind, _) = bytes.split_first_chunk::<4>()?;
        let word = |at: usize| bytes.get(at..)?.first_chunk::<8>().map(|w| u64::from_ne_bytes(*w));
        Some(Self {
            kind: layout.kind(u32::from_ne_bytes(*kind)),
            value: word(8)?,
            offsets: if layout.has_pointers() { 0 } else { word(16)? },
            name: *bytes.get(layout.name_at()..)?.first_chunk()?,
        })
    }

    /// The two halves of a symlink: entry and column.
    pub(super) fn halves(&self) -> (u32, u32) {
        let [a, b, c, d, e, f, g, h] = self.value.to_ne_bytes();
        (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]))
    }

    pub(super) fn name(&self) -> String {
        text(&self.name)
    }
}

/// Text up to the first NUL, or all of it.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned()
}

/// The segment for the time of one read.
pub(super) struct View<'a> {
    map: &'a Mapping,
    layout: Layout,
    base: u64,
    left: Cell<u64>,
}

impl<'a> View<'a> {
    pub(super) fn new(map: &'a Mapping, layout: Layout) -> Self {
        let base = if layout.has_pointers() { map.load(WORD as usize).unwrap_or(0) } else { 0 };
        let left = (map.len() as u64).saturating_mul(BUDGET).max(LEAST_BUDGET);
        Self { map, layout, base, left: Cell::new(left) }
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// A word of the header.
    fn header(&self, at: usize) -> u64 {
        self.map.load(at).unwrap_or(0)
    }

    /// Where an offset or an address of VPP leads; `None` for none.
    pub(super) fn place(&self, pointer: u64) -> Option<u64> {
        if self.layout.has_pointers() {
            // What lies before the segment becomes an offset that no segment has.
            (pointer != 0).then(|| pointer.wrapping_sub(self.base))
        } else {
            // VPP made the offset of a null pointer by subtraction, too.
            (pointer != 0 && pointer < 1 << 63).then_some(pointer)
        }
    }

    fn read(&self, what: &'static str, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        let bytes = into.len() as u64;
        let outside = Fault::Outside { what, at, bytes };
        let offset = usize::try_from(at).map_err(|_| outside.clone())?;
        self.map.copy(offset, into).ok_or(outside)
    }

    /// Bytes that are inside, or nothing is allocated for them.
    fn bytes(&self, what: &'static str, at: u64, len: u64) -> Result<Vec<u8>, Fault> {
        let size = self.map.len() as u64;
        if at.checked_add(len).is_none_or(|end| end > size) {
            return Err(Fault::Outside { what, at, bytes: len });
        }
        self.left.set(self.left.get().checked_sub(len.max(WORD)).ok_or(Fault::TooMuch)?);
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| Fault::TooMuch)?];
        self.read(what, at, &mut bytes)?;
        Ok(bytes)
    }

    /// `count` words, one after the other.
    pub(super) fn words(&self, what: &'static str, at: u64, count: u64) -> Result<Vec<u64>, Fault> {
        let bytes = self.bytes(what, at, count.saturating_mul(WORD))?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect())
    }

    /// The vector at a place.
    pub(super) fn vector(&self, what: &'static str, at: u64) -> Result<Vector, Fault> {
        let outside = Fault::Outside { what, at, bytes: VECTOR_HEADER };
        let header = at.checked_sub(VECTOR_HEADER).ok_or(outside)?;
        self.left.set(self.left.get().checked_sub(VECTOR_HEADER).ok_or(Fault::TooMuch)?);
        let mut len = [0; 4];
        self.read(what, header, &mut len)?;
        Ok(Vector { at, len: u32::from_ne_bytes(len) })
    }

    /// All elements of a vector, of so many words each.
    pub(super) fn elements(&self, what: &'static str, vector: Vector, words: u64) -> Result<Vec<u64>, Fault> {
        self.words(what, vector.at, u64::from(vector.len).saturating_mul(words))
    }

    /// One element; `None` when the vector is shorter.
    pub(super) fn element(
        &self,
        what: &'static str,
        vector: Vector,
        index: u32,
        words: u64,
    ) -> Result<Option<Vec<u64>>, Fault> {
        if index >= vector.len {
            return Ok(None);
        }
        let at = u64::from(index)
            .checked_mul(words.saturating_mul(WORD))
            .and_then(|offset| vector.at.checked_add(offset));
        let at = at.ok_or(Fault::Outside { what, at: vector.at, bytes: WORD })?;
        self.words(what, at, words).map(Some)
    }

    /// The places that an entry's vector leads to; `None` for none.
    pub(super) fn parts(&self, what: &'static str, entry: &RawEntry) -> Result<Vec<Option<u64>>, Fault> {
        let Some(at) = self.place(entry.value) else { return Ok(Vec::new()) };
        let vector = self.vector(what, at)?;
        let pointers = if self.layout.has_pointers() {
            self.elements(what, vector, 1)?
        } else {
            // The vector has VPP's addresses; a second one has the offsets.
            let Some(at) = self.place(entry.offsets) else { return Ok(Vec::new()) };
            let offsets = self.vector(what, at)?;
            self.elements(what, Vector { at, len: vector.len.min(offsets.len) }, 1)?
        };
        Ok(pointers.into_iter().map(|p| self.place(p)).collect())
    }

    /// The vectors that an entry's vector leads to, one for each thread; `None` for none.
    pub(super) fn threads(&self, what: &'static str, entry: &RawEntry) -> Result<Vec<Option<Vector>>, Fault> {
        let places = self.parts(what, entry)?;
        places.into_iter().map(|place| place.map(|at| self.vector(what, at)).transpose()).collect()
    }

    /// The names of an entry, by index.
    pub(super) fn names(&self, entry: &RawEntry) -> Result<Vec<Option<String>>, Fault> {
        const WHAT: &str = "a name";
        let name = |at: u64| {
            let vector = self.vector(WHAT, at)?;
            self.bytes(WHAT, at, u64::from(vector.len)).map(|bytes| text(&bytes))
        };
        self.parts("a vector of names", entry)?.into_iter().map(|at| at.map(name).transpose()).collect()
    }

    /// The error vectors, one for each thread; up to 19.04 there is one for all, which `single` says.
    pub(super) fn errors(&self, single: bool) -> Result<Vec<Option<Vector>>, Fault> {
        const WHAT: &str = "an error vector";
        let at = self.layout.errors_at().map(|at| self.header(at)).and_then(|pointer| self.place(pointer));
        let Some(at) = at else { return Ok(Vec::new()) };
        let vector = self.vector(WHAT, at)?;
        if single {
            return Ok(vec![Some(vector)]);
        }
        let pointers = self.elements(WHAT, vector, 1)?;
        let places = pointers.into_iter().map(|p| self.place(p));
        places.map(|place| place.map(|at| self.vector(WHAT, at)).transpose()).collect()
    }

    /// The vector of the directory.
    pub(super) fn directory(&self) -> Result<Vector, Fault> {
        const WHAT: &str = "the directory";
        let pointer = self.header(self.layout.directory_at());
        let at = self.place(pointer).ok_or(Fault::Outside { what: WHAT, at: 0, bytes: 0 })?;
        self.vector(WHAT, at)
    }

    /// All entries of the directory.
    pub(super) fn entries(&self, directory: Vector) -> Result<Vec<RawEntry>, Fault> {
        let size = self.layout.entry();
        let len = u64::from(directory.len).saturating_mul(size as u64);
        let bytes = self.bytes("the directory", directory.at, len)?;
        Ok(bytes.chunks_exact(size).filter_map(|bytes| RawEntry::parse(self.layout, bytes)).collect())
    }

    /// One entry of the directory; `None` when it is shorter.
    pub(super) fn entry(&self, directory: Vector, index: u32) -> Result<Option<RawEntry>, Fault> {
        if index >= directory.len {
            return Ok(None);
        }
        let size = self.layout.entry() as u64;
        let at = directory.at.saturating_add(u64::from(index).saturating_mul(size));
        let bytes = self.bytes("an entry", at, size)?;
        Ok(RawEntry::parse(self.layout, &bytes))
    }

    /// A structure of so many `u32`.
    pub(super) fn numbers<const N: usize>(&self, what: &'static str, at: u64) -> Result<[u32; N], Fault> {
        let bytes = self.bytes(what, at, 4 * N as u64)?;
        let mut numbers = [0; N];
        for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *number = u32::from_ne_bytes(*bytes);
        }
        Ok(numbers)
    }
}
