//! Cross-connects and VLAN tag rewrites.

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::message::Record;
use crate::state::State;
use crate::state::interface::Kind;
use crate::state::l2::TagRewrite;

pub(super) fn set<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (rx, tx) = (request.number("rx_sw_if_index"), request.number("tx_sw_if_index"));
    retval_of(known(call.state, rx).and_then(|()| {
        if request.flag("enable") {
            known(call.state, tx)?;
            // A port of a bridge domain is taken out of it.
            call.state.l2.xconnect(rx, tx);
        } else {
            // This does not ask what the interface was, a port or one end of a cross-connect.
            call.state.l2.make_l3(rx);
        }
        Ok(())
    }))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let details = call
        .state
        .l2
        .xconnects()
        .map(|(rx, tx)| call.details().set("rx_sw_if_index", rx).set("tx_sw_if_index", tx));
    Answer::Details(details.collect())
}

pub(super) fn rewrite_tags<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(rewrite(call))
}

/// How many tags of known value the frames of an interface have.
fn configured_tags(state: &State, sw_if_index: u32) -> u32 {
    let Some(Kind::Sub(sub)) = state.interfaces.get(sw_if_index).map(|i| &i.kind) else { return 0 };
    let bit = |bit: u32| sub.flags & bit != 0;
    let (no_tags, one, two, outer_any, inner_any) = (bit(1), bit(2), bit(4), bit(64), bit(128));
    match (one, two) {
        _ if no_tags || outer_any => 0,
        (true, _) => 1,
        (false, true) => 2 - u32::from(inner_any),
        (false, false) => 0,
    }
}

fn rewrite(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let sw_if_index = request.number("sw_if_index");
    known(call.state, sw_if_index)?;
    let op = request.number("vtr_op");
    if op > 8 {
        return Err(retval::INVALID_VALUE);
    }
    let parent = call.state.interfaces.get(sw_if_index).map_or(sw_if_index, |i| i.sup_sw_if_index);
    if call.state.interfaces.get(parent).is_none_or(|parent| parent.mac.is_none()) {
        return Err(retval::INVALID_INTERFACE);
    }
    let needed = match op {
        3 | 5 | 6 => 1,
        4 | 7 | 8 => 2,
        _ => 0,
    };
    if configured_tags(call.state, sw_if_index) < needed {
        // The tags of the rewrite that was are gone all the same.
        let there = call.state.l2.rewrite(sw_if_index).map(|r| TagRewrite { op: r.op, ..NO_TAGS });
        call.state.l2.set_rewrite(sw_if_index, there);
        return Err(retval::INVALID_VLAN_TAG_COUNT);
    }
    let tag = |field| u16::try_from(request.number(field) & 0xffff).unwrap_or(0);
    let pushed = match op {
        1 | 5 | 7 => TagRewrite { tag1: tag("tag1"), dot1q: request.number("push_dot1q") != 0, ..NO_TAGS },
        2 | 6 | 8 => TagRewrite {
            tag1: tag("tag1"),
            tag2: tag("tag2"),
            dot1q: request.number("push_dot1q") != 0,
            ..NO_TAGS
        },
        _ => NO_TAGS,
    };
    call.state.l2.set_rewrite(sw_if_index, (op != 0).then_some(TagRewrite { op, ..pushed }));
    Ok(())
}

const NO_TAGS: TagRewrite = TagRewrite { op: 0, dot1q: false, tag1: 0, tag2: 0 };

/// What the details of an interface say of its tag rewrite.
pub(super) fn describe<'a>(state: &State, record: Record<'a>, sw_if_index: u32) -> Record<'a> {
    let rewrite = state.l2.rewrite(sw_if_index).copied().unwrap_or(NO_TAGS);
    record
        .set("vtr_op", rewrite.op)
        .set("vtr_push_dot1q", u32::from(rewrite.dot1q))
        .set("vtr_tag1", rewrite.tag1)
        .set("vtr_tag2", rewrite.tag2)
}
