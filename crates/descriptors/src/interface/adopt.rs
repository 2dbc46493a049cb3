//! Interfaces that an agent made and could not name any more.
//!
//! An agent that is killed between making an interface and naming it leaves it behind without a name, and VPP then
//! refuses another one like it for ever. So when VPP says that there is one, and it is as VPP makes them, without a name,
//! address, table or bridge, it is finished. Whatever anybody has begun to use stays theirs.

use futures::future::try_join4;
use kvscheduler::Failure;
use models::proto::ligato::vpp::interfaces::Interface;
use vppcalls::types::NO_INTERFACE;
use vppcalls::{Error, Handlers, Inventory};

use super::kinds::{Kind, memif::Sockets};
use super::{name_of, read};
use crate::southbound::OrFail as _;

/// `VLAN_ALREADY_EXISTS`, `SUBIF_ALREADY_EXISTS`, `TUNNEL_EXIST`, `IF_ALREADY_EXISTS`, `INSTANCE_IN_USE`
const THERE: [i32; 5] = [-56, -68, -75, -79, -147];

/// Whether VPP refused to make an interface because it has it, or for what it does not say: 18.10 has no word for a
/// memif that is there.
pub(super) fn is_there(error: &Error) -> bool {
    match error {
        Error::Unanswered { message, .. } => *message == "memif_create",
        error => error.retval().is_some_and(|retval| THERE.contains(&retval)),
    }
}

/// The interface of nobody that is what is wanted.
pub(super) async fn unfinished(
    handlers: &Handlers,
    value: &Interface,
    sockets: &Sockets,
) -> Result<Option<u32>, Failure> {
    let Some(kind) = Kind::of(value.r#type()) else { return Ok(None) };
    let (inventory, domains, xconnects, sockets) = try_join4(
        async { handlers.inventory().await.or_fail() },
        async { handlers.l2.dump_bridge_domains().await.or_fail() },
        async { handlers.l2.dump_xconnects().await.or_fail() },
        sockets.read(handlers),
    )
    .await?;
    let reader = read::Reader::new(sockets, &inventory);
    let ports = domains.iter().flat_map(|d| &d.ports).map(|port| port.sw_if_index);
    let used: Vec<u32> = ports.chain(xconnects.iter().flat_map(|x| [x.rx, x.tx])).collect();
    let parents = inventory.iter().filter_map(|i| i.interface.sub.map(|sub| sub.parent));
    let used: Vec<u32> = used.into_iter().chain(parents).collect();
    let is = |i: &&Inventory| {
        let interface = &i.interface;
        let untouched = interface.tag.is_empty()
            && interface.addresses.is_empty()
            && interface.unnumbered.is_none()
            && i.dhcp.is_none()
            && !used.contains(&interface.sw_if_index);
        let found = reader.value(i, name_of(interface), Some(value));
        let tables = if found.vrf == value.vrf { [0, value.vrf] } else { [0, 0] };
        untouched
            && tables.contains(&interface.table4)
            && tables.contains(&interface.table6)
            && found.r#type == value.r#type
            && (kind.same)(&found, value)
    };
    Ok(inventory.iter().find(is).map(|i| i.interface.sw_if_index).filter(|index| *index != NO_INTERFACE))
}
