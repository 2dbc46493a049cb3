//! Instance names: the part of a key after the model's prefix.
//!
//! The templates are those that users of stores know. Where a template takes text that can be spelled in several
//! ways (a MAC address, a gateway), what the model's key has is the canonical spelling, because that is what the data
//! plane reports when it is read back; [`Registry::canonical_key`](crate::Registry::canonical_key) does the same to a
//! key that came from a store.

use crate::net::{INVALID, canonical_ip, canonical_mac, is_alloc_ref, parse_cidr};
use crate::proto::ligato::vpp::{interfaces, l2, l3};

/// Spelling is kept as it is.
pub(crate) fn as_spelled(name: &str) -> String {
    name.to_owned()
}

/// `<name>`
pub(crate) fn interface(value: &interfaces::Interface) -> String {
    value.name.clone()
}

/// `<name>`
pub(crate) fn bridge_domain(value: &l2::BridgeDomain) -> String {
    value.name.clone()
}

/// `<bridge_domain>/mac/<phys_address>`
pub(crate) fn fib(value: &l2::FibEntry) -> String {
    format!("{}/mac/{}", value.bridge_domain, value.phys_address)
}

/// The MAC address in lower case with colons.
pub(crate) fn canonical_fib(name: &str) -> String {
    match name.rsplit_once("/mac/") {
        Some((bridge_domain, mac)) => format!("{bridge_domain}/mac/{}", canonical_mac(mac)),
        None => name.to_owned(),
    }
}

/// `[if/<outgoing_interface>/]vrf/<vrf_id>/dst/<network>/<prefix length>[/gw/<next_hop_addr>]`; `dst/<reference>` when
/// the destination is an `alloc:` reference.
pub(crate) fn route(value: &l3::Route) -> String {
    let mut name = String::new();
    if !value.outgoing_interface.is_empty() {
        name.push_str(&format!("if/{}/", value.outgoing_interface));
    }
    name.push_str(&format!("vrf/{}/dst/", value.vrf_id));
    if is_alloc_ref(&value.dst_network) {
        name.push_str(&value.dst_network);
    } else {
        match parse_cidr(&value.dst_network) {
            Some(net) => name.push_str(&format!("{}/{}", net.network(), net.prefix_len())),
            None => name.push_str(&format!("{INVALID}/0")),
        }
    }
    if !value.next_hop_addr.is_empty() {
        name.push_str(&format!("/gw/{}", value.next_hop_addr));
    }
    name
}

/// The gateway in canonical text.
pub(crate) fn canonical_route(name: &str) -> String {
    match name.rsplit_once("/gw/") {
        Some((rest, gateway)) => format!("{rest}/gw/{}", canonical_ip(gateway)),
        None => name.to_owned(),
    }
}
