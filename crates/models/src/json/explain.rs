//! Finds what makes a value undecodable.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::{FieldError, FieldErrors};
use crate::nearest::{nearest, shortened};

/// Every field that makes `value` undecodable; `None` if nothing is found.
pub(super) fn explain(descriptor: &MessageDescriptor, value: &Value) -> Option<FieldErrors> {
    let mut errors = FieldErrors { errors: Vec::new(), more: 0 };
    Walk { path: String::new(), errors: &mut errors }.message(descriptor, value);
    (!errors.errors.is_empty()).then_some(errors)
}

struct Walk<'a> {
    path: String,
    errors: &'a mut FieldErrors,
}

impl Walk<'_> {
    fn message(&mut self, descriptor: &MessageDescriptor, value: &Value) {
        // Types with a JSON form of their own are left to the decoder.
        if descriptor.full_name().starts_with("google.protobuf.") {
            return;
        }
        let Value::Object(fields) = value else {
            self.errors.add(|| not_a_mapping(descriptor, value, &self.path));
            return;
        };
        // What each field or oneof was stated as.
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (name, value) in fields {
            let before = self.path.len();
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(&shortened(name));
            match descriptor.get_field_by_name(name).or_else(|| descriptor.get_field_by_json_name(name)) {
                None => self.errors.add(|| unknown_field(descriptor, name, self.path.clone())),
                Some(_) if value.is_null() => {}
                Some(field) => match seen.insert(slot(&field), name) {
                    Some(other) => self.errors.add(|| FieldError {
                        path: self.path.clone(),
                        expected: format!("one of `{other}` and `{name}` only: they exclude each other"),
                        found: "both".to_owned(),
                    }),
                    None => self.field(&field, value),
                },
            }
            self.path.truncate(before);
        }
    }

    fn field(&mut self, field: &FieldDescriptor, value: &Value) {
        let kind = field.kind();
        if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
            let Value::Object(entries) = value else { return self.wrong("a mapping".to_owned(), value) };
            let kind = entry.map_entry_value_field().kind();
            for (key, value) in entries {
                self.inside(&format!("[{:?}]", shortened(key)), |walk| walk.kind(&kind, value));
            }
        } else if field.is_list() {
            let Value::Array(items) = value else {
                return self.wrong(format!("a list of {}", noun(&kind)), value);
            };
            for (i, item) in items.iter().enumerate() {
                self.inside(&format!("[{i}]"), |walk| walk.kind(&kind, item));
            }
        } else {
            self.kind(&kind, value);
        }
    }

    fn inside(&mut self, step: &str, walk: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        self.path.push_str(step);
        walk(self);
        self.path.truncate(before);
    }

    fn kind(&mut self, kind: &Kind, value: &Value) {
        let good = match kind {
            Kind::Message(descriptor) => return self.message(descriptor, value),
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
        if good {
            return;
        }
        let mut expected = noun(kind);
        if let (Kind::Enum(descriptor), Value::String(name)) = (kind, value) {
            let names: Vec<String> = descriptor.values().map(|v| v.name().to_owned()).collect();
            if let Some(near) = nearest(name, names.iter().map(String::as_str)) {
                expected.push_str(&format!("; did you mean {near}?"));
            }
        }
        self.wrong(expected, value);
    }

    fn wrong(&mut self, expected: String, found: &Value) {
        self.errors.add(|| FieldError { path: self.path.clone(), expected, found: describe(found) });
    }
}

/// What can be stated once: the field, or the oneof that it belongs to.
fn slot(field: &FieldDescriptor) -> String {
    field
        .containing_oneof()
        .filter(|oneof| !oneof.is_synthetic())
        .map_or_else(|| field.name().to_owned(), |oneof| format!("oneof {}", oneof.name()))
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

/// A value that is no mapping at all.
pub(super) fn not_a_mapping(descriptor: &MessageDescriptor, value: &Value, path: &str) -> FieldError {
    FieldError {
        path: path.to_owned(),
        expected: format!("a mapping with the fields of {}", descriptor.name()),
        found: describe(value),
    }
}

fn unknown_field(descriptor: &MessageDescriptor, name: &str, path: String) -> FieldError {
    let names: Vec<&str> = descriptor.descriptor_proto().field.iter().map(|field| field.name()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    FieldError {
        path,
        expected: format!("a field of {}: {}{hint}", descriptor.name(), names.join(", ")),
        found: format!("unknown field `{}`", shortened(name)),
    }
}

/// A value in a message, cut where it is too long.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("{:?}", shortened(text)),
        scalar => scalar.to_string(),
    }
}
