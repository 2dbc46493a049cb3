//! A recording for people.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write};

use serde_json::Value;

/// A recording cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// A line is none of a recording.
    #[error("line {line}: {why}; this is no recording of API messages, or it was cut")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// It cannot be read or shown.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Shows a recording, a line each: time, session, direction, message, fields. Only messages with `filter` in their name
/// are shown when there is one.
pub fn print(recording: impl BufRead, filter: Option<&str>, mut out: impl Write) -> Result<(), PrintError> {
    for (number, line) in recording.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let failed = |why: String| PrintError::Line { line: number + 1, why };
        let value: Value = serde_json::from_str(&line).map_err(|e| failed(e.to_string()))?;
        let name = value.get("name").and_then(Value::as_str);
        if filter.is_some_and(|wanted| !name.is_some_and(|name| name.contains(wanted))) {
            continue;
        }
        let text =
            text(&value).ok_or_else(|| failed("no time, or neither a message nor an event".to_string()))?;
        writeln!(out, "{text}")?;
    }
    Ok(())
}

fn text(line: &Value) -> Option<String> {
    let time = line.get("time")?.as_str()?;
    let session = line.get("session").and_then(Value::as_u64);
    let session = session.map(|s| s.to_string()).unwrap_or_default();
    let mut text = format!("{time} {session:>2} ");
    if let Some(event) = line.get("event") {
        let _ = write!(text, "== {}", event.as_str()?);
        for (key, value) in
            line.as_object()?.iter().filter(|(k, _)| !["time", "session", "event"].contains(&k.as_str()))
        {
            let _ = write!(text, " {key}={value}");
        }
        return Some(text);
    }
    text.push_str(match line.get("dir")?.as_str()? {
        "tx" => "-> ",
        _ => "<- ",
    });
    match line.get("name").and_then(Value::as_str) {
        Some(name) => text.push_str(name),
        None => {
            let _ = write!(text, "message {}", line.get("id").unwrap_or(&Value::Null));
        }
    }
    match (line.get("fields").and_then(Value::as_object), line.get("error").and_then(Value::as_str)) {
        (Some(fields), _) => {
            for (key, value) in fields {
                // The message table fills screens.
                match value {
                    Value::Array(items) if key == "message_table" => {
                        let _ = write!(text, " {key}=[{} entries]", items.len());
                    }
                    value => {
                        let _ = write!(text, " {key}={value}");
                    }
                }
            }
        }
        (None, Some(error)) => {
            let _ = write!(text, " ({} bytes: {error})", line.get("length").unwrap_or(&Value::Null));
        }
        (None, None) => return None,
    }
    Some(text)
}
