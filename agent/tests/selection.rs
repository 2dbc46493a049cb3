//! The agent as a process, before VPPs whose API is not what it seems.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{Stage, api_json, release, tags};
use vpp_sim::{Options, Running};

const LOOPBACK: &str = "config/vpp/v2/interfaces/if1: {name: if1, type: SOFTWARE_LOOPBACK, enabled: true}\n";
const TAP: &str =
    "config/vpp/v2/interfaces/tap1: {name: tap1, type: TAP, enabled: true, tap: {host_if_name: tap1-host}}\n";

/// The definitions of a release in a folder of their own.
fn copied(of: &str, into: &Path) {
    for part in ["core", "plugins"] {
        let to = into.join(of).join(part);
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(api_json().join(of).join(part)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    std::fs::copy(api_json().join(of).join("PROVENANCE"), into.join(of).join("PROVENANCE")).unwrap();
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// Starts an agent in place of the one before, with a log of its own.
fn start(stage: &mut Stage, forced: Option<&str>) {
    stage.kill();
    let _ = std::fs::remove_file(stage.path("log"));
    stage.start_with(|agent| {
        agent.env("RUST_LOG", "info,vpp_agent=debug");
        agent.envs(forced.map(|release| ("FORCE_RELEASE", release)));
    });
}

/// Waits until it is so.
fn until(stage: &Stage, what: &str, mut so: impl FnMut() -> bool) {
    stage.wait(what, || so().then_some(()));
}

fn asked(vpp: &Running, message: &str) -> u64 {
    vpp.sim().received().get(message).copied().unwrap_or_default()
}

#[test]
fn a_connection_is_told_in_one_line_with_release_calls_plugins_and_what_is_not_supported() {
    for (of, without, line) in [
        (
            "26.06",
            "tapv2",
            "VPP 26.06-release is given the calls of 26.06; plugins absent: tapv2; not supported: scan of neighbours (it lacks ip_scan_neighbor_enable_disable)",
        ),
        (
            "18.10",
            "abf",
            "VPP 18.10-release is given the calls of 18.10; plugins absent: none; not supported: promiscuous interfaces (it lacks sw_interface_set_promisc)",
        ),
    ] {
        let mut stage = Stage::new(LOOPBACK);
        let options = Options { without_plugins: vec![without.to_string()], ..Options::new(api_json()) };
        let vpp = stage.vpp(of, options);
        start(&mut stage, None);
        stage.wait_log(line);
        until(&stage, "loopback", || tags(&vpp) == ["if1"]);
        assert_eq!(stage.log().matches(" is given the calls of ").count(), 1, "{}", stage.log());
    }
}

#[test]
fn a_plugin_that_comes_with_a_restart_makes_what_needs_it() {
    let mut stage = Stage::new(&format!("{LOOPBACK}{TAP}"));
    let without = Options { without_plugins: vec!["tapv2".to_string()], ..Options::new(api_json()) };
    let vpp = stage.vpp("26.06", without.clone());
    start(&mut stage, None);
    stage.wait_log("plugins absent: tapv2;");
    until(&stage, "loopback", || tags(&vpp) == ["if1"]);
    let vpp = vpp.restart_as(release("26.06"), Options::new(api_json())).unwrap();
    stage.wait_log("plugins absent: none;");
    until(&stage, "TAP", || tags(&vpp).contains(&"tap1".to_string()));
    // And one that goes takes only that with it.
    let vpp = vpp.restart_as(release("26.06"), without).unwrap();
    until(&stage, "second word of it", || stage.log().matches("plugins absent: tapv2;").count() == 2);
    until(&stage, "loopback", || tags(&vpp) == ["if1"]);
}

#[test]
fn vpps_own_definitions_are_asked_for_once_a_build() {
    let mut stage = Stage::new(LOOPBACK);
    let vpp = stage.vpp("26.06", Options::new(api_json()));
    start(&mut stage, None);
    stage.wait_log("VPP's own definitions agree with the calls");
    assert_eq!(asked(&vpp, "get_api_json"), 1);
    let vpp = vpp.restart_as(release("26.06"), Options::new(api_json())).unwrap();
    until(&stage, "loopback", || tags(&vpp) == ["if1"]);
    assert_eq!(asked(&vpp, "get_api_json"), 0, "the same build");
    // An elder release does not tell them; another build is asked.
    let vpp = vpp.restart_as(release("24.02"), Options::new(api_json())).unwrap();
    until(&stage, "loopback", || tags(&vpp) == ["if1"]);
    let vpp = vpp.restart_as(release("25.10"), Options::new(api_json())).unwrap();
    until(&stage, "question", || asked(&vpp, "get_api_json") == 1);
}

#[test]
fn another_layout_behind_the_same_crc_stops_the_agent_from_using_the_calls() {
    let mut stage = Stage::new(LOOPBACK);
    let definitions = stage.path("api-json");
    copied("26.06", &definitions);
    // What it does is that of 26.06; what it tells of itself is not: no table shows it.
    let file = definitions.join("26.06/core/interface_types.api.json");
    let [good, bad] = ["u32", "u16"].map(|ty| format!(r#""interface_index": {{"type": "{ty}"}}"#));
    let vpp = stage.vpp("26.06", Options::new(&definitions));
    replace(&file, &good, &bad);
    start(&mut stage, None);
    stage.wait_log("26.06, which it says it is of: same CRC, other layout: ");
    let log = stage.log();
    assert!(log.contains("sw_interface_set_flags") || log.contains(" more."), "{log}");
    // What was under way comes to its end; then nothing more is written.
    let mut before = vpp.sim().received().clone();
    until(&stage, "silence", || {
        std::thread::sleep(Duration::from_millis(200));
        let now = vpp.sim().received().clone();
        std::mem::replace(&mut before, now.clone()) == now
    });
    stage.write(&LOOPBACK.replace("if1", "if2"));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!tags(&vpp).contains(&"if2".to_string()));
    assert_eq!(*vpp.sim().received(), before);

    // The same build comes back: it is refused before anything is sent.
    replace(&file, &bad, &good);
    let vpp = vpp.restart_as(release("26.06"), Options::new(&definitions)).unwrap();
    replace(&file, &good, &bad);
    until(&stage, "second refusal", || stage.log().matches("which it says it is of").count() == 2);
    assert_eq!(asked(&vpp, "create_loopback") + asked(&vpp, "get_api_json"), 0);

    // Who takes the risk is told of it, and gets what was asked for.
    start(&mut stage, Some("26.06"));
    until(&stage, "loopback", || tags(&vpp) == ["if2"]);
    stage.wait_log("DO NOT FIT: same CRC, other layout: ");
    stage.wait_log("wrongly");

    // A VPP that is as it should be is taken by the next connection.
    start(&mut stage, None);
    stage.wait_log("which it says it is of: same CRC, other layout: ");
    let vpp = vpp.restart_as(release("26.02"), Options::new(api_json())).unwrap();
    until(&stage, "loopback", || tags(&vpp) == ["if2"]);
}

#[test]
fn a_build_with_a_changed_message_is_refused_and_forced_by_the_operator() {
    let mut stage = Stage::new(LOOPBACK);
    let definitions = stage.path("api-json");
    copied("26.06", &definitions);
    // Made only for ports of a bridge domain, which nothing here asks for.
    let file = definitions.join("26.06/core/l2.api.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|l| l.contains("\"l2fib_add_del\"")).unwrap();
    replace(&file, line, &line.replace("0xeddda487", "0x12345678"));
    let vpp = stage.vpp("26.06", Options::new(&definitions));
    start(&mut stage, None);
    stage.wait_log("VPP 26.06-release fits no supported release:");
    stage.wait_log("other CRC: l2fib_add_del (eddda487 needed, 12345678 found).");
    assert_eq!(asked(&vpp, "create_loopback"), 0);
    start(&mut stage, Some("26.06"));
    until(&stage, "loopback", || tags(&vpp) == ["if1"]);
    stage.wait_log(
        "the calls of 26.06 are forced upon VPP 26.06-release and DO NOT FIT: other CRC: l2fib_add_del",
    );
}

#[test]
fn a_release_that_is_not_supported_cannot_be_forced() {
    let out = Command::new(env!("CARGO_BIN_EXE_vpp-agent"))
        .args(["--source", "/nowhere", "--force-release", "26.07"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && said.contains("expected one of 18.10, "), "{said}");
}
