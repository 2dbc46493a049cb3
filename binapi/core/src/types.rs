//! Primitive API types that Rust does not have.

use std::fmt;

use crate::codec::{Reader, Wire, Writer};
use crate::error::{DecodeError, EncodeError};

#[cfg(feature = "serde")]
pub mod array;
#[cfg(feature = "serde")]
mod text;

/// `string name[N]`: text in exactly `N` bytes, padded with NUL.
///
/// The bytes are kept as they came, so that a value survives decoding and encoding even where VPP left something
/// behind the first NUL.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct FixedString<const N: usize>(pub [u8; N]);

impl<const N: usize> FixedString<N> {
    /// The longest text in bytes: VPP's handlers take the bytes for a C string, so one is left for the NUL.
    pub const MAX: usize = N.saturating_sub(1);

    /// `None` when the text does not fit or has a NUL in it.
    pub fn new(text: &str) -> Option<Self> {
        fixed(text).map(Self)
    }

    /// The text up to the first NUL. Bytes that are not UTF-8 are replaced.
    pub fn to_text(&self) -> String {
        until_nul(&self.0)
    }
}

/// The same for the elder spelling, `u8 name[N]`. `None` when the text does not fit or has a NUL in it.
pub fn fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() >= N || text.contains('\0') {
        return None;
    }
    bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(bytes)
}

/// Text up to the first NUL. Bytes that are not UTF-8 are replaced.
pub fn until_nul(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

impl<const N: usize> Default for FixedString<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> fmt::Debug for FixedString<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

impl<const N: usize> fmt::Display for FixedString<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl<const N: usize> Wire for FixedString<N> {
    const MIN_SIZE: usize = N;

    fn zero() -> Self {
        Self::default()
    }

    #[inline]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.bytes(&self.0);
        Ok(())
    }

    #[inline]
    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        r.array(field).map(Self)
    }
}

/// `string name[]`: a u32 length and that many bytes.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Text(pub Vec<u8>);

impl Text {
    /// The text without the NULs that some of VPP's handlers count. Bytes that are not UTF-8 are replaced.
    pub fn to_text(&self) -> String {
        let end = self.0.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
        String::from_utf8_lossy(self.0.get(..end).unwrap_or_default()).into_owned()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

impl Wire for Text {
    const MIN_SIZE: usize = 4;

    fn zero() -> Self {
        Self::default()
    }

    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        let len: u32 = w.count(self.0.len(), "string", u32::MAX as usize)?;
        len.encode(w)?;
        w.bytes(&self.0);
        Ok(())
    }

    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        let len = u32::decode(r, field)? as usize;
        Ok(Self(r.take(len, field)?.to_vec()))
    }
}

/// An array that has another name in the API and is too long for `Default` and serde as a plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(transparent, bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Array<T, const N: usize>(#[cfg_attr(feature = "serde", serde(with = "array"))] pub [T; N]);

impl<T: Wire, const N: usize> Default for Array<T, N> {
    fn default() -> Self {
        Self::zero()
    }
}

impl<T: Wire, const N: usize> Wire for Array<T, N> {
    const MIN_SIZE: usize = <[T; N]>::MIN_SIZE;

    fn zero() -> Self {
        Self(Wire::zero())
    }

    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.0.encode(w)
    }

    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        r.get(field).map(Self)
    }
}

/// Reads one arm of a union from its bytes.
pub fn arm<T: Wire>(bytes: &[u8], union: &'static str, arm: &'static str) -> Result<T, DecodeError> {
    T::decode(&mut Reader::new(bytes, 0, union), arm)
}

/// A union's bytes with one arm set, the rest zero.
pub fn with_arm<T: Wire, const N: usize>(value: &T, union: &'static str) -> Result<[u8; N], EncodeError> {
    let mut buffer = bytes::BytesMut::with_capacity(N);
    value.encode(&mut Writer::new(&mut buffer, union))?;
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(buffer.iter()) {
        *to = *from;
    }
    Ok(bytes)
}
