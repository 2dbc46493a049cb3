//! What the simulated VPP holds.

pub mod abf;
pub mod acl;
pub mod fib;
pub mod interface;
pub mod l2;
pub mod neighbor;

pub mod proxy_arp;
pub mod slots;

use abf::Abf;
use acl::Acls;
use fib::Fib;
use interface::{Interface, Interfaces};
use l2::L2;
use neighbor::Neighbors;
use proxy_arp::ProxyArp;

use crate::behaviour::Behaviour;

/// What subscribers hear of an interface: what happened, not how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceEvent {
    /// Which interface.
    pub sw_if_index: u32,
    /// It went administratively up.
    pub admin_up: bool,
    /// Its link went up. A sub-interface has none of its own.
    pub link_up: bool,
    /// It is gone.
    pub deleted: bool,
}

/// All state of one run of a VPP.
#[derive(Clone, Debug)]
pub struct State {
    /// Interfaces and their addresses.
    pub interfaces: Interfaces,
    /// Bridge domains, their ports and the L2 FIB.
    pub l2: L2,
    /// IP tables and routes.
    pub fib: Fib,
    /// Neighbours.
    pub neighbors: Neighbors,
    /// Proxy ARP.
    pub proxy_arp: ProxyArp,
    /// Access control lists.
    pub acls: Acls,
    /// ACL based forwarding.
    pub abf: Abf,
    /// Events not yet delivered.
    pub(crate) events: Vec<InterfaceEvent>,
}

impl State {
    /// A VPP just started: `local0`, bridge domain 0 and table 0.
    pub(crate) fn new() -> Self {
        Self {
            interfaces: Interfaces::new(),
            l2: L2::new(),
            fib: Fib::new(),
            neighbors: Neighbors::new(),
            proxy_arp: ProxyArp::default(),
            acls: Acls::new(),
            abf: Abf::new(),
            events: Vec::new(),
        }
    }

    /// Adds an interface at the index that VPP would give it, and tells subscribers where the release does.
    pub(crate) fn add_interface(
        &mut self,
        behaviour: &Behaviour,
        make: impl FnOnce(u32) -> Interface,
    ) -> u32 {
        let sw_if_index = self.interfaces.add(make);
        if behaviour.creation_events {
            let link_up = self.interfaces.get(sw_if_index).is_some_and(|i| i.link_up);
            self.event(InterfaceEvent { sw_if_index, admin_up: false, link_up, deleted: false });
        }
        self.sync_routes(behaviour, sw_if_index);
        sw_if_index
    }

    /// Deletes an interface: its addresses, their connected routes, its place in a bridge domain or cross-connect and
    /// its ACLs go. Routes and L2 FIB entries that lead through it stay, with an index that is free for the next
    /// interface, and so do static neighbours, proxy ARP and ABF attachments as the release has it.
    pub(crate) fn delete_interface(&mut self, behaviour: &Behaviour, sw_if_index: u32) {
        self.l2.interface_deleted(sw_if_index);
        self.acls.interface_deleted(sw_if_index);
        let going = self.neighbors.going_with(sw_if_index, behaviour);
        self.remove_neighbors(&going);
        if !behaviour.proxy_arp_survives {
            self.proxy_arp.interfaces.remove(&sw_if_index);
        }
        if let Some(interface) = self.interfaces.get_mut(sw_if_index) {
            interface.addresses.clear();
        }
        self.sync_routes(behaviour, sw_if_index);
        if self.interfaces.remove(sw_if_index).is_some() {
            self.event(InterfaceEvent { sw_if_index, admin_up: false, link_up: false, deleted: true });
        }
        self.release_tables();
    }

    /// Notes what happened to an interface; what happens before delivery is one event.
    pub(crate) fn event(&mut self, event: InterfaceEvent) {
        match self.events.iter_mut().find(|e| e.sw_if_index == event.sw_if_index) {
            Some(noted) => {
                noted.admin_up |= event.admin_up;
                noted.link_up |= event.link_up;
                noted.deleted |= event.deleted;
            }
            None => self.events.push(event),
        }
    }

    /// Drops deleted tables that nothing uses any more.
    pub(crate) fn release_tables(&mut self) {
        let (interfaces, policies) = (&self.interfaces, &self.abf.policies);
        self.fib.release(|id, v6| {
            interfaces.iter().any(|i| i.table(v6) == id)
                || policies.iter().flat_map(|(_, p)| &p.paths).any(|path| path.looks_up(id, v6))
        });
    }

    /// Makes the connected routes of an interface what its addresses and admin state want.
    pub(crate) fn sync_routes(&mut self, behaviour: &Behaviour, sw_if_index: u32) {
        let interface = self.interfaces.get(sw_if_index);
        self.fib.connect(sw_if_index, interface, behaviour);
    }
}
