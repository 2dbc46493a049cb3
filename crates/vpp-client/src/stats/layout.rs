//! What the layouts of the segment have where.
//!
//! | layout | releases | header, words of 8 bytes | entry |
//! | --- | --- | --- | --- |
//! | v0 | 18.10 to 19.08.1 | epoch, in_progress, directory, errors, stats | 152 bytes |
//! | v1 | 19.08.2 to 20.05 | version 1, epoch, in_progress, directory, errors, stats | 152 bytes |
//! | v2a | 20.09 to 22.02 | version 2, base, epoch, in_progress, directory, errors | 144 bytes |
//! | v2b | 22.06 and later | version 2, base, epoch, in_progress, directory | 144 bytes |
//!
//! In v0 and v1 what leads somewhere is an offset from the start of the segment. In v2 it is an address in VPP's
//! memory, from which `base` is subtracted. All is in the byte order of the machine. (VPP: `stat_segment.h`,
//! `stat_segment_shared.h`, from 22.06 `vlib/stats/shared.h`.)
//!
//! Numbers of types only ever were added, but for 22.06, which took out the error index and moved those after it up.
//! So the layout tells the numbers: a release that does not have a type yet has nothing with its number.

use super::sys::Mapping;

const WORD: usize = 8;

/// Bytes of the longest header.
pub(super) const HEADER: usize = 6 * WORD;

/// Bytes of an entry's name.
pub(super) const NAME: usize = 128;

/// How a segment is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// 18.10 to 19.08.1: no version.
    V0,
    /// 19.08.2 to 20.05: version 1.
    V1,
    /// 20.09 to 22.02: version 2, with error vectors.
    V2a,
    /// 22.06 and later: version 2, errors are a counter vector.
    V2b,
}

/// What an entry of the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A slot that is not used.
    Empty,
    /// A number.
    Scalar,
    /// A number that goes up and down: from 26.02, [`Kind::Scalar`] before.
    Gauge,
    /// Counters by thread and index.
    Simple,
    /// Counters of packets and bytes by thread and index.
    Combined,
    /// An error counter, up to 22.02.
    ErrorIndex,
    /// Names by index.
    Names,
    /// One index of another entry.
    Symlink,
    /// Counts by powers of two, for each thread.
    Histogram,
    /// Records, the newest of each thread.
    Ring,
    /// A type that is not known, with its number.
    Unknown(u32),
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Scalar => "scalar",
            Self::Gauge => "gauge",
            Self::Simple => "simple",
            Self::Combined => "combined",
            Self::ErrorIndex => "error",
            Self::Names => "names",
            Self::Symlink => "symlink",
            Self::Histogram => "histogram",
            Self::Ring => "ring",
            Self::Unknown(number) => return write!(f, "type {number}"),
        })
    }
}

/// Why a header is of no layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Version(u64),
    NoDirectory,
}

impl Layout {
    /// The layout of a release, `19.08` or `23.06-release`, at its last point release; `None` when it is no release.
    pub fn of_release(version: &str) -> Option<Self> {
        let (year, rest) = version.trim_start_matches('v').split_once('.')?;
        let month = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(match (year.parse::<u8>().ok()?, month.parse::<u8>().ok()?) {
            (..19, _) | (19, ..8) => Self::V0,
            (19, _) | (20, ..9) => Self::V1,
            (20 | 21, _) | (22, ..6) => Self::V2a,
            _ => Self::V2b,
        })
    }

    /// Finds the layout from the header. What the bytes leave open (v2a and v2b before any error is registered) is
    /// decided by what is known of the release, and for v2b without it.
    pub(super) fn detect(map: &Mapping, known: Option<Self>) -> Result<Self, Unfit> {
        let word = |n: usize| map.load(n * WORD).unwrap_or(0);
        let inside = |at: u64| at >= HEADER as u64 && at < map.len() as u64;
        let flag = |word: u64| word <= 1;
        let version = word(0);
        // Where v0 has the directory, v1 has a flag; where v0 has a flag, v2 has an address.
        if flag(word(1)) && inside(word(2)) {
            return Ok(Self::V0);
        }
        match version {
            1 if flag(word(2)) && inside(word(3)) => Ok(Self::V1),
            2 if flag(word(3)) && inside(word(4).wrapping_sub(word(1))) => {
                let errors = word(5);
                Ok(match known {
                    _ if errors != 0 && inside(errors.wrapping_sub(word(1))) => Self::V2a,
                    Some(Self::V2a) => Self::V2a,
                    _ => Self::V2b,
                })
            }
            // More than a version will ever be: the epoch of v0, or no header at all.
            3..=255 if known != Some(Self::V0) => Err(Unfit::Version(version)),
            _ => Err(Unfit::NoDirectory),
        }
    }

    /// Offset of the epoch; `in_progress` and what leads to the directory follow it.
    pub(super) fn epoch_at(self) -> usize {
        match self {
            Self::V0 => 0,
            Self::V1 => WORD,
            Self::V2a | Self::V2b => 2 * WORD,
        }
    }

    pub(super) fn in_progress_at(self) -> usize {
        self.epoch_at() + WORD
    }

    pub(super) fn directory_at(self) -> usize {
        self.epoch_at() + 2 * WORD
    }

    /// Offset of what leads to the error vectors.
    pub(super) fn errors_at(self) -> Option<usize> {
        (self != Self::V2b).then(|| self.epoch_at() + 3 * WORD)
    }

    /// Addresses of VPP, not offsets.
    pub(super) fn has_pointers(self) -> bool {
        self >= Self::V2a
    }

    /// Bytes of an entry.
    pub(super) fn entry(self) -> usize {
        self.name_at() + NAME
    }

    /// Offset of an entry's name.
    pub(super) fn name_at(self) -> usize {
        if self.has_pointers() { 2 * WORD } else { 3 * WORD }
    }

    /// What a type's number means.
    pub(super) fn kind(self, number: u32) -> Kind {
        match (number, self) {
            // Reserved slots of 19.04 have the number that is illegal.
            (0, _) => Kind::Empty,
            (1, _) => Kind::Scalar,
            (2, _) => Kind::Simple,
            (3, _) => Kind::Combined,
            (4, Self::V2b) => Kind::Names,
            (5, Self::V2b) => Kind::Empty,
            (6, Self::V2b) => Kind::Symlink,
            (7, Self::V2b) => Kind::Histogram,
            (8, Self::V2b) => Kind::Ring,
            (9, Self::V2b) => Kind::Gauge,
            (4, _) => Kind::ErrorIndex,
            (5, _) => Kind::Names,
            (6, _) => Kind::Empty,
            (7, Self::V2a) => Kind::Symlink,
            (number, _) => Kind::Unknown(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn a_release_has_a_layout_whatever_stands_after_it() {
        for (version, layout) in [
            ("18.10-release", Layout::V0),
            ("19.04.3", Layout::V0),
            ("19.08", Layout::V1),
            ("v20.05.1-rc0~12-gabc", Layout::V1),
            ("20.09", Layout::V2a),
            ("22.02-release", Layout::V2a),
            ("22.06", Layout::V2b),
            ("26.06-release", Layout::V2b),
        ] {
            assert_eq!(Layout::of_release(version), Some(layout), "{version}");
        }
        for version in ["", "release", "x.y", "99"] {
            assert_eq!(Layout::of_release(version), None, "{version}");
        }
    }
}
