//! `agentctl vpp matrix`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn matrix(format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentctl"));
    let out = command.args(["vpp", "matrix", "--format", format]).output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_page_in_docs_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/matrix.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page == matrix("markdown"), "docs/matrix.md is not current; run `cargo xtask matrix --write`");
}

#[test]
fn every_release_is_in_one_group_of_every_area_and_nothing_is_copied() {
    let said: Value = serde_json::from_str(&matrix("json")).unwrap();
    let releases = said["releases"].as_array().unwrap();
    assert!(releases.len() >= 24);
    for area in said["areas"].as_array().unwrap() {
        let groups = area["groups"].as_array().unwrap();
        let mut served: Vec<&Value> = groups.iter().flat_map(|g| g["releases"].as_array().unwrap()).collect();
        served.sort_by_key(|release| releases.iter().position(|r| r == *release));
        assert_eq!(served, releases.iter().collect::<Vec<_>>(), "{}", area["area"]);
        assert_eq!(area["expansions"], groups.len());
        assert!(groups.len() < releases.len() / 2, "{} is expanded {} times", area["area"], groups.len());
        assert!(area["lines"].as_u64().unwrap() > 10, "{}", area["area"]);
        for group in groups {
            let required = group["required"].as_array().unwrap();
            assert!(
                required.iter().any(|need| !need["messages"].as_array().unwrap().is_empty()),
                "{group:#}"
            );
        }
    }
}

#[test]
fn the_table_has_a_line_for_every_release_and_the_costs() {
    let text = matrix("table");
    for release in ["18.10", "20.05", "26.06"] {
        assert!(text.lines().any(|line| line.starts_with(release)), "{text}");
    }
    assert!(text.contains("lines of source") && text.contains("expansions"), "{text}");
}
