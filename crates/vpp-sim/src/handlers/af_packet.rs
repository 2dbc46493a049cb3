//! Interfaces of the host. Nothing is asked of the host; which interfaces it has is an option.

use super::interface::{delete_with_subs, made, random_mac};
use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::state::interface::{AfPacket, Interface, Kind};
use crate::state::queue::{Queues, rx_mode};

const ETHERNET: u32 = 1;
const IP: u32 = 2;

fn hosts<'s>(call: &'s Call<'_>) -> impl Iterator<Item = (&'s Interface, &'s AfPacket)> {
    call.state.interfaces.iter().filter_map(|i| match &i.kind {
        Kind::AfPacket(host) => Some((i, host)),
        _ => None,
    })
}

pub(super) fn create<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let queues = u16::from(call.behaviour.af_packet_v1_has_queues);
    let created = make(call, queues);
    made(call, created)
}

pub(super) fn create_v2<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let created = make(call, 1);
    made(call, created)
}

fn make(call: &mut Call<'_>, least_queues: u16) -> Result<u32, (i32, u32)> {
    let request = call.request;
    let host_if_name = request.text("host_if_name");
    let mode = if request.has("mode") { request.number("mode") } else { ETHERNET };
    if mode != ETHERNET && mode != IP {
        return Err((retval::INVALID_VALUE, u32::MAX));
    }
    if let Some((there, _)) = hosts(call).find(|(_, host)| host.host_if_name == host_if_name) {
        return Err((retval::IF_ALREADY_EXISTS, there.sw_if_index));
    }
    if !call.options.has_host_interface(&host_if_name) {
        return Err((retval::INVALID_INTERFACE, 0));
    }
    let given = request.bytes::<6>("hw_addr");
    let random = request.flag("use_random_hw_addr");
    let queues = Queues::new(
        request.short("num_rx_queues").max(least_queues),
        request.short("num_tx_queues").max(least_queues),
        rx_mode::INTERRUPT,
    );
    let link_mtu = call.behaviour.link_mtu;
    let name = format!("host-{host_if_name}");
    let kind = Kind::AfPacket(AfPacket { instance: call.state.pools.af_packet.take(), host_if_name });
    Ok(call.state.add_interface(call.behaviour, |sw_if_index| {
        let interface = if mode == IP {
            Interface::ip(sw_if_index, name, "af-packet", kind, 0)
        } else {
            let mac = if random { random_mac(sw_if_index) } else { given };
            Interface::ethernet(sw_if_index, name, "af-packet", kind, mac, link_mtu)
        };
        // The host's interface is brought up.
        Interface { link_up: true, queues, ..interface }
    }))
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let name = call.request.text("host_if_name");
    let there = hosts(call).find(|(_, host)| host.host_if_name == name).map(|(i, _)| i.sw_if_index);
    retval_of(there.map(|index| delete_with_subs(call, index)).ok_or(retval::SYSCALL_ERROR_1))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let mut hosts: Vec<_> = hosts(call).collect();
    hosts.sort_by_key(|(_, host)| host.instance);
    let details = hosts.into_iter().map(|(interface, host)| {
        call.details().set("sw_if_index", interface.sw_if_index).text("host_if_name", &host.host_if_name)
    });
    Answer::Details(details.collect())
}
