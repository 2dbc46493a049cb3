//! How the queues of an interface are served, a value derived from it. VPP takes it when the link is up.

use async_trait::async_trait;
use futures::future::try_join_all;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Retrieved};
use models::keys::{self, LinkState, PropertyKey};
use models::proto::ligato::vpp::interfaces::Interface;
use models::proto::ligato::vpp::interfaces::interface::{RxMode, rx_mode};
use vppcalls::types::{self, RxPlacement};

use super::examples;
use super::seen::{Seen, found};
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct RxModeDescriptor {
    pub(super) vpp: Vpp,
    pub(super) seen: Seen,
}

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::RxModes { interface }) => Some(interface),
        _ => None,
    }
}

fn mode(mode: &RxMode) -> types::RxMode {
    match mode.mode() {
        rx_mode::Type::Unknown => types::RxMode::Unknown,
        rx_mode::Type::Polling => types::RxMode::Polling,
        rx_mode::Type::Interrupt => types::RxMode::Interrupt,
        rx_mode::Type::Adaptive => types::RxMode::Adaptive,
        rx_mode::Type::Default => types::RxMode::Default,
    }
}

/// The modes of an interface. Believed ones are told as they are stated, unless a queue has another one.
fn told(queues: &[RxPlacement], believed: &[RxMode]) -> Vec<RxMode> {
    let default = believed.iter().find(|m| m.default_mode);
    let stated = |queue: u32| believed.iter().find(|m| !m.default_mode && m.queue == queue).or(default);
    // As the device likes it is as VPP has it.
    let fits = |told: types::RxMode, stated: types::RxMode| {
        told == stated || told == types::RxMode::Unknown || stated == types::RxMode::Default
    };
    let all_there = believed.iter().all(|m| m.default_mode || queues.iter().any(|q| q.queue == m.queue));
    if all_there && queues.iter().all(|q| stated(q.queue).is_none_or(|m| fits(q.mode, mode(m)))) {
        return believed.to_vec();
    }
    let told = |q: &RxPlacement| RxMode {
        queue: q.queue,
        mode: match q.mode {
            types::RxMode::Polling => rx_mode::Type::Polling,
            types::RxMode::Interrupt => rx_mode::Type::Interrupt,
            types::RxMode::Adaptive => rx_mode::Type::Adaptive,
            types::RxMode::Default => rx_mode::Type::Default,
            types::RxMode::Unknown | types::RxMode::Other(_) => rx_mode::Type::Unknown,
        }
        .into(),
        default_mode: false,
    };
    queues.iter().map(told).collect()
}

impl RxModeDescriptor {
    /// First what all queues have, then those that have their own. `before`: queues that had their own.
    async fn set(&self, key: &str, modes: &[RxMode], before: &[RxMode]) -> Result<(), Failure> {
        let sw_if_index = self.vpp.interface(interface_of(key).unwrap_or_default())?;
        let calls = self.vpp.calls()?.rx;
        let had_default = before.iter().any(|m| m.default_mode);
        // VPP takes one after the other: requests of one connection are not mixed up.
        let mut requests = Vec::new();
        match modes.iter().find(|m| m.default_mode) {
            Some(default) => requests.push((None, mode(default))),
            None if had_default => requests.push((None, types::RxMode::Default)),
            None => {
                let left = before.iter().filter(|old| !modes.iter().any(|new| new.queue == old.queue));
                requests.extend(left.map(|old| (Some(old.queue), types::RxMode::Default)));
            }
        }
        requests.extend(modes.iter().filter(|m| !m.default_mode).map(|m| (Some(m.queue), mode(m))));
        let requests = requests.into_iter().map(|(queue, mode)| calls.set_rx_mode(sw_if_index, queue, mode));
        try_join_all(requests).await.or_fail()?;
        Ok(())
    }
}

#[async_trait]
impl Descriptor for RxModeDescriptor {
    type Value = Interface;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-rx-mode"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn equivalent(&self, _key: &str, old: &Interface, new: &Interface) -> bool {
        let sorted = |value: &Interface| {
            let mut modes = value.rx_modes.clone();
            // Of the default the queue does not count.
            modes.iter_mut().filter(|m| m.default_mode).for_each(|m| m.queue = 0);
            modes.sort_by_key(|m| (m.default_mode, m.queue));
            modes
        };
        sorted(old) == sorted(new)
    }

    fn dependencies(&self, key: &str, _value: &Interface) -> Vec<Dependency> {
        let up = interface_of(key).map(|interface| keys::link_state(interface, LinkState::Up));
        up.map(|key| Dependency::key("interface-link-is-UP", key)).into_iter().collect()
    }

    async fn create(&self, key: &str, value: &Interface) -> Result<(), Failure> {
        self.set(key, &value.rx_modes, &[]).await
    }

    async fn update(&self, key: &str, old: &Interface, new: &Interface, (): &()) -> Result<(), Failure> {
        self.set(key, &new.rx_modes, &old.rx_modes).await
    }

    fn recreate(&self, _key: &str, _old: &Interface, _new: &Interface) -> bool {
        false
    }

    async fn delete(&self, key: &str, value: &Interface, (): &()) -> Result<(), Failure> {
        self.set(key, &[], &value.rx_modes).await
    }

    /// Of interfaces of which modes are stated. Without a link they wait, whatever the queues are like.
    async fn retrieve(
        &self,
        correlate: &[Believed<'_, Interface>],
    ) -> Result<Option<Vec<Retrieved<Interface, ()>>>, Failure> {
        let seen = self.seen.lock();
        let modes = correlate.iter().filter_map(|b| {
            let i = interface_of(b.key).and_then(|name| seen.get(name))?;
            let rx_modes = told(&i.queues, &b.value.rx_modes);
            let there = i.interface.link_up && !i.queues.is_empty();
            there.then(|| found(b.key, Interface { rx_modes, ..b.value.clone() }))
        });
        Ok(Some(modes.collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![super::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, Interface)> {
        examples::derived(|key| self.owns(key))
    }
}
