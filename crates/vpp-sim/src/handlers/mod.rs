//! What requests do. Handlers go by the names of messages and fields; what a release does not have, they do not
//! see.

mod abf;
mod acl;
mod address;
mod af_packet;
mod arp_term;
mod bond;
mod dhcp;
mod feature;
mod interface;
mod l2;
mod macip;
mod memif;
mod neighbor;
mod proxy_arp;
mod queue;
mod route;
mod span;
mod sub_interface;
mod system;
pub(crate) mod table;
mod tap;
mod tunnel;
mod vxlan;
mod xconnect;

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
        "l2fib_flush_all" => l2::fib_flush_all,
        "l2fib_flush_bd" => l2::fib_flush_domain,
        "l2fib_flush_int" => l2::fib_flush_interface,
        "l2_fib_clear_table" => l2::fib_clear,
        "bridge_flags" => l2::set_features,
        "bridge_domain_set_mac_age" => l2::set_mac_age,
        "bridge_domain_set_learn_limit" => l2::set_learn_limit,
        "bridge_domain_set_default_learn_limit" => l2::set_default_learn_limit,
        "bd_ip_mac_add_del" => arp_term::add_del,
        "bd_ip_mac_flush" => arp_term::flush,
        "bd_ip_mac_dump" => arp_term::dump,
        "sw_interface_set_l2_xconnect" => xconnect::set,
        "l2_xconnect_dump" => xconnect::dump,
        "l2_interface_vlan_tag_rewrite" => xconnect::rewrite_tags,

        "ip_neighbor_add_del" => neighbor::add_del,
        "ip_neighbor_dump" => neighbor::dump,
        "ip_neighbor_flush" => neighbor::flush,
        "ip_neighbor_config" => neighbor::config,
        "ip_neighbor_config_get" => neighbor::config_get,
        "ip_neighbor_replace_begin" => neighbor::replace_begin,
        "ip_neighbor_replace_end" => neighbor::replace_end,
        // Nothing shows how old neighbours are scanned.
        "ip_scan_neighbor_enable_disable" => system::nothing_to_do,

        "proxy_arp_add_del" => proxy_arp::add_del,
        "proxy_arp_dump" => proxy_arp::dump,
        "proxy_arp_intfc_enable_disable" => proxy_arp::enable_disable,
        "proxy_arp_intfc_dump" => proxy_arp::interface_dump,

        "acl_add_replace" => acl::add_replace,
        "acl_del" => acl::delete,
        "acl_dump" => acl::dump,
        "acl_interface_add_del" => acl::interface_add_del,
        "acl_interface_set_acl_list" => acl::interface_set_list,
        "acl_interface_list_dump" => acl::interface_dump,
        "acl_interface_set_etype_whitelist" => acl::set_ethertypes,
        "acl_interface_etype_whitelist_dump" => acl::dump_ethertypes,
        "acl_plugin_get_version" => acl::version,
        "acl_plugin_control_ping" => acl::control_ping,
        "macip_acl_add" => macip::add,
        "macip_acl_add_replace" => macip::add_replace,
        "macip_acl_del" => macip::delete,
        "macip_acl_dump" => macip::dump,
        "macip_acl_interface_add_del" => macip::interface_add_del,
        "macip_acl_interface_get" => macip::interface_get,
        "macip_acl_interface_list_dump" => macip::interface_dump,

        "abf_plugin_get_version" => abf::version,
        "abf_policy_add_del" => abf::policy_add_del,
        "abf_policy_dump" => abf::policy_dump,
        "abf_itf_attach_add_del" => abf::attach_add_del,
        "abf_itf_attach_dump" => abf::attach_dump,

        "ip_table_add_del" | "ip_table_add_del_v2" => table::add_del,
        "ip_table_allocate" => table::allocate,
        "ip_table_dump" => table::dump,
        "ip_table_flush" => table::flush,
        "ip_table_replace_begin" => table::replace_begin,
        "ip_table_replace_end" => table::replace_end,
        "set_ip_flow_hash" => table::set_flow_hash,
        "set_ip_flow_hash_v2" | "set_ip_flow_hash_v3" => table::set_flow_hash_config,
        "ip_route_lookup" | "ip_route_lookup_v2" => table::lookup,
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
