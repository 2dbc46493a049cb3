//! Keyspace notifications: turning them on, and taking in the keys that they name.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};
use redis::cmd;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::error;
use super::fetch::literally;
use super::node::{Access, Master, Node, slot_of};
use crate::StoreError;

/// What has to be told: keyspace events (K) of strings ($), of what all types have, such as DEL (g), of expired (x) and
/// of evicted keys (e).
const FLAGS: &str = "Kg$xe";

/// Keys that may wait; with more everything is read again.
const MOST: usize = 200_000;

/// Has `node` tell of changes, if it does not. `pattern` is being watched by `watched`.
pub(super) async fn turn_on(access: &Access, master: &Master, node: &mut Node) -> Result<(), StoreError> {
    let get = cmd("CONFIG").arg("GET").arg("notify-keyspace-events").to_owned();
    let refusal = match node.query::<Vec<String>>(get, None).await {
        Ok(answer) => {
            let flags = answer.get(1).cloned().unwrap_or_default();
            if is_enough(&flags) {
                return Ok(());
            }
            let wanted = with_all(&flags);
            let set = cmd("CONFIG").arg("SET").arg("notify-keyspace-events").arg(&wanted).to_owned();
            match node.query::<()>(set, None).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Unreachable { store, reason, advice }) => {
                    return Err(StoreError::Unreachable { store, reason, advice });
                }
                Err(refusal) => refusal,
            }
        }
        Err(StoreError::Unreachable { store, reason, advice }) => {
            return Err(StoreError::Unreachable { store, reason, advice });
        }
        Err(refusal) => refusal,
    };
    // Somebody may have turned them on where nobody may look (as managed services have it): seeing is believing.
    if probe(access, master, node).await? {
        return Ok(());
    }
    let address = &master.address;
    Err(error::refused(
        &access.store,
        None,
        format!(
            "{address} tells of no changes and the agent may not turn that on ({refusal}); run `redis-cli -h {} -p {} \
             CONFIG SET notify-keyspace-events {FLAGS}`, or set it in redis.conf of the server or the console of the \
             service",
            address.host, address.port
        ),
    ))
}

/// Whether these flags of Redis tell all that is needed.
fn is_enough(flags: &str) -> bool {
    flags.contains('K') && (flags.contains('A') || "g$xe".chars().all(|flag| flags.contains(flag)))
}

/// The flags that somebody else wants, and those that are needed.
fn with_all(flags: &str) -> String {
    let mut flags = flags.to_owned();
    let all = flags.contains('A');
    for flag in FLAGS.chars().filter(|flag| *flag == 'K' || !all) {
        if !flags.contains(flag) {
            flags.push(flag);
        }
    }
    flags
}

/// Whether a change of a key that is nobody's is told.
async fn probe(access: &Access, master: &Master, node: &mut Node) -> Result<bool, StoreError> {
    let has = |key: &String| {
        let slot = slot_of(key.as_bytes());
        master.slots.iter().any(|&(from, to)| (from..=to).contains(&slot))
    };
    let keys = (0..10_000_u32).map(|i| format!("/vnf-agent-probe/{:x}-{i}", fastrand::u64(..)));
    let Some(key) = keys.into_iter().find(has) else { return Ok(false) };
    let mut pubsub = access.subscriber(&master.address).await?;
    let channel = channel(access, &literally(&key));
    access.subscribe(&master.address, &mut pubsub, channel.as_bytes()).await?;
    node.query::<()>(cmd("SET").arg(&key).arg("").arg("PX").arg(2000).to_owned(), Some(&key)).await?;
    let told = tokio::time::timeout(Duration::from_secs(1), pubsub.on_message().next()).await;
    Ok(matches!(told, Ok(Some(_))))
}

/// The channel that changes of a key are told on.
pub(super) fn channel(access: &Access, key: &str) -> String {
    format!("__keyspace@{}__:{key}", access.info.db())
}

/// Keys that have changed and were not looked at since, by node.
#[derive(Default)]
pub(super) struct Dirty {
    keys: Mutex<Keys>,
    something: Notify,
}

#[derive(Default)]
struct Keys {
    changed: BTreeSet<(usize, Vec<u8>)>,
    /// A connection has ended.
    ended: bool,
    /// There were more than may wait.
    overrun: bool,
}

/// What has happened since it was asked last.
pub(super) enum Happened {
    Changed(BTreeSet<(usize, Vec<u8>)>),
    Ended,
    Overrun,
}

impl Dirty {
    fn edit(&self, edit: impl FnOnce(&mut Keys)) {
        edit(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner));
        self.something.notify_one();
    }

    /// Waits until something has happened.
    pub(super) async fn next(&self) -> Happened {
        loop {
            {
                let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
                if keys.ended {
                    return Happened::Ended;
                }
                if keys.overrun {
                    return Happened::Overrun;
                }
                if !keys.changed.is_empty() {
                    return Happened::Changed(std::mem::take(&mut keys.changed));
                }
            }
            self.something.notified().await;
        }
    }
}

/// Takes in what a node tells, for as long as it lives. It never waits for anybody, so that nothing piles up.
pub(super) struct Collector {
    pub(super) sink: PubSubSink,
    task: AbortHandle,
}

impl Collector {
    pub(super) fn start(
        node: usize,
        sink: PubSubSink,
        stream: PubSubStream,
        prefix: usize,
        dirty: Arc<Dirty>,
    ) -> Self {
        let task = tokio::spawn(collect(node, stream, prefix, dirty)).abort_handle();
        Self { sink, task }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn collect(node: usize, mut stream: PubSubStream, prefix: usize, dirty: Arc<Dirty>) {
    while let Some(message) = stream.next().await {
        // Bytes, since a key need not be text.
        let Ok(channel) = message.get_channel::<Vec<u8>>() else { continue };
        let Some(key) = channel.get(prefix..) else { continue };
        dirty.edit(|keys| {
            keys.changed.insert((node, key.to_vec()));
            if keys.changed.len() > MOST {
                keys.changed.clear();
                keys.overrun = true;
            }
        });
    }
    dirty.edit(|keys| keys.ended = true);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_others_are_kept() {
        for (flags, enough, all) in [
            ("", false, "Kg$xe"),
            ("Ex", false, "ExKg$e"),
            ("AE", false, "AEK"),
            ("AK", true, "AK"),
            ("g$xeK", true, "g$xeK"),
            ("g$xK", false, "g$xKe"),
        ] {
            assert_eq!((is_enough(flags), with_all(flags).as_str()), (enough, all), "{flags}");
            assert!(is_enough(&with_all(flags)));
        }
    }
}
