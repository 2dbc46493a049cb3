//! How each model is configured in VPP: what it needs, how it is made, changed, removed and read back.
//!
//! One file a model or a kind of derived value: `interface` has interfaces and what is derived from them, `l2` and
//! `l3` what they are put into. A descriptor knows its model and the calls; it knows no release and no other
//! descriptor, except through the indexes of names that it is given ([`Indexes`]).
//!
//! What VPP does not tell back is taken from what the scheduler believes, and is never a difference.

mod check;
mod interface;
mod l2;
mod l3;
mod southbound;
mod vpp;

use kvscheduler::Builder;

pub use interface::states::States;
pub use southbound::Southbound;
pub use vpp::{BridgeDomainIndex, Defaults, Indexes, InterfaceIndex};

/// Registers all descriptors.
///
/// Two kinds of values come by themselves: the states of links, and what DHCP servers give. Resyncs read them;
/// [`States`] tells what changes in between.
pub fn register(builder: Builder, southbound: &Southbound, indexes: &Indexes, defaults: Defaults) -> Builder {
    let vpp = &vpp::Vpp { southbound: southbound.clone(), indexes: indexes.clone(), defaults };
    l3::register(l2::register(interface::register(builder, vpp), vpp), vpp)
}
