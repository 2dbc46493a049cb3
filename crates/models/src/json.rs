//! Values as proto3 JSON, in and out.
//!
//! In: field names as in the `.proto` file or in lowerCamelCase; unknown fields are errors. When decoding fails the
//! value is walked along the message's descriptor, to name every field at fault and what it has to be.
//!
//! Out: fields that have their default value are left out, 64-bit numbers are text, enums are names. Stores and
//! files have the field names of the `.proto` file ([`Names::Proto`]); canonical proto3 JSON has lowerCamelCase
//! ([`Names::Json`]).

use std::fmt;

use prost_reflect::{
    DeserializeOptions, DynamicMessage, MessageDescriptor, ReflectMessage, SerializeOptions,
};
use serde_json::Value;

mod explain;

pub(crate) use explain::describe;

/// Faults that are told at most; how many more there are is told, too.
const MOST_FAULTS: usize = 20;

/// A field that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}found {found}, expected {expected}", if path.is_empty() { String::new() } else { format!("field `{path}`: ") })]
pub struct FieldError {
    /// Path of the field, as `interfaces[0].name`; empty for the value as a whole.
    pub path: String,
    /// What it has to be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// The fields that cannot be decoded: at least one, in the order of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldErrors {
    errors: Vec<FieldError>,
    more: usize,
}

impl FieldErrors {
    /// The fields; the first 20 if there are more.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// How many there are besides.
    pub fn more(&self) -> usize {
        self.more
    }

    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    fn add(&mut self, error: impl FnOnce() -> FieldError) {
        if self.errors.len() < MOST_FAULTS { self.errors.push(error()) } else { self.more += 1 }
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self { errors: vec![error], more: 0 }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "; " })?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for FieldErrors {}

/// Which names fields have in JSON that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As in the `.proto` file: `phys_address`.
    Proto,
    /// lowerCamelCase: `physAddress`.
    Json,
}

/// Decodes a message from proto3 JSON.
///
/// # Errors
/// Every field that the message does not have or that has a value of another type.
pub fn decode<M: ReflectMessage + Default>(value: &Value) -> Result<M, FieldErrors> {
    let descriptor = M::default().descriptor();
    decode_dynamic(&descriptor, value)?.transcode_to().map_err(|error| {
        FieldError {
            path: String::new(),
            expected: format!("a {}", descriptor.full_name()),
            found: error.to_string(),
        }
        .into()
    })
}

/// Decodes a message whose type is known at run time only.
///
/// # Errors
/// As those of [`decode`].
pub fn decode_dynamic(descriptor: &MessageDescriptor, value: &Value) -> Result<DynamicMessage, FieldErrors> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    match DynamicMessage::deserialize_with_options(descriptor.clone(), value, &options) {
        // A value that is not a mapping at all may be read as a default; we want a mapping.
        Ok(dynamic) if value.is_object() => Ok(dynamic),
        Ok(_) => Err(explain::not_a_mapping(descriptor, value, "").into()),
        Err(error) => Err(explain::explain(descriptor, value).unwrap_or_else(|| {
            FieldError {
                path: String::new(),
                expected: format!("a {} as proto3 JSON", descriptor.full_name()),
                found: error.to_string(),
            }
            .into()
        })),
    }
}

/// Encodes a message as proto3 JSON with the field names of the `.proto` file.
pub fn encode<M: ReflectMessage>(message: &M) -> Value {
    encode_dynamic(&message.transcode_to_dynamic(), Names::Proto)
}

/// Encodes a message as proto3 JSON.
pub fn encode_dynamic(message: &DynamicMessage, names: Names) -> Value {
    let options =
        SerializeOptions::new().use_proto_field_name(names == Names::Proto).skip_default_fields(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or(Value::Null)
}
