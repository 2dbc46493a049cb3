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
    /// NICs: interfaces that are there from the start.
    pub nics: Vec<Nic>,
    /// Where statistics are given away as long as the VPP is served.
    pub stats_socket: Option<PathBuf>,
    /// Bytes that may wait for a client that does not read, before it is closed. VPP itself has no limit and grows;
    /// this one keeps a mistake of a test from taking the machine's memory.
    pub most_waiting: usize,
}

/// An interface that no request makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Name as VPP shows it: `GigabitEthernet0/8/0`.
    pub name: String,
    /// Its MAC.
    pub mac: [u8; 6],
}

/// Why a NIC cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NicError {
    /// Not `NAME=MAC`.
    #[error("{0:?} is not NAME=MAC, such as GigabitEthernet0/8/0=02:fe:00:00:00:01")]
    Form(String),
    /// No name, or one longer than VPP's 63 bytes.
    #[error("a name has 1 to 63 bytes")]
    Name,
    /// No MAC.
    #[error("{0:?} is not a MAC like 02:fe:00:00:00:01")]
    Mac(String),
}

impl Nic {
    /// With its MAC as text: `02:fe:00:00:00:01`.
    ///
    /// # Errors
    /// See [`NicError`].
    pub fn new(name: &str, mac: &str) -> Result<Self, NicError> {
        if name.is_empty() || name.len() > 63 {
            return Err(NicError::Name);
        }
        let octets: Option<Vec<u8>> = mac
            .split(':')
            .map(|octet| u8::from_str_radix(octet, 16).ok().filter(|_| octet.len() == 2))
            .collect();
        let mac =
            octets.and_then(|octets| octets.try_into().ok()).ok_or_else(|| NicError::Mac(mac.to_string()))?;
        Ok(Self { name: name.to_string(), mac })
    }
}

impl std::str::FromStr for Nic {
    type Err = NicError;

    fn from_str(text: &str) -> Result<Self, NicError> {
        let (name, mac) = text.split_once('=').ok_or_else(|| NicError::Form(text.to_string()))?;
        Self::new(name, mac)
    }
}

/// What [`Options::most_waiting`] is unless told otherwise: 1 GiB.
pub const MOST_WAITING: usize = 1 << 30;

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
            nics: Vec::new(),
            stats_socket: None,
            most_waiting: MOST_WAITING,
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
