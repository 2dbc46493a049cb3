//! Bonds. Their members are values of their own, derived from them.

use models::FieldProblem;
use models::net::parse_mac;
use models::proto::ligato::vpp::interfaces::bond_link::{BondedInterface, LoadBalance, Mode};
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::{BondLink, Interface};
use vppcalls::NewInterface;
use vppcalls::types::{Bond, BondDetails, BondHash, BondMode};

use super::{Kind, Told};
use crate::check::problem;

pub(super) const KIND: Kind = Kind {
    new: |value, _| {
        let link = link(value);
        Ok(NewInterface::Bond(Bond {
            id: Some(link.id),
            mac: parse_mac(&value.phys_address),
            mode: match link.mode() {
                // Refused when it is validated.
                Mode::Unknown => BondMode::Other(0),
                Mode::RoundRobin => BondMode::RoundRobin,
                Mode::ActiveBackup => BondMode::ActiveBackup,
                Mode::Xor => BondMode::Xor,
                Mode::Broadcast => BondMode::Broadcast,
                Mode::Lacp => BondMode::Lacp,
            },
            hash: match hash(&link) {
                Some(LoadBalance::L34) => BondHash::L34,
                Some(LoadBalance::L23) => BondHash::L23,
                _ => BondHash::L2,
            },
            ..Bond::default()
        }))
    },
    same: |old, new| {
        let (old, new) = (link(old), link(new));
        old.id == new.id && old.mode == new.mode && hash(&old) == hash(&new)
    },
    needs: super::nothing,
    invalid,
};

fn invalid(value: &Interface) -> Vec<FieldProblem> {
    let link = link(value);
    let mut problems = Vec::new();
    if link.mode() == Mode::Unknown {
        problems.push(problem("bond.mode", "must be stated, for example ACTIVE_BACKUP"));
    }
    if matches!(hash(&link), Some(LoadBalance::Rr | LoadBalance::Bc | LoadBalance::Ab)) {
        let (lb, mode) = (link.lb().as_str_name(), link.mode().as_str_name());
        problems.push(problem("bond.lb", format!("{lb} is no hash, which the mode {mode} needs")));
    }
    problems
}

/// What frames are spread by, in the modes that have it.
fn hash(link: &BondLink) -> Option<LoadBalance> {
    matches!(link.mode(), Mode::Xor | Mode::Lacp).then(|| link.lb())
}

pub(in crate::interface) fn link(value: &Interface) -> BondLink {
    match &value.link {
        Some(Link::Bond(bond)) => bond.clone(),
        _ => BondLink::default(),
    }
}

pub(super) fn told(bond: &BondDetails, told: &Told<'_>) -> BondLink {
    let believed = told.believed.map(link).unwrap_or_default();
    let mode = match bond.mode {
        BondMode::RoundRobin => Mode::RoundRobin,
        BondMode::ActiveBackup => Mode::ActiveBackup,
        BondMode::Xor => Mode::Xor,
        BondMode::Broadcast => Mode::Broadcast,
        BondMode::Lacp => Mode::Lacp,
        BondMode::Other(_) => Mode::Unknown,
    };
    let lb = match bond.hash {
        BondHash::L2 | BondHash::Other(_) => LoadBalance::L2,
        BondHash::L34 => LoadBalance::L34,
        BondHash::L23 => LoadBalance::L23,
        BondHash::RoundRobin => LoadBalance::Rr,
        BondHash::Broadcast => LoadBalance::Bc,
        BondHash::ActiveBackup => LoadBalance::Ab,
    };
    let members = bond.members.iter().filter_map(|member| {
        Some(BondedInterface {
            name: told.names.given(member.sw_if_index)?.to_string(),
            is_passive: member.passive,
            is_long_timeout: member.long_timeout,
        })
    });
    BondLink {
        id: bond.id.unwrap_or(believed.id),
        mode: mode.into(),
        lb: lb.into(),
        bonded_interfaces: members.collect(),
    }
}
