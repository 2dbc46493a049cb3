//! Consul's key-value store, through its HTTP API.
//!
//! Changes are found by blocking queries: Consul answers when something under the prefix has changed, and what has is seen
//! from the index of each key. Keys have no leading slash in Consul; here they have it, as in every other store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::keep::Keeper;
use crate::{Compare, Ended, Feed, Item, Lifetime, Listing, Operation, Store, StoreError, Transaction};

mod api;
mod config;
mod follow;
mod http;
mod session;

pub use config::ConsulConfig;

use api::{Api, Outcome, Verb};
use session::Session;

/// How often a transaction is tried again when a value that it compares has changed between reading and comparing.
const ATTEMPTS: usize = 10;

/// A Consul.
pub struct ConsulStore {
    api: Arc<Api>,
    session: Arc<Session>,
    keeper: Keeper,
}

impl ConsulStore {
    /// The Consul that `config` tells of. Nothing is connected yet.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(config: &ConsulConfig) -> Result<Self, StoreError> {
        let api = Arc::new(Api::new(config)?);
        let session = Arc::new(Session::new(api.clone(), config.session_ttl));
        Ok(Self { api, session, keeper: Keeper::new(config.session_ttl()) })
    }

    /// What the conditions are as verbs of Consul; `None` if one of them does not hold.
    async fn conditions(&self, compare: &[Compare]) -> Result<Option<Vec<Verb>>, StoreError> {
        let mut verbs = Vec::new();
        for condition in compare {
            match condition {
                Compare::Absent(key) => verbs.push(Verb::check_absent(key)),
                Compare::Equals(key, value) => match self.api.get(key).await? {
                    Some(item) if item.value == *value => verbs.push(Verb::check_index(key, item.revision)),
                    _ => return Ok(None),
                },
            }
        }
        Ok(Some(verbs))
    }
}

impl std::fmt::Debug for ConsulStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsulStore").field("name", &self.api.name()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for ConsulStore {
    fn name(&self) -> String {
        self.api.name().to_owned()
    }

    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        self.api.get(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing, StoreError> {
        let page = self.api.list(prefix, None).await?;
        let mut items = Vec::new();
        self.api
            .items(&page.body, |key, revision, value| items.push(Item { key, value: value(), revision }))?;
        items.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Listing { items, revision: page.index })
    }

    async fn put(&self, key: &str, value: Bytes, lifetime: Lifetime) -> Result<(), StoreError> {
        let _entered = self.keeper.enter().await;
        match lifetime {
            Lifetime::Permanent => {
                // Setting a value does not free it from a session; making it anew does.
                let mut verbs = Vec::new();
                if self.keeper.kept().has(key) {
                    verbs.push(Verb::delete(key));
                }
                verbs.push(Verb::set(key, &value));
                self.api.transaction(&verbs, true).await?.done(&self.api, key)?;
                self.keeper.kept().note(key, None);
            }
            Lifetime::Agent => {
                self.session.put(key, &value, self.keeper.kept()).await?;
                self.keeper.kept().note(key, Some(&value));
                self.keeper.start(&self.session);
            }
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let _entered = self.keeper.enter().await;
        // The first fails, and with it the whole, if there is no such key.
        let outcome = self.api.transaction(&[Verb::get(key), Verb::delete(key)], false).await?;
        self.keeper.kept().note(key, None);
        Ok(matches!(outcome, Outcome::Done(_)))
    }

    async fn transaction(&self, transaction: Transaction) -> Result<bool, StoreError> {
        let Transaction { compare, operations } = transaction;
        let _entered = self.keeper.enter().await;
        for _ in 0..ATTEMPTS {
            let Some(mut verbs) = self.conditions(&compare).await? else { return Ok(false) };
            let conditions = verbs.len();
            for operation in &operations {
                match operation {
                    Operation::Put(key, value) => {
                        if self.keeper.kept().has(key) {
                            verbs.push(Verb::delete(key));
                        }
                        verbs.push(Verb::set(key, value));
                    }
                    Operation::Delete(key) => verbs.push(Verb::delete(key)),
                }
            }
            match self.api.transaction(&verbs, false).await? {
                Outcome::Done(_) => {
                    operations.iter().for_each(|operation| self.keeper.kept().note(operation.key(), None));
                    return Ok(true);
                }
                Outcome::Failed { at: Some(at), .. } if at < conditions => match compare.get(at) {
                    Some(Compare::Absent(_)) | None => return Ok(false),
                    // It has changed since it was read. It may have come back to what is expected.
                    Some(Compare::Equals(..)) => {}
                },
                Outcome::Failed { at, reason } => {
                    let key = at.and_then(|at| verbs.get(at)).map(|verb| verb.key().to_owned());
                    return Err(self.api.refused(key.as_deref(), reason));
                }
            }
        }
        let key = compare.first().map(Compare::key);
        Err(self.api.refused(key, "it changes faster than it can be compared".to_owned()))
    }

    async fn follow(&self, prefix: &str, feed: &mut Feed) -> Ended {
        match follow::follow(&self.api, prefix, feed).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        let _entered = self.keeper.enter().await;
        self.keeper.kept().clear();
        self.session.destroy().await
    }
}
