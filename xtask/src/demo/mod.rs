//! `cargo xtask demo`: what the agent does, step by step, each step checked.

mod dataplane;
mod processes;
mod script;

use std::path::PathBuf;
use std::process::ExitCode;

use binapi_gen::{Release, normal};

use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// The release that the simulated VPP is of, such as 20.05.
    #[arg(long, default_value = "26.06", conflicts_with_all = ["all", "vpp"])]
    release: String,
    /// Walk through with every release, and tell only how it ended.
    #[arg(long, conflicts_with = "vpp")]
    all: bool,
    /// The API socket of a real VPP. The step that restarts VPP is left out; what is made is removed at the end.
    #[arg(long)]
    vpp: Option<PathBuf>,
    /// Show the agent's own log, too.
    #[arg(long)]
    verbose: bool,
}

pub(crate) fn run(args: &DemoArgs) -> Outcome {
    if args.all {
        return all();
    }
    processes::build()?;
    let releases = normal::releases(&root().join("api-json"))?;
    if let Some(socket) = &args.vpp {
        script::walk(&script::Plan::real(socket.clone(), args.verbose))?;
        return Ok(ExitCode::SUCCESS);
    }
    let release = Release::parse(&args.release)
        .filter(|r| releases.contains(r))
        .ok_or_else(|| format!("--release {}: expected one of {}", args.release, spell(&releases)))?;
    script::walk(&script::Plan::simulated(release, other(&releases, release), args.verbose))?;
    Ok(ExitCode::SUCCESS)
}

/// With every release; tells only how it ended.
pub(crate) fn all() -> Outcome {
    processes::build()?;
    let releases = normal::releases(&root().join("api-json"))?;
    let mut failed = 0;
    for release in &releases {
        let started = std::time::Instant::now();
        let plan = script::Plan::simulated(*release, other(&releases, *release), false).quiet();
        match script::walk(&plan) {
            Ok(()) => println!("VPP {release}: ok, {:.1} s", started.elapsed().as_secs_f64()),
            Err(e) => {
                println!("VPP {release}: FAILED\n{e}");
                failed += 1;
            }
        }
    }
    println!("{} passed, {failed} failed", releases.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The release as which VPP comes back: the one before, so that every border between APIs is crossed.
fn other(releases: &[Release], release: Release) -> Release {
    let at = releases.iter().position(|r| *r == release).unwrap_or_default();
    let before = at.checked_sub(1).unwrap_or(releases.len().saturating_sub(1));
    releases.get(before).copied().unwrap_or(release)
}

fn spell(releases: &[Release]) -> String {
    releases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
