//! `cargo xtask test`: all tests.

use std::process::{Command, ExitCode};

use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// Leave the demo out.
    #[arg(long)]
    no_demo: bool,
}

/// Environment in which tests find a real VPP.
const REAL: &str = "VPP_API_SOCKET";

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
    if std::env::var_os(REAL).is_none() {
        println!("skipped: tests against a real VPP; set {REAL} to its API socket");
    }
    if args.no_demo {
        return Ok(ExitCode::SUCCESS);
    }
    println!("cargo xtask demo --all");
    crate::demo::all()
}
