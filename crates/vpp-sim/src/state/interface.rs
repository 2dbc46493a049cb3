//! Interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::bond::Bond;
use super::memif::Memif;
use super::queue::Queues;
use super::tunnel::{Tunnel, Vxlan};
use super::vlan::Slot;
pub use super::vlan::Sub;

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address, with its host part.
    pub ip: IpAddr,
    /// Bits of the network part.
    pub len: u8,
}

/// What an interface is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `local0`.
    Local,
    /// A loopback with its instance.
    Loopback(u32),
    /// A BVI with its instance.
    Bvi(u32),
    /// A TAP.
    Tap(Box<Tap>),
    /// A VLAN sub-interface.
    Sub(Sub),
    /// A memif.
    Memif(Memif),
    /// An interface of the host, used through AF_PACKET.
    AfPacket(AfPacket),
    /// A VXLAN tunnel.
    Vxlan(Box<Vxlan>),
    /// A GRE or an IPIP tunnel.
    Tunnel(Box<Tunnel>),
    /// A bond.
    Bond(Box<Bond>),
    /// Something that was not made through the API, such as a NIC.
    Other,
}

/// What is special about a TAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tap {
    pub id: u32,
    pub host_if_name: String,
    pub host_namespace: String,
    pub host_bridge: String,
    pub host_mac: [u8; 6],
    pub host_ip4: Option<([u8; 4], u8)>,
    pub host_ip6: Option<([u8; 16], u8)>,
    pub host_mtu: u32,
    pub rx_ring_size: u16,
    pub tx_ring_size: u16,
    pub flags: u32,
}

/// What is special about an interface of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AfPacket {
    /// Place among them, which is the order of dumps.
    pub instance: u32,
    pub host_if_name: String,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index.
    pub sw_if_index: u32,
    /// Index of the interface that it is part of; its own when it is not.
    pub sup_sw_if_index: u32,
    /// Name as VPP shows it.
    pub name: String,
    /// Name of its device class.
    pub device_class: &'static str,
    /// What it is.
    pub kind: Kind,
    /// MAC, where it has one.
    pub mac: Option<[u8; 6]>,
    /// Administratively up.
    pub admin_up: bool,
    /// Link up; of a sub-interface its parent's counts.
    pub link_up: bool,
    /// Largest frame of the link.
    pub link_mtu: u32,
    /// L3, IPv4, IPv6, MPLS.
    pub mtu: [u32; 4],
    /// Tag; empty for none.
    pub tag: String,
    /// Addresses in the order in which they were added.
    pub addresses: Vec<Address>,
    /// IPv4 and IPv6 table.
    pub tables: [u32; 2],
    /// Interface whose addresses it uses, which may be gone.
    pub unnumbered: Option<u32>,
    /// How often IPv6 was enabled on it by request.
    pub ip6_enabled: u32,
    /// Accepts frames for others.
    pub promiscuous: bool,
    /// Forwards to the broadcast address of its subnet.
    pub directed_broadcast: bool,
    /// Its queues.
    pub queues: Queues,
    /// Frames that it and its sub-interfaces claim.
    pub(crate) slots: BTreeSet<Slot>,
}

impl Interface {
    /// An interface of an Ethernet device.
    pub(crate) fn ethernet(
        sw_if_index: u32,
        name: String,
        device_class: &'static str,
        kind: Kind,
        mac: [u8; 6],
        link_mtu: u32,
    ) -> Self {
        Self {
            sw_if_index,
            sup_sw_if_index: sw_if_index,
            name,
            device_class,
            kind,
            mac: Some(mac),
            admin_up: false,
            link_up: false,
            link_mtu,
            mtu: [9000, 0, 0, 0],
            tag: String::new(),
            addresses: Vec::new(),
            tables: [0, 0],
            unnumbered: None,
            ip6_enabled: 0,
            promiscuous: false,
            directed_broadcast: false,
            queues: Queues::default(),
            slots: BTreeSet::from([Slot::Untagged]),
        }
    }

    /// An interface that has no Ethernet header, with the largest packet that it is made for.
    pub(crate) fn ip(
        sw_if_index: u32,
        name: String,
        device_class: &'static str,
        kind: Kind,
        mtu: u32,
    ) -> Self {
        Self {
            mac: None,
            mtu: [mtu, 0, 0, 0],
            ..Self::ethernet(sw_if_index, name, device_class, kind, [0; 6], 0)
        }
    }

    /// Has an Ethernet header of its own.
    pub(crate) fn is_ethernet(&self) -> bool {
        self.mac.is_some()
    }

    /// Its driver cannot be told of MTU or promiscuity.
    pub(crate) fn is_deaf(&self) -> bool {
        matches!(self.kind, Kind::Loopback(_) | Kind::Bvi(_) | Kind::Bond(_) | Kind::Tunnel(_))
    }

    /// The table of an address family.
    pub fn table(&self, v6: bool) -> u32 {
        let [v4, six] = self.tables;
        if v6 { six } else { v4 }
    }
}

/// All interfaces by index.
#[derive(Clone, Debug)]
pub struct Interfaces {
    slots: Vec<Option<Interface>>,
    /// Freed indices; VPP's pools give the last freed one first.
    free: Vec<u32>,
    /// Counts what came and went.
    version: u64,
}

impl Interfaces {
    pub(crate) fn new() -> Self {
        let local = Interface {
            mac: None,
            mtu: [0; 4],
            ..Interface::ethernet(0, "local0".to_string(), "local", Kind::Local, [0; 6], 0)
        };
        Self { slots: vec![Some(local)], free: Vec::new(), version: 0 }
    }

    pub(crate) fn add(&mut self, make: impl FnOnce(u32) -> Interface) -> u32 {
        let sw_if_index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(u32::MAX)
            }
        };
        let interface = make(sw_if_index);
        self.version = self.version.wrapping_add(1);
        if let Some(slot) = self.slots.get_mut(sw_if_index as usize) {
            *slot = Some(interface);
        }
        sw_if_index
    }

    /// The index that the next interface gets.
    pub(crate) fn next_index(&self) -> u32 {
        let fresh = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.free.last().copied().unwrap_or(fresh)
    }

    /// Gives an interface another name; its sub-interfaces are called after it.
    pub(crate) fn rename(&mut self, sw_if_index: u32, name: &str) {
        for interface in self.slots.iter_mut().flatten() {
            match &interface.kind {
                Kind::Sub(sub) if interface.sup_sw_if_index == sw_if_index => {
                    interface.name = format!("{name}.{}", sub.id);
                }
                _ if interface.sw_if_index == sw_if_index => interface.name = name.to_string(),
                _ => {}
            }
        }
    }

    /// Sets the MTU of a link and of all that is on it.
    pub(crate) fn set_link_mtu(&mut self, sw_if_index: u32, mtu: u32) {
        for interface in self.slots.iter_mut().flatten().filter(|i| i.sup_sw_if_index == sw_if_index) {
            let [l3, ..] = &mut interface.mtu;
            *l3 = mtu;
            if interface.sw_if_index == sw_if_index {
                interface.link_mtu = mtu;
            }
        }
    }

    pub(crate) fn remove(&mut self, sw_if_index: u32) -> Option<Interface> {
        let removed = self.slots.get_mut(sw_if_index as usize)?.take();
        if removed.is_some() {
            self.version = self.version.wrapping_add(1);
            self.free.push(sw_if_index);
        }
        removed
    }

    /// Another number whenever an interface came or went.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The interface with an index.
    pub fn get(&self, sw_if_index: u32) -> Option<&Interface> {
        self.slots.get(sw_if_index as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, sw_if_index: u32) -> Option<&mut Interface> {
        self.slots.get_mut(sw_if_index as usize)?.as_mut()
    }

    /// All of them, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.slots.iter().flatten()
    }

    /// The interface with a name.
    pub fn by_name(&self, name: &str) -> Option<&Interface> {
        self.iter().find(|i| i.name == name)
    }

    /// Whether the link is up, which for a sub-interface is its parent's.
    pub fn link_up(&self, interface: &Interface) -> bool {
        if interface.sup_sw_if_index == interface.sw_if_index {
            return interface.link_up;
        }
        self.get(interface.sup_sw_if_index).is_some_and(|parent| parent.link_up)
    }
}
