//! ACL based forwarding: policies and where they are attached.

use super::fib::Path;
use super::slots::Slots;

/// Where packets go that an ACL permits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Policy {
    pub id: u32,
    pub acl: u32,
    pub paths: Vec<Path>,
    /// Its paths were freed when one that it had was added again: VPP gives up its hold on the old list after it found
    /// the same list to be the new one (`abf_policy_update`). Seen in 26.06; the sources of all releases do it.
    pub lost: bool,
}

/// A policy on an interface. It outlives the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Attachment {
    pub policy: u32,
    pub acl: u32,
    pub sw_if_index: u32,
    pub priority: u32,
    pub v6: bool,
}

/// Everything of the ABF plugin.
#[derive(Clone, Debug)]
pub struct Abf {
    /// Policies by slot.
    pub policies: Slots<Policy>,
    /// Attachments by slot.
    pub attachments: Slots<Attachment>,
}

impl Abf {
    pub(crate) const fn new() -> Self {
        Self { policies: Slots::new(), attachments: Slots::new() }
    }

    /// Slot of the policy with an id.
    pub fn policy(&self, id: u32) -> Option<u32> {
        self.policies.iter().find(|(_, policy)| policy.id == id).map(|(slot, _)| slot)
    }

    /// Slot of a policy's attachment to an interface, whatever its family.
    pub fn attachment(&self, policy: u32, sw_if_index: u32) -> Option<u32> {
        let fits = |a: &Attachment| a.policy == policy && a.sw_if_index == sw_if_index;
        self.attachments.iter().find(|(_, a)| fits(a)).map(|(slot, _)| slot)
    }

    /// ACLs that are looked up on an interface, by priority.
    pub(crate) fn acls(&self, v6: bool, sw_if_index: u32) -> Vec<u32> {
        let mut attached: Vec<&Attachment> = self
            .attachments
            .iter()
            .map(|(_, a)| a)
            .filter(|a| a.v6 == v6 && a.sw_if_index == sw_if_index)
            .collect();
        attached.sort_by_key(|a| a.priority);
        attached.iter().map(|a| a.acl).collect()
    }
}
