//! The VPP without a socket: messages in, messages out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use binapi_gen::model::Release;
use binapi_gen::normal;
use serde_json::{Map, Value};
use vpp_schema::Schema;

use crate::behaviour::{Behaviour, retval};
use crate::definitions::Definitions;
use crate::handlers::{self, Answer, Call, Handler, Names};
use crate::log::RequestLog;
use crate::message::{Record, Request};
use crate::options::Options;
use crate::state::State;
use crate::state::interface::{Interface, Kind};
use crate::stats::Segment;
use crate::system::System;
use crate::table::Table;

/// Why there is no simulated VPP.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The release's definitions cannot be read.
    #[error("definitions of VPP {release}: {source}")]
    Definitions {
        /// The release.
        release: Release,
        /// Why.
        source: Box<binapi_gen::Error>,
    },
    /// They cannot be made into layouts.
    #[error(transparent)]
    Schema(#[from] vpp_schema::SchemaError),
    /// The log of requests cannot be opened.
    #[error("cannot open {path}: {source}")]
    Log {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Set in every handle that a client gets.
const HANDLE: u32 = 0x8000_0000;

/// What a message leads to, before it is sent.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Connection that the message came from.
    connection: u64,
    /// Frames for it, ready to be written.
    pub(crate) own: Vec<u8>,
    /// Frames for other connections: events, and answers to a client that is another's.
    pub(crate) others: Vec<(u64, Vec<u8>)>,
    /// The connection is to be closed after what is in `own`.
    pub(crate) close: bool,
}

impl Outbox {
    /// For what a connection sent.
    pub fn new(connection: u64) -> Self {
        Self { connection, ..Self::default() }
    }

    /// Frames with their connections.
    pub fn frames(&self) -> impl Iterator<Item = (u64, &[u8])> {
        std::iter::once((self.connection, self.own.as_slice()))
            .chain(self.others.iter().map(|(connection, bytes)| (*connection, bytes.as_slice())))
    }

    fn frame(&mut self, connection: u64, parts: &[&[u8]]) {
        let out = if connection == self.connection {
            &mut self.own
        } else {
            self.others.push((connection, Vec::new()));
            match self.others.last_mut() {
                Some((_, out)) => out,
                None => return,
            }
        };
        let length: usize = parts.iter().map(|p| p.len()).sum();
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        for part in parts {
            out.extend_from_slice(part);
        }
    }
}

struct Route {
    handler: Option<Handler>,
    names: Names,
}

/// A simulated VPP.
pub struct Sim {
    release: Release,
    options: Options,
    behaviour: Behaviour,
    schema: Schema,
    system: System,
    table: Table,
    routes: Vec<Route>,
    ping: u16,
    ping_reply: u16,
    state: State,
    /// Registrations: connection by slot of the handle.
    clients: Vec<Option<u64>>,
    subscribers: Vec<(u32, u32)>,
    log: Option<RequestLog>,
    unimplemented: BTreeMap<String, u64>,
    received: BTreeMap<String, u64>,
    dropped: u64,
    died: Option<String>,
    next_connection: u64,
    stats: Option<Segment>,
}

static STARTED: AtomicU32 = AtomicU32::new(0);

impl Sim {
    /// A VPP of a release, just started.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(release: Release, options: Options) -> Result<Self, Error> {
        let api = normal::load(&options.api_json, release)
            .map_err(|source| Error::Definitions { release, source: Box::new(source) })?;
        let schema = Schema::new(&api)?;
        let behaviour = Behaviour::of(release);
        // Every start is another process to its clients.
        let pid = std::process::id().wrapping_add(STARTED.fetch_add(1, Ordering::Relaxed));
        let definitions = Definitions {
            api_json: options.api_json.clone(),
            release,
            without: options.without_plugins.clone(),
        };
        let system = System::new(&api, behaviour.lists_versions, pid, definitions);
        let table = Table::new(&schema, &options.without_plugins);
        let log = match &options.log_requests {
            None => None,
            Some(path) => Some(
                RequestLog::open(path)
                    .map_err(|source| Error::Log { path: path.display().to_string(), source })?,
            ),
        };
        let highest = schema.messages().filter_map(|m| table.id(m.name())).max().unwrap_or(0);
        let routes = (0..=highest)
            .map(|id| {
                let name = table.name(id).unwrap_or_default();
                let service = schema.service(name);
                let given = |name: Option<&String>| name.cloned().unwrap_or_default();
                let names = Names {
                    reply: given(service.and_then(|s| s.reply.as_ref())),
                    details: given(service.and_then(|s| s.details.as_ref())),
                };
                Route { handler: service.and_then(|_| handlers::find(name)), names }
            })
            .collect();
        Ok(Self {
            release,
            ping: table.id("control_ping").unwrap_or(0),
            ping_reply: table.id("control_ping_reply").unwrap_or(0),
            options,
            behaviour,
            schema,
            system,
            table,
            routes,
            state: State::new(),
            clients: vec![None],
            subscribers: Vec::new(),
            log,
            unimplemented: BTreeMap::new(),
            received: BTreeMap::new(),
            dropped: 0,
            died: None,
            next_connection: 1,
            stats: None,
        })
    }

    /// The release.
    pub fn release(&self) -> Release {
        self.release
    }

    /// The options that it was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How the release behaves.
    pub fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// Its codec.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Its message table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What it holds.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The pid that it tells.
    pub fn pid(&self) -> u32 {
        self.system.pid
    }

    /// How often each message beyond its scope was asked.
    pub fn unimplemented(&self) -> &BTreeMap<String, u64> {
        &self.unimplemented
    }

    /// How often each request was received.
    pub fn received(&self) -> &BTreeMap<String, u64> {
        &self.received
    }

    /// Messages that were dropped: unknown ids, short bodies, no client.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Why it died, once it did.
    pub fn died(&self) -> Option<&str> {
        self.died.as_deref()
    }

    /// Adds an interface as a driver would, one that no request made. Its index.
    pub fn add_interface(&mut self, name: &str, mac: [u8; 6]) -> u32 {
        let (name, link_mtu) = (name.to_string(), self.behaviour.link_mtu);
        let index = self.state.add_interface(&self.behaviour, |sw_if_index| {
            Interface::ethernet(sw_if_index, name, "dpdk", Kind::Other, mac, link_mtu)
        });
        self.update_stats();
        index
    }

    /// Statistics that are to have the interfaces.
    pub(crate) fn count_in(&mut self, segment: Segment) {
        self.stats = Some(segment);
        self.update_stats();
    }

    fn update_stats(&self) {
        if let Some(stats) = &self.stats {
            stats.follow(&self.state.interfaces);
        }
    }

    /// A number for a new connection.
    pub fn connect(&mut self) -> u64 {
        let connection = self.next_connection;
        self.next_connection = connection.saturating_add(1);
        connection
    }

    /// A connection is gone, with its registrations.
    pub fn disconnect(&mut self, connection: u64) {
        for (slot, client) in self.clients.iter_mut().enumerate() {
            if *client == Some(connection) {
                *client = None;
                let handle = HANDLE | u32::try_from(slot).unwrap_or(0);
                self.subscribers.retain(|(client, _)| *client != handle);
            }
        }
    }

    fn client(&self, handle: u32) -> Option<u64> {
        if handle & HANDLE == 0 {
            return None;
        }
        self.clients.get((handle & !HANDLE) as usize).copied().flatten()
    }

    /// Takes a message, id first, and puts what it leads to into `out`.
    pub fn handle(&mut self, message: &[u8], out: &mut Outbox) {
        let Some((id, body)) = message.split_first_chunk::<2>() else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let id = u16::from_be_bytes(*id);
        if id == self.ping && id != 0 && self.log.is_none() && self.answer_ping(body, out) {
            return;
        }
        let Some(name) = self.table.name(id).map(str::to_string) else {
            tracing::warn!(id, "message with an id that is not in the table");
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let Some(fields) = self.decode(&name, body) else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        if let Some(log) = &mut self.log {
            log.write(&name, &fields);
        }
        let count = self.received.entry(name.clone()).or_default();
        *count = count.saturating_add(1);
        match name.as_str() {
            "sockclnt_create" => self.hello(&fields, out),
            "sockclnt_delete" => self.goodbye(&fields, out),
            _ => self.dispatch(id, &name, &fields, out),
        }
        // Before the answer goes out, as VPP.
        self.update_stats();
        self.deliver_events(out);
    }

    /// Writes what is buffered; to be called when there is nothing more to handle.
    pub fn flush(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    /// The one message whose rate counts, without decoding.
    fn answer_ping(&mut self, body: &[u8], out: &mut Outbox) -> bool {
        let (Some((handle, rest)), pid) = (body.split_first_chunk::<4>(), self.system.pid) else {
            return false;
        };
        let Some((context, _)) = rest.split_first_chunk::<4>() else { return false };
        let Some(connection) = self.client(u32::from_be_bytes(*handle)) else { return false };
        let id = self.ping_reply.to_be_bytes();
        // Context, retval, client_index, pid.
        out.frame(connection, &[&id, context, &[0; 8], &pid.to_be_bytes()]);
        if let Some(count) = self.received.get_mut("control_ping") {
            *count = count.saturating_add(1);
        } else {
            self.received.insert("control_ping".to_string(), 1);
        }
        true
    }

    fn decode(&self, name: &str, body: &[u8]) -> Option<Value> {
        match self.schema.decode_and_rest(name, body) {
            Ok((fields, 0)) => Some(fields),
            Ok((fields, rest)) => {
                tracing::debug!(name, rest, "bytes after the message");
                Some(fields)
            }
            Err(error) if self.behaviour.drops_short => {
                tracing::warn!(%error, "message dropped");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "message too short, read on as this release does");
                let mut longer = body.to_vec();
                longer.resize(body.len().saturating_add(4096), 0);
                self.schema.decode(name, &longer).ok()
            }
        }
    }

    fn hello(&mut self, fields: &Value, out: &mut Outbox) {
        let slot = match self.clients.iter().skip(1).position(Option::is_none) {
            Some(position) => position.saturating_add(1),
            None => {
                self.clients.push(None);
                self.clients.len().saturating_sub(1)
            }
        };
        if let Some(client) = self.clients.get_mut(slot) {
            *client = Some(out.connection);
        }
        let handle = HANDLE | u32::try_from(slot).unwrap_or(0);
        let client = Request::new(&self.schema, "sockclnt_create", fields).text("name");
        tracing::info!(client, handle = format_args!("{handle:#x}"), "client");
        let context = crate::message::number(fields.get("context"));
        let id = self.table.id("sockclnt_create_reply").unwrap_or(16);
        let head: Vec<u8> = [id.to_be_bytes().as_slice(), &[0; 4], &context.to_be_bytes(), &[0; 4]].concat();
        let tail: Vec<u8> = [handle.to_be_bytes().as_slice(), &self.table.len().to_be_bytes()].concat();
        out.frame(out.connection, &[&head, &tail, self.table.listing()]);
    }

    fn goodbye(&mut self, fields: &Value, out: &mut Outbox) {
        let handle = crate::message::number(fields.get("index"));
        let Some(connection) = self.client(handle) else {
            tracing::warn!(handle = format_args!("{handle:#x}"), "goodbye of a client that is not known");
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let mut reply = Map::new();
        reply.insert("context".to_string(), fields.get("context").cloned().unwrap_or_default());
        reply.insert("response".to_string(), self.behaviour.goodbye.into());
        self.send(connection, "sockclnt_delete_reply", &Value::Object(reply), out);
        if let Some(client) = self.clients.get_mut((handle & !HANDLE) as usize) {
            *client = None;
        }
        self.subscribers.retain(|(client, _)| *client != handle);
        // The connection goes with its last registration.
        out.close = connection == out.connection && !self.clients.contains(&Some(connection));
    }

    fn dispatch(&mut self, id: u16, name: &str, fields: &Value, out: &mut Outbox) {
        let handle = crate::message::number(fields.get("client_index"));
        let Some(connection) = self.client(handle) else {
            tracing::warn!(
                name,
                handle = format_args!("{handle:#x}"),
                "request of a client that is not known"
            );
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let Some(route) = self.routes.get(usize::from(id)) else { return };
        let answer = match route.handler {
            None => {
                let count = self.unimplemented.entry(name.to_string()).or_default();
                *count = count.saturating_add(1);
                tracing::warn!(name, times = *count, "not implemented, answered with UNIMPLEMENTED");
                Answer::Retval(retval::UNIMPLEMENTED)
            }
            Some(handler) => handler(&mut Call {
                schema: &self.schema,
                behaviour: &self.behaviour,
                options: &self.options,
                system: &self.system,
                request: Request::new(&self.schema, name, fields),
                answers: &route.names,
                client: handle,
                state: &mut self.state,
                subscribers: &mut self.subscribers,
            }),
        };
        let records = match answer {
            Answer::Retval(_) if route.names.reply.is_empty() => Vec::new(),
            Answer::Retval(retval) => {
                // Some replies have no retval, call it otherwise, or have it without a sign.
                let name = &route.names.reply;
                let signed = self.schema.encode(name, &serde_json::json!({"retval": -1}));
                let value = match signed {
                    Err(vpp_schema::Error::Value { .. }) => {
                        Value::from(u32::from_ne_bytes(retval.to_ne_bytes()))
                    }
                    _ => Value::from(retval),
                };
                vec![Record::new(&self.schema, name).set("retval", value.clone()).set("response", value)]
            }
            Answer::Reply(record) => vec![record],
            Answer::Details(records) => records,
            Answer::Dies(why) => {
                tracing::error!(why, "the simulated VPP dies");
                self.died = Some(why);
                return;
            }
        };
        let context = crate::message::number(fields.get("context"));
        let answers: Vec<(String, Value)> =
            records.into_iter().map(|r| r.set("context", context).into_parts()).collect();
        for (name, fields) in answers {
            self.send(connection, &name, &fields, out);
        }
    }

    fn deliver_events(&mut self, out: &mut Outbox) {
        let events = std::mem::take(&mut self.state.events);
        for event in events {
            let flags = u32::from(event.admin_up) | u32::from(event.link_up) << 1;
            for (handle, pid) in &self.subscribers {
                let Some(connection) = self.client(*handle) else { continue };
                let (name, fields) = Record::new(&self.schema, "sw_interface_event")
                    .set("client_index", *handle)
                    .set("pid", *pid)
                    .set("sw_if_index", event.sw_if_index)
                    .set("flags", flags)
                    .flag("admin_up_down", event.admin_up)
                    .flag("link_up_down", event.link_up)
                    .flag("deleted", event.deleted)
                    .into_parts();
                self.send(connection, &name, &fields, out);
            }
        }
    }

    fn send(&self, connection: u64, name: &str, fields: &Value, out: &mut Outbox) {
        let Some(id) = self.table.id(name) else { return };
        match self.schema.encode(name, fields) {
            Ok(body) => out.frame(connection, &[&id.to_be_bytes(), &body]),
            // A mistake of the simulator; the client sees it as silence.
            Err(error) => tracing::error!(%error, "cannot encode an answer"),
        }
    }

    /// For tests without a socket: a client on a connection of its own. Its handle.
    pub fn register(&mut self, connection: u64) -> u32 {
        let mut out = Outbox::new(connection);
        self.hello(&serde_json::json!({"name": "test"}), &mut out);
        let slot = self.clients.iter().rposition(|c| *c == Some(connection)).unwrap_or(0);
        HANDLE | u32::try_from(slot).unwrap_or(0)
    }

    /// For tests without a socket: encodes a request, handles it, and decodes what comes of it, answers as well as
    /// events, in the order in which they would be sent. `client_index` and `context` are as given.
    ///
    /// # Errors
    /// The request cannot be encoded, or the plugin of the message is not loaded.
    pub fn request(
        &mut self,
        connection: u64,
        name: &str,
        fields: &Value,
    ) -> Result<Vec<(String, Value)>, vpp_schema::Error> {
        let body = self.schema.encode(name, fields)?;
        let id = self.table.id(name).ok_or_else(|| vpp_schema::Error::UnknownMessage {
            release: self.release.to_string(),
            message: name.to_string(),
        })?;
        let mut out = Outbox::new(connection);
        self.handle(&[id.to_be_bytes().as_slice(), &body].concat(), &mut out);
        let mut answers = Vec::new();
        for (_, mut bytes) in out.frames() {
            while let Some((header, rest)) = bytes.split_first_chunk::<16>() {
                let [.., a, b, c, d, _, _, _, _] = *header;
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                let Some((message, after)) = rest.split_at_checked(length) else { break };
                bytes = after;
                let Some((id, body)) = message.split_first_chunk::<2>() else { continue };
                let Some(name) = self.table.name(u16::from_be_bytes(*id)) else { continue };
                answers.push((name.to_string(), self.schema.decode(name, body)?));
            }
        }
        Ok(answers)
    }
}
