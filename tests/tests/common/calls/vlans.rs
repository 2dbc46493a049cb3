//! Sub-interfaces and the rewriting of tags.

use vppcalls::types::{RewriteKind, SubInterface, Vlan, VlanRewrite, VlanTags};
use vppcalls::{Error, NewInterface};

use super::{NO_INDEX, NOWHERE, Scenario};

impl Scenario<'_> {
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
}
