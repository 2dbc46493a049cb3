//! Pings a VPP: `ping <socket> <count> <in flight>`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use binapi_messages::vpe::v1810::ControlPing;
use vpp_client::{Client, Config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let socket = args.next().ok_or("which socket?")?;
    let count: u64 = args.next().ok_or("how many?")?.parse()?;
    let window: u64 = args.next().ok_or("how many in flight?")?.parse()?;
    let client = Client::start(Config::new(socket));
    let connection = client.connected().await?;
    let started = Instant::now();
    let workers: Vec<_> = (0..window)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..count / window {
                    client.call::<(), _>(&ControlPing {}).await?;
                }
                Ok::<_, vpp_client::CallError>(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "VPP {}: {count} pings, {window} in flight, {:.0} a second",
        connection.version,
        count as f64 / seconds
    );
    client.close().await;
    Ok(())
}
