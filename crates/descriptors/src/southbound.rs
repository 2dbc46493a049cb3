//! The VPP that descriptors talk to, which comes and goes.

use kvscheduler::Failure;
use tokio::sync::watch;
use vppcalls::{Error, Handlers};

/// The calls of the VPP that is connected now. Clones share it.
#[derive(Clone, Debug)]
pub struct Southbound {
    handlers: watch::Sender<Option<Handlers>>,
}

impl Default for Southbound {
    fn default() -> Self {
        Self { handlers: watch::Sender::new(None) }
    }
}

impl Southbound {
    /// A VPP is there (or another one), or none is.
    pub fn set(&self, handlers: Option<Handlers>) {
        self.handlers.send_replace(handlers);
    }

    /// The calls, or the failure that parks what was to be done until there is a VPP.
    pub fn get(&self) -> Result<Handlers, Failure> {
        self.handlers.borrow().clone().ok_or_else(|| Failure::lost("no VPP is connected"))
    }

    /// Follows the comings and goings.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Handlers>> {
        self.handlers.subscribe()
    }
}

/// What VPP answers to requests that it will never carry out, whatever else changes: `UNIMPLEMENTED`, `UNSUPPORTED`.
const NEVER: [i32; 2] = [-9, -126];

/// What calls give, as the scheduler wants it.
pub(crate) trait OrFail<T> {
    /// VPP's refusals and losses.
    fn or_fail(self) -> Result<T, Failure>;

    /// Why VPP could not be read. Nothing is configured over what is not known: the resync ends and is tried again.
    fn or_unread(self) -> Result<T, Failure>;
}

impl<T> OrFail<T> for vppcalls::Result<T> {
    fn or_fail(self) -> Result<T, Failure> {
        self.map_err(|error| failure(&error))
    }

    fn or_unread(self) -> Result<T, Failure> {
        // What a VPP does not have is not lost.
        self.map_err(|error| Failure { lost: !error.is_absent(), ..failure(&error) })
    }
}

/// A dump of a plugin that is not loaded, or of a release that has no such thing: there is nothing.
pub(crate) fn or_none<T>(dump: vppcalls::Result<Vec<T>>) -> vppcalls::Result<Vec<T>> {
    match dump {
        Err(e) if e.is_absent() => Ok(Vec::new()),
        other => other,
    }
}

fn failure(error: &Error) -> Failure {
    let mut failure = Failure::from_error(error);
    // After a timeout nobody knows whether VPP did it: only reading VPP tells, and that is what a resync does.
    failure.lost = error.is_lost() || error.is_timeout();
    failure.unimplemented = error.is_absent();
    let never = error.retval().is_some_and(|retval| NEVER.contains(&retval));
    failure.retriable = !(never || error.is_bad_input() || failure.unimplemented);
    failure
}
