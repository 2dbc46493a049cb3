//! Queues: their modes and threads. There is the main thread alone.

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::message::number;
use crate::state::interface::{Interface, Kind};
use crate::state::queue::rx_mode;

/// The interface that the request names, which has to be a hardware interface.
fn hardware<'s>(call: &'s mut Call<'_>, otherwise: i32) -> Result<&'s mut Interface, i32> {
    let index = call.request.number("sw_if_index");
    match call.state.interfaces.get_mut(index) {
        None => Err(retval::INVALID_SW_IF_INDEX),
        Some(Interface { kind: Kind::Sub(_), .. }) => Err(otherwise),
        Some(interface) => Ok(interface),
    }
}

pub(super) fn set_rx_mode<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let mode = match request.number("mode") {
        rx_mode::DEFAULT => rx_mode::POLLING,
        mode => mode,
    };
    let only = request.flag("queue_id_valid").then(|| request.number("queue_id"));
    retval_of(hardware(call, retval::INVALID_VALUE).and_then(|interface| {
        let queues = &mut interface.queues.rx;
        match only {
            None => queues.iter_mut().for_each(|queue| *queue = mode),
            Some(id) => *queues.get_mut(id as usize).ok_or(retval::UNIMPLEMENTED)? = mode,
        }
        Ok(())
    }))
}

pub(super) fn rx_placement_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let only = call.request.number("sw_if_index");
    let interfaces = call.state.interfaces.iter().filter(|i| only == u32::MAX || i.sw_if_index == only);
    let queues =
        interfaces.flat_map(|i| i.queues.rx.iter().enumerate().map(move |(id, mode)| (i, id, *mode)));
    let details = queues.map(|(interface, id, mode)| {
        call.details()
            .set("sw_if_index", interface.sw_if_index)
            .set("queue_id", id)
            .set("worker_id", 0)
            .set("mode", mode)
    });
    Answer::Details(details.collect())
}

pub(super) fn set_rx_placement<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    // Workers are counted from 0 and there are none.
    let main = request.flag("is_main");
    let id = request.number("queue_id");
    retval_of(hardware(call, retval::INVALID_VALUE).and_then(|interface| {
        let there = interface.queues.rx.get(id as usize).is_some();
        if there && main { Ok(()) } else { Err(retval::UNIMPLEMENTED) }
    }))
}

pub(super) fn set_tx_placement<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let id = request.number("queue_id");
    let threads = request.value("threads").and_then(serde_json::Value::as_array);
    let mut threads: Vec<u32> = threads.into_iter().flatten().map(|t| number(Some(t))).collect();
    threads.sort_unstable();
    threads.dedup();
    retval_of(hardware(call, retval::INVALID_VALUE).and_then(|interface| {
        if threads.iter().any(|thread| *thread != 0) {
            return Err(retval::INVALID_VALUE);
        }
        let queue = interface.queues.tx.get_mut(id as usize).ok_or(retval::INVALID_QUEUE)?;
        *queue = threads;
        Ok(())
    }))
}

/// Details, and a reply that tells how far they go.
pub(super) fn tx_placement_get<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let index = request.number("sw_if_index");
    let cursor = request.number("cursor");
    let state = &*call.state;
    if state.interfaces.iter().all(|i| i.queues.tx.is_empty()) {
        return Answer::Reply(call.reply(retval::NO_SUCH_ENTRY).set("cursor", 0));
    }
    if index != u32::MAX {
        if let Err(retval) = known(state, index) {
            return Answer::Reply(call.reply(retval).set("cursor", 0));
        }
        if state.interfaces.get(index).is_some_and(|i| matches!(i.kind, Kind::Sub(_))) {
            return Answer::Reply(call.reply(retval::INVALID_INTERFACE).set("cursor", 0));
        }
    }
    let interfaces = state.interfaces.iter().filter(|i| index == u32::MAX || i.sw_if_index == index);
    let queues: Vec<_> = interfaces
        .flat_map(|i| i.queues.tx.iter().enumerate().map(move |(id, threads)| (i, id, threads)))
        .collect();
    if queues.is_empty() {
        return Answer::Reply(call.reply(retval::INVALID_VALUE).set("cursor", u32::MAX));
    }
    let first = if cursor == u32::MAX { 0 } else { cursor as usize };
    let details = queues.iter().skip(first).map(|(interface, id, threads)| {
        call.details()
            .set("sw_if_index", interface.sw_if_index)
            .set("queue_id", *id)
            .set("shared", u8::from(threads.len() > 1))
            .set("array_size", threads.len())
            .set("threads", threads.to_vec())
    });
    let end = call.reply(0).set("cursor", queues.len().max(first));
    Answer::Details(details.chain([end]).collect())
}
