//! Bonds and their members.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Bond, BondDetails, BondMember};

/// See the module. 18.10 and 19.01 carry these out without an answer: there a dump tells what came of them, and an
/// error ([`Unanswered`](crate::Error::Unanswered)) cannot tell why.
#[async_trait]
pub trait BondCalls: Send + Sync {
    /// Makes a bond; gives its `sw_if_index`. VPP refuses a number that is taken.
    async fn add_bond(&self, bond: &Bond) -> Result<u32>;

    /// Removes a bond; its members are let go.
    async fn delete_bond(&self, sw_if_index: u32) -> Result<()>;

    /// Puts an interface into a bond. Its MAC becomes that of the bond.
    async fn add_bond_member(&self, bond: u32, member: &BondMember) -> Result<()>;

    /// Takes an interface out of its bond.
    async fn delete_bond_member(&self, sw_if_index: u32) -> Result<()>;

    /// All bonds with their members.
    async fn dump_bonds(&self) -> Result<Vec<BondDetails>>;
}

#[calls(BondCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;
    use futures::future::try_join_all;

    use crate::BondCalls;
    use crate::error::Result;
    use crate::types::{Bond, BondDetails, BondHash, BondMember, BondMode, NO_INTERFACE};
    use crate::wire::{ApiText, Flag};

    #[async_trait]
    impl BondCalls for Handler {
        async fn add_bond(&self, bond: &Bond) -> Result<u32> {
            let mut request = api! {
                has(BondCreate2) => api::BondCreate2 { enable_gso: bond.gso, ..Default::default() },
                _ => api::BondCreate::default(),
            };
            let (mode, hash) = (mode_number(bond.mode), hash_number(bond.hash));
            request.use_custom_mac = bond.mac.is_some().into();
            request.mac_address = bond.mac.unwrap_or_default();
            api! {
                has(BondMode) => {
                    (request.mode, request.lb) = (api::BondMode(mode), api::BondLbAlgo(hash));
                }
                _ => {
                    // What does not fit one byte is none of VPP's numbers.
                    request.mode = u8::try_from(mode).unwrap_or(u8::MAX);
                    request.lb = u8::try_from(hash).unwrap_or(u8::MAX);
                }
            }
            api! {
                has(BondCreate2) => {}
                _ => {
                    if bond.gso {
                        unsupported!("segmentation offload of bonds");
                    }
                }
            }
            api! {
                // All ones are any free number.
                has(BondCreate.id) => request.id = bond.id.unwrap_or(u32::MAX),
                _ => {
                    if bond.id.is_some() {
                        unsupported!("numbers of bonds");
                    }
                }
            }
            api! {
                has(BondCreate.numa_only) => request.numa_only = bond.numa_only.into(),
                _ => {
                    if bond.numa_only {
                        unsupported!("bonds for one NUMA node");
                    }
                }
            }
            api! {
                has(BondCreate.numa_only) => Ok(self.call(&request).await?.sw_if_index),
                _ => {
                    // It may not be answered: what was there before tells what is new.
                    let before = self.dump_bonds().await?;
                    if let Some(reply) = self.call_if_answered(&request).await? {
                        return Ok(reply.sw_if_index);
                    }
                    let known = |index: &u32| before.iter().any(|b| b.sw_if_index == *index);
                    let after = self.dump_bonds().await?;
                    let mut new = after.iter().map(|b| b.sw_if_index).filter(|index| !known(index));
                    // Several: another one makes bonds at the same time, and nobody can tell whose is which.
                    self.shown(&request, new.next().filter(|_| new.next().is_none()))
                }
            }
        }

        async fn delete_bond(&self, sw_if_index: u32) -> Result<()> {
            let request = api::BondDelete { sw_if_index };
            if self.call_if_answered(&request).await?.is_some() {
                return Ok(());
            }
            let gone = self.dump_bonds().await?.iter().all(|b| b.sw_if_index != sw_if_index);
            self.shown(&request, gone.then_some(()))
        }

        async fn add_bond_member(&self, bond: u32, member: &BondMember) -> Result<()> {
            let mut request = api! {
                has(BondAddMember) => api::BondAddMember::default(),
                _ => api::BondEnslave::default(),
            };
            request.sw_if_index = member.sw_if_index;
            request.bond_sw_if_index = bond;
            request.is_passive = member.passive.into();
            request.is_long_timeout = member.long_timeout.into();
            let answered = self.call_if_answered(&request).await?.is_some();
            // VPP answers 0 to `bond_enslave`, whatever it did (`vnet/bonding/bond_api.c`).
            let tells = api! { has(BondAddMember) => true, _ => false };
            if answered && tells {
                return Ok(());
            }
            let there = self.members(bond).await?.iter().any(|m| m.sw_if_index == member.sw_if_index);
            self.shown(&request, there.then_some(()))
        }

        async fn delete_bond_member(&self, sw_if_index: u32) -> Result<()> {
            let request = api! {
                has(BondDetachMember) => api::BondDetachMember { sw_if_index },
                _ => api::BondDetachSlave { sw_if_index },
            };
            let answered = self.call_if_answered(&request).await?.is_some();
            // As with `bond_enslave`.
            let tells = api! { has(BondDetachMember) => true, _ => false };
            if answered && tells {
                return Ok(());
            }
            let bonds = self.dump_bonds().await?;
            let gone = bonds.iter().flat_map(|b| &b.members).all(|m| m.sw_if_index != sw_if_index);
            self.shown(&request, gone.then_some(()))
        }

        async fn dump_bonds(&self) -> Result<Vec<BondDetails>> {
            let request = api! {
                has(SwBondInterfaceDump) => api::SwBondInterfaceDump { sw_if_index: NO_INTERFACE },
                _ => api::SwInterfaceBondDump {},
            };
            let found = self.dump(&request).await?;
            let members = try_join_all(found.iter().map(|d| self.members(d.sw_if_index))).await?;
            let details = found.into_iter().zip(members).map(|(d, members)| BondDetails {
                sw_if_index: d.sw_if_index,
                id: api! {
                    has(SwInterfaceBondDetails.id) => Some(d.id),
                    _ => None,
                },
                internal_name: d.interface_name.text(),
                mode: api! {
                    has(BondMode) => mode(d.mode.0),
                    _ => mode(d.mode.into()),
                },
                hash: api! {
                    has(BondMode) => hash(d.lb.0),
                    _ => hash(d.lb.into()),
                },
                numa_only: api! {
                    has(SwInterfaceBondDetails.numa_only) => d.numa_only.on(),
                    _ => false,
                },
                active_members: api! {
                    has(SwBondInterfaceDump) => d.active_members,
                    _ => d.active_slaves,
                },
                members,
            });
            Ok(details.collect())
        }
    }

    impl Handler {
        async fn members(&self, bond: u32) -> Result<Vec<BondMember>> {
            let request = api! {
                has(SwMemberInterfaceDump) => api::SwMemberInterfaceDump { sw_if_index: bond },
                _ => api::SwInterfaceSlaveDump { sw_if_index: bond },
            };
            let details = self.dump(&request).await?.into_iter().map(|d| BondMember {
                sw_if_index: d.sw_if_index,
                passive: d.is_passive.on(),
                long_timeout: d.is_long_timeout.on(),
            });
            Ok(details.collect())
        }
    }

    /// `bond_mode`; the numbers were the same before they had names.
    fn mode_number(mode: BondMode) -> u32 {
        match mode {
            BondMode::RoundRobin => 1,
            BondMode::ActiveBackup => 2,
            BondMode::Xor => 3,
            BondMode::Broadcast => 4,
            BondMode::Lacp => 5,
            BondMode::Other(n) => n,
        }
    }

    fn mode(number: u32) -> BondMode {
        match number {
            1 => BondMode::RoundRobin,
            2 => BondMode::ActiveBackup,
            3 => BondMode::Xor,
            4 => BondMode::Broadcast,
            5 => BondMode::Lacp,
            n => BondMode::Other(n),
        }
    }

    /// `bond_lb_algo`; the numbers were the same before they had names.
    fn hash_number(hash: BondHash) -> u32 {
        match hash {
            BondHash::L2 => 0,
            BondHash::L34 => 1,
            BondHash::L23 => 2,
            BondHash::RoundRobin => 3,
            BondHash::Broadcast => 4,
            BondHash::ActiveBackup => 5,
            BondHash::Other(n) => n,
        }
    }

    fn hash(number: u32) -> BondHash {
        match number {
            0 => BondHash::L2,
            1 => BondHash::L34,
            2 => BondHash::L23,
            3 => BondHash::RoundRobin,
            4 => BondHash::Broadcast,
            5 => BondHash::ActiveBackup,
            n => BondHash::Other(n),
        }
    }
}
