//! Values in the protobuf wire format, and in `google.protobuf.Any`.
//!
//! A type URL is `models.ligato.io/` and the full name of the message, as
//! `models.ligato.io/ligato.vpp.l2.BridgeDomain`. Only what stands after the last slash counts when reading.

use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage, Value};
use prost_types::Any;

use crate::message::ModelMessage;
use crate::nearest::shortened_key;
use crate::registry::{ModelError, Registry};
use crate::table::ModelValue;

/// What type URLs begin with.
pub const TYPE_URL_PREFIX: &str = "models.ligato.io/";

/// A value that cannot be read from the wire format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes are no message.
    #[error("not a {message} in the protobuf wire format: {reason}")]
    Malformed {
        /// Full name of the message.
        message: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field that the message does not have. It would be lost, and with it something that was asked for.
    #[error("{message} has no field with number {number}; the sender may be of a later version")]
    UnknownField {
        /// Full name of the message that the number stands in.
        message: String,
        /// The number.
        number: u32,
    },
    /// The type URL is that of no model.
    #[error(
        "the type URL `{}` is that of no model; it has to be {TYPE_URL_PREFIX} and the full name of a model's \
         message, as {TYPE_URL_PREFIX}ligato.vpp.l2.BridgeDomain",
        shortened_key(type_url)
    )]
    UnknownType {
        /// The type URL.
        type_url: String,
    },
}

/// Decodes a message; unknown fields are errors.
pub(crate) fn decode<M: ModelMessage>(bytes: &[u8]) -> Result<M, WireError> {
    let descriptor = M::default().descriptor();
    let malformed =
        |reason: String| WireError::Malformed { message: descriptor.full_name().to_owned(), reason };
    let dynamic =
        DynamicMessage::decode(descriptor.clone(), bytes).map_err(|error| malformed(error.to_string()))?;
    refuse_unknown(&dynamic)?;
    M::decode(bytes).map_err(|error| malformed(error.to_string()))
}

fn refuse_unknown(message: &DynamicMessage) -> Result<(), WireError> {
    let descriptor: MessageDescriptor = message.descriptor();
    if let Some(unknown) = message.unknown_fields().next() {
        return Err(WireError::UnknownField {
            message: descriptor.full_name().to_owned(),
            number: unknown.number(),
        });
    }
    message.fields().try_for_each(|(_, value)| match value {
        Value::Message(inner) => refuse_unknown(inner),
        Value::List(items) => items.iter().filter_map(Value::as_message).try_for_each(refuse_unknown),
        _ => Ok(()),
    })
}

impl ModelValue {
    /// The value in an `Any`, with its type URL.
    pub fn to_any(&self) -> Any {
        let name = self.to_dynamic().descriptor().full_name().to_owned();
        Any { type_url: format!("{TYPE_URL_PREFIX}{name}"), value: self.to_bytes() }
    }
}

impl Registry {
    /// Reads a value from an `Any`.
    ///
    /// # Errors
    /// The type URL is that of no model, or the bytes are not a value of it.
    pub fn parse_any(&self, any: &Any) -> Result<ModelValue, WireError> {
        let name = any.type_url.rsplit_once('/').map_or("", |(_, name)| name);
        match self.by_message(name) {
            Some(model) => model.decode_bytes(&any.value),
            None => Err(WireError::UnknownType { type_url: any.type_url.clone() }),
        }
    }

    /// Reads the value stored under `key` from the protobuf wire format.
    ///
    /// # Errors
    /// No model has such keys; the bytes are not a value of the model; or the value belongs under another key.
    pub fn parse_bytes(&self, key: &str, bytes: &[u8]) -> Result<ModelValue, ModelError> {
        self.parse_with(key, |model, key| {
            model.decode_bytes(bytes).map_err(|source| ModelError::Wire {
                key: key.to_owned(),
                model: model.name().to_owned(),
                source,
            })
        })
    }
}
