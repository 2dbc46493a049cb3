//! Time, injected.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The time of day, for people. It may jump.
    fn now(&self) -> SystemTime;

    /// A time that only goes forward, from any beginning: what retries are due by. Unless told otherwise it follows
    /// the time of day.
    fn monotonic(&self) -> Duration {
        self.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// Ends after this time.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }
    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(time)
    }
}

/// The time of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        static BEGINNING: OnceLock<Instant> = OnceLock::new();
        BEGINNING.get_or_init(Instant::now).elapsed()
    }
}

/// The time of the tokio runtime, which tests can pause and advance. It begins when the clock is made.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    beginning: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that says 1 January 1970 now.
    pub fn new() -> Self {
        Self { beginning: tokio::time::Instant::now() }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.beginning.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.beginning.elapsed()
    }
}
