//! The client with simulated VPPs, and with such as behave badly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod connecting;
mod in_flight;
mod lifetime;

use std::path::PathBuf;
use std::time::Duration;

use binapi_messages::vpe::v1810::{ControlPing, ControlPingReply};
use common::config;
use common::server::{Behind, frame};
use vpp_client::{CallError, Client, Config, State};

const SOCKCLNT_CREATE: u16 = 15;
const SOCKCLNT_DELETE: u16 = 17;

/// The socket of a test in a folder that goes with it.
fn socket() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    (folder, path)
}

fn id(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

fn context(message: &[u8]) -> [u8; 4] {
    message[6..10].try_into().expect("a context")
}

/// A pong that tells which request it answers.
fn pong(behind: &Behind, context: [u8; 4], pid: u32) -> Vec<u8> {
    let id = behind.sim.table().id("control_ping_reply").expect("a message").to_be_bytes();
    frame(&[&id[..], &context, &[0; 8], &pid.to_be_bytes()].concat())
}

async fn ping(client: &Client) -> Result<ControlPingReply, CallError> {
    client.call::<(), _>(&ControlPing {}).await
}

fn hasty(path: &std::path::Path, deadline: u64) -> Config {
    let mut config = config(path);
    config.deadline = Duration::from_millis(deadline);
    config
}

/// Waits for a state.
async fn until(client: &Client, wanted: impl FnMut(&State) -> bool) -> State {
    client.state().wait_for(wanted).await.expect("the client goes on").clone()
}

fn why(state: &State) -> String {
    match state {
        State::Connecting { why, .. } => why.clone(),
        other => panic!("{other}"),
    }
}
