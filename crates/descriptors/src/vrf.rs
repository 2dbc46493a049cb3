//! The VRF of an interface, a value derived from it.
//!
//! Interfaces are in VRF 0 to begin with. Another one has to be there first.

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, IpVersion, PropertyKey};

pub(crate) struct VrfDescriptor;

#[async_trait]
impl Descriptor for VrfDescriptor {
    type Value = u32;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-vrf"
    }

    fn owns(&self, key: &str) -> bool {
        matches!(PropertyKey::parse(key), Some(PropertyKey::InterfaceVrf { .. }))
    }

    fn dependencies(&self, key: &str, vrf: &u32) -> Vec<Dependency> {
        let Some(PropertyKey::InterfaceVrf { version, .. }) = PropertyKey::parse(key) else {
            return Vec::new();
        };
        if *vrf == 0 {
            return Vec::new();
        }
        let mut needs = Vec::new();
        if matches!(version, IpVersion::V4 | IpVersion::Both) {
            needs.push(Dependency::key("vrf-table-v4-exists", keys::vrf_table(*vrf, false)));
        }
        if matches!(version, IpVersion::V6 | IpVersion::Both) {
            needs.push(Dependency::key("vrf-table-v6-exists", keys::vrf_table(*vrf, true)));
        }
        needs
    }

    async fn create(&self, _key: &str, vrf: &u32) -> Result<(), Failure> {
        match vrf {
            0 => Ok(()),
            other => Err(Failure::permanent(format!("VRF {other}: tables are not supported by this agent"))),
        }
    }

    async fn delete(&self, _key: &str, _vrf: &u32, (): &()) -> Result<(), Failure> {
        Ok(())
    }
}
