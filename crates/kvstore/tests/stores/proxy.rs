//! A TCP proxy that can be cut, and servers that speak something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a proxy does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passes,
    Cut,
    /// Nothing gets through, and nobody is told.
    Swallows,
}

/// Passes connections on to a port of this machine while it is not cut.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    cut: watch::Sender<Mode>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (cut, is_cut) = watch::channel(Mode::Passes);
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut is_cut = is_cut.clone();
                if *is_cut.borrow() == Mode::Cut {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let _ = client.set_nodelay(true);
                    let _ = server.set_nodelay(true);
                    loop {
                        let mode = *is_cut.borrow_and_update();
                        let passing = async {
                            match mode {
                                Mode::Passes => drop(copy_bidirectional(&mut client, &mut server).await),
                                Mode::Cut => {}
                                Mode::Swallows => std::future::pending().await,
                            }
                        };
                        tokio::select! {
                            () = passing => return,
                            changed = is_cut.changed() => if changed.is_err() { return },
                        }
                    }
                });
            }
        });
        Self { port: own, cut, task }
    }

    /// Ends all connections and lets no new ones through.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(Mode::Cut);
    }

    /// Lets nothing through, and tells nobody.
    pub(crate) fn swallow(&self) {
        self.cut.send_replace(Mode::Swallows);
    }

    pub(crate) fn mend(&self) {
        self.cut.send_replace(Mode::Passes);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a server that is none of ours does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stranger {
    /// Says so to whoever connects or sends something.
    Says { first: bool, what: &'static [u8] },
    /// Says nothing at all.
    Silent,
    /// Hangs up.
    HangsUp,
    /// Sends without end.
    Floods,
}

/// Starts such a server. Its port, and how many have connected.
pub(crate) async fn stranger(what: Stranger) -> (u16, Arc<AtomicUsize>) {
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
