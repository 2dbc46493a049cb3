//! Interfaces: loopbacks, and what all interfaces have.

use super::sub_interface::parent_of;
use super::{Answer, Call, known, retval_of, xconnect};
use crate::behaviour::retval;
use crate::message::Record;
use crate::state::InterfaceEvent;
use crate::state::interface::{Interface, Kind};
use crate::state::vlan::flag;

/// The most loopbacks that VPP makes.
const MOST_LOOPBACKS: u32 = 16 * 1024;

const ADMIN_UP: u32 = 1;
const LINK_UP: u32 = 2;

pub(super) fn create_loopback<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let wanted = call.request.flag("is_specified").then(|| call.request.number("user_instance"));
    let taken = |instance: u32| {
        call.state.interfaces.iter().any(|i| matches!(i.kind, Kind::Loopback(other) if other == instance))
    };
    let instance = match wanted {
        Some(instance) => Some(instance).filter(|i| *i < MOST_LOOPBACKS && !taken(*i)),
        None => (0..MOST_LOOPBACKS).find(|i| !taken(*i)),
    };
    let Some(instance) = instance else {
        return Answer::Reply(call.reply(retval::INVALID_REGISTRATION).set("sw_if_index", u32::MAX));
    };
    let mac = match call.request.bytes::<6>("mac_address") {
        [0, 0, 0, 0, 0, 0] => [0xde, 0xad, 0, 0, 0, instance.to_le_bytes()[0]],
        mac => mac,
    };
    let link_mtu = call.behaviour.link_mtu;
    let sw_if_index = call.state.add_interface(call.behaviour, |sw_if_index| {
        let name = format!("loop{instance}");
        Interface::ethernet(sw_if_index, name, "Loopback", Kind::Loopback(instance), mac, link_mtu)
    });
    Answer::Reply(call.reply(0).set("sw_if_index", sw_if_index))
}

pub(super) fn delete_loopback<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let loopback = sup_of_kind(call, |kind| matches!(kind, Kind::Loopback(_)));
    retval_of(loopback.map(|index| delete_with_subs(call, index)))
}

/// Deletes an interface after its sub-interfaces.
pub(super) fn delete_with_subs(call: &mut Call<'_>, sw_if_index: u32) {
    let subs: Vec<u32> = call
        .state
        .interfaces
        .iter()
        .filter(|i| i.sup_sw_if_index == sw_if_index && i.sw_if_index != sw_if_index)
        .map(|i| i.sw_if_index)
        .collect();
    for index in subs.into_iter().chain([sw_if_index]) {
        call.state.delete_interface(call.behaviour, index);
    }
}

/// The reply to a request that makes an interface. A refusal has its retval and the index that VPP leaves there.
pub(super) fn made<'a>(call: &Call<'a>, made: Result<u32, (i32, u32)>) -> Answer<'a> {
    let (retval, sw_if_index) = match made {
        Ok(sw_if_index) => (0, sw_if_index),
        Err(refused) => refused,
    };
    Answer::Reply(call.reply(retval).set("sw_if_index", sw_if_index))
}

/// The interface that the request's index leads to, also from a sub-interface, when it is of a kind.
pub(super) fn sup_of_kind(call: &Call<'_>, of_kind: impl Fn(&Kind) -> bool) -> Result<u32, i32> {
    let parent = parent_of(call, call.request.number("sw_if_index"))?;
    let there = call.state.interfaces.get(parent).filter(|i| of_kind(&i.kind));
    there.map(|i| i.sw_if_index).ok_or(retval::INVALID_SW_IF_INDEX)
}

/// Stands for the random MAC that VPP makes up.
pub(super) fn random_mac(sw_if_index: u32) -> [u8; 6] {
    let [a, b, c, d] = sw_if_index.to_be_bytes();
    [0x02, 0xfe, a, b, c, d]
}

fn describe<'a>(call: &Call<'a>, interface: &Interface) -> Record<'a> {
    let state = &call.state;
    let parent = state.interfaces.get(interface.sup_sw_if_index).unwrap_or(interface);
    let link_up = state.interfaces.link_up(interface);
    let flags = if interface.admin_up { ADMIN_UP } else { 0 } | if link_up { LINK_UP } else { 0 };
    // 20.01 counts the types from 1, later releases from 0.
    let kind = match &interface.kind {
        Kind::Sub(_) => call.system.type_sub,
        _ => call.system.type_hardware,
    };
    let mut record = call
        .details()
        .set("sw_if_index", interface.sw_if_index)
        .set("sup_sw_if_index", interface.sup_sw_if_index)
        .text("interface_name", &interface.name)
        .text("interface_dev_type", parent.device_class)
        .text("tag", &interface.tag)
        .set("flags", flags)
        .flag("admin_up_down", interface.admin_up)
        .flag("link_up_down", link_up)
        .set("type", kind)
        .set("link_mtu", parent.link_mtu)
        .set("mtu", interface.mtu.to_vec());
    record = xconnect::describe(state, record, interface.sw_if_index);
    if let Some(mac) = interface.mac {
        record = record.set("l2_address_length", 6).bytes("l2_address", &mac);
    }
    if let Kind::Sub(sub) = &interface.kind {
        let bit = |bit: u32| sub.has(bit);
        let tags = u8::from(bit(flag::ONE_TAG)) + 2 * u8::from(bit(flag::TWO_TAGS));
        record = record
            .set("sub_id", sub.id)
            .set("sub_number_of_tags", tags)
            .set("sub_outer_vlan_id", sub.outer_vlan)
            .set("sub_inner_vlan_id", sub.inner_vlan)
            .set("sub_if_flags", sub.flags & 254)
            .flag("sub_dot1ad", bit(flag::DOT1AD))
            .flag("sub_exact_match", bit(flag::EXACT_MATCH))
            .flag("sub_default", bit(flag::DEFAULT))
            .flag("sub_outer_vlan_id_any", bit(flag::OUTER_ANY))
            .flag("sub_inner_vlan_id_any", bit(flag::INNER_ANY));
    }
    record
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let filter = request.flag("name_filter_valid").then(|| request.text("name_filter").to_lowercase());
    // Releases that can be asked for one index take 0 for all, and a filter goes before it.
    let only = Some(request.number("sw_if_index"))
        .filter(|index| request.has("sw_if_index") && filter.is_none() && *index != 0 && *index != u32::MAX);
    let wanted = |interface: &&Interface| match (&filter, only) {
        (Some(filter), _) => interface.name.to_lowercase().contains(filter.as_str()),
        (None, Some(index)) => interface.sw_if_index == index,
        (None, None) => true,
    };
    Answer::Details(call.state.interfaces.iter().filter(wanted).map(|i| describe(call, i)).collect())
}

pub(super) fn set_flags<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let sw_if_index = request.number("sw_if_index");
    let up = request.number("flags") & ADMIN_UP != 0 || request.flag("admin_up_down");
    retval_of(switch(call, sw_if_index, up))
}

/// Sets an interface up or down.
pub(super) fn switch(call: &mut Call<'_>, sw_if_index: u32, up: bool) -> Result<(), i32> {
    let interface = call.state.interfaces.get(sw_if_index).ok_or(retval::INVALID_SW_IF_INDEX)?;
    let parent_up = call.state.interfaces.get(interface.sup_sw_if_index).is_some_and(|p| p.admin_up);
    let is_sub = matches!(interface.kind, Kind::Sub(_));
    // A sub-interface is not up while its parent is down.
    if is_sub && up && !parent_up {
        return Err(retval::UNSPECIFIED);
    }
    if interface.admin_up == up {
        return Ok(());
    }
    let mut link_rises = false;
    if let Some(interface) = call.state.interfaces.get_mut(sw_if_index) {
        interface.admin_up = up;
        let link_up = match interface.kind {
            // Sub-interfaces have no link of their own, memifs no peer, and a bond's link is its members' matter.
            Kind::Local | Kind::Sub(_) | Kind::Memif(_) | Kind::Bond(_) => interface.link_up,
            _ => up,
        };
        link_rises = link_up && !interface.link_up;
        interface.link_up = link_up;
    }
    let event = InterfaceEvent { sw_if_index, admin_up: up, link_up: link_rises, deleted: false };
    call.state.event(event);
    for bond in call.state.bond_of(sw_if_index).into_iter().chain([sw_if_index]) {
        call.state.check_bond(call.behaviour, bond);
    }
    call.state.sync_routes(call.behaviour, sw_if_index);
    if !up {
        call.state.forget_neighbors(sw_if_index, None);
    }
    Ok(())
}

pub(super) fn tag<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let (add, tag) = (call.request.flag("is_add"), call.request.text("tag"));
    retval_of(match call.state.interfaces.get_mut(call.request.number("sw_if_index")) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(_) if add && tag.is_empty() => Err(retval::INVALID_VALUE),
        Some(interface) => {
            interface.tag = if add { tag.chars().take(63).collect() } else { String::new() };
            Ok(())
        }
    })
}

pub(super) fn set_mac<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let mac = call.request.bytes::<6>("mac_address");
    retval_of(match call.state.interfaces.get_mut(call.request.number("sw_if_index")) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(Interface { mac: own @ Some(_), .. }) => {
            *own = Some(mac);
            Ok(())
        }
        // Sub-interfaces have none of their own.
        Some(_) => Err(retval::UNIMPLEMENTED),
    })
}

pub(super) fn get_mac<'a>(call: &mut Call<'a>) -> Answer<'a> {
    match parent_of(call, call.request.number("sw_if_index")) {
        Err(retval) => Answer::Retval(retval),
        Ok(parent) => {
            let mac = call.state.interfaces.get(parent).and_then(|i| i.mac).unwrap_or_default();
            Answer::Reply(call.reply(0).bytes("mac_address", &mac))
        }
    }
}

pub(super) fn set_mtu<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let mtu = call.request.value("mtu").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    retval_of(match call.state.interfaces.get_mut(call.request.number("sw_if_index")) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(interface) => {
            for (own, given) in interface.mtu.iter_mut().zip(&mtu) {
                *own = crate::message::number(Some(given));
            }
            Ok(())
        }
    })
}

pub(super) fn set_link_mtu<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let mtu = call.request.number("mtu");
    retval_of(link_mtu(call, call.request.number("sw_if_index"), mtu))
}

fn link_mtu(call: &mut Call<'_>, sw_if_index: u32, mtu: u32) -> Result<(), i32> {
    let interface = call.state.interfaces.get(sw_if_index).ok_or(retval::INVALID_SW_IF_INDEX)?;
    let driver_judges = !call.behaviour.loopback_takes_mtu;
    match interface.kind {
        Kind::Sub(_) => return Err(retval::INVALID_VALUE),
        _ if !interface.is_ethernet() => return Err(retval::FEATURE_DISABLED),
        _ if driver_judges && interface.link_mtu == mtu => return Ok(()),
        _ if driver_judges && interface.is_deaf() => return Err(retval::UNSUPPORTED),
        // Bounds of an Ethernet device.
        _ if !driver_judges && !(64..=9216).contains(&mtu) => return Err(retval::INVALID_VALUE),
        _ => {}
    }
    call.state.interfaces.set_link_mtu(sw_if_index, mtu);
    Ok(())
}

pub(super) fn set_table<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (sw_if_index, v6, table) =
        (request.number("sw_if_index"), request.flag("is_ipv6"), request.number("vrf_id"));
    retval_of(known(call.state, sw_if_index).and_then(|()| {
        if call.state.fib.table(table, v6).is_none() {
            return Err(retval::NO_SUCH_FIB);
        }
        let Some(interface) = call.state.interfaces.get_mut(sw_if_index) else { return Ok(()) };
        if interface.addresses.iter().any(|a| a.ip.is_ipv6() == v6) {
            return Err(retval::ADDRESS_FOUND_FOR_INTERFACE);
        }
        let [four, six] = &mut interface.tables;
        *(if v6 { six } else { four }) = table;
        call.state.move_neighbors(sw_if_index, v6);
        call.state.release_tables();
        Ok(())
    }))
}

pub(super) fn get_table<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let v6 = call.request.flag("is_ipv6");
    match call.state.interfaces.get(call.request.number("sw_if_index")) {
        None => Answer::Retval(retval::INVALID_SW_IF_INDEX),
        Some(interface) => Answer::Reply(call.reply(0).set("vrf_id", interface.table(v6))),
    }
}
