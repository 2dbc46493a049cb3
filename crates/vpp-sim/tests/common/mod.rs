//! What several tests use.
#![allow(dead_code, unreachable_pub)]

pub mod socket;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vpp_sim::{Options, Release, Sim};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn options() -> Options {
    Options::new(root().join("api-json"))
}

pub fn release(text: &str) -> Release {
    Release::parse(text).expect("a release")
}

pub fn sim(text: &str) -> Sim {
    Sim::new(release(text), options()).expect("a simulated VPP")
}

/// All releases that there are definitions of.
pub fn releases() -> Vec<Release> {
    let releases = binapi_gen::normal::releases(&root().join("api-json")).expect("releases");
    assert!(releases.len() >= 24);
    releases
}

/// Fields of a message by their ways; those that the release does not have are left out, flags and text get the shape
/// that it has for them.
pub fn fields(sim: &Sim, message: &str, pairs: &[(&str, Value)]) -> Value {
    let mut fields = json!({});
    for (path, value) in pairs {
        let value = match (sim.schema().field(message, path), value) {
            (None, _) => continue,
            (Some(vpp_schema::FieldKind::Integer), Value::Bool(flag)) => json!(u8::from(*flag)),
            (Some(vpp_schema::FieldKind::Bytes(_)), Value::String(text)) if path.ends_with("tag") => {
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

/// A simulated VPP with one client and no socket.
pub struct Client {
    pub sim: Sim,
    pub connection: u64,
    pub handle: u32,
}

impl Client {
    pub fn new(text: &str) -> Self {
        Self::of(sim(text))
    }

    pub fn of(mut sim: Sim) -> Self {
        let connection = sim.connect();
        let handle = sim.register(connection);
        Self { sim, connection, handle }
    }

    /// Everything that a request leads to.
    pub fn all(&mut self, name: &str, mut fields: Value) -> Vec<(String, Value)> {
        fields["client_index"] = json!(self.handle);
        fields["context"] = json!(7);
        self.sim.request(self.connection, name, &fields).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Details or reply, without events.
    pub fn answers(&mut self, name: &str, fields: Value) -> Vec<Value> {
        let all = self.all(name, fields);
        all.into_iter().filter(|(name, _)| !name.ends_with("_event")).map(|(_, fields)| fields).collect()
    }

    /// The one reply.
    pub fn call(&mut self, name: &str, fields: Value) -> Value {
        let mut answers = self.answers(name, fields);
        assert_eq!(answers.len(), 1, "{name}: {answers:?}");
        answers.remove(0)
    }

    pub fn retval(&mut self, name: &str, fields: Value) -> i64 {
        self.call(name, fields)["retval"].as_i64().expect("retval")
    }

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

    /// True when the release has a message.
    pub fn knows(&self, name: &str) -> bool {
        self.sim.table().id(name).is_some()
    }

    /// True when it is this release or a later one.
    pub fn from(&self, year: u16, month: u8) -> bool {
        self.sim.release() >= release(&format!("{year}.{month:02}"))
    }

    /// Makes a loopback.
    pub fn loopback(&mut self) -> u64 {
        self.call("create_loopback", json!({}))["sw_if_index"].as_u64().expect("index")
    }
}
