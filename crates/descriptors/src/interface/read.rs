//! The model of what VPP has.

use std::collections::{BTreeMap, HashSet};

use ipnet::IpNet;
use models::proto::ligato::vpp::interfaces::Interface;
use models::proto::ligato::vpp::interfaces::interface::Unnumbered;
use vppcalls::{Inventory, Kind};

use super::kinds::{self, Told};
use super::{is_link_local, name_of};
use crate::vpp::{Names, mac_text};

/// Everything that was read.
pub(super) struct Reader {
    names: Names,
    sockets: BTreeMap<u32, String>,
    /// Interfaces that are in a bond, and have its MAC.
    members: HashSet<u32>,
}

impl Reader {
    pub(super) fn new(sockets: BTreeMap<u32, String>, inventory: &[Inventory]) -> Self {
        let names = inventory.iter().map(|i| (i.interface.sw_if_index, name_of(&i.interface)));
        let names = Names(names.collect());
        let bonds = inventory.iter().filter_map(|i| match &i.kind {
            Kind::Bond(bond) => Some(&bond.members),
            _ => None,
        });
        let members = bonds.flatten().map(|member| member.sw_if_index).collect();
        Self { names, sockets, members }
    }

    /// The model of one interface, without its queues. What VPP does not tell is as it is believed to be.
    pub(super) fn value(&self, i: &Inventory, name: String, believed: Option<&Interface>) -> Interface {
        let told = Told { names: &self.names, sockets: &self.sockets, believed };
        let (kind, link) = kinds::told(i, &told);
        let interface = &i.interface;
        let unnumbered = interface
            .unnumbered
            .and_then(|lender| self.names.any(lender))
            .map(|lender| Unnumbered { interface_with_ip: lender.to_string() });
        let addresses = match interface.unnumbered {
            // Borrowed ones.
            Some(_) => Vec::new(),
            None => own_addresses(i, believed),
        };
        let member = self.members.contains(&interface.sw_if_index);
        Interface {
            name,
            r#type: kind.into(),
            enabled: interface.admin_up,
            phys_address: match interface.mac {
                [0, 0, 0, 0, 0, 0] => String::new(),
                _ if member => believed.map(|b| b.phys_address.clone()).unwrap_or_default(),
                mac => mac_text(&mac),
            },
            vrf: vrf(i, &addresses, believed),
            ip_addresses: addresses.iter().map(ToString::to_string).collect(),
            set_dhcp_client: i.dhcp.is_some(),
            mtu: interface.mtu,
            unnumbered,
            link,
            ..Interface::default()
        }
    }
}

/// Without those that VPP puts on interfaces by itself, and those that a DHCP server gave.
fn own_addresses(i: &Inventory, believed: Option<&Interface>) -> Vec<IpNet> {
    let lease = i.dhcp.as_ref().and_then(|dhcp| dhcp.lease.as_ref()).map(|lease| IpNet::V4(lease.address));
    let stated = |address: &IpNet| {
        believed.is_some_and(|b| b.ip_addresses.iter().any(|a| a.parse().is_ok_and(|a: IpNet| a == *address)))
    };
    let own = |a: &&IpNet| !is_link_local(a) && (lease != Some(**a) || stated(a));
    i.interface.addresses.iter().filter(own).copied().collect()
}

/// The one VRF that the model has for both families.
fn vrf(i: &Inventory, addresses: &[IpNet], believed: Option<&Interface>) -> u32 {
    match &i.kind {
        // That of the other end, which cannot be changed.
        Kind::Vxlan(tunnel) => return tunnel.table,
        Kind::Ipip(tunnel) => return tunnel.table,
        _ => {}
    }
    let has = |ipv6| addresses.iter().any(|a| a.addr().is_ipv6() == ipv6);
    let (table4, table6) = (i.interface.table4, i.interface.table6);
    match (has(false) || i.dhcp.is_some(), has(true)) {
        // Half of it was done: told is what is not wanted, so that all of it is done again.
        (true, true) if believed.is_some_and(|b| b.vrf == table4) => table6,
        (_, true) if !has(false) => table6,
        _ => table4,
    }
}
