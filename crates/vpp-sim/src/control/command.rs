//! What the control socket understands.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::{CommandError, Fields, need};
use super::rule;
use crate::Release;
use crate::fault::RuleError;
use crate::options::Nic;
use crate::outbox::frame;
use crate::running::Host;
use crate::server::Order;
use crate::state::InterfaceEvent;

const COMMANDS: &str = "one of state, faults, fault, clear, stall, close, crash, send, event, link, add-interface, \
                        restart, start, stop";

type Answer = Result<Map<String, Value>, CommandError>;

/// Carries out a line; the line to answer.
pub(super) fn run(host: &Host, line: &[u8]) -> Value {
    answer(execute(host, line))
}

/// An answer as a line.
pub(super) fn answer(result: Answer) -> Value {
    let mut out = Map::new();
    out.insert("ok".to_string(), result.is_ok().into());
    match result {
        Ok(fields) => out.extend(fields),
        Err(error) => {
            out.insert("error".to_string(), error.to_string().into());
            if let Some(field) = error.field() {
                out.insert("field".to_string(), field.into());
            }
        }
    }
    Value::Object(out)
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

fn execute(host: &Host, line: &[u8]) -> Answer {
    let mut fields = Fields::parse(line)?;
    let command = need("command", COMMANDS, fields.text("command")?)?;
    match command.as_str() {
        "state" => fields.finish().map(|()| state(host)),
        "faults" => {
            fields.finish()?;
            let faults: Vec<Value> = host.sim().faults().iter().map(rule::write).collect();
            Ok(object([("faults", faults.into())]))
        }
        "fault" => {
            let rule = rule::read(&mut fields)?;
            fields.finish()?;
            let number = host.sim().add_fault(rule).map_err(|source| {
                let field = match source {
                    RuleError::Message { .. } => "message",
                    RuleError::Module { .. } => "module",
                };
                CommandError::Rule { field, source }
            })?;
            Ok(object([("fault", number.into())]))
        }
        "clear" => {
            let number: Option<u64> = fields.number("fault")?;
            fields.finish()?;
            let mut sim = host.sim();
            match number {
                None => sim.clear_faults(),
                Some(number) => {
                    sim.clear_fault(number).ok_or_else(|| CommandError::Refused {
                        field: "fault",
                        why: format!("there is no fault {number}"),
                    })?;
                }
            }
            Ok(Map::new())
        }
        "start" => restart(host, fields, true),
        "restart" => restart(host, fields, false),
        "add-interface" => add_interface(host, fields),
        "crash" => {
            let process = fields.flag("process")?.unwrap_or(false);
            fields.finish()?;
            running(host)?;
            if process {
                std::process::abort();
            }
            host.crash("told to crash");
            Ok(Map::new())
        }
        "stop" => {
            fields.finish()?;
            running(host)?;
            host.end();
            Ok(Map::new())
        }
        "stall" => {
            let time = rule::time(&mut fields)?;
            fields.finish()?;
            running(host)?;
            host.give(Order::Stall(time));
            Ok(Map::new())
        }
        "close" => {
            let connection = connection(host, &mut fields)?;
            fields.finish()?;
            running(host)?;
            host.give(Order::Close(connection));
            Ok(Map::new())
        }
        "send" => send(host, fields),
        "event" => event(host, fields),
        "link" => link(host, fields),
        _ => Err(CommandError::wrong("command", COMMANDS, &command.into())),
    }
}

fn running(host: &Host) -> Result<(), CommandError> {
    host.runs().then_some(()).ok_or(CommandError::State("no VPP is running; start it first"))
}

/// The connection that is named, which has to have a client.
fn connection(host: &Host, fields: &mut Fields) -> Result<Option<u64>, CommandError> {
    let connection: Option<u64> = fields.number("connection")?;
    if let Some(number) = connection
        && !host.sim().clients().any(|client| client.connection == number)
    {
        let why = format!("no client is at connection {number}");
        return Err(CommandError::Refused { field: "connection", why });
    }
    Ok(connection)
}

fn state(host: &Host) -> Map<String, Value> {
    let running = host.runs();
    let sim = host.sim();
    let clients: Vec<Value> = sim
        .clients()
        .filter(|_| running)
        .map(|client| {
            json!({
                "connection": client.connection,
                "handle": client.handle,
                "name": client.name,
                "subscribed": client.subscribed,
            })
        })
        .collect();
    let interfaces = &sim.state().interfaces;
    let shown: Vec<Value> = interfaces
        .iter()
        .map(|i| {
            json!({
                "sw_if_index": i.sw_if_index,
                "name": i.name,
                "admin_up": i.admin_up,
                "link_up": interfaces.link_up(i),
                "tag": i.tag,
            })
        })
        .collect();
    let counters = |counters: &BTreeMap<String, u64>| json!(counters);
    object([
        ("release", sim.release().to_string().into()),
        ("running", running.into()),
        ("died", sim.died().into()),
        ("pid", sim.pid().into()),
        ("without_plugins", json!(sim.options().without_plugins)),
        ("clients", clients.into()),
        ("interfaces", shown.into()),
        ("received", counters(sim.received())),
        ("unimplemented", counters(sim.unimplemented())),
        ("dropped", sim.dropped().into()),
        ("rude", sim.rude().into()),
    ])
}

fn restart(host: &Host, mut fields: Fields, start: bool) -> Answer {
    let (mut release, mut options) = {
        let sim = host.sim();
        (sim.release(), sim.options().clone())
    };
    if let Some(text) = fields.text("release")? {
        let expected = "a release like 20.05";
        release =
            Release::parse(&text).ok_or_else(|| CommandError::wrong("release", expected, &text.into()))?;
    }
    if let Some(without) = fields.texts("without_plugins")? {
        options.without_plugins = without;
    }
    fields.finish()?;
    if start && host.runs() {
        return Err(CommandError::State("VPP is running; restart it instead"));
    }
    host.restart(release, options).map_err(|error| match error {
        crate::ServeError::Sim(error @ crate::Error::NoDefinitions { .. }) => {
            CommandError::Refused { field: "release", why: error.to_string() }
        }
        other => other.into(),
    })?;
    let sim = host.sim();
    Ok(object([("release", sim.release().to_string().into()), ("pid", sim.pid().into())]))
}

fn add_interface(host: &Host, mut fields: Fields) -> Answer {
    let name = need("name", "a text", fields.text("name")?)?;
    let mac = need("mac", "a MAC", fields.text("mac")?)?;
    fields.finish()?;
    running(host)?;
    if host.sim().state().interfaces.by_name(&name).is_some() {
        return Err(CommandError::Refused { field: "name", why: format!("there is an interface {name}") });
    }
    let nic = Nic::new(&name, &mac).map_err(|source| {
        let field = match source {
            crate::options::NicError::Mac(_) => "mac",
            crate::options::NicError::Name | crate::options::NicError::Form(_) => "name",
        };
        CommandError::Nic { field, source }
    })?;
    Ok(object([("sw_if_index", host.add_nic(nic).into())]))
}

fn send(host: &Host, mut fields: Fields) -> Answer {
    let connection = connection(host, &mut fields)?;
    let raw = rule::raw(&mut fields)?;
    let (name, values) = (fields.text("message")?, fields.value("fields"));
    fields.finish()?;
    running(host)?;
    let bytes = match (raw, name) {
        (Some(bytes), None) => bytes,
        (None, Some(name)) => message(host, &name, values.unwrap_or_else(|| json!({})))?,
        (Some(_), Some(_)) => return Err(CommandError::Both { fields: "hex, frame, message".to_string() }),
        (None, None) => need("hex", "hex, frame, or message with fields", None)?,
    };
    host.give(Order::Send(connection, bytes));
    Ok(Map::new())
}

/// A frame of a message.
fn message(host: &Host, name: &str, values: Value) -> Result<Vec<u8>, CommandError> {
    let sim = host.sim();
    let Some(id) = sim.table().id(name) else {
        let why = format!("this VPP has no message {name}");
        return Err(CommandError::Refused { field: "message", why });
    };
    let body = sim
        .schema()
        .encode(name, &values)
        .map_err(|error| CommandError::Refused { field: "fields", why: error.to_string() })?;
    Ok(frame(&[id.to_be_bytes().as_slice(), &body].concat()))
}

/// `interface`, by name, or by index, of one that need not be there.
fn interface(host: &Host, fields: &mut Fields) -> Result<u32, CommandError> {
    let name = match need("interface", "a name or an index", fields.value("interface"))? {
        Value::String(name) => name,
        other => {
            let index = other.as_u64().and_then(|index| u32::try_from(index).ok());
            return index.ok_or_else(|| CommandError::wrong("interface", "a name or an index", &other));
        }
    };
    let index = host.sim().state().interfaces.by_name(&name).map(|i| i.sw_if_index);
    index.ok_or_else(|| CommandError::Refused {
        field: "interface",
        why: format!("there is no interface {name}"),
    })
}

fn event(host: &Host, mut fields: Fields) -> Answer {
    let event = InterfaceEvent {
        sw_if_index: interface(host, &mut fields)?,
        admin_up: fields.flag("admin_up")?.unwrap_or(false),
        link_up: fields.flag("link_up")?.unwrap_or(false),
        deleted: fields.flag("deleted")?.unwrap_or(false),
    };
    fields.finish()?;
    running(host)?;
    host.event(event);
    Ok(Map::new())
}

fn link(host: &Host, mut fields: Fields) -> Answer {
    let sw_if_index = interface(host, &mut fields)?;
    let up = need("up", "true or false", fields.flag("up")?)?;
    fields.finish()?;
    running(host)?;
    if host.set_link(sw_if_index, up) {
        return Ok(Map::new());
    }
    let why = format!("there is no interface {sw_if_index}");
    Err(CommandError::Refused { field: "interface", why })
}
