//! Memifs and their socket files. No peer ever connects, so the link stays down.

use super::interface::{delete_with_subs, made, random_mac, sup_of_kind};
use super::{Answer, Call, retval_of, silence};
use crate::behaviour::retval;
use crate::state::interface::{Interface, Kind};
use crate::state::memif::Memif;

const DEFAULT_RING: u32 = 1024;
const ETHERNET: u32 = 0;
const IP: u32 = 1;
/// Meant to be a refusal, but VPP does not live to send it: seen in 26.06; `memif_delete_if` is the same in 18.10 and
/// 20.05.
const NO_SUCH_MODE: (i32, u32) = (retval::SYSCALL_ERROR_2, 0);

/// Names that lead nowhere in the file system, or say which kind they are.
const PREFIXES: [&str; 3] = ["unix:", "tcp:", "abstract:"];

fn memifs<'s>(call: &'s Call<'_>) -> impl Iterator<Item = (&'s Interface, &'s Memif)> {
    call.state.interfaces.iter().filter_map(|i| match &i.kind {
        Kind::Memif(memif) => Some((i, memif)),
        _ => None,
    })
}

/// The answer, where the release sends one.
fn answer<'a>(call: &Call<'a>, answer: Answer<'a>) -> Answer<'a> {
    if call.behaviour.memif_replies { answer } else { silence() }
}

pub(super) fn socket_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let id = call.request.number("socket_id");
    let changed = change_socket(call, id);
    answer(call, retval_of(changed))
}

/// As before, and !0 for any free id.
pub(super) fn socket_add_del_v2<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let id = match call.request.number("socket_id") {
        u32::MAX if call.request.flag("is_add") => call.state.memif_sockets.unused_id(),
        id => id,
    };
    let retval = change_socket(call, id).err().unwrap_or(0);
    Answer::Reply(call.reply(retval).set("socket_id", id))
}

fn change_socket(call: &mut Call<'_>, id: u32) -> Result<(), i32> {
    // The one that VPP comes with is not to be changed.
    if id == 0 || id == u32::MAX {
        return Err(retval::INVALID_ARGUMENT);
    }
    if !call.request.flag("is_add") {
        call.state.memif_sockets.get(id).ok_or(retval::INVALID_ARGUMENT)?;
        if memifs(call).any(|(_, memif)| memif.socket_id == id) {
            return Err(retval::UNEXPECTED_INTF_STATE);
        }
        call.state.memif_sockets.remove(id);
        return Ok(());
    }
    let name = call.request.text("socket_filename");
    if name.is_empty() {
        return Err(retval::INVALID_ARGUMENT);
    }
    let path = if name.starts_with('/') {
        if call.behaviour.memif_checks_folder && !call.options.memif_sockets {
            return Err(retval::INVALID_ARGUMENT);
        }
        name
    } else if !call.behaviour.memif_checks_folder && PREFIXES.iter().any(|p| name.starts_with(p)) {
        name
    } else {
        format!("{}/{name}", call.options.runtime_dir)
    };
    match call.state.memif_sockets.get(id) {
        Some(there) if there.path == path => Ok(()),
        Some(_) => Err(retval::ENTRY_ALREADY_EXISTS),
        None => {
            call.state.memif_sockets.insert(id, path);
            Ok(())
        }
    }
}

pub(super) fn socket_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let details = call
        .state
        .memif_sockets
        .iter()
        .map(|(id, file)| call.details().set("socket_id", id).text("socket_filename", &file.path));
    Answer::Details(details.collect())
}

pub(super) fn create<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let created = make(call);
    if created == Err(NO_SUCH_MODE) {
        return Answer::Dies(
            "memif of a mode that it does not have: VPP deletes what it has not made".to_string(),
        );
    }
    let reply = made(call, created);
    answer(call, reply)
}

fn make(call: &mut Call<'_>) -> Result<u32, (i32, u32)> {
    let request = call.request;
    let refuse = |retval| (retval, 0);
    let ring = match request.number("ring_size") {
        0 => DEFAULT_RING,
        size => size,
    };
    if !ring.is_power_of_two() {
        return Err(refuse(retval::INVALID_ARGUMENT));
    }
    let (id, socket_id) = (request.number("id"), request.number("socket_id"));
    call.state.memif_sockets.get(socket_id).ok_or(refuse(retval::INVALID_ARGUMENT))?;
    let master = request.number("role") == 0;
    let beside = || memifs(call).filter(|(_, memif)| memif.socket_id == socket_id);
    // A socket file has masters or slaves, not both.
    if beside().any(|(_, memif)| memif.master != master || memif.id == id) {
        return Err(refuse(retval::SUBIF_ALREADY_EXISTS));
    }
    let listens = master && beside().next().is_none();
    let mode = request.number("mode");
    if mode != ETHERNET && mode != IP {
        return Err(NO_SUCH_MODE);
    }
    let given = request.bytes::<6>("hw_addr");
    let link_mtu = call.behaviour.link_mtu;
    let memif = Kind::Memif(Memif {
        instance: call.state.pools.memif.take(),
        id,
        socket_id,
        master,
        mode,
        zero_copy: !master && !request.flag("no_zero_copy"),
    });
    let name = format!("memif{socket_id}/{id}");
    let sw_if_index = call.state.add_interface(call.behaviour, |sw_if_index| {
        if mode == IP {
            return Interface::ip(sw_if_index, name, "memif", memif, 0);
        }
        let mac = if given == [0; 6] { random_mac(sw_if_index) } else { given };
        Interface::ethernet(sw_if_index, name, "memif", memif, mac, link_mtu)
    });
    if listens && !call.options.memif_sockets {
        call.state.delete_interface(call.behaviour, sw_if_index);
        return Err((retval::SYSCALL_ERROR_4, sw_if_index));
    }
    Ok(sw_if_index)
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let memif = sup_of_kind(call, |kind| matches!(kind, Kind::Memif(_)));
    let deleted = memif.map(|index| delete_with_subs(call, index));
    answer(call, retval_of(deleted))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let mut memifs: Vec<_> = memifs(call).collect();
    memifs.sort_by_key(|(_, memif)| memif.instance);
    let details = memifs.into_iter().map(|(interface, memif)| {
        let mode = if call.behaviour.memif_tells_mode { memif.mode } else { 0 };
        call.details()
            .set("sw_if_index", interface.sw_if_index)
            .text("if_name", &interface.name)
            .bytes("hw_addr", &interface.mac.unwrap_or_default())
            .set("id", memif.id)
            .set("role", u32::from(!memif.master))
            .set("mode", mode)
            .flag("zero_copy", memif.zero_copy)
            .set("socket_id", memif.socket_id)
            // What was agreed with the peer that is not there.
            .set("ring_size", 1)
            .set("buffer_size", 0)
            .set("flags", u32::from(interface.admin_up))
            .flag("admin_up_down", interface.admin_up)
            .flag("link_up_down", false)
    });
    Answer::Details(details.collect())
}
