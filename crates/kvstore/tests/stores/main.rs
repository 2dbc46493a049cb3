//! Every store, the real one, through everything that happens to stores. Those that are not installed are listed as
//! ignored.
// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

mod consul;
mod embedded;
mod etcd;
mod follower;
mod raw;
mod redis;
mod scenarios;
mod servers;
mod tls;

use servers::{Kind, is_installed};

/// A test of a store.
type Scenario = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A test, ignored if what it needs is not there.
fn trial<F>(kind: Kind, name: &str, scenario: impl Fn() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    let missing = kind.program().filter(|(program, _)| !is_installed(program));
    let title = match missing {
        Some((program, how)) => format!("{}::{name} (no {program} on PATH: {how})", kind.name()),
        None => format!("{}::{name}", kind.name()),
    };
    Trial::test(title, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(scenario());
        runtime.shutdown_background();
        Ok(())
    })
    .with_ignored_flag(missing.is_some())
}

fn main() -> ExitCode {
    if let Some(path) = std::env::var_os(embedded::HOLD) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(embedded::hold(path.as_ref()));
    }
    let mut arguments = Arguments::from_args();
    // Each has a server of its own, and most of them wait.
    arguments.test_threads.get_or_insert(8);
    let mut trials = Vec::new();
    for kind in Kind::ALL {
        for (name, scenario) in scenarios::all(kind) {
            trials.push(trial(kind, name, move || scenario(kind)));
        }
    }
    trials.extend(etcd::all());
    trials.extend(redis::all());
    trials.extend(consul::all());
    trials.extend(embedded::all());
    libtest_mimic::run(&arguments, trials).exit_code()
}
