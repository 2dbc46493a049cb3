//! `vpp.route`: one path to a destination; several values with one destination are its paths.
//!
//! A path is never added beside others: VPP dies of that when one of them goes through an interface that is gone.
//! Every change replaces all paths of the destination by those that are wanted, which mends such a route instead. So a
//! destination that is wanted is ours as a whole; one that is not is left alone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ipnet::IpNet;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::net::parse_cidr;
use models::proto::ligato::vpp::l3::{Route, route::RouteType};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use vppcalls::types::{self, NO_INTERFACE, PathKind, Paths, RoutePath};

use crate::check::check;
use crate::interface;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

/// Table and prefix.
type Destination = (u32, IpNet);

/// The paths of a destination that are wanted and in VPP, sorted by key. Mostly there is one, and there are many of these.
#[derive(Debug, Default, Clone)]
struct Known(Vec<(Box<str>, RoutePath)>);

impl Known {
    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(key))
    }

    fn set(&mut self, key: &str, path: RoutePath) {
        match self.find(key) {
            Ok(at) => {
                if let Some((_, known)) = self.0.get_mut(at) {
                    *known = path;
                }
            }
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (key.into(), path));
            }
        }
    }

    fn unset(&mut self, key: &str) {
        if let Ok(at) = self.find(key) {
            self.0.remove(at);
        }
    }

    fn paths(&self) -> Vec<RoutePath> {
        self.0.iter().map(|(_, path)| *path).collect()
    }
}

#[derive(Default)]
struct Routes {
    known: HashMap<Destination, Known>,
    /// Destinations that are being changed.
    busy: HashMap<Destination, Arc<Turn<()>>>,
}

pub(super) struct RouteDescriptor {
    vpp: Vpp,
    prefix: String,
    routes: Mutex<Routes>,
}

impl RouteDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: Route::SPEC.key_prefix(false), routes: Mutex::default() }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each destination is changed by one at a time, different ones at once. Ends with [`done`](Self::done).
    async fn turn(&self, destination: Destination) -> OwnedMutexGuard<()> {
        let turn = self.routes().busy.entry(destination).or_default().clone();
        turn.lock_owned().await
    }

    fn known(&self, destination: Destination) -> Known {
        self.routes().known.get(&destination).cloned().unwrap_or_default()
    }

    fn done(&self, destination: Destination, turn: OwnedMutexGuard<()>, known: Option<Known>) {
        let mut routes = self.routes();
        match known {
            Some(known) if known.0.is_empty() => drop(routes.known.remove(&destination)),
            Some(known) => drop(routes.known.insert(destination, known)),
            None => {}
        }
        drop(turn);
        if routes.busy.get(&destination).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            routes.busy.remove(&destination);
        }
    }

    fn path(&self, value: &Route) -> Result<RoutePath, Failure> {
        let interface = match value.outgoing_interface.as_str() {
            "" => NO_INTERFACE,
            name => self.vpp.interface(name)?,
        };
        let path = RoutePath {
            kind: PathKind::Normal,
            sw_if_index: interface,
            table: value.vrf_id,
            next_hop: next_hop(value),
            weight: u8::try_from(value.weight.max(1)).unwrap_or(u8::MAX),
            preference: u8::try_from(value.preference).unwrap_or(u8::MAX),
        };
        Ok(match value.r#type() {
            RouteType::IntraVrf => path,
            RouteType::InterVrf => RoutePath { table: value.via_vrf_id, ..path },
            RouteType::Drop => RoutePath { kind: PathKind::Drop, ..path },
        })
    }

    /// Puts a path in place of the one of the same key, if there is one.
    async fn put(&self, key: &str, value: &Route) -> Result<(), Failure> {
        let destination = destination(value)?;
        let path = self.path(value)?;
        let calls = self.vpp.calls()?.l3;
        let turn = self.turn(destination).await;
        let mut known = self.known(destination);
        known.set(key, path);
        let route = types::Route { table: destination.0, prefix: destination.1, paths: known.paths() };
        let put = calls.add_route(&route, Paths::Replace).await.or_fail();
        self.done(destination, turn, put.is_ok().then_some(known));
        put
    }
}

fn destination(value: &Route) -> Result<Destination, Failure> {
    let prefix = parse_cidr(&value.dst_network)
        .ok_or_else(|| Failure::permanent(format!("{} is no network", value.dst_network)))?;
    Ok((value.vrf_id, prefix.trunc()))
}

/// An unspecified next hop is none.
fn next_hop(value: &Route) -> Option<IpAddr> {
    value.next_hop_addr.parse().ok().filter(|hop: &IpAddr| !hop.is_unspecified())
}

#[async_trait]
impl Descriptor for RouteDescriptor {
    type Value = Route;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-route"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn validate(&self, _key: &str, value: &Route) -> Result<(), Invalid> {
        let allocated = |text: &str| models::net::is_alloc_ref(text);
        check(
            value,
            [
                ("dst_network", allocated(&value.dst_network)),
                ("next_hop_addr", allocated(&value.next_hop_addr)),
            ],
        )
    }

    fn equivalent(&self, _key: &str, old: &Route, new: &Route) -> bool {
        let same = old.r#type == new.r#type
            && destination(old).ok() == destination(new).ok()
            && old.weight.max(1) == new.weight.max(1)
            && old.preference == new.preference;
        let way = old.outgoing_interface == new.outgoing_interface
            && next_hop(old) == next_hop(new)
            && (old.via_vrf_id == new.via_vrf_id || new.r#type() != RouteType::InterVrf);
        // What drops goes nowhere.
        same && (way || new.r#type() == RouteType::Drop)
    }

    fn dependencies(&self, _key: &str, value: &Route) -> Vec<Dependency> {
        let ipv6 = parse_cidr(&value.dst_network).is_some_and(|net| net.addr().is_ipv6());
        let mut needs = Vec::new();
        if !value.outgoing_interface.is_empty() {
            needs.push(Dependency::key("interface-exists", keys::interface(&value.outgoing_interface)));
        }
        if value.vrf_id != 0 {
            needs.push(Dependency::key("vrf-table-exists", keys::vrf_table(value.vrf_id, ipv6)));
        }
        if value.r#type() == RouteType::InterVrf && value.via_vrf_id != 0 {
            needs.push(Dependency::key("via-vrf-table-exists", keys::vrf_table(value.via_vrf_id, ipv6)));
        }
        needs
    }

    async fn create(&self, key: &str, value: &Route) -> Result<(), Failure> {
        self.put(key, value).await
    }

    async fn update(&self, key: &str, _old: &Route, new: &Route, (): &()) -> Result<(), Failure> {
        self.put(key, new).await
    }

    fn recreate(&self, _key: &str, _old: &Route, _new: &Route) -> bool {
        false
    }

    async fn delete(&self, key: &str, value: &Route, (): &()) -> Result<(), Failure> {
        let destination = destination(value)?;
        let calls = self.vpp.calls()?.l3;
        let turn = self.turn(destination).await;
        let mut known = self.known(destination);
        known.unset(key);
        let paths = known.paths();
        let deleted = if paths.is_empty() {
            calls.delete_route(destination.0, destination.1).await
        } else {
            let route = types::Route { table: destination.0, prefix: destination.1, paths };
            calls.add_route(&route, Paths::Replace).await
        };
        let deleted = deleted.or_fail();
        self.done(destination, turn, deleted.is_ok().then_some(known));
        deleted
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, Route>],
    ) -> Result<Option<Vec<Retrieved<Route, ()>>>, Failure> {
        let calls = self.vpp.calls()?.l3;
        let routes = calls.dump_routes().await.or_unread()?;
        let names = self.vpp.names();
        let mut wanted: HashMap<Destination, Vec<&Believed<'_, Route>>> = HashMap::new();
        for believed in correlate {
            if let Ok(destination) = destination(believed.value) {
                wanted.entry(destination).or_default().push(believed);
            }
        }
        let mut all = HashMap::new();
        let mut found = Vec::new();
        for route in routes {
            let destination = (route.table, route.prefix);
            let asked = wanted.get(&destination).map(Vec::as_slice).unwrap_or_default();
            let mut known = Known::default();
            let mut values = Vec::with_capacity(route.paths.len());
            let mut gone = false;
            for path in &route.paths {
                let interface = match path.sw_if_index {
                    NO_INTERFACE => Some(""),
                    index => names.any(index),
                };
                // Through an interface that is gone.
                let Some(interface) = interface else {
                    gone = true;
                    continue;
                };
                let value = value_of(&route, path, interface);
                // VPP does not tell how a value was spelled: an unspecified next hop is none, what drops has none.
                let spelled = asked.iter().find(|b| self.equivalent(b.key, b.value, &value));
                let key = spelled.map_or_else(|| value.key(), |b| b.key.to_string());
                if asked.iter().any(|b| b.key == key) {
                    known.set(&key, *path);
                }
                values.push(Retrieved { key, value, metadata: (), origin: Origin::Unknown });
            }
            let stray = gone || values.iter().any(|v| known.find(&v.key).is_err());
            if stray && !asked.is_empty() {
                // A wanted route that also goes, or only goes, another way: an interface below it was deleted, and
                // perhaps another one has its number now. Told as not there, it is made again in place of all this.
                values.retain(|v| known.find(&v.key).is_err());
                known.0.clear();
            }
            found.append(&mut values);
            if !known.0.is_empty() {
                all.insert(destination, known);
            }
        }
        self.routes().known = all;
        Ok(Some(found))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![interface::NAME.to_string()]
    }
    fn examples(&self) -> Vec<(String, Route)> {
        let route = |r#type: RouteType, next_hop: &str| Route {
            r#type: r#type.into(),
            vrf_id: 3,
            dst_network: "198.51.100.0/24".to_string(),
            next_hop_addr: next_hop.to_string(),
            ..Route::default()
        };
        let through = Route {
            outgoing_interface: "example-loop".to_string(),
            ..route(RouteType::IntraVrf, "192.0.2.7")
        };
        let other = Route { via_vrf_id: 4, ..route(RouteType::InterVrf, "192.0.2.8") };
        [through, other].into_iter().map(|value| (value.key(), value)).collect()
    }
}

/// The model of a path in VPP.
fn value_of(route: &types::Route, path: &RoutePath, interface: &str) -> Route {
    // VPP tells no types: a lookup in another table is a path without an interface whose table is another one.
    let elsewhere = path.sw_if_index == NO_INTERFACE && path.table != route.table;
    let kind = match path.kind {
        PathKind::Drop => RouteType::Drop,
        _ if elsewhere => RouteType::InterVrf,
        _ => RouteType::IntraVrf,
    };
    Route {
        r#type: kind.into(),
        vrf_id: route.table,
        dst_network: route.prefix.to_string(),
        next_hop_addr: path.next_hop.map(|hop| hop.to_string()).unwrap_or_default(),
        outgoing_interface: interface.to_string(),
        weight: path.weight.into(),
        preference: path.preference.into(),
        via_vrf_id: if kind == RouteType::InterVrf { path.table } else { 0 },
    }
}
