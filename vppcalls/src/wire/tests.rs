//! Conversions there and back, with every revision of the types that any release has.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use binapi_core::{FixedString, Message, Reader, Text, Wire, Writer};
use bytes::BytesMut;
use ipnet::IpNet;
use proptest::prelude::*;

use super::{ApiText, Flag, MAX_TAG, address_bytes, address_from, ipv4_from, listed_plugins, network, text};
use crate::error::Error;

/// What comes out at the other end of a connection; nothing is left of its bytes.
fn sent<T: Wire>(value: &T) -> T {
    let mut buffer = BytesMut::new();
    value.encode(&mut Writer::new(&mut buffer, "message")).unwrap();
    let mut reader = Reader::new(&buffer, 0, "message");
    let there = T::decode(&mut reader, "field").unwrap();
    assert_eq!(reader.left(), 0);
    there
}

/// The same of a message.
fn sent_message<M: Message>(message: &M) -> M {
    let mut buffer = BytesMut::new();
    message.encode_fields(&mut Writer::new(&mut buffer, M::NAME)).unwrap();
    let mut reader = Reader::new(&buffer, 0, M::NAME);
    let there = M::decode_fields(&mut reader).unwrap();
    assert_eq!(reader.left(), 0);
    there
}

/// Addresses of both families, those at the edges and those that look like one of the other among them.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let edges = [
        "0.0.0.0",
        "127.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.1.2.3",
        "::10.1.2.3",
        "a01:203::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    let edges: Vec<IpAddr> = edges.iter().map(|text| text.parse().unwrap()).collect();
    prop_oneof![
        proptest::sample::select(edges),
        any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).into()),
        any::<[u8; 16]>().prop_map(|bytes| Ipv6Addr::from(bytes).into()),
    ]
}

/// Prefixes of every length, with bits behind it and without.
fn prefixes() -> impl Strategy<Value = IpNet> {
    let length = prop_oneof![Just(0_u8), Just(u8::MAX), any::<u8>()];
    (addresses(), length, any::<bool>()).prop_map(|(address, length, bare)| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = if length == u8::MAX { most } else { length % (most + 1) };
        let net = IpNet::new(address, length).unwrap();
        if bare { net.trunc() } else { net }
    })
}

/// Texts of all lengths up to some bytes beyond what a field of 64 takes, of letters of one to four bytes.
fn texts() -> impl Strategy<Value = String> {
    let letters =
        proptest::collection::vec(proptest::sample::select(vec!['x', 'é', '語', '🦀', ' ', '\\']), 0..70);
    let ends = (55_usize..68, proptest::sample::select(vec!["", "é", "語", "🦀"]));
    prop_oneof![
        letters.prop_map(String::from_iter),
        ends.prop_map(|(length, last)| format!("{}{last}", "x".repeat(length))),
    ]
}

/// A text in a field that takes `most` bytes: it comes back, or is refused as a whole.
fn through<T: ApiText>(most: usize, sample: &str, carry: impl Fn(T) -> T) {
    assert_eq!(T::MAX, most);
    match text::<T>("field", sample) {
        Ok(field) => {
            assert!(sample.len() <= most);
            assert_eq!(carry(field).text(), sample);
        }
        Err(error @ Error::TooLong { .. }) => {
            assert!(sample.len() > most && error.is_bad_input());
            let Error::TooLong { field, text, max } = error else { return };
            assert_eq!((field, text.as_str(), max), ("field", sample, most));
        }
        Err(other) => panic!("{sample:?}: {other}"),
    }
}

#[vppcalls_macros::revisions]
mod every_revision {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use proptest::prelude::*;

    use crate::error::Error;
    use crate::wire::tests::{addresses, prefixes, sent, sent_message, texts, through};
    use crate::wire::{ApiText, Convert, Flag};

    proptest! {
        #[test]
        fn addresses_come_back(address in addresses()) {
            let there: api::Address = sent(&Convert::from_product(address));
            prop_assert_eq!(there.to_product().unwrap(), address);
        }

        /// What VPP leaves behind the four bytes of an IPv4 address is none of it.
        #[test]
        fn four_bytes_are_an_address_whatever_follows(four in any::<[u8; 4]>(), behind in any::<[u8; 12]>()) {
            let address = IpAddr::from(four);
            let mut there: api::Address = Convert::from_product(address);
            prop_assert_eq!(&there.un.0[4..], &[0; 12]);
            there.un.0[4..].copy_from_slice(&behind);
            prop_assert_eq!(sent(&there).to_product().unwrap(), address);
        }

        #[test]
        fn prefixes_come_back_with_their_length_and_the_bits_behind_it(net in prefixes()) {
            let there: api::Prefix = sent(&Convert::from_product(net));
            prop_assert_eq!(there.to_product().unwrap(), net);
        }

        #[test]
        fn a_family_that_there_is_not_is_nonsense(address in addresses(), family in any::<u8>()) {
            let mut there: api::Address = Convert::from_product(address);
            there.af = api::AddressFamily(family.into());
            match there.to_product() {
                Ok(found) => prop_assert!(family == u8::from(found.is_ipv6())),
                Err(Error::Nonsense { what: "an address family", .. }) => prop_assert!(family > 1),
                Err(other) => panic!("{other}"),
            }
        }

        #[test]
        fn a_length_that_there_is_not_is_nonsense(net in prefixes(), length in any::<u8>()) {
            let mut there: api::Prefix = Convert::from_product(net);
            api! {
                has(Prefix.len) => there.len = length,
                _ => there.address_length = length,
            };
            match there.to_product() {
                Ok(found) => prop_assert_eq!(found, IpNet::new(net.addr(), length).unwrap()),
                Err(Error::Nonsense { what: "a prefix", found }) => {
                    prop_assert!(length > net.max_prefix_len());
                    prop_assert_eq!(found, format!("{}/{length}", net.addr()));
                }
                Err(other) => panic!("{other}"),
            }
        }

        #[test]
        fn tags_and_names_come_back_whole_or_are_refused(sample in texts()) {
            through(63, &sample, |tag| sent_message(&api::SwInterfaceTagAddDel { tag, ..Default::default() }).tag);
            through(63, &sample, |tag| sent_message(&api::SwInterfaceDetails { tag, ..Default::default() }).tag);
            through(63, &sample, |interface_name| {
                sent_message(&api::SwInterfaceDetails { interface_name, ..Default::default() }).interface_name
            });
            through(63, &sample, |bd_tag| {
                sent_message(&api::BridgeDomainAddDel { bd_tag, ..Default::default() }).bd_tag
            });
            through(63, &sample, |bd_tag| {
                sent_message(&api::BridgeDomainDetails { bd_tag, ..Default::default() }).bd_tag
            });
            api! {
                has(IpTable) => through(63, &sample, |name| {
                    sent(&api::IpTable { name, ..Default::default() }).name
                }),
                _ => {
                    through(63, &sample, |name| {
                        sent_message(&api::IpTableAddDel { name, ..Default::default() }).name
                    });
                    through(63, &sample, |table_name| {
                        sent_message(&api::IpFibDetails { table_name, ..Default::default() }).table_name
                    });
                }
            };
            through(63, &sample, |hostname| sent(&api::DhcpClient { hostname, ..Default::default() }).hostname);
            through(23, &sample, |secret| sent_message(&api::MemifCreate { secret, ..Default::default() }).secret);
            api! {
                has(TapCreateV3) => {
                    through(63, &sample, |host_if_name| {
                        sent_message(&api::TapCreateV3 { host_if_name, ..Default::default() }).host_if_name
                    });
                }
                _ => {
                    through(63, &sample, |host_if_name| {
                        sent_message(&api::TapCreateV2 { host_if_name, ..Default::default() }).host_if_name
                    });
                }
            };
        }

        /// Other agents cut names where VPP's field ends, and what was there before may be left behind the end.
        #[test]
        fn whatever_bytes_a_name_has_they_are_a_text(bytes in proptest::collection::vec(any::<u8>(), 64)) {
            let mut details = api::SwInterfaceDetails::default();
            api! {
                is(SwInterfaceDetails.tag, [u8; 64]) => details.tag.copy_from_slice(&bytes),
                _ => details.tag.0.copy_from_slice(&bytes),
            };
            let text = sent_message(&details).tag.text();
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(64);
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes[..end]));
        }

        #[test]
        fn flags_that_nobody_knows_hide_none_that_are_known(bits in any::<u32>()) {
            api! {
                has(IfStatusFlags) => {
                    let flags = sent(&api::IfStatusFlags(bits));
                    let up = api::IfStatusFlags::IF_STATUS_API_FLAG_ADMIN_UP;
                    let link = api::IfStatusFlags::IF_STATUS_API_FLAG_LINK_UP;
                    prop_assert_eq!(flags.0, bits);
                    prop_assert_eq!((flags.contains(up), flags.contains(link)), (bits & 1 != 0, bits & 2 != 0));
                }
                _ => {
                    let byte = bits as u8;
                    let event = api::SwInterfaceEvent { admin_up_down: byte, ..Default::default() };
                    prop_assert_eq!(sent_message(&event).admin_up_down.on(), byte != 0);
                }
            };
        }

        #[test]
        fn macs_come_back(mac in any::<[u8; 6]>()) {
            let request = api::SwInterfaceSetMacAddress { sw_if_index: 1, mac_address: mac };
            prop_assert_eq!(sent_message(&request).mac_address, mac);
            let entry = api::L2fibAddDel { mac, ..Default::default() };
            prop_assert_eq!(sent_message(&entry).mac, mac);
        }
    }
}

proptest! {
    #[test]
    fn bytes_of_addresses_come_back(address in addresses()) {
        let bytes = address_bytes(address);
        assert_eq!(address_from(address.is_ipv6(), bytes), address);
        if let IpAddr::V4(v4) = address {
            assert_eq!((ipv4_from(&bytes), ipv4_from(&v4.octets())), (v4, v4));
            assert_eq!(bytes[4..], [0; 12]);
        }
    }

    #[test]
    fn texts_come_back_in_every_shape(sample in texts()) {
        through::<[u8; 64]>(63, &sample, |t| t);
        through::<FixedString<64>>(MAX_TAG, &sample, |t| sent(&t));
        through::<FixedString<24>>(23, &sample, |t| sent(&t));
        through::<[u8; 128]>(127, &sample, |t| t);
        through::<Text>(u32::MAX as usize, &sample, |t| sent(&t));
    }
}

#[test]
fn texts_of_63_bytes_fit_and_a_letter_is_never_cut() {
    for (sample, fits) in [
        (String::new(), true),
        ("x".repeat(63), true),
        ("x".repeat(64), false),
        (format!("{}é", "x".repeat(61)), true),
        // Its first byte is the last that fits.
        (format!("{}é", "x".repeat(62)), false),
        (format!("{}🦀", "x".repeat(59)), true),
        (format!("{}🦀", "x".repeat(61)), false),
    ] {
        assert_eq!(text::<[u8; 64]>("tag", &sample).is_ok(), fits, "{sample}");
        assert_eq!(text::<FixedString<64>>("tag", &sample).is_ok(), fits, "{sample}");
    }
    // One that somebody else cut.
    let mut cut = [b'x'; 64];
    cut[62..].copy_from_slice(&[0xf0, 0x9f]);
    assert_eq!(cut.text(), format!("{}\u{fffd}", "x".repeat(62)));
    assert_eq!(FixedString(cut).text(), cut.text());
    // VPPs up to 19.04 leave rubbish behind the end.
    let mut rubbish = [0x13; 64];
    rubbish[..3].copy_from_slice(b"ab\0");
    assert_eq!(rubbish.text(), "ab");
}

#[test]
fn a_text_with_a_nul_in_it_is_refused_in_every_shape() {
    fn refused<T: ApiText>() {
        for sample in ["\0", "a\0b", "ab\0"] {
            match text::<T>("tag", sample) {
                Err(error @ Error::Nul { .. }) => assert!(error.is_bad_input(), "{error}"),
                Err(other) => panic!("{other}"),
                Ok(_) => panic!("{sample:?} is taken"),
            }
        }
    }
    refused::<[u8; 64]>();
    refused::<FixedString<64>>();
    refused::<Text>();
}

#[test]
fn a_prefix_that_vpp_cannot_mean_is_told_as_it_came() {
    let text = network("10.0.0.0".parse().unwrap(), 33).unwrap_err().to_string();
    assert_eq!(text, "VPP tells of a prefix: 10.0.0.0/33");
    assert!(ipv4_from(&[1, 2, 3]).is_unspecified());
    assert!(true.on() && 1_u8.on() && 255_u8.on() && !false.on() && !0_u8.on());
}

#[test]
fn plugins_are_read_out_of_the_listing() {
    let listing = " Plugin path is: /usr/lib/vpp_plugins\n\n     Plugin     Version   Description\n\
                   \x20 1. memif_plugin.so   26.06   Packet Memory Interface\n  2. dhcp_plugin.so  26.06  DHCP\n";
    let found: Vec<&str> = listed_plugins(listing).collect();
    assert_eq!(found, ["memif_plugin.so", "dhcp_plugin.so"]);
}
