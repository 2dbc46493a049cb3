//! The same as a protobuf message, for clients that have it so.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};

use crate::proto::ligato::configurator::Config;
use crate::registry::Registry;
use crate::table::ModelValue;
use crate::wire::WireError;

/// A value that the message has no field for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: ligato.configurator.Config has no field for values of the model {model}")]
pub struct NotInConfig {
    /// Key of the value.
    pub key: String,
    /// Name of its model.
    pub model: String,
}

/// Where values of a message stand: field of the group in the configuration, field in the group.
type Slot = (FieldDescriptor, FieldDescriptor);

/// The slots of all messages that have one, by full name.
static SLOTS: LazyLock<HashMap<String, Slot>> = LazyLock::new(|| {
    let mut slots = HashMap::new();
    for group in Config::default().descriptor().fields() {
        let Some(data) = group.kind().as_message().cloned() else { continue };
        for field in data.fields() {
            if let Some(message) = field.kind().as_message() {
                slots.insert(message.full_name().to_owned(), (group.clone(), field.clone()));
            }
        }
    }
    slots
});

/// Splits a configuration into values.
///
/// # Errors
/// A message in it has a field that is not known.
pub fn split_config(registry: &Registry, config: &Config) -> Result<Vec<ModelValue>, WireError> {
    let mut values = Vec::new();
    for (_, group) in config.transcode_to_dynamic().fields() {
        let Some(group) = group.as_message() else { continue };
        for (field, value) in group.fields() {
            let kind = field.kind();
            let Some(model) = kind.as_message().and_then(|message| registry.by_message(message.full_name()))
            else {
                continue;
            };
            let items = match value {
                Value::List(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            for message in items.iter().filter_map(Value::as_message) {
                values.push(model.decode_bytes(&message.encode_to_vec())?);
            }
        }
    }
    Ok(values)
}

/// Joins values to a configuration.
///
/// # Errors
/// A value of a model that the message has no field for.
pub fn join_config<'v>(values: impl IntoIterator<Item = &'v ModelValue>) -> Result<Config, NotInConfig> {
    let mut config = DynamicMessage::new(Config::default().descriptor());
    for value in values {
        let message = value.to_dynamic();
        let not_in_config = || NotInConfig { key: value.key(), model: value.spec().model_name() };
        let (group, field) = SLOTS.get(message.descriptor().full_name()).ok_or_else(not_in_config)?;
        let Some(group) = config.get_field_mut(group).as_message_mut() else { return Err(not_in_config()) };
        match group.get_field_mut(field) {
            Value::List(items) => items.push(Value::Message(message)),
            single => *single = Value::Message(message),
        }
    }
    // Of the same descriptor, so that nothing can be lost.
    Ok(config.transcode_to().unwrap_or_default())
}
