//! All interfaces with all that VPP tells of them.

use std::collections::HashMap;

use futures::future::{try_join3, try_join4, try_join5};

use crate::error::Result;
use crate::handlers::Handlers;
use crate::types::{
    AfPacketDetails, BondDetails, DhcpClientDetails, Gre, Interface, Ipip, MemifDetails, RxPlacement,
    TapDetails, Vxlan,
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
        let mut kinds: HashMap<u32, Kind> = HashMap::new();
        kinds.extend(taps.into_iter().map(|t| (t.sw_if_index, Kind::Tap(t))));
        kinds.extend(memifs.into_iter().map(|m| (m.sw_if_index, Kind::Memif(m))));
        kinds.extend(af_packets.into_iter().map(|a| (a.sw_if_index, Kind::AfPacket(a))));
        kinds.extend(bonds.into_iter().map(|b| (b.sw_if_index, Kind::Bond(b))));
        kinds.extend(vxlans.into_iter().map(|t| (t.sw_if_index, Kind::Vxlan(t.tunnel))));
        kinds.extend(gres.into_iter().map(|t| (t.sw_if_index, Kind::Gre(t.tunnel))));
        kinds.extend(ipips.into_iter().map(|t| (t.sw_if_index, Kind::Ipip(t.tunnel))));
        let mut clients: HashMap<u32, DhcpClientDetails> =
            clients.into_iter().map(|c| (c.client.sw_if_index, c)).collect();
        let mut all_queues: HashMap<u32, Vec<RxPlacement>> = HashMap::new();
        for queue in queues {
            all_queues.entry(queue.sw_if_index).or_default().push(queue);
        }
        let all = interfaces.into_iter().map(|interface| {
            let i = interface.sw_if_index;
            Inventory {
                kind: kinds.remove(&i).unwrap_or_default(),
                queues: all_queues.remove(&i).unwrap_or_default(),
                dhcp: clients.remove(&i),
                interface,
            }
        });
        Ok(all.collect())
    }
}
