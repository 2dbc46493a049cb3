//! How a simulated VPP is to be.

use std::path::PathBuf;

/// Options of a simulated VPP.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the API definitions, `api-json`.
    pub api_json: PathBuf,
    /// Plugins that are not loaded, by their module: `acl`.
    pub without_plugins: Vec<String>,
    /// A file that gets a line of JSON for every request: `{"name": ..., "fields": ...}`.
    pub log_requests: Option<PathBuf>,
    /// The host lets VPP make TAP devices. When not, a request for one gets -11 as it does in a container.
    pub tap_devices: bool,
    /// What the process does when the simulated VPP dies: end with it, as a real one does. Otherwise it closes its
    /// connections, leaves its socket file and is told by [`crate::Running::died`].
    pub abort_when_dead: bool,
}

impl Options {
    /// Everything loaded, nothing logged.
    pub fn new(api_json: impl Into<PathBuf>) -> Self {
        Self {
            api_json: api_json.into(),
            without_plugins: Vec::new(),
            log_requests: None,
            tap_devices: true,
            abort_when_dead: false,
        }
    }
}
