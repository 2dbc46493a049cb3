//! Memifs, and the sockets that they are on.
//!
//! VPP tells neither the secret nor the queues, and sizes only as both ends agreed on them: these are believed.

use std::collections::BTreeMap;

use kvscheduler::Failure;
use models::FieldProblem;
use models::net::parse_mac;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::memif_link::MemifMode;
use models::proto::ligato::vpp::interfaces::{Interface, MemifLink};
use tokio::sync::Mutex;
use vppcalls::types::{self, Memif, MemifDetails, MemifSocket};
use vppcalls::{Handlers, NewInterface};

use super::{Kind, Told};
use crate::check::problem;
use crate::southbound::{OrFail as _, or_none};

/// Slots of a ring and bytes of a buffer where none are asked for.
const RING: u32 = 1024;
const BUFFER: u32 = 2048;

/// The longest secret in bytes.
const SECRET: usize = 23;

/// VPP's own socket.
const OWN: u32 = 0;

/// `ENTRY_ALREADY_EXISTS`
const TAKEN: i32 = -116;

pub(super) const KIND: Kind = Kind {
    new: |value, _| {
        let link = effective(value);
        let small = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
        Ok(NewInterface::Memif(Memif {
            master: link.master,
            mode: match link.mode() {
                MemifMode::Ethernet => types::MemifMode::Ethernet,
                MemifMode::Ip => types::MemifMode::Ip,
                MemifMode::PuntInject => types::MemifMode::PuntInject,
            },
            id: link.id,
            socket_id: OWN,
            secret: Some(link.secret).filter(|secret| !secret.is_empty()),
            ring_size: link.ring_size,
            buffer_size: u16::try_from(link.buffer_size).unwrap_or(u16::MAX),
            rx_queues: small(link.rx_queues),
            tx_queues: small(link.tx_queues),
            mac: parse_mac(&value.phys_address),
            ..Memif::default()
        }))
    },
    same: |old, new| effective(old) == effective(new),
    needs: super::nothing,
    invalid,
};

fn invalid(value: &Interface) -> Vec<FieldProblem> {
    let link = effective(value);
    let mut problems = Vec::new();
    if link.secret.len() > SECRET {
        // It is not repeated here.
        let bytes = link.secret.len();
        problems.push(problem("memif.secret", format!("has {bytes} bytes, VPP takes at most {SECRET}")));
    }
    if link.mode() == MemifMode::PuntInject {
        problems.push(problem("memif.mode", "no VPP makes memifs of the mode PUNT_INJECT"));
    }
    if !link.ring_size.is_power_of_two() {
        problems.push(problem("memif.ring_size", format!("{} is not a power of two", link.ring_size)));
    }
    let numbers = [
        ("memif.buffer_size", link.buffer_size, u32::from(u16::MAX)),
        ("memif.rx_queues", link.rx_queues, u32::from(u8::MAX)),
        ("memif.tx_queues", link.tx_queues, u32::from(u8::MAX)),
    ];
    for (field, number, most) in numbers.into_iter().filter(|(_, number, most)| number > most) {
        problems.push(problem(field, format!("is {number}, which is more than {most}")));
    }
    problems
}

/// The settings with the defaults spelled out.
fn effective(value: &Interface) -> MemifLink {
    let mut link = match &value.link {
        Some(Link::Memif(memif)) => memif.clone(),
        _ => MemifLink::default(),
    };
    let defaults = [
        (&mut link.ring_size, RING),
        (&mut link.buffer_size, BUFFER),
        (&mut link.rx_queues, 1),
        (&mut link.tx_queues, 1),
    ];
    for (number, default) in defaults {
        if *number == 0 {
            *number = default;
        }
    }
    link
}

/// Whether VPP has the path, which it completes when it does not begin at the root.
fn is_path(told: &str, wanted: &str) -> bool {
    told == wanted
        || (!wanted.starts_with('/') && told.strip_suffix(wanted).is_some_and(|dir| dir.ends_with('/')))
}

pub(super) fn told(memif: &MemifDetails, told: &Told<'_>) -> MemifLink {
    let believed = told.believed.filter(|b| matches!(b.link, Some(Link::Memif(_)))).map(effective);
    let path = told.sockets.get(&memif.socket_id).map(String::as_str).unwrap_or_default();
    let spelled = believed.as_ref().map(|b| b.socket_filename.as_str());
    let socket_filename = match spelled {
        Some("") if memif.socket_id == OWN => "",
        Some(wanted) if !wanted.is_empty() && is_path(path, wanted) => wanted,
        None if memif.socket_id == OWN => "",
        _ => path,
    };
    let mode = match memif.mode {
        // Where VPP tells this of all, those for IP still have no MAC.
        types::MemifMode::Ethernet if memif.mac == [0; 6] => MemifMode::Ip,
        types::MemifMode::Ethernet | types::MemifMode::Other(_) => MemifMode::Ethernet,
        types::MemifMode::Ip => MemifMode::Ip,
        types::MemifMode::PuntInject => MemifMode::PuntInject,
    };
    let rest = believed.clone().unwrap_or_else(|| effective(&Interface::default()));
    MemifLink {
        mode: mode.into(),
        master: memif.master,
        id: memif.id,
        socket_filename: socket_filename.to_string(),
        ..rest
    }
}

/// The sockets that VPP knows.
#[derive(Default)]
pub(in crate::interface) struct Sockets {
    /// One change at a time.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    paths: BTreeMap<u32, String>,
    /// Those that were made here; they go with their last memif.
    made: BTreeMap<u32, String>,
}

impl Sockets {
    /// Reads them anew.
    pub(in crate::interface) async fn read(
        &self,
        handlers: &Handlers,
    ) -> Result<BTreeMap<u32, String>, Failure> {
        let mut known = self.known.lock().await;
        known.read(handlers).await?;
        Ok(known.paths.clone())
    }

    /// The number of the socket that a memif is to be on; a socket that is not there is made.
    pub(in crate::interface) async fn id(
        &self,
        handlers: &Handlers,
        value: &Interface,
    ) -> Result<u32, Failure> {
        let wanted = effective(value).socket_filename;
        if wanted.is_empty() {
            return Ok(OWN);
        }
        let mut known = self.known.lock().await;
        if known.paths.is_empty() {
            known.read(handlers).await?;
        }
        if let Some(id) = known.find(&wanted) {
            return Ok(id);
        }
        // Somebody else may have made sockets meanwhile.
        for again in [false, true] {
            let free = (1..u32::MAX).find(|id| !known.paths.contains_key(id)).unwrap_or(u32::MAX);
            let socket = MemifSocket { id: free, path: wanted.clone() };
            match handlers.memif.add_memif_socket(&socket).await {
                Ok(()) => {
                    known.paths.insert(free, wanted.clone());
                    known.made.insert(free, wanted);
                    return Ok(free);
                }
                Err(e) if !again && e.retval() == Some(TAKEN) => {
                    known.read(handlers).await?;
                    if let Some(id) = known.find(&wanted) {
                        return Ok(id);
                    }
                }
                refused => refused.or_fail()?,
            }
        }
        Err(Failure::new(format!("VPP has no free number for the memif socket {wanted}")))
    }

    /// Forgets the socket of a memif that is gone, if it was made here and no other memif is on it.
    pub(in crate::interface) async fn release(&self, handlers: &Handlers, value: &Interface) {
        let path = effective(value).socket_filename;
        let mut known = self.known.lock().await;
        let made = known.made.iter().find(|(_, made)| **made == path).map(|(id, _)| *id);
        // VPP refuses while it has memifs.
        if let Some(id) = made
            && handlers.memif.delete_memif_socket(id).await.is_ok()
        {
            known.made.remove(&id);
            known.paths.remove(&id);
        }
    }
}

impl Known {
    async fn read(&mut self, handlers: &Handlers) -> Result<(), Failure> {
        let sockets = or_none(handlers.memif.dump_memif_sockets().await).or_unread()?;
        self.paths = sockets.into_iter().map(|s| (s.id, s.path)).collect();
        let Self { paths, made } = self;
        made.retain(|id, made| paths.get(id).is_some_and(|path| is_path(path, made)));
        Ok(())
    }

    fn find(&self, wanted: &str) -> Option<u32> {
        self.paths.iter().find(|(_, path)| is_path(path, wanted)).map(|(id, _)| *id)
    }
}
