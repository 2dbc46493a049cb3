//! An interface in a bridge domain, a value derived from the bridge domain.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, PropertyKey};
use models::proto::ligato::vpp::l2::bridge_domain::Interface;
use vppcalls::types::Port;

use crate::southbound::failure;
use crate::{Indexes, Southbound};

pub(crate) struct PortDescriptor {
    southbound: Southbound,
    indexes: Indexes,
}

impl PortDescriptor {
    pub(crate) fn new(southbound: Southbound, indexes: Indexes) -> Self {
        Self { southbound, indexes }
    }

    fn port(&self, key: &str, value: &Interface) -> Result<(u32, Port), Failure> {
        let (bridge_domain, interface) = names_of(key).unwrap_or_default();
        let port = Port {
            sw_if_index: self.indexes.interface(interface)?,
            bvi: value.bridged_virtual_interface,
            split_horizon_group: u8::try_from(value.split_horizon_group).unwrap_or(u8::MAX),
        };
        Ok((self.indexes.bridge_domain(bridge_domain)?, port))
    }
}

fn names_of(key: &str) -> Option<(&str, &str)> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::BdInterface { bridge_domain, interface }) => Some((bridge_domain, interface)),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for PortDescriptor {
    type Value = Interface;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-bd-interface"
    }

    fn owns(&self, key: &str) -> bool {
        names_of(key).is_some()
    }

    fn dependencies(&self, key: &str, _value: &Interface) -> Vec<Dependency> {
        names_of(key)
            .map(|(_, interface)| Dependency::key("interface-exists", keys::interface(interface)))
            .into_iter()
            .collect()
    }

    async fn create(&self, key: &str, value: &Interface) -> Result<(), Failure> {
        let (bd_id, port) = self.port(key, value)?;
        self.southbound.get()?.l2.add_port(bd_id, &port).await.map_err(failure)
    }

    async fn delete(&self, key: &str, value: &Interface, (): &()) -> Result<(), Failure> {
        let (bd_id, port) = self.port(key, value)?;
        self.southbound.get()?.l2.delete_port(bd_id, &port).await.map_err(failure)
    }
}
