//! The fields of a command, read one by one. What is wrong is told with the field's name.

use serde_json::{Map, Value};
use vpp_schema::hex;

use crate::fault::RuleError;
use crate::options;
use crate::socket::ServeError;

/// Why a command is not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("a line is expected to be a JSON object: {0}")]
    NotJson(String),
    #[error("a line is longer than {0} bytes")]
    TooLong(usize),
    #[error("{field}: missing; expected {expected}")]
    Missing { field: String, expected: &'static str },
    #[error("{field}: expected {expected}, got {got}")]
    Wrong { field: String, expected: String, got: String },
    #[error("{field}: no field of this command, which takes {takes}")]
    Unknown { field: String, takes: String },
    #[error("{fields}: only one of these can be given")]
    Both { fields: String },
    #[error("{field}: {source}")]
    Rule { field: &'static str, source: RuleError },
    #[error("{field}: {source}")]
    Nic { field: &'static str, source: options::NicError },
    #[error("{field}: {why}")]
    Refused { field: &'static str, why: String },
    #[error("command: {0}")]
    State(&'static str),
    #[error("command: {0}")]
    Serve(#[from] ServeError),
}

impl CommandError {
    pub(super) fn wrong(field: &str, expected: impl Into<String>, got: &Value) -> Self {
        Self::Wrong { field: field.to_string(), expected: expected.into(), got: got.to_string() }
    }

    /// The field that it is about.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::NotJson(_) | Self::TooLong(_) => None,
            Self::Missing { field, .. } | Self::Wrong { field, .. } | Self::Unknown { field, .. } => {
                Some(field)
            }
            Self::Both { fields } => Some(fields),
            Self::Rule { field, .. } | Self::Nic { field, .. } | Self::Refused { field, .. } => Some(field),
            Self::State(_) | Self::Serve(_) => Some("command"),
        }
    }
}

type Read<T> = Result<Option<T>, CommandError>;

/// What is left of a command.
pub(super) struct Fields {
    left: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl Fields {
    pub(super) fn parse(line: &[u8]) -> Result<Self, CommandError> {
        match serde_json::from_slice(line) {
            Ok(Value::Object(left)) => Ok(Self { left, asked: Vec::new() }),
            Ok(other) => Err(CommandError::NotJson(format!("got {other}"))),
            Err(error) => Err(CommandError::NotJson(error.to_string())),
        }
    }

    /// The value of a field. `null` is as good as none.
    pub(super) fn value(&mut self, field: &'static str) -> Option<Value> {
        self.asked.push(field);
        self.left.remove(field).filter(|value| !value.is_null())
    }

    fn read<T>(
        &mut self,
        field: &'static str,
        expected: impl Into<String>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Read<T> {
        let Some(value) = self.value(field) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| CommandError::wrong(field, expected, &value))
    }

    pub(super) fn text(&mut self, field: &'static str) -> Read<String> {
        self.read(field, "a text", |v| v.as_str().map(str::to_string))
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Read<bool> {
        self.read(field, "true or false", Value::as_bool)
    }

    pub(super) fn number<T: TryFrom<i64> + Number>(&mut self, field: &'static str) -> Read<T> {
        let expected = format!("a whole number from {} to {}", T::LEAST, T::MOST);
        self.read(field, expected, |v| v.as_i64().and_then(|n| T::try_from(n).ok()))
    }

    pub(super) fn hex(&mut self, field: &'static str) -> Read<Vec<u8>> {
        self.read(field, "bytes in hex", |v| v.as_str().and_then(hex::read))
    }

    pub(super) fn texts(&mut self, field: &'static str) -> Read<Vec<String>> {
        self.read(field, "a list of texts", |v| {
            v.as_array()?.iter().map(|v| v.as_str().map(str::to_string)).collect()
        })
    }

    /// Refuses fields that nobody asked for.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        match self.left.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => Err(CommandError::Unknown { field, takes: self.asked.join(", ") }),
        }
    }
}

/// Bounds, to be told.
pub(super) trait Number {
    const LEAST: i64;
    const MOST: i64;
}

macro_rules! numbers {
    ($($ty:ty = $least:expr, $most:expr;)*) => {
        $(impl Number for $ty {
            const LEAST: i64 = $least;
            const MOST: i64 = $most;
        })*
    };
}

numbers! {
    u16 = 0, 0xffff;
    u32 = 0, 0xffff_ffff;
    i32 = -0x8000_0000, 0x7fff_ffff;
    u64 = 0, i64::MAX;
    usize = 0, i64::MAX;
}

/// A field that has to be there.
pub(super) fn need<T>(field: &str, expected: &'static str, value: Option<T>) -> Result<T, CommandError> {
    value.ok_or_else(|| CommandError::Missing { field: field.to_string(), expected })
}
