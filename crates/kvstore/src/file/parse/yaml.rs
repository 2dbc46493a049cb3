//! YAML files: one or more documents, each a mapping of keys to values.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Options, Spanned};

use super::Stated;
use super::exact::{Exact, note_key, take_key};
use super::json::in_our_words;
use crate::{Fault, Place};

/// Entries of one document in the order of the file.
struct Document(Vec<(String, Location, Value)>);

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
        Ok(Document(entries))
    }
}

/// The size of a file is its owner's business, so there is no budget; aliases keep their limits.
fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        budget: None,
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
    let stated =
        documents(file, text, DuplicateKeyPolicy::Error).map_err(|error| fault(file, text, &error))?;
    match stated {
        Some(stated) => Ok(stated),
        None => Err(Fault::Empty { path: file.to_owned() }),
    }
}

/// Entries of all documents; `None` if there is no document at all.
fn documents(file: &Path, text: &str, duplicates: DuplicateKeyPolicy) -> Result<Option<Vec<Stated>>, Error> {
    note_key(None);
    let documents: Vec<Document> = serde_saphyr::from_str_multiple_with_options(text, options(duplicates))?;
    if documents.is_empty() {
        return Ok(None);
    }
    let stated = documents.into_iter().flat_map(|document| document.0);
    Ok(Some(
        stated
            .map(|(key, at, value)| Stated { key, value, place: Place::new(file, at.line(), at.column()) })
            .collect(),
    ))
}

fn fault(file: &Path, text: &str, error: &Error) -> Fault {
    let within = take_key();
    let error = error.without_snippet();
    let place = error
        .location()
        .map_or_else(|| Place::new(file, 0, 0), |at| Place::new(file, at.line(), at.column()));
    if let Error::DuplicateMappingKey { key, .. } = error {
        let key = key.clone().unwrap_or_default();
        if within.is_none()
            && let Ok(Some(all)) = documents(file, text, DuplicateKeyPolicy::FirstWins)
            && let Some(first) = all.iter().find(|stated| stated.key == key && stated.place < place)
        {
            return Fault::Duplicate { key, first: first.place.clone(), second: place };
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
