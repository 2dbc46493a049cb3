//! Why a call did not do what was asked.

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
        matches!(self, Self::Call(e) if e.is_lost())
    }

    /// True when VPP did not answer in time: it may or may not have done what was asked.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Call(CallError::Timeout { .. }))
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
