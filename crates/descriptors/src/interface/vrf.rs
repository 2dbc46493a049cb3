//! The VRF of an interface, a value derived from it: stated, or that of the interface whose addresses it borrows.
//!
//! VPP refuses to move an interface that has addresses, so addresses come after this. The table has to be there first.

use std::collections::HashSet;

use async_trait::async_trait;
use futures::future::{try_join, try_join_all};
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Retrieved};
use models::keys::{self, IpVersion, PropertyKey};
use vppcalls::InterfaceCalls;

use super::examples;
use super::seen::Seen;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

/// `ADDRESS_FOUND_FOR_INTERFACE`: what VPP also says when the table is the right one already.
const HAS_ADDRESSES: i32 = -114;

pub(super) struct VrfDescriptor {
    pub(super) vpp: Vpp,
    pub(super) seen: Seen,
}

fn families(version: IpVersion) -> &'static [bool] {
    match version {
        IpVersion::V4 => &[false],
        IpVersion::V6 => &[true],
        IpVersion::Both => &[false, true],
    }
}

/// Whether a key is about one family only.
fn narrow(key: &str) -> bool {
    !matches!(PropertyKey::parse(key), Some(PropertyKey::InterfaceVrf { version: IpVersion::Both, .. }))
}

/// Puts an interface into a table, unless it is there.
async fn put(calls: &dyn InterfaceCalls, sw_if_index: u32, ipv6: bool, table: u32) -> Result<(), Failure> {
    match calls.set_table(sw_if_index, ipv6, table).await {
        Err(e) if e.retval() == Some(HAS_ADDRESSES) => {
            match calls.table(sw_if_index, ipv6).await.or_fail()? {
                there if there == table => Ok(()),
                _ => Err(e).or_fail(),
            }
        }
        other => other.or_fail(),
    }
}

/// Puts an interface into both tables of another one, or into those of VRF 0.
async fn follow(calls: &dyn InterfaceCalls, sw_if_index: u32, of: Option<u32>) -> Result<(), Failure> {
    let one = async |ipv6: bool| {
        let wanted = async {
            match of {
                Some(of) => calls.table(of, ipv6).await.or_fail(),
                None => Ok(0),
            }
        };
        let own = async { calls.table(sw_if_index, ipv6).await.or_fail() };
        let (wanted, own) = try_join(wanted, own).await?;
        if wanted == own { Ok(()) } else { put(calls, sw_if_index, ipv6, wanted).await }
    };
    try_join(one(false), one(true)).await?;
    Ok(())
}

#[async_trait]
impl Descriptor for VrfDescriptor {
    type Value = u32;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-vrf"
    }

    fn owns(&self, key: &str) -> bool {
        matches!(PropertyKey::parse(key), Some(PropertyKey::InterfaceVrf { .. }))
    }

    fn dependencies(&self, key: &str, vrf: &u32) -> Vec<Dependency> {
        let Some(PropertyKey::InterfaceVrf { version, .. }) = PropertyKey::parse(key) else {
            return Vec::new();
        };
        let need = |ipv6: &bool| {
            let label = if *ipv6 { "vrf-table-v6-exists" } else { "vrf-table-v4-exists" };
            Dependency::key(label, keys::vrf_table(*vrf, *ipv6))
        };
        // The tables of VRF 0 are always there.
        families(version).iter().filter(|_| *vrf != 0).map(need).collect()
    }

    async fn create(&self, key: &str, vrf: &u32) -> Result<(), Failure> {
        self.put(key, *vrf).await
    }

    async fn delete(&self, key: &str, vrf: &u32, (): &()) -> Result<(), Failure> {
        match vrf {
            0 => Ok(()),
            _ => self.put(key, 0).await,
        }
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, u32>],
    ) -> Result<Option<Vec<Retrieved<u32, ()>>>, Failure> {
        let seen = self.seen.lock();
        let is = |key: &str, vrf: &u32| match PropertyKey::parse(key) {
            Some(PropertyKey::InterfaceVrf { interface, version, .. }) => {
                let tables = seen.get(interface).map(|i| (i.interface.table4, i.interface.table6));
                let is_in = |ipv6: &bool| tables.is_some_and(|(v4, v6)| *vrf == if *ipv6 { v6 } else { v4 });
                families(version).iter().all(is_in)
            }
            _ => false,
        };
        let mut there = seen.there(correlate, is);
        // A table counts once. What is believed comes first: with an address that is not there yet, less follows from the
        // model than was done.
        let believed = |key: &str| correlate.binary_search_by(|b| b.key.cmp(key)).is_ok();
        there.sort_by_key(|found| (!believed(&found.key), narrow(&found.key)));
        let mut taken: HashSet<(String, bool)> = HashSet::new();
        there.retain(|found| match PropertyKey::parse(&found.key) {
            Some(PropertyKey::InterfaceVrf { interface, version, .. }) => {
                families(version).iter().all(|ipv6| taken.insert((interface.to_string(), *ipv6)))
            }
            _ => false,
        });
        Ok(Some(there))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![super::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, u32)> {
        examples::derived(|key| self.owns(key))
    }
}

impl VrfDescriptor {
    async fn put(&self, key: &str, vrf: u32) -> Result<(), Failure> {
        let Some(PropertyKey::InterfaceVrf { interface, version, .. }) = PropertyKey::parse(key) else {
            return Ok(());
        };
        let sw_if_index = self.vpp.interface(interface)?;
        let calls = self.vpp.calls()?.interface;
        let tables = families(version).iter().map(|ipv6| put(calls.as_ref(), sw_if_index, *ipv6, vrf));
        try_join_all(tables).await?;
        Ok(())
    }
}

/// The VRF that an interface without addresses has from the one whose addresses it borrows. The value is the name of
/// that one.
pub(super) struct InheritedVrfDescriptor {
    pub(super) vpp: Vpp,
    pub(super) seen: Seen,
}

/// The lender of an interface that is in a table, and not in that of its lender.
const NOBODY: &str = "";

fn borrower(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::InheritedVrf { interface, .. }) => Some(interface),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for InheritedVrfDescriptor {
    type Value = String;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-inherited-vrf"
    }

    fn owns(&self, key: &str) -> bool {
        borrower(key).is_some()
    }

    fn dependencies(&self, _key: &str, lender: &String) -> Vec<Dependency> {
        let prefix = keys::interface_vrf_prefix(lender);
        vec![Dependency::any_of("numbered-interface-assigned-to-VRF", [prefix])]
    }

    async fn create(&self, key: &str, lender: &String) -> Result<(), Failure> {
        let sw_if_index = self.vpp.interface(borrower(key).unwrap_or_default())?;
        let lender = self.vpp.interface(lender)?;
        follow(self.vpp.calls()?.interface.as_ref(), sw_if_index, Some(lender)).await
    }

    async fn delete(&self, key: &str, _lender: &String, (): &()) -> Result<(), Failure> {
        let sw_if_index = self.vpp.interface(borrower(key).unwrap_or_default())?;
        follow(self.vpp.calls()?.interface.as_ref(), sw_if_index, None).await
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, String>],
    ) -> Result<Option<Vec<Retrieved<String, ()>>>, Failure> {
        let seen = self.seen.lock();
        let is = |key: &str, lender: &String| {
            let tables = |name: &str| seen.get(name).map(|i| (i.interface.table4, i.interface.table6));
            let own = borrower(key).and_then(tables);
            own.is_some() && own == tables(lender) && seen.is_placed(lender)
        };
        let mut there = seen.there(correlate, is);
        // Of an agent that was killed before it had moved the interface back, or after its lender: it would hold a table
        // that is not wanted any more. What is there is not what is wanted, so it is taken down.
        let in_some =
            |name: &str| seen.get(name).is_some_and(|i| (i.interface.table4, i.interface.table6) != (0, 0));
        let left = correlate.iter().filter(|b| {
            borrower(b.key).is_some_and(|name| in_some(name) && !seen.is_numbered(name))
                && !there.iter().any(|found| found.key == b.key)
        });
        let left: Vec<_> = left.map(|b| super::seen::ours(b.key, NOBODY.to_string())).collect();
        there.extend(left);
        Ok(Some(there))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![super::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, String)> {
        examples::derived(|key| self.owns(key))
    }
}
