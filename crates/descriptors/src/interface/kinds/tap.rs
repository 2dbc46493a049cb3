//! TAP interfaces.

use kvscheduler::Dependency;
use models::net::parse_mac;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::{Interface, TapLink};
use models::validate::TAP_DEFAULT_VERSION;
use vppcalls::NewInterface;
use vppcalls::types::{Tap, TapDetails};

use super::{Kind, Told};

/// Slots of a ring where none are asked for.
const RING: u32 = 256;

pub(super) const KIND: Kind = Kind {
    new: |value, _| {
        let link = effective(value);
        let ring = |size: u32| u16::try_from(size).unwrap_or(u16::MAX);
        Ok(NewInterface::Tap(Tap {
            mac: parse_mac(&value.phys_address),
            host_name: Some(link.host_if_name),
            rx_ring: ring(link.rx_ring_size),
            tx_ring: ring(link.tx_ring_size),
            gso: link.enable_gso,
            tun: link.enable_tunnel,
            ..Tap::default()
        }))
    },
    same: |old, new| effective(old) == effective(new),
    needs: |value| {
        let microservice = link(value).map(|tap| tap.to_microservice.as_str()).unwrap_or_default();
        let key = format!("linux/microservice/{microservice}");
        let needed = (!microservice.is_empty()).then(|| Dependency::key("microservice-available", key));
        needed.into_iter().collect()
    },
    invalid: super::anything,
};

fn link(value: &Interface) -> Option<&TapLink> {
    match &value.link {
        Some(Link::Tap(tap)) => Some(tap),
        _ => None,
    }
}

/// The settings with the defaults spelled out.
fn effective(value: &Interface) -> TapLink {
    let mut link = link(value).cloned().unwrap_or_default();
    // The only one that VPP still has.
    link.version = TAP_DEFAULT_VERSION;
    if link.host_if_name.is_empty() {
        link.host_if_name = format!("tap-{}", fnv32a(&value.name));
    }
    for ring in [&mut link.rx_ring_size, &mut link.tx_ring_size] {
        if *ring == 0 {
            *ring = RING;
        }
    }
    link
}

/// FNV-1a with 32 bits: the agent that users come from names host interfaces by it.
fn fnv32a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

pub(super) fn told(tap: &TapDetails, told: &Told<'_>) -> TapLink {
    let believed = told.believed.filter(|b| link(b).is_some()).map(effective).unwrap_or_default();
    let or = |told: u32, believed: u32| if told == 0 { believed } else { told };
    TapLink {
        version: TAP_DEFAULT_VERSION,
        host_if_name: match tap.host_name.as_str() {
            "" => believed.host_if_name,
            name => name.to_string(),
        },
        rx_ring_size: or(tap.rx_ring.into(), believed.rx_ring_size),
        tx_ring_size: or(tap.tx_ring.into(), believed.tx_ring_size),
        enable_gso: tap.gso,
        enable_tunnel: tap.tun,
        to_microservice: believed.to_microservice,
    }
}
