//! Interfaces of devices, which VPP has from its start: they are taken and given back, not made.

use kvscheduler::Failure;
use models::net::parse_mac;
use models::proto::ligato::vpp::interfaces::Interface;
use vppcalls::{Handlers, Settings};

use crate::southbound::OrFail as _;

/// Finds the device that has the name of the value, and makes it ours.
pub(super) async fn take(handlers: &Handlers, value: &Interface, mtu: Option<u32>) -> Result<u32, Failure> {
    let links = handlers.interface.dump_links().await.or_fail()?;
    let name = value.name.as_str();
    let Some(link) = links.iter().find(|link| link.internal_name == name) else {
        return Err(Failure::new(format!("VPP {} has no device {name}", handlers.release)));
    };
    if !link.tag.is_empty() && link.tag != name {
        let tag = &link.tag;
        return Err(Failure::new(format!("the device {name} has the tag `{tag}`: somebody else's")));
    }
    let settings = Settings {
        tag: value.name.clone(),
        mac: parse_mac(&value.phys_address),
        mtu,
        table: None,
        admin_up: Some(value.enabled),
    };
    handlers.set(link.sw_if_index, &settings).await.or_fail()?;
    Ok(link.sw_if_index)
}

/// Sets it down; without its tag it is nobody's.
pub(super) async fn release(handlers: &Handlers, sw_if_index: u32) -> Result<(), Failure> {
    handlers.interface.set_admin(sw_if_index, false).await.or_fail()?;
    handlers.interface.set_tag(sw_if_index, "").await.or_fail()
}
