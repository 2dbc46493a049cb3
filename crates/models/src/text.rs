//! One-line text form of messages, as operators see them in logs: `name:"if1" type:SOFTWARE_LOOPBACK enabled:true`.
//!
//! This is the protobuf text format with fields in the order of the `.proto` file, one space between fields, none
//! after a colon, and every element of a repeated field with its name: what the text format's own parser reads.

use std::fmt::{self, Write};

use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage, Value};

use crate::ModelError;

/// Writes `message` on one line.
pub(crate) fn write_message<W: Write>(f: &mut W, message: &DynamicMessage) -> fmt::Result {
    let descriptor = message.descriptor();
    let mut first = true;
    for declared in &descriptor.descriptor_proto().field {
        let Some(field) = descriptor.get_field_by_name(declared.name()) else { continue };
        if !message.has_field(&field) {
            continue;
        }
        let value = message.get_field(&field);
        let kind = field.kind();
        let mut write_one = |f: &mut W, value: &Value, kind: &Kind| -> fmt::Result {
            separate(f, &mut first)?;
            write!(f, "{}:", field.name())?;
            write_value(f, value, kind)
        };
        match value.as_ref() {
            Value::List(list) => list.iter().try_for_each(|item| write_one(f, item, &kind))?,
            Value::Map(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by(|(a, _), (b, _)| compare_map_keys(a, b));
                for (key, value) in entries {
                    separate(f, &mut first)?;
                    write!(f, "{}:{{key:", field.name())?;
                    write_map_key(f, key)?;
                    f.write_str(" value:")?;
                    match kind.as_message() {
                        Some(entry) => write_value(f, value, &entry.map_entry_value_field().kind())?,
                        None => write_value(f, value, &kind)?,
                    }
                    f.write_char('}')?;
                }
            }
            value => write_one(f, value, &kind)?,
        }
    }
    Ok(())
}

fn separate(f: &mut impl Write, first: &mut bool) -> fmt::Result {
    if std::mem::take(first) { Ok(()) } else { f.write_char(' ') }
}

fn write_value<W: Write>(f: &mut W, value: &Value, kind: &Kind) -> fmt::Result {
    match value {
        Value::Bool(v) => write!(f, "{v}"),
        Value::I32(v) => write!(f, "{v}"),
        Value::I64(v) => write!(f, "{v}"),
        Value::U32(v) => write!(f, "{v}"),
        Value::U64(v) => write!(f, "{v}"),
        Value::F32(v) => write!(f, "{v}"),
        Value::F64(v) => write!(f, "{v}"),
        Value::String(v) => write_quoted(f, v),
        Value::Bytes(v) => write!(f, "\"{}\"", v.escape_ascii()),
        Value::EnumNumber(number) => match kind.as_enum().and_then(|e| e.get_value(*number)) {
            Some(known) => f.write_str(known.name()),
            None => write!(f, "{number}"),
        },
        Value::Message(message) => {
            f.write_char('{')?;
            write_message(f, message)?;
            f.write_char('}')
        }
        // Elements of repeated fields and maps are written by the message that has them.
        Value::List(_) | Value::Map(_) => Ok(()),
    }
}

fn write_map_key(f: &mut impl Write, key: &MapKey) -> fmt::Result {
    match key {
        MapKey::Bool(v) => write!(f, "{v}"),
        MapKey::I32(v) => write!(f, "{v}"),
        MapKey::I64(v) => write!(f, "{v}"),
        MapKey::U32(v) => write!(f, "{v}"),
        MapKey::U64(v) => write!(f, "{v}"),
        MapKey::String(v) => write_quoted(f, v),
    }
}

fn compare_map_keys(a: &MapKey, b: &MapKey) -> std::cmp::Ordering {
    fn text(key: &MapKey) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = write_map_key(&mut out, key);
        out
    }
    text(a).cmp(&text(b))
}

fn write_quoted(f: &mut impl Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// Reads a message from the protobuf text format.
///
/// # Errors
/// [`ModelError::Text`] with the place and what was expected there.
pub fn from_text<M: ReflectMessage + Default>(text: &str) -> Result<M, ModelError> {
    let descriptor = M::default().descriptor();
    let message = descriptor.full_name().to_owned();
    let failed = |reason: String| ModelError::Text { message: message.clone(), reason };
    let dynamic =
        DynamicMessage::parse_text_format(descriptor.clone(), text).map_err(|e| failed(e.to_string()))?;
    dynamic.transcode_to().map_err(|e| failed(e.to_string()))
}

macro_rules! display {
    ($($message:ty),* $(,)?) => {$(
        impl fmt::Display for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_message(f, &self.transcode_to_dynamic())
            }
        }
    )*};
}

// Every message of the `.proto` files.
include!(concat!(env!("OUT_DIR"), "/display.rs"));
