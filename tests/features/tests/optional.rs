//! The features `serde` and `arbitrary` of the generated messages: what they make survives each other and the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use binapi_core::{Array, FixedString, Frame, Message, Text};
use binapi_messages as m;
use bytes::BytesMut;
use proptest::prelude::{ProptestConfig, any, proptest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Made of random bytes, to the wire and back, to JSON and back: the same bytes each time. Tells what it was of.
fn survives<M>(random: &[u8]) -> &'static str
where
    M: Message + Serialize + DeserializeOwned + for<'a> Arbitrary<'a>,
{
    let frame = Frame { message: M::arbitrary(&mut Unstructured::new(random)).unwrap(), ..Frame::default() };
    let mut wire = BytesMut::new();
    frame.encode(&mut wire).unwrap();

    let decoded = Frame::<M>::decode(&wire).unwrap();
    let mut again = BytesMut::new();
    decoded.encode(&mut again).unwrap();
    assert_eq!(again, wire, "{}", M::NAME);
    if let Some(at) = M::RETVAL {
        let retval = i32::from_be_bytes(wire[at..at + 4].try_into().unwrap());
        assert_eq!(frame.message.retval(), Some(retval), "{}", M::NAME);
    }

    // JSON has no NaN and no infinity.
    let text = serde_json::to_string(&frame.message).unwrap();
    if !text.contains("null") {
        let message: M = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}: {text}", M::NAME));
        let mut again = BytesMut::new();
        Frame { message, ..Frame::default() }.encode(&mut again).unwrap();
        assert_eq!(again, wire, "{} {text}", M::NAME);
    }
    M::NAME
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_made_of_random_bytes_survives_wire_and_json(random in any::<[u8; 400]>()) {
        let names = [
            survives::<m::acl::v2005::AclAddReplace>(&random),
            survives::<m::acl::v1810::AclAddReplaceReply>(&random),
            survives::<m::dhcp::v2005::DhcpComplEvent>(&random),
            survives::<m::ip::v2005::IpRouteAddDel>(&random),
            survives::<m::ip::v2005::IpAddressDetails>(&random),
            survives::<m::memif::v2306::MemifSocketFilenameAddDelV2>(&random),
            survives::<m::nat::v1901::Nat44AddDelLbStaticMapping>(&random),
            survives::<m::ping::v2402::WantPingFinishedEvents>(&random),
        ];
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}

#[test]
fn texts_are_strings_where_that_says_all() {
    let to_json = |text: &[u8]| {
        let mut bytes = [0; 8];
        bytes[..text.len()].copy_from_slice(text);
        let value = serde_json::to_value(FixedString::<8>(bytes)).unwrap();
        assert_eq!(serde_json::from_value::<FixedString<8>>(value.clone()).unwrap().0, bytes);
        value
    };
    assert_eq!(to_json(b"vpp"), "vpp");
    assert_eq!(to_json(b"12345678"), "12345678");
    // Left over behind the first NUL; not UTF-8.
    assert_eq!(to_json(b"a\0b"), json!([97, 0, 98, 0, 0, 0, 0, 0]));
    assert_eq!(to_json(b"\xff"), json!([255, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(serde_json::to_value(Text::from("show version")).unwrap(), "show version");
    assert_eq!(serde_json::to_value(Text(vec![0xff])).unwrap(), json!([255]));
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let long: Result<FixedString<4>, _> = serde_json::from_value("12345".into());
    assert!(long.unwrap_err().to_string().contains("at most 4 bytes"));
    let elements = |n: usize| serde_json::from_value::<Array<u16, 40>>(vec![Value::from(7); n].into());
    assert_eq!(elements(40).unwrap().0, [7; 40]);
    assert!(elements(39).unwrap_err().to_string().contains("40 elements"));
    assert!(elements(41).is_err());
}

#[test]
fn enums_are_numbers_also_those_without_a_name() {
    let value = m::ip::v2001::IpReassType(77);
    assert_eq!(serde_json::to_value(value).unwrap(), 77);
    assert_eq!(serde_json::from_value::<m::ip::v2001::IpReassType>(77.into()).unwrap(), value);
}
