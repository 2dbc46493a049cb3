//! What several tests use.
#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic, clippy::print_stdout)]

pub mod compare;
pub mod layers;
pub mod misbehaving;
pub mod scenario;
pub mod socket;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::{Value, json};
use vpp_schema::{FieldKind, hex};
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

static STARTED: Mutex<Vec<Sim>> = Mutex::new(Vec::new());

/// A client of every release, one after the other, each of a VPP just started. Definitions are read once.
pub fn on_every_release(test: impl Fn(&mut Client)) {
    for release in releases() {
        let there = {
            let mut started = STARTED.lock().expect("a lock");
            let position = started.iter().position(|sim| sim.release() == release);
            position.map(|position| started.swap_remove(position))
        };
        let mut client =
            Client::of(there.unwrap_or_else(|| Sim::new(release, options()).expect("a simulated VPP")));
        client.restart();
        test(&mut client);
        STARTED.lock().expect("a lock").push(client.sim);
    }
}

/// True when the release does the request and answers nothing.
pub fn is_silent(client: &Client, message: &str) -> bool {
    let behaviour = client.sim.behaviour();
    let has_reply = client.sim.schema().service(message).is_some_and(|s| s.reply.is_some());
    has_reply
        && (!behaviour.memif_replies && message.starts_with("memif_")
            || !behaviour.bond_replies && message.starts_with("bond_"))
}

/// Fields in the shape that the release has for them, without those that it does not have. `{"text": ...}` and
/// `{"ip": ...}` become what the release writes texts and addresses as.
pub fn shaped(client: &Client, message: &str, fields: Value) -> Value {
    shaped_below(client, message, "", fields)
}

fn shaped_below(client: &Client, message: &str, prefix: &str, fields: Value) -> Value {
    let Value::Object(object) = fields else { return fields };
    let mut out = serde_json::Map::new();
    for (name, value) in object {
        let path = format!("{prefix}{name}");
        let Some(kind) = client.sim.schema().field(message, &path) else { continue };
        let value = match (&value, kind) {
            (Value::Bool(flag), FieldKind::Integer) => json!(u8::from(*flag)),
            (Value::Object(object), kind) => {
                let bytes = matches!(kind, FieldKind::Bytes(_));
                match (object.get("text"), object.get("ip").and_then(Value::as_str)) {
                    (Some(Value::String(text)), _) if bytes => json!(hex::write(text.as_bytes())),
                    (Some(text), _) => text.clone(),
                    (None, Some(ip)) => address(ip.parse().expect("an address"), bytes),
                    (None, None) => shaped_below(client, message, &format!("{path}."), value),
                }
            }
            _ => value,
        };
        out.insert(name, value);
    }
    Value::Object(out)
}

/// An address as its octets, or as an object.
fn address(ip: IpAddr, bytes: bool) -> Value {
    let (family, arm, octets) = match ip {
        IpAddr::V4(ip) => (0, "ip4", hex::write(&ip.octets())),
        IpAddr::V6(ip) => (1, "ip6", hex::write(&ip.octets())),
    };
    if bytes { json!(octets) } else { json!({"af": family, "un": {arm: octets}}) }
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

    /// Makes a loopback.
    pub fn loopback(&mut self) -> u64 {
        self.call("create_loopback", json!({}))["sw_if_index"].as_u64().expect("index")
    }

    /// Another VPP of the release, with nothing in it.
    pub fn restart(&mut self) {
        self.sim.reset();
        self.connection = self.sim.connect();
        self.handle = self.sim.register(self.connection);
    }

    /// Puts a request whose fields are put into shape: its reply, `None` where the release sends none.
    pub fn put(&mut self, name: &str, fields: Value) -> Option<Value> {
        let fields = shaped(self, name, fields);
        let mut answers = self.answers(name, fields);
        assert!(answers.len() < 2, "{name}: {answers:?}");
        let reply = answers.pop();
        assert_eq!(reply.is_none(), is_silent(self, name), "{name}");
        reply
    }

    /// That a request is answered with a retval, where it is answered.
    pub fn expect(&mut self, name: &str, fields: Value, retval: i64) {
        let text = format!("{} {name} {fields}", self.sim.release());
        if let Some(reply) = self.put(name, fields) {
            assert_eq!(reply["retval"], retval, "{text}");
        }
    }

    /// Details of a dump whose fields are put into shape.
    pub fn dump(&mut self, name: &str, fields: Value) -> Vec<Value> {
        let fields = shaped(self, name, fields);
        self.answers(name, fields)
    }

    /// Those of the messages that the release has.
    pub fn having<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| self.sim.table().id(name).is_some()).collect()
    }

    /// The name of an interface.
    pub fn name(&self, sw_if_index: u32) -> Option<String> {
        self.sim.state().interfaces.get(sw_if_index).map(|i| i.name.clone())
    }
}
