//! Keys under which state is published, in stores below the agent's prefix.

use crate::net::INVALID;

const INTERFACE: &str = "vpp/status/v2/interface/";
const INTERFACE_ERROR: &str = "vpp/status/v2/interface/error/";

/// What the keys of all interface states begin with.
pub const INTERFACE_STATES: &str = INTERFACE;

/// Key of the state of a VPP interface, an `InterfaceState`: `vpp/status/v2/interface/<name>`.
///
/// ```
/// use models::keys::status;
///
/// assert_eq!(status::interface("if1"), "vpp/status/v2/interface/if1");
/// assert_eq!(status::parse_interface("vpp/status/v2/interface/Gig0/8/0"), Some("Gig0/8/0"));
/// ```
pub fn interface(name: &str) -> String {
    format!("{INTERFACE}{}", if name.is_empty() { INVALID } else { name })
}

/// Key of what went wrong with a VPP interface: `vpp/status/v2/interface/error/<name>`.
pub fn interface_error(name: &str) -> String {
    format!("{INTERFACE_ERROR}{}", if name.is_empty() { INVALID } else { name })
}

/// The interface whose state has the key; `None` if it is no such key, or that of an error.
pub fn parse_interface(key: &str) -> Option<&str> {
    key.strip_prefix(INTERFACE).filter(|name| !name.is_empty() && !key.starts_with(INTERFACE_ERROR))
}

/// The interface whose error has the key.
pub fn parse_interface_error(key: &str) -> Option<&str> {
    key.strip_prefix(INTERFACE_ERROR).filter(|name| !name.is_empty())
}

/// Key of the agent's own state: `check/status/v1/agent`.
pub const AGENT: &str = "check/status/v1/agent";

/// Key of the state of a part of the agent: `check/status/v1/plugin/<name>`.
pub fn plugin(name: &str) -> String {
    format!("check/status/v1/plugin/{}", if name.is_empty() { INVALID } else { name })
}

/// Key of the state of a configured value: the key of its configuration with `status/` for `config/`, as
/// `status/vpp/v2/tohost/l3/IPV4/l4/UDP/port/53`. `None` if it is no key of a configuration.
pub fn of_config(key: &str) -> Option<String> {
    key.strip_prefix("config/").filter(|rest| !rest.is_empty()).map(|rest| format!("status/{rest}"))
}
