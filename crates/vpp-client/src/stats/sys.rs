//! The only `unsafe` of this crate: the mapping, and taking over a descriptor that came over a socket.
#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, munmap};

/// A multiple of every page size that Linux has for ordinary memory.
const PAGES: usize = 64 * 1024;

const WORD: usize = 8;

/// Takes over descriptors that the kernel made for this process. They are closed when dropped.
pub(super) fn adopt(received: Vec<RawFd>) -> Vec<OwnedFd> {
    // SAFETY: `received` is what `recvmsg` put into an SCM_RIGHTS message: open descriptors that nobody else in this
    // process knows.
    received.into_iter().filter(|fd| *fd >= 0).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect()
}

/// A file mapped for reading, while others write it.
///
/// Nothing borrows from it: bytes are copied out, word by word, so that there is never a reference to memory that
/// changes.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: NonZeroUsize,
    /// The file cannot become shorter.
    sealed: bool,
}

// SAFETY: the mapping belongs to the process, not to a thread; it is only read, by volatile reads, and unmapped once,
// by whoever drops it.
unsafe impl Send for Mapping {}
// SAFETY: as above; there is no state but the mapping.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of a file, which it must have. The file can be closed after.
    pub(super) fn new(file: impl AsFd, len: NonZeroUsize) -> Result<Self, Errno> {
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
        let sealed = seals.is_ok_and(|seals| seals.contains(SealFlag::F_SEAL_SHRINK));
        // SAFETY: the kernel chooses the address, so no other memory is touched; the result is unmapped by `drop` only.
        let start = unsafe { mmap(None, len, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, file, 0) }?;
        Ok(Self { start: start.cast(), len, sealed })
    }

    /// Bytes that can be read.
    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    /// True when the file became shorter than the mapping: a read beyond its end would be a bus error. A file that is
    /// sealed against it is not asked; a kernel before 5.14 cannot tell.
    pub(super) fn shrunk(&self) -> bool {
        if self.sealed {
            return false;
        }
        let last = self.len().saturating_sub(1) / PAGES * PAGES;
        // SAFETY: `last` is inside the mapping and, as the mapping starts at a page, at the start of a page. Pages are
        // only brought in; an address that cannot be read is an error here, not a signal.
        let populated = unsafe {
            let at = self.start.add(last);
            madvise(at.cast(), self.len().saturating_sub(last), MmapAdvise::MADV_POPULATE_READ)
        };
        matches!(populated, Err(Errno::EFAULT))
    }

    /// Copies bytes out; `None` when they are not all inside.
    pub(super) fn copy(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        if offset.checked_add(into.len())? > self.len() {
            return None;
        }
        // Up to a word's boundary, whole words, and the rest.
        let head = offset.next_multiple_of(WORD).saturating_sub(offset).min(into.len());
        let (first, rest) = into.split_at_mut(head);
        let mut at = offset;
        for byte in first {
            *byte = self.byte(at);
            at += 1;
        }
        let (words, last) = rest.as_chunks_mut::<WORD>();
        for word in words {
            *word = self.word_at(at).to_ne_bytes();
            at += WORD;
        }
        for byte in last {
            *byte = self.byte(at);
            at += 1;
        }
        Some(())
    }

    /// One word that others may write at any time, whole; what is read after is not older. `None` when it is not
    /// inside or not at a word's boundary.
    pub(super) fn load(&self, offset: usize) -> Option<u64> {
        let inside = offset.checked_add(WORD)? <= self.len() && offset.is_multiple_of(WORD);
        let word = inside.then(|| self.word_at(offset))?;
        fence(Ordering::Acquire);
        Some(word)
    }

    /// The caller has checked that the byte is inside.
    fn byte(&self, offset: usize) -> u8 {
        debug_assert!(offset < self.len());
        // SAFETY: inside the mapping, as both callers check; volatile, as other processes write there.
        unsafe { self.start.add(offset).read_volatile() }
    }

    /// The caller has checked that the word is inside and at a word's boundary.
    fn word_at(&self, offset: usize) -> u64 {
        debug_assert!(offset.is_multiple_of(WORD) && offset + WORD <= self.len());
        // SAFETY: inside the mapping and aligned, as both callers check; volatile, as other processes write there.
        unsafe { self.start.add(offset).cast::<u64>().read_volatile() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; nothing borrows from it.
        let _ = unsafe { munmap(self.start.cast(), self.len()) };
    }
}
