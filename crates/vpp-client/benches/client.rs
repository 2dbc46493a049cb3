//! How fast the client is, beside a loop that only moves frames, on the same VPP in the same run.
//!
//! `cargo bench -p vpp-client --bench client -- --socket S` measures the VPP at S, otherwise a simulated one. Rounds of
//! the two take turns, so that what else the machine does falls on both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod raw;

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use binapi_messages::interface::v1908::SwInterfaceDump;
use binapi_messages::release::V2606;
use binapi_messages::vpe::v1810::ControlPing;
use raw::{RawSocket, frame};
use vpp_client::{Client, Config, SocketKind};
use vpp_sim::{Options, Outbox, Release, Sim};

const WINDOWS: [usize; 6] = [1, 4, 16, 64, 256, 1024];
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(300);
const DETAILS: u64 = 1_000_000;

/// Frame and message of `control_ping_reply`.
const PONG: usize = 16 + 18;

fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json")
}

fn simulated() -> Sim {
    Sim::new(Release { year: 26, month: 6 }, Options::new(api_json())).unwrap()
}

/// A socket on which nothing but pings is spoken.
struct Raw {
    socket: RawSocket,
    ping: Vec<u8>,
}

impl Raw {
    fn connect(path: &Path) -> Self {
        let socket = RawSocket::connect(path);
        let entry = socket.table.chunks_exact(66).find(|e| e[2..].starts_with(b"control_ping_5")).unwrap();
        let ping = frame(&[&entry[..2], &socket.handle, &[0, 0, 0, 1]].concat());
        Self { socket, ping }
    }

    /// Pings within a time, with so many in flight.
    fn round(&mut self, window: usize) -> f64 {
        if window == 1 {
            // Nothing to do at the same time, so two threads would only wake each other.
            let (start, mut count, mut pong) = (Instant::now(), 0u64, [0; PONG]);
            while start.elapsed() < ROUND {
                self.socket.stream.write_all(&self.ping).unwrap();
                self.socket.stream.read_exact(&mut pong).unwrap();
                count += 1;
            }
            return count as f64 / start.elapsed().as_secs_f64();
        }
        let free = (Mutex::new(window), Condvar::new());
        let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        let frames = self.ping.repeat(window);
        let start = Instant::now();
        let mut count = 0u64;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut stream = &self.socket.stream;
                loop {
                    let n = {
                        let mut n = free.0.lock().unwrap();
                        while *n == 0 {
                            n = free.1.wait(n).unwrap();
                        }
                        std::mem::take(&mut *n)
                    };
                    if stop.load(Ordering::Acquire) {
                        break;
                    }
                    stream.write_all(&frames[..n * self.ping.len()]).unwrap();
                    sent.fetch_add(n as u64, Ordering::Release);
                }
            });
            let (mut stream, mut buffer, mut left) = (&self.socket.stream, vec![0; 256 * 1024], 0);
            while start.elapsed() < ROUND {
                left += stream.read(&mut buffer).unwrap();
                let n = left / PONG;
                left %= PONG;
                count += n as u64;
                *free.0.lock().unwrap() += n;
                free.1.notify_one();
            }
            let rate = count;
            stop.store(true, Ordering::Release);
            *free.0.lock().unwrap() += 1;
            free.1.notify_one();
            // What is still to come must not be there in the next round; the writer may be about to write.
            std::thread::sleep(Duration::from_millis(5));
            while count < sent.load(Ordering::Acquire) {
                left += stream.read(&mut buffer).unwrap();
                count += (left / PONG) as u64;
                left %= PONG;
            }
            count = rate;
        });
        count as f64 / ROUND.as_secs_f64()
    }
}

async fn round(client: &Client, window: usize) -> f64 {
    let start = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..window)
        .map(|_| {
            let (client, stop) = (client.clone(), stop.clone());
            tokio::spawn(async move {
                let mut count = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    client.call::<(), _>(&ControlPing {}).await.unwrap();
                    count += 1;
                }
                count
            })
        })
        .collect();
    tokio::time::sleep(ROUND).await;
    stop.store(true, Ordering::Relaxed);
    let mut count = 0;
    for worker in workers {
        count += worker.await.unwrap();
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn latency(client: &Client) {
    let mut times = Vec::with_capacity(20_000);
    for _ in 0..20_000 {
        let start = Instant::now();
        client.call::<(), _>(&ControlPing {}).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("one call: p50 {:?}, p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
}

/// Serves a dump of very many details: those of a simulated VPP, again and again, so that its own speed does not count.
fn serve_details(path: &Path) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut sim = simulated();
        let connection = sim.connect();
        let (mut input, mut buffer) = (Vec::new(), vec![0; 65_536]);
        loop {
            let n = stream.read(&mut buffer).unwrap_or(0);
            if n == 0 {
                return;
            }
            input.extend_from_slice(&buffer[..n]);
            while input.len() >= 16 {
                let length = 16 + u32::from_be_bytes(input[8..12].try_into().unwrap()) as usize;
                if input.len() < length {
                    break;
                }
                let message: Vec<u8> = input.drain(..length).skip(16).collect();
                let dump =
                    sim.table().id("sw_interface_dump") == Some(u16::from_be_bytes([message[0], message[1]]));
                let mut out = Outbox::new(connection);
                sim.handle(&message, &mut out);
                let answer: Vec<u8> = out.frames().flat_map(|(_, bytes)| bytes.to_vec()).collect();
                let times = if dump { 1000 } else { 1 };
                let block = answer.repeat(times);
                for _ in 0..if dump { DETAILS / 1000 } else { 1 } {
                    if stream.write_all(&block).is_err() {
                        return;
                    }
                }
            }
        }
    });
}

async fn details(path: &Path) {
    let client = Client::start(Config::new(path));
    client.connected().await.unwrap();
    let start = Instant::now();
    let request = SwInterfaceDump { sw_if_index: u32::MAX, ..Default::default() };
    let mut details = client.dump::<V2606, _>(&request).unwrap();
    let (mut count, mut names) = (0u64, 0usize);
    while let Some(one) = details.next().await {
        names += one.unwrap().interface_name.to_text().len();
        count += 1;
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    println!("{count} details of sw_interface_dump with {names} letters of names: {rate:.0}/s");
    client.close().await;
}

fn main() {
    let mut args = std::env::args().skip_while(|a| a != "--socket").skip(1);
    let folder = tempfile::tempdir().unwrap();
    let (socket, _running) = match args.next().map(PathBuf::from) {
        Some(path) => (path, None),
        None => {
            let path = folder.path().join("api.sock");
            (path.clone(), Some(simulated().serve(path).unwrap()))
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let client = Client::start(Config::new(&socket));
        let connection = client.connected().await.expect("connected");
        println!("VPP {}, pid {}", connection.version, connection.pid);
        assert_eq!(connection.socket, SocketKind::Stream, "the raw loop knows stream sockets only");
        client
    });
    let mut raw = Raw::connect(&socket);
    println!("{:>7} {:>12} {:>12} {:>6}", "window", "client/s", "raw/s", "ratio");
    for window in WINDOWS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(runtime.block_on(round(&client, window)));
            theirs.push(raw.round(window));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{window:>7} {ours:>12.0} {theirs:>12.0} {:>6.2}", ours / theirs);
    }
    drop(raw);
    runtime.block_on(latency(&client));
    runtime.block_on(client.close());
    let path = folder.path().join("details.sock");
    serve_details(&path);
    runtime.block_on(details(&path));
}
