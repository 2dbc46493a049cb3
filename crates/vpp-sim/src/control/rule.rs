//! Rules of faults, read and written as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vpp_schema::hex;

use super::fields::{CommandError, Fields, need};
use crate::fault::{Active, Fault, Rule, Which};
use crate::outbox::frame;

const KINDS: &str = "one of refuse, delay, drop, duplicate, truncate, cut, context, id, length, instead, stall, \
                     close, crash";

/// Reads the rule of a `fault` command.
pub(super) fn read(fields: &mut Fields) -> Result<Rule, CommandError> {
    let kind = need("kind", KINDS, fields.text("kind")?)?;
    let which = match (fields.text("message")?, fields.text("module")?) {
        (None, None) => Which::All,
        (Some(message), None) => Which::Message(message),
        (None, Some(module)) => Which::Module(module),
        (Some(_), Some(_)) => return Err(CommandError::Both { fields: "message, module".to_string() }),
    };
    Ok(Rule {
        which,
        connection: fields.number("connection")?,
        client: fields.text("client")?,
        after: fields.number("after")?.unwrap_or_default(),
        times: fields.number("times")?,
        fault: fault(&kind, fields)?,
    })
}

fn fault(kind: &str, fields: &mut Fields) -> Result<Fault, CommandError> {
    Ok(match kind {
        "refuse" => {
            let retval: i32 = need("retval", "a number of VPP's", fields.number("retval")?)?;
            Fault::Refuse { retval }
        }
        "delay" => Fault::Delay { by: time(fields)? },
        "drop" => Fault::Drop { execute: fields.flag("execute")?.unwrap_or(false) },
        "duplicate" => Fault::Duplicate,
        "truncate" => Fault::Truncate { to: bytes(fields)? },
        "cut" => Fault::Cut { after: bytes(fields)? },
        "context" => Fault::Context { context: need("context", "a context", fields.number("context")?)? },
        "id" => Fault::Id { id: need("id", "a message id", fields.number("id")?)? },
        "length" => Fault::Length { length: need("length", "a length", fields.number("length")?)? },
        "instead" => Fault::Instead { bytes: need("hex", "hex, or frame", raw(fields)?)? },
        "stall" => Fault::Stall { by: time(fields)? },
        "close" => Fault::Close { answers: fields.number("answers")? },
        "crash" => Fault::Crash,
        _ => return Err(CommandError::wrong("kind", KINDS, &kind.into())),
    })
}

/// `ms`.
pub(super) fn time(fields: &mut Fields) -> Result<Duration, CommandError> {
    let ms: u32 = need("ms", "milliseconds", fields.number("ms")?)?;
    Ok(Duration::from_millis(ms.into()))
}

fn bytes(fields: &mut Fields) -> Result<usize, CommandError> {
    need("bytes", "a number of bytes", fields.number("bytes")?)
}

/// `hex`, bytes as they are, or `frame`, a message to make a frame of.
pub(super) fn raw(fields: &mut Fields) -> Result<Option<Vec<u8>>, CommandError> {
    match (fields.hex("hex")?, fields.hex("frame")?) {
        (Some(_), Some(_)) => Err(CommandError::Both { fields: "hex, frame".to_string() }),
        (bytes, None) => Ok(bytes),
        (None, Some(message)) => Ok(Some(frame(&message))),
    }
}

/// A rule as it would be given, with its number and how often it struck.
pub(super) fn write(active: &Active) -> Value {
    let Rule { which, connection, client, after, times, fault } = &active.rule;
    let mut out = Map::new();
    out.insert("fault".to_string(), active.id.into());
    let (kind, detail) = parts(fault);
    out.insert("kind".to_string(), kind.into());
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_string(), value);
        }
    };
    match which {
        Which::All => {}
        Which::Message(name) => put("message", Some(name.as_str().into())),
        Which::Module(name) => put("module", Some(name.as_str().into())),
    }
    put("connection", connection.map(Value::from));
    put("client", client.clone().map(Value::from));
    put("after", Some(*after).filter(|after| *after > 0).map(Value::from));
    put("times", times.map(Value::from));
    if let Some((key, value)) = detail {
        put(key, Some(value));
    }
    put("hits", Some(active.hits.into()));
    Value::Object(out)
}

fn parts(fault: &Fault) -> (&'static str, Option<(&'static str, Value)>) {
    let ms = |time: &Duration| json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    match fault {
        Fault::Refuse { retval } => ("refuse", Some(("retval", json!(retval)))),
        Fault::Delay { by } => ("delay", Some(("ms", ms(by)))),
        Fault::Drop { execute } => ("drop", Some(("execute", json!(execute)))),
        Fault::Duplicate => ("duplicate", None),
        Fault::Truncate { to } => ("truncate", Some(("bytes", json!(to)))),
        Fault::Cut { after } => ("cut", Some(("bytes", json!(after)))),
        Fault::Context { context } => ("context", Some(("context", json!(context)))),
        Fault::Id { id } => ("id", Some(("id", json!(id)))),
        Fault::Length { length } => ("length", Some(("length", json!(length)))),
        Fault::Instead { bytes } => ("instead", Some(("hex", json!(hex::write(bytes))))),
        Fault::Stall { by } => ("stall", Some(("ms", ms(by)))),
        Fault::Close { answers } => ("close", answers.map(|n| ("answers", json!(n)))),
        Fault::Crash => ("crash", None),
    }
}
