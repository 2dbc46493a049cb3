//! Bonds and their members.

use vppcalls::types::{Bond, BondDetails, BondHash, BondMember, BondMode};
use vppcalls::{Kind, NewInterface};

use super::{NO_INDEX, NOWHERE, Scenario, mac};

impl Scenario<'_> {
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
}
