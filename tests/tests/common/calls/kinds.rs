//! Interfaces of every kind, from their making to their end.

use futures::StreamExt as _;
use vppcalls::types::{
    AfPacket, AfPacketDetails, Bond, BondDetails, BondHash, BondMember, BondMode, DhcpClient,
    DhcpClientDetails, Gre, GreKind, Interface, InterfaceEvent, Ipip, Link, Memif, MemifDetails, MemifMode,
    MemifSocket, NO_INTERFACE, RewriteKind, RxMode, RxThread, Span, SpanDirection, SubInterface, Tap,
    TapDetails, TunnelFlags, Vlan, VlanRewrite, VlanTags, Vxlan,
};
use vppcalls::{Error, Inventory, Kind, NewInterface, Settings};

use super::{NOWHERE, Scenario, ip, net};
use crate::common::position;

/// MACs that tests give, so that what is left behind can be found.
pub fn mac(last: u8) -> [u8; 6] {
    [0xde, 0xad, 0, 0, 0x42, last]
}

const TAG: &str = "conformance-kind";

pub const NO_INDEX: [(i32, &str); 1] = [(-2, "INVALID_SW_IF_INDEX")];

impl Scenario<'_> {
    pub fn has(&self, since: &str) -> bool {
        position(self.calls.release) >= position(since)
    }

    pub async fn inventory(&self) -> Vec<Inventory> {
        self.calls.inventory().await.expect("an inventory")
    }

    /// Makes an interface with a tag. From a release on there has to be one; before it the error says that there
    /// cannot be, and there is none.
    pub async fn make(&self, new: &NewInterface, since: &str) -> Option<Inventory> {
        let before = self.inventory().await;
        match self.calls.create(new, TAG).await {
            Ok(index) => {
                assert!(self.has(since), "{new:?} can be had");
                let all = self.inventory().await;
                let found = all.iter().find(|i| i.interface.sw_if_index == index).expect("it is there");
                assert_eq!(found.interface.tag, TAG);
                assert_eq!(all.len(), before.len() + 1);
                Some(found.clone())
            }
            Err(error) => {
                assert!(matches!(error, Error::Unsupported { .. }) && !self.has(since), "{new:?}: {error}");
                assert!(error.to_string().contains(self.calls.release), "{error}");
                assert_eq!(self.inventory().await, before);
                None
            }
        }
    }

    /// Removes it; nothing else has changed.
    pub async fn unmake(&self, new: &NewInterface, made: &Inventory) {
        let index = made.interface.sw_if_index;
        let mut before = self.inventory().await;
        self.calls.delete(new, index).await.expect("gone");
        before.retain(|i| i.interface.sw_if_index != index);
        assert_eq!(self.inventory().await, before);
    }

    async fn there_and_back(&self, new: &NewInterface, since: &str, expected: impl FnOnce(u32) -> Kind) {
        if let Some(made) = self.make(new, since).await {
            assert_eq!(made.kind, expected(made.interface.sw_if_index), "{new:?}");
            self.unmake(new, &made).await;
        }
    }

    /// A loopback that others are put on top of.
    pub async fn loop_with(&self, last: u8) -> u32 {
        self.calls.interface.add_loopback(Some(mac(last))).await.expect("a loopback")
    }

    pub async fn drop_loop(&self, index: u32) {
        self.calls.interface.delete_loopback(index).await.expect("gone");
    }

    /// Loopbacks with a number, tags that go, link MTU, promiscuous mode.
    pub async fn more_of_interfaces(&self) {
        let calls = &self.calls.interface;
        let new = NewInterface::Loopback { mac: Some(mac(9)), instance: Some(142) };
        let made = self.make(&new, "18.10").await.expect("a loopback");
        let index = made.interface.sw_if_index;
        assert_eq!((made.interface.internal_name.as_str(), made.kind.clone()), ("loop142", Kind::Plain));
        let taken = self.calls.create(&new, "other").await.expect_err("the number is taken");
        assert!(taken.retval().is_some(), "{taken}");
        calls.set_tag(index, "").await.expect("no tag");
        assert_eq!(self.interface(index).await.expect("it is there").tag, "");

        for mtu in [0, 65_536, u32::MAX] {
            for result in [calls.set_mtu(index, mtu).await, calls.set_link_mtu(index, mtu).await] {
                match result {
                    Err(error @ Error::OutOfRange { value, min: 1, max: 65_535, .. }) => {
                        assert!(value == mtu && error.is_bad_input());
                    }
                    other => panic!("an MTU of {mtu}: {other:?}"),
                }
            }
        }
        let promiscuous = calls.set_promiscuous(index, true).await;
        match promiscuous {
            Ok(()) => assert!(self.has("21.06")),
            // A loopback takes all that comes anyhow, and real VPPs refuse.
            Err(error) if self.has("21.06") => assert_eq!(error.retval(), Some(-1), "{error}"),
            Err(error) => assert!(error.is_absent(), "{error}"),
        }
        // What all interfaces have is told in one turn, too.
        calls.set_tag(index, TAG).await.expect("a tag");
        let links = calls.dump_links().await.expect("a dump");
        let all = calls.dump_interfaces().await.expect("a dump");
        let link = |i: &Interface| Link {
            sw_if_index: i.sw_if_index,
            internal_name: i.internal_name.clone(),
            tag: i.tag.clone(),
            admin_up: i.admin_up,
            link_up: i.link_up,
        };
        assert_eq!(links, all.iter().map(link).collect::<Vec<_>>());
        self.unmake(&new, &made).await;

        // Made with all that it is to have, or not at all.
        let settings = Settings {
            tag: TAG.to_string(),
            mac: Some(mac(8)),
            mtu: Some(1_400),
            table: Some((false, 0)),
            admin_up: Some(true),
        };
        let index = self.calls.create_as(&new, &settings).await.expect("a loopback");
        let found = self.interface(index).await.expect("it is there");
        assert_eq!((found.tag.as_str(), found.mac, found.mtu), (TAG, mac(8), 1_400));
        assert!(found.admin_up);
        calls.set_admin(index, false).await.expect("down");
        calls.delete_loopback(index).await.expect("gone");
        let before = self.inventory().await;
        let nowhere = Settings { table: Some((false, 4_398)), ..settings };
        self.refused(self.calls.create_as(&new, &nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        assert_eq!(self.inventory().await, before);
        // Too long a name is refused before there is an interface.
        let before = self.inventory().await;
        let long = "t".repeat(64);
        let error = self.calls.create(&new, &long).await.expect_err("64 bytes");
        assert!(matches!(error, Error::TooLong { max: 63, .. }) && error.is_bad_input(), "{error}");
        assert_eq!(self.inventory().await, before);
    }

    /// Tables of interfaces, and interfaces that borrow addresses.
    pub async fn tables_of_interfaces(&self) {
        let (calls, l3) = (&self.calls.interface, &self.calls.l3);
        let (lender, borrower) = (self.loop_with(10).await, self.loop_with(11).await);
        for (ipv6, id) in [(false, 4_301), (true, 4_302)] {
            let table = vppcalls::types::Table { id, ipv6, name: format!("conformance-{id}") };
            l3.add_table(&table).await.expect("a table");
            for index in [lender, borrower] {
                calls.set_table(index, ipv6, id).await.expect("the table");
                assert_eq!(calls.table(index, ipv6).await.expect("the table"), id);
            }
        }
        let found = self.interface(lender).await.expect("it is there");
        assert_eq!((found.table4, found.table6, found.unnumbered), (4_301, 4_302, None));
        self.refused(calls.set_table(NOWHERE, false, 0).await, &NO_INDEX);
        self.refused(calls.table(NOWHERE, true).await, &NO_INDEX);
        self.refused(calls.set_table(lender, false, 4_399).await, &[(-3, "NO_SUCH_FIB")]);

        calls.set_admin(lender, true).await.expect("up");
        calls.set_admin(borrower, true).await.expect("up");
        let address = net("10.43.1.1/24");
        calls.add_address(lender, address).await.expect("an address");
        let taken = [(-114, "ADDRESS_FOUND_FOR_INTERFACE")];
        self.refused(calls.set_table(lender, false, 0).await, &taken);
        calls.set_unnumbered(borrower, lender).await.expect("unnumbered");
        assert_eq!(self.interface(borrower).await.expect("it is there").unnumbered, Some(lender));
        assert_eq!(self.interface(lender).await.expect("it is there").unnumbered, None);
        assert_eq!(calls.dump_unnumbered().await.expect("a dump"), [(borrower, lender)]);
        self.refused(calls.set_unnumbered(NOWHERE, lender).await, &NO_INDEX);
        self.refused(calls.set_unnumbered(borrower, NOWHERE).await, &[(-10, "INVALID_SW_IF_INDEX_2")]);
        calls.unset_unnumbered(borrower).await.expect("numbered");
        assert_eq!(calls.dump_unnumbered().await.expect("a dump"), []);
        calls.delete_address(lender, address).await.expect("no address");
        for index in [borrower, lender] {
            calls.set_admin(index, false).await.expect("down");
            for ipv6 in [false, true] {
                calls.set_table(index, ipv6, 0).await.expect("the table");
            }
            self.drop_loop(index).await;
        }
        l3.delete_table(4_301, false).await.expect("gone");
        l3.delete_table(4_302, true).await.expect("gone");
    }

    /// Sub-interfaces with every kind of tags.
    pub async fn sub_interfaces(&self) {
        let parent = self.loop_with(12).await;
        let calls = &self.calls.subif;
        let plain = SubInterface { parent, ..SubInterface::default() };
        let id = |vlan| Vlan::Id(vlan);
        let cases = [
            SubInterface::vlan(parent, 100),
            SubInterface::vlan(parent, 4095),
            SubInterface { tags: VlanTags::Two(id(7), id(8)), exact_match: true, sub_id: 5, ..plain },
            SubInterface { tags: VlanTags::Two(id(9), Vlan::Any), dot1ad: true, sub_id: 6, ..plain },
            SubInterface { tags: VlanTags::One(id(10)), dot1ad: true, sub_id: 7, ..plain },
        ];
        for sub in cases {
            let new = NewInterface::Sub(sub);
            let made = self.make(&new, "18.10").await.expect("a sub-interface");
            let interface = &made.interface;
            assert_eq!((interface.sub, interface.sup_sw_if_index), (Some(sub), parent));
            assert!(interface.internal_name.ends_with(&format!(".{}", sub.sub_id)), "{interface:?}");
            let again = calls.add_sub_interface(&sub).await.expect_err("it is there");
            assert!(again.retval().is_some(), "{again}");
            self.unmake(&new, &made).await;
        }
        let index = calls.add_vlan(parent, 300).await.expect("a sub-interface");
        let found = self.interface(index).await.expect("it is there");
        assert_eq!(found.sub, Some(SubInterface::vlan(parent, 300)));
        self.refused(calls.add_vlan(parent, 300).await, &[(-56, "VLAN_ALREADY_EXISTS")]);
        calls.delete_sub_interface(index).await.expect("gone");
        self.refused(calls.add_vlan(NOWHERE, 300).await, &NO_INDEX);
        self.refused(calls.add_sub_interface(&SubInterface::vlan(NOWHERE, 1)).await, &NO_INDEX);
        self.refused(calls.delete_sub_interface(NOWHERE).await, &NO_INDEX);
        for vlan in [0, 4096, u16::MAX] {
            let outer = SubInterface::vlan(parent, vlan);
            let inner = SubInterface { tags: VlanTags::Two(Vlan::Any, id(vlan)), sub_id: 9, ..plain };
            let results = [
                calls.add_vlan(parent, vlan).await,
                calls.add_sub_interface(&outer).await,
                calls.add_sub_interface(&inner).await,
            ];
            for result in results {
                assert!(matches!(result, Err(Error::OutOfRange { min: 1, max: 4095, .. })), "{result:?}");
            }
        }
        self.drop_loop(parent).await;
    }

    /// Rewriting of tags, on an interface that is bridged.
    pub async fn vlan_rewrite(&self) {
        let (l2, calls) = (&self.calls.l2, &self.calls.subif);
        let parent = self.loop_with(13).await;
        let index = calls.add_vlan(parent, 400).await.expect("a sub-interface");
        let domain = vppcalls::types::BridgeDomain { id: 4_203, forward: true, ..Default::default() };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
        let port = vppcalls::types::Port { sw_if_index: index, ..vppcalls::types::Port::default() };
        l2.add_port(4_203, &port).await.expect("a port");
        let rewrite = |kind, dot1q, tag1, tag2| VlanRewrite { kind, dot1q, tag1, tag2 };
        for wanted in [
            rewrite(RewriteKind::Pop1, false, 0, 0),
            rewrite(RewriteKind::Push1, true, 11, 0),
            rewrite(RewriteKind::Push2, false, 12, 13),
            rewrite(RewriteKind::Translate11, true, 14, 0),
            rewrite(RewriteKind::Translate12, true, 15, 16),
            VlanRewrite::default(),
        ] {
            calls.set_vlan_rewrite(index, &wanted).await.unwrap_or_else(|e| panic!("{wanted:?}: {e}"));
            let found = self.interface(index).await.expect("it is there").rewrite;
            assert_eq!((found.kind, found.dot1q), (wanted.kind, wanted.dot1q));
            if wanted.tag1 != 0 {
                assert_eq!(found.tag1, wanted.tag1, "{wanted:?}");
            }
            if wanted.tag2 != 0 {
                assert_eq!(found.tag2, wanted.tag2, "{wanted:?}");
            }
        }
        for bad in [rewrite(RewriteKind::Push1, true, 0, 0), rewrite(RewriteKind::Translate22, true, 1, 4096)]
        {
            let result = calls.set_vlan_rewrite(index, &bad).await;
            assert!(matches!(result, Err(Error::OutOfRange { min: 1, max: 4095, .. })), "{result:?}");
        }
        self.refused(calls.set_vlan_rewrite(NOWHERE, &VlanRewrite::default()).await, &NO_INDEX);
        l2.delete_port(4_203, &port).await.expect("no port");
        l2.delete_bridge_domain(4_203).await.expect("gone");
        calls.delete_sub_interface(index).await.expect("gone");
        self.drop_loop(parent).await;
    }

    /// TAP interfaces with everything that they can have.
    pub async fn taps_with_everything(&self) {
        let ip4 = "10.44.0.1/24".parse().expect("a prefix");
        let ip6 = "2001:db8:44::1/64".parse().expect("a prefix");
        let tap = Tap {
            id: Some(33),
            mac: Some(mac(20)),
            host_name: Some("conf-full".to_string()),
            host_namespace: Some("conf-namespace".to_string()),
            host_mac: Some(mac(21)),
            host_bridge: Some("conf-bridge".to_string()),
            host_ip4: Some(ip4),
            host_ip6: Some(ip6),
            host_gateway4: Some("10.44.0.254".parse().expect("an address")),
            host_gateway6: Some("2001:db8:44::fe".parse().expect("an address")),
            rx_ring: 1024,
            tx_ring: 512,
            ..Tap::default()
        };
        let details = |sw_if_index| TapDetails {
            sw_if_index,
            id: 33,
            host_name: "conf-full".to_string(),
            host_namespace: "conf-namespace".to_string(),
            host_mac: mac(21),
            host_bridge: "conf-bridge".to_string(),
            host_ip4: Some(ip4),
            host_ip6: Some(ip6),
            rx_ring: 1024,
            tx_ring: 512,
            ..TapDetails::default()
        };
        self.there_and_back(&NewInterface::Tap(tap.clone()), "18.10", |i| Kind::Tap(details(i))).await;
        let with = |change: fn(&mut Tap)| {
            let mut tap = tap.clone();
            change(&mut tap);
            NewInterface::Tap(tap)
        };
        let mtu = with(|t| t.host_mtu = Some(1400));
        self.there_and_back(&mtu, "19.08", |i| Kind::Tap(TapDetails { host_mtu: 1400, ..details(i) })).await;
        self.there_and_back(&with(|t| t.rx_queues = 2), "20.01", |i| Kind::Tap(details(i))).await;
        self.there_and_back(&with(|t| t.tx_queues = 2), "22.02", |i| Kind::Tap(details(i))).await;
        let flags = with(|t| (t.gso, t.persist, t.tun) = (true, true, true));
        let flagged = |i| TapDetails { gso: true, persist: true, tun: true, ..details(i) };
        self.there_and_back(&flags, "20.05", |i| Kind::Tap(flagged(i))).await;
        let offload = with(|t| t.checksum_offload = true);
        let offloaded = |i| TapDetails { checksum_offload: true, ..details(i) };
        self.there_and_back(&offload, "20.01", |i| Kind::Tap(offloaded(i))).await;

        for bad in
            [with(|t| t.host_name = Some("n".repeat(16))), with(|t| t.host_bridge = Some("b".repeat(64)))]
        {
            let result = self.calls.create(&bad, TAG).await;
            assert!(matches!(result, Err(Error::TooLong { .. })), "{result:?}");
        }
        let result = self.calls.create(&with(|t| t.host_mtu = Some(0)), TAG).await;
        assert!(matches!(result, Err(Error::OutOfRange { .. })), "{result:?}");
    }

    /// Memifs and their sockets.
    pub async fn memifs(&self) {
        let calls = &self.calls.memif;
        let silent = !self.has("19.01");
        let own = calls.dump_memif_sockets().await.expect("a dump");
        assert!(own.iter().any(|s| s.id == 0 && !s.path.is_empty()), "{own:?}");
        let socket = MemifSocket { id: 42, path: "/run/vpp/conformance-memif.sock".to_string() };
        calls.add_memif_socket(&socket).await.expect("a socket");
        assert!(calls.dump_memif_sockets().await.expect("a dump").contains(&socket));
        let other = MemifSocket { path: "/run/vpp/conformance-other.sock".to_string(), ..socket.clone() };
        self.refused_or_silent(
            calls.add_memif_socket(&other).await,
            silent,
            &[(-116, "ENTRY_ALREADY_EXISTS")],
        );
        let long = MemifSocket { path: "p".repeat(200), ..other };
        let result = calls.add_memif_socket(&long).await;
        assert!(matches!(result, Err(Error::TooLong { .. })), "{result:?}");

        let memif = Memif {
            master: true,
            id: 7,
            socket_id: 42,
            secret: Some("s".repeat(23)),
            ring_size: 512,
            buffer_size: 4096,
            mac: Some(mac(22)),
            ..Memif::default()
        };
        let details = |sw_if_index| MemifDetails {
            sw_if_index,
            master: true,
            mode: MemifMode::Ethernet,
            id: 7,
            socket_id: 42,
            ring_size: 1,
            buffer_size: 0,
            mac: mac(22),
            zero_copy: false,
        };
        let new = NewInterface::Memif(memif.clone());
        let made = self.make(&new, "18.10").await.expect("a memif");
        assert_eq!(made.kind, Kind::Memif(details(made.interface.sw_if_index)));
        if !silent {
            self.refused(calls.add_memif(&memif).await, &[(-68, "SUBIF_ALREADY_EXISTS")]);
        }
        self.refused_or_silent(
            calls.delete_memif_socket(42).await,
            silent,
            &[(-74, "UNEXPECTED_INTF_STATE")],
        );
        self.unmake(&new, &made).await;

        let slave = NewInterface::Memif(Memif { master: false, rx_queues: 2, tx_queues: 3, ..memif.clone() });
        let zero_copy = self.has("20.01");
        self.there_and_back(&slave, "18.10", |i| {
            Kind::Memif(MemifDetails { master: false, zero_copy, ..details(i) })
        })
        .await;
        let copying = Memif { master: false, no_zero_copy: true, ..memif.clone() };
        self.there_and_back(&NewInterface::Memif(copying), "20.01", |i| {
            Kind::Memif(MemifDetails { master: false, ..details(i) })
        })
        .await;
        let dma = NewInterface::Memif(Memif { dma: true, ..memif.clone() });
        self.there_and_back(&dma, "23.06", |i| Kind::Memif(details(i))).await;
        let new = NewInterface::Memif(Memif { mode: MemifMode::Ip, mac: None, ..memif.clone() });
        let mode = if self.has("20.01") { MemifMode::Ip } else { MemifMode::Ethernet };
        self.there_and_back(&new, "18.10", |i| Kind::Memif(MemifDetails { mode, mac: [0; 6], ..details(i) }))
            .await;

        // VPP would die of it.
        for mode in [MemifMode::PuntInject, MemifMode::Other(9)] {
            let result = calls.add_memif(&Memif { mode, ..memif.clone() }).await;
            assert!(matches!(result, Err(Error::OutOfRange { max: 1, .. })), "{result:?}");
        }
        let elsewhere = Memif { socket_id: 4_242, ..memif.clone() };
        self.refused_or_silent(calls.add_memif(&elsewhere).await, silent, &[(-73, "INVALID_ARGUMENT")]);
        let odd = Memif { ring_size: 1000, ..memif.clone() };
        self.refused_or_silent(calls.add_memif(&odd).await, silent, &[(-73, "INVALID_ARGUMENT")]);
        let result = calls.add_memif(&Memif { secret: Some("s".repeat(24)), ..memif }).await;
        assert!(matches!(result, Err(Error::TooLong { max: 23, .. })), "{result:?}");
        if !silent {
            assert!(calls.delete_memif(NOWHERE).await.expect_err("there is none").retval().is_some());
        }
        calls.delete_memif_socket(42).await.expect("gone");
        assert_eq!(calls.dump_memif_sockets().await.expect("a dump"), own);
    }

    /// A refusal, or the error that nothing can be known of it.
    fn refused_or_silent<T: std::fmt::Debug>(
        &self,
        result: vppcalls::Result<T>,
        silent: bool,
        expected: &[(i32, &str)],
    ) {
        if silent {
            assert!(matches!(result, Err(Error::Unanswered { .. })), "{result:?}");
        } else {
            self.refused(result, expected);
        }
    }

    /// Interfaces on top of those of Linux.
    pub async fn af_packets(&self) {
        let calls = &self.calls.af_packet;
        let host = AfPacket { host_name: "conf-host".to_string(), mac: Some(mac(23)), ..AfPacket::default() };
        let details =
            |sw_if_index| Kind::AfPacket(AfPacketDetails { sw_if_index, host_name: "conf-host".to_string() });
        let new = NewInterface::AfPacket(host.clone());
        let made = self.make(&new, "18.10").await.expect("an interface");
        assert_eq!(made.kind, details(made.interface.sw_if_index));
        assert_eq!(made.interface.mac, mac(23));
        self.refused(calls.add_af_packet(&host).await, &[(-79, "IF_ALREADY_EXISTS")]);
        self.unmake(&new, &made).await;
        let frames =
            AfPacket { rx_frame_size: 4096, rx_frames_per_block: 32, qdisc_bypass: true, ..host.clone() };
        self.there_and_back(&NewInterface::AfPacket(frames), "22.02", details).await;
        let queues = AfPacket { rx_queues: 2, tx_queues: 2, gso: true, ip: true, ..host.clone() };
        self.there_and_back(&NewInterface::AfPacket(queues), "22.06", details).await;
        self.refused(calls.delete_af_packet("conf-none").await, &[(-11, "SYSCALL_ERROR_1")]);
        let long = AfPacket { host_name: "h".repeat(64), ..host };
        let result = calls.add_af_packet(&long).await;
        assert!(matches!(result, Err(Error::TooLong { max: 63, .. })), "{result:?}");
    }

    /// VXLAN tunnels of both families.
    pub async fn vxlans(&self) {
        let calls = &self.calls.vxlan;
        let ends = [("10.45.0.1", "10.45.0.2"), ("2001:db8:45::1", "2001:db8:45::2")];
        for (src, dst) in ends {
            let tunnel = Vxlan { instance: Some(77), ..Vxlan::between(ip(src), ip(dst), 0xab_cdef) };
            let new = NewInterface::Vxlan(tunnel);
            let made = self.make(&new, "18.10").await.expect("a tunnel");
            let Kind::Vxlan(found) = made.kind else { panic!("{:?}", made.kind) };
            // VPP tells the number that it took.
            assert_eq!(Vxlan { decap_next: tunnel.decap_next, ..found }, tunnel);
            assert_ne!(found.decap_next, u32::MAX);
            assert_eq!(made.interface.internal_name, "vxlan_tunnel77");
            self.refused(calls.add_vxlan(&tunnel).await, &[(-75, "TUNNEL_EXIST")]);
            self.unmake(&new, &made).await;
            self.refused(calls.delete_vxlan(&tunnel).await, &[(-6, "NO_SUCH_ENTRY")]);
            let ports = Vxlan { src_port: 4790, dst_port: 4791, ..tunnel };
            if let Some(made) = self.make(&NewInterface::Vxlan(ports), "21.06").await {
                let Kind::Vxlan(found) = made.kind else { panic!("{:?}", made.kind) };
                assert_eq!((found.src_port, found.dst_port), (4790, 4791));
                self.unmake(&NewInterface::Vxlan(ports), &made).await;
            }
            let l3 = Vxlan { l3: true, ..tunnel };
            if let Some(made) = self.make(&NewInterface::Vxlan(l3), "21.06").await {
                self.unmake(&NewInterface::Vxlan(l3), &made).await;
            }
            let same = Vxlan { dst: tunnel.src, ..tunnel };
            self.refused(calls.add_vxlan(&same).await, &[(-82, "SAME_SRC_DST")]);
            let nowhere = Vxlan { table: 4_242, ..tunnel };
            self.refused(calls.add_vxlan(&nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        }
        let mixed = Vxlan::between(ip("10.45.0.1"), ip("2001:db8::1"), 1);
        let result = calls.add_vxlan(&mixed).await;
        assert!(matches!(result, Err(Error::OtherFamily { .. })), "{result:?}");
        let wide = Vxlan { vni: 1 << 24, dst: ip("10.45.0.2"), ..mixed };
        let result = calls.add_vxlan(&wide).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 0xff_ffff, .. })), "{result:?}");
    }

    /// GRE tunnels of all kinds and both families.
    pub async fn gres(&self) {
        let calls = &self.calls.gre;
        for (src, dst) in [("10.46.0.1", "10.46.0.2"), ("2001:db8:46::1", "2001:db8:46::2")] {
            for kind in [GreKind::L3, GreKind::Teb, GreKind::Erspan] {
                let session = if kind == GreKind::Erspan { 1023 } else { 0 };
                let tunnel = Gre { instance: Some(8), session, ..Gre::between(kind, ip(src), ip(dst)) };
                let new = NewInterface::Gre(tunnel);
                let made = self.make(&new, "18.10").await.expect("a tunnel");
                assert_eq!(made.kind, Kind::Gre(tunnel));
                let again = calls.add_gre(&tunnel).await.expect_err("it is there");
                assert!(again.retval().is_some(), "{again}");
                self.unmake(&new, &made).await;
                assert!(calls.delete_gre(&tunnel).await.expect_err("it is gone").retval().is_some());
            }
            let plain = Gre { instance: Some(8), ..Gre::between(GreKind::L3, ip(src), ip(dst)) };
            let flagged = Gre { flags: TunnelFlags::COPY_DF | TunnelFlags::COPY_DSCP, ..plain };
            let told = if self.has("22.10") { flagged } else { plain };
            self.there_and_back(&NewInterface::Gre(flagged), "20.05", |_| Kind::Gre(told)).await;
            let keyed = Gre { key: 0xdead_beef, ..plain };
            self.there_and_back(&NewInterface::Gre(keyed), "25.10", |_| Kind::Gre(keyed)).await;
            let nowhere = Gre { table: 4_242, ..plain };
            self.refused(calls.add_gre(&nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        }
        let many = Gre { multipoint: true, ..Gre::between(GreKind::L3, ip("10.46.0.1"), ip("0.0.0.0")) };
        let many = Gre { instance: Some(9), ..many };
        self.there_and_back(&NewInterface::Gre(many), "20.01", |_| Kind::Gre(many)).await;
        let mixed = Gre { dst: ip("::1"), multipoint: false, ..many };
        let result = calls.add_gre(&mixed).await;
        assert!(matches!(result, Err(Error::OtherFamily { .. })), "{result:?}");
        let far = Gre { session: 1024, dst: ip("10.46.0.2"), ..mixed };
        let result = calls.add_gre(&far).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 1023, .. })), "{result:?}");
    }

    /// Tunnels of IP in IP, of both families.
    pub async fn ipips(&self) {
        let calls = &self.calls.ipip;
        for (src, dst) in [("10.47.0.1", "10.47.0.2"), ("2001:db8:47::1", "2001:db8:47::2")] {
            let tunnel = Ipip { instance: Some(6), ..Ipip::between(ip(src), ip(dst)) };
            let new = NewInterface::Ipip(tunnel);
            let made = self.make(&new, "18.10").await.expect("a tunnel");
            assert_eq!(made.kind, Kind::Ipip(tunnel));
            self.refused(calls.add_ipip(&tunnel).await, &[(-79, "IF_ALREADY_EXISTS")]);
            self.unmake(&new, &made).await;
            let marked = Ipip { dscp: 46, ..tunnel };
            let told = if self.has("20.01") { marked } else { tunnel };
            self.there_and_back(&NewInterface::Ipip(marked), "18.10", |_| Kind::Ipip(told)).await;
            let flagged = Ipip { flags: TunnelFlags::SET_DF | TunnelFlags::COPY_ECN, ..tunnel };
            self.there_and_back(&NewInterface::Ipip(flagged), "20.01", |_| Kind::Ipip(flagged)).await;
            let nowhere = Ipip { table: 4_242, ..tunnel };
            self.refused(calls.add_ipip(&nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        }
        let many = Ipip { multipoint: true, ..Ipip::between(ip("10.47.0.1"), ip("0.0.0.0")) };
        let many = Ipip { instance: Some(7), ..many };
        self.there_and_back(&NewInterface::Ipip(many), "20.05", |_| Kind::Ipip(many)).await;
        let mixed = Ipip { dst: ip("::1"), ..many };
        let result = calls.add_ipip(&mixed).await;
        assert!(matches!(result, Err(Error::OtherFamily { .. })), "{result:?}");
        let result = calls.add_ipip(&Ipip { dscp: 64, dst: ip("10.1.1.1"), ..mixed }).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 63, .. })), "{result:?}");
        assert!(calls.delete_ipip(NOWHERE).await.expect_err("there is none").retval().is_some());
    }

    /// LACP is a plugin of its own.
    async fn has_lacp(&self) -> bool {
        let plugins = self.calls.core.plugins().await.expect("plugins");
        plugins.iter().any(|p| p.name.starts_with("lacp"))
    }

    /// Bonds and their members.
    pub async fn bonds(&self) {
        let calls = &self.calls.bond;
        let silent = !self.has("19.04");
        // It answers, but always that it was done.
        let untold = !self.has("20.09");
        let id = self.has("19.01").then_some(17);
        let member = self.loop_with(14).await;
        for (mode, hash, told) in [
            (BondMode::RoundRobin, BondHash::L2, BondHash::RoundRobin),
            (BondMode::ActiveBackup, BondHash::L2, BondHash::ActiveBackup),
            (BondMode::Xor, BondHash::L34, BondHash::L34),
            (BondMode::Broadcast, BondHash::L2, BondHash::Broadcast),
            (BondMode::Lacp, BondHash::L23, BondHash::L23),
        ] {
            let bond = Bond { id, mac: Some(mac(24)), mode, hash, ..Bond::default() };
            let new = NewInterface::Bond(bond.clone());
            if mode == BondMode::Lacp && !self.has_lacp().await {
                self.refused(calls.add_bond(&bond).await, &[(-30, "FEATURE_DISABLED")]);
                continue;
            }
            let made = self.make(&new, "18.10").await.expect("a bond");
            let index = made.interface.sw_if_index;
            let name = made.interface.internal_name.clone();
            assert!(name.starts_with("BondEthernet"), "{name}");
            assert_eq!(made.interface.mac, mac(24));
            let details = BondDetails {
                sw_if_index: index,
                id,
                internal_name: name,
                mode,
                hash: told,
                numa_only: false,
                active_members: 0,
                members: Vec::new(),
            };
            assert_eq!(made.kind, Kind::Bond(details.clone()));
            let passive = BondMember { sw_if_index: member, passive: true, long_timeout: true };
            calls.add_bond_member(index, &passive).await.expect("a member");
            let found = calls.dump_bonds().await.expect("a dump");
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].members, [passive]);
            if !untold {
                self.refused(calls.add_bond_member(index, &passive).await, &[(-81, "VALUE_EXIST")]);
            }
            if !silent {
                self.refused(calls.add_bond(&bond).await, &[(-147, "INSTANCE_IN_USE")]);
            }
            calls.delete_bond_member(member).await.expect("no member");
            assert_eq!(calls.dump_bonds().await.expect("a dump"), [details]);
            let nowhere = BondMember { sw_if_index: NOWHERE, ..passive };
            // Before 20.09 VPP dies of it.
            if !untold {
                self.refused(calls.add_bond_member(index, &nowhere).await, &NO_INDEX);
            }
            self.unmake(&new, &made).await;
        }
        let numbered = NewInterface::Bond(Bond { id: Some(3), ..Bond::default() });
        if let Some(made) = self.make(&numbered, "19.01").await {
            assert_eq!(made.interface.internal_name, "BondEthernet3");
            self.unmake(&numbered, &made).await;
        }
        let mode = if self.has_lacp().await { BondMode::Lacp } else { BondMode::Xor };
        let local = NewInterface::Bond(Bond { mode, numa_only: true, ..Bond::default() });
        if let Some(made) = self.make(&local, "19.08").await {
            // It counts with LACP only.
            let lacp = mode == BondMode::Lacp;
            assert!(matches!(&made.kind, Kind::Bond(b) if b.numa_only || !lacp), "{:?}", made.kind);
            self.unmake(&local, &made).await;
        }
        let gso = NewInterface::Bond(Bond { gso: true, ..Bond::default() });
        if let Some(made) = self.make(&gso, "20.09").await {
            self.unmake(&gso, &made).await;
        }
        self.drop_loop(member).await;
    }

    /// Mirrors at the device and in bridge domains.
    pub async fn spans(&self) {
        let calls = &self.calls.span;
        let (from, to) = (self.loop_with(15).await, self.loop_with(16).await);
        assert_eq!(calls.dump_spans().await.expect("a dump"), []);
        for l2 in [false, true] {
            for direction in [SpanDirection::Rx, SpanDirection::Tx, SpanDirection::Both] {
                let span = Span { from, to, direction, l2 };
                calls.set_span(&span).await.unwrap_or_else(|e| panic!("{span:?}: {e}"));
                assert_eq!(calls.dump_spans().await.expect("a dump"), [span]);
                calls.unset_span(&span).await.expect("gone");
                assert_eq!(calls.dump_spans().await.expect("a dump"), []);
            }
        }
        // Numbers that no interface has VPP takes; what it refuses is this.
        for (from, to) in [(NO_INTERFACE, to), (from, NO_INTERFACE), (from, from)] {
            let span = Span { from, to, direction: SpanDirection::Both, l2: false };
            self.refused(calls.set_span(&span).await, &[(-71, "INVALID_INTERFACE")]);
        }
        self.drop_loop(from).await;
        self.drop_loop(to).await;
    }

    /// DHCP clients; no server answers them.
    pub async fn dhcp_clients(&self) {
        let calls = &self.calls.dhcp;
        let index = self.loop_with(17).await;
        let dscp = if self.has("19.08") { 46 } else { 0 };
        let client = DhcpClient {
            sw_if_index: index,
            host_name: "h".repeat(63),
            client_id: "conformance".to_string(),
            broadcast: true,
            dscp,
        };
        calls.add_dhcp_client(&client).await.expect("a client");
        let expected = DhcpClientDetails { client: client.clone(), lease: None };
        assert_eq!(calls.dump_dhcp_clients().await.expect("a dump"), std::slice::from_ref(&expected));
        let all = self.inventory().await;
        let found = all.iter().find(|i| i.interface.sw_if_index == index).expect("it is there");
        assert_eq!(found.dhcp, Some(expected));
        self.refused(calls.add_dhcp_client(&client).await, &[(-7, "INVALID_VALUE")]);
        calls.delete_dhcp_client(index).await.expect("gone");
        assert_eq!(calls.dump_dhcp_clients().await.expect("a dump"), []);
        self.refused(calls.delete_dhcp_client(index).await, &[(-7, "INVALID_VALUE")]);
        let nowhere = DhcpClient { sw_if_index: NOWHERE, ..client.clone() };
        self.refused(calls.add_dhcp_client(&nowhere).await, &NO_INDEX);
        let long = DhcpClient { host_name: "h".repeat(64), ..client.clone() };
        let result = calls.add_dhcp_client(&long).await;
        assert!(matches!(result, Err(Error::TooLong { max: 63, .. })), "{result:?}");
        let result = calls.add_dhcp_client(&DhcpClient { dscp: 64, ..client.clone() }).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 63, .. })), "{result:?}");
        if !self.has("19.08") {
            let result = calls.add_dhcp_client(&DhcpClient { dscp: 1, ..client }).await;
            assert!(matches!(result, Err(Error::Unsupported { .. })), "{result:?}");
        }
        self.drop_loop(index).await;
    }

    /// Queues of a memif.
    pub async fn queues(&self) {
        let calls = &self.calls.rx;
        let tap = NewInterface::Tap(Tap { id: Some(44), mac: Some(mac(25)), ..Tap::default() });
        let made = self.make(&tap, "18.10").await.expect("a TAP");
        let index = made.interface.sw_if_index;
        let queues = async || {
            let all = calls.dump_rx_placements().await.expect("a dump");
            all.into_iter().filter(|q| q.sw_if_index == index).collect::<Vec<_>>()
        };
        assert!(!made.queues.is_empty(), "{made:?}");
        assert_eq!(queues().await, made.queues);
        assert!(made.queues.iter().all(|q| q.thread == RxThread::Main), "{made:?}");
        for (queue, mode) in [(None, RxMode::Polling), (Some(0), RxMode::Interrupt), (None, RxMode::Adaptive)]
        {
            calls.set_rx_mode(index, queue, mode).await.unwrap_or_else(|e| panic!("{mode:?}: {e}"));
            let found = queues().await;
            assert_eq!((found[0].queue, found[0].mode), (0, mode));
        }
        calls.set_rx_placement(index, 0, RxThread::Main).await.expect("placed");
        self.refused(calls.set_rx_placement(index, 0, RxThread::Worker(77)).await, &[(-9, "UNIMPLEMENTED")]);
        self.refused(calls.set_rx_mode(NOWHERE, None, RxMode::Polling).await, &NO_INDEX);
        self.refused(calls.set_rx_placement(NOWHERE, 0, RxThread::Main).await, &NO_INDEX);
        self.unmake(&tap, &made).await;
    }

    /// What is told of interfaces without being asked.
    pub async fn events(&self) {
        let calls = &self.calls.interface;
        let mut events = calls.events();
        // The subscription is on its way before the next request.
        self.calls.core.ping().await.expect("a pong");
        let index = self.loop_with(18).await;
        calls.set_admin(index, true).await.expect("up");
        let up = InterfaceEvent { sw_if_index: index, admin_up: true, link_up: true, deleted: false };
        self.event(&mut events, |e| *e == up).await;
        calls.set_admin(index, false).await.expect("down");
        self.event(&mut events, |e| e.sw_if_index == index && !e.admin_up && !e.deleted).await;
        self.drop_loop(index).await;
        self.event(&mut events, |e| e.sw_if_index == index && e.deleted).await;
    }

    async fn event(&self, events: &mut vppcalls::InterfaceEvents, wanted: impl Fn(&InterfaceEvent) -> bool) {
        loop {
            let next = tokio::time::timeout(std::time::Duration::from_secs(10), events.next()).await;
            let event = next.expect("an event in time").expect("not the end").expect("an event");
            if wanted(&event) {
                return;
            }
        }
    }
}
