//! `cargo xtask test`: all tests.

use std::process::{Command, ExitCode};

use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// Leave the demo out.
    #[arg(long)]
    no_demo: bool,
}

/// Environment in which tests find peers that are not part of this project.
const PEERS: [(&str, &str, &str); 4] = [
    ("VPP_API_SOCKET", "tests against a real VPP", "its API socket"),
    ("VPP_STATS_SOCKET", "tests against a real VPP's statistics", "its statistics socket"),
    ("VPP_FRESH", "comparison of the simulated VPP with a real one", "1 for one test on a VPP just started"),
    ("VPP_PAPI_PYTHON", "tests with vpp_papi as the client", "a Python that has it (pip install vpp_papi)"),
];

pub(crate) fn run(args: &TestArgs) -> Outcome {
    let tests: &[&[&str]] = &[
        &["test", "--quiet", "--workspace"],
        // Every revision of every module, which the usual build leaves out.
        &["test", "--quiet", "-p", "conformance", "--features", "all"],
        &["test", "--quiet", "-p", "conformance-features", "--features", "optional"],
    ];
    for arguments in tests {
        println!("cargo {}", arguments.join(" "));
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        if !cargo.args(*arguments).current_dir(root()).status()?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    for (variable, tests, what) in PEERS {
        if std::env::var_os(variable).is_none() {
            println!("skipped: {tests}; set {variable} to {what}");
        }
    }
    if args.no_demo {
        return Ok(ExitCode::SUCCESS);
    }
    println!("cargo xtask demo --all");
    crate::demo::all()
}
