//! What is known of one connection.

use std::collections::HashMap;
use std::sync::Arc;

use binapi_gen::Release;
use binapi_index::RELEASES;
use serde_json::Value;
use vpp_client::{Connection, MessageTable};
use vpp_schema::{Schema, builtin};

/// `sockclnt_create` and what follows it: the same numbers in every VPP, needed before there is a table.
const HANDSHAKE: [(u16, &str); 4] = [
    (15, "sockclnt_create"),
    (16, "sockclnt_create_reply"),
    (17, "sockclnt_delete"),
    (18, "sockclnt_delete_reply"),
];

/// Reads the messages of a connection.
pub(crate) struct Session {
    /// The release whose definitions messages are read by.
    pub(crate) release: Option<Release>,
    schema: Option<Schema>,
    names: HashMap<u16, (String, u32)>,
}

/// A message's name and CRC, where the table has it.
pub(crate) type Name<'a> = Option<(&'a str, Option<u32>)>;

impl Session {
    /// Before the handshake: nothing can be read.
    pub(crate) fn unknown() -> Self {
        Self { release: None, schema: None, names: HashMap::new() }
    }

    /// A handshake that failed: its own messages are the same in every release.
    pub(crate) fn handshake() -> Self {
        Self::by(builtin::releases().next_back(), HashMap::new())
    }

    /// After it. The release is the one that VPP says it is of, else the one whose messages it has most of.
    pub(crate) fn of(connection: &Connection) -> Self {
        let stated = Release::parse(&connection.version).filter(|r| builtin::releases().any(|b| b == *r));
        let names = connection.table.iter().map(|(name, id, crc)| (id, (name.to_string(), crc))).collect();
        Self::by(stated.or_else(|| closest(&connection.table)), names)
    }

    fn by(release: Option<Release>, names: HashMap<u16, (String, u32)>) -> Self {
        let schema =
            release.and_then(builtin::api).and_then(Result::ok).and_then(|api| Schema::new(&api).ok());
        Self { release, schema, names }
    }

    /// True after the handshake.
    pub(crate) fn is_known(&self) -> bool {
        !self.names.is_empty()
    }

    /// Which message a number stands for.
    pub(crate) fn name(&self, id: u16) -> Name<'_> {
        if let Some((name, crc)) = self.names.get(&id) {
            return Some((name, Some(*crc)));
        }
        HANDSHAKE.iter().find(|(number, _)| *number == id).map(|(_, name)| (*name, None))
    }

    /// The fields of a message, or why they cannot be told.
    pub(crate) fn fields(&self, id: u16, body: &[u8]) -> Result<Value, String> {
        let (name, crc) = self.name(id).ok_or("the message table has no such number")?;
        let schema = self.schema.as_ref().ok_or("no definitions of this VPP are known")?;
        let release = schema.release();
        let known = schema.message(name).ok_or_else(|| format!("VPP {release} has no such message"))?.crc();
        if let Some(crc) = crc.filter(|crc| *crc != known) {
            return Err(format!("VPP {release} has it with CRC {known:08x}, this VPP with {crc:08x}"));
        }
        let (fields, rest) = schema.decode_and_rest(name, body).map_err(|e| e.to_string())?;
        match rest {
            0 => Ok(fields),
            rest => Err(format!("{rest} bytes behind its last field")),
        }
    }
}

fn closest(table: &Arc<MessageTable>) -> Option<Release> {
    RELEASES.get(table.closest()?).and_then(|r| Release::parse(r.name))
}
