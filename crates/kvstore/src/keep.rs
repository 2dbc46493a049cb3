//! Values that live as long as the agent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::StoreError;

/// Values by key.
pub(crate) type Values = BTreeMap<String, Bytes>;

/// How a store keeps such values.
#[async_trait]
pub(crate) trait Keep: Send + Sync + 'static {
    /// Name of the store.
    fn name(&self) -> &str;

    /// Makes the values live on for another while, and puts those again that are gone. Nothing else writes them
    /// meanwhile.
    async fn renew(&self, kept: &Kept) -> Result<(), StoreError>;
}

/// The values that are kept.
#[derive(Default)]
pub(crate) struct Kept {
    /// Held shared by who writes the store, alone while values are renewed: nothing that is deleted meanwhile is put
    /// again.
    gate: RwLock<()>,
    values: Mutex<Values>,
}

impl Kept {
    /// The values by now.
    pub(crate) fn values(&self) -> Values {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether this one is.
    #[cfg(feature = "consul")]
    pub(crate) fn has(&self, key: &str) -> bool {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// Notes that a value is kept from now on, or not any more.
    pub(crate) fn note(&self, key: &str, value: Option<&Bytes>) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => values.insert(key.to_owned(), value.clone()),
            None => values.remove(key),
        };
    }

    /// Forgets all of them.
    #[cfg(any(feature = "consul", feature = "etcd"))]
    pub(crate) fn clear(&self) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Keeps values alive from time to time, from the first one on and until it is dropped.
pub(crate) struct Keeper {
    kept: Arc<Kept>,
    task: Mutex<Option<JoinHandle<()>>>,
    every: Duration,
}

impl Keeper {
    /// Keeps values that would live for `ttl` otherwise.
    pub(crate) fn new(ttl: Duration) -> Self {
        let every = (ttl / 3).max(Duration::from_millis(50));
        Self { kept: Arc::default(), task: Mutex::new(None), every }
    }

    /// To be held while the store is written.
    pub(crate) async fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.kept.gate.read().await
    }

    /// The values that are kept.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Starts keeping, if that has not been.
    pub(crate) fn start<K: Keep>(&self, keep: &Arc<K>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        *task = Some(tokio::spawn(run(Arc::downgrade(keep), Arc::downgrade(&self.kept), self.every)));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().ok().and_then(Option::take) {
            task.abort();
        }
    }
}

async fn run<K: Keep>(keep: Weak<K>, kept: Weak<Kept>, every: Duration) {
    let mut failed = false;
    loop {
        tokio::time::sleep(every).await;
        let (Some(keep), Some(kept)) = (keep.upgrade(), kept.upgrade()) else { return };
        let _alone = kept.gate.write().await;
        if kept.is_empty() {
            continue;
        }
        match keep.renew(&kept).await {
            Ok(()) if failed => {
                info!(store = keep.name(), "values that live as long as this agent are kept again");
                failed = false;
            }
            Ok(()) => {}
            Err(error) if !failed => {
                warn!(store = keep.name(), %error, "values that live as long as this agent may expire");
                failed = true;
            }
            Err(_) => {}
        }
    }
}
