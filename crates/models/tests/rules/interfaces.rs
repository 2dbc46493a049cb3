//! Interfaces of all types.

use serde_json::{Value, json};

use crate::check;

#[test]
fn interfaces() {
    let loopback = json!({"name": "if1", "type": "SOFTWARE_LOOPBACK"});
    check(
        "vpp.interfaces",
        &loopback,
        &[
            (json!({}), &[]),
            (json!({"name": ""}), &["name"]),
            (json!({"name": "x".repeat(63)}), &[]),
            (json!({"name": "x".repeat(64)}), &["name"]),
            (json!({"name": "ö".repeat(32)}), &["name"]),
            (json!({"type": "UNDEFINED_TYPE"}), &["type"]),
            (json!({"type": 99}), &["type"]),
            (json!({"tap": {}}), &["tap"]),
            (json!({"type": "TAP"}), &["tap"]),
            (json!({"type": "MEMIF", "tap": {}}), &["tap"]),
            (json!({"type": "DPDK"}), &[]),
            (json!({"phys_address": "02:fe:00:00:00:01"}), &[]),
            (json!({"phys_address": "02:fe:00:00:01"}), &["phys_address"]),
            (json!({"ip_addresses": ["10.0.0.1/24", "2001:db8::1/64", "alloc:net1"]}), &[]),
            (
                json!({"ip_addresses": ["10.0.0.1", "10.0.0.1/33", "alloc:net1/GW"]}),
                &["ip_addresses[0]", "ip_addresses[1]", "ip_addresses[2]"],
            ),
            (json!({"mtu": 9216}), &[]),
            (json!({"mtu": 9217}), &["mtu"]),
            (json!({"unnumbered": {"interface_with_ip": "if2"}}), &[]),
            (json!({"unnumbered": {}}), &["unnumbered.interface_with_ip"]),
            (json!({"unnumbered": {"interface_with_ip": "if1"}}), &["unnumbered.interface_with_ip"]),
            (
                json!({"unnumbered": {"interface_with_ip": "if2"}, "ip_addresses": ["10.0.0.1/24"]}),
                &["unnumbered"],
            ),
            (json!({"rx_modes": [{"mode": "POLLING"}, {"queue": 1, "mode": "INTERRUPT"}]}), &[]),
            (json!({"rx_modes": [{}]}), &["rx_modes[0].mode"]),
            (json!({"rx_modes": [{"mode": "POLLING"}, {"mode": "ADAPTIVE"}]}), &["rx_modes[1].queue"]),
            (
                json!({"rx_modes": [{"mode": "POLLING", "default_mode": true}, {"mode": "POLLING", "default_mode": true}]}),
                &["rx_modes[1].default_mode"],
            ),
            (json!({"type": "DPDK", "rx_modes": [{"mode": "ADAPTIVE"}]}), &["rx_modes[0].mode"]),
            (json!({"rx_placements": [{"queue": 1}, {"queue": 1}]}), &["rx_placements[1].queue"]),
        ],
    );
}

#[test]
fn taps() {
    let tap = json!({"name": "tap1", "type": "TAP"});
    check(
        "vpp.interfaces",
        &tap,
        &[
            (json!({"tap": {}}), &[]),
            (json!({"tap": {"version": 1}}), &[]),
            (json!({"tap": {"version": 2, "rx_ring_size": 256, "tx_ring_size": 1024}}), &[]),
            (json!({"tap": {"version": 3}}), &["tap.version"]),
            (json!({"tap": {"host_if_name": "x".repeat(15)}}), &[]),
            (json!({"tap": {"host_if_name": "x".repeat(16)}}), &["tap.host_if_name"]),
            (json!({"tap": {"host_if_name": "a/b"}}), &["tap.host_if_name"]),
            (
                json!({"tap": {"rx_ring_size": 100, "tx_ring_size": 65536}}),
                &["tap.rx_ring_size", "tap.tx_ring_size"],
            ),
        ],
    );
}

#[test]
fn links_of_other_types() {
    let key = "A".repeat(44);
    let link = |kind: &str, link: Value| {
        let mut value = json!({"name": "if1", "type": kind});
        value.as_object_mut().expect("a mapping").extend(link.as_object().expect("a mapping").clone());
        value
    };
    for (value, paths) in [
        (link("SUB_INTERFACE", json!({"sub": {"parent_name": "if0", "sub_id": 7}})), vec![]),
        (link("SUB_INTERFACE", json!({"sub": {}})), vec!["sub.parent_name"]),
        (link("SUB_INTERFACE", json!({"sub": {"parent_name": "if1"}})), vec!["sub.parent_name"]),
        (link("MEMIF", json!({"memif": {"id": 1, "ring_size": 512, "secret": "s"}})), vec![]),
        (
            link(
                "MEMIF",
                json!({"memif": {"ring_size": 3, "secret": "x".repeat(25), "rx_queues": 256, "buffer_size": 65536}}),
            ),
            vec!["memif.secret", "memif.ring_size", "memif.buffer_size", "memif.rx_queues"],
        ),
        (link("AF_PACKET", json!({"afpacket": {}})), vec!["afpacket.host_if_name"]),
        (link("AF_PACKET", json!({"afpacket": {"linux_interface": "veth1"}})), vec![]),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "10.0.0.2", "vni": 7}}),
            ),
            vec![],
        ),
        (link("VXLAN_TUNNEL", json!({"vxlan": {}})), vec!["vxlan.src_address", "vxlan.dst_address"]),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "2001:db8::1", "vni": 16777216}}),
            ),
            vec!["vxlan.dst_address", "vxlan.vni"],
        ),
        (
            link("VXLAN_TUNNEL", json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "239.0.0.1"}})),
            vec!["vxlan.multicast"],
        ),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "10.0.0.2", "gpe": {}}}),
            ),
            vec!["vxlan.gpe.protocol"],
        ),
        (
            link(
                "VXLAN_TUNNEL",
                json!({"vxlan": {"src_address": "10.0.0.1", "dst_address": "x", "gpe": {"protocol": "NSH", "decap_vrf_id": 1}}}),
            ),
            vec!["vxlan.gpe.decap_vrf_id", "vxlan.dst_address"],
        ),
        (
            link("BOND_INTERFACE", json!({"bond": {"bonded_interfaces": [{"name": "a"}, {"name": "b"}]}})),
            vec![],
        ),
        (
            link(
                "BOND_INTERFACE",
                json!({"bond": {"bonded_interfaces": [{"name": "a"}, {"name": "a"}, {"name": "if1"}]}}),
            ),
            vec!["bond.bonded_interfaces[1].name", "bond.bonded_interfaces[2].name"],
        ),
        (
            link(
                "GRE_TUNNEL",
                json!({"gre": {"tunnel_type": "L3", "src_addr": "10.0.0.1", "dst_addr": "10.0.0.2"}}),
            ),
            vec![],
        ),
        (
            link("GRE_TUNNEL", json!({"gre": {"session_id": 1024}})),
            vec!["gre.tunnel_type", "gre.src_addr", "gre.dst_addr", "gre.session_id"],
        ),
        (link("GTPU_TUNNEL", json!({"gtpu": {"src_addr": "10.0.0.1"}})), vec!["gtpu.dst_addr"]),
        (link("IPIP_TUNNEL", json!({"ipip": {"src_addr": "10.0.0.1"}})), vec!["ipip.dst_addr"]),
        (
            link(
                "IPIP_TUNNEL",
                json!({"ipip": {"src_addr": "10.0.0.1", "tunnel_mode": "POINT_TO_MULTIPOINT"}}),
            ),
            vec![],
        ),
        (
            link(
                "WIREGUARD_TUNNEL",
                json!({"wireguard": {"private_key": key, "port": 51820, "src_addr": "10.0.0.1"}}),
            ),
            vec![],
        ),
        (
            link("WIREGUARD_TUNNEL", json!({"wireguard": {"private_key": "x", "port": 65536}})),
            vec!["wireguard.private_key", "wireguard.src_addr", "wireguard.port"],
        ),
        (link("RDMA", json!({"rdma": {"host_if_name": "eth0", "rxq_size": 1024}})), vec![]),
        (
            link("RDMA", json!({"rdma": {"rxq_num": 65536, "rxq_size": 100}})),
            vec!["rdma.host_if_name", "rdma.rxq_num", "rdma.rxq_size"],
        ),
        (link("VMXNET3_INTERFACE", json!({"vmx_net3": {}})), vec![]),
    ] {
        check("vpp.interfaces", &value, &[(json!({}), &paths)]);
    }
}
