//! From a connected socket to a known VPP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use binapi_core::{Frame, Header, Message};
use binapi_messages::vpe;
use bytes::{BufMut, Bytes, BytesMut};
use tokio::net::UnixStream;

use crate::config::Config;
use crate::error::ConnectError;
use crate::frame::{self, Input, u16_at, u32_at};
use crate::record::Recorder;
use crate::socket::{self, SocketKind};
use crate::state::Connection;
use crate::table::{Lookup, MessageTable};

/// Numbers that are the same in every VPP, since `memclnt` comes first.
const SOCKCLNT_CREATE: u16 = 15;
const SOCKCLNT_CREATE_REPLY: u16 = 16;
const SOCKCLNT_DELETE: u16 = 17;
const SOCKCLNT_DELETE_REPLY: u16 = 18;

/// How long VPP gets to answer the goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// Bytes of `sockclnt_create_reply` before the table: id, client index, context, response, index, count.
const FIXED: usize = 20;

/// A socket with what was read from it and not been used.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stream: UnixStream,
    pub(crate) kind: SocketKind,
    pub(crate) input: Input,
    /// The handle, from when VPP gave it until it was given back.
    pub(crate) handle: Option<u32>,
    pub(crate) recorder: Recorder,
}

/// VPP may spin on a socket that was closed without a goodbye. Where there is no time to wait for the answer (a task
/// that is dropped with its runtime, a handshake that fails) it goes out all the same.
impl Drop for Link {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            let goodbye = goodbye(handle);
            self.recorder.sent(&goodbye);
            let _ = nix::unistd::write(&self.stream, &goodbye);
        }
    }
}

/// `sockclnt_delete`, as a frame.
fn goodbye(handle: u32) -> BytesMut {
    let mut message = BytesMut::new();
    let start = frame::begin(&mut message);
    message.put_u16(SOCKCLNT_DELETE);
    message.put_u32(handle);
    message.put_u32(0);
    message.put_u32(handle);
    frame::end(&mut message, start);
    message
}

impl Link {
    /// Sends what is left to be sent, gives the handle back and waits for VPP's answer.
    pub(crate) async fn goodbye(&mut self, output: &[u8]) {
        let Some(handle) = self.handle.take() else { return };
        let exchange = async {
            self.write_all(output).await?;
            let goodbye = goodbye(handle);
            self.recorder.sent(&goodbye);
            self.write_all(&goodbye).await?;
            while let Ok(answer) = self.read().await {
                if u16_at(&answer, 0) == Some(SOCKCLNT_DELETE_REPLY) {
                    break;
                }
            }
            std::io::Result::Ok(())
        };
        let _ = tokio::time::timeout(GOODBYE, exchange).await;
    }

    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            let n = socket::try_write(&self.stream, self.kind, bytes)?;
            bytes = bytes.get(n..).unwrap_or_default();
        }
        Ok(())
    }

    /// The next message.
    pub(crate) async fn read(&mut self) -> Result<Bytes, String> {
        loop {
            if let Some(message) = self.input.next().map_err(|e| e.to_string())? {
                self.recorder.received(&message);
                return Ok(message);
            }
            self.stream.readable().await.map_err(|e| e.to_string())?;
            match self.stream.try_read(self.input.room()) {
                Ok(0) => return Err("VPP closed the connection".to_string()),
                Ok(n) => self.input.filled(n),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e.to_string()),
            }
        }
    }
}

/// Tries the sockets one after the other. When none is good, tells what was wrong with the first that is there.
pub(crate) async fn any(config: &Config, session: u64) -> Result<(Link, Connection), ConnectError> {
    let mut worst = None;
    for path in &config.paths {
        let recorder = Recorder::new(config.record.clone(), session);
        match handshake(path, config, recorder).await {
            Ok((link, mut connection)) => {
                connection.session = session;
                return Ok((link, connection));
            }
            Err(e) => match &worst {
                None | Some(ConnectError::Missing { .. }) if !matches!(e, ConnectError::Missing { .. }) => {
                    worst = Some(e);
                }
                None => worst = Some(e),
                Some(_) => {}
            },
        }
    }
    Err(worst.unwrap_or(ConnectError::NoPath))
}

/// Registers with VPP and asks it who it is.
async fn handshake(
    path: &Path,
    config: &Config,
    recorder: Recorder,
) -> Result<(Link, Connection), ConnectError> {
    let (stream, kind) = socket::connect(path)?;
    let input = Input::new(config.longest);
    let mut link = Link { stream, kind, input, handle: None, recorder };
    let deadline = config.deadline;
    let reason = match tokio::time::timeout(deadline, introduce(&mut link, &config.name)).await {
        Ok(Ok(connection)) => return Ok((link, connection)),
        Ok(Err(reason)) => reason,
        Err(_) => format!("no answer within {deadline:?}"),
    };
    link.recorder.ended(&reason);
    Err(ConnectError::Handshake { path: path.to_path_buf(), reason })
}

async fn introduce(link: &mut Link, name: &str) -> Result<Connection, String> {
    let mut out = BytesMut::new();
    let start = frame::begin(&mut out);
    out.put_u16(SOCKCLNT_CREATE);
    out.put_u32(1);
    let mut field = [0u8; 64];
    for (to, from) in field.iter_mut().take(63).zip(name.bytes()) {
        *to = from;
    }
    out.put_slice(&field);
    frame::end(&mut out, start);
    link.recorder.sent(&out);
    link.write_all(&out).await.map_err(|e| e.to_string())?;

    let reply = link.read().await?;
    let short = || format!("sockclnt_create_reply of {} bytes", reply.len());
    let id = u16_at(&reply, 0).ok_or_else(short)?;
    if id != SOCKCLNT_CREATE_REPLY {
        return Err(format!(
            "message {id} came where sockclnt_create_reply ({SOCKCLNT_CREATE_REPLY}) was expected"
        ));
    }
    let response = u32_at(&reply, 10).ok_or_else(short)? as i32;
    if response != 0 {
        return Err(format!("VPP does not take this client: response {response}"));
    }
    let client_index = u32_at(&reply, 14).ok_or_else(short)?;
    link.handle = Some(client_index);
    let count = u16_at(&reply, 18).ok_or_else(short)?;
    let (table, odd) = MessageTable::parse(reply.get(FIXED..).unwrap_or_default(), count.into())?;
    for what in odd {
        tracing::warn!("message table: {what}");
    }

    let pid = if table.crc(vpe::v1810::ControlPing::NAME).is_some() {
        let pong: vpe::v1810::ControlPingReply =
            ask(link, &table, client_index, &vpe::v1810::ControlPing {}).await?;
        pong.vpe_pid
    } else if table.crc(vpe::v1810::ShowVersion::NAME).is_none() {
        return Err("the message table has neither control_ping nor show_version: this is no VPP".to_string());
    } else {
        // The system knows it too, though by the number that it has here and not in VPP's own namespace.
        let peer = link.stream.peer_cred().map_err(|e| e.to_string())?;
        peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()
    };
    let (version, build_date) = version(link, &table, client_index).await?;
    Ok(Connection {
        session: 0,
        version,
        build_date,
        pid,
        client_index,
        plugins: table.plugins(),
        table: Arc::new(table),
        socket: link.kind,
        restarted: false,
    })
}

/// `show_version` has three forms of reply.
async fn version(link: &mut Link, table: &MessageTable, handle: u32) -> Result<(String, String), String> {
    use vpe::{v1810, v1901, v1908};
    let request = v1810::ShowVersion {};
    match table.crc(v1908::ShowVersionReply::NAME) {
        Some(v1908::ShowVersionReply::CRC) => {
            let reply: v1908::ShowVersionReply = ask(link, table, handle, &request).await?;
            Ok((reply.version.to_text(), reply.build_date.to_text()))
        }
        Some(v1901::ShowVersionReply::CRC) => {
            let reply: v1901::ShowVersionReply = ask(link, table, handle, &request).await?;
            Ok((reply.version.to_text(), reply.build_date.to_text()))
        }
        Some(v1810::ShowVersionReply::CRC) => {
            let reply: v1810::ShowVersionReply = ask(link, table, handle, &request).await?;
            let text = binapi_core::types::until_nul;
            Ok((text(&reply.version), text(&reply.build_date)))
        }
        // Whoever chooses the calls by the table says what does not fit; an unknown version is no reason to leave.
        other => {
            tracing::warn!(
                crc = other.map(|crc| format!("{crc:08x}")),
                "show_version_reply is of no known form"
            );
            Ok((String::new(), String::new()))
        }
    }
}

/// One request and its reply, nothing else in flight.
async fn ask<Q: Message, A: Message>(
    link: &mut Link,
    table: &MessageTable,
    client_index: u32,
    request: &Q,
) -> Result<A, String> {
    let id = |name, crc| match table.lookup(name, crc) {
        Lookup::Present(id) => Ok(id),
        Lookup::Changed(found) => Err(format!("{name} has CRC {found:08x}, {crc:08x} is known")),
        Lookup::Absent => Err(format!("the message table has no {name}")),
    };
    let (asked, answered) = (id(Q::NAME, Q::CRC)?, id(A::NAME, A::CRC)?);
    let mut out = BytesMut::new();
    let start = frame::begin(&mut out);
    binapi_core::message::encode(asked, Header { client_index, context: 1 }, request, &mut out)
        .map_err(|e| e.to_string())?;
    frame::end(&mut out, start);
    link.recorder.sent(&out);
    link.write_all(&out).await.map_err(|e| e.to_string())?;
    loop {
        let message = link.read().await?;
        if u16_at(&message, 0) == Some(answered) {
            return Frame::<A>::decode(&message).map(|f| f.message).map_err(|e| e.to_string());
        }
    }
}
