//! `agentctl vpp check`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use vpp_sim::{Options, Release, Sim};

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
fn the_definitions_of_every_release_are_compatible_with_it() {
    for release in releases() {
        let folder = api_json().join(&release);
        let (status, said, errors) = check(&["--api", folder.to_str().unwrap()]);
        assert_eq!(status, 0, "{release}: {errors}");
        let rows = said["releases"].as_array().unwrap();
        let own = rows.iter().find(|row| row["release"] == release.as_str()).unwrap();
        assert_eq!(own["compatible"], true, "{own:#}");
        // Layouts are known, so what is chosen cannot be one with another layout.
        let chosen = said["chosen"].as_str().unwrap();
        let row = rows.iter().find(|row| row["release"] == chosen).unwrap();
        assert_eq!(row["compatible"], true, "{release}: {row:#}");
    }
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
