//! `cargo xtask check`: hands over to `agentctl`, which has the calls compiled in. This binary must not: it writes the
//! crates that they are made of.

use std::process::{Command, ExitCode};

use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// What `agentctl vpp check --help` tells.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &CheckArgs) -> Outcome {
    let here = std::env::current_dir()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", "agentctl", "--manifest-path"]).arg(root().join("Cargo.toml"));
    let status = cargo.args(["--", "vpp", "check"]).args(&args.arguments).current_dir(here).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
