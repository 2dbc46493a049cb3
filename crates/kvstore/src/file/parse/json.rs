//! JSON files: one mapping of keys to values.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::Stated;
use super::current::{note_key, take_key};
use crate::exact::Exact;
use crate::{Fault, Place};

/// Entries in the order of the file, keys that are stated twice among them.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of keys to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            note_key(Some(key.clone()));
            let Exact(value) = map.next_value()?;
            entries.push((key, value));
            note_key(None);
        }
        Ok(Entries(entries))
    }
}

pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Stated>, Fault> {
    note_key(None);
    let Entries(entries) = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        let reason = error.to_string();
        // serde_json puts the place at the end; we have it in front.
        let reason = reason.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&reason);
        Fault::Syntax { place: Place::new(file, line, column), key: take_key(), reason: in_our_words(reason) }
    })?;
    let places = key_places(text);
    Ok(entries
        .into_iter()
        .enumerate()
        .map(|(i, (key, value))| {
            let (line, column) = places.get(i).copied().unwrap_or_default();
            Stated { key, value, place: Place::new(file, line, column) }
        })
        .collect())
}

/// serde's words for types, as YAML users say them.
pub(super) fn in_our_words(reason: &str) -> String {
    match reason.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected ")) {
        Some((found, expected)) => {
            let found = match found {
                "sequence" => "a list",
                "map" => "a mapping",
                "unit value" | "null" => "nothing (null)",
                other => other,
            };
            format!("expected {expected}, found {found}")
        }
        None => reason.to_owned(),
    }
}

/// Line and column of each key of the outermost mapping of valid JSON, in order.
fn key_places(text: &str) -> Vec<(u64, u64)> {
    let mut places = Vec::new();
    let (mut line, mut column, mut depth) = (1, 0, 0_u64);
    let (mut in_text, mut escaped, mut key_expected) = (false, false, false);
    for c in text.chars() {
        if c == '\n' {
            (line, column) = (line + 1, 0);
            continue;
        }
        column += 1;
        if in_text {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => {
                in_text = true;
                if depth == 1 && key_expected {
                    places.push((line, column));
                    key_expected = false;
                }
            }
            '{' | '[' => {
                depth += 1;
                key_expected = depth == 1;
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => key_expected = true,
            _ => {}
        }
    }
    places
}
