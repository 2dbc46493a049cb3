//! What holds for every model, whatever it is.

// Helpers of tests fail as tests do.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use models::json::{self, Names};
use models::proto::DESCRIPTOR_POOL;
use models::{Model, Registry, schema, yaml};
use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use serde_json::{Value, json};

mod random;

use random::Random;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::builtin().unwrap());

/// Schema of each model, by its name.
static SCHEMAS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let compiled = |model: &Model| {
        let schema = schema::of_model(model);
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|e| panic!("{}: {e}", model.name()));
        let options = jsonschema::options().should_validate_formats(true);
        (model.name().to_owned(), options.build(&schema).unwrap())
    };
    REGISTRY.models().map(compiled).collect()
});

fn descriptor(model: &Model) -> MessageDescriptor {
    DESCRIPTOR_POOL.get_message_by_name(model.proto_name()).unwrap()
}

#[track_caller]
fn accepts(model: &Model, value: &Value) {
    let errors: Vec<String> =
        SCHEMAS[model.name()].iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{}: {value}: {errors:?}", model.name());
}

#[test]
fn an_example_keeps_all_rules_and_survives_every_form() {
    for model in REGISTRY.models() {
        let example = schema::example(model.name()).unwrap_or_else(|| panic!("{} has none", model.name()));
        let value = model.decode(example).unwrap_or_else(|e| panic!("{}: {e}", model.name()));
        assert_eq!(value.validate(), [], "{}", model.name());
        assert_eq!(value.to_json(), *example, "JSON out is JSON in");
        accepts(model, example);

        let key = value.key();
        assert_eq!(REGISTRY.parse_json(&key, example).unwrap(), value);
        assert_eq!(REGISTRY.parse_bytes(&key, &value.to_bytes()).unwrap(), value);
        assert_eq!(REGISTRY.parse_json(&key, &yaml::parse(&yaml::write(example)).unwrap()).unwrap(), value);

        let any = value.to_any();
        assert_eq!(any.type_url, format!("models.ligato.io/{}", model.proto_name()));
        assert_eq!(REGISTRY.parse_any(&any).unwrap(), value);

        let canonical = json::encode_dynamic(&value.to_dynamic(), Names::Json);
        assert_eq!(model.decode(&canonical).unwrap(), value);
        accepts(model, &canonical);
    }
}

#[test]
fn the_documentation_lists_every_model() {
    let page = include_str!("../../../docs/models.md");
    for model in REGISTRY.models() {
        let row = format!("| `{}` | `{}", model.name(), model.key_prefix());
        let row =
            page.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("{row} is missing"));
        assert!(row.ends_with(&format!("| `{}` |", model.proto_name())), "{row}");
    }
}

#[test]
fn a_model_tells_clients_what_it_is() {
    for model in REGISTRY.models() {
        let detail = model.detail();
        assert_eq!(detail.proto_name, model.proto_name());
        let spec = detail.spec.clone().unwrap();
        assert_eq!(format!("{}.{}", spec.module, spec.r#type), model.name());
        let option = |key: &str| detail.options.iter().find(|o| o.key == key).map(|o| o.values[0].as_str());
        assert_eq!(option("nameTemplate"), model.name_template());
        assert!(option("protoFile").unwrap().starts_with("ligato/"), "{detail}");
        assert_eq!(model.is_singleton(), model.name_template().is_none());
    }
}

/// Every field of `message` and of the messages in it, with the path that leads there.
fn fields(message: &MessageDescriptor, path: &[String], into: &mut Vec<(Vec<String>, Kind, bool)>) {
    for field in message.fields() {
        let path = [path, &[field.name().to_owned()]].concat();
        into.push((path.clone(), field.kind(), field.is_list()));
        if let Kind::Message(inner) = field.kind() {
            let path = if field.is_list() { [path.as_slice(), &["0".to_owned()]].concat() } else { path };
            fields(&inner, &path, into);
        }
    }
}

/// A value in which there is nothing but `leaf` at `path`, and `path` as messages have it.
fn nested(path: &[String], leaf: Value) -> (Value, String) {
    let value = path.iter().rev().fold(leaf, |inner, step| match step.as_str() {
        "0" => json!([inner]),
        name => json!({ name: inner }),
    });
    (value, path.join(".").replace(".0", "[0]"))
}

#[test]
fn a_value_of_another_type_is_refused_with_its_path_by_the_decoder_and_the_schema() {
    let mut tried = 0;
    for model in REGISTRY.models() {
        let mut all = Vec::new();
        fields(&descriptor(model), &[], &mut all);
        for (path, kind, list) in all {
            let (wrong, nothing): (Vec<Value>, Value) = match &kind {
                Kind::Bool => (vec![json!("true"), json!(1), json!({}), json!([true])], json!(false)),
                Kind::String => (vec![json!(1), json!(true), json!({}), json!(["a"])], json!("10.0.0.1")),
                Kind::Uint32 => (
                    vec![json!(-1), json!(4_294_967_296_u64), json!(1.5), json!("x"), json!(true), json!({})],
                    json!(0),
                ),
                Kind::Int32 => {
                    (vec![json!(2_147_483_648_u64), json!(-2_147_483_649_i64), json!("")], json!(0))
                }
                Kind::Uint64 => (vec![json!(-1), json!("18446744073709551616"), json!(false)], json!(0)),
                Kind::Int64 => (vec![json!("9223372036854775808"), json!(null), json!({})], json!(0)),
                Kind::Enum(_) => (vec![json!("NO_SUCH_NAME"), json!(true), json!({})], json!(0)),
                Kind::Message(_) => (vec![json!("text"), json!(7), json!({"no_such_field": 1})], json!({})),
                kind => panic!("{kind:?} is not provided for"),
            };
            for wrong in wrong.into_iter().filter(|wrong| !wrong.is_null()) {
                let unknown = wrong.get("no_such_field").is_some();
                let (value, mut at) = match list {
                    // The second element, so that the number in the path counts.
                    true => {
                        let (value, at) = nested(&path, json!([nothing, wrong]));
                        (value, format!("{at}[1]"))
                    }
                    false => nested(&path, wrong),
                };
                if unknown {
                    at.push_str(".no_such_field");
                }
                let errors = model.decode(&value).expect_err(&value.to_string());
                assert_eq!(errors.errors()[0].path, at, "{value}: {errors}");
                assert_eq!(errors.errors().len(), 1, "{value}: {errors}");
                assert!(!errors.to_string().is_empty());
                let large = at.ends_with("]") && matches!(kind, Kind::Uint64 | Kind::Int64);
                // Digits that are too many are text of digits for the schema.
                let digits =
                    matches!(kind, Kind::Uint64 | Kind::Int64) && value.to_string().contains("\"1844");
                let digits = digits || value.to_string().contains("\"9223");
                let too_small = matches!(kind, Kind::Uint64) && value.to_string().contains("-1");
                if !(large || digits || too_small) {
                    assert!(!SCHEMAS[model.name()].is_valid(&value), "{}: {value}", model.name());
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 1500, "{tried}");
}

#[test]
fn an_unknown_field_is_refused_with_the_name_that_was_meant() {
    for model in REGISTRY.models() {
        for field in descriptor(model).fields().filter(|field| field.name().len() > 3) {
            // The last two letters change places.
            let mut letters: Vec<char> = field.name().chars().collect();
            letters.swap(field.name().len() - 1, field.name().len() - 2);
            let name: String = letters.into_iter().collect();
            if descriptor(model).get_field_by_name(&name).is_some() {
                continue;
            }
            let errors = model.decode(&json!({ &name: 1 })).expect_err(&name);
            assert_eq!(errors.errors()[0].path, name);
            let text = errors.to_string();
            assert!(text.contains(&format!("did you mean `{}`?", field.name())), "{text}");
            assert!(!SCHEMAS[model.name()].is_valid(&json!({ &name: null })), "{name}");
        }
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let interface = REGISTRY.by_name("vpp.interfaces").unwrap();
    let value =
        json!({"nam": "x", "mtu": -1, "ip_addresses": [1, "10.0.0.1/24", 2], "tap": {"version": "two"}});
    let errors = interface.decode(&value).unwrap_err();
    let paths: Vec<&str> = errors.errors().iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["nam", "mtu", "ip_addresses[0]", "ip_addresses[2]", "tap.version"]);

    let many = json!({"ip_addresses": vec![7; 1000]});
    let errors = interface.decode(&many).unwrap_err();
    assert_eq!((errors.errors().len(), errors.more()), (20, 980));
    assert!(errors.to_string().ends_with("and 980 more"), "{errors}");
}

#[test]
fn numbers_of_enums_that_are_not_known_are_kept_and_told() {
    for model in REGISTRY.models() {
        for field in descriptor(model).fields().filter(|field| matches!(field.kind(), Kind::Enum(_))) {
            let json = json!({ field.name(): 1234 });
            let value = model.decode(&json).unwrap();
            assert_eq!(value.to_json(), json);
            let problems = value.validate();
            assert!(
                problems.iter().any(|p| p.path == field.name() && p.reason.contains("1234")),
                "{problems:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_random_value_survives_every_form_and_suits_the_schema(seed: u64) {
        for model in REGISTRY.models() {
            let message = Random(seed).message(&descriptor(model));
            let value = model.decode_bytes(&message.encode_to_vec()).unwrap();
            for names in [Names::Proto, Names::Json] {
                let json = json::encode_dynamic(&message, names);
                prop_assert_eq!(&model.decode(&json).unwrap(), &value, "{}", &json);
                let text = yaml::write(&json);
                prop_assert_eq!(yaml::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}:\n{text}")))?, json.clone());
                accepts(model, &json);
            }
            let text = value.to_string();
            let back = DynamicMessage::parse_text_format(descriptor(model), &text);
            let back = back.map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
            prop_assert_eq!(&model.decode_bytes(&back.encode_to_vec()).unwrap(), &value, "{}", text);
            prop_assert_eq!(&REGISTRY.parse_any(&value.to_any()).unwrap(), &value);
            // Whatever is in it, its rules are checked and its key is found.
            value.validate();
            let key = value.key();
            if let Ok(canonical) = REGISTRY.canonical_key(&key) {
                prop_assert_eq!(canonical, key);
            }
        }
    }

    #[test]
    fn bytes_that_mean_nothing_are_refused_or_read_but_never_fatal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for model in REGISTRY.models() {
            if let Ok(value) = model.decode_bytes(&bytes) {
                value.validate();
            }
        }
    }
}
