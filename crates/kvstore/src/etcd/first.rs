//! Who answers: HTTP/2 shows in the first bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net;

/// Bytes that are looked at.
const LOOKED_AT: usize = 40;

/// The first bytes that came over a connection.
#[derive(Clone, Default)]
pub(super) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl FirstBytes {
    /// What came, if that is not how HTTP/2 begins: with a frame of settings, on stream 0 (RFC 9113, 3.4 and 4.1).
    pub(super) fn foreign(&self) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_http2 = match bytes.as_slice() {
            [] => true,
            [_, _, _, kind, _, stream @ ..] => *kind == 4 && stream.iter().take(4).all(|&byte| byte == 0),
            _ => false,
        };
        (!is_http2).then(|| bytes.escape_ascii().to_string())
    }

    fn take_in(&self, bytes: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LOOKED_AT.saturating_sub(first.len());
        first.extend(bytes.iter().take(room));
    }

    fn is_full(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() >= LOOKED_AT
    }
}

/// A connection whose first bytes are kept.
pub(super) struct Watched {
    stream: net::Stream,
    first: FirstBytes,
    /// There is nothing left to keep.
    done: bool,
}

impl Watched {
    pub(super) fn new(stream: net::Stream) -> (Self, FirstBytes) {
        let first = FirstBytes::default();
        (Self { stream, first: first.clone(), done: false }, first)
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if !this.done {
            this.first.take_in(buf.filled().get(before..).unwrap_or_default());
            this.done = this.first.is_full();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http2_is_known_by_its_first_frame() {
        for (bytes, foreign) in [
            (&b""[..], false),
            (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05", false),
            (b"HTTP/1.1 400 Bad Request\r\n", true),
            (b"-ERR unknown\r\n", true),
            (b"220", true),
        ] {
            let first = FirstBytes::default();
            first.take_in(bytes);
            assert_eq!(first.foreign().is_some(), foreign, "{bytes:?}");
        }
    }
}
