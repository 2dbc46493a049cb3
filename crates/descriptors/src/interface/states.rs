//! What comes by itself, as it comes: states of links, and what DHCP servers give.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::try_join;
use ipnet::IpNet;
use kvscheduler::{MetadataWatcher, Transaction};
use tokio::sync::watch;
use tokio::time::Instant;
use vppcalls::{Handlers, InterfaceEvents};

use super::{dhcp, link_state};
use crate::{Indexes, InterfaceIndex, Southbound};

/// How long a lease may go unseen: VPP tells of it only to who made the client, which may be an earlier run of the agent.
const LOOK: Duration = Duration::from_secs(2);

/// How long more may come, so that many changes are one look.
const SOON: Duration = Duration::from_millis(10);

/// Told of.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Link,
    Lease(IpNet),
}

/// Events of the VPP that is connected.
enum Events {
    /// Not asked for yet.
    None,
    Of(InterfaceEvents),
    /// Its connection has ended.
    Ended,
}

/// Follows what comes by itself, and tells it as transactions for the scheduler.
///
/// An event of VPP only says that it is time to look: some releases tell what happened, some how it is.
pub struct States {
    southbound: watch::Receiver<Option<Handlers>>,
    interfaces: MetadataWatcher<InterfaceIndex>,
    events: Events,
    told: BTreeMap<String, State>,
    /// When to look.
    due: Instant,
}

impl States {
    /// Follows this VPP, with the interfaces that the descriptors know.
    pub fn new(southbound: &Southbound, indexes: &Indexes) -> Self {
        Self {
            southbound: southbound.watch(),
            interfaces: indexes.interfaces.watch(),
            events: Events::None,
            told: BTreeMap::new(),
            due: Instant::now(),
        }
    }

    /// The next changes. Waits until there are some. `None` when there will be no more.
    ///
    /// May be dropped before it is done; nothing is lost.
    pub async fn next(&mut self) -> Option<Transaction> {
        loop {
            if self.southbound.has_changed().ok()? {
                // Another VPP, or none: what was told is read anew with the resync that follows.
                self.events = Events::None;
                self.told.clear();
                self.due = Instant::now();
            }
            let handlers = self.southbound.borrow_and_update().clone();
            let (Some(handlers), false) = (handlers, matches!(self.events, Events::Ended)) else {
                self.southbound.changed().await.ok()?;
                self.southbound.mark_changed();
                continue;
            };
            if matches!(self.events, Events::None) {
                self.events = Events::Of(handlers.interface.events());
            }
            let Events::Of(events) = &mut self.events else { continue };
            let soon = Instant::now() + SOON;
            tokio::select! {
                changed = self.southbound.changed() => {
                    changed.ok()?;
                    self.southbound.mark_changed();
                }
                event = events.next() => match event {
                    Some(_) => self.due = self.due.min(soon),
                    // The next connection is told by the southbound.
                    None => self.events = Events::Ended,
                },
                _ = self.interfaces.next() => self.due = self.due.min(soon),
                () = tokio::time::sleep_until(self.due) => {
                    // What goes wrong here goes wrong elsewhere, too, and is reported there.
                    let seen = look(&handlers).await;
                    let clients = seen.as_ref().is_ok_and(|(_, clients)| *clients);
                    self.due = Instant::now() + if clients { LOOK } else { LOOK * 15 };
                    if let Ok((now, _)) = seen
                        && let Some(transaction) = tell(&mut self.told, now)
                    {
                        return Some(transaction);
                    }
                }
            }
        }
    }
}

/// Everything there is now, and whether there are DHCP clients.
async fn look(handlers: &Handlers) -> vppcalls::Result<(BTreeMap<String, State>, bool)> {
    let (links, clients) = try_join(handlers.interface.dump_links(), dhcp::clients(handlers)).await?;
    let mut now: BTreeMap<String, State> =
        links.iter().filter_map(link_state::told).map(|key| (key, State::Link)).collect();
    for (sw_if_index, lease) in &clients {
        let link = links.iter().find(|link| link.sw_if_index == *sw_if_index && !link.tag.is_empty());
        if let (Some(link), Some(lease)) = (link, lease) {
            let (key, address) = dhcp::told(&link.tag, lease);
            now.insert(key, State::Lease(address));
        }
    }
    Ok((now, !clients.is_empty()))
}

/// What is to be told of the difference.
fn tell(told: &mut BTreeMap<String, State>, now: BTreeMap<String, State>) -> Option<Transaction> {
    let mut transaction = Transaction::notification().description("states of interfaces");
    let mut any = false;
    for key in told.keys().filter(|key| !now.contains_key(*key)) {
        transaction = transaction.delete(key.as_str());
        any = true;
    }
    for (key, state) in now.iter().filter(|(key, state)| told.get(*key) != Some(state)) {
        transaction = match state {
            State::Link => transaction.set(key.as_str(), true),
            State::Lease(address) => transaction.set(key.as_str(), *address),
        };
        any = true;
    }
    *told = now;
    any.then_some(transaction)
}
