//! Why a call did not do what was asked.

use std::net::IpAddr;

use ipnet::IpNet;
use vpp_client::CallError;

/// See the module.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// VPP refused, or could not be asked.
    #[error(transparent)]
    Call(#[from] CallError),
    /// This release has no such feature.
    #[error("VPP {release} has no {what}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// The release.
        release: String,
    },
    /// What the request asks for was not done, and VPP has not answered, or not told a refusal.
    #[error("{message}: VPP {release} has not carried it out, and does not say why")]
    Unanswered {
        /// The request.
        message: &'static str,
        /// The release.
        release: String,
    },
    /// A text is longer than VPP's field for it.
    #[error("{field} \"{text}\" has {} bytes, VPP takes at most {max}", .text.len())]
    TooLong {
        /// What it is.
        field: &'static str,
        /// The text.
        text: String,
        /// Bytes that fit.
        max: usize,
    },
    /// A text has a NUL in it, where it would end for VPP.
    #[error("{field} {text:?} has a NUL in it, where it would end for VPP")]
    Nul {
        /// What it is.
        field: &'static str,
        /// The text.
        text: String,
    },
    /// A number that VPP does not take.
    #[error("{field} {value}: VPP takes {min} to {max}")]
    OutOfRange {
        /// What it is.
        field: &'static str,
        /// The number.
        value: u32,
        /// The least that it takes.
        min: u32,
        /// The most that it takes.
        max: u32,
    },
    /// A prefix that is to stand for a network has bits of a host.
    #[error("{prefix} has bits behind its prefix; the network is {network}")]
    HostBits {
        /// The prefix.
        prefix: IpNet,
        /// The network that it is in.
        network: IpNet,
    },
    /// IPv4 where IPv6 is needed, or the other way round.
    #[error("{field} {address} is of another family than {other}")]
    OtherFamily {
        /// What it is.
        field: &'static str,
        /// The address.
        address: IpAddr,
        /// What it does not go together with.
        other: IpAddr,
    },
    /// Something is needed that was not given.
    #[error("{what} has no {lacks}")]
    Lacks {
        /// What was to be made.
        what: String,
        /// What it needs.
        lacks: &'static str,
    },
    /// A range whose end is before its start.
    #[error("{what} runs backwards: {found}")]
    Backwards {
        /// What it is.
        what: &'static str,
        /// The range.
        found: String,
    },
    /// An interface was made, could not be finished, and could not be removed again.
    #[error("interface {sw_if_index} was made, but not finished ({unfinished}), and is still there ({kept})")]
    LeftBehind {
        /// VPP's number for it.
        sw_if_index: u32,
        /// Why it was not finished.
        unfinished: Box<Error>,
        /// Why it was not removed.
        kept: Box<Error>,
    },
    /// VPP told something that makes no sense.
    #[error("VPP tells of {what}: {found}")]
    Nonsense {
        /// What it is about.
        what: &'static str,
        /// What it told.
        found: String,
    },
}

impl Error {
    /// True when the connection is gone.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Call(e) => e.is_lost(),
            Self::LeftBehind { kept, .. } => kept.is_lost(),
            _ => false,
        }
    }

    /// True when VPP did not answer in time: it may or may not have done what was asked.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Call(e) => matches!(e, CallError::Timeout { .. }),
            Self::LeftBehind { kept, .. } => kept.is_timeout(),
            _ => false,
        }
    }

    /// True when a value was wrong and nothing was sent: to try again is of no use.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::TooLong { .. }
            | Self::Nul { .. }
            | Self::OutOfRange { .. }
            | Self::HostBits { .. }
            | Self::OtherFamily { .. }
            | Self::Lacks { .. }
            | Self::Backwards { .. } => true,
            Self::Call(e) => matches!(e, CallError::Encode(_)),
            _ => false,
        }
    }

    /// VPP's number, when it refused.
    pub fn retval(&self) -> Option<i32> {
        match self {
            Self::Call(e) => e.retval(),
            _ => None,
        }
    }

    /// True when this VPP does not have the message, because a plugin is not loaded.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Call(CallError::Absent { .. }) | Self::Unsupported { .. })
    }
}

/// The usual.
pub type Result<T> = std::result::Result<T, Error>;
