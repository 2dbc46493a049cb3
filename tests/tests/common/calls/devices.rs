//! Interfaces with another end: TAP, memif, AF_PACKET.

use vppcalls::types::{
    AfPacket, AfPacketDetails, Mac, Memif, MemifDetails, MemifMode, MemifSocket, Tap, TapDetails,
};
use vppcalls::{Error, Kind, NewInterface};

use super::{NOWHERE, Scenario, TAG, mac};

impl Scenario<'_> {
    /// TAP interfaces.
    pub async fn tap(&self) {
        let calls = &self.calls.tap;
        let mac: Mac = [2, 0xfe, 0, 0, 0x42, 5];
        let tap = Tap {
            id: Some(5),
            mac: Some(mac),
            host_name: Some("conf-tap".to_string()),
            rx_ring: 512,
            tx_ring: 1024,
            ..Tap::default()
        };
        let index = calls.add_tap(&tap).await.expect("a TAP");
        let told = calls.dump_taps().await.expect("a dump");
        let expected = TapDetails {
            // VPP chooses.
            host_mac: told.first().map(|t| t.host_mac).unwrap_or_default(),
            sw_if_index: index,
            id: 5,
            host_name: "conf-tap".to_string(),
            rx_ring: 512,
            tx_ring: 1024,
            ..TapDetails::default()
        };
        assert_eq!(calls.dump_taps().await.expect("a dump"), std::slice::from_ref(&expected));
        let interface = self.interface(index).await.expect("it is there");
        assert_eq!((interface.internal_name.as_str(), interface.mac), ("tap5", mac));
        // The number is taken.
        self.refused(calls.add_tap(&tap).await, &[(-71, "INVALID_INTERFACE")]);
        // All that VPP can choose itself.
        let other = calls.add_tap(&Tap::default()).await.expect("a TAP");
        let taps = calls.dump_taps().await.expect("a dump");
        let found = taps.iter().find(|t| t.sw_if_index == other).expect("it is there");
        assert_eq!((found.rx_ring, found.tx_ring), (256, 256), "{found:?}");
        assert!(taps.contains(&expected) && taps.len() == 2);
        calls.delete_tap(other).await.expect("gone");

        for (gso, tun) in [(true, false), (false, true), (true, true)] {
            let special = Tap { id: Some(6), gso, tun, ..tap.clone() };
            match calls.add_tap(&special).await {
                Ok(index) => {
                    let taps = calls.dump_taps().await.expect("a dump");
                    let found = taps.iter().find(|t| t.sw_if_index == index).expect("it is there");
                    assert_eq!((found.gso, found.tun), (gso, tun), "{found:?}");
                    calls.delete_tap(index).await.expect("gone");
                }
                Err(error) => {
                    assert!(matches!(error, Error::Unsupported { .. }) && error.is_absent(), "{error}");
                    assert_eq!(calls.dump_taps().await.expect("a dump").len(), 1);
                }
            }
        }
        match calls.add_tap(&Tap { host_name: Some("h".repeat(200)), ..Tap::default() }).await {
            Err(Error::TooLong { .. }) => {}
            other => panic!("200 bytes of name: {other:?}"),
        }
        calls.delete_tap(index).await.expect("gone");
        assert_eq!(calls.dump_taps().await.expect("a dump"), []);
        self.refused(calls.delete_tap(index).await, &[(-2, "INVALID_SW_IF_INDEX")]);
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

        for bad in [
            with(|t| t.host_name = Some("n".repeat(16))),
            with(|t| t.host_bridge = Some("b".repeat(64))),
            with(|t| t.host_namespace = Some("n".repeat(64))),
        ] {
            let result = self.calls.create(&bad, TAG).await;
            assert!(matches!(result, Err(Error::TooLong { .. })), "{result:?}");
        }
        for mtu in [with(|t| t.host_mtu = Some(0)), with(|t| t.host_mtu = Some(65_536))] {
            let result = self.calls.create(&mtu, TAG).await;
            assert!(matches!(result, Err(Error::OutOfRange { .. })), "{result:?}");
        }
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
        self.refused_or_silent(calls.add_memif(&memif).await, silent, &[(-68, "SUBIF_ALREADY_EXISTS")]);
        // Nor is the one that was there before named anew, or removed.
        self.refused_or_silent(
            self.calls.create(&new, "other").await,
            silent,
            &[(-68, "SUBIF_ALREADY_EXISTS")],
        );
        assert_eq!(self.interface(made.interface.sw_if_index).await.map(|i| i.tag).as_deref(), Some(TAG));
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
}
