//! Routes, in the shape of 19.08 and later and in the flat one before.

use std::net::IpAddr;

use serde_json::Value;

use super::{Answer, Call};
use crate::behaviour::{Behaviour, retval};
use crate::message::{Record, Request, bytes, number, sixteen};
use crate::state::State;
use crate::state::fib::{Entry, Label, Path, Table, path_type, source};

/// A change of a route, whatever message asked for it.
struct Change {
    table: u32,
    ip: IpAddr,
    len: u8,
    source: u8,
    is_add: bool,
    is_multipath: bool,
    paths: Vec<Path>,
}

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (ip, len) = request.prefix("route.prefix");
    let table = request.number("route.table_id");
    let paths = request.value("route.paths").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let decoded = if call.state.fib.table(table, ip.is_ipv6()).is_none() {
        Err(retval::NO_SUCH_FIB)
    } else {
        paths.iter().map(|path| decode(call.state, call.behaviour, path)).collect()
    };
    let source = match request.byte("route.src") {
        0 => source::API,
        other => other,
    };
    let (is_add, is_multipath) = (request.flag("is_add"), request.flag("is_multipath"));
    apply(call, decoded.map(|paths| Change { table, ip, len, source, is_add, is_multipath, paths }))
}

pub(super) fn add_del_flat<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let v6 = request.flag("is_ipv6");
    let ip = request.address("dst_address", v6);
    let table = request.number("table_id");
    let path = if call.state.fib.table(table, v6).is_none() {
        Err(retval::NO_SUCH_FIB)
    } else {
        decode_flat(call.state, request, v6, call.behaviour.next_hop_has_family)
    };
    let change = path.map(|path| Change {
        table,
        ip,
        len: request.byte("dst_address_length"),
        source: source::API,
        is_add: request.flag("is_add"),
        is_multipath: request.flag("is_multipath"),
        paths: vec![path],
    });
    apply(call, change)
}

fn apply<'a>(call: &mut Call<'a>, change: Result<Change, i32>) -> Answer<'a> {
    let refuse = |call: &mut Call<'a>, retval| Answer::Reply(call.reply(retval).set("stats_index", u32::MAX));
    let Change { table, ip, len, source, is_add, is_multipath, mut paths } = match change {
        Ok(change) => change,
        Err(retval) => return refuse(call, retval),
    };
    let whole = if ip.is_ipv6() { 128 } else { 32 };
    if call.behaviour.checks_prefix && len > whole {
        return refuse(call, retval::INVALID_PREFIX_LENGTH);
    }
    let len = len.min(whole);
    if paths.is_empty() && (is_add || is_multipath) {
        return refuse(call, retval::NO_PATHS_IN_ROUTE);
    }
    for path in &mut paths {
        // A host behind an interface is its own next hop.
        if len == whole
            && path.kind == path_type::NORMAL
            && path.next_hop == [0; 16]
            && path.interface().is_some()
        {
            path.next_hop = sixteen(ip);
        }
    }
    let there = call.state.fib.paths(table, ip, len, source).map(<[Path]>::to_vec);
    let stats_index = match (is_add, is_multipath) {
        (true, false) => call.state.fib.update(table, ip, len, source, in_order(paths)),
        (true, true) => {
            let mut all = there.unwrap_or_default();
            let stale =
                all.iter().filter_map(Path::interface).find(|i| call.state.interfaces.get(*i).is_none());
            if let Some(stale) = stale
                && call.behaviour.stale_path_kills
            {
                return Answer::Dies(format!(
                    "path added to {ip}/{len}, which has a path through the deleted interface {stale}"
                ));
            }
            all = add_paths(all, paths);
            call.state.fib.update(table, ip, len, source, all)
        }
        (false, false) => {
            call.state.fib.remove(table, ip, len, source);
            None
        }
        (false, true) => {
            if let Some(there) = there {
                let left = remove_paths(there, &paths);
                if left.is_empty() {
                    call.state.fib.remove(table, ip, len, source);
                } else {
                    call.state.fib.update(table, ip, len, source, left);
                }
            }
            None
        }
    };
    call.state.release_tables();
    Answer::Reply(call.reply(0).set("stats_index", stats_index.unwrap_or(u32::MAX)))
}

/// Paths with more of them. One that is there stays as it is, whatever weight comes now.
pub(super) fn add_paths(mut all: Vec<Path>, more: Vec<Path>) -> Vec<Path> {
    for path in more {
        if !all.iter().any(|other| other.same_way(&path)) {
            all.push(path);
        }
    }
    in_order(all)
}

/// Paths without those that are named, weight included.
pub(super) fn remove_paths(mut all: Vec<Path>, less: &[Path]) -> Vec<Path> {
    all.retain(|path| !less.iter().any(|p| p.same_way(path) && p.weight == path.weight));
    all
}

fn in_order(mut paths: Vec<Path>) -> Vec<Path> {
    paths.sort_by(|a, b| {
        (a.preference, a.next_hop, a.sw_if_index).cmp(&(b.preference, b.next_hop, b.sw_if_index))
    });
    paths
}

/// Refuses a path through an interface or table that is not there.
fn checked(state: &State, path: Path) -> Result<Path, i32> {
    let checks = matches!(path.kind, path_type::NORMAL | path_type::SOURCE_LOOKUP) && path.proto <= 1;
    match path.interface() {
        _ if !checks => Ok(path),
        Some(index) if state.interfaces.get(index).is_none() => Err(retval::NO_MATCHING_INTERFACE),
        None if state.fib.table(path.table_id, path.proto == 1).is_none() => Err(retval::NO_SUCH_FIB),
        Some(_) => Ok(Path { table_id: 0, ..path }),
        None => Ok(path),
    }
}

fn decode(state: &State, behaviour: &Behaviour, value: &Value) -> Result<Path, i32> {
    let at = |field: &str| number(value.get(field));
    let small = |field: &str| u8::try_from(at(field)).unwrap_or(u8::MAX);
    let proto = at("proto");
    if proto > 4 {
        return Err(retval::UNSPECIFIED);
    }
    let kind = at("type");
    let through = matches!(
        kind,
        path_type::NORMAL
            | path_type::LOCAL
            | path_type::SOURCE_LOOKUP
            | path_type::DVR
            | path_type::INTERFACE_RX
    );
    let sw_if_index = match kind {
        _ if through => at("sw_if_index"),
        path_type::DROP => behaviour.drop_interface,
        _ => u32::MAX,
    };
    let next_hop = value.get("nh").and_then(|nh| nh.get("address"));
    let next_hop = match (kind, proto) {
        (path_type::NORMAL | path_type::SOURCE_LOOKUP, 0) => {
            let [a, b, c, d] = bytes::<4>(next_hop.and_then(|a| a.get("ip4")));
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        (path_type::NORMAL | path_type::SOURCE_LOOKUP, 1) => bytes(next_hop.and_then(|a| a.get("ip6"))),
        _ => [0; 16],
    };
    let labels = value.get("label_stack").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    checked(
        state,
        Path {
            sw_if_index,
            table_id: at("table_id"),
            weight: small("weight").max(1),
            preference: small("preference"),
            kind,
            flags: at("flags"),
            proto,
            next_hop,
            object: number(value.get("nh").and_then(|nh| nh.get("obj_id"))),
            labels: labels.iter().take(usize::from(small("n_labels"))).map(label).collect(),
        },
    )
}

fn label(value: &Value) -> Label {
    let small = |field: &str| u8::try_from(number(value.get(field))).unwrap_or(0);
    Label {
        is_uniform: small("is_uniform"),
        label: number(value.get("label")),
        ttl: small("ttl"),
        exp: small("exp"),
    }
}

/// A `fib_path` of any release, as ABF has it.
pub(super) fn decode_any(state: &State, behaviour: &Behaviour, value: &Value) -> Result<Path, i32> {
    if value.get("nh").is_some() {
        return decode(state, behaviour, value);
    }
    let at = |field: &str| number(value.get(field));
    let small = |field: &str| u8::try_from(at(field)).unwrap_or(u8::MAX);
    let is = |field: &str| at(field) != 0;
    let labels = value.get("label_stack").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let kind = match () {
        () if is("is_udp_encap") => path_type::UDP_ENCAP,
        () if is("is_source_lookup") => path_type::SOURCE_LOOKUP,
        () if is("is_dvr") => path_type::DVR,
        () => path_type::NORMAL,
    };
    // Nothing is checked here; `afi` counts as `fib_path_nh_proto` does.
    Ok(Path {
        sw_if_index: at("sw_if_index"),
        table_id: at("table_id"),
        weight: small("weight").max(1),
        preference: small("preference"),
        kind,
        flags: u32::from(is("is_resolve_attached")) | if is("is_resolve_host") { 2 } else { 0 },
        proto: at("afi"),
        next_hop: sixteen(crate::message::address(bytes(value.get("next_hop")), at("afi") == 1)),
        object: at("next_hop_id"),
        labels: labels.iter().take(usize::from(small("n_labels"))).map(label).collect(),
    })
}

fn decode_flat(state: &State, request: Request<'_>, v6: bool, has_family: bool) -> Result<Path, i32> {
    let kinds = [
        ("is_drop", path_type::DROP),
        ("is_unreach", path_type::ICMP_UNREACH),
        ("is_prohibit", path_type::ICMP_PROHIBIT),
        ("is_local", path_type::LOCAL),
        ("is_udp_encap", path_type::UDP_ENCAP),
        ("is_dvr", path_type::DVR),
        ("is_source_lookup", path_type::SOURCE_LOOKUP),
    ];
    let kind =
        kinds.iter().find(|(field, _)| request.flag(field)).map_or(path_type::NORMAL, |(_, kind)| *kind);
    let drops = matches!(kind, path_type::DROP | path_type::ICMP_UNREACH | path_type::ICMP_PROHIBIT);
    let host = if request.flag("is_resolve_host") { 2 } else { 0 };
    let attached = u32::from(request.flag("is_resolve_attached"));
    let labels = request.value("next_hop_out_label_stack").and_then(Value::as_array);
    // `IP46_TYPE_*`: 1 is IPv4, 2 is IPv6, 0 the route's own family.
    let next_hop_v6 = match request.number("next_hop_proto") {
        family if !has_family || family == 0 => v6,
        family => family != 1,
    };
    let path = Path {
        sw_if_index: if drops { u32::MAX } else { request.number("next_hop_sw_if_index") },
        table_id: request.number("next_hop_table_id"),
        weight: request.byte("next_hop_weight").max(1),
        preference: request.byte("next_hop_preference"),
        kind,
        flags: host | attached,
        proto: u32::from(next_hop_v6),
        next_hop: if drops { [0; 16] } else { sixteen(request.address("next_hop_address", next_hop_v6)) },
        object: 0,
        labels: labels.map(Vec::as_slice).unwrap_or_default().iter().map(label).collect(),
    };
    // The interface counts here for every kind of path.
    match path.interface() {
        Some(index) if state.interfaces.get(index).is_none() => Err(retval::NO_MATCHING_INTERFACE),
        _ => checked(state, path),
    }
}

/// Paths as the release shows them, below `at` of a message. Of the flags none come back, and a path that looks up
/// the source shows as a normal one (`fib_path_encode`, sources of all releases).
pub(super) fn describe_paths(
    behaviour: &Behaviour,
    message: &Record<'_>,
    at: &str,
    paths: &[Path],
) -> Vec<Value> {
    let describe = |path: &Path| {
        let field = |name: &str| format!("{at}.{name}");
        let is = |kind| path.kind == kind;
        let mut labels: Vec<Label> = path.labels.iter().copied().take(16).collect();
        if !behaviour.shows_labels {
            labels.clear();
        }
        let n_labels = labels.len();
        labels.resize(16, Label::default());
        let labels: Vec<Value> = labels
            .iter()
            .map(|l| serde_json::json!({"is_uniform": 0, "label": l.label, "ttl": l.ttl, "exp": l.exp}))
            .collect();
        message
            .clone()
            .set(&field("sw_if_index"), path.sw_if_index)
            .set(&field("table_id"), path.table_id)
            .set(&field("weight"), path.weight)
            .set(&field("preference"), path.preference)
            .set(&field("type"), if is(path_type::SOURCE_LOOKUP) { path_type::NORMAL } else { path.kind })
            .set(&field("proto"), path.proto)
            .bytes(&field("nh.address.ip6"), &path.next_hop)
            .set(&field("nh.obj_id"), path.object)
            .flag(&field("is_local"), is(path_type::LOCAL))
            .flag(&field("is_drop"), is(path_type::DROP))
            .flag(&field("is_udp_encap"), is(path_type::UDP_ENCAP))
            .flag(&field("is_unreach"), is(path_type::ICMP_UNREACH))
            .flag(&field("is_prohibit"), is(path_type::ICMP_PROHIBIT))
            .flag(&field("is_dvr"), is(path_type::DVR))
            .set(&field("afi"), path.proto.saturating_add(1))
            .bytes(&field("next_hop"), &path.next_hop)
            .set(&field("n_labels"), n_labels)
            .set(&field("label_stack"), labels)
            .item(at)
    };
    paths.iter().map(describe).collect()
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let table = call.state.fib.table(request.number("table.table_id"), request.flag("table.is_ip6"));
    let only = Some(request.byte("src")).filter(|source| *source != 0);
    let resolved = table.map(|t| call.state.fib.resolved(t)).unwrap_or_default();
    let mut details = Vec::new();
    for (table, entry) in table.into_iter().flat_map(|t| t.entries().chain(&resolved).map(move |e| (t, e))) {
        let Some((source, paths)) = entry.best() else { continue };
        if only.is_some_and(|only| !entry.sources.contains_key(&only)) {
            continue;
        }
        let paths = describe_paths(call.behaviour, &call.details(), "route.paths", paths);
        details.push(
            call.details()
                .set("route.table_id", table.id)
                .set("route.stats_index", call.state.fib.stats_index(table, entry))
                .prefix("route.prefix", entry.ip, entry.len)
                .set("route.n_paths", paths.len())
                .set("route.src", source)
                .set("route.paths", paths),
        );
    }
    Answer::Details(details)
}

pub(super) fn dump_v4<'a>(call: &mut Call<'a>) -> Answer<'a> {
    dump_flat(call, false)
}

pub(super) fn dump_v6<'a>(call: &mut Call<'a>) -> Answer<'a> {
    dump_flat(call, true)
}

/// All tables of a family in one go.
fn dump_flat<'a>(call: &mut Call<'a>, v6: bool) -> Answer<'a> {
    let fib = &call.state.fib;
    let tables: Vec<(&Table, Vec<Entry>)> =
        fib.tables().filter(|t| t.v6 == v6).map(|t| (t, fib.resolved(t))).collect();
    let mut entries: Vec<(&Table, &Entry)> =
        tables.iter().flat_map(|(t, resolved)| t.entries().chain(resolved).map(move |e| (*t, e))).collect();
    entries.sort_by_key(|(table, entry)| (sixteen(entry.ip), table.id, entry.len));
    let details = entries.into_iter().filter_map(|(table, entry)| {
        let (_, paths) = entry.best()?;
        let paths = describe_paths(call.behaviour, &call.details(), "path", paths);
        Some(
            call.details()
                .set("table_id", table.id)
                .text("table_name", &table.name)
                .set("address_length", entry.len)
                .bytes("address", &sixteen(entry.ip))
                .set("count", paths.len())
                .set("stats_index", fib.stats_index(table, entry))
                .set("path", paths),
        )
    });
    Answer::Details(details.collect())
}
