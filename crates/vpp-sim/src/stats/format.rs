//! Numbers and places of a release's segment.

use binapi_gen::Release;

/// How the header and the directory are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// 18.10 to 19.04: no version, offsets.
    V0,
    /// 19.08 to 20.05: version 1, offsets.
    V1,
    /// 20.09 to 22.02: version 2, addresses, error vectors.
    V2a,
    /// 22.06 and later: version 2, addresses.
    V2b,
}

impl Format {
    /// Of a release, at its last point release.
    pub fn of(release: Release) -> Self {
        let from = |year, month| release >= Release { year, month };
        match () {
            () if from(22, 6) => Self::V2b,
            () if from(20, 9) => Self::V2a,
            () if from(19, 8) => Self::V1,
            () => Self::V0,
        }
    }

    /// Words of the header before the epoch.
    pub(super) fn leading(self) -> u64 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
            Self::V2a | Self::V2b => 2,
        }
    }

    /// Offset of the epoch.
    pub fn epoch_at(self) -> u64 {
        self.leading() * 8
    }

    /// Offset of `in_progress`.
    pub fn in_progress_at(self) -> u64 {
        self.epoch_at() + 8
    }

    /// Offset of what leads to the directory.
    pub fn directory_at(self) -> u64 {
        self.epoch_at() + 16
    }

    /// Offset of what leads to the error vectors, where there are any.
    pub fn errors_at(self) -> Option<u64> {
        (self != Self::V2b).then(|| self.epoch_at() + 24)
    }

    /// True when places are addresses of VPP.
    pub fn has_addresses(self) -> bool {
        self >= Self::V2a
    }

    /// Bytes of an entry.
    pub fn entry_bytes(self) -> u64 {
        if self.has_addresses() { 144 } else { 152 }
    }
}

/// Numbers of types in a release (`stat_directory_type_t`); `None` is a type that it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) error: Option<u32>,
    pub(super) names: Option<u32>,
    pub(super) empty: Option<u32>,
    pub(super) symlink: Option<u32>,
    pub(super) histogram: Option<u32>,
    pub(super) ring: Option<u32>,
    pub(super) gauge: Option<u32>,
}

impl Numbers {
    pub(super) fn of(release: Release) -> Self {
        let from = |year, month| release >= Release { year, month };
        if from(22, 6) {
            let newest = |number| from(26, 2).then_some(number);
            return Self {
                error: None,
                names: Some(4),
                empty: Some(5),
                symlink: Some(6),
                histogram: newest(7),
                ring: newest(8),
                gauge: newest(9),
            };
        }
        Self {
            error: Some(4),
            names: from(19, 4).then_some(5),
            // 19.08.3 has it, 20.01 does not.
            empty: (from(19, 8) && (release < Release { year: 20, month: 1 } || from(20, 5))).then_some(6),
            symlink: from(21, 6).then_some(7),
            histogram: None,
            ring: None,
            gauge: None,
        }
    }
}
