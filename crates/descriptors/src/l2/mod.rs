//! Bridge domains, what is in them, and cross-connects.

mod bridge_domain;
mod fib;
mod port;
mod xconnect;

use kvscheduler::Builder;

use crate::vpp::Vpp;

/// Registers them all.
pub(crate) fn register(builder: Builder, vpp: &Vpp) -> Builder {
    let new = || vpp.clone();
    let domains = vpp.indexes.bridge_domains.clone();
    builder
        .register(bridge_domain::BridgeDomainDescriptor::new(new()), domains)
        .register_private(port::PortDescriptor(new()))
        .register_private(fib::FibDescriptor::new(new()))
        .register_private(xconnect::XconnectDescriptor::new(new()))
}
