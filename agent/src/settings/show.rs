//! Every setting, with its value and where it comes from.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kvstore::settings::from_yaml;
use serde::Serialize;
use serde_json::Value;

use super::flags::{FILES, FileFlag};
use super::{GovppConfig, Kind, Level, OrchestratorConfig, Origin, Settings};

/// Settings that are taken and have no effect: the file, and the keys in it.
const NO_EFFECT: [(&str, &[&str]); 6] = [
    ("etcd.conf", &["resync-after-reconnect", "allow-delayed-start", "reconnect-interval"]),
    ("redis.conf", &["write-timeout", "enable-query-on-slave", "route-by-latency", "max-rediects", "pool"]),
    ("consul.conf", &["resync-after-reconnect"]),
    (
        "govpp.conf",
        &[
            "stats-socket-path",
            "health-check-reply-timeout",
            "health-check-threshold",
            "resync-after-reconnect",
            "connect-via-shm",
            "shm-prefix",
            "retry-request-count",
            "retry-request-timeout",
            "retry-connect-count",
            "retry-connect-timeout",
            "proxy-enabled",
            "trace-enabled",
        ],
    ),
    ("kvscheduler.conf", &["permanently-recorded-init-period", "enable-txn-simulation"]),
    ("logs.conf", &["hooks"]),
];

/// Where settings come from.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// Of flags.
    pub(super) flags: BTreeMap<String, Origin>,
    /// Names that were given for files, by plugin.
    pub(super) given: BTreeMap<String, PathBuf>,
    /// Files that were read, by the names that they have as a rule.
    pub(super) files: BTreeMap<String, (PathBuf, String)>,
    /// What the environment sets, by `file: key`: the variable.
    pub(super) environment: BTreeMap<String, String>,
}

/// A setting, to be shown.
#[derive(Debug)]
struct Shown {
    /// `--flag`, or `file: key`.
    name: String,
    value: String,
    origin: Origin,
    /// Why it counts for nothing, if it does.
    note: Option<String>,
}

/// All settings in effect, for people.
pub(super) fn show(settings: &Settings, origin: bool) -> String {
    let mut all = flags(settings);
    all.extend(keys(settings));
    let width = |of: fn(&Shown) -> &str| all.iter().map(|shown| of(shown).len()).max().unwrap_or_default();
    let (names, values) = (width(|shown| &shown.name), width(|shown| &shown.value).min(48));
    let mut text = String::new();
    for Shown { name, value, origin: from, note } in &all {
        let note = note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        let _ = match origin {
            true => writeln!(text, "{name:names$}  {value:values$}  {from}{note}"),
            false => writeln!(text, "{name:names$}  {value}"),
        };
    }
    text
}

fn flags(settings: &Settings) -> Vec<Shown> {
    let flags = &settings.flags;
    let path = |path: &Path| path.display().to_string();
    let some = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let (level, level_origin) = level(settings);
    let rows = [
        ("config-dir", Some(path(&flags.config_dir))),
        ("microservice-label", Some(flags.microservice_label.clone())),
        ("source", some(&flags.source)),
        ("vpp-socket", Some(sockets(settings))),
        ("state-dir", Some(path(&settings.state_dir))),
        ("control-socket", Some(path(&settings.control_socket()))),
        ("transaction-log", some(&flags.transaction_log)),
        ("api-trace", some(&flags.api_trace)),
        ("api-trace-secrets", Some(flags.api_trace_secrets.to_string())),
        ("force-release", flags.force_release.clone()),
        ("log-level", Some(level)),
        ("log-format", Some(format!("{:?}", flags.log_format).to_lowercase())),
    ];
    let origin_of = |flag: &str| settings.origins.flags.get(flag).cloned().unwrap_or(Origin::Default);
    let named = rows.into_iter().map(|(flag, value)| {
        let origin = match flag {
            "log-level" => level_origin.clone(),
            "vpp-socket" if flags.vpp_socket.is_none() => {
                settings.origins.of("govpp.conf", "binapi-socket-path")
            }
            _ => origin_of(flag),
        };
        let value = value.unwrap_or_else(|| "none".to_owned());
        Shown { name: format!("--{flag}"), value, origin, note: None }
    });
    let no_effect = || Some("no effect".to_owned());
    let ports =
        [("http-port", flags.http_port.map(|port| port.to_string())), ("grpc-port", flags.grpc_port.clone())];
    let ports = ports.into_iter().map(|(flag, value)| Shown {
        name: format!("--{flag}"),
        value: value.unwrap_or_else(|| "none".to_owned()),
        origin: origin_of(flag),
        note: no_effect(),
    });
    let files = FILES.iter().map(|of| {
        let name = settings.origins.named(of);
        let note = match (of.used, settings.origins.files.contains_key(&of.default())) {
            (false, _) => no_effect(),
            (true, true) => None,
            (true, false) => Some(format!("there is none{}", unused(settings, of).unwrap_or_default())),
        };
        Shown { name: format!("--{}", of.flag()), value: path(&name), origin: origin_of(&of.flag()), note }
    });
    named.chain(ports).chain(files).collect()
}

/// The level of the log as it counts, and where it comes from: `logs.conf` has the last word, and levels of parts.
fn level(settings: &Settings) -> (String, Origin) {
    if let Some(level) = &settings.flags.log_level {
        let origin = settings.origins.flags.get("log-level").cloned();
        return (level.clone(), origin.unwrap_or(Origin::Flag));
    }
    let variable =
        |name: &str| Some((std::env::var(name).ok().filter(|text| !text.is_empty())?, name.to_owned()));
    match ["RUST_LOG", "INITIAL_LOGLVL"].into_iter().find_map(variable) {
        Some((level, name)) => (level, Origin::Environment(name)),
        None => {
            let level = settings.logs.default_level.unwrap_or(Level::Info);
            (
                text(&serde_json::to_value(level).unwrap_or_default()),
                settings.origins.of("logs.conf", "default-level"),
            )
        }
    }
}

/// The sockets that are tried.
fn sockets(settings: &Settings) -> String {
    let named = Some(&settings.govpp.binapi_socket_path).filter(|path| !path.as_os_str().is_empty());
    match settings.flags.vpp_socket.as_ref().or(named) {
        Some(path) => path.display().to_string(),
        None => vpp_client::Config::default()
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// Why a file counts for nothing.
fn unused(settings: &Settings, file: &FileFlag) -> Option<String> {
    let used = match file.plugin {
        "etcd" => settings.etcd.is_some(),
        "redis" => settings.redis.is_some(),
        "consul" => settings.consul.is_some(),
        "embedded" => settings.embedded.is_some(),
        _ => true,
    };
    (!used).then(|| format!("; {} is not used", file.plugin))
}

/// The settings of all files.
fn keys(settings: &Settings) -> Vec<Shown> {
    let config = vpp_client::Config::default();
    let govpp = GovppConfig {
        binapi_socket_path: sockets(settings).into(),
        reply_timeout: settings.govpp.reply_timeout.or(Some(config.deadline)),
        health_check_probe_interval: settings.govpp.health_check_probe_interval.or(Some(config.probe_after)),
        ..settings.govpp.clone()
    };
    let mut logs = settings.logs.clone();
    logs.default_level = logs.default_level.or(Some(Level::Info));
    let priorities = Kind::ALL.into_iter().map(|kind| (kind, settings.priority(kind)));
    let orchestrator =
        OrchestratorConfig { source_priorities: priorities.collect(), ..settings.orchestrator.clone() };
    let mut rows = Vec::new();
    for of in FILES.iter().filter(|of| of.used) {
        let values = match of.plugin {
            "etcd" => json(&settings.etcd.clone().unwrap_or_default()),
            "redis" => json(&settings.redis.clone().unwrap_or_default()),
            "consul" => json(&settings.consul.clone().unwrap_or_default()),
            "embedded" => json(&settings.embedded.clone().unwrap_or_else(|| settings.usual_embedded())),
            "filedb" => json(&settings.files.clone().unwrap_or_default()),
            "initfileregistry" => json(&settings.init_file),
            "orchestrator" => json(&orchestrator),
            "govpp" => json(&govpp),
            "kvscheduler" => json(&settings.kvscheduler),
            "logs" => json(&logs),
            "vpp-ifplugin" => json(&settings.ifplugin),
            _ => Value::Null,
        };
        let file = of.default();
        let mut flat = Vec::new();
        flatten("", &values, &mut flat);
        let without_effect =
            NO_EFFECT.iter().find(|(name, _)| *name == file).map_or(&[][..], |(_, keys)| keys);
        let not_used = unused(settings, of).map(|why| why.trim_start_matches("; ").to_owned());
        rows.extend(flat.into_iter().map(|(key, value)| {
            let outer = key.split('.').next().unwrap_or_default();
            let none = without_effect.contains(&outer).then(|| "no effect".to_owned());
            let origin = match (key.as_str(), &settings.flags.vpp_socket) {
                ("binapi-socket-path", Some(_)) => {
                    settings.origins.flags.get("vpp-socket").cloned().unwrap_or(Origin::Flag)
                }
                _ => settings.origins.of(&file, &key),
            };
            Shown { name: format!("{file}: {key}"), value, origin, note: none.or_else(|| not_used.clone()) }
        }));
    }
    rows
}

fn json(settings: &impl Serialize) -> Value {
    serde_json::to_value(settings).unwrap_or_default()
}

/// Keys with dots between for what is inside, and the values as text.
fn flatten(prefix: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, into);
            }
        }
        other => into.push((prefix.to_owned(), text(other))),
    }
}

fn text(value: &Value) -> String {
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) if list.iter().all(plain) => list.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

impl Origins {
    /// The path that is given for a file.
    fn named(&self, file: &FileFlag) -> PathBuf {
        match self.files.get(&file.default()) {
            Some((path, _)) => path.clone(),
            None => self.given.get(file.plugin).cloned().unwrap_or_else(|| file.default().into()),
        }
    }

    /// Where a setting of a file comes from.
    fn of(&self, file: &str, key: &str) -> Origin {
        if let Some(variable) = self.environment.get(&format!("{file}: {key}")) {
            return Origin::Environment(variable.clone());
        }
        let Some((path, text)) = self.files.get(file) else { return Origin::Default };
        let stated: Value = from_yaml(text).unwrap_or_default();
        let mut place = &stated;
        for part in key.split('.') {
            match place.get(part).or_else(|| place.get(alias(part)?)) {
                Some(inner) => place = inner,
                None => return Origin::Default,
            }
        }
        let lines = lines(text);
        let outer = key.split('.').next().unwrap_or_default();
        let names = [Some(key), Some(outer), alias(outer)];
        let line = names.into_iter().flatten().find_map(|name| lines.get(name).copied());
        Origin::File(path.clone(), line.unwrap_or(1))
    }
}

/// Another name of a setting.
fn alias(key: &str) -> Option<&str> {
    (key == "max-rediects").then_some("max-redirects")
}

/// The lines of keys, also of those inside others, with dots between. What is written in one line has no lines of its
/// own.
fn lines(text: &str) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    let mut outer = String::new();
    for (line, number) in text.lines().zip(1..) {
        let inside = line.starts_with(' ');
        let Some((key, _)) = line.split_once(':') else { continue };
        let key = key.trim().trim_matches(['"', '\'']);
        if key.is_empty() || key.starts_with(['#', '-']) {
            continue;
        }
        let name = if inside { format!("{outer}.{key}") } else { key.to_owned() };
        lines.entry(name).or_insert(number);
        if !inside {
            key.clone_into(&mut outer);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_known_by_its_line() {
        let text = "# redis\nendpoints:\n  - a:1\n  - b:2\ntls:\n  enabled: true\n\"db\": 7\npool: {busy-timeout: 1s}\n";
        let path = PathBuf::from("/etc/redis.conf");
        let mut origins = Origins::default();
        origins.files.insert("redis.conf".to_owned(), (path.clone(), text.to_owned()));
        origins.environment.insert("redis.conf: username".to_owned(), "NAME".to_owned());
        for (key, expected) in [
            ("endpoints", Origin::File(path.clone(), 2)),
            ("tls.enabled", Origin::File(path.clone(), 6)),
            ("tls.ca-file", Origin::Default),
            ("db", Origin::File(path.clone(), 7)),
            ("pool.busy-timeout", Origin::File(path.clone(), 8)),
            ("pool.idle-timeout", Origin::Default),
            ("username", Origin::Environment("NAME".to_owned())),
            ("password", Origin::Default),
        ] {
            assert_eq!(origins.of("redis.conf", key), expected, "{key}");
        }
    }
}
