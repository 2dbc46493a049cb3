//! What can go wrong between a value and its bytes.

/// A value that does not fit its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}.{field}: {len} elements, at most {max} fit")]
pub struct EncodeError {
    /// The message that was encoded.
    pub message: &'static str,
    /// The field.
    pub field: &'static str,
    /// How many elements it has.
    pub len: usize,
    /// How many the counting field can tell.
    pub max: usize,
}

/// Bytes that are not the message they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}.{field} at byte {offset}: {fault}")]
pub struct DecodeError {
    /// The message that was decoded.
    pub message: &'static str,
    /// The field that could not be read, by its own name where it is nested.
    pub field: &'static str,
    /// Bytes from the start of the message, its id included.
    pub offset: usize,
    /// What is wrong.
    pub fault: DecodeFault,
}

/// See [`DecodeError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// The message ends too early.
    #[error("needs {needed} bytes, {left} are left")]
    Short {
        /// Bytes that the field takes at least.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
}
