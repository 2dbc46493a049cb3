//! The same requests put to a real VPP and to the simulated one.

use std::path::PathBuf;

use serde_json::{Value, json};
use vpp_schema::Schema;
use vpp_sim::{Options, Sim};

use super::socket::SocketClient;
use super::{Client, shaped};

/// Both of them, each with a client.
pub struct Pair {
    pub client: Client,
    pub real: SocketClient,
    schema: Schema,
    differences: u32,
}

impl Pair {
    /// Connects to the VPP that `VPP_API_SOCKET` names; `None` without. What a VPP has done before shows in the numbers
    /// that it gives, and some requests end it; so one test is for one VPP just started, which `VPP_FRESH` confirms.
    pub fn connect(options: impl FnOnce(&SocketClient) -> Options) -> Option<Self> {
        let Some(path) = std::env::var_os("VPP_API_SOCKET").map(PathBuf::from) else {
            println!("skipped: VPP_API_SOCKET is not set");
            return None;
        };
        if std::env::var_os("VPP_FRESH").is_none() {
            println!("skipped: VPP_FRESH is not set, as it may be when a VPP just started runs one test");
            return None;
        }
        let (real, release) = SocketClient::find(&path);
        let client = Client::of(Sim::new(release, options(&real)).expect("a simulated VPP"));
        let schema = client.sim.schema().clone();
        Some(Self { client, real, schema, differences: 0 })
    }

    /// The first of the messages that both have.
    pub fn has<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        let both =
            |name: &&str| self.real.ids.contains_key(*name) && self.client.sim.table().id(name).is_some();
        names.iter().copied().find(both)
    }

    /// Puts the first of the requests that both have, in the shape of the release, and compares the answers. What
    /// the real one answered.
    pub fn ask_any(&mut self, names: &[&str], fields: Value) -> Vec<(String, Value)> {
        let Some(name) = self.has(names) else {
            println!("{names:?}: the release or this VPP has none of them");
            return Vec::new();
        };
        let fields = shaped(&self.client, name, fields);
        self.ask(name, &fields)
    }

    /// Puts a request, and compares the answers. What the real one answered.
    pub fn ask(&mut self, name: &str, fields: &Value) -> Vec<(String, Value)> {
        let answered = self.real.request(&self.schema, name, fields);
        let theirs = comparable(&answered);
        let ours = comparable(&self.client.all(name, fields.clone()));
        // Events come when the VPP gets to it, which may be during the next request.
        let replies = |list: &[String]| -> Vec<String> {
            list.iter().filter(|a| !a.starts_with("sw_interface_event")).cloned().collect()
        };
        let (ours, theirs) = (replies(&ours), replies(&theirs));
        if ours != theirs {
            self.differences += 1;
            // Shorter lines when they differ.
            let short = |line: &str| line.replace(r#"{"is_uniform":0,"label":0,"ttl":0,"exp":0}"#, "-");
            println!("\n{name} {fields}");
            for line in theirs.iter().filter(|l| !ours.contains(l)) {
                println!("  VPP {}", short(line));
            }
            for line in ours.iter().filter(|l| !theirs.contains(l)) {
                println!("  sim {}", short(line));
            }
        }
        answered
    }

    /// Says goodbye, and that all answers were the same.
    pub fn finish(mut self) {
        assert_eq!(self.real.goodbye(), (self.client.sim.behaviour().goodbye, true));
        assert_eq!(self.differences, 0, "requests answered otherwise");
    }
}

/// Answers without what a VPP makes up, in an order of their own.
fn comparable(answers: &[(String, Value)]) -> Vec<String> {
    let mut list: Vec<String> = answers
        .iter()
        .map(|(name, fields)| {
            let mut fields = fields.clone();
            for path in [&["stats_index"][..], &["route", "stats_index"]] {
                let place = path.iter().try_fold(&mut fields, |value, step| value.get_mut(step));
                if let Some(place) = place
                    && *place != json!(u32::MAX)
                {
                    *place = json!("internal");
                }
            }
            if let Some(fields) = fields.as_object_mut() {
                for key in ["client_index", "context"] {
                    fields.remove(key);
                }
                // The clock.
                if name.starts_with("ip_neighbor_") && name.ends_with("_details") {
                    fields.remove("age");
                }
                // Made up by the host.
                if name == "sw_interface_tap_v2_details" {
                    fields.remove("host_mac_addr");
                }
                // Text for people.
                if name == "cli_inband_reply" {
                    fields.remove("reply");
                }
                // A MAC that VPP made up begins with these two.
                for key in ["l2_address", "hw_addr"] {
                    if fields.get(key).and_then(Value::as_str).is_some_and(|mac| mac.starts_with("02fe")) {
                        fields.insert(key.to_string(), json!("random"));
                    }
                }
            }
            format!("{name} {fields}")
        })
        .collect();
    list.sort();
    list
}
