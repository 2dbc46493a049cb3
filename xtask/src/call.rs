//! `cargo xtask vpp`: any message of any release by hand, with nothing but the definitions.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use crate::vpp::Vpp;
use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct VppArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Send a request and print its reply. Exit status 1 when VPP refuses it.
    Call(Request),
    /// Send a request and print its details, one a line.
    Dump(Request),
}

#[derive(clap::Args)]
struct Request {
    /// The API socket.
    #[arg(long, default_value = "/run/vpp/api.sock")]
    socket: PathBuf,
    /// The message, such as `show_version`.
    message: String,
    /// Its fields as a JSON object; those that are not named are zero.
    #[arg(default_value = "{}", value_parser = fields)]
    fields: Value,
}

fn fields(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err("expected an object such as '{\"is_add\": true}'".to_string())
    }
}

pub(crate) fn run(args: VppArgs) -> Outcome {
    let (dump, request) = match args.command {
        Command::Call(request) => (false, request),
        Command::Dump(request) => (true, request),
    };
    let mut vpp = Vpp::connect(&request.socket, &root().join("api-json"))?;
    if dump {
        for details in vpp.dump(&request.message, request.fields)? {
            println!("{details}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let reply = vpp.call(&request.message, request.fields)?;
    println!("{reply:#}");
    let refused = reply.get("retval").and_then(Value::as_i64).is_some_and(|retval| retval < 0);
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
