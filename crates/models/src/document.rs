//! A whole configuration in one document: values by model instead of by key.
//!
//! ```yaml
//! vppConfig:
//!   interfaces:
//!   - name: if1
//!     type: SOFTWARE_LOOPBACK
//!   srv6Global:
//!     encapSourceAddress: 2001:db8::1
//! linuxConfig:
//!   interfaces: []
//! netallocConfig:
//!   ipAddresses: []
//! ```
//!
//! This is the message `ligato.configurator.Config` in proto3 JSON or YAML, with the field names of the `.proto` files
//! or in lowerCamelCase. Models that the message has no field for (`linux.iptables.rulechain`, `vpp.stn.rule`,
//! `vpp.vrrp`) stand as `<Message>_list` in the group of their module (`RuleChain` for rule chains), as clients with
//! dynamic configuration have them; that name is read for every model. Groups and fields that are `null` are not
//! stated.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::{Map, Value};

use crate::json::{self, FieldError, Names};
use crate::nearest::{nearest, shortened, shortened_key};
use crate::proto::DESCRIPTOR_POOL;
use crate::registry::{Model, Registry};
use crate::spec::CONFIG_CLASS;
use crate::table::ModelValue;
use crate::validate::FieldProblem;
use crate::yaml::{self, YamlError};

mod config;

pub use config::{NotInConfig, join_config, split_config};

/// Faults that are told at most; how many more there are is told, too.
const MOST_FAULTS: usize = 20;

/// A model that the message has no field for, and that does not stand as `<Message>_list` either.
const RULE_CHAIN: (&str, &str) = ("ligato.linux.iptables.RuleChain", "RuleChain");

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentValue {
    /// Where it stands, as `vppConfig.interfaces[3]`.
    pub path: String,
    /// Its key.
    pub key: String,
    /// The value.
    pub value: ModelValue,
}

impl DocumentValue {
    /// Every rule of its model that the value breaks, with paths from the document's root.
    pub fn validate(&self) -> Vec<FieldProblem> {
        let within = |problem: FieldProblem| FieldProblem {
            path: if problem.path.is_empty() {
                self.path.clone()
            } else {
                format!("{}.{}", self.path, problem.path)
            },
            ..problem
        };
        self.value.validate().into_iter().map(within).collect()
    }
}

/// A fault of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFault {
    /// Line of the text, from 1; `None` where there is no text.
    pub line: Option<u64>,
    /// The place, what has to be there and what is.
    pub field: FieldError,
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.field),
            None => self.field.fmt(f),
        }
    }
}

/// A document that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is no YAML.
    #[error(transparent)]
    Syntax(#[from] YamlError),
    /// Fields are unknown, of another type, or state a value a second time.
    #[error("{}", listed(faults, *more))]
    Fields {
        /// The fields in the order of the document; the first 20 if there are more.
        faults: Vec<DocumentFault>,
        /// How many there are besides.
        more: usize,
    },
}

fn listed(faults: &[DocumentFault], more: usize) -> String {
    let mut text = faults.iter().map(DocumentFault::to_string).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

/// Where the values of a model stand.
pub(crate) struct Place<'r> {
    pub(crate) model: &'r Model,
    /// Name of the field in the `.proto` file, and in JSON.
    names: [String; 2],
    /// Name where the field is made at run time.
    dynamic: String,
}

impl<'r> Place<'r> {
    fn of(model: &'r Model) -> Option<(String, Self)> {
        if model.spec().class != CONFIG_CLASS {
            return None;
        }
        let module = model.spec().module.split('.').next().unwrap_or_default();
        let message = model.descriptor()?;
        let dynamic = match model.is_singleton() {
            true => message.name().to_owned(),
            false => format!("{}_list", message.name()),
        };
        let group = DESCRIPTOR_POOL.get_message_by_name(&format!("ligato.{module}.ConfigData"));
        let field = group.and_then(|group| {
            group.fields().find(|field| field.kind().as_message().is_some_and(|kind| *kind == message))
        });
        let names = match field {
            Some(field) => [field.name().to_owned(), field.json_name().to_owned()],
            None if model.proto_name() == RULE_CHAIN.0 => [RULE_CHAIN.1.to_owned(), RULE_CHAIN.1.to_owned()],
            None => [dynamic.clone(), dynamic.clone()],
        };
        Some((module.to_owned(), Self { model, names, dynamic }))
    }

    /// Every name that the field is read by, each once.
    pub(crate) fn all_names(&self) -> Vec<&str> {
        let [proto, json] = &self.names;
        let mut names = vec![proto.as_str()];
        names.extend([json, &self.dynamic].into_iter().filter(|name| *name != proto).map(String::as_str));
        names.dedup();
        names
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name) || self.dynamic == name
    }

    fn name(&self, names: Names) -> &str {
        let [proto, json] = &self.names;
        if names == Names::Proto { proto } else { json }
    }
}

/// Places by module, `vpp`, `linux`, `netalloc`, in the order of their names.
pub(crate) fn places(registry: &Registry) -> BTreeMap<String, Vec<Place<'_>>> {
    let mut places: BTreeMap<String, Vec<Place<'_>>> = BTreeMap::new();
    for (module, place) in registry.models().filter_map(Place::of) {
        places.entry(module).or_default().push(place);
    }
    places
}

pub(crate) fn group_name(module: &str, names: Names) -> String {
    match names {
        Names::Proto => format!("{module}_config"),
        Names::Json => format!("{module}Config"),
    }
}

/// Reads a document in YAML or JSON.
///
/// # Errors
/// What is no YAML, or every field at fault, with its line.
///
/// ```
/// let registry = models::Registry::builtin()?;
/// let values = models::document::parse(&registry, "vppConfig:\n  vrfs:\n  - id: 3\n")?;
/// assert_eq!(values[0].key, "config/vpp/v2/vrf-table/id/3/protocol/IPV4");
/// let error = models::document::parse(&registry, "vppConfig:\n  vrfs:\n  - idd: 3\n").unwrap_err();
/// assert!(error.to_string().starts_with("line 3: field `vppConfig.vrfs[0].idd`"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse(registry: &Registry, text: &str) -> Result<Vec<DocumentValue>, DocumentError> {
    let mut result = split(registry, &yaml::parse(text)?);
    if let Err(DocumentError::Fields { faults, .. }) = &mut result {
        let lines = yaml::Lines::of(text);
        for fault in faults {
            fault.line = lines.as_ref().map(|lines| lines.line_of(&fault.field.path));
        }
    }
    result
}

/// Splits a document into values.
///
/// # Errors
/// Every field that is unknown, of another type, or states a value a second time.
pub fn split(registry: &Registry, document: &Value) -> Result<Vec<DocumentValue>, DocumentError> {
    let mut split = Split::default();
    split.document(&places(registry), document);
    match split.faults.is_empty() {
        true => Ok(split.values),
        false => Err(DocumentError::Fields { faults: split.faults, more: split.more }),
    }
}

#[derive(Default)]
struct Split {
    values: Vec<DocumentValue>,
    /// Places of the values by key.
    paths: HashMap<String, String>,
    faults: Vec<DocumentFault>,
    more: usize,
}

impl Split {
    fn fault(&mut self, field: FieldError) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(DocumentFault { line: None, field });
        } else {
            self.more += 1;
        }
    }

    fn document(&mut self, places: &BTreeMap<String, Vec<Place<'_>>>, document: &Value) {
        let expected =
            || -> Vec<String> { places.keys().map(|module| group_name(module, Names::Json)).collect() };
        let Some(groups) = self.mapping(document, "", || expected().join(", ")) else { return };
        let mut stated: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, group) in groups {
            let module = name.strip_suffix("Config").or_else(|| name.strip_suffix("_config"));
            let Some((module, fields)) = module.and_then(|module| places.get_key_value(module)) else {
                self.unknown("", name, &expected());
                continue;
            };
            if group.is_null() {
                continue;
            }
            if let Some(other) = stated.insert(module, name) {
                self.twice(name, other, name);
                continue;
            }
            let known = || fields.iter().map(|place| place.name(Names::Json)).collect::<Vec<_>>().join(", ");
            if let Some(group) = self.mapping(group, name, known) {
                self.group(fields, name, group);
            }
        }
    }

    fn mapping<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        fields: impl Fn() -> String,
    ) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.fault(FieldError {
                path: path.to_owned(),
                expected: format!("a mapping with some of: {}", fields()),
                found: json::describe(value),
            });
        }
        object
    }

    fn unknown(&mut self, path: &str, name: &str, known: &[String]) {
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        self.fault(FieldError {
            path: joined(path, name),
            expected: format!("one of: {}{hint}", known.join(", ")),
            found: format!("unknown field `{}`", shortened(name)),
        });
    }

    fn twice(&mut self, path: &str, other: &str, name: &str) {
        self.fault(FieldError {
            path: path.to_owned(),
            expected: format!("one of `{other}` and `{name}` only: they are one field"),
            found: "both".to_owned(),
        });
    }

    fn group(&mut self, places: &[Place<'_>], path: &str, group: &Map<String, Value>) {
        let mut stated: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, value) in group {
            let Some(place) = places.iter().find(|place| place.has(name)) else {
                let known: Vec<String> =
                    places.iter().map(|place| place.name(Names::Json).to_owned()).collect();
                self.unknown(path, name, &known);
                continue;
            };
            if value.is_null() {
                continue;
            }
            let path = joined(path, name);
            if let Some(other) = stated.insert(place.model.name(), name) {
                self.twice(&path, other, name);
            } else if place.model.is_singleton() {
                self.value(place.model, path, value);
            } else if let Some(items) = value.as_array() {
                for (i, item) in items.iter().enumerate() {
                    self.value(place.model, format!("{path}[{i}]"), item);
                }
            } else {
                self.fault(FieldError { path, expected: "a list".to_owned(), found: json::describe(value) });
            }
        }
    }

    fn value(&mut self, model: &Model, path: String, value: &Value) {
        let value = match model.decode(value) {
            Ok(value) => value,
            Err(errors) => {
                let more = errors.more();
                for error in errors.into_errors() {
                    self.fault(FieldError { path: joined(&path, &error.path), ..error });
                }
                self.more += more;
                return;
            }
        };
        let key = value.key();
        match self.paths.get(&key) {
            Some(other) => {
                let other = other.clone();
                self.fault(FieldError {
                    path,
                    expected: format!("a value with a key of its own; that of `{other}` is the same"),
                    found: format!("key `{}`", shortened_key(&key)),
                });
            }
            None => {
                self.paths.insert(key.clone(), path.clone());
                self.values.push(DocumentValue { path, key, value });
            }
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => shortened(name).into_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

/// Joins values to a document. Values that are not configuration (class `metrics`) are left out.
///
/// Fields come in the order of the models' keys, values of a model in the order in which they are given.
pub fn join<'v>(
    registry: &Registry,
    values: impl IntoIterator<Item = &'v ModelValue>,
    names: Names,
) -> Value {
    let places = places(registry);
    let mut by_model: HashMap<String, Vec<Value>> = HashMap::new();
    for value in values {
        by_model
            .entry(value.spec().model_name())
            .or_default()
            .push(json::encode_dynamic(&value.to_dynamic(), names));
    }
    let mut document = Map::new();
    for (module, fields) in &places {
        let mut group = Map::new();
        for place in fields {
            let Some(mut values) = by_model.remove(place.model.name()) else { continue };
            let value = match place.model.is_singleton() {
                // There is one key, so the last one counts.
                true => values.pop().unwrap_or_default(),
                false => Value::Array(values),
            };
            group.insert(place.name(names).to_owned(), value);
        }
        if !group.is_empty() {
            document.insert(group_name(module, names), Value::Object(group));
        }
    }
    Value::Object(document)
}
