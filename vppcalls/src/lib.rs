//! VPP calls, each written once for every release.
//!
//! [`select()`] picks the [`Handlers`] that fit the VPP at the other end of a connection. Product types go in and
//! come out ([`types`]); no type of VPP's API leaks. The source of the calls is below [`calls`]; the macro of
//! `vppcalls-macros` expands it once for every group of releases whose API is the same.

pub mod calls;
mod check;
mod create;
mod error;
mod handlers;
mod inventory;
pub mod select;
pub mod types;
mod vpp;
mod wire;

pub use calls::{
    AfPacketCalls, BondCalls, CoreCalls, DhcpCalls, GreCalls, InterfaceCalls, InterfaceEvents, IpipCalls,
    L2Calls, L3Calls, MemifCalls, NeighborCalls, RxCalls, SpanCalls, SubInterfaceCalls, TapCalls, VxlanCalls,
};
pub use create::{NewInterface, Settings};
pub use error::{Error, Result};
pub use handlers::Handlers;
pub use inventory::{Inventory, Kind};
pub use select::{Refusal, select};
pub(crate) use vpp::Vpp;
