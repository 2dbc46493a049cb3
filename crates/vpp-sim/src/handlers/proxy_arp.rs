//! Proxy ARP.

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::state::proxy_arp::Range;

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(change(call))
}

fn change(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let at = |now: &'static str, before: &'static str| if request.has(now) { now } else { before };
    let table = request.number(at("proxy.table_id", "proxy.vrf_id"));
    let table = call.state.fib.table(table, false).ok_or(retval::NO_SUCH_FIB)?;
    let range = Range {
        fib_index: table.fib_index,
        table_id: table.id,
        low: request.bytes(at("proxy.low", "proxy.low_address")),
        high: request.bytes(at("proxy.hi", "proxy.hi_address")),
    };
    let ranges = &mut call.state.proxy_arp.ranges;
    let there = ranges
        .iter()
        .position(|r| r.fib_index == range.fib_index && r.low == range.low && r.high == range.high);
    match (request.flag("is_add"), there) {
        (true, None) => ranges.push(range),
        (true, Some(_)) => {}
        (false, Some(position)) => {
            ranges.remove(position);
        }
        (false, None) => return Err(retval::NO_SUCH_ENTRY),
    }
    Ok(())
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let shown = |range: &Range| {
        if call.behaviour.proxy_arp_shows_index {
            return range.fib_index;
        }
        let table = call.state.fib.tables().find(|t| !t.v6 && t.fib_index == range.fib_index);
        table.map_or(range.table_id, |table| table.id)
    };
    let details = call.state.proxy_arp.ranges.iter().map(|range| {
        call.details()
            .set("proxy.table_id", shown(range))
            .set("proxy.vrf_id", shown(range))
            .bytes("proxy.low", &range.low)
            .bytes("proxy.low_address", &range.low)
            .bytes("proxy.hi", &range.high)
            .bytes("proxy.hi_address", &range.high)
    });
    Answer::Details(details.collect())
}

pub(super) fn enable_disable<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let sw_if_index = request.number("sw_if_index");
    retval_of(known(call.state, sw_if_index).map(|()| {
        let interfaces = &mut call.state.proxy_arp.interfaces;
        if request.flag("enable") || request.flag("enable_disable") {
            interfaces.insert(sw_if_index);
        } else {
            interfaces.remove(&sw_if_index);
        }
    }))
}

pub(super) fn interface_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let interfaces = call.state.proxy_arp.interfaces.iter();
    Answer::Details(interfaces.map(|index| call.details().set("sw_if_index", *index)).collect())
}
