//! The state of a link, which comes by itself.

use async_trait::async_trait;
use kvscheduler::{Believed, Descriptor, Failure, Origin, Retrieved};
use models::keys::{self, LinkState, PropertyKey};
use vppcalls::types::Link;

use super::examples;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct LinkStateDescriptor(pub(super) Vpp);

/// The key of the state of a link. None for an interface that nobody has given a name.
pub(super) fn told(link: &Link) -> Option<String> {
    let state = if link.link_up { LinkState::Up } else { LinkState::Down };
    (!link.tag.is_empty()).then(|| keys::link_state(&link.tag, state))
}

#[async_trait]
impl Descriptor for LinkStateDescriptor {
    type Value = bool;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-link-state"
    }

    fn owns(&self, key: &str) -> bool {
        matches!(PropertyKey::parse(key), Some(PropertyKey::LinkState { .. }))
    }

    async fn create(&self, key: &str, _is: &bool) -> Result<(), Failure> {
        Err(Failure::permanent(format!("{key} is told by VPP")))
    }

    async fn delete(&self, _key: &str, _is: &bool, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn retrieve(
        &self,
        _correlate: &[Believed<'_, bool>],
    ) -> Result<Option<Vec<Retrieved<bool, ()>>>, Failure> {
        let links = self.0.calls()?.interface.dump_links().await.or_unread()?;
        let found = links.iter().filter_map(told);
        let retrieved = |key| Retrieved { key, value: true, metadata: (), origin: Origin::Southbound };
        Ok(Some(found.map(retrieved).collect()))
    }

    fn examples(&self) -> Vec<(String, bool)> {
        vec![(keys::link_state(examples::WITH_QUEUES, LinkState::Up), true)]
    }
}
