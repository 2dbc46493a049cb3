//! `vpp.l2.bridge-domain`. Its name is its tag in VPP; its number is any that is free. Its ports are values of their
//! own, derived from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use futures::future::{try_join, try_join_all};
use kvscheduler::{Believed, Descriptor, Failure, Invalid, KeyValue, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::net::parse_mac;
use models::proto::ligato::vpp::l2::BridgeDomain;
use models::proto::ligato::vpp::l2::bridge_domain::{ArpTerminationEntry, Interface};
use vppcalls::L2Calls;
use vppcalls::types::{self, ArpTermination, Mac};

use crate::check::check;
use crate::southbound::OrFail as _;
use crate::vpp::{Vpp, mac_text};
use crate::{BridgeDomainIndex, interface};

pub(super) const NAME: &str = "vpp-bridge-domain";

/// VPP takes up to 24 bits (`L2_BD_ID_MAX` in `vnet/l2/l2_bd.h`), and has 0 for itself.
const LARGEST: u32 = (1 << 24) - 1;

/// An entry of the table of answers; unlike the model it has one spelling only.
type Answers = BTreeMap<IpAddr, Mac>;

pub(super) struct BridgeDomainDescriptor {
    vpp: Vpp,
    prefix: String,
    /// Numbers in use, also by bridge domains that are not ours.
    taken: Arc<Mutex<BTreeSet<u32>>>,
}

impl BridgeDomainDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: BridgeDomain::SPEC.key_prefix(false), taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self) -> Result<u32, Failure> {
        let mut taken = self.taken();
        // Most often those that are taken are the first ones.
        let free = match taken.last() {
            Some(last) if *last < LARGEST => Some(last.saturating_add(1)),
            None => Some(1),
            Some(_) => (1..=LARGEST).find(|id| !taken.contains(id)),
        };
        let id =
            free.ok_or_else(|| Failure::permanent("VPP has no number left for another bridge domain"))?;
        taken.insert(id);
        Ok(id)
    }
}

fn answers(value: &BridgeDomain) -> Answers {
    let entry = |e: &ArpTerminationEntry| Some((e.ip_address.parse().ok()?, parse_mac(&e.phys_address)?));
    value.arp_termination_table.iter().filter_map(entry).collect()
}

/// What is the same for as long as the bridge domain is there.
fn frame(value: &BridgeDomain) -> BridgeDomain {
    BridgeDomain { interfaces: Vec::new(), arp_termination_table: Vec::new(), ..value.clone() }
}

/// Takes the answers away that are not wanted any more, then adds new ones.
async fn change(calls: &dyn L2Calls, bd_id: u32, old: &Answers, new: &Answers) -> Result<(), Failure> {
    let entry = |(ip, mac): (&IpAddr, &Mac)| ArpTermination { bd_id, ip: *ip, mac: *mac };
    let differs = |other: &Answers, ip: &IpAddr, mac: &Mac| other.get(ip) != Some(mac);
    let gone: Vec<_> = old.iter().filter(|(ip, mac)| differs(new, ip, mac)).map(entry).collect();
    let more: Vec<_> = new.iter().filter(|(ip, mac)| differs(old, ip, mac)).map(entry).collect();
    // VPP takes one after the other.
    let gone = try_join_all(gone.iter().map(|e| calls.delete_arp_termination(e)));
    let more = try_join_all(more.iter().map(|e| calls.add_arp_termination(e)));
    try_join(gone, more).await.or_fail()?;
    Ok(())
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
        check(value, [])
    }

    fn equivalent(&self, _key: &str, old: &BridgeDomain, new: &BridgeDomain) -> bool {
        frame(old) == frame(new) && answers(old) == answers(new)
    }

    fn derived(&self, _key: &str, value: &BridgeDomain) -> Vec<KeyValue> {
        let port = |p: &Interface| KeyValue::new(keys::bd_interface(&value.name, &p.name), p.clone());
        value.interfaces.iter().map(port).collect()
    }

    async fn create(&self, _key: &str, value: &BridgeDomain) -> Result<BridgeDomainIndex, Failure> {
        let calls = self.vpp.calls()?.l2;
        let id = self.take()?;
        let wanted = types::BridgeDomain {
            id,
            tag: value.name.clone(),
            flood: value.flood,
            unknown_unicast_flood: value.unknown_unicast_flood,
            forward: value.forward,
            learn: value.learn,
            arp_termination: value.arp_termination,
            arp_unicast_forward: false,
            mac_age: u8::try_from(value.mac_age).unwrap_or(u8::MAX),
        };
        if let Err(refused) = calls.add_bridge_domain(&wanted).await.or_fail() {
            self.taken().remove(&id);
            return Err(refused);
        }
        let Err(mut unfinished) = change(calls.as_ref(), id, &Answers::new(), &answers(value)).await else {
            return Ok(BridgeDomainIndex { id });
        };
        if !unfinished.lost {
            match calls.delete_bridge_domain(id).await.or_fail() {
                Ok(()) => drop(self.taken().remove(&id)),
                Err(kept) => {
                    unfinished.message =
                        format!("{}; and bridge domain {id} stays: {kept}", unfinished.message);
                }
            }
        }
        Err(unfinished)
    }

    async fn update(
        &self,
        _key: &str,
        old: &BridgeDomain,
        new: &BridgeDomain,
        index: &BridgeDomainIndex,
    ) -> Result<BridgeDomainIndex, Failure> {
        let calls = self.vpp.calls()?.l2;
        change(calls.as_ref(), index.id, &answers(old), &answers(new)).await?;
        Ok(index.clone())
    }

    fn recreate(&self, _key: &str, old: &BridgeDomain, new: &BridgeDomain) -> bool {
        frame(old) != frame(new)
    }

    async fn delete(
        &self,
        _key: &str,
        _value: &BridgeDomain,
        index: &BridgeDomainIndex,
    ) -> Result<(), Failure> {
        self.vpp.calls()?.l2.delete_bridge_domain(index.id).await.or_fail()?;
        self.taken().remove(&index.id);
        Ok(())
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, BridgeDomain>],
    ) -> Result<Option<Vec<Retrieved<BridgeDomain, BridgeDomainIndex>>>, Failure> {
        let calls = self.vpp.calls()?.l2;
        let dumps = try_join(calls.dump_bridge_domains(), calls.dump_arp_terminations());
        let (dumped, answers) = dumps.await.or_unread()?;
        *self.taken() = dumped.iter().map(|d| d.bridge_domain.id).collect();
        let names = self.vpp.names();
        let port = |p: &types::Port| {
            Some(Interface {
                name: names.given(p.sw_if_index)?.to_string(),
                bridged_virtual_interface: p.bvi,
                split_horizon_group: p.split_horizon_group.into(),
            })
        };
        // One without a tag has no name, so it is nobody's that is known here: it is left alone.
        let named = dumped.iter().filter(|d| !d.bridge_domain.tag.is_empty());
        let found = named.map(|d| {
            let bd = &d.bridge_domain;
            let key = keys::bridge_domain(&bd.tag);
            let mut interfaces: Vec<Interface> = d.ports.iter().filter_map(port).collect();
            // VPP tells them in an order of its own.
            let believed =
                correlate.binary_search_by(|b| b.key.cmp(&key)).ok().and_then(|at| correlate.get(at));
            let place = |p: &Interface| {
                believed.and_then(|b| b.value.interfaces.iter().position(|other| other.name == p.name))
            };
            interfaces.sort_by_key(|p| (place(p).is_none(), place(p)));
            let own = answers.iter().filter(|a| a.bd_id == bd.id);
            let entry = |a: &ArpTermination| ArpTerminationEntry {
                ip_address: a.ip.to_string(),
                phys_address: mac_text(&a.mac),
            };
            Retrieved {
                key,
                value: BridgeDomain {
                    name: bd.tag.clone(),
                    flood: bd.flood,
                    unknown_unicast_flood: bd.unknown_unicast_flood,
                    forward: bd.forward,
                    learn: bd.learn,
                    arp_termination: bd.arp_termination,
                    mac_age: bd.mac_age.into(),
                    interfaces,
                    arp_termination_table: own.map(entry).collect(),
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

    fn examples(&self) -> Vec<(String, BridgeDomain)> {
        let value = example();
        vec![(value.key(), value)]
    }
}

/// One with a port.
pub(super) fn example() -> BridgeDomain {
    let port = Interface { name: interface::examples::SUB.to_string(), ..Interface::default() };
    BridgeDomain { name: "example".to_string(), interfaces: vec![port], ..BridgeDomain::default() }
}
