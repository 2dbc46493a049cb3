//! How each model is configured in VPP: what it needs, how it is made, changed, removed and read back.
//!
//! One file a model. A descriptor knows its model and the calls; it knows no release and no other descriptor, except
//! through the indexes of names that it is given ([`Indexes`]).

mod address;
mod bridge_domain;
mod bridge_domain_port;
mod fib;
mod interface;
mod route;
mod southbound;
mod vrf;

use kvscheduler::{Builder, MetadataMap};
use models::{FieldProblem, ModelMessage};

pub use southbound::Southbound;

/// What is known of an interface in VPP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceIndex {
    /// VPP's number for it.
    pub sw_if_index: u32,
}

/// What is known of a bridge domain in VPP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeDomainIndex {
    /// VPP's number for it.
    pub id: u32,
}

/// From the names of the models to what VPP calls them.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    /// Interfaces by name.
    pub interfaces: MetadataMap<InterfaceIndex>,
    /// Bridge domains by name.
    pub bridge_domains: MetadataMap<BridgeDomainIndex>,
}

impl Indexes {
    /// The number of an interface, or a failure that names it.
    fn interface(&self, name: &str) -> Result<u32, kvscheduler::Failure> {
        self.interfaces
            .get(name)
            .map(|i| i.sw_if_index)
            .ok_or_else(|| kvscheduler::Failure::new(format!("interface {name} is not known in VPP")))
    }

    /// The number of a bridge domain, or a failure that names it.
    fn bridge_domain(&self, name: &str) -> Result<u32, kvscheduler::Failure> {
        self.bridge_domains
            .get(name)
            .map(|b| b.id)
            .ok_or_else(|| kvscheduler::Failure::new(format!("bridge domain {name} is not known in VPP")))
    }

    /// Names of interfaces by VPP's number.
    fn interface_names(&self) -> std::collections::HashMap<u32, String> {
        self.interfaces.snapshot().into_iter().map(|(name, index)| (index.sw_if_index, name)).collect()
    }
}

/// Registers all descriptors.
pub fn register(builder: Builder, southbound: &Southbound, indexes: &Indexes) -> Builder {
    let (vpp, all) = (|| southbound.clone(), || indexes.clone());
    builder
        .register(interface::InterfaceDescriptor::new(vpp()), indexes.interfaces.clone())
        .register_private(vrf::VrfDescriptor)
        .register_private(address::AddressDescriptor::new(vpp(), all()))
        .register(bridge_domain::BridgeDomainDescriptor::new(vpp(), all()), indexes.bridge_domains.clone())
        .register_private(bridge_domain_port::PortDescriptor::new(vpp(), all()))
        .register_private(fib::FibDescriptor::new(vpp(), all()))
        .register_private(route::RouteDescriptor::new(vpp(), all()))
}

/// The rules of a model, and what this agent does not configure yet, as the scheduler wants them.
fn check<M: ModelMessage>(
    value: &M,
    unsupported: impl IntoIterator<Item = (&'static str, bool)>,
) -> Result<(), kvscheduler::Invalid> {
    let mut problems = value.validate();
    problems.extend(unsupported.into_iter().filter(|(_, set)| *set).map(|(field, _)| FieldProblem {
        path: field.to_string(),
        reason: "not supported by this agent".to_string(),
    }));
    if problems.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.path, p.reason)).collect();
    Err(kvscheduler::Invalid {
        fields: problems.into_iter().map(|p| p.path).collect(),
        reason: reasons.join("; "),
    })
}
