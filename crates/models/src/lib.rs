//! Northbound models: the protobuf messages that users configure VPP with, their registry and their keys.
//!
//! * [`proto`]: the messages, generated from `proto/`, with the packages, field names and numbers that clients of the
//!   API know. `Display` gives the one-line text form.
//! * [`Registry`]: from a key in a store to its model, and from key and JSON to a [`ModelValue`].
//! * [`ModelMessage`]: key, JSON and rules of one message; the table of models (`table.rs`) has one row per model.
//! * [`keys`]: keys that are not configuration: derived values, properties, notifications.
//!
//! ```
//! use models::Registry;
//!
//! let registry = Registry::builtin()?;
//! let json = serde_json::json!({"name": "if1", "type": "SOFTWARE_LOOPBACK", "enabled": true});
//! let value = registry.parse_json("/vnf-agent/vpp1/config/vpp/v2/interfaces/if1", &json)?;
//! assert_eq!(value.key(), "config/vpp/v2/interfaces/if1");
//! assert_eq!(value.to_string(), r#"name:"if1" type:SOFTWARE_LOOPBACK enabled:true"#);
//! assert!(value.validate().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod document;
pub mod json;
pub mod keys;
mod message;
mod name;
mod nearest;
pub mod net;
mod path;
pub mod proto;
mod registry;
pub mod schema;
mod spec;
mod table;
mod text;
pub mod validate;
mod wire;
pub mod yaml;

pub use json::{FieldError, FieldErrors};
pub use message::{InstanceName, ModelMessage, ModelVisitor, WrongModel};
pub use path::{ALL_AGENTS_PREFIX, agent_prefix, split_agent_prefix};
pub use registry::{Model, ModelError, Registry, RegistryError};
pub use spec::{CONFIG_CLASS, DEFAULT_VERSION, Spec, SpecError};
pub use table::ModelValue;
pub use text::from_text;
pub use validate::FieldProblem;
pub use wire::{TYPE_URL_PREFIX, WireError};
pub use {prost_reflect, prost_types};
