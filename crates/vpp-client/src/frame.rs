//! Frames: 16 bytes in front of every message.
//!
//! | offset | what |
//! | --- | --- |
//! | 0 | u64, VPP's own pointer |
//! | 8 | u32, bytes that follow |
//! | 12 | u32, VPP's own mark |

use bytes::{BufMut, Bytes, BytesMut};

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

/// Room for what is read at once. VPP writes up to 4096 bytes; a packet that does not fit would be cut.
const ROOM: usize = 64 * 1024;

/// What was read and not been used. The memory is used again and again: messages are copied out of it, so that one
/// that waits long does not keep all that was read together with it.
#[derive(Debug)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    /// Where unused bytes begin and end.
    start: usize,
    end: usize,
    limit: usize,
}

impl Input {
    /// Messages of more than `limit` bytes are refused.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: vec![0; 2 * ROOM], start: 0, end: 0, limit }
    }

    /// Where to read to; [`filled`](Self::filled) is told how much came.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            // A long message had it grow.
            if self.buffer.len() > 4 * ROOM {
                self.buffer.truncate(2 * ROOM);
                self.buffer.shrink_to_fit();
            }
        }
        if self.buffer.len() - self.end < ROOM {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            // Never more than twice what has come, whatever length is announced.
            if self.buffer.len() - self.end < ROOM {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    pub(crate) fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }

    /// The next whole message, if it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        let unused = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Some(len) = u32_at(unused, 8) else { return Ok(None) };
        let (len, limit) = (len as usize, self.limit);
        if len > limit {
            return Err(TooLong { len, limit });
        }
        let Some(message) = unused.get(HEADER..HEADER + len) else { return Ok(None) };
        let message = Bytes::copy_from_slice(message);
        self.start += HEADER + len;
        Ok(Some(message))
    }
}

/// A big-endian number at an offset.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset + 2)?.try_into().ok().map(u16::from_be_bytes)
}

/// A big-endian number at an offset.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset + 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(message: &[u8]) -> Vec<u8> {
        [&[0; 8][..], &(message.len() as u32).to_be_bytes(), &[0; 4], message].concat()
    }

    #[test]
    fn messages_come_out_whole_however_they_are_cut() {
        let messages: Vec<Vec<u8>> = (0..400u32).map(|n| vec![n as u8; (n * n % 3001) as usize]).collect();
        let stream: Vec<u8> = messages.iter().flat_map(|m| frame(m)).collect();
        for piece in [1, 7, 4096, 100_000] {
            let mut input = Input::new(4096);
            let mut found = Vec::new();
            for chunk in stream.chunks(piece) {
                input.room()[..chunk.len().min(ROOM)].copy_from_slice(&chunk[..chunk.len().min(ROOM)]);
                input.filled(chunk.len().min(ROOM));
                while let Some(message) = input.next().unwrap() {
                    found.push(message.to_vec());
                }
                if let Some(rest) = chunk.get(ROOM..) {
                    input.room()[..rest.len()].copy_from_slice(rest);
                    input.filled(rest.len());
                    while let Some(message) = input.next().unwrap() {
                        found.push(message.to_vec());
                    }
                }
            }
            assert!(found == messages, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut input = Input::new(8 << 20);
        input.room()[..16].copy_from_slice(&frame(&[0; 0]));
        input.buffer[8..12].copy_from_slice(&(8u32 << 20).to_be_bytes());
        input.filled(16);
        assert_eq!(input.next().unwrap(), None);
        assert!(input.room().len() < 4 * ROOM);
        input.buffer[8..12].copy_from_slice(&((8u32 << 20) + 1).to_be_bytes());
        assert_eq!(input.next(), Err(TooLong { len: (8 << 20) + 1, limit: 8 << 20 }));
    }
}
