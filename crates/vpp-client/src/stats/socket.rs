//! How the segment comes: one message with a descriptor, over a socket that keeps packets apart.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, connect, recvmsg, socket,
};

use super::error::StatsError;
use super::layout::HEADER;
use super::sys::{Mapping, adopt};

/// Wait between two tries to connect to a socket whose queue is full.
const AGAIN: Duration = Duration::from_millis(10);

/// Descriptors that the kernel lets one message have (`SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;

/// Connects, takes the segment, and maps it. All descriptors are closed again when this returns.
pub(super) fn fetch(path: &Path, within: Duration) -> Result<Mapping, StatsError> {
    let deadline = Instant::now() + within;
    let socket = connected(path, within, deadline)?;
    let segment = received(path, &socket, within, deadline)?;
    map(path, segment)
}

fn connected(path: &Path, within: Duration, deadline: Instant) -> Result<OwnedFd, StatsError> {
    let explained = |errno| explain(path, errno);
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let address = UnixAddr::new(path).map_err(explained)?;
    loop {
        let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).map_err(explained)?;
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => return Ok(socket),
            Err(Errno::EINTR) => {}
            // The queue of those who wait to be accepted is full.
            Err(Errno::EAGAIN) if Instant::now() < deadline => std::thread::sleep(AGAIN),
            Err(Errno::EAGAIN) => return Err(StatsError::Silent { path: path.to_path_buf(), within }),
            Err(errno) => return Err(explained(errno)),
        }
    }
}

fn explain(path: &Path, errno: Errno) -> StatsError {
    let path = path.to_path_buf();
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => StatsError::Missing { path },
        Errno::EACCES | Errno::EPERM => StatsError::Permission { path },
        // The API socket and the CLI socket keep no packets apart.
        Errno::EPROTOTYPE => StatsError::NotASocket { path },
        Errno::ECONNREFUSED if !is_socket(&path) => StatsError::NotASocket { path },
        Errno::ECONNREFUSED => StatsError::Refused { path },
        other => StatsError::System { path, what: "cannot connect", reason: other.desc().to_string() },
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket())
}

fn received(
    path: &Path,
    socket: &OwnedFd,
    within: Duration,
    deadline: Instant,
) -> Result<OwnedFd, StatsError> {
    let failed = |errno: Errno| StatsError::System {
        path: path.to_path_buf(),
        what: "cannot receive the segment",
        reason: errno.desc().to_string(),
    };
    loop {
        // Rounded up, so that the last wait is not a spin.
        let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut waited = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waited, timeout) {
            Ok(0) | Err(Errno::EINTR) if Instant::now() >= deadline => {
                return Err(StatsError::Silent { path: path.to_path_buf(), within });
            }
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(failed(errno)),
        }
        return match receive(socket) {
            // Others that came along are closed here.
            Ok(descriptors) => descriptors
                .into_iter()
                .next()
                .ok_or_else(|| StatsError::NoSegment { path: path.to_path_buf() }),
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            // The other end closed with something unread.
            Err(Errno::ECONNRESET) => Err(StatsError::NoSegment { path: path.to_path_buf() }),
            Err(errno) => Err(failed(errno)),
        };
    }
}

fn receive(socket: &OwnedFd) -> Result<Vec<OwnedFd>, Errno> {
    // VPP sends no bytes or one.
    let mut bytes = [0; 16];
    let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
    // And one descriptor; room for all that a message can have, as those of a message that is cut would be lost open.
    let mut control = nix::cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut descriptors = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = part {
            descriptors.extend(adopt(received));
        }
    }
    Ok(descriptors)
}

fn map(path: &Path, segment: OwnedFd) -> Result<Mapping, StatsError> {
    let file = File::from(segment);
    let failed = |what, reason| StatsError::System { path: path.to_path_buf(), what, reason };
    let size = file.metadata().map_err(|e| failed("cannot tell the segment's size", e.to_string()))?.len();
    let len = usize::try_from(size).ok().filter(|len| *len >= HEADER).and_then(NonZeroUsize::new);
    let len = len.ok_or_else(|| StatsError::TooSmall { path: path.to_path_buf(), size })?;
    Mapping::new(&file, len).map_err(|e| failed("cannot map the segment", e.desc().to_string()))
}
