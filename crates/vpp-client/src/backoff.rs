//! How long to wait before the next try.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Doubles from `first` to `most`, less a random part of up to a quarter, so that many agents do not come at once.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.most);
        // The clock's last digits are random enough to spread processes.
        let noise = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.subsec_nanos()) % 1000;
        wait - wait / 4 * noise / 1000
    }
}
