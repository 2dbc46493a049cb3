//! What every model's message can do, and values whose model is not known where they are handled.

use std::fmt;

use prost_reflect::ReflectMessage;
use serde_json::Value;

use crate::json::{self, FieldErrors};
use crate::path;
use crate::spec::Spec;
use crate::table::ModelValue;
use crate::validate::FieldProblem;

/// A protobuf message that is a model: it has a key and rules.
pub trait ModelMessage:
    ReflectMessage
    + Default
    + Clone
    + PartialEq
    + fmt::Debug
    + fmt::Display
    + Send
    + Sync
    + Into<ModelValue>
    + TryFrom<ModelValue, Error = WrongModel>
    + 'static
{
    /// Identity of the model.
    const SPEC: Spec;

    /// How instances are named; `None` for a model with one instance only.
    const NAME: Option<InstanceName<Self>>;

    /// Checks the value against the rules of its model that need nothing but the value.
    ///
    /// Empty when all are kept; otherwise every rule broken.
    fn validate(&self) -> Vec<FieldProblem>;

    /// The key of the value, as `config/vpp/v2/interfaces/if1`.
    ///
    /// The path is cleaned (`//` collapsed, `..` resolved), so an empty name gives the prefix without its slash, which
    /// is no key of any model.
    fn key(&self) -> String {
        match Self::NAME {
            None => Self::SPEC.key_prefix(true),
            Some(name) => path::join(&Self::SPEC.key_prefix(false), &(name.canonical)(&(name.make)(self))),
        }
    }

    /// The value as proto3 JSON, field names as in the `.proto` file.
    fn to_json(&self) -> Value {
        json::encode(self)
    }

    /// Reads a value from proto3 JSON; unknown fields are errors.
    ///
    /// # Errors
    /// Every field at fault, what it has to be and what it is.
    fn from_json(value: &Value) -> Result<Self, FieldErrors> {
        json::decode(value)
    }
}

/// How the instances of a model are named.
pub struct InstanceName<M> {
    /// The template in the language of Go's `text/template`, as clients get it told.
    pub template: &'static str,
    /// Makes the name of a value: the template in effect.
    pub make: fn(&M) -> String,
    /// Gives a name its canonical spelling.
    pub canonical: fn(&str) -> String,
}

/// Takes a value of any model in its own type; see [`ModelValue::visit`].
///
/// ```
/// use models::{ModelMessage, ModelValue, ModelVisitor};
///
/// struct Bytes;
///
/// impl ModelVisitor for Bytes {
///     type Output = Vec<u8>;
///
///     fn visit<M: ModelMessage>(self, value: M) -> Vec<u8> {
///         value.encode_to_vec()
///     }
/// }
///
/// let route = models::proto::ligato::vpp::l3::Route { vrf_id: 3, ..Default::default() };
/// assert_eq!(ModelValue::from(route).visit(Bytes), [8, 3]);
/// ```
pub trait ModelVisitor {
    /// What comes of a value.
    type Output;

    /// Takes the value.
    fn visit<M: ModelMessage>(self, value: M) -> Self::Output;
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
