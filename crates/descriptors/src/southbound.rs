//! The VPP that descriptors talk to, which comes and goes.

use std::sync::{Arc, RwLock};

use kvscheduler::Failure;
use vppcalls::{Error, Handlers};

/// The calls of the VPP that is connected now. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Southbound {
    handlers: Arc<RwLock<Option<Handlers>>>,
}

impl Southbound {
    /// A VPP is there (or another one), or none is.
    pub fn set(&self, handlers: Option<Handlers>) {
        match self.handlers.write() {
            Ok(mut place) => *place = handlers,
            // Nothing panics while it holds the lock; the value is whole either way.
            Err(poisoned) => *poisoned.into_inner() = handlers,
        }
    }

    /// The calls, or the failure that parks what was to be done until there is a VPP.
    pub fn get(&self) -> Result<Handlers, Failure> {
        let handlers = match self.handlers.read() {
            Ok(place) => place.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        };
        handlers.ok_or_else(|| Failure::lost("no VPP is connected"))
    }
}

/// Why VPP could not be read, as the scheduler wants it. Nothing is configured over what is not known: the resync ends
/// and is tried again.
pub(crate) fn unread(error: Error) -> Failure {
    Failure { lost: true, ..failure(error) }
}

/// VPP's refusals and losses, as the scheduler wants them.
pub(crate) fn failure(error: Error) -> Failure {
    let mut failure = Failure::from_error(&error);
    // After a timeout nobody knows whether VPP did it: only reading VPP tells, and that is what a resync does.
    failure.lost = error.is_lost() || error.is_timeout();
    failure.unimplemented = error.is_absent();
    failure.retriable =
        !matches!(error, Error::TooLong { .. } | Error::Unsupported { .. }) && !failure.unimplemented;
    failure
}
