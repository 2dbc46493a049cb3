//! Loopbacks.

use models::net::parse_mac;
use vppcalls::NewInterface;

use super::Kind;

pub(super) const KIND: Kind = Kind {
    new: |value, _| Ok(NewInterface::Loopback { mac: parse_mac(&value.phys_address), instance: None }),
    same: |_, _| true,
    needs: super::nothing,
    invalid: super::anything,
};
