//! Frames: 16 bytes in front of every message.
//!
//! | offset | what |
//! | --- | --- |
//! | 0 | u64, VPP's own pointer |
//! | 8 | u32, bytes that follow |
//! | 12 | u32, VPP's own mark |

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes in front of a message.
pub(crate) const HEADER: usize = 16;

/// A frame that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {len} bytes, the limit is {limit}")]
pub(crate) struct TooLong {
    pub(crate) len: usize,
    pub(crate) limit: usize,
}

/// Begins a frame; [`end`] is told where it began.
pub(crate) fn begin(buffer: &mut BytesMut) -> usize {
    let start = buffer.len();
    buffer.put_bytes(0, HEADER);
    start
}

/// Writes the length of a frame.
pub(crate) fn end(buffer: &mut BytesMut, start: usize) {
    let len = buffer.len().saturating_sub(start + HEADER) as u32;
    if let Some(place) = buffer.get_mut(start + 8..start + 12) {
        place.copy_from_slice(&len.to_be_bytes());
    }
}

/// Takes the first whole message from what was read, if there is one.
pub(crate) fn next(input: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, TooLong> {
    let Some(len) = input.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes) else {
        return Ok(None);
    };
    let len = len as usize;
    if len > limit {
        return Err(TooLong { len, limit });
    }
    if input.len() < HEADER + len {
        return Ok(None);
    }
    input.advance(HEADER);
    Ok(Some(input.split_to(len).freeze()))
}

/// A big-endian number at an offset.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset + 2)?.try_into().ok().map(u16::from_be_bytes)
}

/// A big-endian number at an offset.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset + 4)?.try_into().ok().map(u32::from_be_bytes)
}
