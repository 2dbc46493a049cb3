//! Any store as a source.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use crate::backoff::Backoff;
use crate::feed::{Ended, Feed};
use crate::{Decoder, Fault, Running, Source, SourceError, SourceEvent, Store};

/// First pause before another attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause before another attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What lasted this long went well: the next attempt after it comes quickly.
const WENT_WELL: Duration = Duration::from_secs(10);

/// Everything that a store has for one agent, `/vnf-agent/<label>/...`, as a [`Source`].
///
/// Keys are passed on as they stand in the store. A store that cannot be reached, or makes no sense, is a
/// [`SourceEvent::Problem`] and is tried again for ever; when it is back, a snapshot tells what is wanted by then.
pub struct StoreSource {
    store: Arc<dyn Store>,
    prefix: String,
    decoder: Decoder,
    ignored: Vec<String>,
}

impl StoreSource {
    /// What `store` has for the agent called `label`.
    pub fn new(store: Arc<dyn Store>, label: &str) -> Self {
        Self {
            store,
            prefix: format!("/vnf-agent/{label}/"),
            decoder: Decoder::default(),
            ignored: Vec::new(),
        }
    }

    /// Sets how values are written; JSON otherwise.
    #[must_use]
    pub fn decoder(mut self, decoder: Decoder) -> Self {
        self.decoder = decoder;
        self
    }

    /// Does not pass on keys that begin so after the label: what the agent itself writes there, such as status.
    #[must_use]
    pub fn without<S: AsRef<str>>(mut self, prefixes: impl IntoIterator<Item = S>) -> Self {
        self.ignored.extend(prefixes.into_iter().map(|prefix| format!("{}{}", self.prefix, prefix.as_ref())));
        self
    }

    /// The prefix of the keys that are followed.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl Source for StoreSource {
    fn name(&self) -> String {
        self.store.name()
    }

    fn run(self: Box<Self>, events: mpsc::Sender<SourceEvent>) -> Running {
        Box::pin(async move {
            let receiver = events.clone();
            tokio::select! {
                () = receiver.closed() => {}
                () = run(&self, events) => {}
            }
        })
    }
}

async fn run(source: &StoreSource, events: mpsc::Sender<SourceEvent>) {
    let origin = source.store.name();
    let mut feed = Feed::new(origin.clone(), source.decoder.clone(), events).without(source.ignored.clone());
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut told = None;
    loop {
        let (began, snapshots) = (Instant::now(), feed.snapshots);
        let error = match source.store.follow(&source.prefix, &mut feed).await {
            Ended::Unwanted => return,
            Ended::Lost(error) => error,
        };
        feed.reset();
        if feed.snapshots > snapshots {
            told = None;
            if began.elapsed() >= WENT_WELL {
                backoff.reset();
            }
        }
        // An attempt that fails as the one before did is not told again.
        if told.as_ref() != Some(&error) {
            warn!(store = %origin, %error, "store lost; trying again");
            let problem = SourceError { origin: origin.clone(), faults: vec![Fault::Store(error.clone())] };
            if feed.problem(problem).await.is_err() {
                return;
            }
            told = Some(error);
        }
        tokio::time::sleep(backoff.pause()).await;
    }
}
