//! IP tables and routes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::interface::Interface;
use crate::behaviour::Behaviour;

/// Who made a route; the lowest number that a prefix has is the one that counts. VPP's numbers.
pub mod source {
    #![allow(missing_docs)]
    pub const SPECIAL: u8 = 1;
    pub const INTERFACE: u8 = 4;
    pub const API: u8 = 8;
    /// A neighbour.
    pub const ADJACENCY: u8 = 15;
    /// Next hop of another route.
    pub const RECURSIVE_RESOLUTION: u8 = 18;
    pub const DEFAULT_ROUTE: u8 = 20;
}

/// What a path does; numbers of `fib_path_type`.
pub mod path_type {
    #![allow(missing_docs)]
    pub const NORMAL: u32 = 0;
    pub const LOCAL: u32 = 1;
    pub const DROP: u32 = 2;
    pub const UDP_ENCAP: u32 = 3;
    pub const ICMP_UNREACH: u32 = 5;
    pub const ICMP_PROHIBIT: u32 = 6;
    pub const SOURCE_LOOKUP: u32 = 7;
    pub const DVR: u32 = 8;
    pub const INTERFACE_RX: u32 = 9;
}

/// A label that a path puts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Label {
    pub is_uniform: u8,
    pub label: u32,
    pub ttl: u8,
    pub exp: u8,
}

/// One way of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where to; !0 for a way through a table.
    pub sw_if_index: u32,
    /// The table that a way without interface is looked up in.
    pub table_id: u32,
    /// Share among paths of the same preference.
    pub weight: u8,
    /// Paths of the lowest one are used.
    pub preference: u8,
    /// See [`path_type`].
    pub kind: u32,
    /// `fib_path_flags` of the API.
    pub flags: u32,
    /// `fib_path_nh_proto` of the API.
    pub proto: u32,
    /// Next hop; an IPv4 address in the first four bytes.
    pub next_hop: [u8; 16],
    /// Identifies what the type needs: UDP encapsulation.
    pub object: u32,
    /// Labels.
    pub labels: Vec<Label>,
}

impl Path {
    /// A path that drops.
    pub(crate) fn drop(v6: bool) -> Self {
        Self::to(u32::MAX, path_type::DROP, v6, [0; 16])
    }

    pub(crate) fn to(sw_if_index: u32, kind: u32, v6: bool, next_hop: [u8; 16]) -> Self {
        Self {
            sw_if_index,
            table_id: 0,
            weight: 1,
            preference: 0,
            kind,
            flags: 0,
            proto: u32::from(v6),
            next_hop,
            object: 0,
            labels: Vec::new(),
        }
    }

    /// Whether it leads through an interface.
    pub fn interface(&self) -> Option<u32> {
        (self.sw_if_index != u32::MAX).then_some(self.sw_if_index)
    }

    /// Whether it is looked up in a table, which then cannot go.
    pub(crate) fn looks_up(&self, id: u32, v6: bool) -> bool {
        matches!(self.kind, path_type::NORMAL | path_type::SOURCE_LOOKUP)
            && self.interface().is_none()
            && self.table_id == id
            && (self.proto == 1) == v6
    }

    /// Same way, whatever its weight and preference.
    pub(crate) fn same_way(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.proto == other.proto
            && self.sw_if_index == other.sw_if_index
            && self.table_id == other.table_id
            && self.next_hop == other.next_hop
    }
}

/// A prefix with what every source wants for it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Address as it was first given, with its host part.
    pub ip: IpAddr,
    /// Bits of the network part.
    pub len: u8,
    /// Index of its counters.
    pub stats_index: u32,
    /// Paths by source.
    pub sources: BTreeMap<u8, Vec<Path>>,
}

impl Entry {
    /// The source that counts, and its paths.
    pub fn best(&self) -> Option<(u8, &[Path])> {
        self.sources.iter().next().map(|(source, paths)| (*source, paths.as_slice()))
    }
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its id.
    pub id: u32,
    /// Its family.
    pub v6: bool,
    /// Its name.
    pub name: String,
    /// Its index among those of its family, which is not its id.
    pub fib_index: u32,
    /// What the flow hash is made of; bits of `ip_flow_hash_config_v2`. `None` is what the release has by itself.
    pub flow_hash: Option<u32>,
    /// It was made and not deleted by a request. A deleted one stays while something uses it.
    pub locked: bool,
    /// By length and network address.
    entries: BTreeMap<(u8, [u8; 16]), Entry>,
    /// Prefixes whose API routes go when a replacement ends.
    marked: Vec<(IpAddr, u8)>,
}

impl Table {
    /// Entries, short prefixes first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Prefixes that have a route from the API.
    fn api_routes(&self) -> Vec<(IpAddr, u8)> {
        let entries = self.entries().filter(|e| e.sources.contains_key(&source::API));
        entries.map(|e| (e.ip, e.len)).collect()
    }

    /// The entry of a prefix.
    pub fn entry(&self, ip: IpAddr, len: u8) -> Option<&Entry> {
        self.entries.get(&(len, network(ip, len)))
    }
}

/// All tables.
#[derive(Clone, Debug)]
pub struct Fib {
    tables: Vec<Table>,
    next_stats_index: u32,
    /// Indices of tables that are gone, of IPv4 and IPv6; the last one is taken first.
    free: [Vec<u32>; 2],
    /// Connected routes of each interface: table, family, prefix.
    connected: BTreeMap<u32, Vec<(u32, IpAddr, u8)>>,
    /// Ends of tunnels, with their table.
    tracked: Vec<(u32, IpAddr)>,
}

/// The address without its host part.
pub(crate) fn network(ip: IpAddr, len: u8) -> [u8; 16] {
    let mut bytes = crate::message::sixteen(ip);
    let mut left = u32::from(len);
    for byte in &mut bytes {
        let keep = left.min(8);
        *byte &= u8::try_from(0xff00_u32 >> keep & 0xff).unwrap_or(0);
        left = left.saturating_sub(8);
    }
    bytes
}

impl Fib {
    pub(crate) fn new() -> Self {
        let mut fib = Self {
            tables: Vec::new(),
            next_stats_index: 1,
            free: [Vec::new(), Vec::new()],
            connected: BTreeMap::new(),
            tracked: Vec::new(),
        };
        fib.add_table(0, false, "");
        fib.add_table(0, true, "");
        fib
    }

    /// IPv4 tables, then IPv6 tables, by their indices.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|t| !t.v6).chain(self.tables.iter().filter(|t| t.v6))
    }

    /// Follows the way to the end of a tunnel.
    pub(crate) fn track(&mut self, table: u32, end: IpAddr) {
        self.tracked.push((table, end));
    }

    /// Once less.
    pub(crate) fn untrack(&mut self, table: u32, end: IpAddr) {
        if let Some(position) = self.tracked.iter().position(|t| *t == (table, end)) {
            self.tracked.remove(position);
        }
    }

    /// Hosts that routes without an interface or tunnels go through, and that have no route of their own: VPP gives
    /// them one, with the way of the prefix that covers them.
    pub fn resolved(&self, table: &Table) -> Vec<Entry> {
        let whole = if table.v6 { 128 } else { 32 };
        let mut found: BTreeMap<[u8; 16], Entry> = BTreeMap::new();
        let paths = self.tables.iter().filter(|t| t.v6 == table.v6).flat_map(Table::entries);
        let paths = paths.flat_map(|e| e.sources.values().flatten());
        let recursive = |path: &&Path| {
            path.kind == path_type::NORMAL
                && path.interface().is_none()
                && path.table_id == table.id
                && (path.proto == 1) == table.v6
                && path.next_hop != [0; 16]
        };
        let tracked = self.tracked.iter().filter(|(id, ip)| *id == table.id && ip.is_ipv6() == table.v6);
        let hosts = paths
            .filter(recursive)
            .map(|path| path.next_hop)
            .chain(tracked.map(|(_, ip)| crate::message::sixteen(*ip)));
        for host in hosts {
            let ip = crate::message::address(host, table.v6);
            if table.entry(ip, whole).is_some() {
                continue;
            }
            let cover = (0..whole).rev().find_map(|len| table.entry(ip, len)?.best());
            let paths = match cover {
                Some((_, [glean])) if glean.interface().is_some() && glean.next_hop == [0; 16] => {
                    vec![Path { next_hop: host, ..glean.clone() }]
                }
                Some((_, paths)) => paths.to_vec(),
                None => Vec::new(),
            };
            let sources = BTreeMap::from([(source::RECURSIVE_RESOLUTION, paths)]);
            found.insert(host, Entry { ip, len: whole, stats_index: 0, sources });
        }
        found.into_values().collect()
    }

    /// The table with an id.
    pub fn table(&self, id: u32, v6: bool) -> Option<&Table> {
        self.tables.iter().find(|t| t.id == id && t.v6 == v6)
    }

    fn table_mut(&mut self, id: u32, v6: bool) -> Option<&mut Table> {
        self.tables.iter_mut().find(|t| t.id == id && t.v6 == v6)
    }

    /// Adds a table with the routes that VPP gives it; one that is there already stays as it is.
    pub(crate) fn add_table(&mut self, id: u32, v6: bool, name: &str) {
        if self.table(id, v6).is_some() {
            return;
        }
        let [four, six] = &mut self.free;
        let fib_index = (if v6 { six } else { four }).pop().unwrap_or_else(|| {
            u32::try_from(self.tables.iter().filter(|t| t.v6 == v6).count()).unwrap_or(u32::MAX)
        });
        let name = match name {
            "" => format!("ipv{}-VRF:{id}", if v6 { 6 } else { 4 }),
            name => name.to_string(),
        };
        let at = self.tables.partition_point(|t| (t.v6, t.fib_index) < (v6, fib_index));
        let table = Table {
            id,
            v6,
            name,
            fib_index,
            flow_hash: None,
            locked: true,
            entries: BTreeMap::new(),
            marked: Vec::new(),
        };
        self.tables.insert(at, table);
        if v6 {
            let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            self.update(id, any, 0, source::DEFAULT_ROUTE, vec![Path::drop(true)]);
            let link_local = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0));
            let path = Path::to(u32::MAX, path_type::NORMAL, true, [0; 16]);
            self.update(id, link_local, 10, source::SPECIAL, vec![path]);
            return;
        }
        let any = Ipv4Addr::UNSPECIFIED;
        for (ip, len, source) in [
            (any, 0, source::DEFAULT_ROUTE),
            (any, 32, source::DEFAULT_ROUTE),
            (Ipv4Addr::new(240, 0, 0, 0), 4, source::SPECIAL),
            (Ipv4Addr::new(224, 0, 0, 0), 4, source::SPECIAL),
            (Ipv4Addr::BROADCAST, 32, source::DEFAULT_ROUTE),
        ] {
            self.update(id, IpAddr::V4(ip), len, source, vec![Path::drop(false)]);
        }
    }

    /// Makes a table that was deleted but is still in use be there for good again.
    pub(crate) fn relock_table(&mut self, id: u32, v6: bool) {
        if let Some(table) = self.table_mut(id, v6) {
            table.locked = true;
        }
    }

    /// Deletes a table, which goes with all its routes when [`Self::release`] finds no use of it.
    pub(crate) fn delete_table(&mut self, id: u32, v6: bool, behaviour: &Behaviour) {
        if behaviour.flushes_deleted_table {
            self.flush(id, v6);
        }
        if let Some(table) = self.table_mut(id, v6) {
            table.locked = false;
        }
    }

    /// Drops deleted tables that no route leads to, that no neighbour has a route in, and that `used` denies.
    pub(crate) fn release(&mut self, used: impl Fn(u32, bool) -> bool) {
        let unused = |table: &Table| {
            !table.locked
                && !used(table.id, table.v6)
                && !table.entries().any(|e| e.sources.contains_key(&source::ADJACENCY))
                && !self
                    .tables
                    .iter()
                    .flat_map(Table::entries)
                    .flat_map(|e| e.sources.values().flatten())
                    .any(|path| path.looks_up(table.id, table.v6))
        };
        let gone: Vec<(u32, bool)> =
            self.tables.iter().filter(|t| unused(t)).map(|t| (t.fib_index, t.v6)).collect();
        self.tables.retain(|t| !gone.contains(&(t.fib_index, t.v6)));
        for (fib_index, v6) in gone {
            let [four, six] = &mut self.free;
            (if v6 { six } else { four }).push(fib_index);
        }
    }

    /// Sets what the flow hash of a table is made of; `false` without table.
    pub(crate) fn set_flow_hash(&mut self, id: u32, v6: bool, flow_hash: u32) -> bool {
        self.table_mut(id, v6).map(|table| table.flow_hash = Some(flow_hash)).is_some()
    }

    /// Removes the routes that the API made in a table.
    pub(crate) fn flush(&mut self, id: u32, v6: bool) {
        for (ip, len) in self.table(id, v6).map(Table::api_routes).unwrap_or_default() {
            self.remove(id, ip, len, source::API);
        }
    }

    /// Begins a replacement: what the API does not set again goes with [`Self::sweep`].
    pub(crate) fn mark(&mut self, id: u32, v6: bool) {
        if let Some(table) = self.table_mut(id, v6) {
            table.marked = table.api_routes();
        }
    }

    /// Ends a replacement.
    pub(crate) fn sweep(&mut self, id: u32, v6: bool) {
        let marked = self.table_mut(id, v6).map(|table| std::mem::take(&mut table.marked));
        for (ip, len) in marked.unwrap_or_default() {
            self.remove(id, ip, len, source::API);
        }
    }

    /// The entry that packets for an address take, among prefixes of at most a length.
    pub fn lookup(&self, id: u32, ip: IpAddr, longest: u8) -> Option<&Entry> {
        let table = self.table(id, ip.is_ipv6())?;
        (0..=longest).rev().find_map(|len| table.entry(ip, len))
    }

    /// Index of an entry's counters; !0 when packets do not take it. So it is with the route of a neighbour unless a
    /// shorter prefix is attached to the neighbour's interface (`fib_entry_src_adj_activate`).
    pub fn stats_index(&self, table: &Table, entry: &Entry) -> u32 {
        let Some((source::ADJACENCY, paths)) = entry.best() else { return entry.stats_index };
        let cover = (0..entry.len).rev().find_map(|len| table.entry(entry.ip, len)?.best());
        let attached = cover.and_then(|(_, paths)| match paths {
            [path] if path.next_hop == [0; 16] => path.interface(),
            _ => None,
        });
        let installed = attached.is_some() && paths.iter().any(|path| path.interface() == attached);
        if installed { entry.stats_index } else { u32::MAX }
    }

    /// The route that a neighbour gives its address; one more path when it is there on several interfaces.
    pub(crate) fn add_adjacency(&mut self, table: u32, ip: IpAddr, sw_if_index: u32) {
        let next_hop = crate::message::sixteen(ip);
        let len = if ip.is_ipv6() { 128 } else { 32 };
        let mut paths =
            self.paths(table, ip, len, source::ADJACENCY).map(<[Path]>::to_vec).unwrap_or_default();
        paths.push(Path::to(sw_if_index, path_type::NORMAL, ip.is_ipv6(), next_hop));
        self.update(table, ip, len, source::ADJACENCY, paths);
    }

    pub(crate) fn remove_adjacency(&mut self, table: u32, ip: IpAddr, sw_if_index: u32) {
        let len = if ip.is_ipv6() { 128 } else { 32 };
        let mut paths =
            self.paths(table, ip, len, source::ADJACENCY).map(<[Path]>::to_vec).unwrap_or_default();
        paths.retain(|path| path.sw_if_index != sw_if_index);
        if paths.is_empty() {
            self.remove(table, ip, len, source::ADJACENCY);
        } else {
            self.update(table, ip, len, source::ADJACENCY, paths);
        }
    }

    /// Sets the paths that a source wants for a prefix. The index of its counters, or `None` without table.
    pub(crate) fn update(
        &mut self,
        table: u32,
        ip: IpAddr,
        len: u8,
        source: u8,
        paths: Vec<Path>,
    ) -> Option<u32> {
        let fresh = self.next_stats_index;
        let table = self.table_mut(table, ip.is_ipv6())?;
        let entry = table.entries.entry((len, network(ip, len))).or_insert_with(|| Entry {
            ip,
            len,
            stats_index: fresh,
            sources: BTreeMap::new(),
        });
        entry.sources.insert(source, paths);
        let stats_index = entry.stats_index;
        if source == source::API {
            table.marked.retain(|(other, l)| *l != len || network(*other, len) != network(ip, len));
        }
        if stats_index == fresh {
            self.next_stats_index = fresh.saturating_add(1);
        }
        Some(stats_index)
    }

    /// Paths that a source has for a prefix.
    pub fn paths(&self, table: u32, ip: IpAddr, len: u8, source: u8) -> Option<&[Path]> {
        self.table(table, ip.is_ipv6())?.entry(ip, len)?.sources.get(&source).map(Vec::as_slice)
    }

    /// Takes away what a source wants for a prefix.
    pub(crate) fn remove(&mut self, table: u32, ip: IpAddr, len: u8, source: u8) {
        let Some(table) = self.table_mut(table, ip.is_ipv6()) else { return };
        let key = (len, network(ip, len));
        if let Some(entry) = table.entries.get_mut(&key) {
            entry.sources.remove(&source);
            if entry.sources.is_empty() {
                table.entries.remove(&key);
            }
        }
    }

    /// Makes the connected routes of an interface what its addresses want; none when it is down or gone.
    pub(crate) fn connect(&mut self, sw_if_index: u32, interface: Option<&Interface>, behaviour: &Behaviour) {
        let mut wanted: Vec<(u32, IpAddr, u8, Path)> = Vec::new();
        let mut want = |route: (u32, IpAddr, u8, Path)| {
            let key = |r: &(u32, IpAddr, u8, Path)| (r.0, r.1.is_ipv6(), r.2, network(r.1, r.2));
            if !wanted.iter().any(|other| key(other) == key(&route)) {
                wanted.push(route);
            }
        };
        for (interface, address) in
            interface.filter(|i| i.admin_up).into_iter().flat_map(|i| i.addresses.iter().map(move |a| (i, a)))
        {
            let v6 = address.ip.is_ipv6();
            let table = interface.table(v6);
            let whole = if v6 { 128 } else { 32 };
            let own = crate::message::sixteen(address.ip);
            want((table, address.ip, whole, Path::to(sw_if_index, path_type::LOCAL, v6, own)));
            if address.len >= whole {
                continue;
            }
            if v6 || address.len <= 30 || behaviour.glean_31 {
                let glean = Path::to(sw_if_index, path_type::NORMAL, v6, [0; 16]);
                let shown = match address.ip {
                    IpAddr::V6(_) if !behaviour.ip6_glean_shows_address => {
                        IpAddr::V6(Ipv6Addr::from(network(address.ip, address.len)))
                    }
                    ip => ip,
                };
                want((table, shown, address.len, glean));
            }
            let IpAddr::V4(ip) = address.ip else { continue };
            let mask = u32::MAX.checked_shl(32 - u32::from(address.len)).unwrap_or(0);
            if address.len == 31 {
                let other = IpAddr::V4(Ipv4Addr::from(u32::from(ip) ^ 1));
                let next_hop = crate::message::sixteen(other);
                want((table, other, 32, Path::to(sw_if_index, path_type::NORMAL, false, next_hop)));
            } else {
                for special in [u32::from(ip) & mask, u32::from(ip) | !mask] {
                    let special = Ipv4Addr::from(special);
                    if special != ip {
                        want((table, IpAddr::V4(special), 32, Path::drop(false)));
                    }
                }
            }
        }
        let before = self.connected.remove(&sw_if_index).unwrap_or_default();
        for (table, ip, len) in before {
            let same = |other: &(u32, IpAddr, u8, Path)| {
                other.0 == table
                    && other.1.is_ipv6() == ip.is_ipv6()
                    && other.2 == len
                    && (other.1 == ip
                        || behaviour.glean_outlives_address && network(other.1, len) == network(ip, len))
            };
            if !wanted.iter().any(same) {
                self.remove(table, ip, len, source::INTERFACE);
            }
        }
        let mut now = Vec::new();
        for (table, ip, len, path) in wanted {
            self.update(table, ip, len, source::INTERFACE, vec![path]);
            now.push((table, ip, len));
        }
        if !now.is_empty() {
            self.connected.insert(sw_if_index, now);
        }
    }
}
