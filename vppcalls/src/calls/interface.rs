//! Interfaces: loopbacks, and what all have.

use std::pin::Pin;

use async_trait::async_trait;
use futures::Stream;
use ipnet::IpNet;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Interface, InterfaceEvent, Link, Mac};

/// Events as they come. An error stands where some may be missing; the stream ends with the connection.
pub type InterfaceEvents = Pin<Box<dyn Stream<Item = Result<InterfaceEvent>> + Send>>;

/// See the module.
#[async_trait]
pub trait InterfaceCalls: Send + Sync {
    /// Makes a loopback; gives its `sw_if_index`. VPP chooses the MAC when there is none.
    async fn add_loopback(&self, mac: Option<Mac>) -> Result<u32>;

    /// Makes a loopback with the number that it has in its VPP name: `loop7`. VPP refuses one that is taken.
    async fn add_loopback_instance(&self, mac: Option<Mac>, instance: u32) -> Result<u32>;

    /// Removes a loopback.
    async fn delete_loopback(&self, sw_if_index: u32) -> Result<()>;

    /// Sets an interface up or down.
    async fn set_admin(&self, sw_if_index: u32, up: bool) -> Result<()>;

    /// Attaches a text of up to 63 bytes, in place of the one before; an empty one takes that away.
    async fn set_tag(&self, sw_if_index: u32, tag: &str) -> Result<()>;

    /// Sets the MAC.
    async fn set_mac(&self, sw_if_index: u32, mac: Mac) -> Result<()>;

    /// Sets the MTU for packets of all protocols, 1 to 65535 bytes.
    async fn set_mtu(&self, sw_if_index: u32, mtu: u32) -> Result<()>;

    /// Sets the MTU of the link, 1 to 65535 bytes. VPP refuses where a device has a limit of its own.
    async fn set_link_mtu(&self, sw_if_index: u32, mtu: u32) -> Result<()>;

    /// Adds an address.
    async fn add_address(&self, sw_if_index: u32, address: IpNet) -> Result<()>;

    /// Removes an address.
    async fn delete_address(&self, sw_if_index: u32, address: IpNet) -> Result<()>;

    /// Puts an interface into a table of a family. VPP refuses (`ADDRESS_FOUND_FOR_INTERFACE`) while it has addresses
    /// of that family, and (`NO_SUCH_FIB`) where there is no such table.
    async fn set_table(&self, sw_if_index: u32, ipv6: bool, table: u32) -> Result<()>;

    /// The table of an interface.
    async fn table(&self, sw_if_index: u32, ipv6: bool) -> Result<u32>;

    /// Lets an interface borrow the addresses of another one.
    async fn set_unnumbered(&self, sw_if_index: u32, of: u32) -> Result<()>;

    /// Ends that.
    async fn unset_unnumbered(&self, sw_if_index: u32) -> Result<()>;

    /// All unnumbered interfaces, each with the one that it borrows from.
    async fn dump_unnumbered(&self) -> Result<Vec<(u32, u32)>>;

    /// Lets an interface take frames for all MACs; from 21.06 on. VPP does not tell it.
    async fn set_promiscuous(&self, sw_if_index: u32, on: bool) -> Result<()>;

    /// All interfaces with their tags, addresses and tables. One that goes while this runs is left out.
    async fn dump_interfaces(&self) -> Result<Vec<Interface>>;

    /// All interfaces with their names and states, in one turn.
    async fn dump_links(&self) -> Result<Vec<Link>>;

    /// What happens to interfaces from now on, as long as this connection lasts.
    fn events(&self) -> InterfaceEvents;
}

#[calls(InterfaceCalls)]
pub(crate) mod handlers {
    use std::collections::HashMap;

    use async_trait::async_trait;
    use futures::future::{try_join, try_join_all};
    use ipnet::IpNet;

    use super::super::InterfaceEvents;
    use crate::InterfaceCalls;
    use crate::check;
    use crate::error::{Error, Result};
    use crate::types::{
        Duplex, Interface, InterfaceEvent, Link, Mac, NO_INTERFACE, RewriteKind, SubInterface, Vlan,
        VlanRewrite, VlanTags,
    };
    use crate::wire::{ApiText, Convert, Flag, address_bytes, address_from, network, text};

    const MTU: u32 = 65_535;

    /// `INVALID_SW_IF_INDEX`: there is no such interface.
    const NO_SUCH_INTERFACE: i32 = -2;

    #[async_trait]
    impl InterfaceCalls for Handler {
        async fn add_loopback(&self, mac: Option<Mac>) -> Result<u32> {
            let request = api::CreateLoopback { mac_address: mac.unwrap_or_default() };
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn add_loopback_instance(&self, mac: Option<Mac>, instance: u32) -> Result<u32> {
            let request = api::CreateLoopbackInstance {
                mac_address: mac.unwrap_or_default(),
                is_specified: true.into(),
                user_instance: instance,
            };
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn delete_loopback(&self, sw_if_index: u32) -> Result<()> {
            self.call(&api::DeleteLoopback { sw_if_index }).await?;
            Ok(())
        }

        async fn set_admin(&self, sw_if_index: u32, up: bool) -> Result<()> {
            let request = api! {
                has(SwInterfaceSetFlags.flags) => {
                    let flags = if up { api::IfStatusFlags::IF_STATUS_API_FLAG_ADMIN_UP } else { Default::default() };
                    api::SwInterfaceSetFlags { sw_if_index, flags }
                }
                _ => api::SwInterfaceSetFlags { sw_if_index, admin_up_down: up.into() },
            };
            self.call(&request).await?;
            Ok(())
        }

        async fn set_tag(&self, sw_if_index: u32, tag: &str) -> Result<()> {
            let is_add = (!tag.is_empty()).into();
            let tag = text("tag", tag)?;
            self.call(&api::SwInterfaceTagAddDel { is_add, sw_if_index, tag }).await?;
            Ok(())
        }

        async fn set_mac(&self, sw_if_index: u32, mac: Mac) -> Result<()> {
            self.call(&api::SwInterfaceSetMacAddress { sw_if_index, mac_address: mac }).await?;
            Ok(())
        }

        async fn set_mtu(&self, sw_if_index: u32, mtu: u32) -> Result<()> {
            check::range("MTU", mtu, 1, MTU)?;
            // The first is for all protocols, the others for IPv4, IPv6 and MPLS, where zero follows the first.
            self.call(&api::SwInterfaceSetMtu { sw_if_index, mtu: [mtu, 0, 0, 0] }).await?;
            Ok(())
        }

        async fn set_link_mtu(&self, sw_if_index: u32, mtu: u32) -> Result<()> {
            check::range("MTU of the link", mtu, 1, MTU)?;
            let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
            self.call(&api::HwInterfaceSetMtu { sw_if_index, mtu }).await?;
            Ok(())
        }

        async fn add_address(&self, sw_if_index: u32, address: IpNet) -> Result<()> {
            self.call(&change_address(sw_if_index, address, true)).await?;
            Ok(())
        }

        async fn delete_address(&self, sw_if_index: u32, address: IpNet) -> Result<()> {
            self.call(&change_address(sw_if_index, address, false)).await?;
            Ok(())
        }

        async fn set_table(&self, sw_if_index: u32, ipv6: bool, table: u32) -> Result<()> {
            let request = api::SwInterfaceSetTable { sw_if_index, is_ipv6: ipv6.into(), vrf_id: table };
            self.call(&request).await?;
            Ok(())
        }

        async fn table(&self, sw_if_index: u32, ipv6: bool) -> Result<u32> {
            let request = api::SwInterfaceGetTable { sw_if_index, is_ipv6: ipv6.into() };
            Ok(self.call(&request).await?.vrf_id)
        }

        async fn set_unnumbered(&self, sw_if_index: u32, of: u32) -> Result<()> {
            self.call(&unnumbered(sw_if_index, of, true)).await?;
            Ok(())
        }

        async fn unset_unnumbered(&self, sw_if_index: u32) -> Result<()> {
            self.call(&unnumbered(sw_if_index, 0, false)).await?;
            Ok(())
        }

        async fn dump_unnumbered(&self) -> Result<Vec<(u32, u32)>> {
            // Of one interface 18.10 tells it when it is none. Of all it tells what is right.
            let details = self.dump(&api::IpUnnumberedDump { sw_if_index: NO_INTERFACE }).await?;
            Ok(details.into_iter().map(|d| (d.sw_if_index, d.ip_sw_if_index)).collect())
        }

        async fn set_promiscuous(&self, sw_if_index: u32, on: bool) -> Result<()> {
            api! {
                has(SwInterfaceSetPromisc) => {
                    self.call(&api::SwInterfaceSetPromisc { sw_if_index, promisc_on: on }).await?;
                    Ok(())
                }
                _ => {
                    let _ = (sw_if_index, on);
                    unsupported!("promiscuous interfaces")
                }
            }
        }

        async fn dump_interfaces(&self) -> Result<Vec<Interface>> {
            let (interfaces, borrowing) = try_join(self.plain(), self.dump_unnumbered()).await?;
            // All questions are on their way before the first answer is waited for.
            let families = || interfaces.iter().flat_map(|i| [(i.sw_if_index, false), (i.sw_if_index, true)]);
            let addresses = try_join_all(families().map(|(index, ipv6)| self.addresses(index, ipv6)));
            let tables = try_join_all(families().map(|(index, ipv6)| self.table_or_gone(index, ipv6)));
            let (addresses, tables) = try_join(addresses, tables).await?;
            let (mut addresses, mut tables) = (addresses.into_iter(), tables.into_iter());
            let borrowing: HashMap<u32, u32> = borrowing.into_iter().collect();
            let mut there = Vec::with_capacity(interfaces.len());
            for mut i in interfaces {
                i.addresses = addresses.by_ref().take(2).flatten().collect();
                i.unnumbered = borrowing.get(&i.sw_if_index).copied();
                if let (Some(Some(table4)), Some(Some(table6))) = (tables.next(), tables.next()) {
                    (i.table4, i.table6) = (table4, table6);
                    there.push(i);
                }
            }
            Ok(there)
        }

        async fn dump_links(&self) -> Result<Vec<Link>> {
            let link = |i: Interface| Link {
                sw_if_index: i.sw_if_index,
                internal_name: i.internal_name,
                tag: i.tag,
                admin_up: i.admin_up,
                link_up: i.link_up,
            };
            Ok(self.plain().await?.into_iter().map(link).collect())
        }

        fn events(&self) -> InterfaceEvents {
            // VPP gives the number back with each event.
            let request = api::WantInterfaceEvents { enable_disable: 1, pid: std::process::id() };
            let events = self.0.events(&request);
            let next = |mut events: vpp_client::Events<_>| async {
                let next = events.next().await?;
                Some((next.map(event).map_err(Error::from), events))
            };
            Box::pin(futures::stream::unfold(events, next))
        }
    }

    impl Handler {
        /// All interfaces, as far as the one dump tells.
        async fn plain(&self) -> Result<Vec<Interface>> {
            let request = api! {
                has(SwInterfaceDump.sw_if_index) => {
                    api::SwInterfaceDump { sw_if_index: NO_INTERFACE, ..Default::default() }
                }
                _ => api::SwInterfaceDump::default(),
            };
            Ok(self.dump(&request).await?.into_iter().map(interface).collect())
        }

        /// `None` when the interface is gone.
        async fn table_or_gone(&self, sw_if_index: u32, ipv6: bool) -> Result<Option<u32>> {
            match self.table(sw_if_index, ipv6).await {
                Ok(table) => Ok(Some(table)),
                Err(gone) if gone.retval() == Some(NO_SUCH_INTERFACE) => Ok(None),
                Err(other) => Err(other),
            }
        }

        async fn addresses(&self, sw_if_index: u32, ipv6: bool) -> Result<Vec<IpNet>> {
            let request = api::IpAddressDump { sw_if_index, is_ipv6: ipv6.into() };
            let details = self.dump(&request).await?;
            let address = |d: api::IpAddressDetails| {
                api! {
                    has(IpAddressDetails.prefix) => d.prefix.to_product(),
                    _ => network(address_from(d.is_ipv6.on(), d.ip), d.prefix_length),
                }
            };
            details.into_iter().map(address).collect()
        }
    }

    fn change_address(sw_if_index: u32, address: IpNet, add: bool) -> api::SwInterfaceAddDelAddress {
        api! {
            has(SwInterfaceAddDelAddress.prefix) => api::SwInterfaceAddDelAddress {
                sw_if_index,
                is_add: add,
                del_all: false,
                prefix: Convert::from_product(address),
            },
            _ => api::SwInterfaceAddDelAddress {
                sw_if_index,
                is_add: add.into(),
                is_ipv6: address.addr().is_ipv6().into(),
                del_all: 0,
                address_length: address.prefix_len(),
                address: address_bytes(address.addr()),
            },
        }
    }

    /// The names of the fields say the reverse of what VPP takes them for (`interface_api.c`).
    fn unnumbered(sw_if_index: u32, of: u32, add: bool) -> api::SwInterfaceSetUnnumbered {
        api::SwInterfaceSetUnnumbered {
            sw_if_index: of,
            unnumbered_sw_if_index: sw_if_index,
            is_add: add.into(),
        }
    }

    fn event(e: api::SwInterfaceEvent) -> InterfaceEvent {
        let (admin_up, link_up) = api! {
            has(SwInterfaceEvent.flags) => (
                e.flags.contains(api::IfStatusFlags::IF_STATUS_API_FLAG_ADMIN_UP),
                e.flags.contains(api::IfStatusFlags::IF_STATUS_API_FLAG_LINK_UP),
            ),
            _ => (e.admin_up_down.on(), e.link_up_down.on()),
        };
        InterfaceEvent { sw_if_index: e.sw_if_index, admin_up, link_up, deleted: e.deleted.on() }
    }

    /// What a sub-interface takes; nothing of another interface.
    fn sub(d: &api::SwInterfaceDetails) -> Option<SubInterface> {
        if d.sup_sw_if_index == d.sw_if_index {
            return None;
        }
        let (dot1ad, exact_match, default, any_outer, any_inner) = api! {
            has(SwInterfaceDetails.sub_if_flags) => {
                let has = |flag| d.sub_if_flags.contains(flag);
                (
                    has(api::SubIfFlags::SUB_IF_API_FLAG_DOT1AD),
                    has(api::SubIfFlags::SUB_IF_API_FLAG_EXACT_MATCH),
                    has(api::SubIfFlags::SUB_IF_API_FLAG_DEFAULT),
                    has(api::SubIfFlags::SUB_IF_API_FLAG_OUTER_VLAN_ID_ANY),
                    has(api::SubIfFlags::SUB_IF_API_FLAG_INNER_VLAN_ID_ANY),
                )
            }
            _ => (
                d.sub_dot1ad.on(),
                d.sub_exact_match.on(),
                d.sub_default.on(),
                d.sub_outer_vlan_id_any.on(),
                d.sub_inner_vlan_id_any.on(),
            ),
        };
        let vlan = |any, id| if any { Vlan::Any } else { Vlan::Id(id) };
        let outer = vlan(any_outer, d.sub_outer_vlan_id);
        let tags = match d.sub_number_of_tags {
            0 => VlanTags::None,
            1 => VlanTags::One(outer),
            _ => VlanTags::Two(outer, vlan(any_inner, d.sub_inner_vlan_id)),
        };
        Some(SubInterface { parent: d.sup_sw_if_index, sub_id: d.sub_id, tags, dot1ad, exact_match, default })
    }

    fn rewrite(d: &api::SwInterfaceDetails) -> VlanRewrite {
        let kind = match d.vtr_op {
            0 => return VlanRewrite::default(),
            1 => RewriteKind::Push1,
            2 => RewriteKind::Push2,
            3 => RewriteKind::Pop1,
            4 => RewriteKind::Pop2,
            5 => RewriteKind::Translate11,
            6 => RewriteKind::Translate12,
            7 => RewriteKind::Translate21,
            8 => RewriteKind::Translate22,
            other => RewriteKind::Other(other),
        };
        // Tags have 12 bits; VPP tells them in 32.
        let tag = |tag: u32| (tag & 0xfff) as u16;
        VlanRewrite { kind, dot1q: d.vtr_push_dot1q != 0, tag1: tag(d.vtr_tag1), tag2: tag(d.vtr_tag2) }
    }

    fn interface(d: api::SwInterfaceDetails) -> Interface {
        let [mtu, ..] = d.mtu;
        Interface {
            sw_if_index: d.sw_if_index,
            sup_sw_if_index: d.sup_sw_if_index,
            internal_name: d.interface_name.text(),
            device: api! {
                has(SwInterfaceDetails.interface_dev_type) => d.interface_dev_type.text(),
                _ => String::new(),
            },
            tag: d.tag.text(),
            admin_up: api! {
                has(SwInterfaceDetails.flags) => {
                    d.flags.contains(api::IfStatusFlags::IF_STATUS_API_FLAG_ADMIN_UP)
                }
                _ => d.admin_up_down.on(),
            },
            link_up: api! {
                has(SwInterfaceDetails.flags) => {
                    d.flags.contains(api::IfStatusFlags::IF_STATUS_API_FLAG_LINK_UP)
                }
                _ => d.link_up_down.on(),
            },
            mac: api! {
                is(SwInterfaceDetails.l2_address, MacAddress) => d.l2_address,
                _ => {
                    let [a, b, c, d, e, f, ..] = d.l2_address;
                    [a, b, c, d, e, f]
                }
            },
            link_mtu: d.link_mtu,
            mtu,
            speed: api! {
                is(SwInterfaceDetails.link_speed, u32) => d.link_speed,
                _ => 0,
            },
            duplex: {
                let number = api! {
                    is(SwInterfaceDetails.link_duplex, u8) => u32::from(d.link_duplex),
                    _ => d.link_duplex.0,
                };
                match number {
                    1 => Duplex::Half,
                    2 => Duplex::Full,
                    _ => Duplex::Unknown,
                }
            },
            sub: sub(&d),
            rewrite: rewrite(&d),
            // Known when more was asked.
            addresses: Vec::new(),
            table4: 0,
            table6: 0,
            unnumbered: None,
        }
    }
}
