//! `agentctl vpp stats`: what a VPP counts, as it stands in its statistics segment.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use vpp_client::stats::{DEFAULT_PATH, Entry, Pattern, Stats, StatsConfig, Value};

use crate::Format;

type Failure = Box<dyn std::error::Error>;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The statistics socket of a running VPP.
    #[arg(long, value_name = "PATH", env = "VPP_STATS_SOCKET", default_value = DEFAULT_PATH)]
    socket: PathBuf,
    /// What that VPP says of itself, such as 23.06-release; the segment nearly always tells.
    #[arg(long)]
    version: Option<String>,
    /// Show counters that are 0, too.
    #[arg(long)]
    zeros: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Names to show: what they start with, or with * and ? what they are like; /if/rx*
    #[arg(default_value = "")]
    prefix: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config =
        StatsConfig { version: arguments.version.clone(), ..StatsConfig::new(arguments.socket.clone()) };
    let mut stats = Stats::connect(config)?;
    let dump = stats.dump(&Pattern::from(arguments.prefix.as_str()))?;
    let text = match arguments.format {
        Format::Table => to_text(&dump, arguments.zeros),
        Format::Json => format!("{:#}\n", to_json(&dump, arguments.zeros)),
    };
    // Who reads may have seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// A line for each value: what it is of, and the value. Without an index and a thread it is the only one.
fn to_text(dump: &[(Entry, Value)], zeros: bool) -> String {
    let mut text = String::new();
    for (entry, value) in dump {
        for (at, shown) in lines(value, zeros) {
            let _ = writeln!(text, "{:<60} {:<10} {at:<12} {shown}", entry.name, entry.kind.to_string());
        }
    }
    text
}

fn lines(value: &Value, zeros: bool) -> Vec<(String, String)> {
    let wanted = |number: u64| zeros || number != 0;
    match value {
        Value::Scalar(number) => vec![(String::new(), number.to_string())],
        Value::Counter(threads) => {
            let threads = threads.iter().enumerate().filter(|(_, n)| wanted(**n));
            threads.map(|(thread, n)| (format!("@{thread}"), n.to_string())).collect()
        }
        Value::CombinedCounter(threads) => {
            let threads = threads.iter().enumerate().filter(|(_, c)| wanted(c.packets));
            threads.map(|(thread, c)| (format!("@{thread}"), packets(c.packets, c.bytes))).collect()
        }
        Value::Simple(threads) => {
            let all = threads.iter().enumerate().flat_map(|(t, v)| v.iter().enumerate().map(move |e| (t, e)));
            let all = all.filter(|(_, (_, n))| wanted(**n));
            all.map(|(thread, (index, n))| (format!("[{index}]@{thread}"), n.to_string())).collect()
        }
        Value::Combined(threads) => {
            let all = threads.iter().enumerate().flat_map(|(t, v)| v.iter().enumerate().map(move |e| (t, e)));
            let all = all.filter(|(_, (_, c))| wanted(c.packets));
            let line = |(thread, (index, c)): (usize, (usize, &vpp_client::stats::Combined))| {
                (format!("[{index}]@{thread}"), packets(c.packets, c.bytes))
            };
            all.map(line).collect()
        }
        Value::Names(names) => {
            let named = names.iter().enumerate().filter_map(|(index, name)| Some((index, name.as_ref()?)));
            named.map(|(index, name)| (format!("[{index}]"), name.clone())).collect()
        }
        Value::Histogram(threads) => {
            let line = |(thread, h): (usize, &vpp_client::stats::Histogram)| {
                (format!("@{thread}"), format!("from 2^{}: {:?}", h.smallest_exponent, h.buckets))
            };
            threads.iter().enumerate().map(line).collect()
        }
        Value::Ring(ring) => {
            let line = |(thread, (_, written)): (usize, &(u32, u64))| {
                (format!("@{thread}"), format!("{written} records written"))
            };
            ring.threads.iter().enumerate().map(line).collect()
        }
        Value::Opaque(bytes) => vec![(String::new(), format!("{bytes:#x}, not understood"))],
        Value::Unreadable(why) => vec![(String::new(), format!("cannot be read: {why}"))],
    }
}

fn packets(packets: u64, bytes: u64) -> String {
    format!("{packets} packets, {bytes} bytes")
}

/// Entries that fit, whole; without `zeros` none that are nothing but 0.
fn to_json(dump: &[(Entry, Value)], zeros: bool) -> Json {
    let wanted = |(_, value): &&(Entry, Value)| zeros || !lines(value, zeros).is_empty();
    let entry = |(entry, value): &(Entry, Value)| {
        let mut said = json!({"name": entry.name, "kind": entry.kind.to_string()});
        if let (Some(said), Json::Object(value)) = (said.as_object_mut(), value_to_json(value)) {
            said.extend(value);
        }
        said
    };
    dump.iter().filter(wanted).map(entry).collect()
}

fn value_to_json(value: &Value) -> Json {
    let pair = |c: &vpp_client::stats::Combined| json!({"packets": c.packets, "bytes": c.bytes});
    match value {
        Value::Scalar(number) => json!({"value": number}),
        Value::Counter(threads) => json!({"threads": threads}),
        Value::CombinedCounter(threads) => json!({"threads": threads.iter().map(pair).collect::<Vec<_>>()}),
        Value::Simple(threads) => json!({"threads": threads}),
        Value::Combined(threads) => {
            let threads: Vec<Vec<Json>> = threads.iter().map(|t| t.iter().map(pair).collect()).collect();
            json!({"threads": threads})
        }
        Value::Names(names) => json!({"names": names}),
        Value::Histogram(threads) => {
            let threads: Vec<Json> = threads
                .iter()
                .map(|h| json!({"smallest_exponent": h.smallest_exponent, "buckets": h.buckets}))
                .collect();
            json!({"threads": threads})
        }
        Value::Ring(ring) => {
            let threads: Vec<Json> = ring
                .threads
                .iter()
                .map(|(head, written)| json!({"head": head, "written": written}))
                .collect();
            json!({
                "record_bytes": ring.record_bytes,
                "records": ring.records,
                "schema_version": ring.schema_version,
                "threads": threads,
            })
        }
        Value::Opaque(bytes) => json!({"opaque": bytes}),
        Value::Unreadable(why) => json!({"unreadable": why}),
    }
}
