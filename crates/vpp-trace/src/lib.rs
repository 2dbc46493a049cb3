//! Recordings of what went over the connection to VPP: what to attach to a report, and to look at in doubt.
//!
//! A recording is a file of lines, a JSON object each. Lines of messages have
//!
//! | field | what |
//! | --- | --- |
//! | `time` | when, UTC, with microseconds |
//! | `session` | which connection, from 1 |
//! | `dir` | `tx` to VPP, `rx` from VPP |
//! | `id` | the number that this VPP has for the message |
//! | `name`, `crc` | which message it is, by VPP's message table |
//! | `length` | bytes of the message, without its frame |
//! | `fields` | its fields, in the form of `vpp_schema`; those of the header are among them |
//! | `error` | instead of `fields`: why the message could not be read |
//! | `payload` | only in recordings with secrets: the bytes of a message that could not be read, as hex |
//!
//! The others have `event` and what belongs to it: `connected` (`version`, `pid`, `definitions`: the release that messages
//! are read by), `ended` (`why`), `left out` (`messages` that came faster than they could be written).
//!
//! Keys and secrets stand as `"***"`, unless asked for: see [`Secrets`].

mod line;
mod mask;
mod print;
mod recorder;
mod session;

pub use mask::Secrets;
pub use print::{PrintError, print};
pub use recorder::{OpenError, Recorder};
