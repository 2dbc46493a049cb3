//! Mirrored interfaces.

use super::{Answer, Call, retval_of};
use crate::behaviour::retval;

const BOTH: u32 = 3;

/// VPP does not ask whether the interfaces are there.
pub(super) fn enable_disable<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (from, to) = (request.number("sw_if_index_from"), request.number("sw_if_index_to"));
    let state = request.number("state");
    retval_of(if state > BOTH {
        Err(retval::UNIMPLEMENTED)
    } else if from == u32::MAX || to == u32::MAX && state != 0 || from == to {
        Err(retval::INVALID_INTERFACE)
    } else {
        call.state.span.set(request.flag("is_l2"), from, to, state);
        Ok(())
    })
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let l2 = call.request.flag("is_l2");
    let details = call.state.span.mirrors(l2).map(|(from, to, state)| {
        call.details()
            .set("sw_if_index_from", from)
            .set("sw_if_index_to", to)
            .set("state", state)
            .flag("is_l2", l2)
    });
    Answer::Details(details.collect())
}
