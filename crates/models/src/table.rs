//! The table of models: one row each. All that the crate knows of a model besides its `.proto` file is here.

use std::fmt;

use prost_reflect::{DynamicMessage, ReflectMessage};
use serde_json::Value;

use crate::json;
use crate::message::{InstanceName, ModelMessage, ModelVisitor, WrongModel};
use crate::name::{self, as_spelled};
use crate::proto::ligato::vpp::{
    abf, acl, dns, interfaces, ipfix, ipsec, l2, l3, nat, punt, srv6, stn, wireguard,
};
use crate::proto::ligato::{govppmux, linux, netalloc};
use crate::registry::{Model, Registry, RegistryError};
use crate::spec::Spec;
use crate::validate::{self, FieldProblem, none};

mod define;

use define::models;

/// What is the same for all messages, so that it is compiled once.
trait AnyMessage: fmt::Display {
    fn dynamic(&self) -> DynamicMessage;
    fn bytes(&self) -> Vec<u8>;
}

impl<M: ReflectMessage + fmt::Display> AnyMessage for M {
    fn dynamic(&self) -> DynamicMessage {
        self.transcode_to_dynamic()
    }

    fn bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

impl ModelValue {
    /// The value as proto3 JSON, field names as in the `.proto` file.
    pub fn to_json(&self) -> Value {
        json::encode_dynamic(&self.to_dynamic(), json::Names::Proto)
    }

    /// The value as a message that can be asked for its fields by name.
    pub fn to_dynamic(&self) -> DynamicMessage {
        self.message().dynamic()
    }

    /// The value in the protobuf wire format.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.message().bytes()
    }
}

impl fmt::Display for ModelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

const fn v2(module: &'static str, kind: &'static str) -> Spec {
    Spec::config(module, "v2", kind)
}

/// A name, for values whose template has nothing that can be spelled in several ways.
const fn named<M>(template: &'static str, make: fn(&M) -> String) -> Option<InstanceName<M>> {
    spelled(template, make, as_spelled)
}

/// A name with something in it that can be spelled in several ways.
const fn spelled<M>(
    template: &'static str,
    make: fn(&M) -> String,
    canonical: fn(&str) -> String,
) -> Option<InstanceName<M>> {
    Some(InstanceName { template, make, canonical })
}

// Variant(message): specification, instance name (none: one instance), rules beyond those stated in the `.proto` file.
models! {
    /// `config/vpp/v2/interfaces/<name>`
    Interface(interfaces::Interface):
        v2("vpp", "interfaces"), named("{{.Name}}", |v| v.name.clone()), validate::interface;
    /// `config/vpp/v2/span/<interface_from>/to/<interface_to>`
    Span(interfaces::Span):
        v2("vpp", "span"), named("{{.InterfaceFrom}}/to/{{.InterfaceTo}}", name::span), validate::span;
    /// `config/vpp/acls/v2/acl/<name>`
    Acl(acl::Acl):
        v2("vpp.acls", "acl"), named("{{.Name}}", |v| v.name.clone()), validate::acl;
    /// `config/vpp/abfs/v2/abf/<index>`
    Abf(abf::Abf):
        v2("vpp.abfs", "abf"), named("{{.Index}}", |v| v.index.to_string()), validate::abf;
    /// `config/vpp/l2/v2/bridge-domain/<name>`
    BridgeDomain(l2::BridgeDomain):
        v2("vpp.l2", "bridge-domain"), named("{{.Name}}", |v| v.name.clone()), validate::bridge_domain;
    /// `config/vpp/l2/v2/fib/<bridge_domain>/mac/<phys_address>`
    Fib(l2::FibEntry):
        v2("vpp.l2", "fib"),
        spelled("{{.BridgeDomain}}/mac/{{.PhysAddress}}", name::fib, name::canonical_fib), validate::fib;
    /// `config/vpp/l2/v2/xconnect/<receive_interface>`
    XConnectPair(l2::XConnectPair):
        v2("vpp.l2", "xconnect"), named("{{.ReceiveInterface}}", |v| v.receive_interface.clone()), validate::xconnect;
    /// `config/vpp/v2/arp/<interface>/<ip_address>`
    ArpEntry(l3::ArpEntry):
        v2("vpp", "arp"), spelled("{{.Interface}}/{{.IpAddress}}", name::arp, name::canonical_arp), validate::arp;
    /// `config/vpp/v2/route/[if/<outgoing_interface>/]vrf/<vrf_id>/dst/<network>/<length>[/gw/<next_hop_addr>]`
    Route(l3::Route):
        v2("vpp", "route"), spelled(name::ROUTE, name::route, name::canonical_route), validate::route;
    /// `config/vpp/v2/proxyarp-global`
    ProxyArp(l3::ProxyArp): v2("vpp", "proxyarp-global"), None, validate::proxy_arp;
    /// `config/vpp/v2/ipscanneigh-global`
    IpScanNeighbor(l3::IpScanNeighbor): v2("vpp", "ipscanneigh-global"), None, validate::ip_scan_neighbor;
    /// `config/vpp/v2/vrf-table/id/<id>/protocol/<IPV4|IPV6>`
    VrfTable(l3::VrfTable):
        v2("vpp", "vrf-table"), named("id/{{.Id}}/protocol/{{.Protocol}}", name::vrf_table), validate::vrf_table;
    /// `config/vpp/v2/dhcp-proxy/<IPv4|IPv6>/rx-vrf/<rx_vrf_id>`
    DhcpProxy(l3::DhcpProxy):
        v2("vpp", "dhcp-proxy"),
        named("{{ protoip .SourceIpAddress}}/rx-vrf/{{.RxVrfId}}", name::dhcp_proxy), validate::dhcp_proxy;
    /// `config/vpp/v2/l3xconnect/<interface>/protocol/<IPV4|IPV6>`
    L3xConnect(l3::L3xConnect):
        v2("vpp", "l3xconnect"), named("{{.Interface}}/protocol/{{.Protocol}}", name::l3xconnect), validate::l3xconnect;
    /// `config/vpp/v2/teib/<interface>/peer/<peer_addr>`
    TeibEntry(l3::TeibEntry):
        v2("vpp", "teib"), spelled("{{.Interface}}/peer/{{.PeerAddr}}", name::teib, name::canonical_teib), validate::teib;
    /// `config/vpp/v2/vrrp/<interface>/vrid/<vr_id>`
    VrrpEntry(l3::VrrpEntry):
        v2("vpp", "vrrp"), named("{{.Interface}}/vrid/{{.VrId}}", name::vrrp), validate::vrrp;
    /// `config/vpp/v2/ipredirect/l3/<l3_protocol>/tx/<tx_interface>`
    IpRedirect(punt::IpRedirect):
        v2("vpp", "ipredirect"), named("l3/{{.L3Protocol}}/tx/{{.TxInterface}}", name::ip_redirect), validate::ip_redirect;
    /// `config/vpp/v2/tohost/l3/<l3_protocol>/l4/<l4_protocol>/port/<port>`
    ToHost(punt::ToHost):
        v2("vpp", "tohost"),
        named("l3/{{.L3Protocol}}/l4/{{.L4Protocol}}/port/{{.Port}}", name::to_host), validate::to_host;
    /// `config/vpp/v2/exception/reason/<reason>`
    PuntException(punt::Exception):
        v2("vpp", "exception"), named("reason/{{.Reason}}", |v| format!("reason/{}", v.reason)), validate::punt_exception;
    /// `config/vpp/nat/v2/nat44-global`
    Nat44Global(nat::Nat44Global): v2("vpp.nat", "nat44-global"), None, validate::nat44_global;
    /// `config/vpp/nat/v2/dnat44/<label>`
    DNat44(nat::DNat44):
        v2("vpp.nat", "dnat44"), named("{{.Label}}", |v| v.label.clone()), validate::dnat44;
    /// `config/vpp/nat/v2/nat44-interface/<name>`
    Nat44Interface(nat::Nat44Interface):
        v2("vpp.nat", "nat44-interface"), named("{{.Name}}", |v| v.name.clone()), validate::nat44_interface;
    /// `config/vpp/nat/v2/nat44-pool/<name>`, or `vrf/<vrf_id>/address/<first_ip>[-<last_ip>]` in place of an empty name
    Nat44AddressPool(nat::Nat44AddressPool):
        v2("vpp.nat", "nat44-pool"), named(name::NAT44_POOL, name::nat44_pool), validate::nat44_pool;
    /// `config/vpp/nat/v2/nat44-vrf/vrfid/<src_vrf_id>`
    Nat44VrfTable(nat::Nat44VrfTable):
        v2("vpp.nat", "nat44-vrf"), named("vrfid/{{.SrcVrfId}}", |v| format!("vrfid/{}", v.src_vrf_id)), none;
    /// `config/vpp/nat/v2/nat44-vrf-route/vrfid/<src_vrf_id>/destvrfid/<dest_vrf_id>`
    Nat44VrfRoute(nat::Nat44VrfRoute):
        v2("vpp.nat", "nat44-vrf-route"),
        named("vrfid/{{.SrcVrfId}}/destvrfid/{{.DestVrfId}}", name::nat44_vrf_route), none;
    /// `config/vpp/ipsec/v2/spd/<index>`
    SecurityPolicyDatabase(ipsec::SecurityPolicyDatabase):
        v2("vpp.ipsec", "spd"), named("{{.Index}}", |v| v.index.to_string()), validate::security_policy_database;
    /// `config/vpp/ipsec/v2/sp/spd/<spd_index>/sa/<sa_index>/<outbound|inbound>/local-addresses/<start>-<stop>/remote-addresses/<start>-<stop>`
    SecurityPolicy(ipsec::SecurityPolicy):
        v2("vpp.ipsec", "sp"),
        spelled(name::SECURITY_POLICY, name::security_policy, name::canonical_security_policy), validate::security_policy;
    /// `config/vpp/ipsec/v2/sa/<index>`
    SecurityAssociation(ipsec::SecurityAssociation):
        v2("vpp.ipsec", "sa"), named("{{.Index}}", |v| v.index.to_string()), validate::security_association;
    /// `config/vpp/ipsec/v2/tun-protect/<interface>[/nh/<next_hop_addr>]`
    TunnelProtection(ipsec::TunnelProtection):
        v2("vpp.ipsec", "tun-protect"),
        spelled(name::TUNNEL_PROTECTION, name::tunnel_protection, name::canonical_tunnel_protection), validate::tunnel_protection;
    /// `config/vpp/srv6/v2/localsid/<sid>`
    LocalSid(srv6::LocalSid):
        v2("vpp.srv6", "localsid"), spelled("{{.Sid}}", |v| v.sid.clone(), crate::net::canonical_ip), validate::local_sid;
    /// `config/vpp/srv6/v2/policy/<bsid>`
    SrPolicy(srv6::Policy):
        v2("vpp.srv6", "policy"), spelled("{{.Bsid}}", |v| v.bsid.clone(), crate::net::canonical_ip), validate::sr_policy;
    /// `config/vpp/srv6/v2/steering/<name>`
    SrSteering(srv6::Steering):
        v2("vpp.srv6", "steering"), named("{{.Name}}", |v| v.name.clone()), validate::sr_steering;
    /// `config/vpp/srv6/v2/srv6-global`
    Srv6Global(srv6::SRv6Global): v2("vpp.srv6", "srv6-global"), None, none;
    /// `config/vpp/stn/v2/rule/<interface>/ip/<ip_address>`
    StnRule(stn::Rule):
        v2("vpp.stn", "rule"), spelled("{{.Interface}}/ip/{{.IpAddress}}", name::stn, name::canonical_stn), none;
    /// `config/vpp/ipfix/v2/ipfix`
    Ipfix(ipfix::Ipfix): v2("vpp.ipfix", "ipfix"), None, validate::ipfix;
    /// `config/vpp/ipfix/v2/flowprobe-params`
    FlowProbeParams(ipfix::FlowProbeParams): v2("vpp.ipfix", "flowprobe-params"), None, validate::flowprobe_params;
    /// `config/vpp/ipfix/v2/flowprobe-feature/<interface>`
    FlowProbeFeature(ipfix::FlowProbeFeature):
        v2("vpp.ipfix", "flowprobe-feature"), named("{{.Interface}}", |v| v.interface.clone()), none;
    /// `config/vpp/wg/v1/peer/<wg_if_name>/endpoint/<endpoint>/<port>`
    WireguardPeer(wireguard::Peer):
        Spec::config("vpp.wg", "v1", "peer"),
        spelled("{{.WgIfName}}/endpoint/{{.Endpoint}}/{{.Port}}", name::wireguard_peer, name::canonical_peer),
        validate::wireguard_peer;
    /// `config/vpp/dns/v1/dnscache`
    DnsCache(dns::DnsCache): Spec::config("vpp.dns", "v1", "dnscache"), None, none;
    /// `config/linux/interfaces/v2/interface/<name>`
    LinuxInterface(linux::interfaces::Interface):
        v2("linux.interfaces", "interface"), named("{{.Name}}", |v| v.name.clone()), validate::linux_interface;
    /// `config/linux/l3/v2/route/<network>/<length>/<outgoing_interface>`
    LinuxRoute(linux::l3::Route):
        v2("linux.l3", "route"),
        spelled(name::LINUX_ROUTE, name::linux_route, name::canonical_linux_route), validate::linux_route;
    /// `config/linux/l3/v2/arp/<interface>/<ip_address>`
    LinuxArpEntry(linux::l3::ArpEntry):
        v2("linux.l3", "arp"),
        spelled("{{.Interface}}/{{.IpAddress}}", name::linux_arp, name::canonical_arp), validate::linux_arp;
    /// `config/linux/iptables/v2/rulechain/<name>`
    RuleChain(linux::iptables::RuleChain):
        v2("linux.iptables", "rulechain"), named("{{.Name}}", |v| v.name.clone()), validate::rule_chain;
    /// `config/netalloc/v1/ip/network/<network_name>/interface/<interface_name>`
    IpAllocation(netalloc::IpAllocation):
        Spec::config("netalloc", "v1", "ip"),
        named("network/{{.NetworkName}}/interface/{{.InterfaceName}}", name::ip_allocation), validate::ip_allocation;
    /// `metrics/govppmux/v0/stats`: counters of the connection to VPP, reported and never configured
    ConnectionMetrics(govppmux::Metrics):
        Spec { module: "govppmux", version: "v0", kind: "stats", class: "metrics" }, None, none;
}
