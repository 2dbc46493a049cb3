//! What the simulated VPP holds.

pub mod abf;
pub mod acl;
pub mod bond;
pub mod dhcp;
pub mod fib;
pub mod interface;
pub mod l2;
pub mod memif;
pub mod neighbor;
pub(crate) mod pool;
pub mod proxy_arp;
pub mod queue;
pub mod slots;
pub mod span;
pub mod tunnel;
pub mod vlan;

use abf::Abf;
use acl::Acls;
use dhcp::DhcpClient;
use fib::Fib;
use interface::{Interface, Interfaces, Kind};
use l2::L2;
use memif::SocketFiles;
use neighbor::Neighbors;
use pool::Pools;
use proxy_arp::ProxyArp;
use span::Span;
use tunnel::Protocol;

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
    /// Socket files of memifs.
    pub memif_sockets: SocketFiles,
    /// Mirrored interfaces.
    pub span: Span,
    /// DHCP clients, in the order in which they were made.
    pub dhcp_clients: Vec<DhcpClient>,
    /// Numbers of instances.
    pub(crate) pools: Pools,
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
    /// A VPP just started: `local0`, bridge domain 0, table 0 and memif socket 0.
    pub(crate) fn new(runtime_dir: &str) -> Self {
        Self {
            interfaces: Interfaces::new(),
            l2: L2::new(),
            fib: Fib::new(),
            memif_sockets: SocketFiles::new(runtime_dir),
            span: Span::default(),
            dhcp_clients: Vec::new(),
            pools: Pools::default(),
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
        let (admin_up, link_up) =
            self.interfaces.get(sw_if_index).map_or((false, false), |i| (i.admin_up, i.link_up));
        if behaviour.creation_events || admin_up || link_up {
            self.event(InterfaceEvent { sw_if_index, admin_up, link_up, deleted: false });
        }
        self.sync_routes(behaviour, sw_if_index);
        sw_if_index
    }

    /// Deletes an interface: its addresses, their connected routes, its place in a bridge domain or cross-connect and
    /// its ACLs go. Routes and L2 FIB entries that lead through it stay, with an index that is free for the next
    /// interface, and so do static neighbours, proxy ARP and ABF attachments as the release has it.
    pub(crate) fn delete_interface(&mut self, behaviour: &Behaviour, sw_if_index: u32) {
        self.l2.interface_deleted(sw_if_index);
        self.leave_bond(behaviour, sw_if_index);
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
        if let Some(gone) = self.interfaces.remove(sw_if_index) {
            self.event(InterfaceEvent { sw_if_index, admin_up: false, link_up: false, deleted: true });
            self.forget(&gone);
        }
        self.release_tables();
    }

    /// Takes back what an interface held elsewhere.
    fn forget(&mut self, gone: &Interface) {
        match &gone.kind {
            Kind::Sub(sub) => {
                let parent = self.interfaces.get_mut(gone.sup_sw_if_index);
                if let (Some(parent), Ok(slot)) = (parent, sub.slot()) {
                    parent.slots.remove(&slot);
                }
            }
            Kind::Memif(memif) => self.pools.memif.put(memif.instance),
            Kind::AfPacket(host) => self.pools.af_packet.put(host.instance),
            Kind::Vxlan(vxlan) => {
                self.pools.vxlan.put(vxlan.instance);
                self.fib.untrack(vxlan.table_id, vxlan.dst);
            }
            Kind::Tunnel(tunnel) => match tunnel.protocol {
                Protocol::Gre(_) => self.pools.gre.put(tunnel.instance),
                Protocol::Ipip => self.pools.ipip.put(tunnel.instance),
            },
            Kind::Bond(bond) => self.pools.bond.put(bond.instance),
            Kind::Local | Kind::Loopback(_) | Kind::Bvi(_) | Kind::Tap(_) | Kind::Other => {}
        }
    }

    /// The bond that an interface is part of.
    pub fn bond_of(&self, sw_if_index: u32) -> Option<u32> {
        let has = |interface: &&Interface| match &interface.kind {
            Kind::Bond(bond) => bond.members.iter().any(|m| m.sw_if_index == sw_if_index),
            _ => false,
        };
        self.interfaces.iter().find(has).map(|i| i.sw_if_index)
    }

    /// Takes an interface out of its bond; it gets its MAC back. `false` when it is in none.
    pub(crate) fn leave_bond(&mut self, behaviour: &Behaviour, sw_if_index: u32) -> bool {
        let Some(bond) = self.bond_of(sw_if_index) else { return false };
        let mut own_mac = None;
        if let Some(Interface { kind: Kind::Bond(bond), .. }) = self.interfaces.get_mut(bond) {
            let position = bond.members.iter().position(|m| m.sw_if_index == sw_if_index);
            if let Some(position) = position {
                own_mac = bond.members.remove(position).own_mac;
            }
        }
        if let Some(interface) = self.interfaces.get_mut(sw_if_index) {
            interface.mac = own_mac;
        }
        self.check_bond(behaviour, bond);
        true
    }

    /// Works out which members of a bond are active, and whether its link is up.
    pub(crate) fn check_bond(&mut self, behaviour: &Behaviour, sw_if_index: u32) {
        let up: Vec<u32> =
            self.interfaces.iter().filter(|i| i.admin_up && i.link_up).map(|i| i.sw_if_index).collect();
        let Some(interface) = self.interfaces.get_mut(sw_if_index) else { return };
        let Kind::Bond(bond) = &mut interface.kind else { return };
        // With LACP a member waits for its partner.
        let waits = bond.mode == bond::mode::LACP;
        for member in &mut bond.members {
            member.active = !waits && up.contains(&member.sw_if_index);
            member.local_numa |= member.active;
        }
        let active = bond.active();
        if !behaviour.bond_link_follows_members {
            return;
        }
        // It rises while the bond is up, and stays when the bond goes down.
        let link_up = active > 0 && (interface.link_up || interface.admin_up);
        let (admin_up, changed) = (interface.admin_up, link_up != interface.link_up);
        interface.link_up = link_up;
        if changed {
            self.event(InterfaceEvent { sw_if_index, admin_up, link_up, deleted: false });
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
