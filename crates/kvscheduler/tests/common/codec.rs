//! Items as JSON.

use kvscheduler::{AnyValue, Codec, Value};
use serde_json::{Value as Json, json};

use super::Item;

pub struct ItemCodec;

fn encode(item: &Item) -> Json {
    let derived: Vec<Json> = item.derived.iter().map(|(key, item)| json!([key, encode(item)])).collect();
    json!({"text": item.text, "needs": item.needs, "any_of": item.any_of, "derived": derived})
}

fn decode(json: &Json) -> Option<Item> {
    let texts = |json: &Json| -> Option<Vec<String>> {
        json.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect()
    };
    let derived = json["derived"].as_array()?.iter();
    Some(Item {
        text: json["text"].as_str()?.to_owned(),
        needs: texts(&json["needs"])?,
        any_of: texts(&json["any_of"])?,
        derived: derived
            .map(|pair| Some((pair[0].as_str()?.to_owned(), decode(&pair[1])?)))
            .collect::<Option<_>>()?,
    })
}

impl Codec for ItemCodec {
    fn encode(&self, _key: &str, value: &dyn Value) -> Result<Json, String> {
        value.downcast_ref::<Item>().map(encode).ok_or_else(|| "no item".to_owned())
    }

    fn decode(&self, _key: &str, json: &Json) -> Result<AnyValue, String> {
        decode(json).map(|item| std::sync::Arc::new(item) as AnyValue).ok_or_else(|| "no item".to_owned())
    }
}
