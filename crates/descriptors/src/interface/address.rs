//! An address of an interface, a value derived from it; and that an interface has any.

use async_trait::async_trait;
use ipnet::IpNet;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, AddressSource, IpVersion, PropertyKey};

use super::examples;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct AddressDescriptor(pub(super) Vpp);

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::InterfaceAddress { interface, source: AddressSource::Static, .. }) => {
            Some(interface)
        }
        _ => None,
    }
}

#[async_trait]
impl Descriptor for AddressDescriptor {
    type Value = IpNet;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-address"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn dependencies(&self, key: &str, address: &IpNet) -> Vec<Dependency> {
        // VPP does not move an interface with addresses into another VRF, so that comes first.
        let Some(name) = interface_of(key) else { return Vec::new() };
        let family = if address.addr().is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
        let same = move |key: &str| match PropertyKey::parse(key) {
            Some(PropertyKey::InterfaceVrf { version, .. }) => {
                version == family || version == IpVersion::Both
            }
            _ => false,
        };
        let prefixes = [keys::interface_vrf_prefix(name)];
        vec![Dependency::any_of_matching("interface-assigned-to-vrf-table", prefixes, same)]
    }

    async fn create(&self, key: &str, address: &IpNet) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        self.0.calls()?.interface.add_address(sw_if_index, *address).await.or_fail()
    }

    async fn delete(&self, key: &str, address: &IpNet, (): &()) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        self.0.calls()?.interface.delete_address(sw_if_index, *address).await.or_fail()
    }

    fn examples(&self) -> Vec<(String, IpNet)> {
        examples::derived(|key| self.owns(key))
    }
}

/// That an interface has an address: others borrow it. Nothing is done in VPP.
pub(super) struct HasAddressDescriptor;

#[async_trait]
impl Descriptor for HasAddressDescriptor {
    type Value = bool;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-has-address"
    }

    fn owns(&self, key: &str) -> bool {
        matches!(PropertyKey::parse(key), Some(PropertyKey::HasIpAddress { .. }))
    }

    fn dependencies(&self, key: &str, _has: &bool) -> Vec<Dependency> {
        let Some(PropertyKey::HasIpAddress { interface }) = PropertyKey::parse(key) else {
            return Vec::new();
        };
        vec![Dependency::any_of("interface-has-IP", [keys::interface_address_prefix(interface)])]
    }

    async fn create(&self, _key: &str, _has: &bool) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _key: &str, _has: &bool, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    fn examples(&self) -> Vec<(String, bool)> {
        examples::derived(|key| self.owns(key))
    }
}
