//! Tables, routes and neighbours.

mod arp;
mod ip_scan;
mod proxy_arp;
mod route;
mod vrf_table;

use kvscheduler::Builder;

use crate::vpp::Vpp;

/// Registers them all.
pub(crate) fn register(builder: Builder, vpp: &Vpp) -> Builder {
    let new = || vpp.clone();
    builder
        .register_private(vrf_table::VrfTableDescriptor::new(new()))
        .register_private(route::RouteDescriptor::new(new()))
        .register_private(arp::ArpDescriptor::new(new()))
        .register_private(proxy_arp::ProxyArpDescriptor::new(new()))
        .register_private(proxy_arp::InterfaceDescriptor(new()))
        .register_private(ip_scan::IpScanDescriptor::new(new()))
}
