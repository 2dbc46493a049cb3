//! Calls issued together beside a loop that sends the very same frames, on the same VPP in the same run.
//!
//! `cargo bench -p conformance --bench calls -- --socket S` measures the VPP at S (19.08 or later: stream sockets),
//! otherwise a simulated one. It makes a loopback and 10,000 routes through it, again and again, and removes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "../../crates/vpp-client/benches/raw/mod.rs"]
mod raw;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::future::try_join_all;
use ipnet::IpNet;
use raw::{RawSocket, frame};
use vpp_client::{Client, Config, Connection, Direction, Record};
use vpp_sim::{Options, Release, Sim};
use vppcalls::types::{Paths, Route, RoutePath};
use vppcalls::{Handlers, select};

const ROUTES: u32 = 10_000;
const ROUNDS: usize = 7;
const WINDOWS: [usize; 4] = [1, 16, 128, 1024];

/// The messages that calls send, as they are sent.
#[derive(Debug, Default)]
struct Sent(Mutex<Vec<Vec<u8>>>);

impl Record for Sent {
    fn message(&self, _: u64, direction: Direction, message: &[u8]) {
        if direction == Direction::Sent {
            self.0.lock().unwrap().push(message.to_vec());
        }
    }

    fn connected(&self, _: &Connection) {}

    fn ended(&self, _: u64, _: &str) {}
}

/// Sends frames as they are.
struct Raw(RawSocket);

impl Raw {
    /// Messages that calls sent, as frames of this client.
    fn frames(&self, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let own = |message: &Vec<u8>| {
            let mut message = message.clone();
            message[2..6].copy_from_slice(&self.0.handle);
            frame(&message)
        };
        messages.iter().map(own).collect()
    }

    /// Sends all with so many in flight; tells how many were answered in a second.
    fn run(&mut self, frames: &[Vec<u8>], window: usize) -> f64 {
        let start = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        let (mut input, mut used, mut buffer) = (Vec::new(), 0usize, vec![0; 64 * 1024]);
        while answered < frames.len() {
            let until = frames.len().min(answered + window);
            if sent < until {
                self.0.stream.write_all(&frames[sent..until].concat()).unwrap();
                sent = until;
            }
            let n = self.0.stream.read(&mut buffer).unwrap();
            input.extend_from_slice(&buffer[..n]);
            while let Some(length) = input.get(used + 8..used + 12) {
                let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
                if input.len() < used + 16 + length {
                    break;
                }
                used += 16 + length;
                answered += 1;
            }
            input.drain(..used);
            used = 0;
        }
        frames.len() as f64 / start.elapsed().as_secs_f64()
    }
}

fn routes(sw_if_index: u32) -> Vec<Route> {
    let path = RoutePath {
        sw_if_index,
        next_hop: Some(IpAddr::from(Ipv4Addr::new(10, 99, 0, 2))),
        ..RoutePath::default()
    };
    let prefix = |n: u32| IpNet::new(Ipv4Addr::from(0x0b00_0000 + n).into(), 32).unwrap();
    (0..ROUTES).map(|n| Route { table: 0, prefix: prefix(n), paths: vec![path] }).collect()
}

async fn connect(config: Config) -> (Client, Handlers) {
    let client = Client::start(config);
    let connection = client.connected().await.expect("connected");
    let (handlers, _) = select(&client, &connection).expect("calls that fit");
    (client, handlers)
}

/// Adds all together; tells how many in a second.
async fn add(handlers: &Handlers, routes: &[Route]) -> f64 {
    let start = Instant::now();
    try_join_all(routes.iter().map(|r| handlers.l3.add_route(r, Paths::Replace))).await.expect("added");
    routes.len() as f64 / start.elapsed().as_secs_f64()
}

async fn delete(handlers: &Handlers, routes: &[Route]) {
    try_join_all(routes.iter().map(|r| handlers.l3.delete_route(r.table, r.prefix))).await.expect("deleted");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut args = std::env::args().skip_while(|a| a != "--socket").skip(1);
    let folder = tempfile::tempdir().unwrap();
    let (socket, _running) = match args.next().map(PathBuf::from) {
        Some(path) => (path, None),
        None => {
            let path = folder.path().join("api.sock");
            let api_json = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json");
            let sim = Sim::new(Release { year: 26, month: 6 }, Options::new(api_json)).unwrap();
            (path.clone(), Some(sim.serve(path).unwrap()))
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, handlers) = runtime.block_on(connect(Config::new(&socket)));
    println!("calls of {}", handlers.release);
    let (sw_if_index, routes) = runtime.block_on(async {
        let sw_if_index = handlers.interface.add_loopback(None).await.expect("a loopback");
        handlers.interface.set_admin(sw_if_index, true).await.expect("up");
        let address = "10.99.0.1/24".parse().unwrap();
        handlers.interface.add_address(sw_if_index, address).await.expect("an address");
        (sw_if_index, routes(sw_if_index))
    });

    // What the calls send, for the raw loop.
    let sent = Arc::new(Sent::default());
    runtime.block_on(async {
        let config = Config { record: Some(sent.clone()), ..Config::new(&socket) };
        let (client, handlers) = connect(config).await;
        sent.0.lock().unwrap().clear();
        add(&handlers, &routes).await;
        client.close().await;
    });
    let mut messages = std::mem::take(&mut *sent.0.lock().unwrap());
    messages.truncate(routes.len());
    let mut raw = Raw(RawSocket::connect(&socket));
    let frames = raw.frames(&messages);

    let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); WINDOWS.len()]);
    for _ in 0..ROUNDS {
        runtime.block_on(delete(&handlers, &routes));
        ours.push(runtime.block_on(add(&handlers, &routes)));
        for (window, rates) in WINDOWS.iter().zip(&mut theirs) {
            runtime.block_on(delete(&handlers, &routes));
            rates.push(raw.run(&frames, *window));
        }
    }
    let ours = median(ours);
    println!("{ROUTES} add_route issued together: {ours:.0}/s");
    println!("{:>7} {:>12} {:>18}", "window", "raw/s", "calls to raw");
    for (window, rates) in WINDOWS.iter().zip(theirs) {
        let raw = median(rates);
        println!("{window:>7} {raw:>12.0} {:>18.2}", ours / raw);
    }
    let started = Instant::now();
    let dumped = runtime.block_on(handlers.l3.dump_routes()).expect("a dump").len();
    println!("dump of {dumped} routes: {:?}", started.elapsed());
    drop(raw);
    runtime.block_on(async {
        delete(&handlers, &routes).await;
        handlers.interface.delete_loopback(sw_if_index).await.expect("deleted");
        client.close().await;
    });
}
