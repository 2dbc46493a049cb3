//! YAML files: one or more documents, each a mapping of keys to values.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Options, Spanned};

use super::Stated;
use super::current::{note_key, take_key};
use super::json::in_our_words;
use crate::exact::Exact;
use crate::{Fault, Place};

/// One document.
enum Document {
    /// Its entries in the order of the file.
    Entries(Vec<(String, Location, Value)>),
    /// It is something else than a mapping. Kept as a value, so that the error has the document's place.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of keys to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            note_key(Some(key.value.clone()));
            let Exact(value) = map.next_value()?;
            entries.push((key.value, key.referenced, value));
            note_key(None);
        }
        Ok(Document::Entries(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Document::Other("a list"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Document, E> {
        Ok(Document::Other("text"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
        Ok(Document::Other("a truth value"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        Ok(Document::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        Ok(Document::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        Ok(Document::Other("a number"))
    }
}

/// Deepest nesting that is read: what is nested deeper is no configuration, and would exhaust the stack.
const DEEPEST: usize = 64;

/// The size of a file is its owner's business; its depth and what aliases make of it are not.
fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
        },
        duplicate_keys: duplicate_keys,
        strict_booleans: true,
        with_snippet: false,
    }
}

pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Stated>, Fault> {
    if !text.ends_with('\n') {
        let line = text.lines().count() as u64;
        return Err(Fault::HalfWritten { place: Place::new(file, line, 0) });
    }
    let documents = documents(text, DuplicateKeyPolicy::Error).map_err(|error| fault(file, text, &error))?;
    if documents.is_empty() {
        return Err(Fault::Empty { path: file.to_owned() });
    }
    let mut stated = Vec::new();
    for document in documents {
        match document.value {
            Document::Entries(entries) => stated.extend(entries.into_iter().map(|(key, at, value)| Stated {
                key,
                value,
                place: place(file, at),
            })),
            Document::Other(found) => {
                return Err(Fault::Syntax {
                    place: place(file, document.referenced),
                    key: None,
                    reason: format!("expected a mapping of keys to values, found {found}"),
                });
            }
        }
    }
    Ok(stated)
}

fn documents(text: &str, duplicates: DuplicateKeyPolicy) -> Result<Vec<Spanned<Document>>, Error> {
    note_key(None);
    serde_saphyr::from_str_multiple_with_options(text, options(duplicates))
}

fn place(file: &Path, at: Location) -> Place {
    Place::new(file, at.line(), at.column())
}

/// Where `key` is stated first before `before`.
fn first_place(file: &Path, text: &str, key: &str, before: &Place) -> Option<Place> {
    let documents = documents(text, DuplicateKeyPolicy::FirstWins).ok()?;
    let entries = documents.into_iter().flat_map(|document| match document.value {
        Document::Entries(entries) => entries,
        Document::Other(_) => Vec::new(),
    });
    entries
        .filter(|(stated, ..)| stated == key)
        .map(|(_, at, _)| place(file, at))
        .find(|first| first < before)
}

fn fault(file: &Path, text: &str, error: &Error) -> Fault {
    let within = take_key();
    let error = error.without_snippet();
    let place = place(file, error.location().unwrap_or(Location::UNKNOWN));
    if let Error::DuplicateMappingKey { key, .. } = error {
        let key = key.clone().unwrap_or_default();
        if within.is_none()
            && let Some(first) = first_place(file, text, &key, &place)
        {
            return Fault::Duplicate { key, first, second: place };
        }
        return Fault::Syntax {
            place,
            key: within,
            reason: format!("`{key}` is stated twice; remove one of them"),
        };
    }
    let reason = error.to_string();
    Fault::Syntax { place, key: within, reason: in_our_words(reason.lines().next().unwrap_or(&reason)) }
}
