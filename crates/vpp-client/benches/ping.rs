//! Pings a second by how many are in flight: against a simulated VPP, or the one whose API socket `VPP_API_SOCKET`
//! names.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};

use binapi_messages::vpe::v1810::ControlPing;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vpp_client::{Client, Config};
use vpp_sim::{Options, Release, Sim};

/// Pings in one measured round.
const ROUND: u64 = 10_240;

fn pings(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (socket, _sim) = match std::env::var_os("VPP_API_SOCKET") {
        Some(path) => (PathBuf::from(path), None),
        None => {
            let path = folder.path().join("api.sock");
            let api_json = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json");
            let sim = Sim::new(Release { year: 26, month: 6 }, Options::new(api_json)).unwrap();
            (path.clone(), Some(sim.serve(path).unwrap()))
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let client = Client::start(Config::new(socket));
        client.connected().await.unwrap();
        client
    });
    let mut group = c.benchmark_group("control_ping");
    group.throughput(Throughput::Elements(ROUND)).sample_size(20);
    for window in [1, 16, 64, 256, 1024] {
        group.bench_with_input(BenchmarkId::from_parameter(window), &window, |b, window| {
            b.to_async(&runtime).iter(|| round(&client, *window));
        });
    }
    group.finish();
    runtime.block_on(client.close());
}

async fn round(client: &Client, window: u64) {
    let workers: Vec<_> = (0..window)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..ROUND / window {
                    client.call::<(), _>(&ControlPing {}).await.unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

criterion_group!(benches, pings);
criterion_main!(benches);
