//! `vpp.l2.bridge-domain`. Its name is its tag in VPP; its number is any that is free. Its ports are values of their
//! own, derived from it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use kvscheduler::{Believed, Descriptor, Failure, Invalid, KeyValue, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::proto::ligato::vpp::l2::{BridgeDomain, bridge_domain};
use vppcalls::types;

use crate::southbound::{failure, unread};
use crate::{BridgeDomainIndex, Indexes, Southbound, check, interface};

pub(crate) const NAME: &str = "vpp-bridge-domain";

/// VPP takes up to 24 bits (`L2_BD_ID_MAX` in `vnet/l2/l2_bd.h`), and has 0 for itself.
const LARGEST: u32 = (1 << 24) - 1;

pub(crate) struct BridgeDomainDescriptor {
    southbound: Southbound,
    indexes: Indexes,
    prefix: String,
    /// Numbers in use, also by bridge domains that are not ours.
    taken: Arc<Mutex<BTreeSet<u32>>>,
}

impl BridgeDomainDescriptor {
    pub(crate) fn new(southbound: Southbound, indexes: Indexes) -> Self {
        Self { southbound, indexes, prefix: BridgeDomain::SPEC.key_prefix(false), taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self) -> Result<u32, Failure> {
        let mut taken = self.taken();
        let free = (1..=LARGEST).find(|id| !taken.contains(id));
        let id =
            free.ok_or_else(|| Failure::permanent("VPP has no number left for another bridge domain"))?;
        taken.insert(id);
        Ok(id)
    }
}

#[async_trait]
impl Descriptor for BridgeDomainDescriptor {
    type Value = BridgeDomain;
    type Metadata = BridgeDomainIndex;

    fn name(&self) -> &str {
        NAME
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn label(&self, key: &str) -> String {
        key.strip_prefix(&self.prefix).unwrap_or(key).to_string()
    }

    fn validate(&self, _key: &str, value: &BridgeDomain) -> Result<(), Invalid> {
        check(value, [("arp_termination_table", !value.arp_termination_table.is_empty())])
    }

    fn equivalent(&self, _key: &str, old: &BridgeDomain, new: &BridgeDomain) -> bool {
        let own = |bd: &BridgeDomain| BridgeDomain { interfaces: Vec::new(), ..bd.clone() };
        own(old) == own(new)
    }

    fn derived(&self, _key: &str, value: &BridgeDomain) -> Vec<KeyValue> {
        let port =
            |p: &bridge_domain::Interface| KeyValue::new(keys::bd_interface(&value.name, &p.name), p.clone());
        value.interfaces.iter().map(port).collect()
    }

    async fn create(&self, _key: &str, value: &BridgeDomain) -> Result<BridgeDomainIndex, Failure> {
        let calls = self.southbound.get()?.l2;
        let id = self.take()?;
        let wanted = types::BridgeDomain {
            id,
            tag: value.name.clone(),
            flood: value.flood,
            unknown_unicast_flood: value.unknown_unicast_flood,
            forward: value.forward,
            learn: value.learn,
            arp_termination: value.arp_termination,
            mac_age: u8::try_from(value.mac_age).unwrap_or(u8::MAX),
        };
        if let Err(e) = calls.add_bridge_domain(&wanted).await {
            self.taken().remove(&id);
            return Err(failure(e));
        }
        Ok(BridgeDomainIndex { id })
    }

    async fn delete(
        &self,
        _key: &str,
        _value: &BridgeDomain,
        index: &BridgeDomainIndex,
    ) -> Result<(), Failure> {
        self.southbound.get()?.l2.delete_bridge_domain(index.id).await.map_err(failure)?;
        self.taken().remove(&index.id);
        Ok(())
    }

    async fn retrieve(
        &self,
        _correlate: &[Believed<'_, BridgeDomain>],
    ) -> Result<Option<Vec<Retrieved<BridgeDomain, BridgeDomainIndex>>>, Failure> {
        let calls = self.southbound.get()?.l2;
        let dumped = calls.dump_bridge_domains().await.map_err(unread)?;
        *self.taken() = dumped.iter().map(|d| d.bridge_domain.id).collect();
        let names = self.indexes.interface_names();
        let port = |p: &types::Port| {
            Some(bridge_domain::Interface {
                name: names.get(&p.sw_if_index)?.clone(),
                bridged_virtual_interface: p.bvi,
                split_horizon_group: p.split_horizon_group.into(),
            })
        };
        // One without a tag has no name, so it is nobody's that is known here: it is left alone.
        let named = dumped.iter().filter(|d| !d.bridge_domain.tag.is_empty());
        let found = named.map(|d| {
            let bd = &d.bridge_domain;
            Retrieved {
                key: keys::bridge_domain(&bd.tag),
                value: BridgeDomain {
                    name: bd.tag.clone(),
                    flood: bd.flood,
                    unknown_unicast_flood: bd.unknown_unicast_flood,
                    forward: bd.forward,
                    learn: bd.learn,
                    arp_termination: bd.arp_termination,
                    mac_age: bd.mac_age.into(),
                    interfaces: d.ports.iter().filter_map(port).collect(),
                    arp_termination_table: Vec::new(),
                },
                metadata: BridgeDomainIndex { id: bd.id },
                origin: Origin::Unknown,
            }
        });
        Ok(Some(found.collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![interface::NAME.to_string()]
    }
}
