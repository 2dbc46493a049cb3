//! Tells the operator what happens: in words to the log, transactions also as JSON to a file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kvscheduler::{Op, Record};
use orchestrator::Report;
use serde_json::{Value, json};

/// The transaction log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; --transaction-log has to name a file that can be written")]
pub(crate) struct Unwritable {
    path: PathBuf,
    source: std::io::Error,
}

pub(crate) struct Reporter {
    log: Option<File>,
}

impl Reporter {
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, Unwritable> {
        let open = |path: &Path| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|source| Unwritable { path: path.to_path_buf(), source })
        };
        Ok(Self { log: path.map(open).transpose()? })
    }

    pub(crate) fn into_fn(mut self) -> impl FnMut(Report<'_>) + Send + 'static {
        move |report| self.take(report)
    }

    fn take(&mut self, report: Report<'_>) {
        match report {
            Report::Transaction(record) => self.transaction(record),
            Report::Source(error) => tracing::error!("{error}; what was configured stays"),
            Report::Rejected(rejected) => {
                for one in rejected {
                    tracing::error!("{one}; what was configured stays");
                }
            }
            Report::NotCommitted(error) => tracing::error!("{error}"),
            Report::Ledger(error) => tracing::error!("{error}"),
        }
    }

    fn transaction(&mut self, record: &Record) {
        // The log of a transaction is many lines, made for people.
        tracing::info!("\n{record}");
        let Some(log) = &mut self.log else { return };
        let mut line = to_json(record).to_string();
        line.push('\n');
        if let Err(e) = log.write_all(line.as_bytes()) {
            tracing::error!("transaction log: {e}");
        }
    }
}

fn to_json(record: &Record) -> Value {
    let time = |at: SystemTime| at.duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
    let operations = |ops: &[Op]| ops.iter().map(operation).collect::<Vec<_>>();
    json!({
        "seq": record.seq,
        "kind": record.kind.to_string(),
        "description": record.description,
        "start": time(record.start),
        "stop": time(record.stop),
        "planned": operations(&record.planned),
        "executed": operations(&record.executed),
    })
}

fn operation(op: &Op) -> Value {
    let value = op.new.as_ref().or(op.old.as_ref()).map(|v| v.to_string());
    json!({"operation": op.title(), "key": op.key.as_ref(), "value": value, "error": op.error})
}
