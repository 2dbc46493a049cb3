//! The log: lines on standard error, for people or as JSON, with a level for each part of the agent.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::settings::{Level, LogFormat, Settings};

/// A level that is none.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: `{text}` is no level: {reason}; expected one such as `info`, or `kvscheduler=debug,info`")]
pub(crate) struct LevelError {
    origin: &'static str,
    text: String,
    reason: String,
}

/// Begins to write the log. What the flag says wins over the environment, that over `logs.conf`.
pub(crate) fn start(settings: &Settings) -> Result<(), LevelError> {
    let filter = filter(settings)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.flags.log_format {
        LogFormat::Json => log.json().flatten_event(true).with_ansi(false).init(),
        LogFormat::Human => log.with_ansi(std::io::stderr().is_terminal()).init(),
    }
    Ok(())
}

fn filter(settings: &Settings) -> Result<EnvFilter, LevelError> {
    let environment = ["RUST_LOG", "INITIAL_LOGLVL"]
        .into_iter()
        .find_map(|name| Some((name, std::env::var(name).ok().filter(|text| !text.is_empty())?)));
    let given = settings.flags.log_level.clone().map(|text| ("--log-level", text)).or(environment);
    if let Some((origin, text)) = given {
        return EnvFilter::builder().parse(&text).map_err(|error| LevelError {
            origin,
            text,
            reason: error.to_string(),
        });
    }
    let logs = &settings.logs;
    let mut directives = vec![word(logs.default_level.unwrap_or(Level::Info)).to_owned()];
    for logger in &logs.loggers {
        for module in modules(&logger.name) {
            directives.push(format!("{module}={}", word(logger.level)));
        }
    }
    let text = directives.join(",");
    EnvFilter::builder().parse(&text).map_err(|error| LevelError {
        origin: "logs.conf",
        text,
        reason: error.to_string(),
    })
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// The modules behind the name of a logger of the elder agent; any other name is that of a module.
fn modules(logger: &str) -> Vec<&str> {
    match logger {
        "agent" | "VPPAgent" => vec!["vpp_agent"],
        "govpp" => vec!["vpp_client", "vppcalls"],
        "etcd" => vec!["kvstore::etcd"],
        "redis" => vec!["kvstore::redis"],
        "consul" => vec!["kvstore::consul"],
        "vpp-ifplugin" => vec!["descriptors::interface"],
        "vpp-l2plugin" => vec!["descriptors::l2"],
        "vpp-l3plugin" => vec!["descriptors::l3"],
        name if name.starts_with("kvdb-") => vec!["kvstore"],
        name => vec![name],
    }
}
