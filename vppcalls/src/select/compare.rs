//! How a VPP stands to one release.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use binapi_index::Message;
use vpp_client::{Lookup, MessageTable};

use super::groups::{named, plugin_of};

/// Why a release does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfit {
    /// Needed messages that are not there.
    pub absent: Vec<String>,
    /// Needed messages with another CRC: name, needed, found.
    pub changed: Vec<(String, u32, u32)>,
    /// Needed messages that are there with their CRC and another layout: by VPP's own definitions, or by those of the
    /// release that it says it is of.
    pub other_layout: Vec<String>,
}

impl Misfit {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.absent.is_empty() {
            parts.push(format!("absent: {}.", list(&self.absent)));
        }
        if !self.changed.is_empty() {
            let changed = |(name, needed, found): &(String, u32, u32)| {
                format!("{name} ({needed:08x} needed, {found:08x} found)")
            };
            let changed: Vec<String> = self.changed.iter().map(changed).collect();
            parts.push(format!("other CRC: {}.", list(&changed)));
        }
        if !self.other_layout.is_empty() {
            parts.push(format!("same CRC, other layout: {}.", list(&self.other_layout)));
        }
        f.write_str(&parts.join(" "))
    }
}

/// How a VPP stands to one release.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Position in the index.
    pub position: usize,
    /// Its name.
    pub release: &'static str,
    /// What does not fit.
    pub misfit: Misfit,
    /// Plugin modules whose messages VPP does not have.
    pub absent: BTreeSet<&'static str>,
}

impl Verdict {
    /// True when the release's calls can be used.
    pub fn fits(&self) -> bool {
        self.misfit.is_empty()
    }
}

/// At most eight, so that a refusal fits a screen.
pub(crate) fn list(items: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        text.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    text
}

/// What of the required messages does not fit, and the plugins that are not loaded.
pub(crate) fn compare(
    table: &MessageTable,
    position: usize,
    required: &[&'static Message],
    other_layout: &dyn Fn(&Message) -> bool,
) -> (Misfit, BTreeSet<&'static str>) {
    let mut misfit = Misfit::default();
    // Plugin module -> messages that are there, messages that are not.
    let mut plugins: BTreeMap<&'static str, (usize, Vec<String>)> = BTreeMap::new();
    for message in required {
        let plugin = plugin_of(message, position);
        let found = table.lookup(message.name, message.crc);
        if let (Some(module), Lookup::Present(_) | Lookup::Changed(_)) = (plugin, found) {
            plugins.entry(module).or_default().0 += 1;
        }
        match (found, plugin) {
            (Lookup::Present(_), _) if other_layout(message) => {
                misfit.other_layout.push(message.name.to_string());
            }
            (Lookup::Present(_), _) => {}
            (Lookup::Changed(found), _) => {
                misfit.changed.push((message.name.to_string(), message.crc, found));
            }
            (Lookup::Absent, Some(module)) => {
                plugins.entry(module).or_default().1.push(message.name.to_string());
            }
            (Lookup::Absent, None) => misfit.absent.push(message.name.to_string()),
        }
    }
    let mut absent = BTreeSet::new();
    for (module, (present, missing)) in plugins {
        if missing.is_empty() {
            continue;
        }
        if present == 0 {
            absent.insert(module);
        } else {
            misfit.absent.extend(missing);
        }
    }
    (misfit, absent)
}

/// True when the release has the message with the same CRC and another layout.
pub(crate) fn other_layout(message: &Message, release: usize) -> bool {
    let bit = 1 << release;
    named(message.name).any(|m| m.releases & bit != 0 && m.crc == message.crc && m.shape != message.shape)
}
