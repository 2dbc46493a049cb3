//! An address of an interface, a value derived from it.

use async_trait::async_trait;
use ipnet::IpNet;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, AddressSource, IpVersion, PropertyKey};

use crate::southbound::failure;
use crate::{Indexes, Southbound};

pub(crate) struct AddressDescriptor {
    southbound: Southbound,
    indexes: Indexes,
}

impl AddressDescriptor {
    pub(crate) fn new(southbound: Southbound, indexes: Indexes) -> Self {
        Self { southbound, indexes }
    }
}

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
        let sw_if_index = self.indexes.interface(interface_of(key).unwrap_or_default())?;
        self.southbound.get()?.interface.add_address(sw_if_index, *address).await.map_err(failure)
    }

    async fn delete(&self, key: &str, address: &IpNet, (): &()) -> Result<(), Failure> {
        let sw_if_index = self.indexes.interface(interface_of(key).unwrap_or_default())?;
        self.southbound.get()?.interface.delete_address(sw_if_index, *address).await.map_err(failure)
    }
}
