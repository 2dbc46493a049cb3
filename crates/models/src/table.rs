//! The table of models: one row each. All that the crate knows of a model besides its `.proto` file is here.

use std::fmt;

use prost_reflect::ReflectMessage;
use serde_json::Value;

use crate::json::{self, FieldError};
use crate::proto::ligato::vpp::{interfaces, l2, l3};
use crate::registry::{Model, Registry, RegistryError};
use crate::spec::Spec;
use crate::validate::{self, FieldProblem};
use crate::{name, path};

/// A protobuf message that is a model: it has a key and rules.
pub trait ModelMessage: ReflectMessage + Default + Clone + PartialEq + Into<ModelValue> {
    /// Identity of the model.
    const SPEC: Spec;

    /// Makes the instance name; `None` for a model with one instance only.
    const NAME: Option<fn(&Self) -> String>;

    /// Gives an instance name its canonical spelling.
    const CANONICAL_NAME: fn(&str) -> String;

    /// Checks the value against the rules of its model that need nothing but the value.
    ///
    /// Empty when all are kept; otherwise every rule broken, in the order of the fields.
    fn validate(&self) -> Vec<FieldProblem>;

    /// The key of the value, as `config/vpp/v2/interfaces/if1`.
    ///
    /// The path is cleaned (`//` collapsed, `..` resolved), so an empty name gives the prefix without its slash, which
    /// is no key of any model.
    fn key(&self) -> String {
        match Self::NAME {
            None => Self::SPEC.key_prefix(true),
            Some(name) => path::join(&Self::SPEC.key_prefix(false), &Self::CANONICAL_NAME(&name(self))),
        }
    }

    /// The value as proto3 JSON, field names as in the `.proto` file.
    fn to_json(&self) -> Value {
        json::encode(self)
    }

    /// Reads a value from proto3 JSON; unknown fields are errors.
    ///
    /// # Errors
    /// The field at fault, what it has to be and what it is.
    fn from_json(value: &Value) -> Result<Self, FieldError> {
        json::decode(value)
    }
}

/// A value of one model where one of another was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is a value of the model {found}, not of {expected}")]
pub struct WrongModel {
    /// Key of the value.
    pub key: String,
    /// Model that was asked for.
    pub expected: String,
    /// Model of the value.
    pub found: String,
}

macro_rules! models {
    ($(
        $(#[$doc:meta])*
        $variant:ident($message:ty) {
            spec: $spec:expr, name: $name:expr, canonical: $canonical:expr, validate: $validate:expr $(,)?
        }
    )*) => {
        /// A value of any model. Boxed, so that a million routes do not take the room of as many interfaces.
        #[derive(Debug, Clone, PartialEq)]
        pub enum ModelValue {
            $($(#[$doc])* $variant(Box<$message>),)*
        }

        $(
            impl ModelMessage for $message {
                const SPEC: Spec = $spec;
                const NAME: Option<fn(&Self) -> String> = $name;
                const CANONICAL_NAME: fn(&str) -> String = $canonical;

                fn validate(&self) -> Vec<FieldProblem> {
                    ($validate)(self)
                }
            }

            impl From<$message> for ModelValue {
                fn from(value: $message) -> Self {
                    Self::$variant(Box::new(value))
                }
            }

            impl TryFrom<ModelValue> for $message {
                type Error = WrongModel;

                fn try_from(value: ModelValue) -> Result<Self, WrongModel> {
                    match value {
                        ModelValue::$variant(value) => Ok(*value),
                        #[allow(unreachable_patterns)]
                        other => Err(WrongModel {
                            key: other.key(),
                            expected: <$message>::SPEC.model_name(),
                            found: other.spec().model_name(),
                        }),
                    }
                }
            }
        )*

        impl ModelValue {
            /// Identity of the value's model.
            pub fn spec(&self) -> Spec {
                match self { $(Self::$variant(_) => <$message>::SPEC,)* }
            }

            /// The key of the value; see [`ModelMessage::key`].
            pub fn key(&self) -> String {
                match self { $(Self::$variant(value) => value.key(),)* }
            }

            /// Every rule of its model that the value breaks; see [`ModelMessage::validate`].
            pub fn validate(&self) -> Vec<FieldProblem> {
                match self { $(Self::$variant(value) => value.validate(),)* }
            }

            /// The value as proto3 JSON, field names as in the `.proto` file.
            pub fn to_json(&self) -> Value {
                match self { $(Self::$variant(value) => value.to_json(),)* }
            }

            /// The value as a message that can be asked for its fields by name.
            pub fn to_dynamic(&self) -> prost_reflect::DynamicMessage {
                match self { $(Self::$variant(value) => value.transcode_to_dynamic(),)* }
            }
        }

        impl fmt::Display for ModelValue {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$variant(value) => fmt::Display::fmt(value.as_ref(), f),)* }
            }
        }

        impl Registry {
            /// The registry of all models of this crate.
            ///
            /// # Errors
            /// A row of the table breaks a rule: a mistake in this crate, which its tests show.
            pub fn builtin() -> Result<Self, RegistryError> {
                let mut registry = Self::default();
                $(registry.register(Model::of::<$message>())?;)*
                Ok(registry)
            }
        }
    };
}

models! {
    /// `config/vpp/v2/interfaces/<name>`
    Interface(interfaces::Interface) {
        spec: Spec::config("vpp", "v2", "interfaces"),
        name: Some(name::interface), canonical: name::as_spelled, validate: validate::interface,
    }
    /// `config/vpp/l2/v2/bridge-domain/<name>`
    BridgeDomain(l2::BridgeDomain) {
        spec: Spec::config("vpp.l2", "v2", "bridge-domain"),
        name: Some(name::bridge_domain), canonical: name::as_spelled, validate: validate::bridge_domain,
    }
    /// `config/vpp/l2/v2/fib/<bridge_domain>/mac/<phys_address>`
    Fib(l2::FibEntry) {
        spec: Spec::config("vpp.l2", "v2", "fib"),
        name: Some(name::fib), canonical: name::canonical_fib, validate: validate::fib,
    }
    /// `config/vpp/v2/route/[if/<outgoing_interface>/]vrf/<vrf_id>/dst/<network>/<length>[/gw/<next_hop_addr>]`
    Route(l3::Route) {
        spec: Spec::config("vpp", "v2", "route"),
        name: Some(name::route), canonical: name::canonical_route, validate: validate::route,
    }
}
