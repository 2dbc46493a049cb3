//! Values as they are stated, and what becomes of the bytes of a store.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::exact::Exact;

/// Largest value of a store that is taken. What is larger is [`Value::Undecodable`].
pub const MAX_VALUE: usize = 4 << 20;

/// A value as a source states it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// JSON, or YAML of the same meaning.
    Json(serde_json::Value),
    /// A protobuf message, where the store was set up for that.
    Binary(Bytes),
    /// It was stated and cannot be read. What is configured for its key is to stay.
    Undecodable {
        /// What is wrong, and what was expected.
        reason: String,
        /// Where in the value, if that is known.
        position: Option<Position>,
    },
}

impl Value {
    /// The JSON value, if it is one.
    pub fn as_json(&self) -> Option<&serde_json::Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Binary(_) | Self::Undecodable { .. } => None,
        }
    }

    pub(crate) fn undecodable(reason: impl Into<String>) -> Self {
        Self::Undecodable { reason: reason.into(), position: None }
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        Self::Json(value)
    }
}

/// A place in a value. Both count from 1; the column counts bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// How the values of a store are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// Protobuf messages.
    Protobuf,
}

/// From the bytes of a store to values.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    /// How values are written.
    pub encoding: Encoding,
    /// `$NAME` and `${NAME}` in JSON stand for environment variables.
    pub expand_env: bool,
}

impl Decoder {
    /// What `bytes` say.
    pub fn decode(&self, bytes: &Bytes) -> Value {
        if bytes.len() > MAX_VALUE {
            let size = bytes.len();
            return Value::undecodable(format!(
                "the value has {size} bytes, and at most {MAX_VALUE} are taken"
            ));
        }
        match self.encoding {
            Encoding::Protobuf => Value::Binary(bytes.clone()),
            Encoding::Json => self.json(bytes).unwrap_or_else(|undecodable| undecodable),
        }
    }

    fn json(&self, bytes: &[u8]) -> Result<Value, Value> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Value::Undecodable {
                reason: "expected JSON, found a byte that is not UTF-8".to_owned(),
                position: Some(position_after(good)),
            }
        })?;
        if text.trim().is_empty() {
            return Err(Value::undecodable(
                "expected JSON, found an empty value; delete the key if it is not wanted",
            ));
        }
        if self.expand_env && text.contains('$') {
            return parse(&expand(text, |name| std::env::var(name).ok())?);
        }
        parse(text)
    }
}

fn parse(text: &str) -> Result<Value, Value> {
    serde_json::from_str(text).map(|Exact(value)| Value::Json(value)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = error.to_string();
        let reason = reason.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&reason);
        let reason = match (text.trim_start().as_bytes().first(), column) {
            // Neither braces nor a list nor a plain value: somebody put something else there.
            (Some(_), _) if reason == "expected value" => "expected JSON, found something else",
            _ => reason,
        };
        let position = (line > 0).then_some(Position { line, column: column.max(1) });
        Value::Undecodable { reason: reason.to_owned(), position }
    })
}

fn position_after(good: &[u8]) -> Position {
    let line_start = good.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    Position { line: 1 + good.iter().filter(|&&b| b == b'\n').count(), column: good.len() - line_start + 1 }
}

/// Puts in the values of variables: `$NAME` and `${NAME}`. A `$` before anything else stays.
fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, Value> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, next) = match braced {
            Some((name, next)) if !name.is_empty() && name.chars().all(is_name) => (name, next),
            _ => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        rest = next;
        if name.is_empty() {
            out.push('$');
            continue;
        }
        let Some(value) = variable(name) else {
            let good = text.len() - after.len() - 1;
            return Err(Value::Undecodable {
                reason: format!("the environment variable {name} is not set"),
                position: Some(position_after(text.as_bytes().get(..good).unwrap_or_default())),
            });
        };
        out.push_str(&value);
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(bytes: &[u8]) -> Value {
        Decoder::default().decode(&Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn json_is_read_and_everything_else_says_where_it_is_wrong() {
        assert_eq!(read(br#" {"name": "a"} "#), Value::Json(json!({"name": "a"})));
        let deep = "[".repeat(5000);
        for (bytes, reason, position) in [
            (&b""[..], "empty value", None),
            (b"not json", "expected", Some((1, 2))),
            (b"{\"a\": 1,\n \"b\": }", "expected JSON", Some((2, 7))),
            (b"{\"a\": 1", "EOF", Some((1, 7))),
            (b"{\"a\": 1} {}", "trailing characters", Some((1, 10))),
            (b"{\"a\": 1, \"a\": 2}", "`a` is stated twice", Some((1, 12))),
            (b"{\"a\": 123456789012345678901234567890}", "64 bits", Some((1, 36))),
            (b"{\n\xff", "UTF-8", Some((2, 1))),
            (deep.as_bytes(), "recursion limit", Some((1, 128))),
        ] {
            let Value::Undecodable { reason: found, position: at } = read(bytes) else {
                panic!("{bytes:?} was read")
            };
            assert!(found.contains(reason), "{bytes:?}: {found}");
            assert_eq!(at.map(|p| (p.line, p.column)), position, "{bytes:?}: {found}");
        }
        let Value::Undecodable { reason, .. } = read(&vec![b' '; MAX_VALUE + 1]) else { panic!() };
        assert!(reason.contains("at most 4194304"), "{reason}");
    }

    #[test]
    fn variables_are_put_in_where_that_is_asked_for() {
        let variable = |name: &str| (name == "HOST").then(|| "a b".to_owned());
        for (text, expected) in [
            (r#"{"n": "$HOST", "m": "x${HOST}y$ $"}"#, r#"{"n": "a b", "m": "xa by$ $"}"#),
            ("none", "none"),
            ("${}", "${}"),
        ] {
            assert_eq!(expand(text, variable).as_deref(), Ok(expected));
        }
        let Err(Value::Undecodable { reason, position }) = expand("{\n $NONE}", variable) else { panic!() };
        assert!(reason.contains("NONE is not set"));
        assert_eq!(position, Some(Position { line: 2, column: 2 }));
    }

    #[test]
    fn protobuf_is_passed_on_as_it_is() {
        let decoder = Decoder { encoding: Encoding::Protobuf, expand_env: false };
        let bytes = Bytes::from_static(b"\x0a\x01a");
        assert_eq!(decoder.decode(&bytes), Value::Binary(bytes));
    }
}
