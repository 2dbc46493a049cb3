//! Statistics of simulated VPPs of all releases, and of what is no VPP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod corruption;
mod layouts;
mod real;
mod sockets;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use vpp_client::stats::{Stats, StatsConfig};
use vpp_sim::stats::{Segment, StatsOptions, StatsServer};
use vpp_sim::{Options, Release, Sim};

fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json")
}

fn releases() -> impl Iterator<Item = &'static str> {
    binapi_index::RELEASES.iter().map(|r| r.name)
}

fn release(name: &str) -> Release {
    Release::parse(name).unwrap()
}

fn from(name: &str, year: u16, month: u16) -> bool {
    release(name) >= Release { year, month }
}

fn sim(name: &str) -> Sim {
    Sim::new(release(name), Options::new(api_json())).unwrap()
}

fn options() -> StatsOptions {
    StatsOptions { workers: 2, ..StatsOptions::default() }
}

fn config(path: &Path) -> StatsConfig {
    StatsConfig {
        connect_within: Duration::from_secs(5),
        read_within: Duration::from_secs(5),
        ..StatsConfig::new(path)
    }
}

/// A simulated VPP without interfaces but `local0`, whose statistics are served.
struct Served {
    sim: Sim,
    server: StatsServer,
    _folder: TempDir,
}

impl Served {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut sim = sim(name);
        let server = sim.serve_stats(folder.path().join("stats.sock"), &options()).unwrap();
        Self { sim, server, _folder: folder }
    }

    fn segment(&self) -> &Segment {
        self.server.segment()
    }

    fn connect(&self) -> Stats {
        Stats::connect(config(self.server.path())).unwrap()
    }

    fn add(&mut self, name: &str) -> u32 {
        self.sim.add_interface(name, [2, 0, 0, 0, 0, 1])
    }

    /// Deletes a loopback.
    fn delete(&mut self, index: u32) {
        let answers = self.call("delete_loopback", &serde_json::json!({"sw_if_index": index}));
        assert_eq!(answers["retval"], 0, "{answers}");
    }

    fn loopback(&mut self) -> u32 {
        let answer = self.call("create_loopback", &serde_json::json!({}));
        u32::try_from(answer["sw_if_index"].as_u64().unwrap()).unwrap()
    }

    fn call(&mut self, name: &str, fields: &serde_json::Value) -> serde_json::Value {
        let connection = self.sim.connect();
        let mut fields = fields.clone();
        fields["client_index"] = self.sim.register(connection).into();
        let answers = self.sim.request(connection, name, &fields).unwrap();
        self.sim.disconnect(connection);
        answers.into_iter().find(|(name, _)| name.ends_with("_reply")).unwrap().1
    }
}

/// Statistics that are served without a VPP: there are no interfaces.
struct Alone {
    server: StatsServer,
    _folder: TempDir,
}

impl Alone {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let segment = Segment::new(release(name), &options()).unwrap();
        let server = StatsServer::start(folder.path().join("stats.sock"), segment, &options()).unwrap();
        Self { server, _folder: folder }
    }

    fn segment(&self) -> &Segment {
        self.server.segment()
    }

    fn connect(&self) -> Stats {
        Stats::connect(config(self.server.path())).unwrap()
    }
}
