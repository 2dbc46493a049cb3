//! What can be switched on an interface beside its state: unnumbered, IPv6, promiscuous, names.

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::state::interface::{Interface, Kind};

/// `unnumbered_sw_if_index` is the one without addresses, `sw_if_index` the one that has them.
pub(super) fn set_unnumbered<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (index, lender) = (request.number("unnumbered_sw_if_index"), request.number("sw_if_index"));
    let add = request.flag("is_add");
    retval_of(known(call.state, index).and_then(|()| {
        let lender = match call.state.interfaces.get(lender) {
            _ if !add => None,
            None => return Err(retval::INVALID_SW_IF_INDEX_2),
            Some(lender) => Some((lender.sw_if_index, lender.tables)),
        };
        let Some(interface) = call.state.interfaces.get_mut(index) else { return Ok(()) };
        let other_table = lender.is_some_and(|(_, tables)| tables != interface.tables);
        if other_table && call.behaviour.unnumbered_needs_same_table {
            return Err(retval::UNEXPECTED_INTF_STATE);
        }
        interface.unnumbered = lender.map(|(lender, _)| lender);
        Ok(())
    }))
}

pub(super) fn unnumbered_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let only = call.request.number("sw_if_index");
    let wanted = call.state.interfaces.iter().filter(|i| only == u32::MAX || i.sw_if_index == only);
    let details = wanted.filter_map(|i| {
        let lender = i.unnumbered?;
        Some(call.details().set("sw_if_index", i.sw_if_index).set("ip_sw_if_index", lender))
    });
    Answer::Details(details.collect())
}

pub(super) fn ip6_enable<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (index, enable) = (request.number("sw_if_index"), request.flag("enable"));
    let counts = call.behaviour.ip6_counts;
    retval_of(match call.state.interfaces.get_mut(index) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(interface) => {
            // Every address enables it too.
            let on = interface.ip6_enabled > 0 || interface.addresses.iter().any(|a| a.ip.is_ipv6());
            interface.ip6_enabled = match enable {
                true => interface.ip6_enabled.saturating_add(1),
                false => interface.ip6_enabled.saturating_sub(1),
            };
            match (enable, on) {
                (true, true) if counts => Err(retval::VALUE_EXIST),
                (false, false) if counts => Err(retval::IP6_NOT_ENABLED),
                _ => Ok(()),
            }
        }
    })
}

pub(super) fn set_directed_broadcast<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let enable = call.request.flag("enable");
    retval_of(match call.state.interfaces.get_mut(call.request.number("sw_if_index")) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(interface) => {
            interface.directed_broadcast = enable;
            Ok(())
        }
    })
}

/// Of Ethernet interfaces that are nobody's part; some drivers cannot.
pub(super) fn set_promiscuous<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let on = call.request.flag("promisc_on");
    let host_cannot = !call.behaviour.af_packet_promiscuous;
    retval_of(match call.state.interfaces.get_mut(call.request.number("sw_if_index")) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(interface) if !interface.is_ethernet() => Err(retval::INVALID_VALUE),
        Some(Interface { kind: Kind::AfPacket(_), .. }) if host_cannot => Err(retval::UNSPECIFIED),
        Some(interface) if interface.is_deaf() => Err(retval::UNSPECIFIED),
        Some(interface) => {
            interface.promiscuous = on;
            Ok(())
        }
    })
}

pub(super) fn clear_stats<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(match call.request.number("sw_if_index") {
        u32::MAX => Ok(()),
        index => known(call.state, index),
    })
}

/// A sub-interface that is named gives its name to `local0`, whose hardware index it has.
pub(super) fn set_name<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let name = call.request.text("name");
    let index = call.request.number("sw_if_index");
    retval_of(known(call.state, index).and_then(|()| {
        if name.is_empty() {
            return Err(retval::INVALID_VALUE);
        }
        let is_sub = call.state.interfaces.get(index).is_some_and(|i| matches!(i.kind, Kind::Sub(_)));
        call.state.interfaces.rename(if is_sub { 0 } else { index }, &name);
        Ok(())
    }))
}

/// None of the kinds that are simulated can be renumbered.
pub(super) fn renumber<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let there = known(call.state, call.request.number("sw_if_index"));
    retval_of(there.and(Err(retval::UNIMPLEMENTED)))
}

const MOST_BVIS: u32 = 16 * 1024;

pub(super) fn bvi_create<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let taken = |instance: u32| call.state.interfaces.iter().any(|i| i.kind == Kind::Bvi(instance));
    let instance = match call.request.number("user_instance") {
        u32::MAX => (0..MOST_BVIS).find(|i| !taken(*i)),
        instance => Some(instance).filter(|i| *i < MOST_BVIS && !taken(*i)),
    };
    let Some(instance) = instance else {
        return Answer::Reply(call.reply(retval::INVALID_REGISTRATION).set("sw_if_index", u32::MAX));
    };
    let mac = match call.request.bytes::<6>("mac") {
        [0, 0, 0, 0, 0, 0] => [0xb0, 0xb0, 0, 0, 0, instance.to_le_bytes()[0]],
        mac => mac,
    };
    let link_mtu = call.behaviour.link_mtu;
    let sw_if_index = call.state.add_interface(call.behaviour, |sw_if_index| {
        Interface::ethernet(sw_if_index, format!("bvi{instance}"), "BVI", Kind::Bvi(instance), mac, link_mtu)
    });
    Answer::Reply(call.reply(0).set("sw_if_index", sw_if_index))
}

pub(super) fn bvi_delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let bvi = super::interface::sup_of_kind(call, |kind| matches!(kind, Kind::Bvi(_)));
    retval_of(bvi.map(|index| super::interface::delete_with_subs(call, index)))
}
