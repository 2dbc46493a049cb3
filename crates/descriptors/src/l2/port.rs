//! An interface in a bridge domain, a value derived from the bridge domain.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, PropertyKey};
use models::proto::ligato::vpp::l2::bridge_domain::Interface;
use vppcalls::types::Port;

use super::bridge_domain;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct PortDescriptor(pub(super) Vpp);

impl PortDescriptor {
    fn port(&self, key: &str, value: &Interface) -> Result<(u32, Port), Failure> {
        let (bridge_domain, interface) = names_of(key).unwrap_or_default();
        let port = Port {
            sw_if_index: self.0.interface(interface)?,
            bvi: value.bridged_virtual_interface,
            split_horizon_group: u8::try_from(value.split_horizon_group).unwrap_or(u8::MAX),
        };
        Ok((self.0.bridge_domain(bridge_domain)?, port))
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
        self.0.calls()?.l2.add_port(bd_id, &port).await.or_fail()
    }

    async fn delete(&self, key: &str, value: &Interface, (): &()) -> Result<(), Failure> {
        let (bd_id, port) = self.port(key, value)?;
        self.0.calls()?.l2.delete_port(bd_id, &port).await.or_fail()
    }

    fn examples(&self) -> Vec<(String, Interface)> {
        let bridge_domain = bridge_domain::example();
        let port = |port: &Interface| (keys::bd_interface(&bridge_domain.name, &port.name), port.clone());
        bridge_domain.interfaces.iter().map(port).collect()
    }
}
