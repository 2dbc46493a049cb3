//! ARP termination: what a bridge domain answers for.

use std::net::IpAddr;

use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::message::sixteen;

/// The domain that a request names; the one that cannot be changed is refused.
pub(super) fn domain(call: &Call<'_>, id: u32) -> Result<usize, i32> {
    match id {
        0 => Err(retval::BD_NOT_MODIFIABLE),
        id => call.state.l2.index_of(id).ok_or(retval::NO_SUCH_ENTRY),
    }
}

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(change(call))
}

fn change(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    // Flat, then flat with types, then as one type.
    let (id, ip, mac) = if request.has("entry") {
        (request.number("entry.bd_id"), request.ip("entry.ip"), request.bytes::<6>("entry.mac"))
    } else if request.has("ip") {
        (request.number("bd_id"), request.ip("ip"), request.bytes("mac"))
    } else {
        let ip = request.address("ip_address", request.flag("is_ipv6"));
        (request.number("bd_id"), ip, request.bytes("mac_address"))
    };
    let index = domain(call, id)?;
    let Some(domain) = call.state.l2.domain_mut(index) else { return Err(retval::NO_SUCH_ENTRY) };
    if request.flag("is_add") {
        // A second MAC for an address takes the place of the first.
        domain.macs.insert(ip, mac);
        return Ok(());
    }
    match domain.macs.get(&ip) {
        Some(there) if *there == mac => {
            domain.macs.remove(&ip);
            Ok(())
        }
        _ => Err(retval::UNSPECIFIED),
    }
}

pub(super) fn flush<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let flushed = domain(call, call.request.number("bd_id")).map(|index| {
        if let Some(domain) = call.state.l2.domain_mut(index) {
            domain.macs.clear();
        }
    });
    retval_of(flushed)
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let id = call.request.number("bd_id");
    let domains = call.state.l2.domains().filter(|(_, d)| id == u32::MAX || d.id == id);
    let describe = |id: u32, ip: &IpAddr, mac: &[u8; 6]| {
        call.details()
            .set("bd_id", id)
            .flag("is_ipv6", ip.is_ipv6())
            .bytes("ip_address", &sixteen(*ip))
            .bytes("mac_address", mac)
            .set("entry.bd_id", id)
            .ip("entry.ip", *ip)
            .bytes("entry.mac", mac)
    };
    Answer::Details(
        domains.flat_map(|(_, d)| d.macs.iter().map(move |(ip, mac)| describe(d.id, ip, mac))).collect(),
    )
}
