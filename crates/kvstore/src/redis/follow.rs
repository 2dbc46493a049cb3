//! Following the keys under a prefix.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use redis::cmd;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::info;

use super::error;
use super::fetch::{Found, fetch, literally, scan};
use super::node::Node;
use super::nodes::{Connected, Nodes};
use super::notify::{Collector, Dirty, Happened, channel, turn_on};
use super::topology::{Topology, cluster_masters};
use crate::{Ended, Feed, Item, StoreError, Value};

/// How often it is looked at the settings and the cluster, too.
const SELDOM: Duration = Duration::from_secs(10);

/// Reads everything and follows it until a connection is lost.
pub(super) async fn follow(nodes: &Nodes, prefix: &str, feed: &mut Feed) -> Result<Infallible, Ended> {
    loop {
        let mut following = Following::begin(nodes, prefix).await?;
        following.snapshot(prefix, feed).await?;
        let reason = following.changes(nodes, feed).await?;
        info!(store = nodes.access.store, reason, "reading everything again");
        feed.reset();
    }
}

/// What is being followed.
struct Following {
    connected: Connected,
    collectors: Vec<Collector>,
    dirty: Arc<Dirty>,
    /// Hashes of the keys that were told, by node.
    known: Vec<HashSet<u64>>,
    hasher: RandomState,
    /// A node that had fewer keys than were told when it was looked at.
    fewer: Option<usize>,
}

impl Following {
    /// Connects and subscribes: before anything is read, so that no change falls between the two.
    async fn begin(nodes: &Nodes, prefix: &str) -> Result<Self, StoreError> {
        let access = &nodes.access;
        let mut connected = nodes.connect().await?;
        let dirty = Arc::<Dirty>::default();
        let mut collectors = Vec::new();
        for (i, (master, node)) in connected.iter_mut().enumerate() {
            turn_on(access, master, node).await?;
            let mut pubsub = access.subscriber(&master.address).await?;
            let pattern = format!("{}*", channel(access, &literally(prefix)));
            access.subscribe(&master.address, &mut pubsub, pattern.as_bytes()).await?;
            let (sink, stream) = pubsub.split();
            let before_key = channel(access, "").len();
            collectors.push(Collector::start(i, sink, stream, before_key, dirty.clone()));
        }
        let known = vec![HashSet::new(); connected.len()];
        Ok(Self { connected, collectors, dirty, known, hasher: RandomState::new(), fewer: None })
    }

    async fn snapshot(&mut self, prefix: &str, feed: &mut Feed) -> Result<(), Ended> {
        for i in 0..self.connected.len() {
            let Some((_, node)) = self.connected.get_mut(i) else { continue };
            let keys = scan(node, prefix).await?;
            self.read(i, &keys, feed).await?;
        }
        feed.snapshot(0).await
    }

    /// Reads keys of a node and tells of them.
    async fn read(&mut self, i: usize, keys: &[Vec<u8>], feed: &mut Feed) -> Result<(), StoreError> {
        let (Some((_, node)), Some(known)) = (self.connected.get_mut(i), self.known.get_mut(i)) else {
            return Ok(());
        };
        let hasher = &self.hasher;
        fetch(node, keys, |key, found| {
            let hash = hasher.hash_one(key);
            if matches!(found, Found::Absent) {
                known.remove(&hash);
            } else {
                known.insert(hash);
            }
            tell(feed, key, found);
        })
        .await
    }

    /// Tells changes. Returns when everything has to be read again: why.
    async fn changes(&mut self, nodes: &Nodes, feed: &mut Feed) -> Result<&'static str, Ended> {
        // Connections, and what an emptied database does not tell.
        let every = nodes.access.keepalive;
        let mut checks = interval_at(Instant::now() + every, every);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settings = Instant::now();
        loop {
            let happened = tokio::select! {
                happened = self.dirty.next() => happened,
                _ = checks.tick() => {
                    let due = settings.elapsed() >= SELDOM;
                    if due {
                        settings = Instant::now();
                    }
                    if let Some(reason) = self.check(nodes, due).await? {
                        return Ok(reason);
                    }
                    continue;
                }
            };
            let changed = match happened {
                Happened::Changed(changed) => changed,
                Happened::Overrun => return Ok("too many changes at a time"),
                Happened::Ended => {
                    return Err(error::unreachable(&nodes.access.store, "the connection was closed").into());
                }
            };
            let mut by_node: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
            for (i, key) in changed {
                by_node.entry(i).or_default().push(key);
            }
            for (i, keys) in by_node {
                self.read(i, &keys, feed).await?;
            }
            feed.change(0).await?;
        }
    }

    /// Looks whether all is as it was.
    async fn check(&mut self, nodes: &Nodes, settings: bool) -> Result<Option<&'static str>, StoreError> {
        let access = &nodes.access;
        for (i, (master, node)) in self.connected.iter_mut().enumerate() {
            if let Some(collector) = self.collectors.get_mut(i) {
                let ping = tokio::time::timeout(access.read_timeout, collector.sink.ping::<redis::Value>());
                if !matches!(ping.await, Ok(Ok(_))) {
                    let reason = format!("{}: no answer within {:?}", master.address, access.read_timeout);
                    return Err(error::unreachable(&access.store, &reason));
                }
            }
            // An emptied database tells of none of its keys.
            let size: u64 = node.query(cmd("DBSIZE"), None).await?;
            let fewer = self.known.get(i).is_some_and(|known| (known.len() as u64) > size);
            // The first time it may be just being told.
            if fewer && self.fewer == Some(i) {
                return Ok(Some("keys have gone without being told of"));
            }
            if fewer || self.fewer == Some(i) {
                self.fewer = fewer.then_some(i);
            }
            if settings {
                turn_on(access, master, node).await?;
                if let Topology::Sentinels { .. } = nodes.topology {
                    is_master(&access.store, node).await?;
                }
            }
        }
        if settings
            && nodes.topology.is_cluster()
            && let Some((_, node)) = self.connected.first_mut()
        {
            let masters = cluster_masters(&access.store, node).await?;
            if !masters.iter().eq(self.connected.iter().map(|(master, _)| master)) {
                return Ok(Some("the cluster has changed"));
            }
        }
        Ok(None)
    }
}

/// An error if another server has become the master.
async fn is_master(store: &str, node: &mut Node) -> Result<(), StoreError> {
    let role: redis::Value = node.query(cmd("ROLE"), None).await?;
    match role {
        redis::Value::Array(role) if matches!(role.first(), Some(redis::Value::BulkString(role)) if role == b"master") => {
            Ok(())
        }
        _ => Err(error::unreachable(store, &format!("{} is not the master any more", node.address))),
    }
}

fn tell(feed: &mut Feed, key: &[u8], found: Found) {
    let text = String::from_utf8_lossy(key).into_owned();
    match found {
        Found::Absent => feed.deleted(text),
        Found::Unusable(reason) => feed.set_value(text, Value::undecodable(reason), 0),
        Found::Value(_) if std::str::from_utf8(key).is_err() => {
            feed.set_value(text, Value::undecodable("the key is not UTF-8"), 0);
        }
        Found::Value(value) => feed.set(Item { key: text, value, revision: 0 }),
    }
}
