//! Frames that were recorded between a client and real VPPs.

use std::path::Path;

use serde_json::Value;
use vpp_schema::hex;

/// Releases of which there is a recording.
pub const RELEASES: [&str; 5] = ["18.10", "20.01", "20.05", "23.06", "26.06"];

/// A recorded frame.
#[derive(Clone, Debug)]
pub struct Frame {
    pub n: u64,
    /// From the client to VPP.
    pub request: bool,
    pub name: String,
    pub crc: Option<u32>,
    pub payload: Vec<u8>,
    pub fields: Value,
}

impl Frame {
    pub fn context(&self) -> Option<u64> {
        self.fields.get("context").and_then(Value::as_u64)
    }
}

pub fn load(release: &str) -> Vec<Frame> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("traces/{release}.jsonl"));
    let text = std::fs::read_to_string(&path).expect("a recording");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let head = lines.next().expect("a header");
    assert_eq!(head["release"], release);
    let frames: Vec<Frame> = lines
        .map(|line| Frame {
            n: line["n"].as_u64().expect("a number"),
            request: line["dir"] == "tx",
            name: line["name"].as_str().expect("a name").to_string(),
            crc: line["crc"].as_str().map(|crc| u32::from_str_radix(crc, 16).expect("a CRC")),
            payload: hex::read(line["payload"].as_str().expect("a payload")).expect("hex"),
            fields: line["fields"].clone(),
        })
        .collect();
    assert!(frames.len() > 100, "{} has {} frames", path.display(), frames.len());
    frames
}
