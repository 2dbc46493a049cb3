//! A simulated VPP of any release.
//!
//! It serves the binary API from the release's definitions, with a codec that shares nothing with generated code,
//! keeps the state that requests make, refuses what VPP refuses with VPP's error numbers, and shows what VPP does
//! badly: routes and L2 FIB entries outlive their interface and pass to the next one that gets its index, and a
//! path added to such a route ends it.
//!
//! [`Sim`] is the VPP without a socket: messages in, messages out. [`Sim::serve`] puts it behind one.
//!
//! Messages beyond its scope are answered with retval UNIMPLEMENTED (-9), dumps with nothing; both are logged and
//! counted ([`Sim::unimplemented`]).

pub mod behaviour;
mod cli;
mod definitions;
mod handlers;
mod log;
mod message;
pub mod options;
mod server;
mod sim;
pub mod state;
pub mod stats;
mod system;
pub mod table;

pub use binapi_gen::Release;
pub use options::Options;
pub use server::{Running, ServeError};
pub use sim::{Error, Outbox, Sim};
