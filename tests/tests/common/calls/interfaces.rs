//! Interfaces from their making to their end, and what all kinds of them have.

use futures::StreamExt as _;
use vppcalls::types::{
    DhcpClient, DhcpClientDetails, Interface, InterfaceEvent, Link, Mac, NO_INTERFACE, RxMode, RxThread,
    Span, SpanDirection, Tap,
};
use vppcalls::{Error, Kind, NewInterface, Settings};

use super::{NO_INDEX, NOWHERE, Scenario, TAG, mac, net};

impl Scenario<'_> {
    /// A loopback from its making to its end.
    pub async fn loopback(&self) {
        let calls = &self.calls.interface;
        let mac: Mac = [0xde, 0xad, 0, 0, 0x42, 1];
        let index = calls.add_loopback(Some(mac)).await.expect("a loopback");
        let made = self.interface(index).await.expect("it is there");
        assert!(made.internal_name.starts_with("loop"), "{made:?}");
        let expected = Interface {
            sw_if_index: index,
            sup_sw_if_index: index,
            internal_name: made.internal_name.clone(),
            device: made.device.clone(),
            link_mtu: made.link_mtu,
            mtu: made.mtu,
            mac,
            ..Interface::default()
        };
        assert_eq!(made, expected);
        // Releases that do not tell the kind of device tell nothing.
        assert!(["", "Loopback"].contains(&made.device.as_str()), "{made:?}");
        assert!(made.link_mtu >= 9000, "{made:?}");

        let longest = "t".repeat(63);
        calls.set_tag(index, &longest).await.expect("63 bytes");
        assert_eq!(self.interface(index).await.expect("it is there").tag, longest);
        calls.set_tag(index, "conformance-a").await.expect("a tag");
        let other: Mac = [0xde, 0xad, 0, 0, 0x42, 2];
        calls.set_mac(index, other).await.expect("a MAC");
        calls.set_mtu(index, 1500).await.expect("an MTU");
        calls.set_admin(index, true).await.expect("up");
        let addresses = [net("10.231.1.1/24"), net("10.231.2.1/30"), net("2001:db8:231::1/64")];
        for address in addresses {
            calls.add_address(index, address).await.expect("an address");
        }
        let configured = Interface {
            tag: "conformance-a".to_string(),
            mac: other,
            mtu: 1500,
            admin_up: true,
            link_up: true,
            addresses: addresses.to_vec(),
            ..expected.clone()
        };
        assert_eq!(self.interface(index).await, Some(configured.clone()));

        // Refused, and nothing has changed.
        let no_index = [(-2, "INVALID_SW_IF_INDEX")];
        self.refused(calls.set_admin(NOWHERE, true).await, &no_index);
        self.refused(calls.set_tag(NOWHERE, "x").await, &no_index);
        self.refused(calls.set_mac(NOWHERE, other).await, &no_index);
        self.refused(calls.set_mtu(NOWHERE, 1500).await, &no_index);
        self.refused(calls.add_address(NOWHERE, addresses[0]).await, &no_index);
        self.refused(calls.delete_loopback(NOWHERE).await, &no_index);
        let taken = [(-127, "DUPLICATE_IF_ADDRESS"), (-105, "ADDRESS_IN_USE")];
        self.refused(calls.add_address(index, addresses[0]).await, &taken);
        let absent = [(-60, "ADDRESS_NOT_FOUND_FOR_INTERFACE")];
        self.refused(calls.delete_address(index, net("10.231.9.1/24")).await, &absent);
        match calls.set_tag(index, &"t".repeat(64)).await {
            Err(Error::TooLong { max: 63, text, .. }) => assert_eq!(text.len(), 64),
            other => panic!("64 bytes of tag: {other:?}"),
        }
        assert_eq!(self.interface(index).await, Some(configured));

        for address in addresses {
            calls.delete_address(index, address).await.expect("no address");
        }
        calls.set_admin(index, false).await.expect("down");
        let unset = self.interface(index).await.expect("it is there");
        assert_eq!((unset.addresses.len(), unset.admin_up, unset.link_up), (0, false, false), "{unset:?}");
        calls.delete_loopback(index).await.expect("gone");
        assert_eq!(self.interface(index).await, None);
        self.refused(calls.delete_loopback(index).await, &no_index);

        // Without a MAC, VPP gives one.
        let index = calls.add_loopback(None).await.expect("a loopback");
        let made = self.interface(index).await.expect("it is there");
        assert_ne!(made.mac, Mac::default());
        calls.delete_loopback(index).await.expect("gone");
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
        let long_id = DhcpClient { client_id: "i".repeat(64), ..client.clone() };
        for long in [long, long_id] {
            let result = calls.add_dhcp_client(&long).await;
            assert!(matches!(result, Err(Error::TooLong { max: 63, .. })), "{result:?}");
        }
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
