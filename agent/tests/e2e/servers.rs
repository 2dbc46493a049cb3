//! The stores that agents follow, as processes, and their own protocols: not through the code that is tested.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doubles::consul::Double;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::common::wait;

/// What doubles run on.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Etcd,
    Redis,
    /// A double of it.
    Consul,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Etcd, Self::Redis, Self::Consul];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Redis => "redis",
            Self::Consul => "consul",
        }
    }

    /// What has to be on the path for its tests, and how it gets there.
    pub(crate) fn program(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Etcd => Some(("etcd", "apt-get install etcd-server")),
            Self::Redis => Some(("redis-server", "apt-get install redis-server")),
            Self::Consul => None,
        }
    }

    pub(crate) fn is_installed(self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.program().is_none_or(|(program, _)| {
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        })
    }

    /// The file of settings of an agent that follows such a store, and what is in it.
    pub(crate) fn setting(self, port: u16) -> (&'static str, String) {
        match self {
            Self::Etcd => (
                "etcd.conf",
                format!("endpoints: [\"127.0.0.1:{port}\"]\ninsecure-transport: true\nsession-ttl: 2\n"),
            ),
            Self::Redis => {
                ("redis.conf", format!("endpoint: 127.0.0.1:{port}\ndial-timeout: 1s\nsession-ttl: 2\n"))
            }
            Self::Consul => ("consul.conf", format!("address: 127.0.0.1:{port}\nsession-ttl: 2\n")),
        }
    }

    /// What else is set where an agent is to notice soon that nothing comes.
    pub(crate) fn impatient(self) -> &'static str {
        match self {
            Self::Etcd => "keepalive-time: 1s\nkeepalive-timeout: 1s\noperation-timeout: 1s\n",
            Self::Redis => "keepalive-time: 1s\nread-timeout: 1s\n",
            Self::Consul => "keepalive-time: 1s\noperation-timeout: 1s\n",
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A store that runs, or did.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    folder: TempDir,
    child: Option<Child>,
    double: Double,
    serving: Option<JoinSet<()>>,
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Self {
        let mut server = Self::stopped(kind);
        server.run();
        server
    }

    /// One that does not run yet.
    pub(crate) fn stopped(kind: Kind) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        Self { kind, port, folder, child: None, double: Double::default(), serving: None }
    }

    /// Starts it, again on the same data.
    pub(crate) fn run(&mut self) {
        let data = self.folder.path().join("data");
        let log_path = self.folder.path().join("log");
        let mut command = match self.kind {
            Kind::Etcd => etcd(self.port, &data),
            Kind::Redis => redis(self.port, &data),
            Kind::Consul => {
                self.serving = Some(RUNTIME.block_on(self.double.serve(self.port, None)));
                return;
            }
        };
        let log = std::fs::File::create(&log_path).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let answers = || self.try_get("/none").ok();
        let log = || std::fs::read_to_string(&log_path).unwrap_or_default();
        wait("answer of the store", answers).unwrap_or_else(|late| panic!("{late}: {}", log()));
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.serving = None;
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Forgets all data of a store that does not run.
    pub(crate) fn wipe(&self) {
        assert!(self.child.is_none() && self.serving.is_none());
        match self.kind {
            Kind::Etcd | Kind::Redis => {
                std::fs::remove_dir_all(self.folder.path().join("data")).unwrap();
            }
            Kind::Consul => self.double.wipe(),
        }
    }

    /// For an agent that follows it directly.
    pub(crate) fn setting(&self) -> (&'static str, String) {
        self.kind.setting(self.port)
    }

    #[track_caller]
    pub(crate) fn put(&self, key: &str, value: &str) {
        self.change(&[(key, Some(value))]);
    }

    #[track_caller]
    pub(crate) fn delete(&self, key: &str) {
        self.change(&[(key, None::<&str>)]);
    }

    /// Changes keys in this order, of which etcd makes one revision for up to a hundred.
    #[track_caller]
    pub(crate) fn change<K: AsRef<str>, V: AsRef<str>>(&self, changes: &[(K, Option<V>)]) {
        match self.kind {
            Kind::Etcd => {
                for some in changes.chunks(100) {
                    let operation = |(key, value): &(K, Option<V>)| match value {
                        Some(value) => json!({"requestPut":
                            {"key": encoded(key.as_ref()), "value": encoded(value.as_ref())}}),
                        None => json!({"requestDeleteRange": {"key": encoded(key.as_ref())}}),
                    };
                    let operations: Vec<Value> = some.iter().map(operation).collect();
                    post(self.port, "kv/txn", &json!({"success": operations})).unwrap();
                }
            }
            Kind::Redis => {
                let command = |(key, value): &(K, Option<V>)| match value {
                    Some(value) => vec!["SET".to_owned(), key.as_ref().to_owned(), value.as_ref().to_owned()],
                    None => vec!["DEL".to_owned(), key.as_ref().to_owned()],
                };
                let commands: Vec<Vec<String>> = changes.iter().map(command).collect();
                for some in commands.chunks(500) {
                    resp(self.port, some).unwrap();
                }
            }
            Kind::Consul => {
                let operation = |(key, value): &(K, Option<V>)| match value {
                    Some(value) => json!({"KV": {"Verb": "set", "Key": in_consul(key.as_ref()),
                        "Value": encoded(value.as_ref())}}),
                    None => json!({"KV": {"Verb": "delete", "Key": in_consul(key.as_ref())}}),
                };
                for some in changes.chunks(64) {
                    let operations: Value = some.iter().map(operation).collect();
                    http(self.port, "PUT /v1/txn", &operations.to_string()).unwrap();
                }
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.try_get(key).unwrap()
    }

    fn try_get(&self, key: &str) -> Result<Option<String>, String> {
        match self.kind {
            Kind::Etcd => {
                let answer = post(self.port, "kv/range", &json!({"key": encoded(key)}))?;
                let value = answer.pointer("/kvs/0/value").and_then(Value::as_str);
                Ok(value.map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()))
            }
            Kind::Redis => {
                let answers = resp(self.port, &[vec!["GET".to_owned(), key.to_owned()]])?;
                Ok(answers.into_iter().next().flatten())
            }
            Kind::Consul => {
                let get = [json!({"KV": {"Verb": "get-or-empty", "Key": in_consul(key)}})];
                let answer = http(self.port, "PUT /v1/txn", &json!(get).to_string())?;
                let answer: Value = serde_json::from_str(&answer).map_err(|e| e.to_string())?;
                let pair = answer.pointer("/Results/0/KV").filter(|pair| pair["CreateIndex"] != 0);
                let text =
                    pair.map(|pair| STANDARD.decode(pair["Value"].as_str().unwrap_or_default()).unwrap());
                Ok(text.map(|text| String::from_utf8(text).unwrap()))
            }
        }
    }

    /// Forgets the history of an etcd.
    pub(crate) fn compact(&self) {
        let answer = post(self.port, "kv/range", &json!({"key": encoded("/")})).unwrap();
        let revision = answer.pointer("/header/revision").and_then(Value::as_str).unwrap();
        post(self.port, "kv/compaction", &json!({"revision": revision, "physical": true})).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn etcd(port: u16, data: &Path) -> Command {
    let clients = format!("http://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new("etcd");
    command
        .arg("--data-dir")
        .arg(data)
        .args(["--name", "one", "--initial-cluster", &format!("one={peers}")])
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        // Values that agents refuse may be larger than what etcd takes by itself.
        .args(["--max-request-bytes", "20000000"])
        // Agents may look more often than by default.
        .args(["--grpc-keepalive-min-time", "500ms"])
        // The tests are about what is told, not about what a disk keeps.
        .args(["--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn"])
        .env("ETCD_UNSUPPORTED_ARCH", std::env::consts::ARCH);
    command
}

fn redis(port: u16, data: &Path) -> Command {
    std::fs::create_dir_all(data).unwrap();
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(data);
    // Each change is on the disk before it is answered: a killed server has it.
    command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    command
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// A key as Consul has it.
fn in_consul(key: &str) -> &str {
    key.trim_start_matches('/')
}

/// A call of etcd's JSON gateway.
fn post(port: u16, path: &str, body: &Value) -> Result<Value, String> {
    let answer = http(port, &format!("POST /v3/{path}"), &body.to_string())?;
    serde_json::from_str(&answer).map_err(|e| e.to_string())
}

/// A call of a server of HTTP: the body of its answer, or all of it if it is not good.
fn http(port: u16, what: &str, body: &str) -> Result<String, String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    let head = format!("{what} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .map_err(|e| e.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|e| e.to_string())?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => Err(answer),
    }
}

/// Commands of Redis at once; texts of their answers.
fn resp(port: u16, commands: &[Vec<String>]) -> Result<Vec<Option<String>>, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut request = Vec::new();
    for command in commands {
        request.extend(format!("*{}\r\n", command.len()).bytes());
        for word in command {
            request.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
        }
    }
    (&stream).write_all(&request).map_err(|e| e.to_string())?;
    let mut reader = BufReader::new(stream);
    commands.iter().map(|_| answer(&mut reader)).collect()
}

fn answer(reader: &mut BufReader<TcpStream>) -> Result<Option<String>, String> {
    let mut line = String::new();
    reader.read_line(&mut line).map_err(|e| e.to_string())?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("$", "-1")) => Ok(None),
        Some(("$", length)) => {
            let mut value = vec![0; length.parse::<usize>().map_err(|e| e.to_string())? + 2];
            reader.read_exact(&mut value).map_err(|e| e.to_string())?;
            value.truncate(value.len() - 2);
            String::from_utf8(value).map(Some).map_err(|e| e.to_string())
        }
        Some(("+" | ":", text)) => Ok(Some(text.to_owned())),
        _ => Err(format!("redis says {line:?}")),
    }
}

/// The file of the embedded store of an agent, in its folder of state.
pub(crate) fn embedded(state: PathBuf) -> PathBuf {
    state.join("store.redb")
}
