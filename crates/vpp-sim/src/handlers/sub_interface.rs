//! Sub-interfaces.

use super::interface::made;
use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::state::interface::{Interface, Kind, Sub};
use crate::state::vlan::{NoSlot, flag};

/// The hardware interface of an index, or VPP's refusal.
pub(super) fn parent_of(call: &Call<'_>, sw_if_index: u32) -> Result<u32, i32> {
    let interface = call.state.interfaces.get(sw_if_index).ok_or(retval::INVALID_SW_IF_INDEX)?;
    Ok(interface.sup_sw_if_index)
}

fn has_sub(call: &Call<'_>, parent: u32, id: u32) -> bool {
    call.state
        .interfaces
        .iter()
        .any(|i| i.sup_sw_if_index == parent && matches!(&i.kind, Kind::Sub(sub) if sub.id == id))
}

/// What VPP answers when a sub-interface cannot be made: it has taken an index for it, or has not.
enum Refused {
    Early,
    WithIndex(u32),
}

/// Makes one that claims frames nobody else claims.
fn add(call: &mut Call<'_>, parent: u32, sub: Sub) -> Result<u32, Refused> {
    let slot = sub.slot();
    if slot == Err(NoSlot::Contradiction) {
        return Err(Refused::Early);
    }
    let behaviour = call.behaviour;
    let next = call.state.interfaces.next_index();
    if let Some(parent) = call.state.interfaces.get_mut(parent).filter(|p| p.is_ethernet()) {
        let Ok(slot) = slot else { return Err(Refused::WithIndex(next)) };
        if !parent.slots.insert(slot) {
            if behaviour.refused_sub_frees_vlan {
                parent.slots.remove(&slot);
            }
            return Err(Refused::WithIndex(next));
        }
    }
    let name =
        call.state.interfaces.get(parent).map_or_else(String::new, |p| format!("{}.{}", p.name, sub.id));
    Ok(call.state.add_interface(behaviour, |sw_if_index| Interface {
        sup_sw_if_index: parent,
        ..Interface::ip(sw_if_index, name, "", Kind::Sub(sub), 0)
    }))
}

pub(super) fn create_vlan<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let created = vlan(call);
    made(call, created)
}

fn vlan(call: &mut Call<'_>) -> Result<u32, (i32, u32)> {
    let refuse = |retval| (retval, u32::MAX);
    let id = call.request.number("vlan_id");
    let parent = parent_of(call, call.request.number("sw_if_index")).map_err(refuse)?;
    let outer_vlan = match u16::try_from(id) {
        Ok(vlan @ 1..=4095) => vlan,
        _ => return Err(refuse(retval::INVALID_VLAN)),
    };
    if has_sub(call, parent, id) {
        return Err(refuse(retval::VLAN_ALREADY_EXISTS));
    }
    let sub = Sub { id, outer_vlan, inner_vlan: 0, flags: flag::ONE_TAG | flag::EXACT_MATCH };
    add(call, parent, sub).map_err(|refused| match refused {
        Refused::Early => refuse(retval::INVALID_REGISTRATION),
        Refused::WithIndex(index) => (retval::INVALID_REGISTRATION, index),
    })
}

pub(super) fn create<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let created = make(call);
    made(call, created)
}

fn make(call: &mut Call<'_>) -> Result<u32, (i32, u32)> {
    let request = call.request;
    let id = request.number("sub_id");
    let mut flags = request.number("sub_if_flags") & 0xffff;
    // Older releases have a field for every flag.
    let single = [
        ("no_tags", flag::NO_TAGS),
        ("one_tag", flag::ONE_TAG),
        ("two_tags", flag::TWO_TAGS),
        ("dot1ad", flag::DOT1AD),
        ("exact_match", flag::EXACT_MATCH),
        ("default_sub", flag::DEFAULT),
        ("outer_vlan_id_any", flag::OUTER_ANY),
        ("inner_vlan_id_any", flag::INNER_ANY),
    ];
    for (field, bit) in single {
        if request.flag(field) {
            flags |= bit;
        }
    }
    let behaviour = call.behaviour;
    let parent = parent_of(call, request.number("sw_if_index")).map_err(|retval| (retval, u32::MAX))?;
    let told = if behaviour.refused_sub_tells_parent { parent } else { u32::MAX };
    if has_sub(call, parent, id) {
        return Err((behaviour.sub_taken, told));
    }
    let sub = Sub {
        id,
        outer_vlan: request.short("outer_vlan_id"),
        inner_vlan: request.short("inner_vlan_id"),
        flags,
    };
    add(call, parent, sub).map_err(|refused| match refused {
        Refused::Early => (behaviour.sub_failed, told),
        Refused::WithIndex(index) => (behaviour.sub_failed, index),
    })
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let sw_if_index = call.request.number("sw_if_index");
    retval_of(match call.state.interfaces.get(sw_if_index).map(|i| &i.kind) {
        Some(Kind::Sub(_)) => {
            call.state.delete_interface(call.behaviour, sw_if_index);
            Ok(())
        }
        Some(_) => Err(retval::INVALID_SUB_SW_IF_INDEX),
        None => Err(retval::INVALID_SW_IF_INDEX),
    })
}
