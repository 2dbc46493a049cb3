//! `agentctl vpp check`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use vpp_sim::{Fault, Options, Release, Rule, Sim};

fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json")
}

fn releases() -> Vec<String> {
    let names = std::fs::read_dir(api_json()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Release::parse(name).is_some()).collect()
}

fn check(arguments: &[&str]) -> (i32, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentctl"));
    let out = command.args(["vpp", "check", "--format", "json"]).args(arguments).output().unwrap();
    let said = serde_json::from_slice(&out.stdout).unwrap_or_default();
    (out.status.code().unwrap(), said, String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn the_definitions_of_every_release_are_known_as_its_own_and_given_its_calls() {
    for release in releases() {
        let folder = api_json().join(&release);
        let (status, said, errors) = check(&["--api", folder.to_str().unwrap()]);
        assert_eq!(status, 0, "{release}: {errors}");
        assert_eq!(said["chosen"], release.as_str(), "{said:#}");
        assert_eq!((&said["version_guessed"], &said["notice"]), (&true.into(), &Value::Null), "{said:#}");
        let rows = said["releases"].as_array().unwrap();
        let own = rows.iter().find(|row| row["release"] == release.as_str()).unwrap();
        assert_eq!(own["compatible"], true, "{own:#}");
    }
}

/// What `agentctl` prints for people.
fn text(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentctl"));
    let out = command.args(["vpp", "check"]).args(arguments).output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_folder_and_a_socket_of_one_vpp_get_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let definitions = api_json().join("26.06");
    let sim = Sim::new(Release::parse("26.06").unwrap(), Options::new(api_json())).unwrap();
    let _running = sim.serve(socket.clone()).unwrap();
    let of_socket = text(&["--socket", socket.to_str().unwrap()]);
    let of_folder = text(&["--version", "26.06-release", "--api", definitions.to_str().unwrap()]);
    assert_eq!(of_socket, of_folder);
    assert!(
        of_socket.ends_with(
            "VPP 26.06-release is given the calls of 26.06; plugins absent: none; not supported: \
             scan of neighbours (it lacks ip_scan_neighbor_enable_disable)\n"
        ),
        "{of_socket}"
    );
}

#[test]
fn a_changed_message_is_refused_with_the_name_of_it_and_can_be_forced() {
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    std::fs::create_dir(&core).unwrap();
    for entry in std::fs::read_dir(api_json().join("26.06/core")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), core.join(entry.file_name())).unwrap();
    }
    let l2 = std::fs::read_to_string(core.join("l2.api.json")).unwrap();
    let line = l2.lines().find(|l| l.contains("\"l2fib_add_del\"")).unwrap();
    let changed = l2.replace(line, &line.replace("0xeddda487", "0x12345678"));
    assert_ne!(changed, l2);
    std::fs::write(core.join("l2.api.json"), changed).unwrap();
    let folder = folder.path().to_str().unwrap();
    let (status, said, _) = check(&["--api", folder]);
    assert_eq!((status, &said["chosen"]), (1, &Value::Null), "{said:#}");
    let refusal = said["refusal"].as_str().unwrap();
    let expected =
        "26.06, which it says it is of: other CRC: l2fib_add_del (eddda487 needed, 12345678 found).";
    assert!(refusal.contains(expected), "{refusal}");
    assert!(text(&["--api", folder]).ends_with(&format!("{refusal}\n")));

    let (status, said, _) = check(&["--api", folder, "--force-release", "26.06"]);
    assert_eq!((status, &said["chosen"], &said["forced"]), (0, &"26.06".into(), &true.into()));
    assert!(said["notice"].as_str().unwrap().contains("DO NOT FIT: other CRC: l2fib_add_del"), "{said:#}");
    let (status, said, _) = check(&["--api", folder, "--force-release", "26.07"]);
    assert!(status == 1 && said["refusal"].as_str().unwrap().contains("expected one of 18.10, "), "{said:#}");
}

#[test]
fn the_same_crc_with_another_layout_is_told() {
    let folder = api_json().join("20.01");
    let (_, said, _) = check(&["--api", folder.to_str().unwrap()]);
    let rows = said["releases"].as_array().unwrap();
    let later = rows.iter().find(|row| row["release"] == "20.05").unwrap();
    let layouts = later["misfit"]["same_crc_other_layout"].as_array().unwrap();
    assert!(layouts.contains(&"ip_route_add_del".into()), "{later:#}");
}

#[test]
fn a_running_vpp_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let sim = Sim::new(Release::parse("20.01").unwrap(), Options::new(api_json())).unwrap();
    let _running = sim.serve(socket.clone()).unwrap();
    let (status, said, errors) = check(&["--socket", socket.to_str().unwrap()]);
    assert_eq!((status, said["chosen"].as_str()), (0, Some("20.01")), "{errors}");
}

#[test]
fn exit_status_tells_incompatible_from_undecidable() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table");
    std::fs::write(&table, "control_ping_51077d14\n").unwrap();
    assert_eq!(check(&["--table", table.to_str().unwrap()]).0, 1);
    std::fs::write(&table, "what is this\n").unwrap();
    let (status, _, errors) = check(&["--table", table.to_str().unwrap()]);
    assert!(status == 2 && errors.contains("what is this"), "{errors}");
    let (status, _, errors) = check(&["--api", "/no/such/folder"]);
    assert!(status == 2 && errors.contains("/no/such/folder"), "{errors}");
    let (status, _, errors) = check(&[]);
    assert!(status == 2 && errors.contains("--api"), "{errors}");
}

#[test]
fn a_running_vpp_that_tells_its_definitions_is_compared_layout_by_layout() {
    for release in ["24.06", "26.06"] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("api.sock");
        let sim = Sim::new(Release::parse(release).unwrap(), Options::new(api_json())).unwrap();
        let _running = sim.serve(socket.clone()).unwrap();
        let (status, said, errors) = check(&["--socket", socket.to_str().unwrap()]);
        assert_eq!((status, said["layouts_compared"].as_bool()), (0, Some(true)), "{release}: {errors}");
        assert_eq!(said["chosen"], release);
    }
}

/// A copy of `agentctl` that anybody may run.
fn for_anybody(folder: &Path) -> PathBuf {
    let copy = folder.join("agentctl");
    std::fs::copy(env!("CARGO_BIN_EXE_agentctl"), &copy).unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn a_socket_that_may_not_be_used_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let sim = Sim::new(Release::parse("26.06").unwrap(), Options::new(api_json())).unwrap();
    let _running = sim.serve(socket.clone()).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = Command::new(for_anybody(folder.path()));
    if nix::unistd::geteuid().is_root() {
        // Root may do everything.
        command.uid(65534).gid(65534);
    }
    let out = command.args(["vpp", "check", "--socket"]).arg(&socket).current_dir("/").output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{errors}");
    assert!(errors.contains("api.sock: permission denied; ") && errors.contains("group"), "{errors}");
}

#[test]
fn an_interrupted_check_says_goodbye() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let mut sim = Sim::new(Release::parse("26.06").unwrap(), Options::new(api_json())).unwrap();
    // The question for its definitions is never answered.
    sim.add_fault(Rule::new("get_api_json", Fault::Drop { execute: false })).unwrap();
    let running = sim.serve(socket.clone()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentctl"));
    let mut child = command.args(["vpp", "check", "--socket"]).arg(&socket).spawn().unwrap();
    while running.sim().received().get("get_api_json").is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(running.sim().received().get("sockclnt_delete"), Some(&1));
}
