//! Interfaces of every type, by which the scheduler checks that keys have one owner and that needs can be met.

use kvscheduler::Value;
use models::proto::ligato::vpp::interfaces::bond_link::{self, BondedInterface};
use models::proto::ligato::vpp::interfaces::interface::{
    Ip6nd, Link, RxMode, RxPlacement, Type, Unnumbered, rx_mode,
};
use models::proto::ligato::vpp::interfaces::sub_interface::TagRewriteOptions;
use models::proto::ligato::vpp::interfaces::{
    AfpacketLink, BondLink, GreLink, Interface, IpipLink, MemifLink, SubInterface, TapLink, VxlanLink,
    gre_link,
};

pub(super) const WITH_QUEUES: &str = "example-tap";
pub(crate) const SUB: &str = "example-sub";
pub(super) const LEASED: &str = "example-leased";
const LOOP: &str = "example-loop";

fn interface(name: &str, kind: Type, link: Option<Link>) -> Interface {
    Interface { name: name.to_string(), r#type: kind.into(), enabled: true, link, ..Interface::default() }
}

pub(super) fn interfaces() -> Vec<Interface> {
    let text = str::to_string;
    let addresses = ["192.0.2.1/24", "2001:db8::1/64"].map(text).to_vec();
    let tap = TapLink { to_microservice: text("example"), ..TapLink::default() };
    let sub = SubInterface {
        parent_name: text(LOOP),
        sub_id: 7,
        tag_rw_option: TagRewriteOptions::Pop1.into(),
        ..SubInterface::default()
    };
    let host = AfpacketLink { linux_interface: text("example"), ..AfpacketLink::default() };
    let vxlan = VxlanLink {
        src_address: text("192.0.2.1"),
        dst_address: text("239.1.1.1"),
        multicast: text(LOOP),
        ..VxlanLink::default()
    };
    let gre = GreLink {
        tunnel_type: gre_link::Type::L3.into(),
        src_addr: text("192.0.2.1"),
        dst_addr: text("192.0.2.2"),
        outer_fib_id: 3,
        ..GreLink::default()
    };
    let ipip =
        IpipLink { src_addr: text("2001:db8::1"), dst_addr: text("2001:db8::2"), ..IpipLink::default() };
    let bond = BondLink {
        mode: bond_link::Mode::Lacp.into(),
        bonded_interfaces: vec![BondedInterface { name: text(WITH_QUEUES), ..BondedInterface::default() }],
        ..BondLink::default()
    };
    let mode = RxMode { mode: rx_mode::Type::Interrupt.into(), ..RxMode::default() };
    let borrower = interface("example-borrower", Type::SoftwareLoopback, None);
    let leased = interface(LEASED, Type::SoftwareLoopback, None);
    vec![
        Interface {
            vrf: 3,
            ip_addresses: addresses,
            ip6_nd: Some(Ip6nd::default()),
            ..interface(LOOP, Type::SoftwareLoopback, None)
        },
        Interface { unnumbered: Some(Unnumbered { interface_with_ip: text(LOOP) }), ..borrower },
        Interface { set_dhcp_client: true, ..leased },
        interface("example-device", Type::Dpdk, None),
        interface(SUB, Type::SubInterface, Some(Link::Sub(sub))),
        Interface {
            rx_modes: vec![mode],
            rx_placements: vec![RxPlacement { main_thread: true, ..RxPlacement::default() }],
            ..interface(WITH_QUEUES, Type::Tap, Some(Link::Tap(tap)))
        },
        interface("example-memif", Type::Memif, Some(Link::Memif(MemifLink::default()))),
        interface("example-host", Type::AfPacket, Some(Link::Afpacket(host))),
        Interface { vrf: 3, ..interface("example-vxlan", Type::VxlanTunnel, Some(Link::Vxlan(vxlan))) },
        interface("example-gre", Type::GreTunnel, Some(Link::Gre(gre))),
        Interface { vrf: 3, ..interface("example-ipip", Type::IpipTunnel, Some(Link::Ipip(ipip))) },
        interface("example-bond", Type::BondInterface, Some(Link::Bond(bond))),
    ]
}

/// What is derived from them, as far as it belongs to somebody.
pub(super) fn derived<V: Value + Clone>(owns: impl Fn(&str) -> bool) -> Vec<(String, V)> {
    let all = interfaces();
    let parts = all.iter().flat_map(super::derived).filter(|part| owns(&part.key));
    parts.filter_map(|part| Some((part.key.to_string(), part.value.downcast_ref::<V>()?.clone()))).collect()
}
