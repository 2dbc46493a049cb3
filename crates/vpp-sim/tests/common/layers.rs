//! Requests by the ways of their fields, in the shape that a release has for them.

use serde_json::{Value, json};
use vpp_schema::FieldKind;
use vpp_sim::{Release, Sim};

use super::{Client, options, release, root};

/// Runs a test against a fresh VPP of every release that there are definitions of.
pub fn every_release(test: impl Fn(&mut Client, &str)) {
    let releases: Vec<Release> = binapi_gen::normal::releases(&root().join("api-json")).expect("releases");
    assert!(releases.len() >= 24);
    for release in releases {
        let sim = Sim::new(release, options()).expect("a simulated VPP");
        test(&mut Client::of(sim), &release.to_string());
    }
}

/// Fields of a message by their ways; those that the release does not have are left out, flags and tags get the shape
/// that it has for them.
pub fn fields(sim: &Sim, message: &str, pairs: &[(&str, Value)]) -> Value {
    let mut fields = json!({});
    for (path, value) in pairs {
        let value = match (sim.schema().field(message, path), value) {
            (None, _) => continue,
            (Some(FieldKind::Integer), Value::Bool(flag)) => json!(u8::from(*flag)),
            (Some(FieldKind::Bytes(_)), Value::String(text)) if path.ends_with("tag") => {
                json!(vpp_schema::hex::write(text.as_bytes()))
            }
            (Some(_), value) => value.clone(),
        };
        let place = path.split('.').fold(&mut fields, |place, step| &mut place[step]);
        *place = value;
    }
    fields
}

/// The first of several ways that leads somewhere.
pub fn any<'a>(value: &'a Value, ways: &[&str]) -> &'a Value {
    let found = ways.iter().find_map(|way| way.split('.').try_fold(value, |value, step| value.get(step)));
    found.unwrap_or_else(|| panic!("none of {ways:?} in {value}"))
}

impl Client {
    /// A request by the ways of its fields, see [`fields`]; its retval.
    pub fn ask(&mut self, name: &str, pairs: &[(&str, Value)]) -> i64 {
        let fields = fields(&self.sim, name, pairs);
        self.retval(name, fields)
    }

    /// The details of a dump.
    pub fn list(&mut self, name: &str, pairs: &[(&str, Value)]) -> Vec<Value> {
        let fields = fields(&self.sim, name, pairs);
        self.answers(name, fields)
    }

    /// Deletes a loopback.
    pub fn delete_loopback(&mut self, sw_if_index: u64) {
        assert_eq!(self.retval("delete_loopback", json!({"sw_if_index": sw_if_index})), 0);
    }

    /// What a command shows.
    pub fn show(&mut self, command: &str) -> String {
        let text = matches!(self.sim.schema().field("cli_inband", "cmd"), Some(FieldKind::Text(_)));
        let cmd = if text { command.to_string() } else { vpp_schema::hex::write(command.as_bytes()) };
        let reply = self.call("cli_inband", json!({"cmd": cmd}));
        assert_eq!(reply["retval"], 0, "{command}");
        let shown = reply["reply"].as_str().expect("text");
        let bytes = matches!(self.sim.schema().field("cli_inband_reply", "reply"), Some(FieldKind::Bytes(_)));
        if bytes {
            String::from_utf8(vpp_schema::hex::read(shown).expect("hex")).expect("text")
        } else {
            shown.to_string()
        }
    }

    /// True when the release has a message.
    pub fn knows(&self, name: &str) -> bool {
        self.sim.table().id(name).is_some()
    }

    /// True when it is this release or a later one.
    pub fn from(&self, year: u16, month: u8) -> bool {
        self.sim.release() >= release(&format!("{year}.{month:02}"))
    }
}
