//! Neighbours of IP interfaces.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use super::fib::network;
use crate::behaviour::{Behaviour, NeighborsSurvive, retval};

/// A neighbour.
#[derive(Clone, Copy, Debug)]
pub struct Neighbor {
    /// Its MAC.
    pub mac: [u8; 6],
    /// It does not age, and what is learned does not replace it.
    pub is_static: bool,
    /// It was made without a route.
    pub no_fib: bool,
    /// The table that has its route.
    pub table: Option<u32>,
    /// When it was last made or confirmed.
    pub updated: Instant,
    /// It goes when a replacement ends.
    pub(crate) marked: bool,
}

/// What is set for an address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Limits {
    /// 0 is no limit.
    pub max_number: u32,
    /// Seconds; 0 is for ever.
    pub max_age: u32,
    /// The oldest gives way when there are too many.
    pub recycle: bool,
}

/// All neighbours.
#[derive(Clone, Debug)]
pub struct Neighbors {
    entries: BTreeMap<(u32, IpAddr), Neighbor>,
    /// How many there are, and what is set for them: IPv4 and IPv6.
    counts: [usize; 2],
    limits: [Limits; 2],
}

impl Neighbors {
    pub(crate) const fn new() -> Self {
        let limits = Limits { max_number: 50_000, max_age: 0, recycle: false };
        Self { entries: BTreeMap::new(), counts: [0; 2], limits: [limits; 2] }
    }

    /// Neighbours with interface and address, in that order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, IpAddr, &Neighbor)> {
        self.entries.iter().map(|((sw_if_index, ip), entry)| (*sw_if_index, *ip, entry))
    }

    /// Those of an interface, with their addresses.
    pub fn of(&self, sw_if_index: u32) -> impl Iterator<Item = (IpAddr, &Neighbor)> {
        let first = (sw_if_index, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let from = self.entries.range(first..).take_while(move |((index, _), _)| *index == sw_if_index);
        from.map(|((_, ip), entry)| (*ip, entry))
    }

    /// The neighbour with an address.
    pub fn get(&self, sw_if_index: u32, ip: IpAddr) -> Option<&Neighbor> {
        self.entries.get(&(sw_if_index, ip))
    }

    pub(crate) fn get_mut(&mut self, sw_if_index: u32, ip: IpAddr) -> Option<&mut Neighbor> {
        self.entries.get_mut(&(sw_if_index, ip))
    }

    fn count(&mut self, v6: bool) -> &mut usize {
        let [four, six] = &mut self.counts;
        if v6 { six } else { four }
    }

    pub(crate) fn insert(&mut self, sw_if_index: u32, ip: IpAddr, entry: Neighbor) {
        if self.entries.insert((sw_if_index, ip), entry).is_none() {
            let count = self.count(ip.is_ipv6());
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn remove(&mut self, sw_if_index: u32, ip: IpAddr) -> Option<Neighbor> {
        let removed = self.entries.remove(&(sw_if_index, ip))?;
        let count = self.count(ip.is_ipv6());
        *count = count.saturating_sub(1);
        Some(removed)
    }

    /// What is set for a family.
    pub fn limits(&self, v6: bool) -> Limits {
        let [four, six] = self.limits;
        if v6 { six } else { four }
    }

    pub(crate) fn set_limits(&mut self, v6: bool, limits: Limits) {
        let [four, six] = &mut self.limits;
        *(if v6 { six } else { four }) = limits;
    }

    /// Which neighbour gives way to a new one: `Ok(None)` when there is room, `Err` when none does.
    pub(crate) fn in_the_way(&mut self, v6: bool) -> Result<Option<(u32, IpAddr)>, ()> {
        let limits = self.limits(v6);
        if limits.max_number == 0 || *self.count(v6) < limits.max_number as usize {
            return Ok(None);
        }
        let learned = self.entries.iter().filter(|((_, ip), e)| ip.is_ipv6() == v6 && !e.is_static);
        let oldest = learned.min_by_key(|(_, e)| e.updated).map(|(key, _)| *key);
        oldest.filter(|_| limits.recycle).map(Some).ok_or(())
    }

    /// From now on everything that is not made again goes with [`Self::marked`].
    pub(crate) fn mark(&mut self) {
        for entry in self.entries.values_mut() {
            entry.marked = true;
        }
    }

    pub(crate) fn marked(&self) -> Vec<(u32, IpAddr)> {
        self.entries.iter().filter(|(_, e)| e.marked).map(|(key, _)| *key).collect()
    }

    /// Those that go with their interface.
    pub(crate) fn going_with(&self, sw_if_index: u32, behaviour: &Behaviour) -> Vec<(u32, IpAddr)> {
        let stays = |ip: &IpAddr| match behaviour.static_neighbors_survive {
            NeighborsSurvive::Both => true,
            NeighborsSurvive::Ip6 => ip.is_ipv6(),
            NeighborsSurvive::None => false,
        };
        let going = self.of(sw_if_index).filter(|(ip, e)| !e.is_static || !stays(ip));
        going.map(|(ip, _)| (sw_if_index, ip)).collect()
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

impl super::State {
    /// Adds or changes a neighbour of an interface, and its route.
    ///
    /// # Errors
    /// The retval that VPP refuses it with.
    pub(crate) fn add_neighbor(
        &mut self,
        behaviour: &Behaviour,
        (sw_if_index, ip): (u32, IpAddr),
        mac: [u8; 6],
        is_static: bool,
        no_fib: bool,
    ) -> Result<(), i32> {
        if let Some(there) = self.neighbors.get_mut(sw_if_index, ip) {
            there.marked = false;
            if there.is_static && !is_static {
                // What is learned does not replace what was set. ARP did not tell.
                let told = !behaviour.old_neighbors || ip.is_ipv6();
                return if there.mac == mac || !told { Ok(()) } else { Err(retval::INVALID_SW_IF_INDEX) };
            }
            if there.mac != mac || behaviour.same_mac_makes_static {
                there.is_static |= is_static;
            }
            there.mac = mac;
            there.updated = Instant::now();
            return Ok(());
        }
        match self.neighbors.in_the_way(ip.is_ipv6()) {
            Ok(None) => {}
            Ok(Some(oldest)) => self.remove_neighbors(&[oldest]),
            Err(()) => return Err(retval::LIMIT_EXCEEDED),
        }
        let entry = Neighbor { mac, is_static, no_fib, table: None, updated: Instant::now(), marked: false };
        self.neighbors.insert(sw_if_index, ip, entry);
        if !no_fib {
            self.route_to_neighbor(sw_if_index, ip);
        }
        Ok(())
    }

    /// Gives a neighbour its route, in the table that its interface has now.
    fn route_to_neighbor(&mut self, sw_if_index: u32, ip: IpAddr) {
        let table = self.interfaces.get(sw_if_index).map(|i| i.table(ip.is_ipv6()));
        let (Some(table), Some(neighbor)) = (table, self.neighbors.get_mut(sw_if_index, ip)) else { return };
        // Those of IPv6 link-local addresses are in tables of their own that no dump shows.
        if !is_link_local(ip) {
            neighbor.table = Some(table);
            self.fib.add_adjacency(table, ip, sw_if_index);
        }
    }

    /// Removes neighbours with their routes.
    pub(crate) fn remove_neighbors(&mut self, keys: &[(u32, IpAddr)]) {
        for (sw_if_index, ip) in keys {
            let removed = self.neighbors.remove(*sw_if_index, *ip);
            if let Some(table) = removed.and_then(|n| n.table) {
                self.fib.remove_adjacency(table, *ip, *sw_if_index);
            }
        }
    }

    /// Removes the learned neighbours of an interface that an address covers; all of them without one.
    pub(crate) fn forget_neighbors(&mut self, sw_if_index: u32, covered: Option<(IpAddr, u8)>) {
        let covers = |ip: IpAddr| {
            covered.is_none_or(|(address, len)| {
                address.is_ipv6() == ip.is_ipv6() && network(address, len) == network(ip, len)
            })
        };
        let going: Vec<(u32, IpAddr)> = self
            .neighbors
            .of(sw_if_index)
            .filter(|(ip, n)| !n.is_static && covers(*ip))
            .map(|(ip, _)| (sw_if_index, ip))
            .collect();
        self.remove_neighbors(&going);
    }

    /// The routes of an interface's neighbours move to its new table.
    pub(crate) fn move_neighbors(&mut self, sw_if_index: u32, v6: bool) {
        let moving: Vec<(IpAddr, u32)> = self
            .neighbors
            .of(sw_if_index)
            .filter(|(ip, _)| ip.is_ipv6() == v6)
            .filter_map(|(ip, n)| Some((ip, n.table?)))
            .collect();
        for (ip, table) in moving {
            self.fib.remove_adjacency(table, ip, sw_if_index);
            self.route_to_neighbor(sw_if_index, ip);
        }
    }
}
