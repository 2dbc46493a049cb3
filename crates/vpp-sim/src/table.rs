//! The message table: which id a message has in this VPP.

use std::collections::HashMap;

use binapi_gen::model::Component;
use vpp_schema::Schema;

/// Ids that VPP gives these messages in every release, as the module is loaded first.
const FIXED: [(u16, &str); 28] = [
    (1, "memclnt_create"),
    (2, "memclnt_create_reply"),
    (3, "memclnt_delete"),
    (4, "memclnt_delete_reply"),
    (5, "rx_thread_exit"),
    (6, "memclnt_rx_thread_suspend"),
    (7, "memclnt_read_timeout"),
    (8, "rpc_call"),
    (9, "rpc_call_reply"),
    (10, "get_first_msg_id"),
    (11, "get_first_msg_id_reply"),
    (12, "api_versions"),
    (13, "api_versions_reply"),
    (14, "trace_plugin_msg_ids"),
    (15, "sockclnt_create"),
    (16, "sockclnt_create_reply"),
    (17, "sockclnt_delete"),
    (18, "sockclnt_delete_reply"),
    (19, "sock_init_shm"),
    (20, "sock_init_shm_reply"),
    (21, "memclnt_keepalive"),
    (22, "memclnt_keepalive_reply"),
    (23, "control_ping"),
    (24, "control_ping_reply"),
    (25, "memclnt_create_v2"),
    (26, "memclnt_create_v2_reply"),
    (27, "get_api_json"),
    (28, "get_api_json_reply"),
];

/// Ids and names of one VPP.
#[derive(Clone, Debug)]
pub struct Table {
    by_id: Vec<Option<String>>,
    by_name: HashMap<String, u16>,
    listing: Vec<u8>,
    entries: u16,
}

impl Table {
    /// The table of a release without the plugins that are named: a plugin's module, `acl`.
    pub fn new(schema: &Schema, without: &[String]) -> Self {
        let absent = |module: &str, component: &Component| {
            *component == Component::Plugin
                && without.iter().any(|w| w == module || w.strip_suffix("_plugin") == Some(module))
        };
        let mut by_id: Vec<Option<String>> = vec![None; FIXED.len() + 1];
        let mut by_name = HashMap::new();
        let fixed = |module: &str, name: &str| {
            (module == "memclnt").then(|| FIXED.iter().find(|(_, n)| *n == name)).flatten()
        };
        let mut others = Vec::new();
        for message in schema.messages() {
            if absent(message.module(), message.component()) {
                continue;
            }
            match fixed(message.module(), message.name()) {
                Some((id, name)) => {
                    if let Some(slot) = by_id.get_mut(usize::from(*id)) {
                        *slot = Some((*name).to_string());
                    }
                    by_name.insert((*name).to_string(), *id);
                }
                None => {
                    others.push((message.component() == &Component::Plugin, message.module(), message.name()))
                }
            }
        }
        // Core first, then the plugins, each module in one piece: like a VPP that loads in the order of names.
        others.sort_unstable();
        for (_, _, name) in others {
            let Ok(id) = u16::try_from(by_id.len()) else { break };
            by_id.push(Some(name.to_string()));
            by_name.insert(name.to_string(), id);
        }
        let mut listing = Vec::new();
        let mut entries = 0_u16;
        for (name, id) in &by_name {
            let Some(message) = schema.message(name) else { continue };
            listing.extend_from_slice(&id.to_be_bytes());
            let mut slot = message.name_crc().into_bytes();
            slot.resize(64, 0);
            listing.extend_from_slice(&slot);
            entries = entries.saturating_add(1);
        }
        Self { by_id, by_name, listing, entries }
    }

    /// The message with an id.
    pub fn name(&self, id: u16) -> Option<&str> {
        self.by_id.get(usize::from(id)).and_then(Option::as_deref)
    }

    /// The id of a message; `None` when its plugin is not loaded.
    pub fn id(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// How many messages there are.
    pub fn len(&self) -> u16 {
        self.entries
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The entries as a client gets them, in no order: id and 64 bytes of name and CRC each.
    pub fn listing(&self) -> &[u8] {
        &self.listing
    }
}
