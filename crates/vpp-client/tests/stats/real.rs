//! A real VPP, where there is one: `VPP_STATS_SOCKET` names its statistics socket, and `VPP_API_SOCKET` its API socket,
//! over which a loopback is made and deleted.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use binapi_core::Message;
use binapi_messages::interface::{v1810, v2001};
use vpp_client::stats::{Kind, Layout, Pattern, Stats, StatsConfig, Value};
use vpp_client::{Client, Config, Connection, Lookup};

fn has<M: Message>(connection: &Connection) -> bool {
    matches!(connection.table.lookup(M::NAME, M::CRC), Lookup::Present(_))
}

async fn create_loopback(client: &Client, connection: &Connection) -> u32 {
    if has::<v2001::CreateLoopback>(connection) {
        client.call::<(), _>(&v2001::CreateLoopback::default()).await.unwrap().sw_if_index
    } else {
        client.call::<(), _>(&v1810::CreateLoopback::default()).await.unwrap().sw_if_index
    }
}

async fn delete_loopback(client: &Client, connection: &Connection, sw_if_index: u32) {
    if has::<v2001::DeleteLoopback>(connection) {
        client.call::<(), _>(&v2001::DeleteLoopback { sw_if_index }).await.unwrap();
    } else {
        client.call::<(), _>(&v1810::DeleteLoopback { sw_if_index }).await.unwrap();
    }
}

#[test]
fn a_real_vpp_is_read_while_loopbacks_come_and_go() {
    let (Some(socket), Some(api)) =
        (std::env::var_os("VPP_STATS_SOCKET"), std::env::var_os("VPP_API_SOCKET"))
    else {
        println!("skipped: set VPP_STATS_SOCKET and VPP_API_SOCKET");
        return;
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut stats = Stats::connect(StatsConfig::new(Path::new(&socket))).unwrap();
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                stats.interface_counters().unwrap();
                let dump = stats.dump(&Pattern::from("/if/")).unwrap();
                assert!(dump.iter().all(|(_, value)| !matches!(value, Value::Unreadable(_))));
                stats.error_counters().unwrap();
                reads += 3;
            }
            println!("{reads} reads, {} of them again", stats.retries());
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::start(Config::new(Path::new(&api)));
            let connection = client.connected().await.unwrap();
            for _ in 0..10 {
                let mut made = Vec::new();
                for _ in 0..20 {
                    made.push(create_loopback(&client, &connection).await);
                }
                for index in made {
                    delete_loopback(&client, &connection, index).await;
                }
            }
            client.close().await;
        });
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn a_real_vpp_tells_what_it_counts() {
    let Some(socket) = std::env::var_os("VPP_STATS_SOCKET") else {
        println!("skipped: set VPP_STATS_SOCKET");
        return;
    };
    let mut stats = Stats::connect(StatsConfig::new(Path::new(&socket))).unwrap();
    let start = Instant::now();
    let dump = stats.dump(&Pattern::All).unwrap();
    let (layout, took) = (stats.layout(), start.elapsed());
    println!("{layout:?}, {} bytes, {} entries read in {took:?}", stats.size(), dump.len());
    let start = Instant::now();
    stats.dump(&Pattern::All).unwrap();
    println!("and again in {:?}", start.elapsed());
    for (entry, value) in &dump {
        assert!(entry.name.starts_with('/'), "{entry:?}");
        assert!(!matches!(entry.kind, Kind::Unknown(_)), "{entry:?}");
        assert!(!matches!(value, Value::Opaque(_)), "{entry:?}");
        let clobbered = stats.layout() == Layout::V2a && entry.name == "/sys/vector_rate_per_worker";
        assert!(clobbered || !matches!(value, Value::Unreadable(_)), "{entry:?} {value:?}");
    }
    let system = stats.system().unwrap();
    println!("{system:?}");
    assert!(system.heartbeat.is_some() && system.last_update.is_some(), "{system:?}");
    let interfaces = stats.interface_counters().unwrap();
    assert_eq!(interfaces.first().map(|i| i.sw_if_index), Some(0));
    assert!(stats.error_counters().unwrap().len() > 100);
    println!(
        "{} nodes, {:?}, {:?}",
        stats.node_counters().unwrap().len(),
        stats.buffer_pools(),
        stats.memory()
    );
}

#[test]
fn a_loopback_of_a_real_vpp_is_counted_as_long_as_it_is_there() {
    let (Some(socket), Some(api)) =
        (std::env::var_os("VPP_STATS_SOCKET"), std::env::var_os("VPP_API_SOCKET"))
    else {
        println!("skipped: set VPP_STATS_SOCKET and VPP_API_SOCKET");
        return;
    };
    let mut stats = Stats::connect(StatsConfig::new(Path::new(&socket))).unwrap();
    let before = stats.interface_counters().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::start(Config::new(Path::new(&api)));
        let connection =
            tokio::time::timeout(Duration::from_secs(10), client.connected()).await.unwrap().unwrap();
        println!("VPP {}", connection.version);
        assert_eq!(Layout::of_release(&connection.version), Some(stats.layout()));
        let index = create_loopback(&client, &connection).await;
        let with = stats.interface_counters().unwrap();
        let made = with.iter().find(|i| i.sw_if_index == index).expect("the loopback is counted");
        assert!(made.name.as_ref().is_none_or(|n| n.starts_with("loop")), "{made:?}");
        assert_eq!(made.total().rx.packets, 0);
        delete_loopback(&client, &connection, index).await;
        client.close().await;
    });
    if stats.layout() > Layout::V0 || before.iter().all(|i| i.name.is_some()) {
        let names = |list: &[vpp_client::stats::InterfaceCounters]| -> Vec<_> {
            list.iter().map(|i| (i.sw_if_index, i.name.clone())).collect()
        };
        assert_eq!(names(&stats.interface_counters().unwrap()), names(&before));
    }
}
