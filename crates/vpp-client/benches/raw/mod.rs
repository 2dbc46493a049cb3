//! A socket on which frames are moved, with nothing known of what is in them: what the client is measured against.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A message with the 16 bytes that go in front.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0; 8][..], &length, &[0; 4], message].concat()
}

/// A registered client. Dropped, it says goodbye.
pub(crate) struct RawSocket {
    pub(crate) stream: UnixStream,
    pub(crate) handle: [u8; 4],
    /// Entries of the message table, 66 bytes each.
    #[allow(dead_code, reason = "not every benchmark looks a number up")]
    pub(crate) table: Vec<u8>,
}

impl RawSocket {
    pub(crate) fn connect(path: &Path) -> Self {
        let mut stream = UnixStream::connect(path).expect("a stream socket");
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let hello = [&15u16.to_be_bytes()[..], &1u32.to_be_bytes(), b"raw", &[0; 61]].concat();
        stream.write_all(&frame(&hello)).unwrap();
        let mut header = [0; 16];
        stream.read_exact(&mut header).unwrap();
        let mut reply = vec![0; u32::from_be_bytes(header[8..12].try_into().unwrap()) as usize];
        stream.read_exact(&mut reply).unwrap();
        Self { stream, handle: reply[14..18].try_into().unwrap(), table: reply.split_off(20) }
    }
}

impl Drop for RawSocket {
    fn drop(&mut self) {
        let goodbye = [&17u16.to_be_bytes()[..], &self.handle, &[0; 4], &self.handle].concat();
        let _ = self.stream.write_all(&frame(&goodbye));
        let _ = self.stream.read(&mut [0; 64]);
    }
}
