//! What several tests use.
#![allow(dead_code, unreachable_pub)]

pub mod layers;
pub mod scenario;
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
}
