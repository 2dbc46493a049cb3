//! Which entry is being read, for errors of readers that know only line and column.

use std::cell::RefCell;

thread_local! {
    /// Key of the entry being read.
    static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes the key of the entry that is read next on this thread.
pub(super) fn note_key(key: Option<String>) {
    CURRENT.with(|current| *current.borrow_mut() = key);
}

/// Key of the entry read last on this thread, forgotten by that.
pub(super) fn take_key() -> Option<String> {
    CURRENT.with(|current| current.borrow_mut().take())
}
