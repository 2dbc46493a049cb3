//! The directory: which entries there are, and which of them are wanted.

use std::collections::{BTreeSet, HashMap};

use super::layout::{Kind, Layout};
use super::view::{Fault, RawEntry, Vector, View};

/// An entry of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the directory, valid as long as the epoch does not change.
    pub index: u32,
    /// Its name, at most 128 bytes.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// Which entries are wanted, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    /// All.
    #[default]
    All,
    /// Names that start with this.
    Prefix(String),
    /// Names that are like this from start to end: `*` stands for any characters, `?` for one.
    Glob(String),
}

impl From<&str> for Pattern {
    /// With `*` or `?` in it, a glob; else a prefix.
    fn from(text: &str) -> Self {
        match text {
            "" => Self::All,
            _ if text.contains(['*', '?']) => Self::Glob(text.to_string()),
            _ => Self::Prefix(text.to_string()),
        }
    }
}

impl Pattern {
    /// Whether a name is wanted.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::Glob(glob) => glob_matches(glob.as_bytes(), name.as_bytes()),
        }
    }
}

/// Takes at most the product of both lengths: only the last `*` is tried again.
fn glob_matches(glob: &[u8], name: &[u8]) -> bool {
    let (mut g, mut n) = (0, 0);
    let mut star = None;
    while let Some(byte) = name.get(n) {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, n));
                g += 1;
            }
            Some(b'?') => (g, n) = (g + 1, n + 1),
            Some(other) if other == byte => (g, n) = (g + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    (g, n) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    glob.get(g..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

/// The directory as it was at an epoch.
pub(super) struct Directory {
    epoch: u64,
    vector: Vector,
    entries: Vec<Entry>,
    by_name: HashMap<String, u32>,
    /// The interfaces that there are, where the directory tells.
    live: Option<BTreeSet<u32>>,
    /// All threads' errors are counted in one vector: up to 19.04.
    pub(super) single_errors: bool,
    empty: usize,
}

impl Directory {
    pub(super) fn read(view: &View<'_>, epoch: u64) -> Result<Self, Fault> {
        let vector = view.directory()?;
        let raw = view.entries(vector)?;
        let mut entries = Vec::with_capacity(raw.len());
        let mut live = BTreeSet::new();
        for (index, entry) in (0..).zip(&raw) {
            if entry.kind == Kind::Empty {
                continue;
            }
            let name = entry.name();
            // Up to 23.06 the name of a deleted interface stays in `/if/names`; its symlinks go (`vnet/interface/stats.c`).
            if entry.kind == Kind::Symlink && name.starts_with("/interfaces/") && name.ends_with("/rx") {
                live.insert(entry.halves().1);
            }
            entries.push(Entry { index, name, kind: entry.kind });
        }
        // Slots are not looked at from the first empty one on, but all: they are freed in any order.
        let empty = raw.len().saturating_sub(entries.len());
        let by_name: HashMap<String, u32> = entries.iter().map(|e| (e.name.clone(), e.index)).collect();
        // 19.08 brought this entry, and with it error vectors for each thread.
        let single_errors = view.layout() == Layout::V0 && !by_name.contains_key("/mem/statseg/total");
        let live = (!live.is_empty()).then_some(live);
        Ok(Self { epoch, vector, entries, by_name, live, single_errors, empty })
    }

    /// Whether it is still the one of the segment.
    pub(super) fn is_current(&self, view: &View<'_>, epoch: u64) -> bool {
        self.epoch == epoch && view.directory().is_ok_and(|vector| vector == self.vector)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        let index = self.by_name.get(name)?;
        let at = self.entries.binary_search_by_key(index, |e| e.index).ok()?;
        self.entries.get(at)
    }

    pub(super) fn empty(&self) -> usize {
        self.empty
    }

    /// Whether an index is that of an interface, given what `/if/names` has for it.
    pub(super) fn has_interface(&self, sw_if_index: u32, name: Option<&str>) -> bool {
        match &self.live {
            Some(live) => live.contains(&sw_if_index),
            None => name.is_some_and(|name| !name.is_empty()),
        }
    }

    /// The entry as it stands now; it has to be the one that is known.
    pub(super) fn raw(&self, view: &View<'_>, entry: &Entry) -> Result<RawEntry, Fault> {
        let raw = view.entry(self.vector, entry.index)?.ok_or(Fault::Stale)?;
        // VPP clears a slot, and adds symlinks, outside of what the epoch guards.
        if raw.kind != entry.kind || raw.name() != entry.name { Err(Fault::Stale) } else { Ok(raw) }
    }

    /// The entry at a place, whatever it is.
    pub(super) fn at(&self, view: &View<'_>, index: u32) -> Result<Option<RawEntry>, Fault> {
        view.entry(self.vector, index)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_is_a_prefix_or_a_glob() {
        for (pattern, name, wanted) in [
            ("", "/if/rx", true),
            ("/if", "/if/rx", true),
            ("/if", "/sys/if", false),
            ("/if/rx", "/if/rx-unicast", true),
            ("/if/r?", "/if/rx", true),
            ("/if/r?", "/if/rx-unicast", false),
            ("/interfaces/*/rx", "/interfaces/loop0/rx", true),
            ("/interfaces/*/rx", "/interfaces/loop0/rx-unicast", false),
            ("*drop*", "/if/drops", true),
            ("*a*b*c", "/a/a/b/b/c/c", true),
            ("*a*b*c", "/a/a/c/c/b/b", false),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(Pattern::from(pattern).matches(name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_of_stars_ends_soon() {
        let glob = format!("{}b", "*a".repeat(64));
        assert!(!Pattern::from(glob.as_str()).matches(&"a".repeat(128)));
    }
}
