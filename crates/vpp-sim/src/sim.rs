//! The VPP without a socket: messages in, messages out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use binapi_gen::model::Release;
use binapi_gen::normal;
use serde_json::Value;
use vpp_schema::Schema;

use crate::behaviour::{Behaviour, retval};
use crate::clients::Client;
use crate::definitions::Definitions;
use crate::fault::Faults;
use crate::handlers::{self, Answer, Call, Handler, Names};
use crate::log::RequestLog;
use crate::message::{Record, Request};
use crate::options::{Nic, Options};
use crate::outbox::{Outbox, messages};
use crate::state::dhcp::Lease;
use crate::state::interface::{Address, Interface, Kind};
use crate::state::{InterfaceEvent, State};
use crate::stats::Segment;
use crate::system::System;
use crate::table::Table;

/// Why there is no simulated VPP.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are none of the release.
    #[error("there are no definitions of VPP {release} in {}: {}", folder.display(), listed(there))]
    NoDefinitions {
        /// The release.
        release: Release,
        /// Where they were looked for.
        folder: PathBuf,
        /// Releases that there are, oldest first.
        there: Vec<Release>,
    },
    /// The folder of definitions cannot be read.
    #[error("the folder of API definitions: {0}")]
    Folder(Box<binapi_gen::Error>),
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

fn listed(there: &[Release]) -> String {
    if there.is_empty() {
        return "none of any release, so it is another folder that is meant".to_string();
    }
    let there: Vec<String> = there.iter().map(Release::to_string).collect();
    format!("there are those of {}", there.join(", "))
}

struct Route {
    handler: Option<Handler>,
    names: Names,
}

/// A simulated VPP.
pub struct Sim {
    release: Release,
    options: Options,
    pub(crate) behaviour: Behaviour,
    pub(crate) schema: Schema,
    system: System,
    pub(crate) table: Table,
    routes: Vec<Route>,
    ping: u16,
    ping_reply: u16,
    state: State,
    /// Registrations by slot of the handle.
    pub(crate) clients: Vec<Option<Client>>,
    pub(crate) subscribers: Vec<(u32, u32)>,
    log: Option<RequestLog>,
    unimplemented: BTreeMap<String, u64>,
    received: BTreeMap<String, u64>,
    pub(crate) dropped: u64,
    pub(crate) rude: u64,
    died: Option<String>,
    pub(crate) next_connection: u64,
    pub(crate) faults: Faults,
    stats: Option<Segment>,
}

static STARTED: AtomicU32 = AtomicU32::new(0);

/// Every start is another process to its clients.
fn next_pid() -> u32 {
    std::process::id().wrapping_add(STARTED.fetch_add(1, Ordering::Relaxed))
}

impl Sim {
    /// A VPP of a release, just started.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(release: Release, options: Options) -> Result<Self, Error> {
        let there = normal::releases(&options.api_json).map_err(|source| Error::Folder(Box::new(source)))?;
        if !there.contains(&release) {
            return Err(Error::NoDefinitions { release, folder: options.api_json, there });
        }
        let api = normal::load(&options.api_json, release)
            .map_err(|source| Error::Definitions { release, source: Box::new(source) })?;
        let schema = Schema::new(&api)?;
        let behaviour = Behaviour::of(release);
        let pid = next_pid();
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
        let state = State::new(&options.runtime_dir);
        let mut sim = Self {
            release,
            ping: table.id("control_ping").unwrap_or(0),
            ping_reply: table.id("control_ping_reply").unwrap_or(0),
            options,
            state,
            behaviour,
            schema,
            system,
            table,
            routes,
            clients: vec![None],
            subscribers: Vec::new(),
            log,
            unimplemented: BTreeMap::new(),
            received: BTreeMap::new(),
            dropped: 0,
            rude: 0,
            died: None,
            next_connection: 1,
            faults: Faults::default(),
            stats: None,
        };
        sim.plug_nics();
        Ok(sim)
    }

    fn plug_nics(&mut self) {
        for nic in self.options.nics.clone() {
            self.add_interface(&nic.name, nic.mac);
        }
        // Nobody has asked for events yet.
        self.state.events.clear();
    }

    /// Starts it anew: another process to its clients, with no state and no connections. What it was made with
    /// stays.
    pub fn reset(&mut self) {
        self.system.pid = next_pid();
        self.state = State::new(&self.options.runtime_dir);
        self.clients = vec![None];
        self.subscribers.clear();
        self.unimplemented.clear();
        self.received.clear();
        self.dropped = 0;
        self.died = None;
        self.plug_nics();
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

    /// Adds a NIC: an interface that is there again after a restart. Its index.
    pub fn add_nic(&mut self, nic: Nic) -> u32 {
        let sw_if_index = self.add_interface(&nic.name, nic.mac);
        self.options.nics.push(nic);
        sw_if_index
    }

    /// A cable is plugged or pulled: sets the link and tells subscribers, with the next message or
    /// [`Sim::deliver_events`]. What VPP tells is the link alone, with the admin flag not set. False when there is no such interface.
    pub fn set_link(&mut self, sw_if_index: u32, up: bool) -> bool {
        // The link of a sub-interface is its parent's.
        let Some(of) = self.state.interfaces.get(sw_if_index).map(|i| i.sup_sw_if_index) else {
            return false;
        };
        let Some(interface) = self.state.interfaces.get_mut(of) else { return false };
        interface.link_up = up;
        let sw_if_index = of;
        self.event(InterfaceEvent { sw_if_index, admin_up: false, link_up: up, deleted: false });
        true
    }

    /// A DHCP server gives the client on an interface an address, which VPP puts on the interface. False when there is no
    /// client, or it has one.
    pub fn give_lease(&mut self, sw_if_index: u32, lease: Lease) -> bool {
        let client = self.state.dhcp_clients.iter_mut().find(|c| c.sw_if_index == sw_if_index);
        let Some(client) = client.filter(|client| client.lease.is_none()) else { return false };
        client.lease = Some(lease);
        if let Some(interface) = self.state.interfaces.get_mut(sw_if_index) {
            interface.addresses.push(Address { ip: lease.address.into(), len: lease.len });
        }
        self.state.sync_routes(&self.behaviour, sw_if_index);
        true
    }

    /// Tells subscribers of something that need not have happened, with the next message or
    /// [`Sim::deliver_events`].
    pub fn event(&mut self, event: InterfaceEvent) {
        self.state.event(event);
    }

    /// Dies, for a reason.
    pub(crate) fn die(&mut self, why: String) {
        tracing::error!(why, "the simulated VPP dies");
        self.died = Some(why);
    }

    /// Takes what outlives a VPP: the rules, and which numbers of connections were used.
    pub(crate) fn succeed(&mut self, before: &mut Self) {
        self.faults = std::mem::take(&mut before.faults);
        self.next_connection = self.next_connection.max(before.next_connection);
    }

    /// Takes a message, id first, and puts what it leads to into `out`.
    pub fn handle(&mut self, message: &[u8], out: &mut Outbox) {
        let Some((id, body)) = message.split_first_chunk::<2>() else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let id = u16::from_be_bytes(*id);
        let plain = self.log.is_none() && self.faults.rules().is_empty();
        if id == self.ping && id != 0 && plain && self.answer_ping(body, out) {
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
        match self.fault_for(&name, &fields, out.connection) {
            None => self.execute(id, &name, &fields, None, out),
            Some(fault) => self.misbehave(&fault, id, &name, &fields, out),
        }
        // Before the answer goes out, as VPP.
        self.update_stats();
        self.deliver_events(out);
    }

    /// Carries out a message, or answers it with a refusal.
    pub(crate) fn execute(
        &mut self,
        id: u16,
        name: &str,
        fields: &Value,
        refusal: Option<i32>,
        out: &mut Outbox,
    ) {
        match name {
            "sockclnt_create" => self.hello(fields, refusal, out),
            "sockclnt_delete" => self.goodbye(fields, refusal, out),
            _ => self.dispatch(id, name, fields, refusal, out),
        }
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

    fn dispatch(&mut self, id: u16, name: &str, fields: &Value, refusal: Option<i32>, out: &mut Outbox) {
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
        let answer = match (refusal, route.handler) {
            (Some(retval), _) => Answer::Retval(retval),
            (None, None) => {
                let count = self.unimplemented.entry(name.to_string()).or_default();
                *count = count.saturating_add(1);
                tracing::warn!(name, times = *count, "not implemented, answered with UNIMPLEMENTED");
                Answer::Retval(retval::UNIMPLEMENTED)
            }
            (None, Some(handler)) => handler(&mut Call {
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
            Answer::Dies(why) => return self.die(why),
        };
        let context = crate::message::number(fields.get("context"));
        let answers: Vec<(String, Value)> =
            records.into_iter().map(|r| r.set("context", context).into_parts()).collect();
        for (name, fields) in answers {
            self.send(connection, &name, &fields, out);
        }
    }

    /// Tells subscribers what happened since they were told last. Messages do it by themselves.
    pub fn deliver_events(&mut self, out: &mut Outbox) {
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

    pub(crate) fn send(&self, connection: u64, name: &str, fields: &Value, out: &mut Outbox) {
        let Some(id) = self.table.id(name) else { return };
        match self.schema.encode(name, fields) {
            Ok(body) => out.frame(connection, &[&id.to_be_bytes(), &body]),
            // A mistake of the simulator; the client sees it as silence.
            Err(error) => tracing::error!(%error, "cannot encode an answer"),
        }
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
        for message in out.frames().flat_map(|(_, bytes)| messages(bytes)) {
            let Some((id, body)) = message.split_first_chunk::<2>() else { continue };
            let Some(name) = self.table.name(u16::from_be_bytes(*id)) else { continue };
            answers.push((name.to_string(), self.schema.decode(name, body)?));
        }
        Ok(answers)
    }
}
