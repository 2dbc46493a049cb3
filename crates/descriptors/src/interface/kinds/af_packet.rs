//! Interfaces on top of those of Linux.

use kvscheduler::Dependency;
use models::net::parse_mac;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::{AfpacketLink, Interface};
use vppcalls::NewInterface;
use vppcalls::types::{AfPacket, AfPacketDetails};

use super::{Kind, Told};

pub(super) const KIND: Kind = Kind {
    new: |value, _| {
        Ok(NewInterface::AfPacket(AfPacket {
            host_name: link(value).host_if_name,
            mac: parse_mac(&value.phys_address),
            ..AfPacket::default()
        }))
    },
    same: |old, new| link(old) == link(new),
    // Whether Linux has the interface VPP finds out, and refuses; one that is configured has to be there first.
    needs: |value| {
        let name = link(value).linux_interface;
        let key = format!("config/linux/interfaces/v2/interface/{name}");
        let needed = (!name.is_empty()).then(|| Dependency::key("afpacket-host-interface-exists", key));
        needed.into_iter().collect()
    },
    invalid: super::anything,
};

fn link(value: &Interface) -> AfpacketLink {
    match &value.link {
        Some(Link::Afpacket(host)) => host.clone(),
        _ => AfpacketLink::default(),
    }
}

pub(super) fn told(host: &AfPacketDetails, told: &Told<'_>) -> AfpacketLink {
    let believed = told.believed.map(link).unwrap_or_default();
    AfpacketLink {
        // By its name in the configuration, it has the one that VPP tells.
        host_if_name: match (believed.host_if_name.is_empty(), believed.linux_interface.is_empty()) {
            (true, false) => String::new(),
            _ => host.host_name.clone(),
        },
        linux_interface: believed.linux_interface,
    }
}
