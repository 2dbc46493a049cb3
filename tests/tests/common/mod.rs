//! What the tests share: definitions, revisions, recordings, a scripted VPP, a connected client.
#![allow(dead_code, unreachable_pub, missing_docs)]

pub mod calls;
pub mod catalog;
pub mod recording;
pub mod server;

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use binapi_gen::model::Release;
use binapi_index::{MESSAGES, Message, RELEASES};
use binapi_messages::table::Entry;
use vpp_client::{Client, Config, Connection};
use vpp_schema::Schema;
use vpp_sim::{Options, Running, Sim};
use vppcalls::select::Selection;
use vppcalls::{Handlers, select};

/// Longer than anything here takes; a test that waits so long hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json")
}

pub fn options() -> Options {
    Options::new(api_json())
}

pub fn release(name: &str) -> Release {
    Release::parse(name).expect("a release")
}

pub fn schema(name: &str) -> Schema {
    let api = binapi_gen::normal::load(&api_json(), release(name)).expect("definitions load");
    Schema::new(&api).expect("definitions compile")
}

pub fn sim(name: &str) -> Sim {
    Sim::new(release(name), options()).expect("a simulated VPP")
}

pub fn newest() -> &'static str {
    RELEASES.last().expect("a release").name
}

pub fn position(release: &str) -> usize {
    RELEASES.iter().position(|r| r.name == release).expect("a known release")
}

/// Runs a check for every release, a few at a time, and fails with all releases that fail.
pub fn each_release(check: impl Fn(&'static str) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(release) = RELEASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = catch_unwind(AssertUnwindSafe(|| check(release.name))) {
                        let why = text_of(&*why);
                        failed
                            .lock()
                            .expect("no panic holds it")
                            .push(format!("VPP {}: {why}", release.name));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("no panic holds it");
    failed.sort_unstable();
    assert!(failed.is_empty(), "{} releases fail\n{}", failed.len(), failed.join("\n"));
}

/// What a panic said.
pub fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_string(),
        (None, None) => "it panicked".to_string(),
    }
}

/// Runs a future to its end; one that does not come to it fails.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("it ends") })
}

/// Messages of a release, as the index has them.
pub fn messages_of(release: &str) -> impl Iterator<Item = &'static Message> {
    let modules = RELEASES.get(position(release)).expect("a release").modules;
    modules.iter().flat_map(|m| m.messages).map(|p| MESSAGES.get(usize::from(*p)).expect("a message"))
}

/// What identifies a revision.
pub type Revision = (&'static str, u32, &'static str);

pub fn revision(message: &Message) -> Revision {
    (message.name, message.crc, RELEASES.get(message.first()).expect("a release").name)
}

/// The revisions that this build has.
pub fn compiled() -> HashMap<Revision, Entry> {
    let all = binapi_messages::table::all();
    let entries = all.len();
    let map: HashMap<Revision, Entry> = all.into_iter().map(|e| ((e.name, e.crc, e.first), e)).collect();
    assert_eq!(map.len(), entries, "a revision stands once");
    map
}

/// A stream of numbers that is the same in every run.
pub fn numbers(seed: u64) -> impl FnMut() -> u64 {
    // SplitMix64.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A number made of a text, for seeds.
pub fn seed(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A configuration that gives up and tries again soon.
pub fn config(path: &Path) -> Config {
    let mut config = Config::new(path);
    config.name = "conformance".to_string();
    config.backoff_first = Duration::from_millis(5);
    config.backoff_most = Duration::from_millis(20);
    config
}

/// A client with the calls that were chosen for its VPP.
pub struct Peer {
    pub client: Client,
    pub connection: std::sync::Arc<Connection>,
    pub handlers: Handlers,
    pub selection: Selection,
}

pub async fn connect(path: &Path) -> Peer {
    connect_with(config(path)).await
}

pub async fn connect_with(config: Config) -> Peer {
    let client = Client::start(config);
    let connection = client.connected().await.expect("connected");
    let (handlers, selection) = select(&client, &connection).unwrap_or_else(|refusal| panic!("{refusal}"));
    Peer { client, connection, handlers, selection }
}

/// A simulated VPP in a folder of its own.
pub struct Served {
    pub folder: tempfile::TempDir,
    pub running: Running,
}

impl Served {
    pub fn new(release: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = sim(release).serve(folder.path().join("api.sock")).expect("serves");
        Self { folder, running }
    }

    pub fn path(&self) -> PathBuf {
        self.running.path().to_path_buf()
    }
}
