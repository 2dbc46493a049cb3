//! Forms of addresses that several models share.

use std::net::IpAddr;

use ipnet::IpNet;

/// What a reference to an allocated address begins with: `alloc:<network>[/<interface>][/GW]`.
pub const ALLOC_PREFIX: &str = "alloc:";

/// What stands for a part of a key that cannot be parsed.
pub const INVALID: &str = "<invalid>";

/// Whether `text` refers to an allocated address rather than stating one.
pub fn is_alloc_ref(text: &str) -> bool {
    text.starts_with(ALLOC_PREFIX)
}

/// Whether `text` refers to the gateway of an allocated address.
pub fn is_gateway_ref(text: &str) -> bool {
    is_alloc_ref(text) && text.ends_with("/GW")
}

/// A reference to an allocated address: `alloc:<network>[/<interface>][/GW]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocRef<'a> {
    /// Name of the network.
    pub network: &'a str,
    /// Name of the interface that has the address; the one that the reference stands at when empty.
    pub interface: &'a str,
    /// The gateway rather than the address is meant.
    pub gateway: bool,
}

impl<'a> AllocRef<'a> {
    /// Reads a reference; `None` if `text` is none, or one without a network.
    ///
    /// ```
    /// use models::net::AllocRef;
    ///
    /// let gateway = AllocRef { network: "net1", interface: "if/1", gateway: true };
    /// assert_eq!(AllocRef::parse("alloc:net1/if/1/GW"), Some(gateway));
    /// assert_eq!(AllocRef::parse("alloc:/if1"), None);
    /// ```
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(ALLOC_PREFIX)?;
        let (text, gateway) = match text.strip_suffix("/GW") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (network, interface) = match text.split_once('/') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (text, ""),
        };
        (!network.is_empty()).then_some(Self { network, interface, gateway })
    }
}

/// Canonical text of an IP address (RFC 5952 for IPv6), or `text` as it is if it is none.
pub fn canonical_ip(text: &str) -> String {
    text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string())
}

/// `address/prefix length` as it was meant, host bits kept; `None` if it is not in that form.
pub fn parse_cidr(text: &str) -> Option<IpNet> {
    text.parse().ok()
}

/// The six bytes of a MAC address written as six pairs of hexadecimal digits, separated by `:` or `-`.
pub fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let mut bytes = [0_u8; 6];
    let mut parts = text.split(separator);
    for byte in &mut bytes {
        let part = parts.next()?;
        if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(bytes)
}

/// Canonical text of a MAC address: lower case, colons; `text` as it is if it is none.
pub fn canonical_mac(text: &str) -> String {
    parse_mac(text).map_or_else(
        || text.to_owned(),
        |[a, b, c, d, e, f]| format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_addresses_have_six_pairs_of_digits() {
        assert_eq!(parse_mac("02:fe:00:00:00:0A"), Some([2, 0xfe, 0, 0, 0, 10]));
        assert_eq!(parse_mac("02-fe-00-00-00-0a"), Some([2, 0xfe, 0, 0, 0, 10]));
        for bad in [
            "",
            "02:fe:00:00:00",
            "02:fe:00:00:00:01:02",
            "2:fe:0:0:0:1",
            "02:fe:00:00:00:0g",
            "+2:fe:00:00:00:01",
        ] {
            assert_eq!(parse_mac(bad), None, "{bad}");
        }
        assert_eq!(canonical_mac("02-FE-00-00-00-0A"), "02:fe:00:00:00:0a");
        assert_eq!(canonical_mac("nonsense"), "nonsense");
    }

    #[test]
    fn ip_text_is_canonical() {
        assert_eq!(canonical_ip("2001:DB8:0:0::1"), "2001:db8::1");
        assert_eq!(canonical_ip("10.0.0.1"), "10.0.0.1");
        assert_eq!(canonical_ip("alloc:net/GW"), "alloc:net/GW");
    }
}
