//! The lines of a recording.

use std::time::SystemTime;

use serde_json::{Map, Value, json};
use vpp_client::{Connection, Direction};

use crate::mask::{self, Secrets};
use crate::session::Session;

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_micros(at).to_string()
}

/// The line of a message.
pub(crate) fn message(
    at: SystemTime,
    number: u64,
    direction: Direction,
    bytes: &[u8],
    session: &Session,
    secrets: Secrets,
) -> Value {
    let mut line = Map::new();
    line.insert("time".to_string(), time(at).into());
    line.insert("session".to_string(), number.into());
    let dir = match direction {
        Direction::Sent => "tx",
        Direction::Received => "rx",
    };
    line.insert("dir".to_string(), dir.into());
    let (fields, name) = match bytes.split_first_chunk::<2>() {
        Some((id, body)) => {
            let id = u16::from_be_bytes(*id);
            line.insert("id".to_string(), id.into());
            let mut name = "";
            if let Some((known, crc)) = session.name(id) {
                line.insert("name".to_string(), known.into());
                if let Some(crc) = crc {
                    line.insert("crc".to_string(), format!("{crc:08x}").into());
                }
                name = known;
            }
            (session.fields(id, body), name)
        }
        None => (Err("too short for a message".to_string()), ""),
    };
    line.insert("length".to_string(), bytes.len().into());
    match fields {
        Ok(mut fields) => {
            if secrets == Secrets::Masked {
                mask::fields(name, &mut fields);
            }
            line.insert("fields".to_string(), fields);
        }
        Err(why) => {
            line.insert("error".to_string(), why.into());
            if secrets == Secrets::Shown {
                line.insert("payload".to_string(), vpp_schema::hex::write(bytes).into());
            }
        }
    }
    Value::Object(line)
}

/// The line of a handshake that went well.
pub(crate) fn connected(at: SystemTime, connection: &Connection, session: &Session) -> Value {
    json!({
        "time": time(at),
        "session": connection.session,
        "event": "connected",
        "version": connection.version,
        "pid": connection.pid,
        "messages": connection.table.len(),
        "definitions": session.release.map(|r| r.to_string()),
    })
}

/// The line of an end.
pub(crate) fn ended(at: SystemTime, session: u64, why: &str) -> Value {
    json!({"time": time(at), "session": session, "event": "ended", "why": why})
}

/// The line of messages that were not recorded.
pub(crate) fn left_out(at: SystemTime, messages: u64) -> Value {
    json!({"time": time(at), "event": "left out", "messages": messages})
}
