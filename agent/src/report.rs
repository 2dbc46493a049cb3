//! Tells the operator what happens: in words to the log, transactions also as JSON to a file.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kvscheduler::{Op, Record};
use orchestrator::Report;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The transaction log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; --transaction-log has to name a file that can be written")]
pub(crate) struct Unwritable {
    path: PathBuf,
    source: std::io::Error,
}

/// A transaction with more operations than this is written to the log as a summary only.
const MOST_OPERATIONS: usize = 200;

/// Of many statements that are wrong, so many are told one by one.
const MOST_FAULTS: usize = 20;

pub(crate) struct Reporter {
    log: Option<File>,
    /// Transactions are written to the log of the agent, too.
    summary: bool,
}

impl Reporter {
    pub(crate) fn new(path: Option<&Path>, summary: bool) -> Result<Self, Unwritable> {
        let open = |path: &Path| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|source| Unwritable { path: path.to_path_buf(), source })
        };
        Ok(Self { log: path.map(open).transpose()?, summary })
    }

    pub(crate) fn into_fn(mut self) -> impl FnMut(Report<'_>) + Send + 'static {
        move |report| self.take(report)
    }

    fn take(&mut self, report: Report<'_>) {
        match report {
            Report::Transaction(record) => self.transaction(record),
            Report::Source(source, error) => tracing::error!(source, "{error}; what was configured stays"),
            Report::Recovered(source) => tracing::info!(source, "can be read again"),
            Report::Faults(faults) => {
                for fault in faults.iter().take(MOST_FAULTS) {
                    tracing::error!(
                        source = fault.source,
                        key = fault.key,
                        "{fault}; what was configured stays"
                    );
                }
                if let Some(more @ 1..) = faults.len().checked_sub(MOST_FAULTS) {
                    tracing::error!("and {more} more statements that cannot be taken; their states say why");
                }
            }
            Report::NotCommitted(error) => tracing::error!("{error}"),
            Report::Ledger(error) => tracing::error!("{error}"),
        }
    }

    fn transaction(&mut self, record: &Record) {
        // The log of a transaction is many lines, made for people.
        if self.summary && record.executed.len() <= MOST_OPERATIONS {
            tracing::info!("\n{record}");
        } else {
            let errors = record.errors().count();
            let operations = record.executed.len();
            tracing::info!(seq = record.seq, kind = %record.kind, operations, errors, took = ?record.took, "transaction");
            for op in record.errors().take(MOST_FAULTS) {
                tracing::error!(key = %op.key, "{}: {}", op.title(), op.error.as_deref().unwrap_or_default());
            }
        }
        let Some(log) = &mut self.log else { return };
        // Not made as a whole first: there may be as many operations as there are values.
        let mut writer = BufWriter::with_capacity(64 * 1024, log);
        let written = serde_json::to_writer(&mut writer, &Line(record)).map_err(std::io::Error::from);
        if let Err(e) = written.and_then(|()| writer.write_all(b"\n")).and_then(|()| writer.flush()) {
            tracing::error!("transaction log: {e}");
        }
    }
}

struct Line<'a>(&'a Record);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = |at: SystemTime| at.duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        let Self(record) = self;
        let mut line = serializer.serialize_struct("Record", 7)?;
        line.serialize_field("seq", &record.seq)?;
        line.serialize_field("kind", &record.kind.to_string())?;
        line.serialize_field("description", &record.description)?;
        line.serialize_field("start", &time(record.start))?;
        line.serialize_field("stop", &time(record.stop))?;
        line.serialize_field("planned", &Operations(&record.planned))?;
        line.serialize_field("executed", &Operations(&record.executed))?;
        line.end()
    }
}

struct Operations<'a>(&'a [Op]);

impl Serialize for Operations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Operation))
    }
}

struct Operation<'a>(&'a Op);

impl Serialize for Operation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(op) = self;
        let value = op.new.as_ref().or(op.old.as_ref()).map(|value| value.to_string());
        let mut object = serializer.serialize_struct("Op", 4)?;
        object.serialize_field("operation", &op.title())?;
        object.serialize_field("key", op.key.as_ref())?;
        object.serialize_field("value", &value)?;
        object.serialize_field("error", &op.error)?;
        object.end()
    }
}
