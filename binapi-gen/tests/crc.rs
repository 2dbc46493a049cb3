//! CRCs as VPP's own generator computes them, and the mistakes in definitions that are mended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use binapi_gen::crc::{self, Rule};
use binapi_gen::import::{self, CoreModules};
use binapi_gen::model::{Message, TypeKind};
use binapi_gen::resolve::Names;
use binapi_gen::{Api, Release, normal, parse};

fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json")
}

fn release(year: u16, month: u16) -> Release {
    Release { year, month }
}

fn load(year: u16, month: u16) -> Api {
    normal::load(&api_json(), release(year, month)).unwrap()
}

fn message<'a>(api: &'a Api, name: &str) -> &'a Message {
    Names::new(api).messages.get(name).unwrap().1
}

/// The CRCs of a message over its own fields, up to the first chain of types, and over all types.
fn steps(api: &Api, name: &str) -> [u32; 3] {
    let names = Names::new(api);
    [Rule::FieldsOnly, Rule::FirstChain, Rule::AllTypes]
        .map(|rule| crc::compute(&names, rule, message(api, name)))
}

/// Definitions of one module, as text.
fn api(text: &str) -> Api {
    let parsed = parse::read_texts([("m", text)], &|_| binapi_gen::model::Component::Core).unwrap();
    Api::new(release(26, 6), parsed.modules).unwrap()
}

#[test]
fn messages_without_types() {
    let api = api(r#"{"types": [], "messages": [
        ["control_ping", ["u16", "_vl_msg_id"], ["u32", "client_index"], ["u32", "context"], {"crc": "0x51077d14"}],
        ["control_ping_reply", ["u16", "_vl_msg_id"], ["u32", "context"], ["i32", "retval"],
            ["u32", "client_index"], ["u32", "vpe_pid"], {"crc": "0xf6b0b8ca"}],
        ["cli_inband", ["u16", "_vl_msg_id"], ["u32", "client_index"], ["u32", "context"], ["string", "cmd", 0],
            {"crc": "0xf8377302"}]]}"#);
    assert_eq!(steps(&api, "control_ping"), [0x51077d14; 3]);
    assert_eq!(steps(&api, "control_ping_reply"), [0xf6b0b8ca; 3]);
    assert_eq!(steps(&api, "cli_inband"), [0xf8377302; 3]);
    assert_eq!(crc::verify(&api).unwrap().equal, 3);
}

#[test]
fn an_alias_ends_the_first_chain_and_an_enum_counts_after_it() {
    let api = api(r#"{"types": [], "aliases": {"interface_index": {"type": "u32"}},
        "enumflags": [["if_status_flags", ["IF_STATUS_API_FLAG_ADMIN_UP", 1], ["IF_STATUS_API_FLAG_LINK_UP", 2],
            {"enumtype": "u32"}]],
        "messages": [
        ["sw_interface_set_flags", ["u16", "_vl_msg_id"], ["u32", "client_index"], ["u32", "context"],
            ["vl_api_interface_index_t", "sw_if_index"], ["vl_api_if_status_flags_t", "flags"],
            {"crc": "0xf5aec1b8"}]]}"#);
    assert_eq!(steps(&api, "sw_interface_set_flags"), [0x68c99ef4, 0x6a2b491a, 0xf5aec1b8]);
    assert_eq!(crc::verify(&api).unwrap().equal, 1);
}

#[test]
fn types_within_types_count_as_often_as_they_are_used() {
    assert_eq!(steps(&load(26, 6), "ip_route_add_del"), [0x61c8fd46, 0xc1ff832d, 0xb8ecfe0d]);
}

/// How many members of which enum count, in the releases where that changed.
#[test]
fn trimmed_enums_are_found() {
    let trimmed = |year, month| -> Vec<(String, usize, usize)> {
        let api = load(year, month);
        let names = Names::new(&api);
        let members = |name: &str| match &names.ty(name).unwrap().kind {
            TypeKind::Enum { members, .. } => members.len(),
            _ => panic!("{name} is no enum"),
        };
        let verified = crc::verify(&api).unwrap();
        verified.trimmed.iter().map(|(name, counted)| (name.clone(), *counted, members(name))).collect()
    };
    let named = |list: &[(&str, usize, usize)]| -> Vec<(String, usize, usize)> {
        list.iter().map(|(name, counted, all)| (name.to_string(), *counted, *all)).collect()
    };
    assert_eq!(trimmed(20, 9), []);
    assert_eq!(trimmed(21, 1), named(&[("tunnel_encap_decap_flags", 6, 7), ("virtio_flags", 5, 6)]));
    assert_eq!(
        trimmed(26, 6),
        named(&[
            ("af_packet_flags", 2, 3),
            ("af_xdp_flag", 1, 2),
            ("ipsec_crypto_alg", 12, 16),
            ("ipsec_sad_flags", 7, 8),
            ("sr_behavior", 10, 13),
            ("tap_flags", 6, 9),
            ("tunnel_encap_decap_flags", 6, 9),
            ("virtio_flags", 5, 7),
        ])
    );
}

/// An install of nothing but what needs trimmed enums is still one of its release.
#[test]
fn a_small_install_is_verified_like_a_large_one() {
    let mut api = load(26, 6);
    let all = api.clone();
    let names = Names::new(&all);
    for module in api.modules.values_mut() {
        module.messages.retain(|m| crc::compute(&names, Rule::AllTypes, m) != m.crc);
    }
    let verified = crc::verify(&api).unwrap();
    assert_eq!((verified.equal, verified.with_trimmed), (28, 28));
}

/// One length of an enum has to fit all messages of a release.
#[test]
fn trimmed_enums_are_consistent() {
    let text = |first: &str, second: &str| {
        format!(
            r#"{{"types": [], "enums": [["e", ["A", 1], ["B", 2], ["C", 3], {{"enumtype": "u8"}}]], "messages": [
            ["a", ["u16", "_vl_msg_id"], ["vl_api_e_t", "x"], {{"crc": "0x{first}"}}],
            ["b", ["u16", "_vl_msg_id"], ["vl_api_e_t", "y"], {{"crc": "0x{second}"}}]]}}"#
        )
    };
    // `crc32` of `[['vl_api_e_t', 'x']]` and so on, followed by that many members.
    let crc = |field: &str, members: &[&str]| {
        let text = format!("[['vl_api_e_t', '{field}']][{}]", members.join(", "));
        format!("{:08x}", crc32fast::hash(text.as_bytes()))
    };
    let (one, two, all) =
        (&["['A', 1]"][..], &["['A', 1]", "['B', 2]"][..], &["['A', 1]", "['B', 2]", "['C', 3]"][..]);

    let found = crc::verify(&api(&text(&crc("x", all), &crc("y", all)))).unwrap();
    assert_eq!((found.equal, found.with_trimmed, found.trimmed), (2, 0, BTreeMap::new()));
    let found = crc::verify(&api(&text(&crc("x", two), &crc("y", two)))).unwrap();
    assert_eq!((found.equal, found.with_trimmed), (2, 2));
    assert_eq!(found.trimmed, BTreeMap::from([("e".to_string(), 2)]));
    for (x, y) in [(one, two), (two, all), (all, one)] {
        let error = crc::verify(&api(&text(&crc("x", x), &crc("y", y)))).unwrap_err().to_string();
        assert!(error.starts_with("1 mistake in the API definitions:\n  m:"), "{error}");
        assert!(error.contains(": stated CRC ") && error.contains(", computed "), "{error}");
    }
}

/// The raw form of the mistake: the details of a dump are listed as its events.
const GRE: &str = r#"{"types": [], "messages": [
    ["gre_tunnel_dump_v2", ["u16", "_vl_msg_id"], ["u32", "client_index"], ["u32", "context"], {"crc": "0x51077d14"}],
    ["gre_tunnel_dump_v2_reply", ["u16", "_vl_msg_id"], ["u32", "context"], ["i32", "retval"], {"crc": "0xe8d4e804"}],
    ["gre_tunnel_v2_details", ["u16", "_vl_msg_id"], ["u32", "context"], ["i32", "retval"], {"crc": "0xe8d4e804"}]
], "services": {"gre_tunnel_dump_v2": {"reply": "gre_tunnel_dump_v2_reply", "events": ["gre_tunnel_v2_details"]}}}"#;

#[test]
fn a_fix_up_mends_or_is_an_error() {
    let import = |module: &str, text: &str, release| {
        import::from_texts([(module, text)], release, &CoreModules::default()).map_err(|e| e.to_string())
    };
    let mended = import("gre", GRE, release(25, 10)).unwrap();
    assert_eq!(mended.fixups, ["details filed as events"]);
    let service = &mended.api.modules["gre"].services[0];
    assert_eq!(service.reply.as_deref(), Some("gre_tunnel_v2_details"));
    assert!(service.stream && service.events.is_empty());

    // The mistake is gone: the fix-up says so, where it was needed before; in newer releases that is the hope.
    let right = GRE.replace(
        "\"gre_tunnel_dump_v2_reply\", \"events\": [\"gre_tunnel_v2_details\"]",
        "\"gre_tunnel_v2_details\", \"stream\": true",
    );
    assert_eq!(
        import("gre", &right, release(25, 10)).unwrap_err(),
        "fix-up \"details filed as events\" finds nothing to mend in 25.10: the mistake is gone, so remove the fix-up"
    );
    assert_eq!(import("gre", &right, release(26, 10)).unwrap().fixups, Vec::<&str>::new());
    assert_eq!(import("gre", GRE, release(26, 10)).unwrap().fixups, ["details filed as events"]);
    // An install without the module has nothing to mend and is none the worse.
    assert_eq!(import("other", &right, release(25, 10)).unwrap().fixups, Vec::<&str>::new());
}

#[test]
fn file_options_of_20_01_are_cleared() {
    let import = |options: &str| {
        let text = format!("{{\"types\": [], \"messages\": [], \"options\": {options}}}");
        import::from_texts([("m", text.as_str())], release(20, 1), &CoreModules::default())
            .map_err(|e| e.to_string())
    };
    let mended = import("{\"e\": \"r\"}").unwrap();
    assert_eq!(
        (mended.fixups.as_slice(), mended.api.modules["m"].options.len()),
        (&["file options of 20.01"][..], 0)
    );
    assert!(import("{\"version\": \"1.0.0\"}").unwrap_err().contains("finds nothing to mend in 20.01"));
    // Modules without options have nothing that could be wrong.
    assert_eq!(import("{}").unwrap().fixups, Vec::<&str>::new());
}
