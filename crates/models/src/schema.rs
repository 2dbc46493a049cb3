//! JSON Schema (2020-12) of models and of whole documents, for editors and for those who check before they send.
//!
//! The shape: a schema has one definition in `$defs` for each message, under its full name, and `$ref`s to them.
//!
//! | protobuf | schema |
//! | --- | --- |
//! | message | `object` with `properties`, no others allowed; a field with two spellings (`phys_address`, `physAddress`) is there under both |
//! | repeated field | `array` |
//! | oneof | `oneOf` over which field is there, or none |
//! | enum | `enum` of the names |
//! | int32, uint32 | `integer` with `minimum` and `maximum`: of the type, or of the stated range |
//! | int64, uint64 | `integer`, or `string` of digits |
//! | address | `string` with `format` `ipv4` or `ipv6`, or `pattern` where there is a prefix length or an `alloc:` reference; the empty text is a field that is not stated |
//! | comment | `description` |
//! | deprecated | `deprecated` |
//!
//! What the schema accepts has the right fields and types. Rules across fields are those of
//! [`ModelValue::validate`](crate::ModelValue::validate).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::document;
use crate::registry::{Model, Registry};
use crate::validate::annotated::{Exception, Family, Form, Mask, Rule, rule_of};

/// The dialect that the schemas are in.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What stands in the `.proto` files about messages, fields and enums, by full name.
static COMMENTS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    include_str!(concat!(env!("OUT_DIR"), "/comments.tsv"))
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

/// The schema of the values of a model.
///
/// ```
/// let registry = models::Registry::builtin()?;
/// let schema = models::schema::of_model(registry.by_name("vpp.route").unwrap());
/// let route = &schema["$defs"]["ligato.vpp.l3.Route"];
/// assert_eq!(schema["$ref"], "#/$defs/ligato.vpp.l3.Route");
/// assert_eq!(route["properties"]["vrf_id"]["maximum"], u32::MAX);
/// # Ok::<(), models::RegistryError>(())
/// ```
pub fn of_model(model: &Model) -> Value {
    let mut definitions = Definitions::default();
    let reference = model.descriptor().map(|message| definitions.reference(&message)).unwrap_or_default();
    let mut schema = head(model.name());
    schema.extend(reference);
    if let Some(example) = example(model.name()) {
        schema.insert("examples".to_owned(), json!([example]));
    }
    schema.insert("$defs".to_owned(), definitions.finish());
    Value::Object(schema)
}

/// A value of the model of that name, as `vpp.l2.bridge-domain`, that keeps all rules.
pub fn example(model: &str) -> Option<&'static Value> {
    static EXAMPLES: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("schema/examples.json")).unwrap_or_default());
    EXAMPLES.get(model)
}

/// The schema of whole documents, as [`document`] reads them.
pub fn of_document(registry: &Registry) -> Value {
    let mut definitions = Definitions::default();
    let mut groups = Map::new();
    for (module, fields) in document::places(registry) {
        let mut properties = Map::new();
        for field in fields {
            let Some(message) = field.model.descriptor() else { continue };
            let reference = Value::Object(definitions.reference(&message));
            let schema = match field.model.is_singleton() {
                true => reference,
                false => json!({"type": "array", "items": reference}),
            };
            for name in field.all_names() {
                properties.insert(name.to_owned(), schema.clone());
            }
        }
        let group = json!({"type": "object", "properties": properties, "additionalProperties": false});
        groups.insert(document::group_name(&module, crate::json::Names::Proto), group.clone());
        groups.insert(document::group_name(&module, crate::json::Names::Json), group);
    }
    let mut schema = head("configuration");
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(groups));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.insert("$defs".to_owned(), definitions.finish());
    Value::Object(schema)
}

fn head(title: &str) -> Map<String, Value> {
    Map::from_iter([("$schema".to_owned(), json!(DIALECT)), ("title".to_owned(), json!(title))])
}

/// Definitions of messages, by full name; `None` for one whose turn is to come.
#[derive(Default)]
struct Definitions {
    done: BTreeMap<String, Value>,
    open: Vec<MessageDescriptor>,
}

impl Definitions {
    fn reference(&mut self, message: &MessageDescriptor) -> Map<String, Value> {
        let name = message.full_name().to_owned();
        if !self.done.contains_key(&name) {
            self.done.insert(name.clone(), Value::Null);
            self.open.push(message.clone());
        }
        Map::from_iter([("$ref".to_owned(), json!(format!("#/$defs/{name}")))])
    }

    fn finish(mut self) -> Value {
        while let Some(message) = self.open.pop() {
            let schema = self.message(&message);
            self.done.insert(message.full_name().to_owned(), schema);
        }
        self.done.into_iter().collect()
    }

    fn message(&mut self, message: &MessageDescriptor) -> Value {
        let mut properties = Map::new();
        for declared in &message.descriptor_proto().field {
            let Some(field) = message.get_field_by_name(declared.name()) else { continue };
            let schema = self.field(&field);
            for name in spellings(&field) {
                properties.insert(name, schema.clone());
            }
        }
        let mut schema = Map::from_iter([("type".to_owned(), json!("object"))]);
        describe(&mut schema, message.full_name());
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("additionalProperties".to_owned(), json!(false));
        let oneofs: Vec<Value> = message
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic())
            .map(|oneof| {
                let there = |field: FieldDescriptor| {
                    any_of(spellings(&field).into_iter().map(|name| json!({"required": [name]})).collect())
                };
                let mut cases: Vec<Value> = oneof.fields().map(there).collect();
                cases.push(json!({"not": {"anyOf": cases.clone()}}));
                json!({"oneOf": cases})
            })
            .collect();
        if !oneofs.is_empty() {
            schema.insert("allOf".to_owned(), Value::Array(oneofs));
        }
        Value::Object(schema)
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let mut one = match field.kind() {
            Kind::Message(message) if field.is_map() => {
                let value = message.map_entry_value_field();
                return json!({"type": "object", "additionalProperties": self.field(&value)});
            }
            Kind::Message(message) => self.reference(&message),
            Kind::Enum(kind) => enumeration(&kind),
            kind => scalar(&kind, rule_of(field), field.is_list()),
        };
        if field.is_list() {
            one = Map::from_iter([
                ("type".to_owned(), json!("array")),
                ("items".to_owned(), Value::Object(one)),
            ]);
        }
        describe(&mut one, field.full_name());
        let options = field.field_descriptor_proto().options.as_ref();
        if options.is_some_and(|options| options.deprecated()) {
            one.insert("deprecated".to_owned(), json!(true));
        }
        Value::Object(one)
    }
}

/// The names that a field is read by.
fn spellings(field: &FieldDescriptor) -> Vec<String> {
    let (proto, json) = (field.name(), field.json_name());
    if proto == json { vec![proto.to_owned()] } else { vec![proto.to_owned(), json.to_owned()] }
}

fn describe(schema: &mut Map<String, Value>, full_name: &str) {
    if let Some(text) = COMMENTS.get(full_name) {
        schema.insert("description".to_owned(), json!(text));
    }
}

fn any_of(mut cases: Vec<Value>) -> Value {
    match cases.len() {
        1 => cases.swap_remove(0),
        _ => json!({"anyOf": cases}),
    }
}

fn enumeration(kind: &EnumDescriptor) -> Map<String, Value> {
    let names: Vec<String> = kind.values().map(|value| value.name().to_owned()).collect();
    Map::from_iter([("enum".to_owned(), json!(names))])
}

fn scalar(kind: &Kind, rule: Option<&Rule>, element: bool) -> Map<String, Value> {
    let schema = match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => integer(i32::MIN.into(), i32::MAX.into(), rule),
        Kind::Uint32 | Kind::Fixed32 => integer(0, u32::MAX.into(), rule),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => digits("^-?[0-9]+$"),
        Kind::Uint64 | Kind::Fixed64 => digits("^[0-9]+$"),
        Kind::Float | Kind::Double => json!({"type": "number"}),
        _ => match rule {
            Some(Rule::Address(form, exception)) => address(*form, *exception, element),
            _ => json!({"type": "string"}),
        },
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn digits(pattern: &str) -> Value {
    json!({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": pattern}]})
}

fn integer(least: i128, most: i128, rule: Option<&Rule>) -> Value {
    let (least, most, zero) = match rule {
        Some(Rule::Range(from, to, exception)) => {
            ((*from).max(least), (*to).min(most), *exception == Some(Exception::Zero))
        }
        _ => (least, most, false),
    };
    // Both fit, since they are within those of the type.
    let bound = |number: i128| i64::try_from(number).unwrap_or_default();
    let range = json!({"type": "integer", "minimum": bound(least), "maximum": bound(most)});
    if zero { json!({"anyOf": [{"const": 0}, range]}) } else { range }
}

fn address(form: Form, exception: Option<Exception>, element: bool) -> Value {
    let mut cases = Vec::new();
    if !element {
        cases.push(json!({"const": ""}));
    }
    for (family, format, pattern) in [
        (Family::V4, "ipv4", r"^[0-9.]+/([0-9]|[12][0-9]|3[0-2])$"),
        (Family::V6, "ipv6", r"^[0-9A-Fa-f:.]+/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])$"),
    ] {
        if form.family != Family::Any && form.family != family {
            continue;
        }
        if form.mask != Mask::Required {
            cases.push(json!({"format": format}));
        }
        if form.mask != Mask::None {
            cases.push(json!({"pattern": pattern}));
        }
    }
    match exception {
        Some(Exception::Address | Exception::Reference) => {
            cases.push(json!({"pattern": "^alloc:[^/]+(/.+)?$"}))
        }
        Some(Exception::Gateway) => cases.push(json!({"pattern": "^alloc:[^/]+(/.+)?/GW$"})),
        _ => {}
    }
    json!({"type": "string", "anyOf": cases})
}
