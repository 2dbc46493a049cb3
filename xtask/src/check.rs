//! `cargo xtask check`, `cargo xtask matrix`: hand over to `agentctl`, which has the calls compiled in. This binary must
//! not: it writes the crates that they are made of.

use std::process::{Command, ExitCode};

use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// What `agentctl vpp check --help` tells.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &CheckArgs) -> Outcome {
    status(agentctl()?.arg("check").args(&args.arguments))
}

#[derive(clap::Args)]
pub(crate) struct MatrixArgs {
    /// Fail when docs/matrix.md is not current.
    #[arg(long, conflicts_with_all = ["write", "arguments"])]
    check: bool,
    /// Write docs/matrix.md.
    #[arg(long, conflicts_with = "arguments")]
    write: bool,
    /// What `agentctl vpp matrix --help` tells.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Where the page is, from the root of the checkout.
const PAGE: &str = "docs/matrix.md";

pub(crate) fn matrix(args: &MatrixArgs) -> Outcome {
    if !args.check && !args.write {
        return status(agentctl()?.arg("matrix").args(&args.arguments));
    }
    let out = agentctl()?
        .args(["matrix", "--format", "markdown"])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !out.status.success() {
        return Ok(ExitCode::FAILURE);
    }
    let page = root().join(PAGE);
    if std::fs::read(&page).is_ok_and(|found| found == out.stdout) {
        println!("{PAGE} is current");
        return Ok(ExitCode::SUCCESS);
    }
    if args.check {
        eprintln!("error: {PAGE} is not current; run `cargo xtask matrix --write`");
        return Ok(ExitCode::FAILURE);
    }
    std::fs::write(&page, &out.stdout).map_err(|e| format!("{PAGE}: {e}"))?;
    println!("{PAGE} written");
    Ok(ExitCode::SUCCESS)
}

/// `agentctl vpp`, built from the checkout and run where the caller is.
fn agentctl() -> std::io::Result<Command> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", "agentctl", "--manifest-path"]).arg(root().join("Cargo.toml"));
    cargo.args(["--", "vpp"]).current_dir(std::env::current_dir()?);
    Ok(cargo)
}

fn status(command: &mut Command) -> Outcome {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
