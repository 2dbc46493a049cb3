//! The thread that serves a queue of an interface, a value derived from it. VPP takes it when the link is up.

use async_trait::async_trait;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Retrieved};
use models::keys::{self, LinkState, PropertyKey};
use models::proto::ligato::vpp::interfaces::interface::RxPlacement;
use vppcalls::types::RxThread;

use super::examples;
use super::seen::{Seen, found};
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct RxPlacementDescriptor {
    pub(super) vpp: Vpp,
    pub(super) seen: Seen,
}

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::RxPlacement { interface, .. }) => Some(interface),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for RxPlacementDescriptor {
    type Value = RxPlacement;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-rx-placement"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn equivalent(&self, _key: &str, old: &RxPlacement, new: &RxPlacement) -> bool {
        old.main_thread == new.main_thread && (new.main_thread || old.worker == new.worker)
    }

    fn dependencies(&self, key: &str, _value: &RxPlacement) -> Vec<Dependency> {
        let up = interface_of(key).map(|interface| keys::link_state(interface, LinkState::Up));
        up.map(|key| Dependency::key("interface-link-is-UP", key)).into_iter().collect()
    }

    async fn create(&self, key: &str, value: &RxPlacement) -> Result<(), Failure> {
        let sw_if_index = self.vpp.interface(interface_of(key).unwrap_or_default())?;
        let thread = if value.main_thread { RxThread::Main } else { RxThread::Worker(value.worker) };
        self.vpp.calls()?.rx.set_rx_placement(sw_if_index, value.queue, thread).await.or_fail()
    }

    async fn update(&self, key: &str, _old: &RxPlacement, new: &RxPlacement, (): &()) -> Result<(), Failure> {
        self.create(key, new).await
    }

    fn recreate(&self, _key: &str, _old: &RxPlacement, _new: &RxPlacement) -> bool {
        false
    }

    /// The queue stays where it is: VPP does not say where it would have put it.
    async fn delete(&self, _key: &str, _value: &RxPlacement, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    /// Of queues that are placed. Where the others are is VPP's affair.
    async fn retrieve(
        &self,
        correlate: &[Believed<'_, RxPlacement>],
    ) -> Result<Option<Vec<Retrieved<RxPlacement, ()>>>, Failure> {
        let seen = self.seen.lock();
        let placements = correlate.iter().filter_map(|b| {
            let i = interface_of(b.key).and_then(|name| seen.get(name)).filter(|i| i.interface.link_up)?;
            let thread = i.queues.iter().find(|q| q.queue == b.value.queue)?.thread;
            let value = match thread {
                // Which worker is stated beside it does not count.
                RxThread::Main if b.value.main_thread => *b.value,
                RxThread::Main => RxPlacement { worker: 0, main_thread: true, ..*b.value },
                RxThread::Worker(worker) => RxPlacement { worker, main_thread: false, ..*b.value },
            };
            Some(found(b.key, value))
        });
        Ok(Some(placements.collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![super::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, RxPlacement)> {
        examples::derived(|key| self.owns(key))
    }
}
