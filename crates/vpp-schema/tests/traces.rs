//! Frames that real VPPs sent and received: decoded they are the recorded fields, encoded again the same bytes.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use binapi_gen::model::Release;
use serde_json::Value;
use vpp_schema::Schema;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema(release: &str) -> Schema {
    let release = Release::parse(release).expect("a release");
    let api = binapi_gen::normal::load(&root().join("api-json"), release).expect("definitions load");
    Schema::new(&api).expect("definitions compile")
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect()
}

fn check(release: &str) {
    let schema = schema(release);
    let text =
        std::fs::read_to_string(root().join(format!("tests/traces/{release}.jsonl"))).expect("recording");
    let mut frames = 0;
    let mut compared = 0;
    for line in text.lines().skip(1) {
        let frame: Value = serde_json::from_str(line).expect("a frame");
        let name = frame["name"].as_str().expect("name");
        let payload = unhex(frame["payload"].as_str().expect("payload"));
        let body = &payload[2..];
        let (fields, rest) =
            schema.decode_and_rest(name, body).unwrap_or_else(|e| panic!("frame {}: {e}", frame["n"]));
        assert_eq!(rest, 0, "frame {} {name}", frame["n"]);
        // The message table of the handshake is the one thing that the recording leaves undecoded.
        if !frame["fields"].is_null() {
            assert_eq!(fields, frame["fields"], "frame {} {name}", frame["n"]);
            compared += 1;
        }
        let encoded = schema.encode(name, &fields).unwrap_or_else(|e| panic!("frame {}: {e}", frame["n"]));
        // Text fields of the handshake's table may have bytes after their NUL, as VPP did not clear them.
        if name == "sockclnt_create_reply" {
            assert_eq!(schema.decode(name, &encoded).expect("decodes"), fields);
        } else {
            assert_eq!(encoded, body, "frame {} {name}", frame["n"]);
        }
        if let Some(crc) = frame["crc"].as_str() {
            let own = schema.message(name).expect("message").crc();
            assert_eq!(format!("{own:08x}"), crc.trim_start_matches("0x"), "{name}");
        }
        frames += 1;
    }
    assert!(frames > 100, "{release}: {frames} frames");
    assert_eq!(compared, frames - 1, "{release}");
}

#[test]
fn vpp_18_10() {
    check("18.10");
}

#[test]
fn vpp_20_01() {
    check("20.01");
}

#[test]
fn vpp_20_05() {
    check("20.05");
}

#[test]
fn vpp_23_06() {
    check("23.06");
}

#[test]
fn vpp_26_06() {
    check("26.06");
}
