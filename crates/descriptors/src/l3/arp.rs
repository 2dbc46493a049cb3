//! `vpp.arp`: a neighbour that is stated, of either family.

use async_trait::async_trait;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::net::{canonical_ip, canonical_mac, parse_mac};
use models::proto::ligato::vpp::l3::ArpEntry;
use vppcalls::types::Neighbor;

use crate::check::check;
use crate::interface;
use crate::southbound::OrFail as _;
use crate::vpp::{Vpp, mac_text};

pub(super) struct ArpDescriptor {
    vpp: Vpp,
    prefix: String,
}

impl ArpDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: ArpEntry::SPEC.key_prefix(false) }
    }

    fn neighbor(&self, value: &ArpEntry) -> Result<Neighbor, Failure> {
        let (ip, mac) = (value.ip_address.parse(), parse_mac(&value.phys_address));
        Ok(Neighbor {
            sw_if_index: self.vpp.interface(&value.interface)?,
            ip: ip.map_err(|_| Failure::permanent(format!("{} is no IP address", value.ip_address)))?,
            mac: mac.ok_or_else(|| Failure::permanent(format!("{} is no MAC", value.phys_address)))?,
            fixed: value.r#static,
            no_fib_entry: false,
        })
    }
}

#[async_trait]
impl Descriptor for ArpDescriptor {
    type Value = ArpEntry;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-arp"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn validate(&self, _key: &str, value: &ArpEntry) -> Result<(), Invalid> {
        check(value, [])
    }

    fn equivalent(&self, _key: &str, old: &ArpEntry, new: &ArpEntry) -> bool {
        old.interface == new.interface
            && canonical_ip(&old.ip_address) == canonical_ip(&new.ip_address)
            && canonical_mac(&old.phys_address) == canonical_mac(&new.phys_address)
            && old.r#static == new.r#static
    }

    fn dependencies(&self, _key: &str, value: &ArpEntry) -> Vec<Dependency> {
        vec![Dependency::key("interface-exists", keys::interface(&value.interface))]
    }

    async fn create(&self, _key: &str, value: &ArpEntry) -> Result<(), Failure> {
        let neighbor = self.neighbor(value)?;
        self.vpp.calls()?.neighbor.add_neighbor(&neighbor).await.or_fail()
    }

    async fn delete(&self, _key: &str, value: &ArpEntry, (): &()) -> Result<(), Failure> {
        let neighbor = self.neighbor(value)?;
        self.vpp.calls()?.neighbor.delete_neighbor(&neighbor).await.or_fail()
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, ArpEntry>],
    ) -> Result<Option<Vec<Retrieved<ArpEntry, ()>>>, Failure> {
        let neighbors = self.vpp.calls()?.neighbor.dump_neighbors().await.or_unread()?;
        let names = self.vpp.names();
        let found = neighbors.iter().filter_map(|neighbor| {
            let value = ArpEntry {
                interface: names.any(neighbor.sw_if_index)?.to_string(),
                ip_address: neighbor.ip.to_string(),
                phys_address: mac_text(&neighbor.mac),
                r#static: neighbor.fixed,
            };
            let key = value.key();
            // What VPP learned is nobody's, unless it is asked for as well.
            let asked = correlate.binary_search_by(|b| b.key.cmp(&key)).is_ok();
            let origin = if asked || neighbor.fixed { Origin::Unknown } else { Origin::Southbound };
            Some(Retrieved { key, value, metadata: (), origin })
        });
        Ok(Some(found.collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![interface::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, ArpEntry)> {
        let value = ArpEntry {
            interface: "example-loop".to_string(),
            ip_address: "192.0.2.7".to_string(),
            phys_address: "02:00:00:00:00:07".to_string(),
            r#static: true,
        };
        vec![(value.key(), value)]
    }
}
