//! IP tables: their life, their flow hash, and look-ups in them.

use std::net::IpAddr;

use super::route::describe_paths;
use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::message::flag;

/// Family and id of the table that a request names, in the shape that the release has for it.
fn named(call: &Call<'_>) -> (bool, u32) {
    let request = call.request;
    if request.has("table") {
        (request.flag("table.is_ip6"), request.number("table.table_id"))
    } else {
        (request.flag("is_ipv6"), request.number("table_id"))
    }
}

fn name(call: &Call<'_>) -> String {
    call.request.text(if call.request.has("table") { "table.name" } else { "name" })
}

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (v6, id) = named(call);
    // Table 0 is always there; asking for it changes nothing.
    if id != 0 {
        if call.request.flag("is_add") {
            let name = name(call);
            add(call, v6, id, &name);
        } else {
            call.state.fib.delete_table(id, v6, call.behaviour);
            call.state.release_tables();
        }
    }
    Answer::Retval(0)
}

fn add(call: &mut Call<'_>, v6: bool, id: u32, name: &str) {
    call.state.fib.add_table(id, v6, name);
    if call.behaviour.relocks_tables {
        call.state.fib.relock_table(id, v6);
    }
}

/// Adds a table, with any free id for !0. VPP takes a random one.
pub(super) fn allocate<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (v6, asked) = named(call);
    let name = name(call);
    let id = match asked {
        u32::MAX => (1..u32::MAX).find(|id| call.state.fib.table(*id, v6).is_none()),
        id => Some(id),
    };
    if let Some(id) = id.filter(|id| *id != 0) {
        add(call, v6, id, &name);
    }
    let reply = call.reply(if id.is_some() { 0 } else { retval::EAGAIN });
    Answer::Reply(
        reply
            .set("table.table_id", id.unwrap_or(u32::MAX))
            .flag("table.is_ip6", v6)
            .text("table.name", &name),
    )
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let details = call.state.fib.tables().map(|table| {
        call.details()
            .set("table.table_id", table.id)
            .flag("table.is_ip6", table.v6)
            .text("table.name", &table.name)
    });
    Answer::Details(details.collect())
}

fn there(call: &Call<'_>, v6: bool, id: u32) -> Result<(), i32> {
    call.state.fib.table(id, v6).map(|_| ()).ok_or(retval::NO_SUCH_FIB)
}

/// Removes the routes that the API made, after every interface in the table was set down.
pub(super) fn flush<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (v6, id) = named(call);
    retval_of(there(call, v6, id).map(|()| {
        let inside: Vec<u32> =
            call.state.interfaces.iter().filter(|i| i.table(v6) == id).map(|i| i.sw_if_index).collect();
        for sw_if_index in inside {
            // Going down is never refused.
            let _ = super::interface::switch(call, sw_if_index, false);
        }
        call.state.fib.flush(id, v6);
        call.state.release_tables();
    }))
}

pub(super) fn replace_begin<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (v6, id) = named(call);
    retval_of(there(call, v6, id).map(|()| call.state.fib.mark(id, v6)))
}

pub(super) fn replace_end<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (v6, id) = named(call);
    retval_of(there(call, v6, id).map(|()| {
        call.state.fib.sweep(id, v6);
        call.state.release_tables();
    }))
}

/// Names of the flow hash's parts by their bits, which are those of `ip_flow_hash_config_v2`.
pub(crate) const FLOW_HASH: [&str; 9] =
    ["src", "dst", "sport", "dport", "proto", "reverse", "symmetric", "flowlabel", "gtpv1teid"];

/// A flag for every part; later parts have none.
pub(super) fn set_flow_hash<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let parts = (0_u32..).zip(FLOW_HASH).filter(|(_, part)| flag(request.value(part)));
    let config = parts.fold(0, |config, (bit, _)| config | 1_u32.checked_shl(bit).unwrap_or(0));
    let (v6, id) = (request.flag("is_ipv6"), request.number("vrf_id"));
    set(call, v6, id, config)
}

/// All parts in one number.
pub(super) fn set_flow_hash_config<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let v6 = match request.number("af") {
        0 => false,
        1 => true,
        _ => return Answer::Retval(call.behaviour.no_such_family),
    };
    set(call, v6, request.number("table_id"), request.number("flow_hash_config"))
}

fn set<'a>(call: &mut Call<'a>, v6: bool, id: u32, config: u32) -> Answer<'a> {
    let set = call.state.fib.set_flow_hash(id, v6, config);
    Answer::Retval(if set { 0 } else { retval::NO_SUCH_FIB })
}

/// The route that an address takes, or the one of exactly the prefix.
pub(super) fn lookup<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (ip, len) = request.prefix("prefix");
    let len = len.min(if ip.is_ipv6() { 128 } else { 32 });
    let id = request.number("table_id");
    let Some(table) = call.state.fib.table(id, ip.is_ipv6()) else {
        return Answer::Retval(retval::NO_SUCH_FIB);
    };
    let resolved = call.state.fib.resolved(table);
    let host = resolved.iter().find(|e| e.ip == ip && e.len == len);
    let entry = match host {
        Some(host) => Some(host),
        None if request.flag("exact") => table.entry(ip, len),
        None => call.state.fib.lookup(id, ip, len),
    };
    let Some((entry, (source, paths))) = entry.and_then(|e| Some((e, e.best()?))) else {
        return Answer::Retval(retval::NO_SUCH_ENTRY);
    };
    let shown: (IpAddr, u8) = (entry.ip, entry.len);
    let paths = describe_paths(call.behaviour, &call.reply(0), "route.paths", paths);
    Answer::Reply(
        call.reply(0)
            .set("route.table_id", id)
            .set("route.stats_index", call.state.fib.stats_index(table, entry))
            .prefix("route.prefix", shown.0, shown.1)
            .set("route.n_paths", paths.len())
            .set("route.src", source)
            .set("route.paths", paths),
    )
}
