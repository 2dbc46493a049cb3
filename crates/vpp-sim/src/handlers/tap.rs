//! TAP interfaces. No device of the host is touched: what VPP would ask of it succeeds, unless told otherwise.

use super::interface::{delete_with_subs, sup_of_kind};
use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::message::{Record, flag};
use crate::state::interface::{Interface, Kind, Tap};
use crate::state::queue::{Queues, rx_mode};

const MOST_TAPS: u32 = 1024;
const DEFAULT_RING: u16 = 256;

pub(super) fn create<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let refuse = |call: &mut Call<'a>, retval| Answer::Reply(call.reply(retval).set("sw_if_index", u32::MAX));
    let taken =
        |id: u32| call.state.interfaces.iter().any(|i| matches!(&i.kind, Kind::Tap(tap) if tap.id == id));
    let id = match request.number("id") {
        u32::MAX => (0..MOST_TAPS).find(|id| !taken(*id)),
        id if taken(id) => return refuse(call, retval::INVALID_INTERFACE),
        id => Some(id).filter(|id| *id <= MOST_TAPS),
    };
    let Some(id) = id else { return refuse(call, retval::UNSPECIFIED) };
    if !call.options.tap_devices {
        return refuse(call, retval::SYSCALL_ERROR_1);
    }
    let given = |field: &str| flag(request.value(field));
    let text = |field: &str| if given(&format!("{field}_set")) { request.text(field) } else { String::new() };
    let ring = |field| match u16::try_from(request.number(field)).unwrap_or(0) {
        0 => DEFAULT_RING,
        size => size,
    };
    let host_if_name = match text("host_if_name") {
        name if name.is_empty() => format!("tap{id}"),
        name => name,
    };
    let host_ip4 = if request.has("host_ip4_prefix") {
        let (ip, len) = (request.bytes("host_ip4_prefix.address"), request.byte("host_ip4_prefix.len"));
        given("host_ip4_prefix_set").then_some((ip, len))
    } else {
        let (ip, len) = (request.bytes("host_ip4_addr"), request.byte("host_ip4_prefix_len"));
        given("host_ip4_addr_set").then_some((ip, len))
    };
    let host_ip6 = if request.has("host_ip6_prefix") {
        let (ip, len) = (request.bytes("host_ip6_prefix.address"), request.byte("host_ip6_prefix.len"));
        given("host_ip6_prefix_set").then_some((ip, len))
    } else {
        let (ip, len) = (request.bytes("host_ip6_addr"), request.byte("host_ip6_prefix_len"));
        given("host_ip6_addr_set").then_some((ip, len))
    };
    let tap = Tap {
        id,
        host_if_name,
        host_namespace: text("host_namespace"),
        host_bridge: text("host_bridge"),
        host_mac: if given("host_mac_addr_set") {
            request.bytes("host_mac_addr")
        } else {
            [0x02, 0xfe, 0xff, 0, 0, id.to_le_bytes()[0]]
        },
        host_ip4,
        host_ip6,
        host_mtu: if given("host_mtu_set") { request.number("host_mtu_size") } else { 0 },
        rx_ring_size: ring("rx_ring_sz"),
        tx_ring_size: ring("tx_ring_sz"),
        flags: request.number("tap_flags"),
    };
    let mac = if given("use_random_mac") {
        let [high, low, ..] = id.to_be_bytes();
        let [.., middle, last] = id.to_be_bytes();
        [0x02, 0xfe, high, low, middle, last]
    } else {
        request.bytes("mac_address")
    };
    let tag = request.text("tag");
    let queues = Queues::new(
        request.short("num_rx_queues").max(1),
        request.short("num_tx_queues").max(1),
        rx_mode::POLLING,
    );
    let (class, link_mtu) = (call.behaviour.tap_class, call.behaviour.link_mtu);
    let sw_if_index = call.state.add_interface(call.behaviour, |sw_if_index| Interface {
        tag,
        // The host's end is there at once.
        link_up: true,
        queues,
        ..Interface::ethernet(sw_if_index, format!("tap{id}"), class, Kind::Tap(Box::new(tap)), mac, link_mtu)
    });
    Answer::Reply(call.reply(0).set("sw_if_index", sw_if_index))
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let tap = sup_of_kind(call, |kind| matches!(kind, Kind::Tap(_)));
    retval_of(tap.map(|index| delete_with_subs(call, index)))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let only = Some(request.number("sw_if_index")).filter(|i| request.has("sw_if_index") && *i != u32::MAX);
    let details =
        call.state.interfaces.iter().filter(|i| only.is_none_or(|only| i.sw_if_index == only)).filter_map(
            |i| if let Kind::Tap(tap) = &i.kind { Some(describe(call.details(), i, tap)) } else { None },
        );
    Answer::Details(details.collect())
}

fn describe<'a>(record: Record<'a>, interface: &Interface, tap: &Tap) -> Record<'a> {
    let (ip4, ip4_len) = tap.host_ip4.unwrap_or_default();
    let (ip6, ip6_len) = tap.host_ip6.unwrap_or_default();
    record
        .set("sw_if_index", interface.sw_if_index)
        .set("id", tap.id)
        .text("dev_name", &interface.name)
        .set("rx_ring_sz", tap.rx_ring_size)
        .set("tx_ring_sz", tap.tx_ring_size)
        .bytes("host_mac_addr", &tap.host_mac)
        .text("host_if_name", &tap.host_if_name)
        .text("host_namespace", &tap.host_namespace)
        .text("host_bridge", &tap.host_bridge)
        .bytes("host_ip4_addr", &ip4)
        .set("host_ip4_prefix_len", ip4_len)
        .bytes("host_ip6_addr", &ip6)
        .set("host_ip6_prefix_len", ip6_len)
        .bytes("host_ip4_prefix.address", &ip4)
        .set("host_ip4_prefix.len", ip4_len)
        .bytes("host_ip6_prefix.address", &ip6)
        .set("host_ip6_prefix.len", ip6_len)
        .set("host_mtu_size", tap.host_mtu)
        .set("tap_flags", tap.flags)
}
