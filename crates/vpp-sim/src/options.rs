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
    /// The host lets VPP make memif sockets. When not, releases up to 23.02 refuse the name of a socket file with
    /// -73, later ones the master memif that would listen there with -14.
    pub memif_sockets: bool,
    /// Interfaces of the host, which AF_PACKET can use. `None` for any name that does not start with `absent`.
    pub host_interfaces: Option<Vec<String>>,
    /// VPP's runtime directory, where relative names of memif sockets lead.
    pub runtime_dir: String,
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
            memif_sockets: true,
            host_interfaces: None,
            runtime_dir: "/run/vpp".to_string(),
            abort_when_dead: false,
        }
    }

    /// Whether the host has an interface.
    pub(crate) fn has_host_interface(&self, name: &str) -> bool {
        match &self.host_interfaces {
            Some(names) => names.iter().any(|n| n == name),
            None => !name.is_empty() && !name.starts_with("absent"),
        }
    }
}
