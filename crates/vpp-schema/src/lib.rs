//! Codec of VPP API messages driven by their definitions.
//!
//! A [`Schema`] is one release's API, compiled into a table of layouts. It turns JSON values into message bodies
//! and back, with no generated struct involved, and so is a second opinion on the generated code as well as the
//! base of tools that know the release only at run time.
//!
//! # Values
//!
//! A message is an object with every field of its definition except the message id, `client_index` and `context`
//! among them. Inside it
//!
//! | definition | JSON |
//! | --- | --- |
//! | integers, enums | number |
//! | `bool` | `true`, `false`; any byte but 0 is `true` |
//! | `f64` (little-endian on the wire, unlike all else) | number; what JSON has no number for: `"f64:<bits as hex>"` |
//! | arrays of `u8`, addresses | hex string |
//! | `string` with a size | string up to the first NUL |
//! | `string` without | string |
//! | other arrays | array |
//! | struct | object |
//! | union | object with every arm, all read from the same bytes |
//!
//! For encoding, a field that is left out is zero, the count of an array follows from the array, and of several
//! arms of a union the largest one that is given is written (the first of equal ones).

pub mod builtin;
mod compile;
mod decode;
mod encode;
mod error;
pub mod hex;
mod layout;
mod sample;

pub use compile::{Message, Schema, Service};
pub use error::{Error, Path, SchemaError};
pub use layout::FieldKind;
