//! GRE tunnels.

use kvscheduler::Dependency;
use models::keys;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::{GreLink, Interface, gre_link};
use vppcalls::NewInterface;
use vppcalls::types::{Gre, GreKind};

use super::{Kind, address, same_address};

pub(super) const KIND: Kind = Kind {
    new: |value, _| {
        let link = link(value);
        let kind = match link.tunnel_type() {
            gre_link::Type::Unknown | gre_link::Type::L3 => GreKind::L3,
            gre_link::Type::Teb => GreKind::Teb,
            gre_link::Type::Erspan => GreKind::Erspan,
        };
        let (src, dst) = (address("gre.src_addr", &link.src_addr)?, address("gre.dst_addr", &link.dst_addr)?);
        Ok(NewInterface::Gre(Gre {
            table: link.outer_fib_id,
            session: u16::try_from(session(&link)).unwrap_or(u16::MAX),
            ..Gre::between(kind, src, dst)
        }))
    },
    same: |old, new| {
        let (old, new) = (link(old), link(new));
        old.tunnel_type == new.tunnel_type
            && same_address(&old.src_addr, &new.src_addr)
            && same_address(&old.dst_addr, &new.dst_addr)
            && old.outer_fib_id == new.outer_fib_id
            && session(&old) == session(&new)
    },
    needs: |value| {
        let link = link(value);
        let key = keys::vrf_table(link.outer_fib_id, link.src_addr.contains(':'));
        let needed = (link.outer_fib_id != 0).then(|| Dependency::key("vrf-table-for-gre-exists", key));
        needed.into_iter().collect()
    },
    invalid: super::anything,
};

/// Only an ERSPAN has one.
fn session(link: &GreLink) -> u32 {
    if link.tunnel_type() == gre_link::Type::Erspan { link.session_id } else { 0 }
}

fn link(value: &Interface) -> GreLink {
    match &value.link {
        Some(Link::Gre(tunnel)) => tunnel.clone(),
        _ => GreLink::default(),
    }
}

pub(super) fn told(tunnel: &Gre) -> GreLink {
    let kind = match tunnel.kind {
        GreKind::L3 => gre_link::Type::L3,
        GreKind::Teb => gre_link::Type::Teb,
        GreKind::Erspan => gre_link::Type::Erspan,
        GreKind::Other(_) => gre_link::Type::Unknown,
    };
    GreLink {
        tunnel_type: kind.into(),
        src_addr: tunnel.src.to_string(),
        dst_addr: tunnel.dst.to_string(),
        outer_fib_id: tunnel.table,
        session_id: tunnel.session.into(),
    }
}
