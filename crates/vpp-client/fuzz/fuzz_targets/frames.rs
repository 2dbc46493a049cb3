//! The input is what a VPP sends: byte 0 says how much of it comes as the answer to the handshake, the rest follows as
//! the answer to calls. Whatever it is, no panic, and every call ends.
#![no_main]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use binapi_messages::interface::v1908::SwInterfaceDump;
use binapi_messages::release::V2606;
use binapi_messages::vpe::v1810::ControlPing;
use libfuzzer_sys::fuzz_target;
use vpp_client::{Client, Config};

/// Messages of the table, in the order of their numbers from 100.
const TABLE: [&str; 6] = [
    "control_ping_51077d14",
    "control_ping_reply_f6b0b8ca",
    "show_version_51077d14",
    "show_version_reply_c919bde1",
    "sw_interface_dump_aa610c27",
    "sw_interface_details_6c221fc7",
];

fn frame(message: &[u8]) -> Vec<u8> {
    [&[0; 8][..], &(message.len() as u32).to_be_bytes(), &[0; 4], message].concat()
}

/// A handshake as a VPP does it, up to the answer to `show_version`.
fn handshake() -> Vec<u8> {
    let mut reply = [&16u16.to_be_bytes()[..], &[0; 8], &[0; 4], &0x8000_0001u32.to_be_bytes()].concat();
    reply.extend((TABLE.len() as u16).to_be_bytes());
    for (number, name) in TABLE.iter().enumerate() {
        let mut entry = [0; 66];
        entry[..2].copy_from_slice(&(100 + number as u16).to_be_bytes());
        entry[2..2 + name.len()].copy_from_slice(name.as_bytes());
        reply.extend(entry);
    }
    let pong = [&101u16.to_be_bytes()[..], &1u32.to_be_bytes(), &[0; 12]].concat();
    let version = [&103u16.to_be_bytes()[..], &1u32.to_be_bytes(), &[0; 4 + 32 + 32 + 32 + 256]].concat();
    [frame(&reply), frame(&pong), frame(&version)].concat()
}

struct Server {
    path: PathBuf,
    next: Sender<Vec<u8>>,
    _folder: tempfile::TempDir,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (next, inputs) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            for input in inputs {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.write_all(&input);
                let _ = stream.set_read_timeout(Some(Duration::from_millis(5)));
                while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
            }
        });
        Server { path, next, _folder: folder }
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let input = if kind % 4 == 0 { rest.to_vec() } else { [&handshake(), rest].concat() };
    let server = server();
    server.next.send(input).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut config = Config::new(&server.path);
        config.deadline = Duration::from_millis(20);
        let client = Client::start(config);
        let _ = tokio::time::timeout(Duration::from_millis(40), client.connected()).await;
        let ping = client.call::<V2606, _>(&ControlPing {});
        let dump = async {
            if let Ok(dump) = client.dump::<V2606, _>(&SwInterfaceDump::default()) {
                let _ = dump.all().await;
            }
        };
        let both = async { tokio::join!(ping, dump) };
        tokio::time::timeout(Duration::from_secs(5), both).await.expect("every call ends").0.ok();
        client.close().await;
    });
});
