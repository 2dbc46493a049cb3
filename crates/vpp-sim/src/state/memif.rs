//! Memifs and their socket files.

use std::collections::BTreeMap;

/// What is special about a memif.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Memif {
    /// Place among the memifs, which is the order of dumps.
    pub instance: u32,
    pub id: u32,
    pub socket_id: u32,
    pub master: bool,
    /// 0 is Ethernet, 1 is IP.
    pub mode: u32,
    pub zero_copy: bool,
}

/// A socket file by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile {
    /// Where it is.
    pub path: String,
}

/// The socket files.
#[derive(Clone, Debug)]
pub struct SocketFiles {
    by_id: BTreeMap<u32, SocketFile>,
    /// Where the search for an unused id goes on.
    next: u32,
}

impl SocketFiles {
    /// The one that VPP comes with, id 0.
    pub(crate) fn new(runtime_dir: &str) -> Self {
        let default = SocketFile { path: format!("{runtime_dir}/memif.sock") };
        Self { by_id: BTreeMap::from([(0, default)]), next: 1 }
    }

    /// All of them by id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &SocketFile)> {
        self.by_id.iter().map(|(id, file)| (*id, file))
    }

    /// The one with an id.
    pub fn get(&self, id: u32) -> Option<&SocketFile> {
        self.by_id.get(&id)
    }

    pub(crate) fn insert(&mut self, id: u32, path: String) {
        self.by_id.insert(id, SocketFile { path });
    }

    pub(crate) fn remove(&mut self, id: u32) {
        self.by_id.remove(&id);
    }

    /// An id that no file has. VPP takes a random one.
    pub(crate) fn unused_id(&mut self) -> u32 {
        let mut id = self.next;
        while self.by_id.contains_key(&id) {
            id = id.saturating_add(1);
        }
        self.next = id.saturating_add(1);
        id
    }
}
