//! Texts in serde's data model: in formats for people a string where it says all, else the bytes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{FixedString, Text};

impl<const N: usize> Serialize for FixedString<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(N);
        let (text, padding) = self.0.split_at_checked(end).unwrap_or((&self.0, &[]));
        match std::str::from_utf8(text) {
            Ok(text) if to.is_human_readable() && padding.iter().all(|b| *b == 0) => to.serialize_str(text),
            _ => to.collect_seq(self.0),
        }
    }
}

impl<'de, const N: usize> Deserialize<'de> for FixedString<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = read(from)?;
        let mut fixed = Self::default();
        match fixed.0.get_mut(..bytes.len()) {
            Some(place) => place.copy_from_slice(&bytes),
            None => {
                return Err(D::Error::invalid_length(bytes.len(), &format!("at most {N} bytes").as_str()));
            }
        }
        Ok(fixed)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) if to.is_human_readable() => to.serialize_str(text),
            _ => to.collect_seq(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from).map(Self)
    }
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    if from.is_human_readable() { from.deserialize_any(Bytes) } else { from.deserialize_seq(Bytes) }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
