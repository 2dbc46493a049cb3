//! Every message of every release: what is encoded comes back, and no input makes the decoder fail badly.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use binapi_gen::normal;
use proptest::prelude::*;
use serde_json::json;
use vpp_schema::{Error, FieldKind, Schema};

fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json")
}

fn load(release: &str) -> Schema {
    let release = binapi_gen::Release::parse(release).expect("a release");
    Schema::new(&normal::load(&api_json(), release).expect("definitions load")).expect("definitions compile")
}

/// SplitMix64.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn every_message_of_every_release() {
    let releases = normal::releases(&api_json()).expect("releases");
    assert!(releases.len() >= 24);
    let mut messages = 0;
    for release in releases {
        let schema = Schema::new(&normal::load(&api_json(), release).expect("definitions load"))
            .expect("definitions compile");
        for message in schema.messages() {
            for seed in 0..2 {
                let mut next = numbers(seed ^ u64::from(message.crc()));
                let value = schema.sample(message.name(), &mut next).expect("sample");
                let body = schema.encode(message.name(), &value).unwrap_or_else(|e| panic!("{release}: {e}"));
                assert!(body.len() >= message.min_size());
                let (back, rest) = schema
                    .decode_and_rest(message.name(), &body)
                    .unwrap_or_else(|e| panic!("{release}: {e}"));
                assert_eq!(back, value, "{release} {}", message.name());
                assert_eq!(rest, 0, "{release} {}", message.name());
            }
            let empty = schema.encode(message.name(), &json!({})).expect("nothing given is zero");
            assert_eq!(empty.len(), message.min_size(), "{release} {}", message.name());
            assert!(empty.iter().all(|b| *b == 0));
            messages += 1;
        }
    }
    assert!(messages >= 40_000, "{messages}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    /// Bodies of any content either decode, or say where they end.
    #[test]
    fn any_bytes(pick in any::<prop::sample::Index>(), body in prop::collection::vec(any::<u8>(), 0..600)) {
        static SCHEMA: std::sync::OnceLock<Schema> = std::sync::OnceLock::new();
        let schema = SCHEMA.get_or_init(|| load("26.06"));
        let all: Vec<_> = schema.messages().collect();
        let message = pick.get(&all);
        match schema.decode(message.name(), &body) {
            Ok(_) => prop_assert!(body.len() >= message.min_size()),
            Err(Error::Truncated { offset, .. }) => prop_assert!(offset <= body.len()),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn a_count_that_is_not_there() {
    let schema = load("26.06");
    let mut body = schema.encode("acl_add_replace", &json!({})).expect("encodes");
    let at = body.len() - 4;
    body[at..].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = schema.decode("acl_add_replace", &body).expect_err("four billion rules");
    assert!(matches!(error, Error::Truncated { available: 0, .. }), "{error}");
    assert!(error.to_string().starts_with("acl_add_replace: r at offset"), "{error}");
}

#[test]
fn mistakes_are_named() {
    let schema = load("20.05");
    let error = |value| schema.encode("ip_route_add_del", &value).expect_err("a mistake").to_string();
    assert_eq!(
        error(json!({"route": {"paths": [{}, {"nh": {"adress": {}}}]}})),
        "ip_route_add_del: no field route.paths[1].nh.adress"
    );
    assert_eq!(
        error(json!({"route": {"prefix": {"len": 256}}})),
        "ip_route_add_del: route.prefix.len wants a number that fits u8, found 256"
    );
    assert_eq!(
        error(json!({"route": {"n_paths": 2, "paths": [{}]}})),
        "ip_route_add_del: route.paths has 1 elements, its count n_paths says 2"
    );
    assert_eq!(
        schema.encode("ip_add_del_route", &json!({})).expect_err("gone").to_string(),
        "VPP 20.05 has no message ip_add_del_route"
    );
}

#[test]
fn shapes_can_be_asked_for() {
    let old = load("18.10");
    let new = load("20.05");
    assert_eq!(old.field("sw_interface_details", "tag"), Some(FieldKind::Bytes(Some(64))));
    assert_eq!(new.field("sw_interface_details", "tag"), Some(FieldKind::Text(Some(64))));
    assert_eq!(new.field("ip_route_add_del", "route.paths.nh.address"), Some(FieldKind::Union));
    assert_eq!(new.field("ip_route_add_del", "route.nowhere"), None);
}

#[test]
fn unions() {
    let schema = load("20.05");
    let path = |un| json!({"prefix": {"address": {"af": 1, "un": un}}});
    let one =
        schema.encode("sw_interface_add_del_address", &path(json!({"ip4": "0a000001"}))).expect("encodes");
    let all = schema
        .encode(
            "sw_interface_add_del_address",
            &path(json!({"ip4": "00000000", "ip6": "0a000001000000000000000000000000"})),
        )
        .expect("encodes");
    assert_eq!(one, all);
}
