//! Interfaces of any kind, made with their name or not at all.
//!
//! Most kinds are made by one message and named by another one. Whatever happens between the two, no interface is left
//! without its name and without a word: it is removed again, or the error tells its number
//! ([`Error::LeftBehind`]). So everything that makes named interfaces goes through [`Handlers::create`].

use std::future::Future;

use futures::future::try_join5;

use crate::error::{Error, Result};
use crate::handlers::Handlers;
use crate::types::{AfPacket, Bond, Gre, Ipip, Mac, Memif, SubInterface, Tap, Vxlan};
use crate::wire::MAX_TAG;

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewInterface {
    /// A loopback.
    Loopback {
        /// MAC; VPP chooses one when there is none.
        mac: Option<Mac>,
        /// Number in its VPP name; any free one when there is none.
        instance: Option<u32>,
    },
    /// A sub-interface.
    Sub(SubInterface),
    /// A TAP interface.
    Tap(Tap),
    /// A memif.
    Memif(Memif),
    /// An interface on top of one of Linux.
    AfPacket(AfPacket),
    /// A VXLAN tunnel.
    Vxlan(Vxlan),
    /// A GRE tunnel.
    Gre(Gre),
    /// A tunnel of IP in IP.
    Ipip(Ipip),
    /// A bond.
    Bond(Bond),
}

/// What an interface is to have from the start, beside what makes it what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The tag; none when it is empty.
    pub tag: String,
    /// The MAC, where the making does not set it.
    pub mac: Option<Mac>,
    /// The MTU for packets of all protocols.
    pub mtu: Option<u32>,
    /// The table of a family (true: IPv6).
    pub table: Option<(bool, u32)>,
    /// Up or down; left as VPP makes it when there is none.
    pub admin_up: Option<bool>,
}

impl Handlers {
    /// Makes an interface and attaches its tag; see [`create_as`](Self::create_as).
    pub async fn create(&self, interface: &NewInterface, tag: &str) -> Result<u32> {
        self.create_as(interface, &Settings { tag: tag.to_string(), ..Settings::default() }).await
    }

    /// Makes an interface that is like this; gives its `sw_if_index`. When one of the settings is refused it is removed
    /// again.
    ///
    /// An error that is [lost](Error::is_lost) or a [timeout](Error::is_timeout) says that VPP may have made it.
    pub async fn create_as(&self, interface: &NewInterface, settings: &Settings) -> Result<u32> {
        crate::check::length("tag", &settings.tag, MAX_TAG)?;
        let sw_if_index = match interface {
            NewInterface::Loopback { mac, instance: None } => self.interface.add_loopback(*mac).await?,
            NewInterface::Loopback { mac, instance: Some(instance) } => {
                self.interface.add_loopback_instance(*mac, *instance).await?
            }
            NewInterface::Sub(sub) => self.subif.add_sub_interface(sub).await?,
            NewInterface::Tap(tap) => self.tap.add_tap(tap).await?,
            NewInterface::Memif(memif) => self.memif.add_memif(memif).await?,
            NewInterface::AfPacket(af_packet) => self.af_packet.add_af_packet(af_packet).await?,
            NewInterface::Vxlan(tunnel) => self.vxlan.add_vxlan(tunnel).await?,
            NewInterface::Gre(tunnel) => self.gre.add_gre(tunnel).await?,
            NewInterface::Ipip(tunnel) => self.ipip.add_ipip(tunnel).await?,
            NewInterface::Bond(bond) => self.bond.add_bond(bond).await?,
        };
        let Err(unfinished) = self.set(sw_if_index, settings).await else { return Ok(sw_if_index) };
        match self.delete(interface, sw_if_index).await {
            Ok(()) => Err(unfinished),
            Err(kept) => {
                Err(Error::LeftBehind { sw_if_index, unfinished: Box::new(unfinished), kept: Box::new(kept) })
            }
        }
    }

    /// Sets all of it at once. VPP takes one after the other, so nothing passes before the rest is as it should be.
    pub async fn set(&self, sw_if_index: u32, settings: &Settings) -> Result<()> {
        let calls = &self.interface;
        let tag = Some(settings.tag.as_str()).filter(|tag| !tag.is_empty());
        try_join5(
            done(tag.map(|tag| calls.set_tag(sw_if_index, tag))),
            done(settings.mac.map(|mac| calls.set_mac(sw_if_index, mac))),
            done(settings.mtu.map(|mtu| calls.set_mtu(sw_if_index, mtu))),
            done(settings.table.map(|(ipv6, table)| calls.set_table(sw_if_index, ipv6, table))),
            done(settings.admin_up.map(|up| calls.set_admin(sw_if_index, up))),
        )
        .await?;
        Ok(())
    }

    /// Removes an interface that was made like this. Some kinds VPP knows by their number, others by what they are.
    pub async fn delete(&self, interface: &NewInterface, sw_if_index: u32) -> Result<()> {
        match interface {
            NewInterface::Loopback { .. } => self.interface.delete_loopback(sw_if_index).await,
            NewInterface::Sub(_) => self.subif.delete_sub_interface(sw_if_index).await,
            NewInterface::Tap(_) => self.tap.delete_tap(sw_if_index).await,
            NewInterface::Memif(_) => self.memif.delete_memif(sw_if_index).await,
            NewInterface::AfPacket(af_packet) => self.af_packet.delete_af_packet(&af_packet.host_name).await,
            NewInterface::Vxlan(tunnel) => self.vxlan.delete_vxlan(tunnel).await,
            NewInterface::Gre(tunnel) => self.gre.delete_gre(tunnel).await,
            NewInterface::Ipip(_) => self.ipip.delete_ipip(sw_if_index).await,
            NewInterface::Bond(_) => self.bond.delete_bond(sw_if_index).await,
        }
    }
}

async fn done(call: Option<impl Future<Output = Result<()>>>) -> Result<()> {
    match call {
        Some(call) => call.await,
        None => Ok(()),
    }
}
