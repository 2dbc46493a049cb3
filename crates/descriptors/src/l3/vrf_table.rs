//! `vpp.vrf-table`: a routing table. Its label is its name in VPP, which keeps the name for as long as there is the table.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::future::try_join;
use kvscheduler::{Believed, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::proto::ligato::vpp::l3::VrfTable;
use models::proto::ligato::vpp::l3::vrf_table::{FlowHashSettings, Protocol};
use vppcalls::types::{FlowHash, Table};

use crate::check::{check_with, problem};
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

/// The longest label in bytes.
const LONGEST: usize = 63;

/// The tables that VPP has by itself.
const MAIN: u32 = 0;

pub(super) struct VrfTableDescriptor {
    vpp: Vpp,
    prefix: String,
    /// Main tables whose flow hash was set in this run of the agent, with the process of the VPP. A table that was made
    /// has it from its making; of these nobody can tell, so a new agent sets it again.
    main: Mutex<HashMap<bool, (u32, FlowHashSettings)>>,
}

impl VrfTableDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: VrfTable::SPEC.key_prefix(false), main: Mutex::default() }
    }

    async fn set_flow_hash(&self, value: &VrfTable) -> Result<(), Failure> {
        let handlers = self.vpp.calls()?;
        let hash = value.flow_hash_settings.as_ref().map_or(FlowHash::DEFAULT, flow_hash);
        handlers.l3.set_flow_hash(value.id, is_ipv6(value), hash).await.or_fail()?;
        if value.id == MAIN {
            let pid = handlers.core.ping().await.or_fail()?;
            let set = value.flow_hash_settings.map(|settings| (pid, settings));
            match set {
                Some(set) => self.main().insert(is_ipv6(value), set),
                None => self.main().remove(&is_ipv6(value)),
            };
        }
        Ok(())
    }

    fn main(&self) -> MutexGuard<'_, HashMap<bool, (u32, FlowHashSettings)>> {
        self.main.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ipv6(value: &VrfTable) -> bool {
    value.protocol() == Protocol::Ipv6
}

fn flow_hash(settings: &FlowHashSettings) -> FlowHash {
    FlowHash {
        src_ip: settings.use_src_ip,
        dst_ip: settings.use_dst_ip,
        src_port: settings.use_src_port,
        dst_port: settings.use_dst_port,
        protocol: settings.use_protocol,
        reverse: settings.reverse,
        symmetric: settings.symmetric,
        ..FlowHash::default()
    }
}

/// The label that VPP makes up.
fn default_label(value: &VrfTable) -> String {
    let family = if is_ipv6(value) { "ipv6" } else { "ipv4" };
    format!("{family}-VRF:{}", value.id)
}

/// Without a stated label any is right; that of the main tables is VPP's own.
fn same_label(old: &VrfTable, new: &VrfTable) -> bool {
    let stated = |value: &VrfTable| match value.label.as_str() {
        "" => default_label(value),
        label => label.to_string(),
    };
    new.id == MAIN || new.label.is_empty() || stated(old) == stated(new)
}

#[async_trait]
impl Descriptor for VrfTableDescriptor {
    type Value = VrfTable;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-vrf-table"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn validate(&self, _key: &str, value: &VrfTable) -> Result<(), Invalid> {
        let bytes = value.label.len();
        let long = problem("label", format!("has {bytes} bytes, VPP takes at most {LONGEST}"));
        check_with(value, (bytes > LONGEST).then_some(long))
    }

    fn equivalent(&self, _key: &str, old: &VrfTable, new: &VrfTable) -> bool {
        same_label(old, new) && old.flow_hash_settings == new.flow_hash_settings
    }

    async fn create(&self, _key: &str, value: &VrfTable) -> Result<(), Failure> {
        let calls = self.vpp.calls()?.l3;
        let table = Table { id: value.id, ipv6: is_ipv6(value), name: value.label.clone() };
        let add = async { calls.add_table(&table).await.or_fail() };
        // VPP takes one after the other, so the table is there.
        let hash = async {
            match value.flow_hash_settings {
                Some(_) => self.set_flow_hash(value).await,
                None => Ok(()),
            }
        };
        let Err(unfinished) = try_join(add, hash).await else { return Ok(()) };
        if !unfinished.lost && value.id != MAIN {
            // Half of it is none. What VPP says of that does not matter beside why it was not finished.
            drop(calls.delete_table(table.id, table.ipv6).await);
        }
        Err(unfinished)
    }

    async fn update(&self, _key: &str, _old: &VrfTable, new: &VrfTable, (): &()) -> Result<(), Failure> {
        self.set_flow_hash(new).await
    }

    fn recreate(&self, _key: &str, old: &VrfTable, new: &VrfTable) -> bool {
        !same_label(old, new)
    }

    async fn delete(&self, _key: &str, value: &VrfTable, (): &()) -> Result<(), Failure> {
        if value.id == MAIN {
            return match value.flow_hash_settings {
                Some(_) => self.set_flow_hash(&VrfTable { flow_hash_settings: None, ..value.clone() }).await,
                None => Ok(()),
            };
        }
        self.vpp.calls()?.l3.delete_table(value.id, is_ipv6(value)).await.or_fail()
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, VrfTable>],
    ) -> Result<Option<Vec<Retrieved<VrfTable, ()>>>, Failure> {
        let handlers = self.vpp.calls()?;
        let tables = handlers.l3.dump_tables().await.or_unread()?;
        let main = self.main().clone();
        let pid = match main.is_empty() {
            true => None,
            false => Some(handlers.core.ping().await.or_unread()?),
        };
        let found = tables.into_iter().map(|table| {
            let key = keys::vrf_table(table.id, table.ipv6);
            let believed =
                correlate.binary_search_by(|b| b.key.cmp(&key)).ok().and_then(|at| correlate.get(at));
            let value = VrfTable {
                id: table.id,
                protocol: if table.ipv6 { Protocol::Ipv6 } else { Protocol::Ipv4 }.into(),
                label: table.name,
                // VPP tells it in no message.
                flow_hash_settings: match table.id {
                    MAIN => main.get(&table.ipv6).filter(|set| Some(set.0) == pid).map(|set| set.1),
                    _ => believed.and_then(|b| b.value.flow_hash_settings),
                },
            };
            Retrieved { key, value, metadata: (), origin: Origin::Unknown }
        });
        Ok(Some(found.collect()))
    }

    fn examples(&self) -> Vec<(String, VrfTable)> {
        let table =
            |id, protocol: Protocol| VrfTable { id, protocol: protocol.into(), ..VrfTable::default() };
        let tables = [table(3, Protocol::Ipv4), table(3, Protocol::Ipv6), table(4, Protocol::Ipv4)];
        tables.into_iter().map(|value| (value.key(), value)).collect()
    }
}
