//! Access control lists and where they are applied.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::slots::Slots;
use crate::behaviour::retval;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rule {
    /// 0 denies, 1 permits, 2 permits and lets answers through.
    pub action: u8,
    pub src: (IpAddr, u8),
    pub dst: (IpAddr, u8),
    pub proto: u8,
    /// First and last source port, or ICMP type.
    pub src_ports: (u16, u16),
    /// First and last destination port, or ICMP code.
    pub dst_ports: (u16, u16),
    pub tcp_flags_mask: u8,
    pub tcp_flags_value: u8,
}

/// A rule for MAC and source address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MacRule {
    pub action: u8,
    pub mac: [u8; 6],
    pub mac_mask: [u8; 6],
    pub src: (IpAddr, u8),
}

/// Rules with a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct List<R> {
    pub tag: String,
    pub rules: Vec<R>,
}

/// What is applied to an interface, in each direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Both<T> {
    pub input: Vec<T>,
    pub output: Vec<T>,
}

/// Everything of the ACL plugin.
#[derive(Clone, Debug)]
pub struct Acls {
    /// Lists for IP.
    pub lists: Slots<List<Rule>>,
    /// Lists for MAC and IP.
    pub mac_lists: Slots<List<MacRule>>,
    applied: BTreeMap<u32, Both<u32>>,
    /// Ethertypes that are let through unseen. They stay when their interface goes.
    ethertypes: BTreeMap<u32, Both<u16>>,
    /// By interface; as long as the highest interface that ever had one wanted it.
    mac_applied: Vec<Option<u32>>,
    /// What other plugins look up: by family and interface.
    contexts: BTreeMap<(bool, u32), Vec<u32>>,
}

impl Acls {
    pub(crate) const fn new() -> Self {
        Self {
            lists: Slots::new(),
            mac_lists: Slots::new(),
            applied: BTreeMap::new(),
            ethertypes: BTreeMap::new(),
            mac_applied: Vec::new(),
            contexts: BTreeMap::new(),
        }
    }

    /// Lists applied to an interface.
    pub fn applied(&self, sw_if_index: u32) -> Both<u32> {
        self.applied.get(&sw_if_index).cloned().unwrap_or_default()
    }

    /// Refuses lists of which one is not there or there twice.
    fn check(&self, lists: &[u32]) -> Result<(), i32> {
        for (position, list) in lists.iter().enumerate() {
            if self.lists.get(*list).is_none() {
                return Err(retval::NO_SUCH_ENTRY);
            }
            if lists.iter().take(position).any(|other| other == list) {
                return Err(retval::ENTRY_ALREADY_EXISTS);
            }
        }
        Ok(())
    }

    /// Applies lists to one direction of an interface, in place of those that were.
    pub(crate) fn apply(&mut self, sw_if_index: u32, input: bool, lists: Vec<u32>) -> Result<(), i32> {
        self.check(&lists)?;
        let both = self.applied.entry(sw_if_index).or_default();
        *(if input { &mut both.input } else { &mut both.output }) = lists;
        Ok(())
    }

    /// Deletes a list that nothing uses.
    pub(crate) fn delete(&mut self, list: u32) -> Result<(), i32> {
        if self.lists.get(list).is_none() {
            return Err(retval::NO_SUCH_ENTRY);
        }
        if self.applied.values().any(|both| both.input.contains(&list)) {
            return Err(retval::ACL_IN_USE_INBOUND);
        }
        if self.applied.values().any(|both| both.output.contains(&list)) {
            return Err(retval::ACL_IN_USE_OUTBOUND);
        }
        if self.contexts.values().any(|lists| lists.contains(&list)) {
            return Err(retval::ACL_IN_USE_BY_LOOKUP_CONTEXT);
        }
        self.lists.remove(list);
        Ok(())
    }

    /// What another plugin looks up on an interface. Refused as a whole, and what was before stays, when a list is
    /// missing or there twice.
    pub(crate) fn set_context(&mut self, v6: bool, sw_if_index: u32, lists: Vec<u32>) {
        if lists.is_empty() {
            self.contexts.remove(&(v6, sw_if_index));
        } else if self.check(&lists).is_ok() {
            self.contexts.insert((v6, sw_if_index), lists);
        }
    }

    /// Ethertypes let through on an interface.
    pub fn ethertypes(&self, sw_if_index: u32) -> Option<&Both<u16>> {
        self.ethertypes.get(&sw_if_index)
    }

    pub(crate) fn set_ethertypes(&mut self, sw_if_index: u32, ethertypes: Both<u16>) {
        if ethertypes.input.is_empty() && ethertypes.output.is_empty() {
            self.ethertypes.remove(&sw_if_index);
        } else {
            self.ethertypes.insert(sw_if_index, ethertypes);
        }
    }

    /// MAC lists by interface, as far as there ever were some.
    pub fn mac_applied(&self) -> &[Option<u32>] {
        &self.mac_applied
    }

    pub(crate) fn apply_mac(&mut self, sw_if_index: u32, list: u32) -> Result<(), i32> {
        if self.mac_lists.get(list).is_none() {
            return Err(retval::NO_SUCH_ENTRY);
        }
        let at = sw_if_index as usize;
        if self.mac_applied.len() <= at {
            self.mac_applied.resize(at.saturating_add(1), None);
        }
        if let Some(slot) = self.mac_applied.get_mut(at) {
            *slot = Some(list);
        }
        Ok(())
    }

    /// Takes away the MAC list of an interface, whichever it is.
    pub(crate) fn unapply_mac(&mut self, sw_if_index: u32) -> Result<(), i32> {
        let slot = self.mac_applied.get_mut(sw_if_index as usize);
        slot.and_then(Option::take).map(|_| ()).ok_or(retval::NO_SUCH_ENTRY)
    }

    /// Deletes a MAC list, also from the interfaces that have it.
    pub(crate) fn delete_mac(&mut self, list: u32) -> Result<(), i32> {
        self.mac_lists.remove(list).ok_or(retval::NO_SUCH_ENTRY)?;
        for slot in &mut self.mac_applied {
            if *slot == Some(list) {
                *slot = None;
            }
        }
        Ok(())
    }

    /// Lists are taken off an interface that goes.
    pub(crate) fn interface_deleted(&mut self, sw_if_index: u32) {
        self.applied.remove(&sw_if_index);
        let _ = self.unapply_mac(sw_if_index);
    }
}
