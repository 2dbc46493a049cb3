//! What is wrong with a value before anything is sent.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{Error, Result};

/// A number has its least and its greatest value.
pub(crate) fn range(field: &'static str, value: u32, min: u32, max: u32) -> Result<()> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(Error::OutOfRange { field, value, min, max }) }
}

/// VLANs are 1 to 4095.
pub(crate) fn vlan(id: u16) -> Result<()> {
    range("VLAN", id.into(), 1, 4095)
}

/// A text has its greatest length in bytes, and no end before its end.
pub(crate) fn length(field: &'static str, text: &str, max: usize) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::Nul { field, text: text.to_string() });
    }
    if text.len() <= max { Ok(()) } else { Err(Error::TooLong { field, text: text.to_string(), max }) }
}

/// Two addresses are of one family.
pub(crate) fn same_family(field: &'static str, address: IpAddr, other: IpAddr) -> Result<()> {
    if address.is_ipv4() == other.is_ipv4() {
        Ok(())
    } else {
        Err(Error::OtherFamily { field, address, other })
    }
}

/// A prefix that stands for a network has no bits behind its length.
pub(crate) fn network(prefix: IpNet) -> Result<()> {
    let network = prefix.trunc();
    if prefix == network { Ok(()) } else { Err(Error::HostBits { prefix, network }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_at_the_edge_passes_and_what_is_beyond_does_not() {
        assert!(vlan(1).is_ok() && vlan(4095).is_ok());
        let text = vlan(4096).unwrap_err().to_string();
        assert_eq!(text, "VLAN 4096: VPP takes 1 to 4095");
        assert!(vlan(0).is_err());
        assert!(length("x", "abc", 3).is_ok() && length("x", "abcd", 3).is_err());
        let text = length("name", "a\0b", 9).unwrap_err().to_string();
        assert_eq!(text, "name \"a\\0b\" has a NUL in it, where it would end for VPP");
        assert!(network("10.0.0.0/8".parse().unwrap()).is_ok());
        let text = network("10.0.0.1/8".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(text, "10.0.0.1/8 has bits behind its prefix; the network is 10.0.0.0/8");
        let (v4, v6) = ("10.0.0.1".parse().unwrap(), "::1".parse().unwrap());
        assert!(same_family("x", v4, v4).is_ok() && same_family("x", v6, v6).is_ok());
        let text = same_family("next hop", v6, v4).unwrap_err().to_string();
        assert_eq!(text, "next hop ::1 is of another family than 10.0.0.1");
    }
}
