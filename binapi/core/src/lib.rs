//! What all generated messages stand on: the message traits, the codec and the primitive types.
//!
//! The wire format is VPP's (`src/vlibapi`): packed, integers in network order, `f64` in the byte order of the
//! host. There is no I/O here.

pub mod codec;
pub mod error;
mod macros;
pub mod message;
pub mod types;

pub use codec::{Reader, Wire, Writer};
pub use error::{DecodeError, DecodeFault, EncodeError};
pub use message::{Dump, Frame, Header, HeaderKind, Message, Oneway, Request, Stream, Subscribe};
pub use types::{Array, FixedString, Text};
