//! A run, written to a file: transactions, what the southbound answered, and when. [`Replay`](crate::Replay) reads it.
//!
//! One JSON object a line, in the order in which things took effect. The first line says what the file is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use crate::clock::Clock;
use crate::descriptor::Failure;
use crate::erased::Seen;
use crate::error::CommitError;
use crate::record::Record;
use crate::registry::RegistryError;
use crate::scheduler::Ownership;
use crate::state::{Operation, Origin};
use crate::transaction::{Kind, Resync, Transaction};
use crate::value::{AnyValue, Value};

/// The version of the format.
pub(crate) const VERSION: u64 = 1;

/// Writes values of any type and reads them again.
pub trait Codec: Send + Sync + 'static {
    /// The value as JSON. An error says what cannot be written.
    fn encode(&self, key: &str, value: &dyn Value) -> Result<Json, String>;

    /// The value that was written for this key. An error says what is wrong with it.
    fn decode(&self, key: &str, json: &Json) -> Result<AnyValue, String>;
}

/// A run cannot be recorded or replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file cannot be written or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no recording, or a line of it is not good.
    #[error("{path}:{line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The descriptors cannot be registered.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

struct Sink {
    file: BufWriter<File>,
    path: PathBuf,
    failed: bool,
}

/// Writes a run to a file.
#[derive(Clone)]
pub(crate) struct Recorder {
    sink: Arc<Mutex<Sink>>,
    codec: Arc<dyn Codec>,
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Recorder {
    pub(crate) fn create(
        path: PathBuf,
        codec: Arc<dyn Codec>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, RecordingError> {
        let file = File::create(&path).map_err(|source| RecordingError::Io { path: path.clone(), source })?;
        let sink = Arc::new(Mutex::new(Sink { file: BufWriter::new(file), path, failed: false }));
        let recorder = Self { sink, codec };
        recorder.line(&json!({"kvscheduler": VERSION, "monotonic": nanoseconds(clock.monotonic())}));
        recorder.flush();
        Ok(recorder)
    }

    fn lock(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, json: &Json) {
        let mut sink = self.lock();
        if sink.failed {
            return;
        }
        let mut line = json.to_string();
        line.push('\n');
        if let Err(error) = sink.file.write_all(line.as_bytes()) {
            sink.failed = true;
            tracing::error!(path = %sink.path.display(), %error, "recording ended: it cannot be written");
        }
    }

    fn flush(&self) {
        let mut sink = self.lock();
        if let Err(error) = sink.file.flush()
            && !sink.failed
        {
            sink.failed = true;
            tracing::error!(path = %sink.path.display(), %error, "recording ended: it cannot be written");
        }
    }

    fn encode(&self, key: &str, value: &AnyValue) -> Json {
        match self.codec.encode(key, value.as_ref()) {
            Ok(json) => json!({"value": json}),
            Err(reason) => json!({"unwritten": reason, "shown": value.to_string()}),
        }
    }

    pub(crate) fn transaction(&self, transaction: &Transaction, now: SystemTime, monotonic: Duration) {
        let values: BTreeMap<&str, Json> = transaction
            .values
            .iter()
            .map(|(key, value)| (&**key, value.as_ref().map_or(Json::Null, |value| self.encode(key, value))))
            .collect();
        let retry = transaction.retry.map(|policy| {
            json!({
                "period": nanoseconds(policy.period),
                "max_count": policy.max_count,
                "exponential": policy.exponential,
                "max_period": nanoseconds(policy.max_period),
            })
        });
        self.line(&json!({
            "transaction": kind_name(transaction.kind),
            "now": nanoseconds(now.duration_since(UNIX_EPOCH).unwrap_or_default()),
            "monotonic": nanoseconds(monotonic),
            "description": transaction.description,
            "plan_only": transaction.plan_only,
            "revert": transaction.revert,
            "retry": retry,
            "values": values,
        }));
    }

    pub(crate) fn call(&self, operation: Operation, key: &str, ended: Duration, failure: Option<&Failure>) {
        let failure = failure.map(failure_json);
        self.line(&json!({
            "call": operation.to_string(),
            "key": key,
            "ended": nanoseconds(ended),
            "failure": failure,
        }));
    }

    pub(crate) fn read(&self, descriptor: &str, found: &Result<Option<Vec<Seen>>, Failure>) {
        let mut line = json!({"read": descriptor});
        match found {
            Ok(None) => line["found"] = Json::Null,
            Ok(Some(found)) => {
                let seen = found.iter().map(|seen| {
                    let origin = match seen.origin {
                        Origin::Unknown => "unknown",
                        Origin::Northbound => "northbound",
                        Origin::Southbound => "southbound",
                    };
                    let mut json = self.encode(&seen.key, &seen.value);
                    json["key"] = Json::from(&*seen.key);
                    json["origin"] = Json::from(origin);
                    json
                });
                line["found"] = seen.collect();
            }
            Err(failure) => line["failure"] = failure_json(failure),
        }
        self.line(&line);
    }

    pub(crate) fn park(&self) {
        self.line(&json!({"park": true}));
        self.flush();
    }

    pub(crate) fn end(&self, result: &Result<Arc<Record>, CommitError>) {
        let end = match result {
            Ok(record) => {
                let executed: Vec<String> =
                    record.executed.iter().map(|op| format!("{} {}", op.title(), op.key)).collect();
                json!({"end": executed})
            }
            Err(error) => json!({"end": null, "error": error.to_string()}),
        };
        self.line(&end);
        self.flush();
    }

    /// Has the keys noted that were configured by us.
    pub(crate) fn wrap_ownership(&self, is_ours: Ownership) -> Ownership {
        let recorder = self.clone();
        Box::new(move |key| {
            let ours = is_ours(key);
            if ours {
                recorder.line(&json!({"ours": key}));
            }
            ours
        })
    }
}

fn failure_json(failure: &Failure) -> Json {
    json!({
        "message": failure.message,
        "retriable": failure.retriable,
        "lost": failure.lost,
        "unimplemented": failure.unimplemented,
    })
}

const KINDS: [(&str, Kind); 6] = [
    ("change", Kind::Change),
    ("full resync", Kind::Resync(Resync::Full)),
    ("upstream resync", Kind::Resync(Resync::Upstream)),
    ("downstream resync", Kind::Resync(Resync::Downstream)),
    ("retry", Kind::Retry),
    ("notification", Kind::Notification),
];

fn kind_name(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, other)| *other == kind).map_or("change", |(name, _)| name)
}

pub(crate) fn kind(name: &str) -> Option<Kind> {
    KINDS.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind)
}
