//! A TCP proxy that can be cut, or fall silent.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Passes,
    Cut,
    Swallows,
}

/// Passes connections on to a port of this machine while it is not cut.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    mode: watch::Sender<Mode>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// One before a port of 127.0.0.1.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (sender, mode) = watch::channel(Mode::Passes);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if *mode.borrow() != Mode::Cut {
                    tokio::spawn(between(client, port, mode.clone()));
                }
            }
        });
        Self { port: own, mode: sender, task }
    }

    /// Ends all connections and lets no new ones through.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// As a network that loses every packet: connections stay open, new ones are taken, nothing gets through and
    /// nobody is told. What was sent meanwhile arrives when it is mended.
    pub fn swallow(&self) {
        self.mode.send_replace(Mode::Swallows);
    }

    /// Passes everything on again.
    pub fn mend(&self) {
        self.mode.send_replace(Mode::Passes);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn between(client: TcpStream, port: u16, mode: watch::Receiver<Mode>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let both = async {
        tokio::join!(pass(from_client, to_server, mode.clone()), pass(from_server, to_client, mode.clone()))
    };
    let mut other = mode.clone();
    tokio::select! {
        _ = both => {}
        _ = other.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

/// Passes bytes on, and the end. None is lost while nothing gets through.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or_default();
        if mode.wait_for(|mode| *mode != Mode::Swallows).await.is_err() {
            return;
        }
        if read == 0 {
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
