//! A client on a socket that knows nothing but the definitions.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket};
use serde_json::{Value, json};
use vpp_schema::Schema;
use vpp_sim::Release;

pub struct SocketClient {
    socket: OwnedFd,
    read: Vec<u8>,
    pub handle: u32,
    pub ids: HashMap<String, u16>,
    pub names: HashMap<u16, String>,
    context: u32,
}

impl SocketClient {
    pub fn connect(path: &Path, seqpacket: bool) -> Self {
        let mut client = Self::dial(path, seqpacket);
        client.hello("test");
        client
    }

    /// A VPP of any release, and which it says it is.
    pub fn find(path: &Path) -> (Self, Release) {
        let mut client = Self::try_dial(path, SockType::Stream)
            .or_else(|_| Self::try_dial(path, SockType::SeqPacket))
            .expect("connects");
        client.hello("test");
        let id = client.ids["show_version"];
        client.send(&[&id.to_be_bytes()[..], &client.handle.to_be_bytes(), &[0; 4]].concat());
        let reply = client.receive().expect("a version");
        let text = String::from_utf8_lossy(&reply).into_owned();
        let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._~+-".contains(c)));
        let release = words.find_map(Release::parse).expect("a release in its version");
        (client, release)
    }

    /// Connected, and nothing said.
    pub fn dial(path: &Path, seqpacket: bool) -> Self {
        let kind = if seqpacket { SockType::SeqPacket } else { SockType::Stream };
        Self::try_dial(path, kind).expect("connects")
    }

    fn try_dial(path: &Path, kind: SockType) -> nix::Result<Self> {
        let socket = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        let (ids, names) = (HashMap::new(), HashMap::new());
        Ok(Self { socket, read: Vec::new(), handle: 0, ids, names, context: 100 })
    }

    /// Asks to be registered; the answer's `response`, which is 0 when it is.
    pub fn register(&mut self, name: &str) -> i32 {
        let mut hello = vec![0, 15, 0, 0, 0, 1];
        hello.extend_from_slice(name.as_bytes());
        hello.resize(70, 0);
        self.send(&hello);
        let reply = self.receive().expect("a reply");
        assert_eq!(&reply[..2], &[0, 16]);
        let response = i32::from_be_bytes(reply[10..14].try_into().expect("four"));
        if response == 0 {
            self.learn(&reply);
        }
        response
    }

    pub fn hello(&mut self, name: &str) {
        assert_eq!(self.register(name), 0, "response");
    }

    fn learn(&mut self, reply: &[u8]) {
        self.handle = u32::from_be_bytes(reply[14..18].try_into().expect("four"));
        let count = u16::from_be_bytes(reply[18..20].try_into().expect("two"));
        assert_eq!(reply.len(), 20 + 66 * usize::from(count));
        for entry in reply[20..].chunks(66) {
            let id = u16::from_be_bytes([entry[0], entry[1]]);
            let name: Vec<u8> = entry[2..].iter().copied().take_while(|b| *b != 0).collect();
            let name = String::from_utf8(name).expect("a name");
            let (name, crc) = name.rsplit_once('_').expect("a CRC");
            assert_eq!(crc.len(), 8);
            self.ids.insert(name.to_string(), id);
            self.names.insert(id, name.to_string());
        }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        assert!(self.try_send(bytes), "sends");
    }

    /// False when the other side closed.
    pub fn try_send(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let packet = &bytes[..bytes.len().min(4096)];
            match send(self.socket.as_raw_fd(), packet, MsgFlags::MSG_NOSIGNAL) {
                Ok(n) => bytes = &bytes[n..],
                Err(_) => return false,
            }
        }
        true
    }

    /// So many bytes as they come, or fewer when the other side closed before.
    pub fn receive_raw(&mut self, count: usize) -> Vec<u8> {
        let mut buffer = [0; 65536];
        while self.read.len() < count {
            match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(0) | Err(_) => break,
                Ok(n) => self.read.extend_from_slice(&buffer[..n]),
            }
        }
        self.read.drain(..count.min(self.read.len())).collect()
    }

    /// Sends a request; its context.
    pub fn ask(&mut self, schema: &Schema, name: &str, fields: &Value) -> u32 {
        self.context += 1;
        let mut fields = fields.clone();
        fields["client_index"] = json!(self.handle);
        fields["context"] = json!(self.context);
        let mut message = self.ids[name].to_be_bytes().to_vec();
        message.extend(schema.encode(name, &fields).unwrap_or_else(|e| panic!("{e}")));
        self.send(&message);
        self.context
    }

    /// The next message, decoded.
    pub fn next(&mut self, schema: &Schema) -> Option<(String, Value)> {
        let message = self.receive()?;
        let name = self.names[&u16::from_be_bytes([message[0], message[1]])].clone();
        let fields = schema.decode(&name, &message[2..]).unwrap_or_else(|e| panic!("{e}"));
        Some((name, fields))
    }

    pub fn frame(message: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 8];
        frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(message);
        frame
    }

    pub fn send(&mut self, message: &[u8]) {
        self.send_raw(&Self::frame(message));
    }

    /// The next message; `None` when the other side closed.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(header) = self.read.get(..16) {
                let length = u32::from_be_bytes(header[8..12].try_into().expect("four")) as usize;
                if self.read.len() >= 16 + length {
                    let message = self.read[16..16 + length].to_vec();
                    self.read.drain(..16 + length);
                    return Some(message);
                }
            }
            let mut buffer = [0; 65536];
            match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(0) | Err(_) => return None,
                Ok(n) => self.read.extend_from_slice(&buffer[..n]),
            }
        }
    }

    pub fn ping(&self) -> Vec<u8> {
        let mut ping = self.ids["control_ping"].to_be_bytes().to_vec();
        ping.extend_from_slice(&self.handle.to_be_bytes());
        ping.extend_from_slice(&self.context.to_be_bytes());
        ping
    }

    /// A request and a ping, and all that comes before the ping's reply.
    pub fn request(&mut self, schema: &Schema, name: &str, fields: &Value) -> Vec<(String, Value)> {
        self.ask(schema, name, fields);
        self.context += 1;
        let ping = self.ping();
        self.send(&ping);
        let mut answers = Vec::new();
        loop {
            let (answer, fields) = self.next(schema).unwrap_or_else(|| panic!("{name}: closed"));
            if answer == "control_ping_reply" && fields["context"] == json!(self.context) {
                return answers;
            }
            answers.push((answer, fields));
        }
    }

    /// Says goodbye; the answer's `response`, and whether the other side closed.
    pub fn goodbye(&mut self) -> (i32, bool) {
        (self.leave(), self.receive().is_none())
    }

    /// Says goodbye; the answer's `response`.
    pub fn leave(&mut self) -> i32 {
        let mut message = vec![0, 17];
        message.extend_from_slice(&self.handle.to_be_bytes());
        message.extend_from_slice(&[0, 0, 0, 9]);
        message.extend_from_slice(&self.handle.to_be_bytes());
        self.send(&message);
        let reply = self.receive().expect("a reply");
        assert_eq!(&reply[..2], &[0, 18]);
        i32::from_be_bytes(reply[6..10].try_into().expect("four"))
    }
}
