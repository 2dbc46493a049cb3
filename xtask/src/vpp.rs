//! A small client that knows VPP only by its definitions. It shares no code with the agent's way to VPP, so that what
//! it sees is a second opinion.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use binapi_gen::{Release, normal};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use serde_json::{Value, json};
use vpp_schema::Schema;

type Error = Box<dyn std::error::Error>;

/// Bytes in front of every message.
const HEADER: usize = 16;

/// The most that an elder VPP takes at once.
const PACKET: usize = 4096;

pub(crate) struct Vpp {
    stream: UnixStream,
    input: Vec<u8>,
    /// Message names with CRC by number.
    table: std::collections::HashMap<u16, String>,
    schema: Schema,
    client_index: u64,
    context: u64,
    /// What VPP says of itself.
    pub(crate) version: String,
}

impl Vpp {
    /// Connects, and takes the definitions of the release that VPP says it is of, or of the newest one.
    pub(crate) fn connect(path: &Path, api_json: &Path) -> Result<Self, Error> {
        let stream = connect(path).map_err(|e| format!("{}: {e}", path.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut vpp = Self {
            stream,
            input: Vec::new(),
            table: std::collections::HashMap::new(),
            schema: Schema::new(&newest(api_json, None)?)?,
            client_index: 0,
            context: 0,
            version: String::new(),
        };
        vpp.introduce()?;
        // Its forms end alike: fixed text in the elder two or so releases, else the newest.
        let reported = vpp.version_text()?;
        let release = Release::parse(&reported);
        vpp.schema = Schema::new(&newest(api_json, release)?)?;
        vpp.version = reported;
        Ok(vpp)
    }

    fn introduce(&mut self) -> Result<(), Error> {
        let mut message = 15u16.to_be_bytes().to_vec();
        message.extend(0u32.to_be_bytes());
        let mut name = [0u8; 64];
        for (to, from) in name.iter_mut().zip(b"xtask") {
            *to = *from;
        }
        message.extend(name);
        self.write(&message)?;
        let reply = self.read()?;
        let u16_at = |at: usize| {
            reply
                .get(at..at + 2)
                .and_then(|b| b.try_into().ok())
                .map(u16::from_be_bytes)
                .ok_or("a short handshake")
        };
        if u16_at(0)? != 16 {
            return Err("VPP does not answer the handshake".into());
        }
        let index = reply.get(14..18).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
        self.client_index = index.ok_or("a short handshake")?.into();
        let count = usize::from(u16_at(18)?);
        for entry in reply.get(20..).unwrap_or_default().chunks_exact(66).take(count) {
            let (id, name) = entry.split_at(2);
            let id = id.try_into().map(u16::from_be_bytes)?;
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            self.table.insert(id, String::from_utf8_lossy(name.get(..end).unwrap_or_default()).into_owned());
        }
        Ok(())
    }

    /// The version out of whatever form `show_version_reply` has: the first text that looks like one.
    fn version_text(&mut self) -> Result<String, Error> {
        let id = self.id("show_version").ok_or("VPP has no show_version")?;
        let mut message = id.to_be_bytes().to_vec();
        message.extend((self.client_index as u32).to_be_bytes());
        message.extend(1u32.to_be_bytes());
        self.write(&message)?;
        let reply = self.answer()?;
        // Where texts have a fixed length there may be anything between the end of one and the beginning of the next.
        let fixed = reply.get(42..74).and_then(|text| text.split(|byte| *byte == 0).next());
        let fixed = fixed.map(|text| String::from_utf8_lossy(text).into_owned());
        let text = format!("{} {}", fixed.unwrap_or_default(), String::from_utf8_lossy(&reply));
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._~+-".contains(c)));
        let version = words.into_iter().find(|w| Release::parse(w).is_some());
        let other = || {
            let id = reply.get(..2).and_then(|id| id.try_into().ok()).map(u16::from_be_bytes);
            let entry = id.and_then(|id| self.table.get(&id)).map_or("nothing in its table", String::as_str);
            format!("VPP does not say its version; it says {entry}, {} bytes", reply.len()).into()
        };
        version.map(str::to_string).ok_or_else(other)
    }

    fn id(&self, name: &str) -> Option<u16> {
        let of = |entry: &str| entry.rsplit_once('_').is_some_and(|(message, _)| message == name);
        self.table.iter().find(|(_, entry)| of(entry)).map(|(id, _)| *id)
    }

    /// True when VPP has the message and its definition is known.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.id(name).is_some() && self.schema.message(name).is_some()
    }

    /// True when the message has the field.
    pub(crate) fn takes(&self, message: &str, field: &str) -> bool {
        self.schema.field(message, field).is_some()
    }

    fn send(&mut self, name: &str, mut fields: Value) -> Result<(), Error> {
        let id = self.id(name).ok_or_else(|| format!("VPP has no {name}"))?;
        self.context += 1;
        fields["client_index"] = self.client_index.into();
        fields["context"] = self.context.into();
        let mut message = id.to_be_bytes().to_vec();
        message.extend(self.schema.encode(name, &fields)?);
        Ok(self.write(&message)?)
    }

    /// The next message that is no event. Of a client that was killed VPP goes on to tell events to whom it has given the
    /// same number since.
    fn answer(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            let message = self.read()?;
            let id = message.get(..2).and_then(|id| id.try_into().ok()).map(u16::from_be_bytes);
            let entry = id.and_then(|id| self.table.get(&id));
            let name = entry.and_then(|entry| entry.rsplit_once('_')).map_or("", |(name, _)| name);
            if !name.ends_with("_event") && !name.ends_with("_events") {
                return Ok(message);
            }
        }
    }

    fn receive(&mut self) -> Result<(String, Value), Error> {
        let message = self.answer()?;
        let (id, body) = message.split_at_checked(2).ok_or("a message without a number")?;
        let id = u16::from_be_bytes(id.try_into()?);
        let entry = self.table.get(&id).ok_or_else(|| format!("message {id} is not in the table"))?;
        let name = entry.rsplit_once('_').map_or(entry.as_str(), |(name, _)| name).to_string();
        let fields = self.schema.decode(&name, body)?;
        Ok((name, fields))
    }

    /// Its message table: names with CRC.
    pub(crate) fn table(&self) -> impl Iterator<Item = &str> {
        self.table.values().map(String::as_str)
    }

    /// The API definitions that VPP has compiled in, as one JSON array.
    pub(crate) fn definitions(&mut self) -> Result<String, Error> {
        let id = self.id("get_api_json").ok_or_else(|| {
            format!(
                "VPP {} does not tell its own definitions (get_api_json is there from 24.06 on); give the folder \
                 /usr/share/vpp/api of its machine with --from",
                self.version
            )
        })?;
        let mut message = id.to_be_bytes().to_vec();
        message.extend((self.client_index as u32).to_be_bytes());
        message.extend(2u32.to_be_bytes());
        self.write(&message)?;
        // Number, context, retval, length, text.
        let reply = self.answer()?;
        let i32_at = |at: usize| {
            let bytes = reply.get(at..at + 4).and_then(|b| b.try_into().ok());
            bytes.map(i32::from_be_bytes).ok_or("a short answer to get_api_json")
        };
        match i32_at(6)? {
            0 => {}
            retval => return Err(format!("VPP refuses get_api_json: {retval}").into()),
        }
        let len = usize::try_from(i32_at(10)?)?;
        let text =
            reply.get(14..).and_then(|text| text.get(..len)).ok_or("a short answer to get_api_json")?;
        Ok(String::from_utf8(text.to_vec()).map_err(|e| format!("the answer to get_api_json: {e}"))?)
    }

    /// A request and its reply.
    pub(crate) fn call(&mut self, name: &str, fields: Value) -> Result<Value, Error> {
        self.send(name, fields)?;
        Ok(self.receive()?.1)
    }

    /// A request and its details, ended by a ping.
    pub(crate) fn dump(&mut self, name: &str, fields: Value) -> Result<Vec<Value>, Error> {
        self.send(name, fields)?;
        self.send("control_ping", json!({}))?;
        let mut details = Vec::new();
        loop {
            match self.receive()? {
                (name, _) if name == "control_ping_reply" => return Ok(details),
                (_, fields) => details.push(fields),
            }
        }
    }

    /// What a command of VPP's command line prints.
    pub(crate) fn cli(&mut self, command: &str) -> Result<String, Error> {
        // 18.10 takes the length and the bytes as fields of their own.
        let text = match self.schema.field("cli_inband", "length") {
            Some(_) => json!({"cmd": hex(command.as_bytes())}),
            None => json!({"cmd": command}),
        };
        let reply = self.call("cli_inband", text)?;
        let printed = reply.get("reply").and_then(Value::as_str).unwrap_or_default();
        Ok(match self.schema.field("cli_inband_reply", "length") {
            Some(_) => String::from_utf8_lossy(&unhex(printed)).into_owned(),
            None => printed.to_string(),
        })
    }

    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        let mut frame = vec![0u8; 8];
        frame.extend((message.len() as u32).to_be_bytes());
        frame.extend([0u8; 4]);
        frame.extend(message);
        frame.chunks(PACKET).try_for_each(|chunk| self.stream.write_all(chunk))
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let length = self.input.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
            if let Some(length) = length.map(|l| l as usize).filter(|l| self.input.len() >= HEADER + l) {
                let rest = self.input.split_off(HEADER + length);
                let frame = std::mem::replace(&mut self.input, rest);
                return Ok(frame.get(HEADER..).unwrap_or_default().to_vec());
            }
            let mut buffer = [0u8; 65536];
            let n = self.stream.read(&mut buffer)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.input.extend(buffer.get(..n).unwrap_or_default());
        }
    }
}

/// VPP may spin on a socket that was closed without it.
impl Drop for Vpp {
    fn drop(&mut self) {
        let mut message = 17u16.to_be_bytes().to_vec();
        message.extend((self.client_index as u32).to_be_bytes());
        message.extend(0u32.to_be_bytes());
        message.extend((self.client_index as u32).to_be_bytes());
        if self.write(&message).is_ok() {
            let _ = self.read();
        }
    }
}

fn newest(api_json: &Path, release: Option<Release>) -> Result<binapi_gen::Api, Error> {
    let releases = normal::releases(api_json)?;
    let known = release.filter(|r| releases.contains(r));
    let release = known.or(releases.last().copied()).ok_or("no API definitions")?;
    Ok(normal::load(api_json, release)?)
}

fn connect(path: &Path) -> nix::Result<UnixStream> {
    let open = |kind| {
        let fd = socket::socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
        socket::connect(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(UnixStream::from(fd))
    };
    match open(SockType::Stream) {
        Err(nix::errno::Errno::EPROTOTYPE) => open(SockType::SeqPacket),
        other => other,
    }
}

fn hex(bytes: &[u8]) -> String {
    vpp_schema::hex::write(bytes)
}

fn unhex(text: &str) -> Vec<u8> {
    vpp_schema::hex::read(text).unwrap_or_default()
}

/// Text of a field that is a string in some releases and bytes in others.
pub(crate) fn text_of(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let bytes = unhex(text);
    // Bytes are padded with NUL to a fixed length, which no text of ours is.
    if bytes.len() >= 32 && bytes.last() == Some(&0) {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        return String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    }
    text.to_string()
}
