//! The lease that everything hangs on that lives as long as the agent.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;
use tonic::{Code, Status};

use super::connect::Connector;
use super::error::Failure;
use super::proto::etcdserverpb as pb;
use crate::StoreError;
use crate::keep::{Keep, Kept};

use pb::lease_client::LeaseClient;

/// Values that are put again at a time.
const AT_A_TIME: usize = 64;

pub(super) struct Lease {
    connector: Arc<Connector>,
    id: Mutex<Option<i64>>,
}

impl Lease {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, id: Mutex::new(None) }
    }

    /// Puts a value with the lease. If that has gone everything that hung on it is put again, too.
    pub(super) async fn put(&self, key: &str, value: Bytes, kept: &Kept) -> Result<(), StoreError> {
        let failed = |failure: Failure| self.connector.failed(&failure, Some(key));
        let id = self.id().await.map_err(failed)?;
        match self.connector.put(key, value.clone(), id).await {
            Err(failure) if is_gone(&failure) => {}
            result => return result.map_err(failed),
        }
        self.put_again(id, kept).await.map_err(failed)?;
        let id = self.id().await.map_err(failed)?;
        self.connector.put(key, value, id).await.map_err(failed)
    }

    /// Gives the lease back, and with it all that hangs on it.
    pub(super) async fn revoke(&self) -> Result<(), StoreError> {
        let Some(id) = self.id.lock().await.take() else { return Ok(()) };
        let revoked = async {
            let session = self.connector.session().await?;
            let request = session.request(pb::LeaseRevokeRequest { id });
            self.connector.within(LeaseClient::new(session.channel).lease_revoke(request)).await
        };
        match revoked.await {
            Err(failure) if !is_gone(&failure) => Err(self.connector.failed(&failure, None)),
            _ => Ok(()),
        }
    }

    /// The lease, made now if there is none.
    async fn id(&self) -> Result<i64, Failure> {
        let mut slot = self.id.lock().await;
        if let Some(id) = *slot {
            return Ok(id);
        }
        let session = self.connector.session().await?;
        let ttl = i64::from(self.connector.config.session_ttl.max(1));
        let request = session.request(pb::LeaseGrantRequest { ttl, id: 0 });
        let granted =
            self.connector.within(LeaseClient::new(session.channel.clone()).lease_grant(request)).await;
        match granted {
            Ok(granted) => {
                *slot = Some(granted.id);
                Ok(granted.id)
            }
            Err(failure) => {
                if failure.is_lost() || failure.wants_token() {
                    self.connector.forget(&session, failure.is_lost()).await;
                }
                Err(failure)
            }
        }
    }

    /// Puts everything again with another lease than `gone`.
    async fn put_again(&self, gone: i64, kept: &Kept) -> Result<(), Failure> {
        {
            let mut slot = self.id.lock().await;
            // Somebody else has noticed, too.
            if *slot != Some(gone) {
                return Ok(());
            }
            *slot = None;
        }
        let id = self.id().await?;
        let puts = kept.values().into_iter().map(|(key, value)| self.put_one(key, value, id));
        stream::iter(puts).buffer_unordered(AT_A_TIME).try_collect::<()>().await
    }

    async fn put_one(&self, key: String, value: Bytes, id: i64) -> Result<(), Failure> {
        self.connector.put(&key, value, id).await
    }

    /// Whether the lease lives on.
    async fn keep_alive(&self, id: i64) -> Result<bool, Failure> {
        let session = self.connector.session().await?;
        let request = session.request(stream::iter([pb::LeaseKeepAliveRequest { id }]));
        let asked = async {
            let mut client = LeaseClient::new(session.channel.clone());
            let mut answers = client.lease_keep_alive(request).await?.into_inner();
            let answer = answers.message().await?;
            let answer = answer.ok_or_else(|| Status::new(Code::Unavailable, "the connection was closed"))?;
            Ok(tonic::Response::new(answer.ttl > 0))
        };
        let alive = self.connector.within(asked).await;
        if let Err(failure) = &alive
            && (failure.is_lost() || failure.wants_token())
        {
            self.connector.forget(&session, failure.is_lost()).await;
        }
        alive
    }
}

fn is_gone(failure: &Failure) -> bool {
    failure.message().contains("requested lease not found")
}

#[async_trait]
impl Keep for Lease {
    fn name(&self) -> &str {
        self.connector.name()
    }

    async fn renew(&self, kept: &Kept) -> Result<(), StoreError> {
        let failed = |failure: Failure| self.connector.failed(&failure, None);
        let id = self.id().await.map_err(failed)?;
        if !self.keep_alive(id).await.map_err(failed)? {
            self.put_again(id, kept).await.map_err(failed)?;
        }
        Ok(())
    }
}
