//! All calls, each with values that VPP could take.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::Pin;

use vppcalls::types::{
    AfPacket, ArpTermination, Bond, BondMember, BridgeDomain, DhcpClient, FibEntry, FlowHash, Gre, GreKind,
    IpScan, IpScanMode, Ipip, Memif, MemifSocket, Neighbor, NeighborLimits, Paths, Port, ProxyArpRange,
    RewriteKind, Route, RxMode, RxThread, Span, SpanDirection, SubInterface, Table, Tap, VlanRewrite, Vxlan,
    Xconnect,
};
use vppcalls::{Error, Handlers};

use super::calls::{ip, net, through};

pub type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// A call with values that VPP could take.
pub struct Call {
    pub name: &'static str,
    pub ask: for<'a> fn(&'a Handlers) -> Outcome<'a>,
}

macro_rules! calls {
    ($($area:ident.$call:ident($($argument:expr),*);)*) => {
        &[$(Call {
            name: stringify!($call),
            ask: |handlers| Box::pin(async move { handlers.$area.$call($($argument),*).await.map(drop) }),
        }),*]
    };
}

/// Calls that VPP can refuse.
pub const CALLS: &[Call] = calls! {
    core.version();
    core.threads();
    interface.add_loopback(None);
    interface.add_loopback_instance(None, 7);
    interface.delete_loopback(1);
    interface.set_admin(1, true);
    interface.set_tag(1, "a-name");
    interface.set_mac(1, [2, 0, 0, 0, 0, 1]);
    interface.set_mtu(1, 1_500);
    interface.set_link_mtu(1, 1_500);
    interface.add_address(1, net("10.60.0.1/24"));
    interface.delete_address(1, net("2001:db8::1/64"));
    interface.set_table(1, false, 0);
    interface.table(1, true);
    interface.set_unnumbered(1, 2);
    interface.unset_unnumbered(1);
    interface.set_promiscuous(1, true);
    subif.add_sub_interface(&SubInterface::vlan(1, 5));
    subif.add_vlan(1, 5);
    subif.delete_sub_interface(2);
    subif.set_vlan_rewrite(2, &VlanRewrite { kind: RewriteKind::Push1, tag1: 5, ..VlanRewrite::default() });
    tap.add_tap(&Tap::default());
    tap.delete_tap(1);
    memif.add_memif_socket(&MemifSocket { id: 5, path: "/run/vpp/some.sock".to_string() });
    memif.delete_memif_socket(5);
    memif.add_memif(&Memif::default());
    memif.delete_memif(1);
    af_packet.add_af_packet(&AfPacket { host_name: "eth0".to_string(), ..AfPacket::default() });
    af_packet.delete_af_packet("eth0");
    vxlan.add_vxlan(&Vxlan::between(ip("10.60.0.1"), ip("10.60.0.2"), 5));
    vxlan.delete_vxlan(&Vxlan::between(ip("10.60.0.1"), ip("10.60.0.2"), 5));
    gre.add_gre(&Gre::between(GreKind::L3, ip("10.60.0.1"), ip("10.60.0.2")));
    gre.delete_gre(&Gre::between(GreKind::L3, ip("10.60.0.1"), ip("10.60.0.2")));
    ipip.add_ipip(&Ipip::between(ip("10.60.0.1"), ip("10.60.0.2")));
    ipip.delete_ipip(1);
    bond.add_bond(&Bond::default());
    bond.delete_bond(1);
    bond.add_bond_member(1, &BondMember { sw_if_index: 2, ..BondMember::default() });
    bond.delete_bond_member(2);
    rx.set_rx_mode(1, None, RxMode::Polling);
    rx.set_rx_placement(1, 0, RxThread::Worker(0));
    span.set_span(&Span { from: 1, to: 2, direction: SpanDirection::Both, l2: false });
    span.unset_span(&Span { from: 1, to: 2, direction: SpanDirection::Both, l2: true });
    dhcp.add_dhcp_client(&DhcpClient { sw_if_index: 1, ..DhcpClient::default() });
    dhcp.delete_dhcp_client(1);
    l2.add_bridge_domain(&BridgeDomain { id: 5, ..BridgeDomain::default() });
    l2.change_bridge_domain(&BridgeDomain { id: 5, flood: true, ..BridgeDomain::default() });
    l2.delete_bridge_domain(5);
    l2.add_port(5, &Port { sw_if_index: 1, ..Port::default() });
    l2.delete_port(5, &Port { sw_if_index: 1, ..Port::default() });
    l2.add_fib_entry(&FibEntry { bd_id: 5, sw_if_index: 1, ..FibEntry::default() });
    l2.delete_fib_entry(&FibEntry { bd_id: 5, sw_if_index: 1, ..FibEntry::default() });
    l2.add_arp_termination(&ArpTermination { bd_id: 5, ip: ip("10.60.0.1"), mac: [2, 0, 0, 0, 0, 1] });
    l2.delete_arp_termination(&ArpTermination { bd_id: 5, ip: ip("::1"), mac: [2, 0, 0, 0, 0, 1] });
    l2.add_xconnect(&Xconnect { rx: 1, tx: 2 });
    l2.delete_xconnect(&Xconnect { rx: 1, tx: 2 });
    l3.add_route(&route(), Paths::Replace);
    l3.delete_route(0, net("10.61.0.0/24"));
    l3.add_table(&Table { id: 5, ipv6: true, name: "five".to_string() });
    l3.delete_table(5, true);
    l3.set_flow_hash(5, false, FlowHash::DEFAULT);
    neighbor.add_neighbor(&neighbor());
    neighbor.delete_neighbor(&neighbor());
    neighbor.add_proxy_arp(&range());
    neighbor.delete_proxy_arp(&range());
    neighbor.set_proxy_arp(1, true);
    neighbor.set_ip_scan(&IpScan { mode: IpScanMode::Both, ..IpScan::default() });
    neighbor.set_neighbor_limits(false, &NeighborLimits { max_number: 9, max_age: 9, recycle: true });
    neighbor.neighbor_limits(true);
};

fn route() -> Route {
    let paths = vec![through(1, "10.60.0.2"), through(1, "10.60.0.3")];
    Route { table: 0, prefix: net("10.61.0.0/24"), paths }
}

fn neighbor() -> Neighbor {
    let (ip, mac) = (ip("10.60.0.2"), [2, 0, 0, 0, 0, 2]);
    Neighbor { sw_if_index: 1, ip, mac, fixed: true, no_fib_entry: false }
}

fn range() -> ProxyArpRange {
    ProxyArpRange { table: 0, first: [10, 60, 0, 1].into(), last: [10, 60, 0, 9].into() }
}

/// Calls that read what VPP has. VPP does not tell a refused dump from an empty one.
pub const DUMPS: &[Call] = calls! {
    interface.dump_interfaces();
    interface.dump_links();
    interface.dump_unnumbered();
    tap.dump_taps();
    memif.dump_memifs();
    memif.dump_memif_sockets();
    af_packet.dump_af_packets();
    vxlan.dump_vxlans();
    gre.dump_gres();
    ipip.dump_ipips();
    bond.dump_bonds();
    rx.dump_rx_placements();
    span.dump_spans();
    dhcp.dump_dhcp_clients();
    l2.dump_bridge_domains();
    l2.dump_fib(5);
    l2.dump_arp_terminations();
    l2.dump_xconnects();
    l3.dump_routes();
    l3.dump_tables();
    neighbor.dump_neighbors();
    neighbor.dump_proxy_arps();
    neighbor.dump_proxy_arp_interfaces();
};

/// The names of the methods of all areas, out of their source.
pub fn methods() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vppcalls/src/calls");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a text");
        let begin = text.find("pub trait ").expect("an area has its trait");
        let traits = text[begin..].split("\n}").next().unwrap_or_default();
        let all = traits.lines().filter_map(|line| {
            let name = line.trim().trim_start_matches("async ").strip_prefix("fn ")?;
            name.split('(').next().map(str::to_string)
        });
        names.extend(all);
    }
    names
}
