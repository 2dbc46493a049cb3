//! The unix socket: `SOCK_SEQPACKET` up to 19.04, `SOCK_STREAM` after.

use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use tokio::net::UnixStream;

use crate::error::ConnectError;

/// The most that VPP reads at once; a longer packet would be cut.
pub(crate) const PACKET: usize = 4096;

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// 19.08 and later.
    Stream,
    /// 18.10 to 19.04.
    SeqPacket,
}

/// Connects. The kind is found by trying: a socket of the other kind answers `EPROTOTYPE`.
pub(crate) fn connect(path: &Path) -> Result<(UnixStream, SocketKind), ConnectError> {
    match connect_as(path, SockType::Stream) {
        Ok(stream) => Ok((stream, SocketKind::Stream)),
        Err(Errno::EPROTOTYPE) => connect_as(path, SockType::SeqPacket)
            .map(|stream| (stream, SocketKind::SeqPacket))
            .map_err(|e| explain(path, e)),
        Err(e) => Err(explain(path, e)),
    }
}

fn connect_as(path: &Path, kind: SockType) -> Result<UnixStream, Errno> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket::socket(AddressFamily::Unix, kind, flags, None)?;
    socket::connect(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    // Reading and writing are the same for both kinds, so the standard type serves.
    let stream = std::os::unix::net::UnixStream::from(fd);
    UnixStream::from_std(stream).map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or_default()))
}

fn explain(path: &Path, errno: Errno) -> ConnectError {
    let path = path.to_path_buf();
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => ConnectError::Missing { path },
        Errno::EACCES | Errno::EPERM => ConnectError::Permission { path },
        Errno::ECONNREFUSED if !is_socket(&path) => ConnectError::NotASocket { path },
        Errno::ECONNREFUSED => ConnectError::Refused { path },
        Errno::EAGAIN => ConnectError::System {
            path,
            reason: "VPP does not take new connections at the moment".to_string(),
        },
        other => ConnectError::System { path, reason: other.desc().to_string() },
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket())
}

/// Writes what the socket takes now. Tells how much; zero when it takes nothing.
pub(crate) fn try_write(stream: &UnixStream, kind: SocketKind, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        let chunk = match kind {
            SocketKind::Stream => rest,
            SocketKind::SeqPacket => rest.get(..PACKET).unwrap_or(rest),
        };
        match stream.try_write(chunk) {
            Ok(n) => written += n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(written)
}
