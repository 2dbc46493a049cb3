//! Connections and the clients that are registered on them.

use serde_json::{Map, Value};

use crate::message::Request;
use crate::outbox::Outbox;
use crate::sim::Sim;

/// Set in every handle that a client gets.
const HANDLE: u32 = 0x8000_0000;

/// A client that is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientInfo<'a> {
    /// Its connection.
    pub connection: u64,
    /// Its handle, `client_index` of its requests.
    pub handle: u32,
    /// The name that it gave.
    pub name: &'a str,
    /// It asked for interface events.
    pub subscribed: bool,
}

/// A registration.
pub(crate) struct Client {
    pub(crate) connection: u64,
    pub(crate) name: String,
}

fn handle_of(slot: usize) -> u32 {
    HANDLE | u32::try_from(slot).unwrap_or(0)
}

impl Sim {
    /// A number for a new connection.
    pub fn connect(&mut self) -> u64 {
        let connection = self.next_connection;
        self.next_connection = connection.saturating_add(1);
        connection
    }

    /// A client left a connection, whose registrations end. Each that said no goodbye is counted as rude.
    pub fn disconnect(&mut self, connection: u64) {
        let rude = self.close(connection);
        if rude > 0 {
            tracing::warn!(connection, "client left without a goodbye");
        }
        self.rude = self.rude.saturating_add(rude);
    }

    /// VPP ends a connection, whose registrations end. How many those were.
    pub fn close(&mut self, connection: u64) -> u64 {
        let mut ended = 0_u64;
        for (slot, client) in self.clients.iter_mut().enumerate() {
            if client.as_ref().is_some_and(|c| c.connection == connection) {
                *client = None;
                ended = ended.saturating_add(1);
                let handle = handle_of(slot);
                self.subscribers.retain(|(client, _)| *client != handle);
            }
        }
        ended
    }

    /// Registrations that ended without a `sockclnt_delete`. A real VPP may spin and leak for each.
    pub fn rude(&self) -> u64 {
        self.rude
    }

    /// The clients that are registered.
    pub fn clients(&self) -> impl Iterator<Item = ClientInfo<'_>> {
        self.clients.iter().enumerate().filter_map(|(slot, client)| {
            let (client, handle) = (client.as_ref()?, handle_of(slot));
            let subscribed = self.subscribers.iter().any(|(subscriber, _)| *subscriber == handle);
            Some(ClientInfo { connection: client.connection, handle, name: &client.name, subscribed })
        })
    }

    pub(crate) fn client(&self, handle: u32) -> Option<u64> {
        if handle & HANDLE == 0 {
            return None;
        }
        self.clients.get((handle & !HANDLE) as usize)?.as_ref().map(|client| client.connection)
    }

    pub(crate) fn hello(&mut self, fields: &Value, refusal: Option<i32>, out: &mut Outbox) {
        let context = crate::message::number(fields.get("context"));
        let id = self.table.id("sockclnt_create_reply").unwrap_or(16).to_be_bytes();
        let head: Vec<u8> = [id.as_slice(), &[0; 4], &context.to_be_bytes()].concat();
        if let Some(response) = refusal {
            // No handle, no table.
            out.frame(out.connection, &[&head, &response.to_be_bytes(), &[0; 6]]);
            return;
        }
        let slot = match self.clients.iter().skip(1).position(Option::is_none) {
            Some(position) => position.saturating_add(1),
            None => {
                self.clients.push(None);
                self.clients.len().saturating_sub(1)
            }
        };
        let name = Request::new(&self.schema, "sockclnt_create", fields).text("name");
        let handle = handle_of(slot);
        tracing::info!(client = name, handle = format_args!("{handle:#x}"), "client");
        if let Some(client) = self.clients.get_mut(slot) {
            *client = Some(Client { connection: out.connection, name });
        }
        let tail: Vec<u8> =
            [&[0; 4], handle.to_be_bytes().as_slice(), &self.table.len().to_be_bytes()].concat();
        out.frame(out.connection, &[&head, &tail, self.table.listing()]);
    }

    pub(crate) fn goodbye(&mut self, fields: &Value, refusal: Option<i32>, out: &mut Outbox) {
        let handle = crate::message::number(fields.get("index"));
        let Some(connection) = self.client(handle) else {
            tracing::warn!(handle = format_args!("{handle:#x}"), "goodbye of a client that is not known");
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        let mut reply = Map::new();
        reply.insert("context".to_string(), fields.get("context").cloned().unwrap_or_default());
        reply.insert("response".to_string(), refusal.unwrap_or(self.behaviour.goodbye).into());
        self.send(connection, "sockclnt_delete_reply", &Value::Object(reply), out);
        if refusal.is_some() {
            return;
        }
        if let Some(client) = self.clients.get_mut((handle & !HANDLE) as usize) {
            *client = None;
        }
        self.subscribers.retain(|(client, _)| *client != handle);
        // The connection goes with its last registration.
        let more = self.clients.iter().flatten().any(|client| client.connection == connection);
        out.close = connection == out.connection && !more;
    }

    /// For tests without a socket: a client on a connection of its own. Its handle.
    pub fn register(&mut self, connection: u64) -> u32 {
        let mut out = Outbox::new(connection);
        self.hello(&serde_json::json!({"name": "test"}), None, &mut out);
        let own = |c: &Option<Client>| c.as_ref().is_some_and(|c| c.connection == connection);
        handle_of(self.clients.iter().rposition(own).unwrap_or(0))
    }
}
