//! VXLAN tunnels.

use super::interface::{delete_with_subs, made, random_mac};
use super::{Answer, Call};
use crate::behaviour::retval;
use crate::state::interface::{Interface, Kind};
use crate::state::tunnel::Vxlan;

/// Ports that VPP takes when none is given.
const PORT: u16 = 4789;
/// `l2-input`, what a tunnel's packets go to when nothing is given; 0 drops them.
const L2_INPUT: u32 = 1;

fn tunnels<'s>(call: &'s Call<'_>) -> impl Iterator<Item = (&'s Interface, &'s Vxlan)> {
    call.state.interfaces.iter().filter_map(|i| match &i.kind {
        Kind::Vxlan(vxlan) => Some((i, vxlan.as_ref())),
        _ => None,
    })
}

pub(super) fn add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let changed = change(call).map_err(|retval| (retval, u32::MAX));
    made(call, changed)
}

fn change(call: &mut Call<'_>) -> Result<u32, i32> {
    let request = call.request;
    let address = |field: &str| {
        if request.has("is_ipv6") {
            request.address(field, request.flag("is_ipv6"))
        } else {
            request.ip(field)
        }
    };
    let (src, dst) = (address("src_address"), address("dst_address"));
    let table_id = request.number("encap_vrf_id");
    call.state.fib.table(table_id, src.is_ipv6()).ok_or(retval::NO_SUCH_FIB)?;
    if src.is_ipv6() != dst.is_ipv6() {
        return Err(retval::INVALID_VALUE);
    }
    if src == dst {
        return Err(retval::SAME_SRC_DST);
    }
    let mcast_sw_if_index = request.number("mcast_sw_if_index");
    if dst.is_multicast() {
        super::known(call.state, mcast_sw_if_index)?;
    }
    let port = |field: &str| match request.short(field) {
        0 => PORT,
        port => port,
    };
    let wanted = Vxlan {
        instance: call.state.pools.vxlan.peek(),
        user_instance: match request.number("instance") {
            u32::MAX => call.state.pools.vxlan.peek(),
            instance => instance,
        },
        src,
        dst,
        src_port: port("src_port"),
        dst_port: port("dst_port"),
        vni: request.number("vni"),
        table_id,
        mcast_sw_if_index,
        decap_next: match request.number("decap_next_index") {
            u32::MAX => L2_INPUT,
            next => next,
        },
        is_l3: request.flag("is_l3"),
    };
    let there = tunnels(call).find(|(_, vxlan)| vxlan.key() == wanted.key()).map(|(i, _)| i.sw_if_index);
    match (request.flag("is_add"), there) {
        (true, Some(_)) => Err(retval::TUNNEL_EXIST),
        (true, None) => add(call, wanted),
        (false, None) => Err(retval::NO_SUCH_ENTRY),
        (false, Some(index)) => {
            delete_with_subs(call, index);
            Ok(index)
        }
    }
}

fn add(call: &mut Call<'_>, wanted: Vxlan) -> Result<u32, i32> {
    if wanted.decap_next > L2_INPUT {
        return Err(retval::INVALID_DECAP_NEXT);
    }
    if tunnels(call).any(|(_, vxlan)| vxlan.user_instance == wanted.user_instance) {
        return Err(retval::INSTANCE_IN_USE);
    }
    call.state.pools.vxlan.take();
    if !wanted.dst.is_multicast() {
        call.state.fib.track(wanted.table_id, wanted.dst);
    }
    let name = format!("vxlan_tunnel{}", wanted.user_instance);
    let ethernet = call.behaviour.vxlan_is_ethernet && !wanted.is_l3;
    let link_mtu = call.behaviour.link_mtu;
    Ok(call.state.add_interface(call.behaviour, |sw_if_index| {
        let kind = Kind::Vxlan(Box::new(wanted));
        let interface = if ethernet {
            Interface::ethernet(sw_if_index, name, "VXLAN", kind, random_mac(sw_if_index), link_mtu)
        } else {
            Interface::ip(sw_if_index, name, "VXLAN", kind, 0)
        };
        Interface { admin_up: true, link_up: true, ..interface }
    }))
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let only = call.request.number("sw_if_index");
    let mut tunnels: Vec<_> =
        tunnels(call).filter(|(i, _)| only == u32::MAX || i.sw_if_index == only).collect();
    tunnels.sort_by_key(|(_, vxlan)| vxlan.instance);
    let details = tunnels.into_iter().map(|(interface, vxlan)| {
        call.details()
            .set("sw_if_index", interface.sw_if_index)
            .set("instance", vxlan.user_instance)
            .ip("src_address", vxlan.src)
            .ip("dst_address", vxlan.dst)
            .set("src_port", vxlan.src_port)
            .set("dst_port", vxlan.dst_port)
            .set("mcast_sw_if_index", vxlan.mcast_sw_if_index)
            .set("encap_vrf_id", vxlan.table_id)
            .set("decap_next_index", vxlan.decap_next)
            .set("vni", vxlan.vni)
            .flag("is_ipv6", vxlan.dst.is_ipv6())
    });
    Answer::Details(details.collect())
}
