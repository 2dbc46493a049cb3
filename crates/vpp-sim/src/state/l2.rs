//! Bridge domains, their ports and the L2 FIB.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::behaviour::FeatureBits;

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
    /// MACs that ARP termination answers with.
    pub macs: BTreeMap<IpAddr, [u8; 6]>,
    /// How many MACs it learns.
    pub learn_limit: u32,
}

/// How many MACs a bridge domain learns unless told otherwise (`L2LEARN_DEFAULT_LIMIT`).
pub const LEARN_LIMIT: u32 = 16 * 1024 * 1024;

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
            macs: BTreeMap::new(),
            learn_limit: LEARN_LIMIT,
        }
    }

    /// Its features as VPP holds them: those that a domain does not control are all on.
    pub fn features(&self, bits: &FeatureBits) -> u32 {
        let controlled = [
            (bits.learn, self.learn),
            (bits.forward, self.forward),
            (bits.flood, self.flood),
            (bits.uu_flood, self.uu_flood),
            (bits.uu_forward, self.uu_fwd != u32::MAX),
            (bits.arp_term, self.arp_term),
            (bits.arp_ufwd, self.arp_ufwd),
        ];
        controlled.iter().fold(u32::MAX, |all, (bit, on)| if *on { all } else { all & !bit })
    }
}

/// VLAN tags taken off and put on what an interface receives, and the other way round what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TagRewrite {
    /// `l2_vtr_op_t`: 1 and 2 push, 3 and 4 pop, 5 to 8 translate 1-1, 1-2, 2-1, 2-2.
    pub op: u32,
    /// The first tag pushed is 802.1Q, otherwise 802.1ad.
    pub dot1q: bool,
    pub tag1: u16,
    pub tag2: u16,
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
    /// Where everything goes that an interface receives.
    xconnects: BTreeMap<u32, u32>,
    /// Tag rewrites. They outlive their interface unless it was bridged or cross-connected when it went.
    rewrites: BTreeMap<u32, TagRewrite>,
    /// How many MACs a new bridge domain learns.
    pub learn_limit: u32,
}

impl L2 {
    pub(crate) fn new() -> Self {
        Self {
            domains: vec![Some(BridgeDomain::new(0))],
            fib: BTreeMap::new(),
            xconnects: BTreeMap::new(),
            rewrites: BTreeMap::new(),
            learn_limit: LEARN_LIMIT,
        }
    }

    /// Index of the domain with an id.
    pub fn index_of(&self, id: u32) -> Option<usize> {
        self.domains.iter().position(|d| d.as_ref().is_some_and(|d| d.id == id))
    }

    /// The domain at an index.
    pub fn domain(&self, index: usize) -> Option<&BridgeDomain> {
        self.domains.get(index)?.as_ref()
    }

    pub(crate) fn domain_mut(&mut self, index: usize) -> Option<&mut BridgeDomain> {
        self.domains.get_mut(index)?.as_mut()
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

    /// Makes an interface one of layer 3: out of its domain or cross-connect, with no tag rewrite.
    pub(crate) fn make_l3(&mut self, sw_if_index: u32) {
        self.remove_port(sw_if_index);
        self.xconnects.remove(&sw_if_index);
        self.rewrites.remove(&sw_if_index);
    }

    /// An interface goes. The other end of its cross-connect becomes one of layer 3 too.
    pub(crate) fn interface_deleted(&mut self, sw_if_index: u32) {
        let other_end = self.xconnects.get(&sw_if_index).copied();
        if let Some(other_end) = other_end {
            self.make_l3(other_end);
        }
        if other_end.is_some() || self.domain_of(sw_if_index).is_some() {
            self.make_l3(sw_if_index);
        }
    }

    /// Sends everything that an interface receives to another one.
    pub(crate) fn xconnect(&mut self, rx: u32, tx: u32) {
        self.remove_port(rx);
        self.xconnects.insert(rx, tx);
    }

    /// Cross-connects: receiving and sending interface.
    pub fn xconnects(&self) -> impl Iterator<Item = (u32, u32)> {
        self.xconnects.iter().map(|(rx, tx)| (*rx, *tx))
    }

    /// The tag rewrite of an interface.
    pub fn rewrite(&self, sw_if_index: u32) -> Option<&TagRewrite> {
        self.rewrites.get(&sw_if_index)
    }

    pub(crate) fn set_rewrite(&mut self, sw_if_index: u32, rewrite: Option<TagRewrite>) {
        match rewrite {
            Some(rewrite) => self.rewrites.insert(sw_if_index, rewrite),
            None => self.rewrites.remove(&sw_if_index),
        };
    }

    /// Removes the entries of a domain, an interface, or all, that are not static.
    pub(crate) fn flush(&mut self, domain: Option<usize>, sw_if_index: Option<u32>) {
        self.fib.retain(|(at, _), entry| {
            entry.is_static
                || domain.is_some_and(|domain| domain != *at)
                || sw_if_index.is_some_and(|index| index != entry.sw_if_index)
        });
    }

    /// Removes all entries.
    pub(crate) fn clear_fib(&mut self) {
        self.fib.clear();
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
        self.xconnects.remove(&port.sw_if_index);
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
