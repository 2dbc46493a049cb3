//! The file of requests.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::Value;

/// A line of JSON for every request.
#[derive(Debug)]
pub(crate) struct RequestLog {
    file: BufWriter<File>,
    failed: bool,
}

impl RequestLog {
    /// Appends to a file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: BufWriter::new(file), failed: false })
    }

    pub(crate) fn write(&mut self, name: &str, fields: &Value) {
        let line = serde_json::json!({"name": name, "fields": fields});
        let written = writeln!(self.file, "{line}");
        self.note(written);
    }

    /// Brings what was written to the file.
    pub(crate) fn flush(&mut self) {
        let flushed = self.file.flush();
        self.note(flushed);
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && !self.failed
        {
            self.failed = true;
            tracing::error!(%error, "cannot write the log of requests");
        }
    }
}
