//! `vpp.l2.fib`: an address in the table of a bridge domain.

use async_trait::async_trait;
use futures::future::try_join_all;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::net::{canonical_mac, parse_mac};
use models::proto::ligato::vpp::l2::{FibEntry, fib_entry::Action};
use vppcalls::types;

use super::bridge_domain;
use crate::check::check;
use crate::interface;
use crate::southbound::OrFail as _;
use crate::vpp::{Vpp, mac_text};

pub(super) struct FibDescriptor {
    vpp: Vpp,
    prefix: String,
}

impl FibDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: FibEntry::SPEC.key_prefix(false) }
    }

    fn entry(&self, value: &FibEntry) -> Result<types::FibEntry, Failure> {
        let drop = value.action() == Action::Drop;
        let mac = parse_mac(&value.phys_address)
            .ok_or_else(|| Failure::permanent(format!("{} is no MAC address", value.phys_address)))?;
        Ok(types::FibEntry {
            bd_id: self.vpp.bridge_domain(&value.bridge_domain)?,
            mac,
            sw_if_index: if drop {
                types::NO_INTERFACE
            } else {
                self.vpp.interface(&value.outgoing_interface)?
            },
            // VPP takes an entry that drops only as one that does not move.
            fixed: value.static_config || drop,
            drop,
            bvi: value.bridged_virtual_interface,
        })
    }
}

#[async_trait]
impl Descriptor for FibDescriptor {
    type Value = FibEntry;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-l2-fib"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn validate(&self, _key: &str, value: &FibEntry) -> Result<(), Invalid> {
        check(value, [])
    }

    fn equivalent(&self, _key: &str, old: &FibEntry, new: &FibEntry) -> bool {
        let same = old.action == new.action
            && old.bridge_domain == new.bridge_domain
            && canonical_mac(&old.phys_address) == canonical_mac(&new.phys_address);
        let forward = old.outgoing_interface == new.outgoing_interface
            && old.static_config == new.static_config
            && old.bridged_virtual_interface == new.bridged_virtual_interface;
        same && (new.action() == Action::Drop || forward)
    }

    fn dependencies(&self, _key: &str, value: &FibEntry) -> Vec<Dependency> {
        vec![match value.action() {
            // An entry through an interface that is no port (any more) is one that VPP never forgets.
            Action::Forward => Dependency::key(
                "bridged-interface",
                keys::bd_interface(&value.bridge_domain, &value.outgoing_interface),
            ),
            Action::Drop => Dependency::key("bridge-domain", keys::bridge_domain(&value.bridge_domain)),
        }]
    }

    async fn create(&self, _key: &str, value: &FibEntry) -> Result<(), Failure> {
        let entry = self.entry(value)?;
        self.vpp.calls()?.l2.add_fib_entry(&entry).await.or_fail()
    }

    async fn delete(&self, _key: &str, value: &FibEntry, (): &()) -> Result<(), Failure> {
        let entry = self.entry(value)?;
        self.vpp.calls()?.l2.delete_fib_entry(&entry).await.or_fail()
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, FibEntry>],
    ) -> Result<Option<Vec<Retrieved<FibEntry, ()>>>, Failure> {
        let calls = self.vpp.calls()?.l2;
        let bridge_domains = self.vpp.indexes.bridge_domains.snapshot();
        let dumps = bridge_domains.values().map(|index| calls.dump_fib(index.id));
        let tables = try_join_all(dumps).await.or_unread()?;
        let names = self.vpp.names();
        let mut found = Vec::new();
        for (name, entries) in bridge_domains.keys().zip(tables) {
            for entry in entries {
                let value = FibEntry {
                    phys_address: mac_text(&entry.mac),
                    bridge_domain: name.clone(),
                    action: if entry.drop { Action::Drop } else { Action::Forward }.into(),
                    outgoing_interface: names.any(entry.sw_if_index).unwrap_or_default().to_string(),
                    static_config: entry.fixed,
                    bridged_virtual_interface: entry.bvi,
                };
                let key = value.key();
                // What VPP learned or made for its own interface is nobody's, unless it is asked for as well.
                let asked = correlate.binary_search_by(|b| b.key.cmp(&key)).is_ok();
                let own = !asked && (!entry.fixed || entry.bvi);
                let origin = if own { Origin::Southbound } else { Origin::Unknown };
                found.push(Retrieved { key, value, metadata: (), origin });
            }
        }
        Ok(Some(found))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![interface::NAME.to_string(), bridge_domain::NAME.to_string()]
    }
    fn examples(&self) -> Vec<(String, FibEntry)> {
        let bridge_domain = bridge_domain::example();
        let port = bridge_domain.interfaces.first().map(|port| port.name.clone()).unwrap_or_default();
        let forward = FibEntry {
            phys_address: "02:00:00:00:00:01".to_string(),
            bridge_domain: bridge_domain.name,
            outgoing_interface: port,
            ..FibEntry::default()
        };
        let drop = FibEntry {
            phys_address: "02:00:00:00:00:02".to_string(),
            action: Action::Drop.into(),
            outgoing_interface: String::new(),
            ..forward.clone()
        };
        [forward, drop].into_iter().map(|value| (value.key(), value)).collect()
    }
}
