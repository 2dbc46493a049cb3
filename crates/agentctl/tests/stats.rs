//! `agentctl vpp stats`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::{Command, Output};

use serde_json::Value;
use vpp_sim::Release;
use vpp_sim::stats::{Segment, StatsOptions, StatsServer};

fn stats(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentctl"));
    command.env_remove("VPP_STATS_SOCKET").args(["vpp", "stats"]).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_counted_is_shown_for_people_and_machines() {
    for release in ["18.10", "20.05", "22.02", "26.06"] {
        let folder = tempfile::tempdir().unwrap();
        let options = StatsOptions { workers: 1, ..StatsOptions::default() };
        let segment = Segment::new(Release::parse(release).unwrap(), &options).unwrap();
        let server = StatsServer::start(folder.path().join("stats.sock"), segment, &options).unwrap();
        server.segment().set_counter("/if/rx", 1, 3, 10, 1500).unwrap();
        let socket = server.path().to_str().unwrap();

        let shown = stats(&["--socket", socket, "/if/"]);
        let lines = text(&shown.stdout);
        assert!(shown.status.success(), "{}", text(&shown.stderr));
        let line = lines.lines().find(|line| line.starts_with("/if/rx ")).unwrap();
        assert!(line.contains("combined") && line.contains("[3]@1"), "{line}");
        assert!(line.ends_with("10 packets, 1500 bytes"), "{line}");
        assert_eq!(
            lines.lines().filter(|l| l.contains("/if/rx ")).count(),
            1,
            "{release}: zeros are left out"
        );
        assert!(lines.lines().all(|line| line.starts_with("/if/")), "{lines}");

        let shown = stats(&["--socket", socket, "--zeros", "--format", "json", "/if/r?"]);
        let said: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(said.as_array().unwrap().len(), 1, "{said}");
        assert_eq!(said[0]["name"], "/if/rx");
        assert_eq!(said[0]["threads"][1][3], serde_json::json!({"packets": 10, "bytes": 1500}));
        assert_eq!(said[0]["threads"][0], serde_json::json!([]));
    }
}

#[test]
fn without_a_vpp_it_says_what_to_do() {
    let shown = stats(&["--socket", "/no/such/stats.sock"]);
    assert_eq!(shown.status.code(), Some(2));
    let said = text(&shown.stderr);
    assert!(said.contains("/no/such/stats.sock") && said.contains("statseg"), "{said}");
}
