//! Following the keys under a prefix.

use std::convert::Infallible;

use futures::stream;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tonic::Streaming;
use tracing::{debug, info, warn};

use super::connect::{Connector, Session};
use super::error::Failure;
use super::pages::{self, Found};
use super::proto::etcdserverpb as pb;
use super::proto::mvccpb::event::EventType;
use super::{MAX_MESSAGE, key_bytes, key_text, range_end, revision};
use crate::{Ended, Feed, Item, StoreError, Value};

use pb::watch_client::WatchClient;
use pb::watch_request::RequestUnion;

/// Lists and watches until the connection is lost.
pub(super) async fn follow(
    connector: &Connector,
    prefix: &str,
    feed: &mut Feed,
) -> Result<Infallible, Ended> {
    loop {
        let at = pages::read(connector, prefix, |found| match found {
            Found::Value { key, value, revision } => set(feed, &key, value, revision),
            Found::TooLarge { key, revision } => too_large(feed, &key, revision),
            Found::Restart => feed.reset(),
        })
        .await?;
        debug!(store = connector.name(), revision = at, "listed");
        feed.snapshot(at).await?;
        let oldest = watch(connector, prefix, at, feed).await?;
        info!(store = connector.name(), revision = at, oldest, "history was compacted; listing again");
        feed.reset();
    }
}

fn set(feed: &mut Feed, key: &[u8], value: bytes::Bytes, revision: u64) {
    match key_text(key) {
        (key, true) => feed.set(Item { key, value, revision }),
        (key, false) => feed.set_value(key, Value::undecodable("the key is not UTF-8"), revision),
    }
}

fn too_large(feed: &mut Feed, key: &[u8], revision: u64) {
    let reason =
        format!("the value has more than {MAX_MESSAGE} bytes, and at most {} are taken", crate::MAX_VALUE);
    feed.set_value(key_text(key).0, Value::undecodable(reason), revision);
}

/// Watches from the revision after `at`. Returns when that revision was compacted: the oldest that is there.
async fn watch(connector: &Connector, prefix: &str, at: u64, feed: &mut Feed) -> Result<i64, Ended> {
    let session = connector.session().await.map_err(|failure| connector.failed(&failure, None))?;
    match watch_session(connector, &session, prefix, at, feed).await {
        Ok(oldest) => Ok(oldest),
        Err(WatchEnd::Ended(ended)) => Err(ended),
        Err(WatchEnd::Failed(failure)) => {
            connector.forget(&session, failure.is_lost()).await;
            Err(connector.failed(&failure, None).into())
        }
    }
}

enum WatchEnd {
    Ended(Ended),
    Failed(Failure),
}

impl From<Ended> for WatchEnd {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<Failure> for WatchEnd {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn watch_session(
    connector: &Connector,
    session: &Session,
    prefix: &str,
    at: u64,
    feed: &mut Feed,
) -> Result<i64, WatchEnd> {
    let mut answers = open(connector, session, prefix, at).await?;
    let mut compaction = Compaction::new(connector);
    let mut latest = i64::try_from(at).unwrap_or(i64::MAX);
    loop {
        let answer = tokio::select! {
            answer = answers.message() => answer.map_err(|status| Failure::Status(Box::new(status)))?,
            () = compaction.due() => {
                compaction.run(connector, latest).await;
                continue;
            }
        };
        let Some(answer) = answer else {
            let status = tonic::Status::unavailable("etcd ended the watch; the connection was closed");
            return Err(Failure::Status(Box::new(status)).into());
        };
        if answer.compact_revision > 0 {
            return Ok(answer.compact_revision);
        }
        if answer.canceled {
            let reason = answer.cancel_reason;
            let store = connector.name().to_owned();
            let error = StoreError::Refused { store, key: Some(prefix.to_owned()), reason };
            connector.forget(session, true).await;
            return Err(Ended::Lost(error).into());
        }
        latest = latest.max(answer.header.as_ref().map_or(0, |header| header.revision));
        for event in answer.events {
            let Some(kv) = event.kv else { continue };
            latest = latest.max(kv.mod_revision);
            if event.r#type == i32::from(EventType::Delete) {
                feed.deleted(key_text(&kv.key).0);
            } else {
                set(feed, &kv.key, kv.value, revision(kv.mod_revision));
            }
        }
        feed.change(revision(latest)).await?;
    }
}

async fn open(
    connector: &Connector,
    session: &Session,
    prefix: &str,
    at: u64,
) -> Result<Streaming<pb::WatchResponse>, Failure> {
    // Not in fragments: for those etcd's time grows with the square of the number of changes. What is larger than a
    // message may be is listed again, in pages.
    let create = pb::WatchCreateRequest {
        key: key_bytes(prefix),
        range_end: range_end(prefix.as_bytes()),
        start_revision: i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1),
        progress_notify: true,
    };
    let create = pb::WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
    // The stream of requests stays open: its end is the end of the watch.
    let requests = stream::iter([create]);
    let requests = futures::StreamExt::chain(requests, stream::pending());
    let mut request = session.request(requests);
    // A member that has lost its leader ends the watch rather than be silent.
    request.metadata_mut().insert("hasleader", tonic::metadata::MetadataValue::from_static("true"));
    let mut client = WatchClient::new(session.channel.clone()).max_decoding_message_size(MAX_MESSAGE);
    connector.within(client.watch(request)).await
}

/// Has etcd forget its history from time to time, if that is asked for.
struct Compaction {
    ticks: Option<tokio::time::Interval>,
    /// The latest revision the time before: all that is older may go.
    before: i64,
}

impl Compaction {
    fn new(connector: &Connector) -> Self {
        let every = connector.config.auto_compact;
        let ticks = (!every.is_zero()).then(|| {
            let mut ticks = interval_at(Instant::now() + every, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self { ticks, before: 0 }
    }

    async fn due(&mut self) {
        match &mut self.ticks {
            Some(ticks) => drop(ticks.tick().await),
            None => std::future::pending().await,
        }
    }

    async fn run(&mut self, connector: &Connector, latest: i64) {
        if self.before > 0 {
            match connector.compact(self.before).await {
                Ok(()) => debug!(store = connector.name(), revision = self.before, "compacted"),
                // Somebody else was faster.
                Err(failure) if pages::is_compacted(&failure) => {}
                Err(failure) => {
                    let error = connector.failed(&failure, None);
                    warn!(store = connector.name(), %error, "auto-compact failed");
                }
            }
        }
        self.before = latest;
    }
}
