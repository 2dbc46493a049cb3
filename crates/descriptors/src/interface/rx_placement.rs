//! The thread that serves a queue of an interface, a value derived from it. VPP takes it when the link is up.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, LinkState, PropertyKey};
use models::proto::ligato::vpp::interfaces::interface::RxPlacement;
use vppcalls::types::RxThread;

use super::examples;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct RxPlacementDescriptor(pub(super) Vpp);

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
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        let thread = if value.main_thread { RxThread::Main } else { RxThread::Worker(value.worker) };
        self.0.calls()?.rx.set_rx_placement(sw_if_index, value.queue, thread).await.or_fail()
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

    fn examples(&self) -> Vec<(String, RxPlacement)> {
        examples::derived(|key| self.owns(key))
    }
}
