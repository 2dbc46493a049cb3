//! An interface in a bond, a value derived from the bond.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, PropertyKey};
use models::proto::ligato::vpp::interfaces::bond_link::BondedInterface;
use vppcalls::types::BondMember;

use super::examples;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct BondMemberDescriptor(pub(super) Vpp);

/// The bond and the member.
fn names_of(key: &str) -> Option<(&str, &str)> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::BondedInterface { bond, interface }) => Some((bond, interface)),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for BondMemberDescriptor {
    type Value = BondedInterface;
    type Metadata = ();

    fn name(&self) -> &str {
        "bond-interface"
    }

    fn owns(&self, key: &str) -> bool {
        names_of(key).is_some()
    }

    fn dependencies(&self, key: &str, _value: &BondedInterface) -> Vec<Dependency> {
        let member = names_of(key).map(|(_, member)| keys::interface(member));
        member.map(|key| Dependency::key("interface-exists", key)).into_iter().collect()
    }

    async fn create(&self, key: &str, value: &BondedInterface) -> Result<(), Failure> {
        let (bond, member) = names_of(key).unwrap_or_default();
        let member = BondMember {
            sw_if_index: self.0.interface(member)?,
            passive: value.is_passive,
            long_timeout: value.is_long_timeout,
        };
        self.0.calls()?.bond.add_bond_member(self.0.interface(bond)?, &member).await.or_fail()
    }

    async fn delete(&self, key: &str, _value: &BondedInterface, (): &()) -> Result<(), Failure> {
        let (_, member) = names_of(key).unwrap_or_default();
        self.0.calls()?.bond.delete_bond_member(self.0.interface(member)?).await.or_fail()
    }

    fn examples(&self) -> Vec<(String, BondedInterface)> {
        examples::derived(|key| self.owns(key))
    }
}
