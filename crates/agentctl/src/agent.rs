//! What is asked of a running agent.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use control::{AskError, GraphFormat, Request};
use serde_json::Value;

/// Which agent.
#[derive(Args)]
pub(crate) struct Target {
    /// Control socket of the agent [default: agent.sock in /var/lib/vpp-agent, or in .local/state/vpp-agent at home]
    #[arg(long, global = true, env = "CONTROL_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl Target {
    fn path(&self) -> PathBuf {
        let (usual, beside) = control::state_folders();
        let usual = usual.join(control::SOCKET);
        let beside = beside.map(|folder| folder.join(control::SOCKET));
        let found = || [Some(usual.clone()), beside].into_iter().flatten().find(|path| path.exists());
        self.socket.clone().or_else(found).unwrap_or(usual)
    }
}

/// The question.
#[derive(Subcommand)]
pub(crate) enum Question {
    /// Who the agent is, and how it stands with VPP and its sources.
    Info,
    /// The states of values.
    Values {
        /// Only of keys that begin with this.
        #[arg(default_value = "")]
        prefix: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Why a value is in the state it is in.
    Explain {
        /// Its key.
        key: String,
    },
    /// The last transactions.
    History {
        /// How many.
        #[arg(long, short = 'n', default_value_t = 10)]
        last: usize,
    },
    /// The values, and what they need and are derived from.
    Graph {
        /// dot, mermaid or json
        #[arg(long, default_value = "mermaid", value_parser = format)]
        format: GraphFormat,
        /// Only of keys that begin with this.
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Compare all that is wanted with what VPP has, and mend it.
    Resync,
    /// The embedded store of the agent.
    #[command(subcommand)]
    Kvdb(Kvdb),
}

/// What is done with the embedded store. Keys that do not begin with a slash are those of the agent that is asked.
#[derive(Subcommand)]
pub(crate) enum Kvdb {
    /// Keys and values.
    List {
        /// Only keys that begin with this.
        #[arg(default_value = "")]
        prefix: String,
    },
    /// The value of a key.
    Get {
        /// The key.
        key: String,
    },
    /// Set a value.
    Put {
        /// The key.
        key: String,
        /// The value, JSON; `-` for standard input.
        value: String,
    },
    /// Remove a key: exit status 0, or 1 if it was not there.
    Del {
        /// The key.
        key: String,
    },
}

fn format(text: &str) -> Result<GraphFormat, String> {
    match text {
        "dot" => Ok(GraphFormat::Dot),
        "mermaid" => Ok(GraphFormat::Mermaid),
        "json" => Ok(GraphFormat::Json),
        _ => Err("expected dot, mermaid or json".to_owned()),
    }
}

type Failure = Box<dyn std::error::Error>;

/// Asks, and prints the answer.
pub(crate) fn run(target: &Target, question: &Question) -> Result<ExitCode, Failure> {
    let ask = |request: Request| -> Result<Value, AskError> { control::ask(&target.path(), &request) };
    match question {
        Question::Info => print_json(&ask(Request::Info)?),
        Question::Values { prefix, json } => {
            let answer = ask(Request::Values { prefix: prefix.clone() })?;
            if *json { print_json(&answer) } else { print_values(&answer, 0) }
        }
        Question::Explain { key } => print_text(&ask(Request::Explain { key: key.clone() })?),
        Question::History { last } => {
            let answer = ask(Request::History { last: *last })?;
            answer.as_array().into_iter().flatten().for_each(print_text);
        }
        Question::Graph { format, prefix } => {
            match ask(Request::Graph { format: *format, prefix: prefix.clone() })? {
                Value::String(text) => print!("{text}"),
                other => print_json(&other),
            }
        }
        Question::Resync => print_text(&ask(Request::Resync)?),
        Question::Kvdb(Kvdb::List { prefix }) => {
            let answer = ask(Request::KvList { prefix: prefix.clone() })?;
            for (key, value) in answer.as_object().into_iter().flatten() {
                println!("{key}\n{value}");
            }
        }
        Question::Kvdb(Kvdb::Get { key }) => match ask(Request::KvGet { key: key.clone() })? {
            Value::Null => {
                eprintln!("error: there is no {key}");
                return Ok(ExitCode::FAILURE);
            }
            value => print_json(&value),
        },
        Question::Kvdb(Kvdb::Put { key, value }) => {
            let mut text = value.clone();
            if text == "-" {
                text.clear();
                std::io::stdin().read_to_string(&mut text)?;
            }
            let value =
                serde_json::from_str(&text).map_err(|error| format!("the value is not JSON: {error}"))?;
            ask(Request::KvPut { key: key.clone(), value })?;
        }
        Question::Kvdb(Kvdb::Del { key }) => {
            if ask(Request::KvDelete { key: key.clone() })? != Value::Bool(true) {
                eprintln!("error: there was no {key}");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_json(value: &Value) {
    println!("{value:#}");
}

fn print_text(value: &Value) {
    println!("{}", value.as_str().unwrap_or_default().trim_end());
}

fn print_values(answer: &Value, depth: usize) {
    for status in answer.as_array().into_iter().flatten() {
        let text = |field: &str| status.get(field).and_then(Value::as_str).unwrap_or_default();
        let indent = "  ".repeat(depth);
        let error = match text("error") {
            "" => String::new(),
            error => format!("  {error}"),
        };
        println!("{indent}{:<13} {}{error}", text("state"), text("key"));
        print_values(status.get("derived").unwrap_or(&Value::Null), depth + 1);
    }
}
