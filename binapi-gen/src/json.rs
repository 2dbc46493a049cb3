//! JSON with line numbers.
//!
//! `serde_json` reads the text; a node remembers the slice of the file that it came from, so that an error can
//! name the line. Values are taken apart level by level, only as deep as the caller asks.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Problem;
use crate::model::{LONGEST_ARRAY, Place};

/// A file's text and name.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    /// Offsets of the line ends, from [`line_ends`].
    pub(crate) line_ends: &'a [usize],
}

/// Offsets of all line ends, so that a place costs a search and not a scan.
pub(crate) fn line_ends(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect()
}

/// A value somewhere in a [`Source`].
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    source: Source<'a>,
    raw: &'a RawValue,
}

type Result<T> = std::result::Result<T, Problem>;

impl<'a> Node<'a> {
    /// Checks that the text is JSON and gives its root.
    pub(crate) fn parse(source: Source<'a>) -> Result<Self> {
        match serde_json::from_str::<&RawValue>(source.text) {
            Ok(raw) => Ok(Self { source, raw }),
            Err(e) => Err(Problem {
                place: Place { file: source.file.to_string(), line: e.line() },
                what: format!("not JSON: {e}"),
            }),
        }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        let offset = (self.raw.get().as_ptr() as usize).saturating_sub(self.source.text.as_ptr() as usize);
        let line = 1 + self.source.line_ends.partition_point(|end| *end < offset);
        Place { file: self.source.file.to_string(), line }
    }

    /// An error at this place.
    pub(crate) fn problem(&self, what: impl Into<String>) -> Problem {
        Problem { place: self.place(), what: what.into() }
    }

    fn expected(&self, what: &str) -> Problem {
        let mut found: String = self.raw.get().chars().take(60).collect();
        let cut = found.len() < self.raw.get().len();
        // VPP's own files are indented: an error stays on one line.
        found = found.split_whitespace().collect::<Vec<_>>().join(" ");
        if cut {
            found.push_str("...");
        }
        self.problem(format!("expected {what}, found {found}"))
    }

    pub(crate) fn is_object(&self) -> bool {
        self.raw.get().starts_with('{')
    }

    pub(crate) fn array(&self, what: &str) -> Result<Vec<Node<'a>>> {
        let items: Vec<&'a RawValue> =
            serde_json::from_str(self.raw.get()).map_err(|_| self.expected(what))?;
        Ok(items.into_iter().map(|raw| Node { source: self.source, raw }).collect())
    }

    /// The entries in order; a key that stands twice is an error.
    pub(crate) fn object(&self, what: &str) -> Result<Vec<(String, Node<'a>)>> {
        let entries: Entries<'a> = serde_json::from_str(self.raw.get()).map_err(|_| self.expected(what))?;
        let mut seen = HashSet::new();
        let mut nodes = Vec::with_capacity(entries.0.len());
        for (key, raw) in entries.0 {
            let node = Node { source: self.source, raw };
            if !seen.insert(key.clone()) {
                return Err(node.problem(format!("key \"{key}\" a second time; expected each key once")));
            }
            nodes.push((key, node));
        }
        Ok(nodes)
    }

    pub(crate) fn string(&self, what: &str) -> Result<String> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.expected(what))
    }

    pub(crate) fn number(&self, what: &str) -> Result<u64> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.expected(what))
    }

    /// The length of an array, see [`LONGEST_ARRAY`].
    pub(crate) fn length(&self) -> Result<usize> {
        let what = "the length of an array";
        let length = self.number(what)?;
        usize::try_from(length).ok().filter(|n| *n <= LONGEST_ARRAY).ok_or_else(|| {
            self.problem(format!("an array of {length} elements; expected {LONGEST_ARRAY} at the most"))
        })
    }

    pub(crate) fn boolean(&self, what: &str) -> Result<bool> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.expected(what))
    }

    pub(crate) fn value(&self) -> Result<serde_json::Value> {
        serde_json::from_str(self.raw.get()).map_err(|e| self.problem(e.to_string()))
    }

    /// A CRC, written `"0x1234abcd"`.
    pub(crate) fn crc(&self, what: &str) -> Result<u32> {
        let text = self.string(what)?;
        text.strip_prefix("0x")
            .filter(|hex| !hex.is_empty() && hex.len() <= 8)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .ok_or_else(|| self.expected(what))
    }
}

/// An object's entries in order, duplicates and all.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(V).map(Entries)
    }
}
