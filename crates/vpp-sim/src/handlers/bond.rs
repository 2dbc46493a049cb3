//! Bonds and their members.

use super::interface::{delete_with_subs, made, random_mac, sup_of_kind};
use super::{Answer, Call, known, retval_of, silence};
use crate::behaviour::retval;
use crate::state::bond::{Bond, Member, mode};
use crate::state::interface::{Interface, Kind};

/// The last way to spread the load that can be asked for; the others come with their mode.
const MOST_LB: u32 = 2;
const LB_ROUND_ROBIN: u32 = 3;
const LB_BROADCAST: u32 = 4;
const LB_ACTIVE_BACKUP: u32 = 5;
/// A TAP that takes large packets, in `tap_flags`.
const TAP_GSO: u32 = 1;

fn bonds<'s>(call: &'s Call<'_>) -> impl Iterator<Item = (&'s Interface, &'s Bond)> {
    call.state.interfaces.iter().filter_map(|i| match &i.kind {
        Kind::Bond(bond) => Some((i, bond.as_ref())),
        _ => None,
    })
}

/// The answer, where the release sends one.
fn answer<'a>(call: &Call<'a>, answer: Answer<'a>) -> Answer<'a> {
    if call.behaviour.bond_replies { answer } else { silence() }
}

/// What is told of a member that comes or goes.
fn told(call: &Call<'_>, done: Result<(), i32>) -> Result<(), i32> {
    if call.behaviour.bond_member_refusals { done } else { Ok(()) }
}

pub(super) fn create<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let created = make(call).map_err(|retval| (retval, 0));
    let reply = made(call, created);
    answer(call, reply)
}

fn make(call: &mut Call<'_>) -> Result<u32, i32> {
    let request = call.request;
    let wanted = request.number("mode");
    let lacp_loaded = !call.options.without_plugins.iter().any(|p| p.trim_end_matches("_plugin") == "lacp");
    if wanted == mode::LACP && !lacp_loaded {
        return Err(retval::FEATURE_DISABLED);
    }
    let lb = request.number("lb");
    if !(mode::ROUND_ROBIN..=mode::LACP).contains(&wanted) || lb > MOST_LB {
        return Err(retval::INVALID_ARGUMENT);
    }
    let instance = call.state.pools.bond.peek();
    let id = match request.number("id") {
        id if request.has("id") && id != u32::MAX => id,
        _ => instance,
    };
    if bonds(call).any(|(_, bond)| bond.id == id) {
        return Err(retval::INSTANCE_IN_USE);
    }
    call.state.pools.bond.take();
    let custom_mac = request.flag("use_custom_mac");
    let given = request.bytes::<6>("mac_address");
    let bond = Bond {
        instance,
        id,
        mode: wanted,
        lb: match wanted {
            mode::ROUND_ROBIN => LB_ROUND_ROBIN,
            mode::BROADCAST => LB_BROADCAST,
            mode::ACTIVE_BACKUP => LB_ACTIVE_BACKUP,
            _ => lb,
        },
        numa_only: request.flag("numa_only"),
        gso: request.flag("enable_gso"),
        custom_mac,
        members: Vec::new(),
    };
    let (link_mtu, link_up) = (call.behaviour.link_mtu, !call.behaviour.bond_link_follows_members);
    Ok(call.state.add_interface(call.behaviour, |sw_if_index| {
        let mac = if custom_mac { given } else { random_mac(sw_if_index) };
        let kind = Kind::Bond(Box::new(bond));
        let interface =
            Interface::ethernet(sw_if_index, format!("BondEthernet{id}"), "bond", kind, mac, link_mtu);
        Interface { link_up, ..interface }
    }))
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let bond = sup_of_kind(call, |kind| matches!(kind, Kind::Bond(_)));
    let deleted = bond.map(|index| {
        let members: Vec<u32> = bonds(call)
            .filter(|(i, _)| i.sw_if_index == index)
            .flat_map(|(_, bond)| bond.members.iter().map(|m| m.sw_if_index))
            .collect();
        for member in members {
            call.state.leave_bond(call.behaviour, member);
        }
        delete_with_subs(call, index);
    });
    answer(call, retval_of(deleted))
}

pub(super) fn add_member<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("sw_if_index");
    if !call.behaviour.bond_member_refusals && call.state.interfaces.get(index).is_none() {
        return Answer::Dies(format!("bond_enslave: there is no interface {index}"));
    }
    let added = enter(call);
    answer(call, retval_of(told(call, added)))
}

fn enter(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let index = request.number("sw_if_index");
    known(call.state, index)?;
    let group = request.number("bond_sw_if_index");
    let (_, bond) = bonds(call).find(|(i, _)| i.sw_if_index == group).ok_or(retval::INVALID_INTERFACE)?;
    let (gso, custom_mac, first) = (bond.gso, bond.custom_mac, bond.members.is_empty());
    if call.state.bond_of(index).is_some() {
        return Err(retval::VALUE_EXIST);
    }
    let member = call.state.interfaces.get(index).ok_or(retval::INVALID_SW_IF_INDEX)?;
    let takes_large = matches!(&member.kind, Kind::Tap(tap) if tap.flags & TAP_GSO != 0);
    if matches!(member.kind, Kind::Bond(_)) || gso && !takes_large {
        return Err(retval::INVALID_INTERFACE);
    }
    let own_mac = member.mac;
    let member = Member {
        sw_if_index: index,
        is_passive: request.flag("is_passive"),
        is_long_timeout: request.flag("is_long_timeout"),
        weight: 0,
        active: false,
        local_numa: false,
        own_mac,
    };
    // The bond has the MAC of its first member, and the others have the bond's.
    let bond_gets_mac = first && !custom_mac && own_mac.is_some();
    let mut bond_mac = None;
    if let Some(Interface { kind: Kind::Bond(bond), mac, .. }) = call.state.interfaces.get_mut(group) {
        bond.members.push(member);
        if bond_gets_mac {
            *mac = own_mac;
        }
        bond_mac = *mac;
    }
    if let Some(interface) = call.state.interfaces.get_mut(index).filter(|i| i.mac.is_some()) {
        interface.mac = bond_mac;
    }
    call.state.check_bond(call.behaviour, group);
    Ok(())
}

pub(super) fn detach_member<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("sw_if_index");
    let left = known(call.state, index).and_then(|()| {
        if call.state.leave_bond(call.behaviour, index) { Ok(()) } else { Err(retval::INVALID_INTERFACE) }
    });
    answer(call, retval_of(told(call, left)))
}

pub(super) fn set_weight<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("sw_if_index");
    let weight = call.request.number("weight");
    retval_of(known(call.state, index).and_then(|()| {
        let group = call.state.bond_of(index).ok_or(retval::INVALID_INTERFACE)?;
        let Some(Interface { kind: Kind::Bond(bond), .. }) = call.state.interfaces.get_mut(group) else {
            return Err(retval::INVALID_INTERFACE);
        };
        if bond.mode != mode::ACTIVE_BACKUP {
            return Err(retval::INVALID_ARGUMENT);
        }
        for member in bond.members.iter_mut().filter(|m| m.sw_if_index == index) {
            member.weight = weight;
        }
        Ok(())
    }))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let only = Some(request.number("sw_if_index")).filter(|i| request.has("sw_if_index") && *i != u32::MAX);
    let mut bonds: Vec<_> =
        bonds(call).filter(|(i, _)| only.is_none_or(|only| i.sw_if_index == only)).collect();
    bonds.sort_by_key(|(_, bond)| bond.instance);
    let details = bonds.into_iter().map(|(interface, bond)| {
        call.details()
            .set("sw_if_index", interface.sw_if_index)
            .set("id", bond.id)
            .text("interface_name", &interface.name)
            .set("mode", bond.mode)
            .set("lb", bond.lb)
            .flag("numa_only", bond.numa_only)
            .set("active_members", bond.active())
            .set("members", bond.members.len())
            .set("active_slaves", bond.active())
            .set("slaves", bond.members.len())
    });
    Answer::Details(details.collect())
}

pub(super) fn members_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("sw_if_index");
    let members = bonds(call).filter(|(i, _)| i.sw_if_index == index).flat_map(|(_, bond)| &bond.members);
    let details = members.map(|member| {
        let name = call.state.interfaces.get(member.sw_if_index).map_or("", |i| i.name.as_str());
        call.details()
            .set("sw_if_index", member.sw_if_index)
            .text("interface_name", name)
            .flag("is_passive", member.is_passive)
            .flag("is_long_timeout", member.is_long_timeout)
            .flag("is_local_numa", member.local_numa)
            .set("weight", member.weight)
    });
    Answer::Details(details.collect())
}
