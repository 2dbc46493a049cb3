//! Bridge domains, their tables, what they answer themselves, and cross-connects.

use vppcalls::Error;
use vppcalls::types::{ArpTermination, BridgeDomain, FibEntry, NO_INTERFACE, Port, Xconnect};

use super::{NOWHERE, Scenario, ip, mac};

impl Scenario<'_> {
    /// A bridge domain with ports and FIB entries.
    pub async fn bridge_domain(&self) {
        let (l2, interfaces) = (&self.calls.l2, &self.calls.interface);
        let there = async |id: u32| {
            let all = l2.dump_bridge_domains().await.expect("a dump");
            all.into_iter().find(|d| d.bridge_domain.id == id)
        };
        let domain = BridgeDomain {
            id: 4201,
            tag: "b".repeat(63),
            flood: true,
            unknown_unicast_flood: false,
            forward: true,
            learn: false,
            arp_termination: true,
            arp_unicast_forward: false,
            mac_age: 7,
        };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
        let found = there(4201).await.expect("it is there");
        assert_eq!((&found.bridge_domain, found.ports.len()), (&domain, 0));
        // The other way round, so that no two switches are mixed up.
        let opposite = BridgeDomain {
            id: 4202,
            tag: "conformance-b".to_string(),
            flood: false,
            unknown_unicast_flood: true,
            forward: false,
            learn: true,
            arp_termination: false,
            arp_unicast_forward: self.forwards_arp(),
            mac_age: 0,
        };
        l2.add_bridge_domain(&opposite).await.expect("a bridge domain");
        assert_eq!(there(4202).await.expect("it is there").bridge_domain, opposite);
        match l2.add_bridge_domain(&BridgeDomain { id: 4203, tag: "b".repeat(64), ..domain.clone() }).await {
            Err(Error::TooLong { max: 63, .. }) => {}
            other => panic!("64 bytes of name: {other:?}"),
        }
        self.refused(l2.add_bridge_domain(&domain).await, &[(-119, "BD_ALREADY_EXISTS")]);
        self.refused(l2.delete_bridge_domain(4203).await, &[(-6, "NO_SUCH_ENTRY")]);

        let bvi = interfaces.add_loopback(Some([0xde, 0xad, 0, 0, 0x42, 3])).await.expect("a loopback");
        let plain = interfaces.add_loopback(Some([0xde, 0xad, 0, 0, 0x42, 4])).await.expect("a loopback");
        let ports = [
            Port { sw_if_index: bvi, bvi: true, split_horizon_group: 0 },
            Port { sw_if_index: plain, bvi: false, split_horizon_group: 3 },
        ];
        for port in &ports {
            l2.add_port(4201, port).await.expect("a port");
        }
        let mut found = there(4201).await.expect("it is there").ports;
        // A number that was free is given again: any order.
        found.sort_by_key(|p| !p.bvi);
        assert_eq!(found, ports);
        self.refused(
            l2.add_port(4201, &Port { sw_if_index: NOWHERE, ..ports[1] }).await,
            &[(-2, "INVALID_SW_IF_INDEX")],
        );
        let second = Port { sw_if_index: plain, bvi: true, split_horizon_group: 0 };
        self.refused(l2.add_port(4201, &second).await, &[(-152, "BD_ALREADY_HAS_BVI")]);
        l2.add_port(4201, &ports[1]).await.expect("a port");

        let fixed = FibEntry {
            bd_id: 4201,
            mac: [2, 0x42, 0, 0, 0, 1],
            sw_if_index: plain,
            fixed: true,
            drop: false,
            bvi: false,
        };
        let dropped = FibEntry { mac: [2, 0x42, 0, 0, 0, 2], sw_if_index: NO_INTERFACE, drop: true, ..fixed };
        let loose = FibEntry { mac: [2, 0x42, 0, 0, 0, 3], fixed: false, ..fixed };
        let mine = async || {
            let mut all = l2.dump_fib(4201).await.expect("a dump");
            all.retain(|e| e.mac[..2] == [2, 0x42]);
            all.sort_by_key(|e| e.mac);
            all
        };
        for entry in [fixed, dropped, loose] {
            l2.add_fib_entry(&entry).await.expect("an entry");
        }
        assert_eq!(mine().await, [fixed, dropped, loose]);
        self.refused(
            l2.add_fib_entry(&FibEntry { sw_if_index: NOWHERE, ..fixed }).await,
            &[(-2, "INVALID_SW_IF_INDEX")],
        );
        self.refused(l2.add_fib_entry(&FibEntry { bd_id: 4203, ..fixed }).await, &[(-6, "NO_SUCH_ENTRY")]);
        self.refused(l2.delete_bridge_domain(4201).await, &[(-120, "BD_IN_USE")]);
        assert!(there(4201).await.is_some());

        for entry in [loose, dropped, fixed] {
            l2.delete_fib_entry(&entry).await.expect("no entry");
        }
        assert_eq!(mine().await, []);
        for port in &ports {
            l2.delete_port(4201, port).await.expect("no port");
        }
        assert_eq!(there(4201).await.expect("it is there").ports, []);
        l2.delete_bridge_domain(4202).await.expect("gone");
        l2.delete_bridge_domain(4201).await.expect("gone");
        assert!(there(4201).await.is_none() && there(4202).await.is_none());
        for index in [plain, bvi] {
            interfaces.delete_loopback(index).await.expect("gone");
        }
    }

    /// Unicast forwarding of ARP came with 19.08.
    fn forwards_arp(&self) -> bool {
        self.has("19.08")
    }

    /// A bridge domain that is changed while it is there.
    pub async fn change_of_bridge_domains(&self) {
        let l2 = &self.calls.l2;
        let there = async || {
            let all = l2.dump_bridge_domains().await.expect("a dump");
            all.into_iter().find(|d| d.bridge_domain.id == 4_204).map(|d| d.bridge_domain)
        };
        let first = BridgeDomain {
            id: 4_204,
            tag: "conformance-change".to_string(),
            flood: true,
            unknown_unicast_flood: false,
            forward: true,
            learn: false,
            arp_termination: true,
            arp_unicast_forward: false,
            mac_age: 0,
        };
        l2.add_bridge_domain(&first).await.expect("a bridge domain");
        let all = |on| BridgeDomain {
            flood: on,
            unknown_unicast_flood: on,
            forward: on,
            learn: on,
            arp_termination: on,
            arp_unicast_forward: on && self.forwards_arp(),
            ..first.clone()
        };
        let opposite = BridgeDomain {
            flood: false,
            unknown_unicast_flood: true,
            forward: false,
            learn: true,
            arp_termination: false,
            arp_unicast_forward: self.forwards_arp(),
            mac_age: 9,
            ..first.clone()
        };
        for wanted in [opposite, all(true), all(false), first.clone()] {
            l2.change_bridge_domain(&wanted).await.unwrap_or_else(|e| panic!("{wanted:?}: {e}"));
            assert_eq!(there().await, Some(wanted));
        }
        let nowhere = BridgeDomain { id: 4_205, ..first.clone() };
        self.refused(l2.change_bridge_domain(&nowhere).await, &[(-6, "NO_SUCH_ENTRY")]);
        // Where there is no such switch nothing is made and nothing changed.
        if !self.forwards_arp() {
            let before = there().await;
            let wanted = BridgeDomain { arp_unicast_forward: true, mac_age: 3, ..first.clone() };
            let other = BridgeDomain { id: 4_205, ..wanted.clone() };
            for result in [l2.add_bridge_domain(&other).await, l2.change_bridge_domain(&wanted).await] {
                match result {
                    Err(Error::Unsupported { what, release }) => {
                        assert!(what.contains("unicast forwarding of ARP"), "{what}");
                        assert!(what.contains("bridge_domain_details.arp_ufwd"), "{what}");
                        assert_eq!(release, self.calls.release);
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(there().await, before);
            self.refused(l2.delete_bridge_domain(4_205).await, &[(-6, "NO_SUCH_ENTRY")]);
        }
        l2.delete_bridge_domain(4_204).await.expect("gone");
    }

    /// What a bridge domain answers itself.
    pub async fn arp_terminations(&self) {
        let l2 = &self.calls.l2;
        let domain = BridgeDomain { id: 4_206, arp_termination: true, ..BridgeDomain::default() };
        l2.add_bridge_domain(&domain).await.expect("a bridge domain");
        assert_eq!(l2.dump_arp_terminations().await.expect("a dump"), []);
        let entry = |address, last| ArpTermination { bd_id: 4_206, ip: ip(address), mac: mac(last) };
        let mut wanted = vec![entry("10.48.0.1", 1), entry("10.48.0.2", 2), entry("2001:db8:48::1", 3)];
        for one in &wanted {
            l2.add_arp_termination(one).await.unwrap_or_else(|e| panic!("{one:?}: {e}"));
        }
        wanted[0].mac = mac(4);
        l2.add_arp_termination(&wanted[0]).await.expect("another MAC");
        let sorted = async || {
            let mut all = l2.dump_arp_terminations().await.expect("a dump");
            all.sort_unstable();
            all
        };
        assert_eq!(sorted().await, wanted);
        let nowhere = ArpTermination { bd_id: 4_207, ..wanted[0] };
        self.refused(l2.add_arp_termination(&nowhere).await, &[(-6, "NO_SUCH_ENTRY")]);
        for one in &wanted {
            l2.delete_arp_termination(one).await.expect("gone");
        }
        self.refused(l2.delete_arp_termination(&wanted[0]).await, &[(-1, "UNSPECIFIED")]);
        assert_eq!(sorted().await, []);
        l2.delete_bridge_domain(4_206).await.expect("gone");
    }

    /// Cross-connects.
    pub async fn xconnects(&self) {
        let l2 = &self.calls.l2;
        let (a, b) = (self.loop_with(30).await, self.loop_with(31).await);
        let there = Xconnect { rx: a, tx: b };
        let back = Xconnect { rx: b, tx: a };
        for one in [there, back] {
            l2.add_xconnect(&one).await.expect("a cross-connect");
        }
        let mut found = l2.dump_xconnects().await.expect("a dump");
        found.sort_unstable();
        // A number that was free is given again: any order.
        assert_eq!(found, [there.min(back), there.max(back)]);
        l2.delete_xconnect(&back).await.expect("gone");
        assert_eq!(l2.dump_xconnects().await.expect("a dump"), [there]);
        l2.delete_xconnect(&there).await.expect("gone");
        assert_eq!(l2.dump_xconnects().await.expect("a dump"), []);
        for one in [Xconnect { rx: NOWHERE, tx: b }, Xconnect { rx: a, tx: NOWHERE }] {
            let error = l2.add_xconnect(&one).await.expect_err("there is none");
            assert!(matches!(error.retval(), Some(-2 | -10)), "{error}");
        }
        self.drop_loop(a).await;
        self.drop_loop(b).await;
    }
}
