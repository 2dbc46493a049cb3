//! All interfaces with all that VPP tells of them.

use futures::future::{try_join3, try_join4, try_join5};

use crate::error::Result;
use crate::handlers::Handlers;
use crate::types::{
    AfPacketDetails, BondDetails, DhcpClientDetails, Gre, Interface, Ipip, MemifDetails, RxPlacement,
    TapDetails, TunnelDetails, Vxlan,
};

/// What is particular to the kind of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing of which there is a dump: a loopback, a device, a sub-interface.
    #[default]
    Plain,
    /// A TAP interface.
    Tap(TapDetails),
    /// A memif.
    Memif(MemifDetails),
    /// An interface on top of one of Linux.
    AfPacket(AfPacketDetails),
    /// A VXLAN tunnel.
    Vxlan(Vxlan),
    /// A GRE tunnel.
    Gre(Gre),
    /// A tunnel of IP in IP.
    Ipip(Ipip),
    /// A bond.
    Bond(BondDetails),
}

/// An interface with all that VPP tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// What all interfaces have.
    pub interface: Interface,
    /// What is particular to it.
    pub kind: Kind,
    /// Its queues.
    pub queues: Vec<RxPlacement>,
    /// The DHCP client on it.
    pub dhcp: Option<DhcpClientDetails>,
}

/// Nothing, where the plugin is not loaded.
fn or_none<T>(dump: Result<Vec<T>>) -> Result<Vec<T>> {
    match dump {
        Err(e) if e.is_absent() => Ok(Vec::new()),
        other => other,
    }
}

fn of<T>(list: &[T], index: impl Fn(&T) -> u32, sw_if_index: u32) -> Option<&T> {
    list.iter().find(|item| index(item) == sw_if_index)
}

fn tunnel<T: Copy>(list: &[TunnelDetails<T>], sw_if_index: u32) -> Option<T> {
    of(list, |t| t.sw_if_index, sw_if_index).map(|t| t.tunnel)
}

impl Handlers {
    /// All interfaces with all that VPP tells of them, in two turns however many there are: the dumps, then what has to
    /// be asked of each. An interface that goes while this runs is left out. What the dumps of a plugin that is not
    /// loaded would tell is left out, too.
    pub async fn inventory(&self) -> Result<Vec<Inventory>> {
        let plain = try_join3(self.interface.dump_interfaces(), self.rx.dump_rx_placements(), async {
            or_none(self.dhcp.dump_dhcp_clients().await)
        });
        let devices = try_join4(
            async { or_none(self.tap.dump_taps().await) },
            async { or_none(self.memif.dump_memifs().await) },
            async { or_none(self.af_packet.dump_af_packets().await) },
            async { or_none(self.bond.dump_bonds().await) },
        );
        let (plain, devices, vxlans, gres, ipips) = try_join5(
            plain,
            devices,
            async { or_none(self.vxlan.dump_vxlans().await) },
            async { or_none(self.gre.dump_gres().await) },
            async { or_none(self.ipip.dump_ipips().await) },
        )
        .await?;
        let (interfaces, queues, clients) = plain;
        let (taps, memifs, af_packets, bonds) = devices;
        let kind = |i: u32| {
            let tap = of(&taps, |t| t.sw_if_index, i).cloned().map(Kind::Tap);
            tap.or_else(|| of(&memifs, |m| m.sw_if_index, i).cloned().map(Kind::Memif))
                .or_else(|| of(&af_packets, |a| a.sw_if_index, i).cloned().map(Kind::AfPacket))
                .or_else(|| of(&bonds, |b| b.sw_if_index, i).cloned().map(Kind::Bond))
                .or_else(|| tunnel(&vxlans, i).map(Kind::Vxlan))
                .or_else(|| tunnel(&gres, i).map(Kind::Gre))
                .or_else(|| tunnel(&ipips, i).map(Kind::Ipip))
                .unwrap_or_default()
        };
        let all = interfaces.into_iter().map(|interface| {
            let i = interface.sw_if_index;
            Inventory {
                kind: kind(i),
                queues: queues.iter().filter(|q| q.sw_if_index == i).copied().collect(),
                dhcp: of(&clients, |c| c.client.sw_if_index, i).cloned(),
                interface,
            }
        });
        Ok(all.collect())
    }
}
