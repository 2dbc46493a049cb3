//! What every descriptor works with: the calls, and what the names of the models stand for in VPP.

use std::collections::HashMap;

use kvscheduler::{Failure, MetadataMap};
use vppcalls::Handlers;

use crate::Southbound;

/// What is known of an interface in VPP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceIndex {
    /// VPP's number for it.
    pub sw_if_index: u32,
}

/// What is known of a bridge domain in VPP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeDomainIndex {
    /// VPP's number for it.
    pub id: u32,
}

/// From the names of the models to what VPP calls them.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    /// Interfaces by name.
    pub interfaces: MetadataMap<InterfaceIndex>,
    /// Bridge domains by name.
    pub bridge_domains: MetadataMap<BridgeDomainIndex>,
}

/// In front of VPP's own name, for interfaces that nobody has given one. They are somebody else's.
const UNTAGGED: &str = "UNTAGGED-";

/// The name of an interface that has no tag.
pub(crate) fn untagged(internal_name: &str) -> String {
    format!("{UNTAGGED}{internal_name}")
}

/// What counts where a value says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// MTU of interfaces, in bytes; 0 leaves them what VPP gives them.
    pub mtu: u32,
}

/// The VPP that is connected, with the indexes of names.
#[derive(Clone, Debug)]
pub(crate) struct Vpp {
    pub(crate) southbound: Southbound,
    pub(crate) indexes: Indexes,
    pub(crate) defaults: Defaults,
}

impl Vpp {
    pub(crate) fn calls(&self) -> Result<Handlers, Failure> {
        self.southbound.get()
    }

    /// The number of an interface, or a failure that names it.
    pub(crate) fn interface(&self, name: &str) -> Result<u32, Failure> {
        let index = self.indexes.interfaces.get(name).map(|i| i.sw_if_index);
        index.ok_or_else(|| Failure::new(format!("interface {name} is not known in VPP")))
    }

    /// The number of a bridge domain, or a failure that names it.
    pub(crate) fn bridge_domain(&self, name: &str) -> Result<u32, Failure> {
        let index = self.indexes.bridge_domains.get(name).map(|b| b.id);
        index.ok_or_else(|| Failure::new(format!("bridge domain {name} is not known in VPP")))
    }

    /// The names of the interfaces that are known.
    pub(crate) fn names(&self) -> Names {
        let all = self.indexes.interfaces.snapshot().into_iter();
        Names(all.map(|(name, index)| (index.sw_if_index, name)).collect())
    }
}

/// Names of interfaces by VPP's number.
#[derive(Debug, Default)]
pub(crate) struct Names(pub(crate) HashMap<u32, String>);

impl Names {
    /// The name, also of an interface that is somebody else's.
    pub(crate) fn any(&self, sw_if_index: u32) -> Option<&str> {
        self.0.get(&sw_if_index).map(String::as_str)
    }

    /// The name of an interface that somebody has given one. What others do with interfaces without a name is none of
    /// our business, be it to something of ours.
    pub(crate) fn given(&self, sw_if_index: u32) -> Option<&str> {
        self.any(sw_if_index).filter(|name| !name.starts_with(UNTAGGED))
    }
}

/// A MAC as text.
pub(crate) fn mac_text(mac: &[u8; 6]) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}
