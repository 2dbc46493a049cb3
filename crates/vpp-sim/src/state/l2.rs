//! Bridge domains, their ports and the L2 FIB.

use std::collections::BTreeMap;

/// The largest id.
pub const MAX_ID: u32 = (1 << 24) - 1;

/// An interface in a bridge domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Which interface.
    pub sw_if_index: u32,
    /// Split-horizon group.
    pub shg: u8,
}

/// A bridge domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct BridgeDomain {
    pub id: u32,
    pub flood: bool,
    pub uu_flood: bool,
    pub forward: bool,
    pub learn: bool,
    pub arp_term: bool,
    pub arp_ufwd: bool,
    pub mac_age: u8,
    pub tag: String,
    /// Interface that routes for it; !0 for none.
    pub bvi: u32,
    /// Interface that unknown unicast goes to; !0 for none.
    pub uu_fwd: u32,
    pub ports: Vec<Port>,
}

impl BridgeDomain {
    /// One as VPP makes it when a port names it before anything else does.
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            flood: true,
            uu_flood: true,
            forward: true,
            learn: true,
            arp_term: false,
            arp_ufwd: false,
            mac_age: 0,
            tag: String::new(),
            bvi: u32::MAX,
            uu_fwd: u32::MAX,
            ports: Vec::new(),
        }
    }
}

/// An entry of the L2 FIB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FibEntry {
    /// Where frames go; !0 for an entry that drops them.
    pub sw_if_index: u32,
    pub is_static: bool,
    pub is_filter: bool,
    pub is_bvi: bool,
}

/// What an interface is for its bridge domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortType {
    Normal,
    Bvi,
    UnknownForward,
}

/// All of layer 2.
#[derive(Clone, Debug)]
pub struct L2 {
    /// By index, which is not the id; 0 is the domain that cannot be changed.
    domains: Vec<Option<BridgeDomain>>,
    /// By index of the domain and MAC. Static entries outlive their domain and lie in wait for the next one that
    /// gets its index.
    fib: BTreeMap<(usize, [u8; 6]), FibEntry>,
}

impl L2 {
    pub(crate) fn new() -> Self {
        Self { domains: vec![Some(BridgeDomain::new(0))], fib: BTreeMap::new() }
    }

    /// Index of the domain with an id.
    pub fn index_of(&self, id: u32) -> Option<usize> {
        self.domains.iter().position(|d| d.as_ref().is_some_and(|d| d.id == id))
    }

    /// The domain at an index.
    pub fn domain(&self, index: usize) -> Option<&BridgeDomain> {
        self.domains.get(index)?.as_ref()
    }

    /// The domain with an id.
    pub fn by_id(&self, id: u32) -> Option<&BridgeDomain> {
        self.domain(self.index_of(id)?)
    }

    /// Domains with their indices, without domain 0.
    pub fn domains(&self) -> impl Iterator<Item = (usize, &BridgeDomain)> {
        self.domains.iter().enumerate().skip(1).filter_map(|(i, d)| Some((i, d.as_ref()?)))
    }

    /// Puts a domain at the lowest free index.
    pub(crate) fn add(&mut self, domain: BridgeDomain) -> usize {
        match self.domains.iter().position(Option::is_none) {
            Some(index) => {
                if let Some(slot) = self.domains.get_mut(index) {
                    *slot = Some(domain);
                }
                index
            }
            None => {
                self.domains.push(Some(domain));
                self.domains.len().saturating_sub(1)
            }
        }
    }

    /// Deletes a domain; entries that were learned go, static ones stay.
    pub(crate) fn delete(&mut self, index: usize) {
        if let Some(slot) = self.domains.get_mut(index) {
            *slot = None;
        }
        self.fib.retain(|(at, _), entry| *at != index || entry.is_static);
    }

    /// An id that no domain has.
    pub(crate) fn unused_id(&self) -> Option<u32> {
        (1..=MAX_ID).find(|id| self.index_of(*id).is_none())
    }

    /// The domain that an interface is in, by index.
    pub fn domain_of(&self, sw_if_index: u32) -> Option<usize> {
        self.domains.iter().position(|d| {
            d.as_ref().is_some_and(|d| {
                d.uu_fwd == sw_if_index || d.ports.iter().any(|p| p.sw_if_index == sw_if_index)
            })
        })
    }

    /// Takes an interface out of its domain.
    pub(crate) fn remove_port(&mut self, sw_if_index: u32) {
        let Some(index) = self.domain_of(sw_if_index) else { return };
        let Some(Some(domain)) = self.domains.get_mut(index) else { return };
        domain.ports.retain(|p| p.sw_if_index != sw_if_index);
        if domain.uu_fwd == sw_if_index {
            domain.uu_fwd = u32::MAX;
        }
        if domain.bvi == sw_if_index {
            domain.bvi = u32::MAX;
            self.fib.retain(|(at, _), e| *at != index || !e.is_bvi || e.sw_if_index != sw_if_index);
        }
    }

    /// Puts an interface into a domain; `false` when it was to be the second BVI.
    pub(crate) fn add_port(
        &mut self,
        index: usize,
        port: Port,
        kind: PortType,
        mac: Option<[u8; 6]>,
    ) -> bool {
        self.remove_port(port.sw_if_index);
        let Some(Some(domain)) = self.domains.get_mut(index) else { return true };
        match kind {
            PortType::UnknownForward => domain.uu_fwd = port.sw_if_index,
            PortType::Normal => domain.ports.push(port),
            PortType::Bvi if domain.bvi != u32::MAX => return false,
            PortType::Bvi => {
                domain.bvi = port.sw_if_index;
                domain.ports.insert(0, port);
                let entry = FibEntry {
                    sw_if_index: port.sw_if_index,
                    is_static: true,
                    is_filter: false,
                    is_bvi: true,
                };
                self.fib.insert((index, mac.unwrap_or_default()), entry);
            }
        }
        true
    }

    /// Entries of the L2 FIB with index of their domain and MAC.
    pub fn fib(&self) -> impl Iterator<Item = (usize, [u8; 6], &FibEntry)> {
        self.fib.iter().map(|((index, mac), entry)| (*index, *mac, entry))
    }

    pub(crate) fn add_entry(&mut self, index: usize, mac: [u8; 6], entry: FibEntry) {
        self.fib.insert((index, mac), entry);
    }

    /// Removes an entry; `sw_if_index` 0 fits any. `false` when there was none.
    pub(crate) fn remove_entry(&mut self, index: usize, mac: [u8; 6], sw_if_index: u32) -> bool {
        match self.fib.get(&(index, mac)) {
            Some(entry) if sw_if_index == 0 || entry.sw_if_index == sw_if_index => {
                self.fib.remove(&(index, mac)).is_some()
            }
            _ => false,
        }
    }
}
