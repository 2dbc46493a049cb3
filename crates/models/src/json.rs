//! Values as proto3 JSON, in and out.
//!
//! In: field names as in the `.proto` file or in lowerCamelCase, unknown fields are errors. Out: names as in the
//! `.proto` file, fields that have their default value left out. When decoding fails the value is walked along the
//! message's descriptor, to name the field at fault and what it has to be.

use prost_reflect::{
    DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, ReflectMessage, SerializeOptions,
};
use serde_json::Value;

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

/// Decodes a message from proto3 JSON.
///
/// # Errors
/// The first field that the message does not have or that has a value of another type.
pub fn decode<M: ReflectMessage + Default>(value: &Value) -> Result<M, FieldError> {
    let descriptor = M::default().descriptor();
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let dynamic = match DynamicMessage::deserialize_with_options(descriptor.clone(), value, &options) {
        // A value that is not a mapping at all may be read as a default; we want a mapping.
        Ok(dynamic) if value.is_object() => dynamic,
        Ok(_) => return Err(not_a_mapping(&descriptor, value, "")),
        Err(error) => {
            return Err(explain(&descriptor, value, "").unwrap_or_else(|| FieldError {
                path: String::new(),
                expected: format!("a {} as proto3 JSON", descriptor.full_name()),
                found: error.to_string(),
            }));
        }
    };
    dynamic.transcode_to().map_err(|error| FieldError {
        path: String::new(),
        expected: format!("a {}", descriptor.full_name()),
        found: error.to_string(),
    })
}

/// Encodes a message as proto3 JSON with the field names of the `.proto` file.
pub fn encode<M: ReflectMessage>(message: &M) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(true);
    message
        .transcode_to_dynamic()
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap_or(Value::Null)
}

/// Finds the field that makes `value` undecodable.
fn explain(descriptor: &MessageDescriptor, value: &Value, path: &str) -> Option<FieldError> {
    let Value::Object(fields) = value else { return Some(not_a_mapping(descriptor, value, path)) };
    let mut seen: Vec<(String, &str)> = Vec::new();
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let Some(field) =
            descriptor.get_field_by_name(name).or_else(|| descriptor.get_field_by_json_name(name))
        else {
            return Some(unknown_field(descriptor, name, path));
        };
        if value.is_null() {
            continue;
        }
        let slot = field
            .containing_oneof()
            .filter(|oneof| !oneof.is_synthetic())
            .map_or_else(|| field.name().to_owned(), |oneof| format!("oneof {}", oneof.name()));
        if let Some((_, other)) = seen.iter().find(|(taken, _)| *taken == slot) {
            return Some(FieldError {
                path,
                expected: format!("one of `{other}` and `{name}` only: they exclude each other"),
                found: "both".to_owned(),
            });
        }
        seen.push((slot, name));
        let kind = field.kind();
        let wrong = if field.is_map() {
            explain_map(&kind, value, &path)
        } else if field.is_list() {
            explain_list(&kind, value, &path)
        } else {
            explain_kind(&kind, value, &path)
        };
        if wrong.is_some() {
            return wrong;
        }
    }
    None
}

fn explain_list(kind: &Kind, value: &Value, path: &str) -> Option<FieldError> {
    let Value::Array(items) = value else {
        return Some(wrong(path, format!("a list of {}", noun(kind)), value));
    };
    items.iter().enumerate().find_map(|(i, item)| explain_kind(kind, item, &format!("{path}[{i}]")))
}

fn explain_map(kind: &Kind, value: &Value, path: &str) -> Option<FieldError> {
    let Value::Object(entries) = value else { return Some(wrong(path, "a mapping".to_owned(), value)) };
    let value_kind = kind.as_message()?.map_entry_value_field().kind();
    entries.iter().find_map(|(key, value)| explain_kind(&value_kind, value, &format!("{path}[{key:?}]")))
}

fn explain_kind(kind: &Kind, value: &Value, path: &str) -> Option<FieldError> {
    let good = match kind {
        Kind::Message(descriptor) => return explain(descriptor, value, path),
        Kind::Enum(descriptor) => match value {
            Value::String(name) => descriptor.get_value_by_name(name).is_some(),
            other => integer(other).is_some_and(|n| i32::try_from(n).is_ok()),
        },
        Kind::Bool => value.is_boolean(),
        Kind::String | Kind::Bytes => value.is_string(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            integer(value).is_some_and(|n| i32::try_from(n).is_ok())
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            integer(value).is_some_and(|n| i64::try_from(n).is_ok())
        }
        Kind::Uint32 | Kind::Fixed32 => integer(value).is_some_and(|n| u32::try_from(n).is_ok()),
        Kind::Uint64 | Kind::Fixed64 => integer(value).is_some_and(|n| u64::try_from(n).is_ok()),
        Kind::Float | Kind::Double => value.is_number() || value.is_string(),
    };
    (!good).then(|| wrong(path, noun(kind), value))
}

/// An integer as proto3 JSON allows to write it: as a number, or as text.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            // Proto3 JSON takes 1e3 and 1.0 too; what is a fraction or too large is no integer for us.
            .or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9.0e15).map(|f| f as i128)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn noun(kind: &Kind) -> String {
    match kind {
        Kind::Message(descriptor) => format!("a mapping with the fields of {}", descriptor.name()),
        Kind::Enum(descriptor) => {
            let names: Vec<String> = descriptor.values().map(|v| v.name().to_owned()).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "text (in quotes if it looks like a number, true, false or null)".to_owned(),
        Kind::Bytes => "text in base64".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            format!("an integer from {} to {}", i32::MIN, i32::MAX)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            format!("an integer from {} to {}", i64::MIN, i64::MAX)
        }
        Kind::Uint32 | Kind::Fixed32 => format!("an integer from 0 to {}", u32::MAX),
        Kind::Uint64 | Kind::Fixed64 => format!("an integer from 0 to {}", u64::MAX),
        Kind::Float | Kind::Double => "a number".to_owned(),
    }
}

fn not_a_mapping(descriptor: &MessageDescriptor, value: &Value, path: &str) -> FieldError {
    wrong(path, format!("a mapping with the fields of {}", descriptor.name()), value)
}

fn unknown_field(descriptor: &MessageDescriptor, name: &str, path: String) -> FieldError {
    let mut names: Vec<String> =
        descriptor.descriptor_proto().field.iter().map(|field| field.name().to_owned()).collect();
    names.dedup();
    FieldError {
        path,
        expected: format!("a field of {}: {}", descriptor.name(), names.join(", ")),
        found: format!("unknown field `{name}`"),
    }
}

fn wrong(path: &str, expected: String, found: &Value) -> FieldError {
    FieldError { path: path.to_owned(), expected, found: describe(found) }
}

fn describe(value: &Value) -> String {
    const LONGEST: usize = 60;
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) if text.chars().count() > LONGEST => {
            format!("{:?}...", text.chars().take(LONGEST).collect::<String>())
        }
        scalar => scalar.to_string(),
    }
}
