//! Bridge domains, their ports and the L2 FIB.

use super::{Answer, Call, arp_term, known, retval_of};
use crate::behaviour::retval;
use crate::message::Record;
use crate::state::l2::{BridgeDomain, FibEntry, MAX_ID, Port, PortType};

fn change(call: &mut Call<'_>, id: u32) -> Result<(), i32> {
    let request = call.request;
    let there = call.state.l2.index_of(id);
    if request.flag("is_add") {
        if there.is_some() {
            return Err(retval::BD_ALREADY_EXISTS);
        }
        if id > MAX_ID {
            return Err(retval::BD_ID_EXCEED_MAX);
        }
        call.state.l2.add(BridgeDomain {
            flood: request.flag("flood"),
            uu_flood: request.flag("uu_flood"),
            forward: request.flag("forward"),
            learn: request.flag("learn"),
            arp_term: request.flag("arp_term"),
            arp_ufwd: request.flag("arp_ufwd"),
            mac_age: request.byte("mac_age"),
            tag: request.text("bd_tag"),
            learn_limit: call.state.l2.learn_limit,
            ..BridgeDomain::new(id)
        });
        return Ok(());
    }
    match there {
        None => Err(retval::NO_SUCH_ENTRY),
        Some(0) => Err(retval::BD_NOT_MODIFIABLE),
        Some(index) if call.state.l2.domain(index).is_some_and(|d| !d.ports.is_empty()) => {
            Err(retval::BD_IN_USE)
        }
        Some(index) => {
            call.state.l2.delete(index);
            Ok(())
        }
    }
}

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let id = call.request.number("bd_id");
    retval_of(change(call, id))
}

/// As before, and !0 for any free id.
pub(super) fn add_del_v2<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let id = match call.request.number("bd_id") {
        u32::MAX if call.request.flag("is_add") => call.state.l2.unused_id(),
        id => Some(id),
    };
    let Some(id) = id else {
        return Answer::Reply(call.reply(retval::EAGAIN).set("bd_id", u32::MAX));
    };
    let retval = change(call, id).err().unwrap_or(0);
    Answer::Reply(call.reply(retval).set("bd_id", id))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let id = request.number("bd_id");
    // Asking by interface is not implemented in VPP either.
    if request.has("sw_if_index") && request.number("sw_if_index") != u32::MAX {
        return Answer::Details(Vec::new());
    }
    let details = call.state.l2.domains().filter(|(_, d)| id == u32::MAX || d.id == id);
    Answer::Details(details.map(|(_, domain)| describe(call.details(), domain)).collect())
}

fn describe<'a>(record: Record<'a>, domain: &BridgeDomain) -> Record<'a> {
    let ports: Vec<serde_json::Value> = domain
        .ports
        .iter()
        .map(|port| serde_json::json!({"context": 0, "sw_if_index": port.sw_if_index, "shg": port.shg}))
        .collect();
    record
        .set("bd_id", domain.id)
        .flag("flood", domain.flood)
        .flag("uu_flood", domain.uu_flood)
        .flag("forward", domain.forward)
        .flag("learn", domain.learn)
        .flag("arp_term", domain.arp_term)
        .flag("arp_ufwd", domain.arp_ufwd)
        .set("mac_age", domain.mac_age)
        .text("bd_tag", &domain.tag)
        .set("bvi_sw_if_index", domain.bvi)
        .set("uu_fwd_sw_if_index", domain.uu_fwd)
        .set("n_sw_ifs", ports.len())
        .set("sw_if_details", ports)
}

pub(super) fn set_bridge<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(bridge(call))
}

fn bridge(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let sw_if_index = request.number("rx_sw_if_index");
    known(call.state, sw_if_index)?;
    let kind = match request.number("port_type") {
        0 => PortType::Normal,
        1 => PortType::Bvi,
        2 => PortType::UnknownForward,
        _ => return Err(retval::INVALID_VALUE),
    };
    if !request.flag("enable") {
        // This does not ask what the interface was, a port or one end of a cross-connect.
        call.state.l2.make_l3(sw_if_index);
        return Ok(());
    }
    let id = request.number("bd_id");
    if id > MAX_ID {
        return Err(retval::BD_ID_EXCEED_MAX);
    }
    // A domain that is not there is made, with the defaults.
    let index = match call.state.l2.index_of(id) {
        Some(index) => index,
        None => {
            let learn_limit = call.state.l2.learn_limit;
            call.state.l2.add(BridgeDomain { learn_limit, ..BridgeDomain::new(id) })
        }
    };
    let interface = call.state.interfaces.get(sw_if_index);
    let parent = interface.and_then(|i| call.state.interfaces.get(i.sup_sw_if_index));
    let mac = parent.and_then(|i| i.mac);
    let port = Port { sw_if_index, shg: request.byte("shg") };
    if call.state.l2.add_port(index, port, kind, mac) { Ok(()) } else { Err(retval::BD_ALREADY_HAS_BVI) }
}

pub(super) fn fib_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(fib_change(call))
}

fn fib_change(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let index = call.state.l2.index_of(request.number("bd_id")).ok_or(retval::NO_SUCH_ENTRY)?;
    let mac = request.bytes::<6>("mac");
    let sw_if_index = request.number("sw_if_index");
    if !request.flag("is_add") {
        let removed = call.state.l2.remove_entry(index, mac, sw_if_index);
        return if removed { Ok(()) } else { Err(retval::NO_SUCH_ENTRY) };
    }
    if request.flag("filter_mac") {
        let entry = FibEntry { sw_if_index: u32::MAX, is_static: true, is_filter: true, is_bvi: false };
        call.state.l2.add_entry(index, mac, entry);
        return Ok(());
    }
    known(call.state, sw_if_index)?;
    // Any bridged interface will do, also one of another domain.
    if call.state.l2.domain_of(sw_if_index).is_none() {
        return Err(retval::INVALID_SW_IF_INDEX);
    }
    let entry = FibEntry {
        sw_if_index,
        is_static: request.flag("static_mac"),
        is_filter: false,
        is_bvi: request.flag("bvi_mac"),
    };
    call.state.l2.add_entry(index, mac, entry);
    Ok(())
}

pub(super) fn fib_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let id = call.request.number("bd_id");
    let only = call.state.l2.index_of(id);
    if id != u32::MAX && only.is_none() {
        return Answer::Details(Vec::new());
    }
    let details = call.state.l2.fib().filter(|(index, ..)| id == u32::MAX || Some(*index) == only);
    let details = details.map(|(index, mac, entry)| {
        // Of a domain that is gone, the id is gone too.
        let id = call.state.l2.domain(index).map_or(u32::MAX, |d| d.id);
        call.details()
            .set("bd_id", id)
            .bytes("mac", &mac)
            .set("sw_if_index", entry.sw_if_index)
            .flag("static_mac", entry.is_static)
            .flag("filter_mac", entry.is_filter)
            .flag("bvi_mac", entry.is_bvi)
    });
    Answer::Details(details.collect())
}

pub(super) fn fib_flush_all<'a>(call: &mut Call<'a>) -> Answer<'a> {
    call.state.l2.flush(None, None);
    Answer::Retval(0)
}

pub(super) fn fib_flush_domain<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.state.l2.index_of(call.request.number("bd_id")).ok_or(retval::NO_SUCH_ENTRY);
    retval_of(index.map(|index| call.state.l2.flush(Some(index), None)))
}

pub(super) fn fib_flush_interface<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let sw_if_index = call.request.number("sw_if_index");
    retval_of(known(call.state, sw_if_index).map(|()| call.state.l2.flush(None, Some(sw_if_index))))
}

/// Static entries go too, and those of BVIs.
pub(super) fn fib_clear<'a>(call: &mut Call<'a>) -> Answer<'a> {
    call.state.l2.clear_fib();
    Answer::Retval(0)
}

/// Changes the domain that a request names.
fn with_domain<T>(call: &mut Call<'_>, change: impl FnOnce(&mut BridgeDomain) -> T) -> Result<T, i32> {
    let index = arp_term::domain(call, call.request.number("bd_id"))?;
    call.state.l2.domain_mut(index).map(change).ok_or(retval::NO_SUCH_ENTRY)
}

pub(super) fn set_features<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (flags, on) = (call.request.number("flags"), call.request.flag("is_set"));
    let bits = call.behaviour.features;
    let changed = with_domain(call, |domain| {
        let named = [
            (1, &mut domain.learn),
            (2, &mut domain.forward),
            (4, &mut domain.flood),
            (8, &mut domain.uu_flood),
            (16, &mut domain.arp_term),
        ];
        for (bit, feature) in named {
            if flags & bit != 0 {
                *feature = on;
            }
        }
        if flags & 32 != 0 && bits.arp_ufwd != 0 {
            domain.arp_ufwd = on;
        }
        domain.features(&bits)
    });
    let (retval, bitmap) = match changed {
        Ok(bitmap) => (0, bitmap),
        Err(retval) => (retval, 0),
    };
    Answer::Reply(call.reply(retval).set("resulting_feature_bitmap", bitmap))
}

pub(super) fn set_mac_age<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let age = call.request.byte("mac_age");
    retval_of(with_domain(call, |domain| domain.mac_age = age))
}

pub(super) fn set_learn_limit<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let limit = call.request.number("learn_limit");
    retval_of(with_domain(call, |domain| domain.learn_limit = limit))
}

pub(super) fn set_default_learn_limit<'a>(call: &mut Call<'a>) -> Answer<'a> {
    call.state.l2.learn_limit = call.request.number("learn_limit");
    Answer::Retval(0)
}
