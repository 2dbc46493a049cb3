//! From etcd through the agent to VPP: how long things take from end to end, and what the agent costs.
//!
//! `cargo bench -p vpp-agent --bench e2e -- [--vpp SOCKET] [--agent BINARY] [--routes N,...]` needs `etcd` on the path.
//! Without `--vpp` a simulated VPP runs in this process, whose own processor time is told beside that of the agent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]
#![allow(missing_docs)]

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kvstore::etcd::{EtcdConfig, EtcdStore};
use kvstore::{Lifetime, Operation, Store, Transaction};
use serde_json::{Value, json};
use vpp_client::{Client, Config};
use vpp_sim::{Options, Release, Running, Sim};
use vppcalls::{Handlers, select};

const PATIENCE: Duration = Duration::from_secs(120);
const PUTS: usize = 300;
const LOOPBACK: &str = "/vnf-agent/vpp1/config/vpp/v2/interfaces/bench0";

/// The n-th route.
fn network(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(20, 0, 0, 0)) + n)
}

fn route(n: u32) -> (String, Value) {
    let to = network(n);
    let key = format!("/vnf-agent/vpp1/config/vpp/v2/route/if/bench0/vrf/0/dst/{to}/32/gw/10.250.0.2");
    let value = json!({"dst_network": format!("{to}/32"), "next_hop_addr": "10.250.0.2", "outgoing_interface": "bench0"});
    (key, value)
}

struct Killed(Child);

impl Killed {
    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.end();
    }
}

/// The data plane.
enum Vpp {
    Simulated(Option<Running>),
    Real(PathBuf),
}

impl Vpp {
    fn start(folder: &Path, real: Option<&Path>) -> Self {
        match real {
            Some(path) => Self::Real(path.to_path_buf()),
            None => {
                let json = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json");
                let sim = Sim::new(Release::parse("26.06").unwrap(), Options::new(json)).unwrap();
                Self::Simulated(Some(sim.serve(folder.join("api.sock")).unwrap()))
            }
        }
    }

    fn socket(&self) -> PathBuf {
        match self {
            Self::Simulated(sim) => sim.as_ref().unwrap().path().to_path_buf(),
            Self::Real(path) => path.clone(),
        }
    }
}

/// A look at VPP that does not go through the agent.
enum Look {
    Simulated,
    Real(Box<Handlers>),
}

impl Look {
    async fn at(vpp: &Vpp) -> Self {
        match vpp {
            Vpp::Simulated(_) => Self::Simulated,
            Vpp::Real(path) => {
                let client = Client::start(Config::new(path));
                let connection = client.connected().await.unwrap();
                let selection = select::choose(&select::Evidence::of(&connection), None).unwrap();
                Self::Real(Box::new(Handlers::new(&client, &connection, &selection).unwrap()))
            }
        }
    }

    /// How many of the routes are there.
    async fn count(&self, vpp: &Vpp) -> usize {
        match (self, vpp) {
            (Self::Simulated, Vpp::Simulated(Some(running))) => {
                let sim = running.sim();
                let ours =
                    |ip: IpAddr| matches!(ip, IpAddr::V4(ip) if ip.octets()[0] >= 20 && ip.octets()[0] < 30);
                let table = sim.state().fib.table(0, false);
                table.map_or(0, |table| table.entries().filter(|entry| ours(entry.ip)).count())
            }
            (Self::Real(handlers), _) => {
                let routes = handlers.l3.dump_routes().await.unwrap();
                let ours = |ip: IpAddr| matches!(ip, IpAddr::V4(ip) if (20..30).contains(&ip.octets()[0]));
                routes.iter().filter(|route| ours(route.prefix.addr())).count()
            }
            _ => 0,
        }
    }

    async fn has(&self, vpp: &Vpp, n: u32) -> bool {
        match (self, vpp) {
            (Self::Simulated, Vpp::Simulated(Some(running))) => running
                .sim()
                .state()
                .fib
                .paths(0, network(n).into(), 32, 8)
                .is_some_and(|paths| !paths.is_empty()),
            (Self::Real(handlers), _) => {
                let text = handlers.core.cli(&format!("show ip fib {}/32", network(n))).await.unwrap();
                text.contains(&format!("{}/32", network(n)))
            }
            _ => false,
        }
    }
}

/// Requests to the simulated VPP that change something.
fn changes(vpp: &Vpp) -> u64 {
    let Vpp::Simulated(Some(running)) = vpp else { return 0 };
    let looks = |name: &str| {
        name.contains("_dump")
            || name.ends_with("_get")
            || name.starts_with("want_")
            || name.starts_with("sockclnt")
            || ["control_ping", "show_version", "get_api_json", "sw_interface_get_table"].contains(&name)
    };
    running.sim().received().iter().filter(|(name, _)| !looks(name)).map(|(_, n)| n).sum()
}

struct Stage {
    folder: tempfile::TempDir,
    _etcd: Killed,
    store: EtcdStore,
    agent: Option<Killed>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (client, peer) = (free(), free());
        let etcd = Command::new("etcd")
            .args(["--data-dir".as_ref(), folder.path().join("etcd").as_os_str()])
            .args(["--listen-client-urls", &format!("http://127.0.0.1:{client}")])
            .args(["--advertise-client-urls", &format!("http://127.0.0.1:{client}")])
            .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd has to be installed (Debian: etcd-server)");
        let endpoint = format!("127.0.0.1:{client}");
        std::fs::write(
            folder.path().join("etcd.conf"),
            format!("endpoints: [\"{endpoint}\"]\ninsecure-transport: true\n"),
        )
        .unwrap();
        let config =
            EtcdConfig { endpoints: vec![endpoint], insecure_transport: true, ..EtcdConfig::default() };
        let store = EtcdStore::new(config).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while store.list("/").await.is_err() {
            assert!(Instant::now() < deadline, "etcd does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { folder, _etcd: Killed(etcd), store, agent: None }
    }

    async fn fill(&self, routes: u32) {
        let loopback = json!({
            "name": "bench0", "type": "SOFTWARE_LOOPBACK", "enabled": true, "ip_addresses": ["10.250.0.1/24"]
        });
        self.store.put(LOOPBACK, loopback.to_string().into(), Lifetime::Permanent).await.unwrap();
        let all: Vec<u32> = (0..routes).collect();
        for some in all.chunks(100) {
            let put = |n: &u32| {
                let (key, value) = route(*n);
                Operation::Put(key, value.to_string().into())
            };
            let operations = some.iter().map(put).collect();
            self.store.transaction(Transaction { compare: Vec::new(), operations }).await.unwrap();
        }
    }

    fn start_agent(&mut self, socket: &Path) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("agent.log"))
            .unwrap();
        let agent = Command::new(agent_binary())
            .arg("--config-dir")
            .arg(self.folder.path())
            .arg("--state-dir")
            .arg(self.folder.path().join("state"))
            .arg("--transaction-log")
            .arg(self.folder.path().join("transactions"))
            .arg("--vpp-socket")
            .arg(socket)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.agent = Some(Killed(agent));
    }

    fn pid(&self) -> u32 {
        self.agent.as_ref().unwrap().0.id()
    }

    fn transactions(&self) -> usize {
        let text = std::fs::read_to_string(self.folder.path().join("transactions")).unwrap_or_default();
        let complete = text.lines().take(text.matches('\n').count());
        complete.filter(|line| !line.contains("\"kind\":\"southbound notification\"")).count()
    }

    /// Waits until that many transactions have ended.
    async fn wait_transactions(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.transactions() < count {
            let log = self.folder.path().join("agent.log");
            assert!(Instant::now() < deadline, "{}", std::fs::read_to_string(log).unwrap());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Processor time of a process, user and system.
fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Memory of a process in MB.
fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// The value after a flag.
fn argument(flag: &str) -> Option<String> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == flag)?;
    arguments.get(at + 1).cloned()
}

/// The agent that is measured: that of `--agent`, or the one built with this.
fn agent_binary() -> String {
    argument("--agent").unwrap_or_else(|| env!("CARGO_BIN_EXE_vpp-agent").to_owned())
}

fn percentile(sorted: &[Duration], part: f64) -> f64 {
    let at = ((sorted.len() - 1) as f64 * part) as usize;
    sorted[at].as_secs_f64() * 1e3
}

async fn run(routes: u32, real: Option<&Path>) {
    println!("\n{routes} routes");
    let mut stage = Stage::new().await;
    let mut vpp = Vpp::start(stage.folder.path(), real);
    let look = Look::at(&vpp).await;
    stage.fill(routes).await;

    let (start, own) = (Instant::now(), cpu(std::process::id()));
    stage.start_agent(&vpp.socket());
    stage.wait_transactions(1).await;
    let took = start.elapsed();
    let (agent, own) = (cpu(stage.pid()), cpu(std::process::id()) - own);
    assert_eq!(look.count(&vpp).await, routes as usize);
    println!("  cold start until all is configured      {:>9.3} s", took.as_secs_f64());
    println!("    processor time of the agent           {:>9.3} s", agent.as_secs_f64());
    println!("    of this process (simulated VPP)       {:>9.3} s", own.as_secs_f64());
    println!("    memory of the agent                   {:>9.1} MB", memory(stage.pid()));

    let (mut all, mut etcd) = (Vec::new(), Vec::new());
    for i in 0..PUTS {
        let n = 0x0080_0000 + u32::try_from(i).unwrap();
        let (key, value) = route(n);
        let start = Instant::now();
        stage.store.put(&key, value.to_string().into(), Lifetime::Permanent).await.unwrap();
        etcd.push(start.elapsed());
        while !look.has(&vpp, n).await {
            assert!(start.elapsed() < PATIENCE);
            tokio::task::yield_now().await;
        }
        all.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    all.sort_unstable();
    etcd.sort_unstable();
    println!(
        "  put until VPP has it, p50 / p99         {:>9.2} / {:.2} ms (etcd's answer {:.2} / {:.2} ms)",
        percentile(&all, 0.5),
        percentile(&all, 0.99),
        percentile(&etcd, 0.5),
        percentile(&etcd, 0.99)
    );
    let before = cpu(stage.pid());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let idle = (cpu(stage.pid()) - before).as_secs_f64() / 5.0 * 100.0;
    println!("  processor when idle                     {idle:>9.2} % of a core");

    let (seen, before) = (stage.transactions(), changes(&vpp));
    stage.agent.take();
    let (start, own) = (Instant::now(), cpu(std::process::id()));
    stage.start_agent(&vpp.socket());
    stage.wait_transactions(seen + 1).await;
    let own = cpu(std::process::id()) - own;
    println!(
        "  agent restarted over it                 {:>9.3} s, {} configuration messages, {:.1} MB",
        start.elapsed().as_secs_f64(),
        changes(&vpp) - before,
        memory(stage.pid())
    );
    println!("    processor time of the agent           {:>9.3} s", cpu(stage.pid()).as_secs_f64());
    println!("    of this process (simulated VPP)       {:>9.3} s", own.as_secs_f64());

    if let Vpp::Simulated(sim) = &mut vpp {
        let seen = stage.transactions();
        let running = sim.take().unwrap();
        running.crash();
        *sim = Some(running.restart().unwrap());
        let start = Instant::now();
        stage.wait_transactions(seen + 1).await;
        let took = start.elapsed();
        assert_eq!(look.count(&vpp).await, routes as usize + PUTS);
        println!("  VPP restarted, all back                 {:>9.3} s", took.as_secs_f64());
    } else {
        stage.store.delete(LOOPBACK).await.unwrap();
        let listing = stage.store.list("/vnf-agent/vpp1/config/vpp/v2/route/").await.unwrap();
        let seen = stage.transactions();
        for some in listing.items.chunks(100) {
            let operations = some.iter().map(|item| Operation::Delete(item.key.clone())).collect();
            stage.store.transaction(Transaction { compare: Vec::new(), operations }).await.unwrap();
        }
        stage.wait_transactions(seen + 1).await;
        while look.count(&vpp).await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn idle(real: Option<&Path>) {
    let mut stage = Stage::new().await;
    let vpp = Vpp::start(stage.folder.path(), real);
    stage.start_agent(&vpp.socket());
    stage.wait_transactions(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("nothing configured: {:.1} MB of memory", memory(stage.pid()));
    let stripped = stage.folder.path().join("stripped");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(agent_binary()).status();
    if strip.is_ok_and(|status| status.success()) {
        let size = std::fs::metadata(&stripped).unwrap().len();
        println!("binary, stripped: {:.1} MB", size as f64 / 1e6);
    }
}

fn main() {
    let real = argument("--vpp").map(PathBuf::from);
    let routes = argument("--routes").unwrap_or_else(|| "1000,10000,100000".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        println!(
            "data plane: {}",
            real.as_ref().map_or("simulated VPP 26.06".into(), |path| path.display().to_string())
        );
        idle(real.as_deref()).await;
        for routes in routes.split(',') {
            run(routes.trim().parse().unwrap(), real.as_deref()).await;
        }
    });
}
