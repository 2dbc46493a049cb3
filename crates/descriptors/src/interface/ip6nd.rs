//! IPv6 neighbour discovery of an interface, a value derived from it. The rest of the interface works without.

use async_trait::async_trait;
use kvscheduler::{Descriptor, Failure};
use models::keys::PropertyKey;
use models::proto::ligato::vpp::interfaces::interface::Ip6nd;

use super::examples;

pub(super) struct Ip6ndDescriptor;

#[async_trait]
impl Descriptor for Ip6ndDescriptor {
    type Value = Ip6nd;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-ip6nd"
    }

    fn owns(&self, key: &str) -> bool {
        matches!(PropertyKey::parse(key), Some(PropertyKey::Ip6nd { .. }))
    }

    async fn create(&self, _key: &str, _value: &Ip6nd) -> Result<(), Failure> {
        Err(Failure::unimplemented("IPv6 neighbour discovery is not supported by this agent"))
    }

    async fn delete(&self, _key: &str, _value: &Ip6nd, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    fn examples(&self) -> Vec<(String, Ip6nd)> {
        examples::derived(|key| self.owns(key))
    }
}
