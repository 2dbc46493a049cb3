//! The calls, by area.

mod core;
mod interface;
mod l2;
mod l3;

pub use self::core::CoreCalls;
pub use interface::InterfaceCalls;
pub use l2::L2Calls;
pub use l3::L3Calls;

pub(crate) use self::core::handlers::GROUPS as CORE;
pub(crate) use interface::handlers::GROUPS as INTERFACE;
pub(crate) use l2::handlers::GROUPS as L2;
pub(crate) use l3::handlers::GROUPS as L3;
