//! What requests do. Handlers go by the names of messages and fields; what a release does not have, they do not
//! see.

mod address;
mod af_packet;
mod bond;
mod dhcp;
mod feature;
mod interface;
mod l2;
mod memif;
mod queue;
mod route;
mod span;
mod sub_interface;
mod system;
mod tap;
mod tunnel;
mod vxlan;

use vpp_schema::Schema;

use crate::behaviour::{Behaviour, retval};
use crate::message::{Record, Request};
use crate::options::Options;
use crate::state::State;
use crate::system::System;

/// What a handler works with.
pub(crate) struct Call<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) options: &'a Options,
    pub(crate) system: &'a System,
    pub(crate) request: Request<'a>,
    /// Name of the message that answers, reply or details.
    pub(crate) answers: &'a Names,
    /// Handle of the client that asks.
    pub(crate) client: u32,
    pub(crate) state: &'a mut State,
    pub(crate) subscribers: &'a mut Vec<(u32, u32)>,
}

/// Names of the messages that answer a request; empty where it has none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) reply: String,
    pub(crate) details: String,
}

impl<'a> Call<'a> {
    /// The reply with a retval; more can be added.
    pub(crate) fn reply(&self, retval: i32) -> Record<'a> {
        Record::new(self.schema, &self.answers.reply).set("retval", retval)
    }

    /// One of the details.
    pub(crate) fn details(&self) -> Record<'a> {
        Record::new(self.schema, &self.answers.details)
    }
}

/// What comes of a request.
pub(crate) enum Answer<'a> {
    /// The reply with this retval and nothing else.
    Retval(i32),
    /// The reply.
    Reply(Record<'a>),
    /// Details, with nothing after them.
    Details(Vec<Record<'a>>),
    /// The simulated VPP dies of it.
    Dies(String),
}

/// Turns refusals into retvals, so that handlers can use `?`.
pub(crate) fn retval_of(result: Result<(), i32>) -> Answer<'static> {
    Answer::Retval(result.err().unwrap_or(0))
}

/// No answer at all.
pub(crate) fn silence() -> Answer<'static> {
    Answer::Details(Vec::new())
}

pub(crate) type Handler = for<'a> fn(&mut Call<'a>) -> Answer<'a>;

/// The handler of a message, if there is one.
pub(crate) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "control_ping" => system::control_ping,
        "show_version" => system::show_version,
        "api_versions" => system::api_versions,
        "show_vpe_system_time" => system::show_vpe_system_time,
        "cli_inband" => system::cli_inband,
        "get_api_json" => system::get_api_json,
        "memclnt_keepalive" => system::nothing_to_do,
        "want_interface_events" => system::want_interface_events,

        "create_loopback" | "create_loopback_instance" => interface::create_loopback,
        "delete_loopback" => interface::delete_loopback,
        "create_vlan_subif" => sub_interface::create_vlan,
        "create_subif" => sub_interface::create,
        "delete_subif" => sub_interface::delete,
        "sw_interface_dump" => interface::dump,
        "sw_interface_set_flags" => interface::set_flags,
        "sw_interface_tag_add_del" => interface::tag,
        "sw_interface_set_mac_address" => interface::set_mac,
        "sw_interface_get_mac_address" => interface::get_mac,
        "sw_interface_set_mtu" => interface::set_mtu,
        "hw_interface_set_mtu" => interface::set_link_mtu,
        "sw_interface_set_table" => interface::set_table,
        "sw_interface_get_table" => interface::get_table,

        "sw_interface_set_unnumbered" => feature::set_unnumbered,
        "ip_unnumbered_dump" => feature::unnumbered_dump,
        "sw_interface_ip6_enable_disable" => feature::ip6_enable,
        "sw_interface_set_ip_directed_broadcast" => feature::set_directed_broadcast,
        "sw_interface_set_promisc" => feature::set_promiscuous,
        "sw_interface_clear_stats" => feature::clear_stats,
        "sw_interface_set_interface_name" => feature::set_name,
        "interface_name_renumber" => feature::renumber,
        "bvi_create" => feature::bvi_create,
        "bvi_delete" => feature::bvi_delete,

        "sw_interface_set_rx_mode" => queue::set_rx_mode,
        "sw_interface_rx_placement_dump" => queue::rx_placement_dump,
        "sw_interface_set_rx_placement" => queue::set_rx_placement,
        "sw_interface_set_tx_placement" => queue::set_tx_placement,
        "sw_interface_tx_placement_get" => queue::tx_placement_get,

        "sw_interface_span_enable_disable" => span::enable_disable,
        "sw_interface_span_dump" => span::dump,

        "dhcp_client_config" => dhcp::config,
        "dhcp_client_dump" => dhcp::dump,

        "sw_interface_add_del_address" => address::add_del,
        "ip_address_dump" => address::dump,

        "tap_create_v2" | "tap_create_v3" => tap::create,
        "tap_delete_v2" => tap::delete,
        "sw_interface_tap_v2_dump" => tap::dump,

        "memif_socket_filename_add_del" => memif::socket_add_del,
        "memif_socket_filename_add_del_v2" => memif::socket_add_del_v2,
        "memif_socket_filename_dump" => memif::socket_dump,
        "memif_create" | "memif_create_v2" => memif::create,
        "memif_delete" => memif::delete,
        "memif_dump" => memif::dump,

        "af_packet_create" => af_packet::create,
        "af_packet_create_v2" | "af_packet_create_v3" => af_packet::create_v2,
        "af_packet_delete" => af_packet::delete,
        "af_packet_dump" => af_packet::dump,

        "vxlan_add_del_tunnel" | "vxlan_add_del_tunnel_v2" | "vxlan_add_del_tunnel_v3" => vxlan::add_del,
        "vxlan_tunnel_dump" | "vxlan_tunnel_v2_dump" => vxlan::dump,

        "gre_add_del_tunnel" | "gre_tunnel_add_del" | "gre_tunnel_add_del_v2" => tunnel::gre_add_del,
        "gre_tunnel_dump" | "gre_tunnel_dump_v2" | "gre_tunnel_v2_dump" => tunnel::gre_dump,
        "ipip_add_tunnel" => tunnel::ipip_add,
        "ipip_del_tunnel" => tunnel::ipip_delete,
        "ipip_tunnel_dump" => tunnel::ipip_dump,

        "bond_create" | "bond_create2" => bond::create,
        "bond_delete" => bond::delete,
        "bond_add_member" | "bond_enslave" => bond::add_member,
        "bond_detach_member" | "bond_detach_slave" => bond::detach_member,
        "sw_interface_set_bond_weight" => bond::set_weight,
        "sw_bond_interface_dump" | "sw_interface_bond_dump" => bond::dump,
        "sw_member_interface_dump" | "sw_interface_slave_dump" => bond::members_dump,

        "bridge_domain_add_del" => l2::add_del,
        "bridge_domain_add_del_v2" => l2::add_del_v2,
        "bridge_domain_dump" => l2::dump,
        "sw_interface_set_l2_bridge" => l2::set_bridge,
        "l2fib_add_del" => l2::fib_add_del,
        "l2_fib_table_dump" => l2::fib_dump,

        "ip_table_add_del" | "ip_table_add_del_v2" => route::table_add_del,
        "ip_table_dump" => route::table_dump,
        "ip_route_add_del" | "ip_route_add_del_v2" => route::add_del,
        "ip_route_dump" | "ip_route_v2_dump" => route::dump,
        "ip_add_del_route" => route::add_del_flat,
        "ip_fib_dump" => route::dump_v4,
        "ip6_fib_dump" => route::dump_v6,
        _ => return None,
    })
}

/// Refuses an index that no interface has.
pub(crate) fn known(state: &State, sw_if_index: u32) -> Result<(), i32> {
    state.interfaces.get(sw_if_index).map(|_| ()).ok_or(retval::INVALID_SW_IF_INDEX)
}
