//! That an interface borrows the addresses of another one, a value derived from it.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, PropertyKey};
use models::proto::ligato::vpp::interfaces::interface::Unnumbered;

use super::examples;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct UnnumberedDescriptor(pub(super) Vpp);

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::Unnumbered { interface }) => Some(interface),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for UnnumberedDescriptor {
    type Value = Unnumbered;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-unnumbered-interface"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn dependencies(&self, key: &str, value: &Unnumbered) -> Vec<Dependency> {
        let Some(interface) = interface_of(key) else { return Vec::new() };
        vec![
            Dependency::key("unnumbered-interface-has-IP", keys::has_ip_address(&value.interface_with_ip)),
            Dependency::any_of("interface-assigned-to-vrf-table", [keys::interface_vrf_prefix(interface)]),
        ]
    }

    async fn create(&self, key: &str, value: &Unnumbered) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        let lender = self.0.interface(&value.interface_with_ip)?;
        self.0.calls()?.interface.set_unnumbered(sw_if_index, lender).await.or_fail()
    }

    async fn delete(&self, key: &str, _value: &Unnumbered, (): &()) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        self.0.calls()?.interface.unset_unnumbered(sw_if_index).await.or_fail()
    }

    fn examples(&self) -> Vec<(String, Unnumbered)> {
        examples::derived(|key| self.owns(key))
    }
}
