//! The session that everything hangs on that lives as long as the agent.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;

use super::api::{Api, Outcome, Verb};
use crate::StoreError;
use crate::keep::{Keep, Kept};

pub(super) struct Session {
    api: Arc<Api>,
    ttl: u32,
    id: Mutex<Option<String>>,
}

impl Session {
    pub(super) fn new(api: Arc<Api>, ttl: u32) -> Self {
        Self { api, ttl, id: Mutex::new(None) }
    }

    /// Puts a value that goes with the session. If that has gone everything that hung on it is put again, too.
    pub(super) async fn put(&self, key: &str, value: &Bytes, kept: &Kept) -> Result<(), StoreError> {
        let id = self.id().await?;
        if self.lock(key, value, &id).await.is_ok() {
            return Ok(());
        }
        if !self.api.renew_session(&id).await? {
            self.put_again(&id, kept).await?;
        }
        let id = self.id().await?;
        self.lock(key, value, &id).await
    }

    async fn lock(&self, key: &str, value: &Bytes, id: &str) -> Result<(), StoreError> {
        let locked = self.api.transaction(&[Verb::lock(key, value, id)], true).await?;
        if let Outcome::Done(_) = locked {
            return Ok(());
        }
        // The session of the agent before, which has not gone yet, has it.
        let verbs = [Verb::delete(key), Verb::lock(key, value, id)];
        self.api.transaction(&verbs, true).await?.done(&self.api, key)
    }

    async fn id(&self) -> Result<String, StoreError> {
        let mut slot = self.id.lock().await;
        if let Some(id) = &*slot {
            return Ok(id.clone());
        }
        let id = self.api.create_session(self.ttl).await?;
        *slot = Some(id.clone());
        Ok(id)
    }

    /// Puts everything again with another session than `gone`.
    async fn put_again(&self, gone: &str, kept: &Kept) -> Result<(), StoreError> {
        {
            let mut slot = self.id.lock().await;
            // Somebody else has noticed, too.
            if slot.as_deref() != Some(gone) {
                return Ok(());
            }
            *slot = None;
        }
        let id = self.id().await?;
        for (key, value) in kept.values() {
            self.lock(&key, &value, &id).await?;
        }
        Ok(())
    }

    /// Ends the session, and with it all that hangs on it.
    pub(super) async fn destroy(&self) -> Result<(), StoreError> {
        match self.id.lock().await.take() {
            Some(id) => self.api.destroy_session(&id).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Keep for Session {
    fn name(&self) -> &str {
        self.api.name()
    }

    async fn renew(&self, kept: &Kept) -> Result<(), StoreError> {
        let id = self.id().await?;
        if !self.api.renew_session(&id).await? {
            self.put_again(&id, kept).await?;
        }
        Ok(())
    }
}
