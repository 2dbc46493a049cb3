//! Writing states to stores, where others can see them. What is written lives as long as the agent.

mod interfaces;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kvstore::{Lifetime, Store};

pub(crate) use interfaces::interfaces;
pub(crate) use values::values;

/// How long a store that refused is left alone.
const AGAIN: Duration = Duration::from_secs(5);

/// Writes to one store. What cannot be written is kept, the newest for each key, until it can.
struct Writer {
    store: Arc<dyn Store>,
    waiting: BTreeMap<String, Option<Bytes>>,
    again: Option<tokio::time::Instant>,
}

impl Writer {
    fn new(store: Arc<dyn Store>) -> Self {
        Self { store, waiting: BTreeMap::new(), again: None }
    }

    /// Removes what an agent before has left under a prefix.
    async fn clean(&mut self, prefix: &str) {
        match self.store.list(prefix).await {
            Ok(listing) => self.waiting.extend(listing.items.into_iter().map(|item| (item.key, None))),
            Err(error) => tracing::debug!("what is left of an agent before stays: {error}"),
        }
    }

    fn set(&mut self, key: String, value: Option<Bytes>) {
        self.waiting.insert(key, value);
    }

    async fn flush(&mut self) {
        while let Some((key, value)) = self.waiting.pop_first() {
            let done = match &value {
                Some(value) => self.store.put(&key, value.clone(), Lifetime::Agent).await,
                None => self.store.delete(&key).await.map(drop),
            };
            if let Err(error) = done {
                if self.again.is_none() {
                    tracing::warn!("states cannot be written, and are kept until they can: {error}");
                }
                self.waiting.insert(key, value);
                self.again = Some(tokio::time::Instant::now() + AGAIN);
                return;
            }
        }
        self.again = None;
    }

    /// Until what could not be written is to be tried again; for ever where there is no such thing.
    async fn again(&self) {
        match self.again {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
