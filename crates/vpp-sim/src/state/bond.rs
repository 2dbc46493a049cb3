//! Bonds and their members.

/// Modes; numbers of `bond_mode`.
pub mod mode {
    #![allow(missing_docs)]
    pub const ROUND_ROBIN: u32 = 1;
    pub const ACTIVE_BACKUP: u32 = 2;
    pub const BROADCAST: u32 = 4;
    pub const LACP: u32 = 5;
}

/// An interface that is part of a bond.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Member {
    pub sw_if_index: u32,
    pub is_passive: bool,
    pub is_long_timeout: bool,
    pub weight: u32,
    /// Takes part in the traffic: up, and not waiting for a partner of LACP, which never comes.
    pub active: bool,
    /// On the node of the main thread, of which there is one; told once the member was active.
    pub local_numa: bool,
    /// MAC that it gets back when it leaves.
    pub own_mac: Option<[u8; 6]>,
}

/// What is special about a bond.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Bond {
    /// Place among the bonds, which is the order of dumps.
    pub instance: u32,
    /// Number in its name.
    pub id: u32,
    pub mode: u32,
    /// How the load is spread; what the mode prescribes counts.
    pub lb: u32,
    pub numa_only: bool,
    pub gso: bool,
    pub custom_mac: bool,
    pub members: Vec<Member>,
}

impl Bond {
    /// How many members take part in the traffic.
    pub fn active(&self) -> usize {
        self.members.iter().filter(|m| m.active).count()
    }
}
