//! Product types and API types: each shape once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use binapi_core::types::{fixed, until_nul};
use binapi_core::{FixedString, Text};
use ipnet::IpNet;
use vppcalls_macros::convert;

use crate::error::{Error, Result};

/// An API type that stands for a product type.
pub(crate) trait Convert<P>: Sized {
    /// From the product.
    fn from_product(product: P) -> Self;

    /// To the product; VPP may tell nonsense.
    fn to_product(&self) -> Result<P>;
}

/// Text in one of VPP's three forms.
pub(crate) trait ApiText: Sized {
    /// Bytes that fit.
    const MAX: usize;

    /// `None` when it does not fit.
    fn from_str(text: &str) -> Option<Self>;

    /// Up to the first NUL.
    fn text(&self) -> String;
}

impl<const N: usize> ApiText for [u8; N] {
    const MAX: usize = N.saturating_sub(1);

    fn from_str(text: &str) -> Option<Self> {
        fixed(text)
    }

    fn text(&self) -> String {
        until_nul(self)
    }
}

impl<const N: usize> ApiText for FixedString<N> {
    const MAX: usize = N.saturating_sub(1);

    fn from_str(text: &str) -> Option<Self> {
        FixedString::new(text)
    }

    fn text(&self) -> String {
        self.to_text()
    }
}

impl ApiText for Text {
    const MAX: usize = u32::MAX as usize;

    fn from_str(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn text(&self) -> String {
        self.to_text()
    }
}

/// Text for a field; too long is an error that names it.
pub(crate) fn text<T: ApiText>(field: &'static str, text: &str) -> Result<T> {
    T::from_str(text).ok_or_else(|| Error::TooLong { field, text: text.to_string(), max: T::MAX })
}

/// Bytes of a tag.
pub(crate) const MAX_TAG: usize = 63;

/// A yes or no, `u8` in elder releases.
pub(crate) trait Flag {
    /// True for any other value than zero.
    fn on(self) -> bool;
}

impl Flag for bool {
    fn on(self) -> bool {
        self
    }
}

impl Flag for u8 {
    fn on(self) -> bool {
        self != 0
    }
}

/// 16 bytes in which IPv4 takes the first four.
pub(crate) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(ip) => ip.octets(),
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
    }
}

/// The reverse.
pub(crate) fn address_from(ipv6: bool, bytes: [u8; 16]) -> IpAddr {
    if ipv6 {
        return Ipv6Addr::from(bytes).into();
    }
    let [a, b, c, d, ..] = bytes;
    Ipv4Addr::new(a, b, c, d).into()
}

/// The IPv4 address at the start of bytes; unspecified where there are too few.
pub(crate) fn ipv4_from(bytes: &[u8]) -> Ipv4Addr {
    bytes.first_chunk::<4>().map_or(Ipv4Addr::UNSPECIFIED, |first| Ipv4Addr::from(*first))
}

/// The names in what `show plugins` prints: after a number and a full stop, one a line.
pub(crate) fn listed_plugins(listing: &str) -> impl Iterator<Item = &str> {
    listing.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let number = words.next()?.strip_suffix('.')?;
        let name = words.next()?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(name)
    })
}

/// An address with the length of its prefix, as VPP told them.
pub(crate) fn network(address: IpAddr, length: u8) -> Result<IpNet> {
    IpNet::new(address, length)
        .map_err(|_| Error::Nonsense { what: "a prefix", found: format!("{address}/{length}") })
}

#[convert]
impl Convert<IpAddr> for api::Address {
    fn from_product(address: IpAddr) -> Self {
        let af = match address {
            IpAddr::V4(_) => api::AddressFamily::ADDRESS_IP4,
            IpAddr::V6(_) => api::AddressFamily::ADDRESS_IP6,
        };
        Self { af, un: api::AddressUnion(address_bytes(address)) }
    }

    fn to_product(&self) -> Result<IpAddr> {
        match self.af {
            api::AddressFamily::ADDRESS_IP4 => Ok(address_from(false, self.un.0)),
            api::AddressFamily::ADDRESS_IP6 => Ok(address_from(true, self.un.0)),
            other => Err(Error::Nonsense { what: "an address family", found: format!("{other:?}") }),
        }
    }
}

#[convert]
impl Convert<IpNet> for api::Prefix {
    fn from_product(net: IpNet) -> Self {
        let address = Convert::from_product(net.addr());
        api! {
            has(Prefix.len) => Self { address, len: net.prefix_len() },
            _ => Self { address, address_length: net.prefix_len() },
        }
    }

    fn to_product(&self) -> Result<IpNet> {
        let length = api! {
            has(Prefix.len) => self.len,
            _ => self.address_length,
        };
        network(self.address.to_product()?, length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use binapi_messages::fib_types;
    use binapi_messages::ip_types::{v1810, v1901, v2005};

    use super::*;

    const ADDRESSES: [&str; 6] = [
        "0.0.0.0",
        "10.1.2.3",
        "255.255.255.255",
        "::",
        "2001:db8::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];

    fn there_and_back<A: Convert<IpAddr>>() {
        for text in ADDRESSES {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(A::from_product(address).to_product().unwrap(), address);
        }
    }

    fn prefixes_there_and_back<P: Convert<IpNet>>() {
        for text in ADDRESSES {
            let address: IpAddr = text.parse().unwrap();
            let most = if address.is_ipv4() { 32 } else { 128 };
            for length in [0, 1, 7, most - 1, most] {
                let net = IpNet::new(address, length).unwrap();
                assert_eq!(P::from_product(net).to_product().unwrap(), net);
            }
        }
    }

    #[test]
    fn addresses_come_back_in_every_shape() {
        let revisions = |name| binapi_index::TYPES.iter().filter(|t| t.name == name).count();
        there_and_back::<v1810::Address>();
        there_and_back::<fib_types::v1901::Address>();
        there_and_back::<v2005::Address>();
        assert_eq!(revisions("address"), 3, "one of them is not tried here");
        prefixes_there_and_back::<v1810::Prefix>();
        prefixes_there_and_back::<v1901::Prefix>();
        prefixes_there_and_back::<fib_types::v1908::Prefix>();
        prefixes_there_and_back::<v2005::Prefix>();
        assert_eq!(revisions("prefix"), 4, "one of them is not tried here");
        for text in ADDRESSES {
            let address: IpAddr = text.parse().unwrap();
            let bytes = address_bytes(address);
            assert_eq!(address_from(address.is_ipv6(), bytes), address);
            if let IpAddr::V4(v4) = address {
                assert_eq!((ipv4_from(&bytes), ipv4_from(&v4.octets())), (v4, v4));
                assert_eq!(bytes[4..], [0; 12]);
            }
        }
        assert!(ipv4_from(&[1, 2, 3]).is_unspecified());
    }

    #[test]
    fn a_family_or_a_length_that_there_is_not_is_nonsense() {
        let odd = v2005::Address { af: v2005::AddressFamily(2), ..Default::default() };
        assert!(matches!(odd.to_product(), Err(Error::Nonsense { what: "an address family", .. })));
        let long = v2005::Prefix { len: 33, ..Default::default() };
        let text = long.to_product().unwrap_err().to_string();
        assert_eq!(text, "VPP tells of a prefix: 0.0.0.0/33");
    }

    fn texts_there_and_back<T: ApiText>(most: usize) {
        assert_eq!(T::MAX, most);
        let whole = "x".repeat(most.min(200));
        for sample in ["", "a", "näme", whole.as_str()] {
            assert_eq!(text::<T>("field", sample).unwrap().text(), sample);
        }
        if most < 200 {
            let long = "x".repeat(most + 1);
            match text::<T>("field", &long) {
                Err(Error::TooLong { field: "field", text, max }) => assert_eq!((text, max), (long, most)),
                Err(other) => panic!("{other}"),
                Ok(_) => panic!("{} bytes", long.len()),
            }
        }
    }

    #[test]
    fn texts_come_back_in_every_shape() {
        texts_there_and_back::<[u8; 64]>(63);
        texts_there_and_back::<FixedString<64>>(MAX_TAG);
        texts_there_and_back::<FixedString<24>>(23);
        texts_there_and_back::<[u8; 128]>(127);
        texts_there_and_back::<Text>(u32::MAX as usize);
        // VPPs up to 19.04 leave rubbish behind the end.
        let mut rubbish = [0x13; 64];
        rubbish[..3].copy_from_slice(b"ab\0");
        assert_eq!(rubbish.text(), "ab");
        assert!(true.on() && 1_u8.on() && 255_u8.on() && !false.on() && !0_u8.on());
    }

    #[test]
    fn plugins_are_read_out_of_the_listing() {
        let listing = " Plugin path is: /usr/lib/vpp_plugins\n\n     Plugin     Version   Description\n\
                       \x20 1. memif_plugin.so   26.06   Packet Memory Interface\n  2. dhcp_plugin.so  26.06  DHCP\n";
        let found: Vec<&str> = listed_plugins(listing).collect();
        assert_eq!(found, ["memif_plugin.so", "dhcp_plugin.so"]);
    }
}
