//! The registry: which model a key belongs to, and reading a value under its key.

use std::collections::BTreeMap;
use std::ops::Bound;

use prost_reflect::MessageDescriptor;
use serde_json::Value;

use crate::json::FieldErrors;
use crate::message::ModelMessage;
use crate::nearest::{nearest_prefix, shortened_key};
use crate::path::split_agent_prefix;
use crate::proto::DESCRIPTOR_POOL;
use crate::proto::ligato::generic;
use crate::spec::{Spec, SpecError};
use crate::table::ModelValue;
use crate::validate::FieldProblem;
use crate::wire::{self, WireError};

/// A model as the registry knows it.
#[derive(Debug, Clone)]
pub struct Model {
    spec: Spec,
    name: String,
    key_prefix: String,
    proto_name: String,
    template: Option<&'static str>,
    canonical_name: fn(&str) -> String,
    decode: fn(&Value) -> Result<ModelValue, FieldErrors>,
    decode_bytes: fn(&[u8]) -> Result<ModelValue, WireError>,
}

impl Model {
    /// Describes the model that the message `M` is.
    pub fn of<M: ModelMessage>() -> Self {
        let singleton = M::NAME.is_none();
        Self {
            spec: M::SPEC,
            name: M::SPEC.model_name(),
            key_prefix: M::SPEC.key_prefix(singleton),
            proto_name: M::default().descriptor().full_name().to_owned(),
            template: M::NAME.map(|name| name.template),
            canonical_name: M::NAME.map_or(str::to_owned, |name| name.canonical),
            decode: |value| M::from_json(value).map(Into::into),
            decode_bytes: |bytes| wire::decode::<M>(bytes).map(Into::into),
        }
    }

    /// Identity of the model.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// `<module>.<type>`, as `vpp.l2.bridge-domain`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What keys of the model begin with; the key itself for a model with one instance only.
    pub fn key_prefix(&self) -> &str {
        &self.key_prefix
    }

    /// Full name of the protobuf message, as `ligato.vpp.l2.BridgeDomain`.
    pub fn proto_name(&self) -> &str {
        &self.proto_name
    }

    /// Whether there is one instance only.
    pub fn is_singleton(&self) -> bool {
        self.template.is_none()
    }

    /// Template of the instance name in the language of Go's `text/template`; `None` if there is one instance only.
    pub fn name_template(&self) -> Option<&'static str> {
        self.template
    }

    /// The instance name in `key`; `None` if the key is not one of this model.
    pub fn instance_name<'k>(&self, key: &'k str) -> Option<&'k str> {
        match key.strip_prefix(self.key_prefix.as_str()) {
            Some("") if self.is_singleton() => Some(""),
            Some(name) if !self.is_singleton() => Some(name),
            _ => None,
        }
    }

    /// Decodes a value of this model from proto3 JSON, whatever its key.
    ///
    /// # Errors
    /// Every field at fault, what it has to be and what it is.
    pub fn decode(&self, value: &Value) -> Result<ModelValue, FieldErrors> {
        (self.decode)(value)
    }

    /// Decodes a value of this model from the protobuf wire format, whatever its key.
    ///
    /// # Errors
    /// The bytes are no such message, or have a field that it does not have.
    pub fn decode_bytes(&self, bytes: &[u8]) -> Result<ModelValue, WireError> {
        (self.decode_bytes)(bytes)
    }

    /// The model as clients get it told.
    pub fn detail(&self) -> generic::ModelDetail {
        let option = |key: &str, value: &str| generic::model_detail::Option {
            key: key.to_owned(),
            values: vec![value.to_owned()],
        };
        let file = self.descriptor().map(|message| message.parent_file().name().to_owned());
        generic::ModelDetail {
            spec: Some(generic::ModelSpec {
                module: self.spec.module.to_owned(),
                version: self.spec.version.to_owned(),
                r#type: self.spec.kind.to_owned(),
                class: self.spec.class.to_owned(),
            }),
            proto_name: self.proto_name.clone(),
            options: (self.template.iter().map(|template| option("nameTemplate", template)))
                .chain(file.iter().map(|file| option("protoFile", file)))
                .collect(),
        }
    }

    /// The message's descriptor.
    pub(crate) fn descriptor(&self) -> Option<MessageDescriptor> {
        DESCRIPTOR_POOL.get_message_by_name(&self.proto_name)
    }
}

/// A model that cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A part of the specification breaks its rule.
    #[error("model `{model}` cannot be registered: {source}")]
    Spec {
        /// Name of the model.
        model: String,
        /// The part at fault.
        source: SpecError,
    },
    /// Two models have one name.
    #[error("model `{model}` is registered already, for the message {proto_name}; model names are unique")]
    DuplicateName {
        /// The name.
        model: String,
        /// Message of the model that has the name.
        proto_name: String,
    },
    /// Two models have one message.
    #[error(
        "model `{model}` cannot be registered for the message {proto_name}: that is the message of the model \
         `{other}`; a message belongs to one model"
    )]
    DuplicateMessage {
        /// Name of the model refused.
        model: String,
        /// Name of the model that has the message.
        other: String,
        /// The message.
        proto_name: String,
    },
    /// The keys of one model could be keys of another.
    #[error("model `{model}` cannot be registered: its key prefix `{prefix}` overlaps with `{other}`")]
    OverlappingPrefix {
        /// Name of the model refused.
        model: String,
        /// Its key prefix.
        prefix: String,
        /// The prefix that it overlaps with.
        other: String,
    },
}

/// A value that cannot be taken in.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// No model has such keys.
    #[error("key `{}` belongs to no model; {}", shortened_key(key), hint(nearest.as_ref(), *known))]
    UnknownModel {
        /// The key, without agent prefix.
        key: String,
        /// Key prefix that it was most likely meant to begin with.
        nearest: Option<String>,
        /// How many models there are.
        known: usize,
    },
    /// Fields are unknown or have values of another type.
    #[error("key `{}` (model {model}): {source}", shortened_key(key))]
    Fields {
        /// The key.
        key: String,
        /// Name of the model.
        model: String,
        /// The fields, what they have to be and what they are.
        source: FieldErrors,
    },
    /// The value is not in the protobuf wire format.
    #[error("key `{}` (model {model}): {source}", shortened_key(key))]
    Wire {
        /// The key.
        key: String,
        /// Name of the model.
        model: String,
        /// What is wrong with it.
        source: WireError,
    },
    /// The value's name disagrees with the key that it is stored under.
    #[error(
        "key `{}` (model {model}) holds a value whose own key is `{}`: rename the key, or change the fields that the \
         key is made of{}",
        shortened_key(key),
        shortened_key(computed),
        listed(problems)
    )]
    KeyMismatch {
        /// Key that the value is stored under.
        key: String,
        /// Key that follows from the value.
        computed: String,
        /// Name of the model.
        model: String,
        /// Rules that the value breaks, which may be why the keys differ.
        problems: Vec<FieldProblem>,
    },
    /// Text that is not a message in protobuf text format.
    #[error("not a {message} in protobuf text format: {reason}")]
    Text {
        /// Full name of the message.
        message: String,
        /// Where and why.
        reason: String,
    },
}

/// What a key can begin with.
const SUCH: &str = "config/vpp/v2/interfaces/";

/// Short, since there may be masses of such keys.
fn hint(nearest: Option<&String>, known: usize) -> String {
    match nearest {
        Some(prefix) => format!("did you mean a key that begins with `{prefix}`?"),
        None => format!(
            "keys begin with `config/`, module, version and type, as `{SUCH}`; there are {known} models"
        ),
    }
}

fn listed(problems: &[FieldProblem]) -> String {
    const MOST: usize = 20;
    problems.iter().take(MOST).map(|problem| format!("; {problem}")).collect()
}

/// Models by key prefix.
///
/// Keys may be given with or without `/vnf-agent/<label>/` before them, whatever the label; an agent that shares a
/// store looks at the label itself, see [`split_agent_prefix`].
#[derive(Debug, Clone, Default)]
pub struct Registry {
    by_prefix: BTreeMap<String, Model>,
}

impl Registry {
    /// Adds a model.
    ///
    /// # Errors
    /// Its specification breaks a rule, or its name, message or keys are those of another model.
    pub fn register(&mut self, model: Model) -> Result<(), RegistryError> {
        model.spec.check().map_err(|source| RegistryError::Spec { model: model.name.clone(), source })?;
        for known in self.by_prefix.values() {
            if known.name == model.name {
                return Err(RegistryError::DuplicateName {
                    model: model.name,
                    proto_name: known.proto_name.clone(),
                });
            }
            if known.proto_name == model.proto_name {
                return Err(RegistryError::DuplicateMessage {
                    model: model.name,
                    other: known.name.clone(),
                    proto_name: model.proto_name,
                });
            }
            let (a, b) = (&known.key_prefix, &model.key_prefix);
            if a.starts_with(b.as_str()) || b.starts_with(a.as_str()) {
                return Err(RegistryError::OverlappingPrefix {
                    model: model.name,
                    prefix: model.key_prefix,
                    other: known.key_prefix.clone(),
                });
            }
        }
        self.by_prefix.insert(model.key_prefix.clone(), model);
        Ok(())
    }

    /// All models, by key prefix.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.by_prefix.values()
    }

    /// The model that `key` belongs to.
    pub fn for_key(&self, key: &str) -> Option<&Model> {
        let (_, key) = split_agent_prefix(key);
        // Prefixes do not overlap, so only the greatest one that is not after the key can be a prefix of it.
        let (_, model) =
            self.by_prefix.range::<str, _>((Bound::Unbounded, Bound::Included(key))).next_back()?;
        model.instance_name(key).map(|_| model)
    }

    /// The model of that name, as `vpp.l2.bridge-domain`.
    pub fn by_name(&self, name: &str) -> Option<&Model> {
        self.models().find(|model| model.name == name)
    }

    /// The model that the message of that full name belongs to, as `ligato.vpp.l2.BridgeDomain`.
    pub fn by_message(&self, proto_name: &str) -> Option<&Model> {
        self.models().find(|model| model.proto_name == proto_name)
    }

    /// `key` without agent prefix and with canonical spelling of what is in it (MAC and gateway addresses).
    ///
    /// Equal to [`ModelValue::key`] of the value stored under `key`, so that a deletion, which has no value, finds what
    /// it deletes.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`].
    pub fn canonical_key(&self, key: &str) -> Result<String, ModelError> {
        let (_, key) = split_agent_prefix(key);
        let model = self.for_key(key).ok_or_else(|| self.unknown(key))?;
        let name = model.instance_name(key).unwrap_or_default();
        Ok(format!("{}{}", model.key_prefix, (model.canonical_name)(name)))
    }

    /// Reads the value stored under `key` from proto3 JSON.
    ///
    /// Field names are those of the `.proto` file or their lowerCamelCase form. Rules beyond types are not checked
    /// here, see [`ModelValue::validate`]: a value that breaks them is known by its key and shown as invalid.
    ///
    /// # Errors
    /// No model has such keys; a field is unknown or of another type; or the value belongs under another key.
    pub fn parse_json(&self, key: &str, value: &Value) -> Result<ModelValue, ModelError> {
        self.parse_with(key, |model, key| {
            model.decode(value).map_err(|source| ModelError::Fields {
                key: key.to_owned(),
                model: model.name.clone(),
                source,
            })
        })
    }

    /// Reads the value stored under `key` as `decode` does.
    pub(crate) fn parse_with(
        &self,
        key: &str,
        decode: impl FnOnce(&Model, &str) -> Result<ModelValue, ModelError>,
    ) -> Result<ModelValue, ModelError> {
        let (_, key) = split_agent_prefix(key);
        let model = self.for_key(key).ok_or_else(|| self.unknown(key))?;
        let parsed = decode(model, key)?;
        let computed = parsed.key();
        if self.canonical_key(key)? != computed {
            return Err(ModelError::KeyMismatch {
                key: key.to_owned(),
                computed,
                model: model.name.clone(),
                problems: parsed.validate(),
            });
        }
        Ok(parsed)
    }

    fn unknown(&self, key: &str) -> ModelError {
        let nearest = nearest_prefix(key, self.by_prefix.keys().map(String::as_str)).map(str::to_owned);
        ModelError::UnknownModel { key: key.to_owned(), nearest, known: self.by_prefix.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ligato::vpp::{interfaces, l3};

    /// A model like that of routes, with another identity.
    fn like_routes(spec: Spec, proto_name: &str) -> Model {
        Model {
            name: spec.model_name(),
            key_prefix: spec.key_prefix(false),
            proto_name: proto_name.to_owned(),
            spec,
            ..Model::of::<l3::Route>()
        }
    }

    #[test]
    fn what_would_be_ambiguous_is_not_registered() {
        let mut registry = Registry::default();
        registry.register(Model::of::<l3::Route>()).unwrap();
        registry.register(Model::of::<interfaces::Interface>()).unwrap();
        for (spec, proto_name, expected) in [
            (Spec::config("vpp", "v3", "route"), "x.Y", "model `vpp.route` is registered already"),
            (
                Spec::config("vpp", "v2", "other-route"),
                "ligato.vpp.l3.Route",
                "that is the message of the model `vpp.route`",
            ),
            (Spec::config("vpp", "v2", "route."), "x.Y", "the type `route.` of a model specification"),
            (Spec::config("vpp", "2", "x"), "x.Y", "the version `2` of a model specification"),
            (Spec::config("vpp.v2", "v1", "x"), "x.Y", ""),
            (Spec::config("vpp", "v2", "route.v1"), "x.Z", "overlaps with `config/vpp/v2/route/`"),
        ] {
            match registry.register(like_routes(spec, proto_name)) {
                Ok(()) => assert_eq!(expected, "", "{spec}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(!expected.is_empty() && error.contains(expected), "{spec}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_model_with_one_instance_has_one_key() {
        let spec = Spec::config("vpp", "v2", "proxyarp-global");
        let one = Model {
            template: None,
            key_prefix: spec.key_prefix(true),
            ..like_routes(spec, "ligato.vpp.l3.ProxyARP")
        };
        let mut registry = Registry::default();
        registry.register(one).unwrap();
        assert!(registry.for_key("config/vpp/v2/proxyarp-global").is_some());
        assert!(registry.for_key("config/vpp/v2/proxyarp-global/x").is_none());
        assert_eq!(
            registry.canonical_key("/vnf-agent/a/config/vpp/v2/proxyarp-global").unwrap(),
            "config/vpp/v2/proxyarp-global"
        );
    }
}
