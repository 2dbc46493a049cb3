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

/// Text for a field; what does not fit is an error that names it, and never cut.
pub(crate) fn text<T: ApiText>(field: &'static str, text: &str) -> Result<T> {
    crate::check::length(field, text, T::MAX)?;
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
mod tests;
