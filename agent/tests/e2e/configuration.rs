//! A configuration of everything, and orders to state it in.

use models::Registry;
use serde_json::Value;

/// A value as it is stated.
#[derive(Clone, Debug)]
pub(crate) struct Stated {
    /// Its key, without the agent.
    pub(crate) key: String,
    pub(crate) json: Value,
}

impl Stated {
    /// Its key in a store.
    pub(crate) fn stored(&self) -> String {
        full(&self.key)
    }
}

/// A key in a store, of the agent `vpp1`.
pub(crate) fn full(key: &str) -> String {
    format!("/vnf-agent/vpp1/{key}")
}

/// What the descriptors are tested with, and more: values of every type of interface and of all that goes with them.
pub(crate) fn everything() -> Vec<Stated> {
    let registry = Registry::builtin().unwrap();
    let texts =
        [include_str!("../../../crates/descriptors/tests/configuration.json"), include_str!("more.json")];
    let rows = texts.into_iter().flat_map(|text| serde_json::from_str::<Vec<Value>>(text).unwrap());
    let stated = |row: Value| {
        let model = registry.by_name(row["model"].as_str().unwrap()).unwrap();
        let key = model.decode(&row["json"]).unwrap_or_else(|e| panic!("{row}: {e}")).key();
        Stated { key, json: row["json"].clone() }
    };
    let all: Vec<Stated> = rows.map(stated).collect();
    assert!(all.len() >= 60, "{}", all.len());
    all
}

/// What of it a VPP can have on a machine that gives it no devices.
pub(crate) fn without_devices() -> Vec<Stated> {
    let mut all = everything();
    let mut gone: Vec<String> = Vec::new();
    loop {
        let needs_device = |stated: &Stated| {
            matches!(stated.json["type"].as_str(), Some("TAP" | "AF_PACKET")) || mentions(&stated.json, &gone)
        };
        let (out, kept): (Vec<Stated>, Vec<Stated>) = all.into_iter().partition(needs_device);
        all = kept;
        if out.is_empty() {
            return all;
        }
        gone = out.iter().filter_map(|stated| stated.json["name"].as_str().map(str::to_owned)).collect();
    }
}

fn mentions(json: &Value, names: &[String]) -> bool {
    match json {
        Value::String(text) => names.contains(text),
        Value::Array(list) => list.iter().any(|value| mentions(value, names)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, names)),
        _ => false,
    }
}

/// Numbers that look random. The seed is told, and `SEED` gives it again.
pub(crate) fn numbers() -> fastrand::Rng {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed} gives the same order again");
    fastrand::Rng::with_seed(seed)
}
