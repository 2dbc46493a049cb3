//! The messages of one VPP: names, CRCs and the numbers it has for them.

use std::collections::HashMap;

use binapi_core::types::until_nul;
use binapi_index::{Answer, Component, MESSAGES, Module, RELEASES, SERVICES};

/// A VPP's message table, as the handshake gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageTable {
    by_name: HashMap<String, Entry, foldhash::fast::RandomState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    id: u16,
    crc: u32,
}

/// What a table says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is there, with this number.
    Present(u16),
    /// It is there with this CRC instead.
    Changed(u32),
    /// It is not there.
    Absent,
}

impl MessageTable {
    /// From lines of `name_crc`, as `cargo xtask` and tests have them; numbers are given in order.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let entries = names
            .into_iter()
            .enumerate()
            .filter_map(|(i, name)| Some((u16::try_from(i).ok()?, name.to_string())));
        Self::from_entries(entries).0
    }

    /// From numbers and names with CRC. The second part tells of entries that could not be read or stand twice.
    pub fn from_entries(entries: impl IntoIterator<Item = (u16, String)>) -> (Self, Vec<String>) {
        let mut by_name = HashMap::default();
        let mut odd = Vec::new();
        for (id, name) in entries {
            let parts = name.rsplit_once('_').and_then(|(name, crc)| {
                let crc = (crc.len() == 8).then(|| u32::from_str_radix(crc, 16).ok())??;
                Some((name, crc))
            });
            match parts {
                Some((message, crc)) => {
                    if by_name.insert(message.to_string(), Entry { id, crc }).is_some() {
                        odd.push(format!("message {message} stands twice"));
                    }
                }
                None => odd.push(format!("message {id} is called \"{name}\", not name_crc")),
            }
        }
        (Self { by_name }, odd)
    }

    /// Reads the entries behind the fixed part of `sockclnt_create_reply`: a u16 and 64 bytes of name each. Elder
    /// releases leave junk behind the NUL.
    pub(crate) fn parse(bytes: &[u8], count: usize) -> Result<(Self, Vec<String>), String> {
        const ENTRY: usize = 66;
        let needed = count * ENTRY;
        let Some(entries) = bytes.get(..needed) else {
            return Err(format!("{count} messages take {needed} bytes, {} came", bytes.len()));
        };
        Ok(Self::from_entries(entries.chunks_exact(ENTRY).filter_map(|entry| {
            let (id, name) = entry.split_first_chunk::<2>()?;
            Some((u16::from_be_bytes(*id), until_nul(name)))
        })))
    }

    /// Looks a message up.
    pub fn lookup(&self, name: &str, crc: u32) -> Lookup {
        match self.by_name.get(name) {
            Some(entry) if entry.crc == crc => Lookup::Present(entry.id),
            Some(entry) => Lookup::Changed(entry.crc),
            None => Lookup::Absent,
        }
    }

    /// The CRC that it has for a name.
    pub fn crc(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).map(|e| e.crc)
    }

    /// The name of the message that has a number. Looks at all of them: for what does not happen often.
    pub fn name(&self, id: u16) -> Option<&str> {
        self.by_name.iter().find(|(_, entry)| entry.id == id).map(|(name, _)| name.as_str())
    }

    /// True when a message is known to be an event: what stands in the place of a context there is something else.
    pub(crate) fn is_event(&self, id: u16) -> bool {
        let Some(name) = self.name(id) else { return false };
        let events = SERVICES.iter().flat_map(|service| match service.answer {
            Answer::Reply(_, events) => events,
            _ => &[],
        });
        events.filter_map(|at| MESSAGES.get(usize::from(*at))).any(|event| event.name == name)
    }

    /// The known release whose messages this table has most of, as a position in [`RELEASES`].
    pub fn closest(&self) -> Option<usize> {
        let mut shared = vec![0u32; RELEASES.len()];
        for message in MESSAGES.iter().filter(|m| self.crc(m.name) == Some(m.crc)) {
            for (release, count) in shared.iter_mut().enumerate() {
                *count += u32::from(message.releases & (1 << release) != 0);
            }
        }
        // Of equals the newer one.
        shared
            .iter()
            .enumerate()
            .max_by_key(|(_, count)| **count)
            .filter(|(_, count)| **count > 0)
            .map(|(at, _)| at)
    }

    /// Modules of plugins of the closest release of which a message is here, whatever its CRC.
    pub(crate) fn plugins(&self) -> Vec<&'static str> {
        let Some(release) = self.closest().and_then(|at| RELEASES.get(at)) else { return Vec::new() };
        let there = |m: &Module| {
            let names = m.messages.iter().filter_map(|at| MESSAGES.get(usize::from(*at)));
            m.component == Component::Plugin && names.into_iter().any(|m| self.by_name.contains_key(m.name))
        };
        let mut plugins: Vec<_> = release.modules.iter().filter(|m| there(m)).map(|m| m.name).collect();
        plugins.sort_unstable();
        plugins
    }

    /// Its messages in no order: name, number, CRC.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u16, u32)> {
        self.by_name.iter().map(|(name, entry)| (name.as_str(), entry.id, entry.crc))
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}
