//! The DHCP client of an interface, a value derived from it; and what the server gave, which comes by itself.

use async_trait::async_trait;
use ipnet::IpNet;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, KeyValue, Origin, Retrieved};
use models::keys::{self, AddressSource, PropertyKey};
use vppcalls::Handlers;
use vppcalls::types::{DhcpClient, DhcpLease};

use super::examples;
use crate::southbound::{OrFail as _, or_none};
use crate::vpp::Vpp;

/// The longest name of a host that VPP takes.
const LONGEST: usize = 63;

pub(super) struct DhcpDescriptor(pub(super) Vpp);

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::DhcpClient { interface }) => Some(interface),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for DhcpDescriptor {
    type Value = bool;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-dhcp"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn dependencies(&self, key: &str, _on: &bool) -> Vec<Dependency> {
        // The address that comes keeps the interface in its VRF.
        let vrf = interface_of(key).map(keys::interface_vrf_prefix);
        vrf.map(|prefix| Dependency::any_of("interface-assigned-to-vrf-table", [prefix]))
            .into_iter()
            .collect()
    }

    async fn create(&self, key: &str, _on: &bool) -> Result<(), Failure> {
        let name = interface_of(key).unwrap_or_default();
        let client = DhcpClient {
            sw_if_index: self.0.interface(name)?,
            host_name: name.chars().take(LONGEST).collect(),
            ..DhcpClient::default()
        };
        self.0.calls()?.dhcp.add_dhcp_client(&client).await.or_fail()
    }

    async fn delete(&self, key: &str, _on: &bool, (): &()) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        self.0.calls()?.dhcp.delete_dhcp_client(sw_if_index).await.or_fail()
    }

    fn examples(&self) -> Vec<(String, bool)> {
        examples::derived(|key| self.owns(key))
    }
}

/// The clients by their interfaces, with what they were given.
pub(super) async fn clients(handlers: &Handlers) -> vppcalls::Result<Vec<(u32, Option<DhcpLease>)>> {
    let clients = or_none(handlers.dhcp.dump_dhcp_clients().await)?;
    Ok(clients.into_iter().map(|c| (c.client.sw_if_index, c.lease)).collect())
}

/// The key of a lease, and what there is of it.
pub(super) fn told(interface: &str, lease: &DhcpLease) -> (String, IpNet) {
    (keys::dhcp_lease(interface), IpNet::V4(lease.address))
}

/// The address that a DHCP server gave. VPP puts it on the interface.
pub(super) struct LeaseDescriptor(pub(super) Vpp);

#[async_trait]
impl Descriptor for LeaseDescriptor {
    type Value = IpNet;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-dhcp-lease"
    }

    fn owns(&self, key: &str) -> bool {
        matches!(PropertyKey::parse(key), Some(PropertyKey::DhcpLease { .. }))
    }

    fn derived(&self, key: &str, address: &IpNet) -> Vec<KeyValue> {
        let Some(PropertyKey::DhcpLease { interface }) = PropertyKey::parse(key) else { return Vec::new() };
        let text = address.to_string();
        vec![
            KeyValue::new(keys::interface_address(interface, AddressSource::FromDhcp, &text), *address),
            KeyValue::new(keys::has_ip_address(interface), true),
        ]
    }

    async fn create(&self, key: &str, _address: &IpNet) -> Result<(), Failure> {
        Err(Failure::permanent(format!("{key} is given by a DHCP server")))
    }

    async fn delete(&self, _key: &str, _address: &IpNet, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn retrieve(
        &self,
        _correlate: &[Believed<'_, IpNet>],
    ) -> Result<Option<Vec<Retrieved<IpNet, ()>>>, Failure> {
        let clients = clients(&self.0.calls()?).await.or_unread()?;
        let names = self.0.names();
        let found = clients.iter().filter_map(|(sw_if_index, lease)| {
            let (key, value) = told(names.given(*sw_if_index)?, lease.as_ref()?);
            Some(Retrieved { key, value, metadata: (), origin: Origin::Southbound })
        });
        Ok(Some(found.collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![super::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, IpNet)> {
        let key = keys::dhcp_lease(examples::LEASED);
        let address = IpNet::from(std::net::IpAddr::from([192, 0, 2, 9]));
        vec![(key, address)]
    }
}
