//! GRE and IPIP tunnels.

use std::net::IpAddr;

use super::interface::{delete_with_subs, made};
use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::message::Record;
use crate::state::interface::{Interface, Kind};
use crate::state::pool::Pool;
use crate::state::tunnel::{Protocol, Tunnel};

/// The largest ERSPAN session.
const MOST_SESSION: u16 = 0x3ff;
const GRE_IP: u32 = 0;
const GRE_ERSPAN: u32 = 2;
/// What VPP gives tunnels, whatever their overhead.
const MTU: u32 = 9000;
/// A header with two VLANs.
const ETHERNET_OVERHEAD: u32 = 22;

fn is_gre(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Gre(_))
}

fn tunnels<'s>(call: &'s Call<'_>, gre: bool) -> impl Iterator<Item = (&'s Interface, &'s Tunnel)> {
    call.state.interfaces.iter().filter_map(move |i| match &i.kind {
        Kind::Tunnel(tunnel) if is_gre(tunnel.protocol) == gre => Some((i, tunnel.as_ref())),
        _ => None,
    })
}

fn pool<'s>(call: &'s mut Call<'_>, gre: bool) -> &'s mut Pool {
    if gre { &mut call.state.pools.gre } else { &mut call.state.pools.ipip }
}

/// Both ends, from the object that later releases have or from the fields of the older ones.
fn ends(call: &Call<'_>) -> Result<(IpAddr, IpAddr), i32> {
    let request = call.request;
    if request.has("tunnel") {
        let (src, dst) = (request.ip("tunnel.src"), request.ip("tunnel.dst"));
        return if src.is_ipv6() == dst.is_ipv6() { Ok((src, dst)) } else { Err(retval::INVALID_PROTOCOL) };
    }
    let v6 = request.flag("is_ipv6");
    Ok((request.address("src_address", v6), request.address("dst_address", v6)))
}

/// Flags, as far as the release knows them.
fn flags(call: &Call<'_>) -> Result<u32, i32> {
    let flags = call.request.number("tunnel.flags");
    if flags & !call.behaviour.tunnel_flags != 0 { Err(retval::INVALID_VALUE_2) } else { Ok(flags) }
}

pub(super) fn gre_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let changed = gre_change(call).map_err(|retval| (retval, u32::MAX));
    made(call, changed)
}

fn gre_change(call: &mut Call<'_>) -> Result<u32, i32> {
    let request = call.request;
    let (src, dst) = ends(call)?;
    if src == dst {
        return Err(retval::SAME_SRC_DST);
    }
    // Fields of the object, or those of older releases.
    let number = |names: [&str; 3]| names.iter().find(|n| request.has(n)).map_or(0, |n| request.number(n));
    let payload = number(["tunnel.type", "tunnel_type", "tunnel_type"]);
    if payload > GRE_ERSPAN {
        return Err(retval::INVALID_VALUE);
    }
    let multipoint = if request.has("tunnel.mode") {
        match request.number("tunnel.mode").checked_sub(call.behaviour.gre_first_mode) {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(retval::INVALID_VALUE_2),
        }
    } else {
        false
    };
    let flags = flags(call)?;
    let table_id = number(["tunnel.outer_table_id", "tunnel.outer_fib_id", "outer_fib_id"]);
    call.state.fib.table(table_id, src.is_ipv6()).ok_or(retval::NO_SUCH_FIB)?;
    let session_id =
        u16::try_from(number(["tunnel.session_id", "session_id", "session_id"])).unwrap_or(u16::MAX);
    if session_id > MOST_SESSION {
        return Err(retval::INVALID_SESSION_ID);
    }
    if multipoint && !dst.is_unspecified() {
        return Err(retval::INVALID_DST_ADDRESS);
    }
    let instance = call.state.pools.gre.peek();
    let wanted = Tunnel {
        protocol: Protocol::Gre(payload),
        instance,
        user_instance: match number(["tunnel.instance", "instance", "instance"]) {
            u32::MAX => instance,
            given => given,
        },
        src,
        dst,
        table_id,
        multipoint,
        flags,
        session_id,
        key: request.number("tunnel.key"),
        dscp: 0,
    };
    let there = tunnels(call, true).find(|(_, t)| t.same_ends(&wanted)).map(|(i, _)| i.sw_if_index);
    match (request.flag("is_add"), there) {
        (true, Some(_)) => Err(retval::IF_ALREADY_EXISTS),
        (true, None) => add(call, wanted),
        (false, None) => Err(retval::NO_SUCH_ENTRY),
        (false, Some(index)) => {
            delete_with_subs(call, index);
            Ok(index)
        }
    }
}

fn add(call: &mut Call<'_>, wanted: Tunnel) -> Result<u32, i32> {
    let gre = is_gre(wanted.protocol);
    if tunnels(call, gre).any(|(_, t)| t.user_instance == wanted.user_instance) {
        return Err(retval::INSTANCE_IN_USE);
    }
    pool(call, gre).take();
    let link_mtu = call.behaviour.link_mtu;
    let overhead = if call.behaviour.link_mtu_less_overhead { wanted.overhead() } else { 0 };
    let (name, class) = match wanted.protocol {
        Protocol::Gre(_) => (format!("gre{}", wanted.user_instance), "GRE tunnel device"),
        Protocol::Ipip => (format!("ipip{}", wanted.user_instance), "IPIP tunnel device"),
    };
    Ok(call.state.add_interface(call.behaviour, |sw_if_index| {
        let [_, _, high, low] = wanted.instance.to_be_bytes();
        match wanted.protocol {
            Protocol::Gre(payload) if payload != GRE_IP => {
                let mac = [0xd0, 0x0b, 0xee, 0xd0, high, low];
                let kind = Kind::Tunnel(Box::new(wanted));
                // The frame is as long as any, and has the tunnel's overhead in place of Ethernet's.
                let less = overhead.saturating_sub(ETHERNET_OVERHEAD);
                Interface::ethernet(sw_if_index, name, class, kind, mac, link_mtu.saturating_sub(less))
            }
            Protocol::Gre(_) | Protocol::Ipip => {
                let interface = Interface::ip(sw_if_index, name, class, Kind::Tunnel(Box::new(wanted)), MTU);
                // Nothing less the overhead, in 16 bits.
                Interface { link_mtu: 0_u32.wrapping_sub(overhead) & 0xffff, ..interface }
            }
        }
    }))
}

pub(super) fn gre_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    dump(call, true)
}

pub(super) fn ipip_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    dump(call, false)
}

fn dump<'a>(call: &mut Call<'a>, gre: bool) -> Answer<'a> {
    let only = call.request.number("sw_if_index");
    let mut shown: Vec<_> =
        tunnels(call, gre).filter(|(i, _)| only == u32::MAX || i.sw_if_index == only).collect();
    shown.sort_by_key(|(_, tunnel)| tunnel.instance);
    let details = shown.into_iter().map(|(interface, tunnel)| {
        let mode = u32::from(tunnel.multipoint);
        let mode = match gre {
            true => mode.saturating_add(call.behaviour.gre_first_mode),
            false if call.behaviour.ipip_tells_mode => mode,
            false => 0,
        };
        let flags = if gre && !call.behaviour.gre_tells_flags { 0 } else { tunnel.flags };
        describe(call.details(), interface, tunnel, mode).set("tunnel.flags", flags)
    });
    Answer::Details(details.collect())
}

fn describe<'a>(record: Record<'a>, interface: &Interface, tunnel: &Tunnel, mode: u32) -> Record<'a> {
    let payload = match tunnel.protocol {
        Protocol::Gre(payload) => payload,
        Protocol::Ipip => 0,
    };
    let session_id = if payload == GRE_ERSPAN { tunnel.session_id } else { 0 };
    record
        .set("tunnel.sw_if_index", interface.sw_if_index)
        .set("tunnel.instance", tunnel.user_instance)
        .ip("tunnel.src", tunnel.src)
        .ip("tunnel.dst", tunnel.dst)
        .set("tunnel.outer_table_id", tunnel.table_id)
        .set("tunnel.outer_fib_id", tunnel.table_id)
        .set("tunnel.table_id", tunnel.table_id)
        .set("tunnel.type", payload)
        .set("tunnel.mode", mode)
        .set("tunnel.session_id", session_id)
        .set("tunnel.key", tunnel.key)
        .set("tunnel.dscp", tunnel.dscp)
        // As up to 19.04.
        .set("sw_if_index", interface.sw_if_index)
        .set("instance", tunnel.user_instance)
        .flag("is_ipv6", tunnel.src.is_ipv6())
        .set("tunnel_type", payload)
        .ip("src_address", tunnel.src)
        .ip("dst_address", tunnel.dst)
        .set("outer_fib_id", tunnel.table_id)
        .set("fib_index", tunnel.table_id)
        .set("session_id", session_id)
}

pub(super) fn ipip_add<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let added = ipip_make(call);
    made(call, added)
}

fn ipip_make(call: &mut Call<'_>) -> Result<u32, (i32, u32)> {
    let request = call.request;
    let refuse = |retval| (retval, u32::MAX);
    let (src, dst) = ends(call).map_err(refuse)?;
    // Not looked at before 19.08, which brought the object.
    if src == dst && request.has("tunnel") {
        return Err(refuse(retval::SAME_SRC_DST));
    }
    let flags = flags(call).map_err(refuse)?;
    let multipoint = match request.number("tunnel.mode") {
        0 => false,
        1 => true,
        _ => return Err(refuse(retval::INVALID_VALUE_2)),
    };
    let number = |new: &str, old: &str| request.number(if request.has(new) { new } else { old });
    let table_id = number("tunnel.table_id", "table_id");
    call.state.fib.table(table_id, src.is_ipv6()).ok_or(refuse(retval::NO_SUCH_FIB))?;
    if multipoint && !dst.is_unspecified() {
        return Err(refuse(retval::INVALID_DST_ADDRESS));
    }
    let instance = call.state.pools.ipip.peek();
    let wanted = Tunnel {
        protocol: Protocol::Ipip,
        instance,
        user_instance: match number("tunnel.instance", "instance") {
            u32::MAX => instance,
            given => given,
        },
        src,
        dst,
        table_id,
        multipoint,
        flags,
        session_id: 0,
        key: 0,
        dscp: request.number("tunnel.dscp"),
    };
    if let Some((there, _)) = tunnels(call, false).find(|(_, t)| t.same_ends(&wanted)) {
        let told = if call.behaviour.ipip_tells_existing { there.sw_if_index } else { u32::MAX };
        return Err((retval::IF_ALREADY_EXISTS, told));
    }
    add(call, wanted).map_err(refuse)
}

pub(super) fn ipip_delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("sw_if_index");
    let there = tunnels(call, false).any(|(i, _)| i.sw_if_index == index);
    retval_of(if there {
        delete_with_subs(call, index);
        Ok(())
    } else {
        Err(retval::NO_SUCH_ENTRY)
    })
}
