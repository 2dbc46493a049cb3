//! DHCP clients. No server answers by itself.

use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::state::dhcp::DhcpClient;

pub(super) fn config<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(change(call))
}

fn change(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let sw_if_index = request.number("client.sw_if_index");
    known(call.state, sw_if_index)?;
    let there = call.state.dhcp_clients.iter().position(|c| c.sw_if_index == sw_if_index);
    match (request.flag("is_add"), there) {
        (true, None) => call.state.dhcp_clients.push(DhcpClient {
            sw_if_index,
            hostname: request.text("client.hostname"),
            id: request.text("client.id"),
            want_event: request.flag("client.want_dhcp_event"),
            set_broadcast_flag: request.flag("client.set_broadcast_flag"),
            dscp: request.number("client.dscp"),
            pid: request.number("client.pid"),
            lease: None,
        }),
        (false, Some(position)) => {
            let lease = call.state.dhcp_clients.remove(position).lease;
            if let (Some(lease), Some(interface)) = (lease, call.state.interfaces.get_mut(sw_if_index)) {
                interface.addresses.retain(|a| a.ip != lease.address || a.len != lease.len);
                call.state.sync_routes(call.behaviour, sw_if_index);
            }
        }
        (true, Some(_)) | (false, None) => return Err(retval::INVALID_VALUE),
    }
    Ok(())
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let details = call.state.dhcp_clients.iter().map(|client| {
        // It introduces itself with the MAC once it can send.
        let interface = call.state.interfaces.get(client.sw_if_index).filter(|i| i.admin_up);
        let mac = interface.and_then(|i| call.state.interfaces.get(i.sup_sw_if_index)).and_then(|i| i.mac);
        let lease = client.lease.as_ref();
        let record = match lease {
            Some(lease) => call
                .details()
                .ip("lease.host_address", lease.address.into())
                .ip("lease.router_address", lease.router.into()),
            None => call.details(),
        };
        record
            .set("client.sw_if_index", client.sw_if_index)
            .text("client.hostname", &client.hostname)
            .bytes("client.id", client.id.as_bytes())
            .flag("client.want_dhcp_event", client.want_event)
            .flag("client.set_broadcast_flag", client.set_broadcast_flag)
            .set("client.dscp", client.dscp)
            .set("client.pid", client.pid)
            .set("lease.sw_if_index", client.sw_if_index)
            // Discovering, or bound.
            .set("lease.state", if lease.is_some() { 2 } else { 0 })
            .set("lease.mask_width", lease.map_or(0, |lease| lease.len))
            .flag("lease.is_ipv6", false)
            .text("lease.hostname", &client.hostname)
            .bytes("lease.host_mac", &mac.unwrap_or_default())
    });
    Answer::Details(details.collect())
}
