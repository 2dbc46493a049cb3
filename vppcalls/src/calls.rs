//! The calls, by area. An area is what changes together: where a message of a plugin has another revision, only the
//! calls of that plugin are expanded once more.

mod af_packet;
mod bond;
mod core;
mod dhcp;
mod gre;
mod interface;
mod ipip;
mod l2;
mod l3;
mod memif;
mod neighbor;
mod rx;
mod span;
mod subif;
mod tap;
mod vxlan;

pub use self::core::CoreCalls;
pub use af_packet::AfPacketCalls;
pub use bond::BondCalls;
pub use dhcp::DhcpCalls;
pub use gre::GreCalls;
pub use interface::{InterfaceCalls, InterfaceEvents};
pub use ipip::IpipCalls;
pub use l2::L2Calls;
pub use l3::L3Calls;
pub use memif::MemifCalls;
pub use neighbor::NeighborCalls;
pub use rx::RxCalls;
pub use span::SpanCalls;
pub use subif::SubInterfaceCalls;
pub use tap::TapCalls;
pub use vxlan::VxlanCalls;

pub(crate) use self::core::handlers::GROUPS as CORE;
pub(crate) use af_packet::handlers::GROUPS as AF_PACKET;
pub(crate) use bond::handlers::GROUPS as BOND;
pub(crate) use dhcp::handlers::GROUPS as DHCP;
pub(crate) use gre::handlers::GROUPS as GRE;
pub(crate) use interface::handlers::GROUPS as INTERFACE;
pub(crate) use ipip::handlers::GROUPS as IPIP;
pub(crate) use l2::handlers::GROUPS as L2;
pub(crate) use l3::handlers::GROUPS as L3;
pub(crate) use memif::handlers::GROUPS as MEMIF;
pub(crate) use neighbor::handlers::GROUPS as NEIGHBOR;
pub(crate) use rx::handlers::GROUPS as RX;
pub(crate) use span::handlers::GROUPS as SPAN;
pub(crate) use subif::handlers::GROUPS as SUBIF;
pub(crate) use tap::handlers::GROUPS as TAP;
pub(crate) use vxlan::handlers::GROUPS as VXLAN;
