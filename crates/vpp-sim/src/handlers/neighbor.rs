//! Neighbours, in the shape of 19.04 and later and in the flat one before.

use std::net::IpAddr;

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::message::{number, sixteen};
use crate::state::neighbor::{Limits, Neighbor};

// `ip_neighbor_flags`.
const STATIC: u32 = 1;
const NO_FIB_ENTRY: u32 = 2;

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (sw_if_index, ip, mac, flags) = if request.has("neighbor") {
        (
            request.number("neighbor.sw_if_index"),
            request.ip("neighbor.ip_address"),
            request.bytes::<6>("neighbor.mac_address"),
            request.number("neighbor.flags"),
        )
    } else {
        let flag = |field, bit| if request.flag(field) { bit } else { 0 };
        (
            request.number("sw_if_index"),
            request.address("dst_address", request.flag("is_ipv6")),
            request.bytes("mac_address"),
            flag("is_static", STATIC) | flag("is_no_adj_fib", NO_FIB_ENTRY),
        )
    };
    let changed = known(call.state, sw_if_index).and_then(|()| {
        if request.flag("is_add") {
            let (is_static, no_fib) = (flags & STATIC != 0, flags & NO_FIB_ENTRY != 0);
            return call.state.add_neighbor(call.behaviour, (sw_if_index, ip), mac, is_static, no_fib);
        }
        if call.state.neighbors.get(sw_if_index, ip).is_none() {
            return match (call.behaviour.old_neighbors, ip.is_ipv6()) {
                (true, false) => Ok(()),
                (true, true) => Err(retval::UNSPECIFIED),
                (false, _) => Err(retval::NO_SUCH_ENTRY),
            };
        }
        call.state.remove_neighbors(&[(sw_if_index, ip)]);
        call.state.release_tables();
        Ok(())
    });
    // An adjacency is there when a route uses it, such as the neighbour's own.
    let routed = call.state.neighbors.get(sw_if_index, ip).is_some_and(|n| !n.no_fib);
    let stats_index = if changed.is_ok() && routed { sw_if_index.saturating_add(1) } else { u32::MAX };
    Answer::Reply(call.reply(changed.err().unwrap_or(0)).set("stats_index", stats_index))
}

/// The address family that a request asks for; `None` when it is none.
fn family(call: &Call<'_>) -> Option<bool> {
    let request = call.request;
    if !request.has("af") {
        return Some(request.flag("is_ipv6"));
    }
    match number(request.value("af")) {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn of_interface(sw_if_index: u32) -> impl Fn(u32) -> bool {
    move |other| sw_if_index == u32::MAX || sw_if_index == other
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let Some(v6) = family(call) else { return Answer::Details(Vec::new()) };
    let wanted = of_interface(call.request.number("sw_if_index"));
    let entries = call.state.neighbors.iter().filter(|(index, ip, _)| ip.is_ipv6() == v6 && wanted(*index));
    let describe = |(sw_if_index, ip, neighbor): (u32, IpAddr, &Neighbor)| {
        let flag = |set: bool, bit: u32| if set { bit } else { 0 };
        call.details()
            .set("age", neighbor.updated.elapsed().as_secs_f64())
            .set("neighbor.sw_if_index", sw_if_index)
            .set("neighbor.flags", flag(neighbor.is_static, STATIC) | flag(neighbor.no_fib, NO_FIB_ENTRY))
            .bytes("neighbor.mac_address", &neighbor.mac)
            .ip("neighbor.ip_address", ip)
            .set("sw_if_index", sw_if_index)
            .flag("is_static", neighbor.is_static)
            .flag("is_ipv6", v6)
            .bytes("mac_address", &neighbor.mac)
            .bytes("ip_address", &sixteen(ip))
    };
    Answer::Details(entries.map(describe).collect())
}

pub(super) fn flush<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let sw_if_index = call.request.number("sw_if_index");
    if sw_if_index != u32::MAX
        && let Err(retval) = known(call.state, sw_if_index)
    {
        return Answer::Retval(retval);
    }
    let Some(v6) = family(call) else { return Answer::Retval(call.behaviour.no_such_family) };
    let wanted = of_interface(sw_if_index);
    let going: Vec<(u32, IpAddr)> = call
        .state
        .neighbors
        .iter()
        .filter(|(index, ip, _)| ip.is_ipv6() == v6 && wanted(*index))
        .map(|(index, ip, _)| (index, ip))
        .collect();
    call.state.remove_neighbors(&going);
    call.state.release_tables();
    Answer::Retval(0)
}

pub(super) fn config<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let limits = Limits {
        max_number: request.number("max_number"),
        max_age: request.number("max_age"),
        recycle: request.flag("recycle"),
    };
    retval_of(match family(call) {
        Some(v6) => {
            call.state.neighbors.set_limits(v6, limits);
            Ok(())
        }
        None => Err(call.behaviour.no_such_family),
    })
}

pub(super) fn config_get<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (retval, v6, limits) = match family(call) {
        Some(v6) => (0, v6, call.state.neighbors.limits(v6)),
        None => {
            let none = Limits { max_number: u32::MAX, max_age: u32::MAX, recycle: false };
            (call.behaviour.no_such_family, false, none)
        }
    };
    Answer::Reply(
        call.reply(retval)
            .set("af", u8::from(v6))
            .set("max_number", limits.max_number)
            .set("max_age", limits.max_age)
            .flag("recycle", limits.recycle),
    )
}

pub(super) fn replace_begin<'a>(call: &mut Call<'a>) -> Answer<'a> {
    call.state.neighbors.mark();
    Answer::Retval(0)
}

pub(super) fn replace_end<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let going = call.state.neighbors.marked();
    call.state.remove_neighbors(&going);
    call.state.release_tables();
    Answer::Retval(0)
}
