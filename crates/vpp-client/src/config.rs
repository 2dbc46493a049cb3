//! How a client behaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::record::Record;

/// Where VPP's packages put the API socket since 20.01, and where they did before.
pub const DEFAULT_PATHS: [&str; 2] = ["/run/vpp/api.sock", "/run/vpp-api.sock"];

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The API sockets to try, in this order.
    pub paths: Vec<PathBuf>,
    /// The name under which VPP lists this client, up to 63 bytes.
    pub name: String,
    /// Requests in flight at a time; callers beyond wait for as long as VPP goes on answering.
    pub window: usize,
    /// How long a call waits for its reply, counted from when it has its place in the window.
    pub deadline: Duration,
    /// Longest message that is taken, in bytes.
    pub longest: usize,
    /// Wait before the second try to connect; doubles up to `backoff_most`.
    pub backoff_first: Duration,
    /// See `backoff_first`.
    pub backoff_most: Duration,
    /// How long VPP may be silent before it is asked for a sign of life.
    pub probe_after: Duration,
    /// How long VPP may be silent with something left to answer before the connection is given up. VPP's main loop
    /// can stand still for seconds at work that is legitimate.
    pub probe_limit: Duration,
    /// Events that wait for a subscriber; beyond it the oldest is dropped and counted.
    pub events: usize,
    /// Sees every message.
    pub record: Option<Arc<dyn Record>>,
}

impl Config {
    /// The usual values, for one socket.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { paths: vec![path.into()], ..Self::default() }
    }
}

impl Default for Config {
    /// The usual values, for the sockets of [`DEFAULT_PATHS`].
    fn default() -> Self {
        Self {
            paths: DEFAULT_PATHS.iter().map(|path| Path::new(path).to_path_buf()).collect(),
            name: "vpp-agent".to_string(),
            window: 1024,
            deadline: Duration::from_secs(5),
            longest: 8 << 20,
            backoff_first: Duration::from_millis(100),
            backoff_most: Duration::from_secs(5),
            probe_after: Duration::from_secs(10),
            probe_limit: Duration::from_secs(30),
            events: 1024,
            record: None,
        }
    }
}
