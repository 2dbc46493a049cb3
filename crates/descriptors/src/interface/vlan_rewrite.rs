//! What happens to the VLAN tags of a sub-interface, a value derived from it.
//!
//! VPP takes it when the interface is bridged or cross-connected, and forgets it when it no longer is.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::PropertyKey;
use models::proto::ligato::vpp::interfaces::SubInterface;
use vppcalls::types::VlanRewrite;

use super::{examples, kinds};
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct VlanRewriteDescriptor(pub(super) Vpp);

const PORTS: &str = "vpp/bd/";
const XCONNECTS: &str = "config/vpp/l2/v2/xconnect/";

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::VlanRewrite { interface }) => Some(interface),
        _ => None,
    }
}

impl VlanRewriteDescriptor {
    async fn set(&self, key: &str, rewrite: &VlanRewrite) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        self.0.calls()?.subif.set_vlan_rewrite(sw_if_index, rewrite).await.or_fail()
    }
}

#[async_trait]
impl Descriptor for VlanRewriteDescriptor {
    type Value = SubInterface;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-vlan-rewrite"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn dependencies(&self, key: &str, _value: &SubInterface) -> Vec<Dependency> {
        let Some(name) = interface_of(key).map(str::to_string) else { return Vec::new() };
        let xconnect = format!("{XCONNECTS}{name}");
        let bridged = move |key: &str| match PropertyKey::parse(key) {
            Some(PropertyKey::BdInterface { interface, .. }) => interface == name,
            _ => key == xconnect,
        };
        vec![Dependency::any_of_matching("interface-is-bridged", [PORTS, XCONNECTS], bridged)]
    }

    async fn create(&self, key: &str, value: &SubInterface) -> Result<(), Failure> {
        self.set(key, &kinds::sub::rewrite(value)).await
    }

    async fn update(
        &self,
        key: &str,
        _old: &SubInterface,
        new: &SubInterface,
        (): &(),
    ) -> Result<(), Failure> {
        self.set(key, &kinds::sub::rewrite(new)).await
    }

    fn recreate(&self, _key: &str, _old: &SubInterface, _new: &SubInterface) -> bool {
        false
    }

    async fn delete(&self, key: &str, _value: &SubInterface, (): &()) -> Result<(), Failure> {
        self.set(key, &VlanRewrite::default()).await
    }

    fn examples(&self) -> Vec<(String, SubInterface)> {
        examples::derived(|key| self.owns(key))
    }
}
