//! A simulated VPP of any release.
//!
//! It serves the binary API from the release's definitions, with a codec that shares nothing with generated code,
//! keeps the state that requests make, refuses what VPP refuses with VPP's error numbers, and shows what VPP does
//! badly: routes and L2 FIB entries outlive their interface and pass to the next one that gets its index, and a
//! path added to such a route ends it.
//!
//! [`Sim`] is the VPP without a socket: messages in, messages out. [`Sim::serve`] puts it behind one.
//!
//! It misbehaves when told: [`Rule`]s say what goes wrong with which messages ([`Sim::add_fault`]), [`Running`] has
//! what befalls a whole VPP, and [`Running::control`] takes both as commands at a socket.
//!
//! Messages beyond its scope are answered with retval UNIMPLEMENTED (-9), dumps with nothing; both are logged and
//! counted ([`Sim::unimplemented`]).

pub mod behaviour;
mod cli;
mod clients;
mod control;
mod definitions;
pub mod fault;
mod handlers;
mod log;
mod message;
mod misbehave;
pub mod options;
mod outbox;
mod running;
mod server;
mod sim;
mod socket;
pub mod state;
pub mod stats;
mod system;
pub mod table;

pub use binapi_gen::Release;
pub use clients::ClientInfo;
pub use fault::{Fault, Rule, Which};
pub use options::{Nic, Options};
pub use outbox::{Outbox, frame};
pub use running::Running;
pub use sim::{Error, Sim};
pub use socket::ServeError;
