//! A socket at a path, and the file that it leaves there.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};

use crate::sim::Error;

/// Why a socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another process answers there.
    #[error("{}: another process serves this socket", .0.display())]
    InUse(PathBuf),
    /// There is a file that is no socket.
    #[error("{}: there is a file that is not a socket, it is left as it is", .0.display())]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("{}: {what}: {source}", path.display())]
    System {
        /// The socket.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// No VPP to serve, on a restart.
    #[error(transparent)]
    Sim(#[from] Error),
}

impl ServeError {
    pub(crate) fn system(path: &Path, what: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { path: path.to_path_buf(), what, source: source.into() }
    }
}

/// A socket that is listened at.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Listener {
    /// Listens at a path. A socket file that nobody serves is replaced.
    pub(crate) fn bind(path: &Path, kind: SockType) -> Result<Self, ServeError> {
        let refused = |what, errno: Errno| ServeError::system(path, what, errno);
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let new =
            || socket(AddressFamily::Unix, kind, flags, None).map_err(|e| refused("cannot make a socket", e));
        let address = UnixAddr::new(path).map_err(|e| refused("cannot be the path of a socket", e))?;
        if let Ok(there) = std::fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                return Err(ServeError::NotASocket(path.to_path_buf()));
            }
            // Any answer but a refusal means that somebody is there; the other type of socket tells itself too.
            match connect(new()?.as_raw_fd(), &address) {
                Err(Errno::ECONNREFUSED | Errno::ENOENT) => {}
                Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => {
                    return Err(ServeError::InUse(path.to_path_buf()));
                }
                Err(errno) => return Err(refused("cannot tell whether it is served", errno)),
            }
            std::fs::remove_file(path).map_err(|source| {
                ServeError::system(path, "cannot remove the socket file of a VPP that is gone", source)
            })?;
        }
        let listener = new()?;
        bind(listener.as_raw_fd(), &address).map_err(|e| refused("cannot be bound", e))?;
        let backlog = Backlog::new(128).map_err(|e| refused("cannot be listened at", e))?;
        listen(&listener, backlog).map_err(|e| refused("cannot be listened at", e))?;
        let inode = std::fs::symlink_metadata(path).map_or(0, |m| m.ino());
        // The listener of std works for packets too: it only accepts.
        Ok(Self { socket: UnixListener::from(listener), path: path.to_path_buf(), inode })
    }

    /// The next who connects, not blocking; `None` when there is nobody.
    pub(crate) fn accept(&self) -> Option<OwnedFd> {
        let accepted = self.socket.accept().and_then(|(socket, _)| {
            socket.set_nonblocking(true)?;
            Ok(OwnedFd::from(socket))
        });
        match accepted {
            Ok(socket) => Some(socket),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => {
                tracing::error!(%error, path = %self.path.display(), "cannot accept a client");
                None
            }
        }
    }

    /// Ends it with its file, unlike dropping it, which is how a VPP that crashes leaves it.
    pub(crate) fn remove(self) {
        // The path may be another's by now.
        if std::fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
