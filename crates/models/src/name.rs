//! Instance names: the part of a key after the model's prefix.
//!
//! The templates are those that users of stores know. Where a template takes text that can be spelled in several
//! ways (a MAC address, an IP address), what the model's key has is the canonical spelling, because that is what the
//! data plane reports when it is read back; [`Registry::canonical_key`](crate::Registry::canonical_key) does the same
//! to a key that came from a store. Names of interfaces may contain slashes, so what has a form of its own is looked
//! for from the end.

use std::net::IpAddr;

use crate::net::{INVALID, canonical_ip, canonical_mac, is_alloc_ref, parse_cidr};
use crate::proto::ligato::vpp::{interfaces, ipsec, l2, l3, nat, punt, stn, wireguard};
use crate::proto::ligato::{linux, netalloc};

/// Spelling is kept as it is.
pub(crate) fn as_spelled(name: &str) -> String {
    name.to_owned()
}

/// The name of a number of the enum `E`, or the number itself if it has none.
fn enum_name<E: TryFrom<i32>>(number: i32, name: fn(&E) -> &'static str) -> String {
    E::try_from(number).map_or_else(|_| number.to_string(), |value| name(&value).to_owned())
}

/// Gives what stands after the last `marker` its canonical spelling.
fn after(name: &str, marker: &str, canonical: fn(&str) -> String) -> String {
    match name.rsplit_once(marker) {
        Some((before, text)) => format!("{before}{marker}{}", canonical(text)),
        None => name.to_owned(),
    }
}

pub(crate) fn span(value: &interfaces::Span) -> String {
    format!("{}/to/{}", value.interface_from, value.interface_to)
}

pub(crate) fn fib(value: &l2::FibEntry) -> String {
    format!("{}/mac/{}", value.bridge_domain, value.phys_address)
}

/// The MAC address in lower case with colons.
pub(crate) fn canonical_fib(name: &str) -> String {
    after(name, "/mac/", canonical_mac)
}

pub(crate) fn arp(value: &l3::ArpEntry) -> String {
    format!("{}/{}", value.interface, value.ip_address)
}

pub(crate) fn linux_arp(value: &linux::l3::ArpEntry) -> String {
    format!("{}/{}", value.interface, value.ip_address)
}

pub(crate) fn canonical_arp(name: &str) -> String {
    after(name, "/", canonical_ip)
}

pub(crate) const ROUTE: &str = concat!(
    r#"{{if .OutgoingInterface}}{{printf "if/%s/" .OutgoingInterface}}{{end}}vrf/{{.VrfId}}/"#,
    r#"{{with ipnet .DstNetwork}}{{printf "dst/%s/%d/" .IP .MaskSize}}"#,
    r#"{{else}}{{printf "dst/%s/" .DstNetwork}}{{end}}{{if .NextHopAddr}}gw/{{.NextHopAddr}}{{end}}"#,
);

/// `dst/<reference>` when the destination is an `alloc:` reference.
pub(crate) fn route(value: &l3::Route) -> String {
    let mut name = String::new();
    if !value.outgoing_interface.is_empty() {
        name.push_str(&format!("if/{}/", value.outgoing_interface));
    }
    name.push_str(&format!("vrf/{}/dst/{}", value.vrf_id, network(&value.dst_network)));
    if !value.next_hop_addr.is_empty() {
        name.push_str(&format!("/gw/{}", value.next_hop_addr));
    }
    name
}

/// `<network>/<prefix length>`, or the reference.
fn network(text: &str) -> String {
    match parse_cidr(text) {
        _ if is_alloc_ref(text) => text.to_owned(),
        Some(net) => net.trunc().to_string(),
        None => format!("{INVALID}/0"),
    }
}

/// Destination and gateway in canonical text.
pub(crate) fn canonical_route(name: &str) -> String {
    let (rest, gateway) = match name.rsplit_once("/gw/") {
        Some((rest, gateway)) => (rest, format!("/gw/{}", canonical_ip(gateway))),
        None => (name, String::new()),
    };
    let canonical_network =
        |text: &str| parse_cidr(text).map_or(text.to_owned(), |net| net.trunc().to_string());
    format!("{}{gateway}", after(rest, "/dst/", canonical_network))
}

pub(crate) fn vrf_table(value: &l3::VrfTable) -> String {
    let protocol = enum_name(value.protocol, l3::vrf_table::Protocol::as_str_name);
    format!("id/{}/protocol/{protocol}", value.id)
}

/// The family of the source address stands for the proxy's.
pub(crate) fn dhcp_proxy(value: &l3::DhcpProxy) -> String {
    let family = match value.source_ip_address.parse() {
        Ok(IpAddr::V4(_)) => "IPv4",
        Ok(IpAddr::V6(_)) => "IPv6",
        Err(_) => INVALID,
    };
    format!("{family}/rx-vrf/{}", value.rx_vrf_id)
}

pub(crate) fn l3xconnect(value: &l3::L3xConnect) -> String {
    let protocol = enum_name(value.protocol, l3::l3x_connect::Protocol::as_str_name);
    format!("{}/protocol/{protocol}", value.interface)
}

pub(crate) fn teib(value: &l3::TeibEntry) -> String {
    format!("{}/peer/{}", value.interface, value.peer_addr)
}

pub(crate) fn canonical_teib(name: &str) -> String {
    after(name, "/peer/", canonical_ip)
}

pub(crate) fn vrrp(value: &l3::VrrpEntry) -> String {
    format!("{}/vrid/{}", value.interface, value.vr_id)
}

pub(crate) fn ip_redirect(value: &punt::IpRedirect) -> String {
    let protocol = enum_name(value.l3_protocol, punt::L3Protocol::as_str_name);
    format!("l3/{protocol}/tx/{}", value.tx_interface)
}

pub(crate) fn to_host(value: &punt::ToHost) -> String {
    let l3 = enum_name(value.l3_protocol, punt::L3Protocol::as_str_name);
    let l4 = enum_name(value.l4_protocol, punt::L4Protocol::as_str_name);
    format!("l3/{l3}/l4/{l4}/port/{}", value.port)
}

pub(crate) const NAT44_POOL: &str = concat!(
    "{{if .Name}}{{.Name}}{{else}}vrf/{{.VrfId}}/address/{{.FirstIp}}",
    "{{if and .LastIp (ne .FirstIp .LastIp)}}-{{.LastIp}}{{end}}{{end}}",
);

pub(crate) fn nat44_pool(value: &nat::Nat44AddressPool) -> String {
    if !value.name.is_empty() {
        return value.name.clone();
    }
    let mut name = format!("vrf/{}/address/{}", value.vrf_id, value.first_ip);
    if !value.last_ip.is_empty() && value.last_ip != value.first_ip {
        name.push_str(&format!("-{}", value.last_ip));
    }
    name
}

pub(crate) fn nat44_vrf_route(value: &nat::Nat44VrfRoute) -> String {
    format!("vrfid/{}/destvrfid/{}", value.src_vrf_id, value.dest_vrf_id)
}

pub(crate) const SECURITY_POLICY: &str = concat!(
    "spd/{{.SpdIndex}}/sa/{{.SaIndex}}/{{if .IsOutbound}}outbound/{{else}}inbound/{{end}}",
    "local-addresses/{{.LocalAddrStart}}-{{.LocalAddrStop}}/",
    "remote-addresses/{{.RemoteAddrStart}}-{{.RemoteAddrStop}}",
);

pub(crate) fn security_policy(value: &ipsec::SecurityPolicy) -> String {
    format!(
        "spd/{}/sa/{}/{}/local-addresses/{}-{}/remote-addresses/{}-{}",
        value.spd_index,
        value.sa_index,
        if value.is_outbound { "outbound" } else { "inbound" },
        value.local_addr_start,
        value.local_addr_stop,
        value.remote_addr_start,
        value.remote_addr_stop,
    )
}

/// All four addresses in canonical text.
pub(crate) fn canonical_security_policy(name: &str) -> String {
    const LOCAL: &str = "/local-addresses/";
    const REMOTE: &str = "/remote-addresses/";
    let range = |text: &str| match text.split_once('-') {
        Some((start, stop)) => format!("{}-{}", canonical_ip(start), canonical_ip(stop)),
        None => text.to_owned(),
    };
    match name.split_once(LOCAL).and_then(|(before, text)| Some((before, text.split_once(REMOTE)?))) {
        Some((before, (local, remote))) => {
            format!("{before}{LOCAL}{}{REMOTE}{}", range(local), range(remote))
        }
        None => name.to_owned(),
    }
}

pub(crate) const TUNNEL_PROTECTION: &str = "{{.Interface}}{{if .NextHopAddr}}/nh/{{.NextHopAddr}}{{end}}";

pub(crate) fn tunnel_protection(value: &ipsec::TunnelProtection) -> String {
    match value.next_hop_addr.as_str() {
        "" => value.interface.clone(),
        next_hop => format!("{}/nh/{next_hop}", value.interface),
    }
}

pub(crate) fn canonical_tunnel_protection(name: &str) -> String {
    after(name, "/nh/", canonical_ip)
}

pub(crate) fn stn(value: &stn::Rule) -> String {
    format!("{}/ip/{}", value.interface, value.ip_address)
}

pub(crate) fn canonical_stn(name: &str) -> String {
    after(name, "/ip/", canonical_ip)
}

pub(crate) fn wireguard_peer(value: &wireguard::Peer) -> String {
    format!("{}/endpoint/{}/{}", value.wg_if_name, value.endpoint, value.port)
}

pub(crate) fn canonical_peer(name: &str) -> String {
    after(name, "/endpoint/", |text| match text.rsplit_once('/') {
        Some((endpoint, port)) => format!("{}/{port}", canonical_ip(endpoint)),
        None => text.to_owned(),
    })
}

pub(crate) const LINUX_ROUTE: &str = concat!(
    r#"{{with ipnet .DstNetwork}}{{printf "%s/%d" .IP .MaskSize}}{{else}}{{.DstNetwork}}{{end}}"#,
    "/{{.OutgoingInterface}}",
);

/// The reference stands for network and length when the destination is one.
pub(crate) fn linux_route(value: &linux::l3::Route) -> String {
    format!("{}/{}", network(&value.dst_network), value.outgoing_interface)
}

/// The network in canonical text. It comes first, so it is looked for from the start.
pub(crate) fn canonical_linux_route(name: &str) -> String {
    let end = name.match_indices('/').nth(1).map(|(at, _)| at);
    match end.map(|at| name.split_at(at)) {
        Some((text, rest)) => match parse_cidr(text) {
            Some(net) => format!("{}{rest}", net.trunc()),
            None => name.to_owned(),
        },
        None => name.to_owned(),
    }
}

pub(crate) fn ip_allocation(value: &netalloc::IpAllocation) -> String {
    format!("network/{}/interface/{}", value.network_name, value.interface_name)
}
