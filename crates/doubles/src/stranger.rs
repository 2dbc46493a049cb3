//! Servers that speak something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server that is none of ours does.
#[derive(Clone, Copy, Debug)]
pub enum Stranger {
    /// Says so to whoever connects or sends something.
    Says {
        /// Before it has heard anything.
        first: bool,
        /// What it says.
        what: &'static [u8],
    },
    /// Says nothing at all.
    Silent,
    /// Hangs up.
    HangsUp,
    /// Sends without end.
    Floods,
}

/// Starts such a server. Its port, and how many have connected.
pub async fn stranger(what: Stranger) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut heard = [0; 1024];
                match what {
                    Stranger::Says { first, what } => {
                        if !first {
                            let _ = client.read(&mut heard).await;
                        }
                        let _ = client.write_all(what).await;
                        while client.read(&mut heard).await.is_ok_and(|n| n > 0) {}
                    }
                    Stranger::Silent => {
                        while client.read(&mut heard).await.is_ok_and(|n| n > 0) {}
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    Stranger::HangsUp => {}
                    Stranger::Floods => {
                        let noise = [b'x'; 65536];
                        while client.write_all(&noise).await.is_ok() {}
                    }
                }
            });
        }
    });
    (port, connections)
}
