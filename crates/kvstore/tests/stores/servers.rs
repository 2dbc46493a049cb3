//! The stores that the tests run against.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kvstore::Store;
use kvstore::consul::{ConsulConfig, ConsulStore};
use kvstore::embedded::{EmbeddedConfig, EmbeddedStore};
use kvstore::etcd::{EtcdConfig, EtcdStore};
use kvstore::redis::{RedisConfig, RedisStore};
use tempfile::TempDir;
use tokio::task::JoinSet;

use doubles::Proxy;
use doubles::consul::Double;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Etcd,
    Redis,
    Consul,
    Embedded,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Etcd, Self::Redis, Self::Consul, Self::Embedded];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Redis => "redis",
            Self::Consul => "consul (a double of it)",
            Self::Embedded => "embedded",
        }
    }

    /// What has to be on the path for its tests, and how it gets there.
    pub(crate) fn program(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Etcd => Some(("etcd", "apt-get install etcd-server")),
            Self::Redis => Some(("redis-server", "apt-get install redis-server")),
            Self::Consul | Self::Embedded => None,
        }
    }

    /// Whether it is another process that can be stopped and cut off.
    pub(crate) fn is_remote(self) -> bool {
        self != Self::Embedded
    }

    /// A store of this kind, at a port of this machine.
    pub(crate) fn at(self, port: u16) -> Arc<dyn Store> {
        match self {
            Self::Etcd => Arc::new(EtcdStore::new(etcd_config(port)).unwrap()),
            Self::Redis => Arc::new(RedisStore::new(&redis_config(port)).unwrap()),
            Self::Consul => Arc::new(ConsulStore::new(&consul_config(port)).unwrap()),
            Self::Embedded => panic!("it has no port"),
        }
    }
}

pub(crate) fn etcd_config(port: u16) -> EtcdConfig {
    EtcdConfig {
        endpoints: vec![format!("127.0.0.1:{port}")],
        insecure_transport: true,
        session_ttl: 2,
        ..EtcdConfig::default()
    }
}

pub(crate) fn redis_config(port: u16) -> RedisConfig {
    RedisConfig {
        endpoint: format!("127.0.0.1:{port}"),
        dial_timeout: Duration::from_secs(1),
        session_ttl: 2,
        ..RedisConfig::default()
    }
}

pub(crate) fn consul_config(port: u16) -> ConsulConfig {
    ConsulConfig { address: format!("127.0.0.1:{port}"), session_ttl: 2, ..ConsulConfig::default() }
}

/// Whether `program` is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    find(program).is_some()
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running store of some kind.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    pub(crate) proxy: Option<Proxy>,
    arguments: Vec<String>,
    child: Option<Child>,
    embedded: Option<EmbeddedStore>,
    double: Double,
    serving: Option<JoinSet<()>>,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[]).await
    }

    pub(crate) async fn start_with(kind: Kind, arguments: &[&str]) -> Self {
        let mut server = Self::stopped(kind, arguments).await;
        server.run().await;
        server
    }

    /// One that does not run yet.
    pub(crate) async fn stopped(kind: Kind, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let proxy = if kind.is_remote() { Some(Proxy::to(port).await) } else { None };
        let embedded = (kind == Kind::Embedded).then(|| {
            let path = folder.path().join("store.redb");
            EmbeddedStore::new(&EmbeddedConfig { path, ..EmbeddedConfig::default() })
        });
        let arguments = arguments.iter().map(|&a| a.to_owned()).collect();
        Self {
            kind,
            port,
            folder,
            proxy,
            arguments,
            child: None,
            embedded,
            double: Double::default(),
            serving: None,
        }
    }

    /// The store, through the proxy where there is one.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match (&self.embedded, &self.proxy) {
            (Some(store), _) => Arc::new(store.clone()),
            (None, Some(proxy)) => self.kind.at(proxy.port),
            (None, None) => self.direct(),
        }
    }

    /// The store, past the proxy.
    pub(crate) fn direct(&self) -> Arc<dyn Store> {
        match &self.embedded {
            Some(store) => Arc::new(store.clone()),
            None => self.kind.at(self.port),
        }
    }

    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }

    /// Starts it, again on the same data.
    pub(crate) async fn run(&mut self) {
        let data = self.folder.path().join("data");
        let mut command = match self.kind {
            Kind::Embedded => return,
            Kind::Consul => {
                self.serving = Some(self.double.serve(self.port, None).await);
                return;
            }
            Kind::Etcd => etcd(self.port, &data, &self.arguments),
            Kind::Redis => redis(self.port, &data, &self.arguments),
        };
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let since = Instant::now();
        while !self.answers().await {
            if since.elapsed() > Duration::from_secs(20) {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("{:?} does not start: {log}", self.kind);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn answers(&self) -> bool {
        let special = ["cert-file", "requirepass", "aclfile", "sentinel", "cluster-enabled", "replicaof"];
        if self.arguments.iter().any(|argument| special.iter().any(|word| argument.contains(word))) {
            return tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok();
        }
        self.direct().get("/none").await.is_ok()
    }

    pub(crate) fn double(&self) -> &Double {
        &self.double
    }

    /// Kills it.
    pub(crate) fn stop(&mut self) {
        self.serving = None;
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn etcd(port: u16, data: &Path, arguments: &[String]) -> Command {
    let scheme =
        if arguments.iter().any(|argument| argument.contains("cert-file")) { "https" } else { "http" };
    let clients = format!("{scheme}://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new("etcd");
    command
        .arg("--data-dir")
        .arg(data)
        .args(["--name", "one", "--initial-cluster", &format!("one={peers}")])
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        // The tests are about what is told, not about what a disk keeps.
        .args(["--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn"])
        .args(arguments)
        .env("ETCD_UNSUPPORTED_ARCH", std::env::consts::ARCH);
    command
}

fn redis(port: u16, data: &Path, arguments: &[String]) -> Command {
    std::fs::create_dir_all(data).unwrap();
    let mut command = Command::new("redis-server");
    // A sentinel's settings have to be in a file, which comes first.
    let (file, arguments): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|a| a.ends_with(".conf"));
    command.args(file).args(["--bind", "127.0.0.1", "--dir"]).arg(data);
    if !arguments.iter().any(|argument| argument.as_str() == "--tls-port") {
        command.args(["--port", &port.to_string()]);
    }
    // Each change is on the disk before it is answered: a killed server has it.
    if !arguments.iter().any(|argument| argument.as_str() == "--sentinel") {
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    }
    command.args(arguments);
    command
}
