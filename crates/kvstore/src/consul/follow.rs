//! Following the keys under a prefix.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::info;

use super::api::{Api, Page};
use crate::{Ended, Feed, Item, StoreError};

/// Pause after an answer that came at once and told nothing new.
const PAUSE: Duration = Duration::from_millis(200);

/// Reads everything and follows it until Consul is lost.
pub(super) async fn follow(api: &Api, prefix: &str, feed: &mut Feed) -> Result<Infallible, Ended> {
    let mut page = api.list(prefix, None).await?;
    loop {
        // Index of the last change of each key.
        let mut known: HashMap<String, u64> = HashMap::new();
        take(api, &page, &mut known, feed)?;
        feed.snapshot(page.index).await?;
        let mut index = page.index;
        loop {
            let asked = Instant::now();
            page = wait(api, prefix, index).await?;
            if page.index < index {
                info!(store = api.name(), "Consul has begun anew; reading everything again");
                break;
            }
            if page.index == index {
                if asked.elapsed() < PAUSE {
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            }
            index = page.index;
            take(api, &page, &mut known, feed)?;
            feed.change(index).await?;
        }
    }
}

/// Waits for a change, or for Consul to be lost.
async fn wait(api: &Api, prefix: &str, index: u64) -> Result<Page, StoreError> {
    let mut probes = interval_at(Instant::now() + api.keepalive, api.keepalive);
    probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An index of 0 would not wait.
    let answer = api.list(prefix, Some(index.max(1)));
    tokio::pin!(answer);
    loop {
        tokio::select! {
            page = &mut answer => return page,
            _ = probes.tick() => {
                // While a large answer is being read, too.
                api.probe().await?;
            }
        }
    }
}

/// Tells what is new, different and gone in `page`.
fn take(api: &Api, page: &Page, known: &mut HashMap<String, u64>, feed: &mut Feed) -> Result<(), StoreError> {
    let mut before = std::mem::take(known);
    api.items(&page.body, |key, index, value| {
        if before.remove(&key) != Some(index) {
            feed.set(Item { key: key.clone(), value: value(), revision: index });
        }
        known.insert(key, index);
    })?;
    before.into_keys().for_each(|gone| feed.deleted(gone));
    Ok(())
}
