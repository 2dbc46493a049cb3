//! Addresses of interfaces.

use std::net::IpAddr;

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::message::sixteen;
use crate::state::fib::network;
use crate::state::interface::{Address, Kind};

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (ip, len) = if request.has("prefix") {
        request.prefix("prefix")
    } else {
        (request.address("address", request.flag("is_ipv6")), request.byte("address_length"))
    };
    let sw_if_index = request.number("sw_if_index");
    retval_of(known(call.state, sw_if_index).and_then(|()| {
        let done = if request.flag("del_all") {
            let addresses =
                call.state.interfaces.get_mut(sw_if_index).map(|i| std::mem::take(&mut i.addresses));
            addresses.into_iter().flatten().for_each(|address| forget_neighbors(call, sw_if_index, address));
            Ok(())
        } else if request.flag("is_add") {
            add(call, sw_if_index, Address { ip, len })
        } else {
            delete(call, sw_if_index, Address { ip, len })
        };
        call.state.sync_routes(call.behaviour, sw_if_index);
        done
    }))
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn add(call: &mut Call<'_>, sw_if_index: u32, address: Address) -> Result<(), i32> {
    let Some(interface) = call.state.interfaces.get(sw_if_index) else {
        return Err(retval::INVALID_SW_IF_INDEX);
    };
    if matches!(interface.kind, Kind::Local) {
        return match call.behaviour.local0_address {
            0 => Ok(()),
            retval => Err(retval),
        };
    }
    if is_link_local(address.ip) {
        // It replaces the one that the interface made itself, and no dump shows it.
        return if address.len == 128 { Ok(()) } else { Err(retval::ADDRESS_LENGTH_MISMATCH) };
    }
    let longest = if address.ip.is_ipv6() { 128 } else { 32 };
    if address.len > longest {
        return Err(retval::ADDRESS_LENGTH_MISMATCH);
    }
    let table = interface.table(address.ip.is_ipv6());
    let overlaps = |other: &Address| {
        let shorter = other.len.min(address.len);
        network(other.ip, shorter) == network(address.ip, shorter)
    };
    for other in call.state.interfaces.iter() {
        for there in &other.addresses {
            if there.ip.is_ipv6() != address.ip.is_ipv6()
                || other.table(there.ip.is_ipv6()) != table
                || !overlaps(there)
            {
                continue;
            }
            // Several addresses of one subnet are fine on one interface.
            let beside =
                other.sw_if_index == sw_if_index && there.len == address.len && there.ip != address.ip;
            if !beside {
                return Err(call.behaviour.address_conflict);
            }
        }
    }
    if address.len == 0 {
        return Err(retval::ADDRESS_LENGTH_MISMATCH);
    }
    if let Some(interface) = call.state.interfaces.get_mut(sw_if_index) {
        interface.addresses.push(address);
    }
    Ok(())
}

fn delete(call: &mut Call<'_>, sw_if_index: u32, address: Address) -> Result<(), i32> {
    if is_link_local(address.ip) {
        return Err(if address.len == 128 {
            retval::ADDRESS_NOT_DELETABLE
        } else {
            retval::ADDRESS_LENGTH_MISMATCH
        });
    }
    let interface = call.state.interfaces.get_mut(sw_if_index).ok_or(retval::INVALID_SW_IF_INDEX)?;
    let position = interface.addresses.iter().position(|a| *a == address);
    match position {
        Some(position) => {
            interface.addresses.remove(position);
            forget_neighbors(call, sw_if_index, address);
            Ok(())
        }
        None => Err(retval::ADDRESS_NOT_FOUND_FOR_INTERFACE),
    }
}

/// What was learned of the subnet of an address goes with it.
fn forget_neighbors(call: &mut Call<'_>, sw_if_index: u32, address: Address) {
    if !address.ip.is_ipv6() || call.behaviour.address_covers_ip6_neighbors {
        call.state.forget_neighbors(sw_if_index, Some((address.ip, address.len)));
    }
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let v6 = call.request.flag("is_ipv6");
    let sw_if_index = call.request.number("sw_if_index");
    let addresses =
        call.state.interfaces.get(sw_if_index).map(|i| i.addresses.as_slice()).unwrap_or_default();
    let details = addresses.iter().filter(|a| a.ip.is_ipv6() == v6).map(|a| {
        call.details()
            .set("sw_if_index", sw_if_index)
            .prefix("prefix", a.ip, a.len)
            .bytes("ip", &sixteen(a.ip))
            .set("prefix_length", a.len)
            .flag("is_ipv6", v6)
    });
    Answer::Details(details.collect())
}
