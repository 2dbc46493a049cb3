//! Whether an interface is set up, a value derived from it.
//!
//! Others depend on it: VPP refuses to set up a sub-interface whose parent is down. So of a sub-interface this is done
//! here, when the parent is up; an interface of its own is set up with the rest of it.

use std::fmt;

use async_trait::async_trait;
use kvscheduler::{Dependency, Descriptor, Failure};
use models::keys::{self, PropertyKey};

use super::examples;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

/// An interface is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AdminUp {
    /// The interface below, when it is a sub-interface.
    pub(super) parent: Option<String>,
}

impl fmt::Display for AdminUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parent {
            Some(parent) => write!(f, "up, on top of {parent}"),
            None => f.write_str("up"),
        }
    }
}

pub(super) struct AdminDescriptor(pub(super) Vpp);

impl AdminDescriptor {
    async fn set(&self, key: &str, value: &AdminUp, up: bool) -> Result<(), Failure> {
        if value.parent.is_none() {
            return Ok(());
        }
        let sw_if_index = self.0.interface(interface_of(key).unwrap_or_default())?;
        self.0.calls()?.interface.set_admin(sw_if_index, up).await.or_fail()
    }
}

fn interface_of(key: &str) -> Option<&str> {
    match PropertyKey::parse(key) {
        Some(PropertyKey::AdminUp { interface }) => Some(interface),
        _ => None,
    }
}

#[async_trait]
impl Descriptor for AdminDescriptor {
    type Value = AdminUp;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-interface-admin"
    }

    fn owns(&self, key: &str) -> bool {
        interface_of(key).is_some()
    }

    fn dependencies(&self, _key: &str, value: &AdminUp) -> Vec<Dependency> {
        let parent = value.parent.iter();
        parent.map(|parent| Dependency::key("parent-interface-is-up", keys::admin_up(parent))).collect()
    }

    /// What is done with the rest of an interface is shown with it.
    fn is_shown(&self, _key: &str, value: &AdminUp) -> bool {
        value.parent.is_some()
    }

    async fn create(&self, key: &str, value: &AdminUp) -> Result<(), Failure> {
        self.set(key, value, true).await
    }

    async fn delete(&self, key: &str, value: &AdminUp, (): &()) -> Result<(), Failure> {
        self.set(key, value, false).await
    }

    fn examples(&self) -> Vec<(String, AdminUp)> {
        examples::derived(|key| self.owns(key))
    }
}
