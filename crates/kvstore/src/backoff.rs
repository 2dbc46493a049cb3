//! Pauses between attempts.

use std::time::Duration;

/// Pauses that double up to a limit, each shortened at random by up to a half, so that the agents of a site do not
/// come back at the same instant.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        let first = first.max(Duration::from_millis(1));
        Self { first, longest: longest.max(first), next: first }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Starts over: it went well.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_differ() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, longest);
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.pause()).collect();
        for (i, pause) in pauses.iter().enumerate() {
            let full = first.saturating_mul(1 << i.min(10)).min(longest);
            assert!(*pause >= full / 2 && *pause <= full, "{i}: {pause:?} of {full:?}");
        }
        assert!(pauses[10..].iter().any(|pause| *pause != pauses[10]));
        backoff.reset();
        assert!(backoff.pause() <= first);
    }
}
