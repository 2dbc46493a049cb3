//! The agent as a process between real stores and VPPs, through everything that befalls them. What needs a store that
//! is not installed, or a VPP that nobody named, is listed as ignored.
// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::{Arguments, Trial};

mod bad_input;
#[path = "../common/mod.rs"]
mod common;
mod configuration;
mod deaths;
mod kills;
mod merge;
mod orders;
mod scene;
mod servers;
mod status;
mod stores;
mod view;
mod walk;

use servers::Kind;

/// A test, ignored if one of the stores that it needs is not there.
fn trial(name: &str, kinds: &[Kind], test: impl FnOnce() + Send + 'static) -> Trial {
    let missing = kinds.iter().find(|kind| !kind.is_installed()).and_then(|kind| kind.program());
    let title = match missing {
        Some((program, how)) => format!("{name} (no {program} on PATH: {how})"),
        None => name.to_owned(),
    };
    Trial::test(title, move || {
        test();
        Ok(())
    })
    .with_ignored_flag(missing.is_some())
}

/// A test of each kind of store.
fn each(name: &str, test: fn(Kind)) -> impl Iterator<Item = Trial> {
    let on = move |kind: Kind| trial(&format!("{}::{name}", kind.name()), &[kind], move || test(kind));
    Kind::ALL.map(on).into_iter()
}

/// A test on a VPP that is there.
fn real(name: &str, vpp: Option<&PathBuf>, test: fn(&Path)) -> Trial {
    let Some(socket) = vpp.cloned() else {
        let title = format!("real::{name} (VPP_API_SOCKET does not name the socket of a VPP)");
        return Trial::test(title, || Ok(())).with_ignored_flag(true);
    };
    trial(&format!("real::{name}"), &[Kind::Etcd], move || {
        // Each has to find it, and to leave it, as it was.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        test(&socket);
    })
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of them wait most of the time.
    arguments.test_threads.get_or_insert(6);
    let etcd: &[Kind] = &[Kind::Etcd];
    let mut trials = vec![
        trial("orders_do_not_matter", etcd, orders::do_not_matter),
        trial("agent_is_killed_at_any_point", etcd, kills::agent),
        trial("vpp_dies_of_any_request", etcd, deaths::of_any_request),
        trial("vpp_dies_at_any_point", etcd, deaths::at_any_point),
        trial("ends_in_time", etcd, kills::ends_in_time),
        trial("resync_mends", etcd, kills::mended_on_demand),
        trial("two_stores_have_the_same_key", &Kind::ALL, merge::two_stores),
        trial("priorities_are_settings", &Kind::ALL, merge::priorities),
        trial("labels_keep_agents_apart", etcd, merge::labels),
        trial("embedded_store", &[], stores::embedded_store),
        trial("values_that_cannot_be", etcd, bad_input::values_that_cannot_be),
        trial("socket_that_is_a_directory", &[], bad_input::socket_that_is_a_directory),
        trial("endpoints_that_are_something_else", &[], bad_input::endpoints_that_are_something_else),
        trial("stores_in_each_others_place", &Kind::ALL, bad_input::stores_in_each_others_place),
        trial("tabs", &[], bad_input::tabs),
    ];
    trials.extend(each("configuration_in_any_order", walk::on));
    trials.extend(each("put_change_and_delete", stores::put_change_and_delete));
    trials.extend(each("partition", stores::partition));
    trials.extend(each("silence", stores::silence));
    trials.extend(each("restart", stores::restart));
    trials.extend(each("garbage", stores::garbage));
    trials.extend(each("bad_statements", bad_input::statements));
    trials.extend(each("many_keys_of_garbage", bad_input::many));
    trials.extend(each("states_of_values", status::values));
    trials.extend(each("states_of_interfaces", status::interfaces));
    let vpp = std::env::var_os("VPP_API_SOCKET").map(PathBuf::from);
    trials.push(real("configuration_in_any_order", vpp.as_ref(), walk::real));
    trials.push(real("orders_do_not_matter", vpp.as_ref(), orders::real));
    libtest_mimic::run(&arguments, trials).exit_code()
}
