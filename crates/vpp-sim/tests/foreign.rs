//! A client that is not ours, `vpp_papi`, against the simulated VPP, one release of every generation of the API.
//! Runs when `VPP_PAPI_PYTHON` names a Python that has it.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::path::PathBuf;
use std::process::Command;

use vpp_sim::Sim;

fn works_with_vpp_papi(release: &str) {
    let Some(python) = std::env::var_os("VPP_PAPI_PYTHON").map(PathBuf::from) else {
        println!("skipped: VPP_PAPI_PYTHON names no Python that has vpp_papi");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("api.sock");
    let sim = Sim::new(common::release(release), common::options()).expect("a simulated VPP");
    let running = sim.serve(&socket).expect("serves");
    let scenario = common::root().join("tests/foreign/papi.py");
    let definitions = common::root().join("api-json").join(release);
    let done = Command::new(python).arg(scenario).arg(release).arg(definitions).arg(&socket).output();
    let done = done.expect("Python starts");
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(done.status.success(), "{said}");
    assert!(running.sim().unimplemented().is_empty(), "{:?}", running.sim().unimplemented());
}

macro_rules! releases {
    ($($name:ident $release:literal)*) => { $(
        #[test]
        fn $name() {
            works_with_vpp_papi($release);
        }
    )* };
}

releases! {
    vpp_18_10 "18.10"
    vpp_19_08 "19.08"
    vpp_20_01 "20.01"
    vpp_20_05 "20.05"
    vpp_21_06 "21.06"
    vpp_23_06 "23.06"
    vpp_26_06 "26.06"
}
