//! Values for tests.

use binapi_gen::model::Primitive;
use serde_json::{Map, Value};

use crate::compile::Schema;
use crate::error::Error;
use crate::hex;
use crate::layout::{Field, Item, Layout, Shape};

type Result<T> = std::result::Result<T, Error>;
type Next<'a> = dyn FnMut() -> u64 + 'a;

/// The most elements that a variable array gets.
const LONGEST: u64 = 5;

pub(crate) fn layout(schema: &Schema, layout: &Layout, next: &mut Next<'_>) -> Result<Value> {
    let mut object = Map::with_capacity(layout.fields.len());
    for field in &layout.fields {
        let value = if field.counts.is_empty() {
            let count = match field.shape {
                Shape::Counted(counter) => {
                    let counter = layout.fields.get(counter).and_then(|f| object.get(&f.name));
                    counter.and_then(Value::as_u64).unwrap_or(0) as usize
                }
                Shape::Fixed(n) => n,
                Shape::One => 1,
            };
            arm(schema, field, count, next)?
        } else {
            Value::from(next() % (LONGEST + 1))
        };
        object.insert(field.name.clone(), value);
    }
    Ok(Value::Object(object))
}

fn arm(schema: &Schema, field: &Field, count: usize, next: &mut Next<'_>) -> Result<Value> {
    match field.shape {
        Shape::One => item(schema, &field.item, next),
        Shape::Fixed(_) | Shape::Counted(_) => items(schema, &field.item, count, next),
    }
}

fn items(schema: &Schema, one: &Item, count: usize, next: &mut Next<'_>) -> Result<Value> {
    if matches!(one, Item::Primitive(Primitive::U8)) {
        return Ok(Value::String(bytes(count, next)));
    }
    (0..count).map(|_| item(schema, one, next)).collect::<Result<Vec<_>>>().map(Value::Array)
}

fn bytes(count: usize, next: &mut Next<'_>) -> String {
    let bytes: Vec<u8> = (0..count).map(|_| next().to_le_bytes()[0]).collect();
    hex::write(&bytes)
}

fn text(longest: usize, next: &mut Next<'_>) -> Value {
    let count = next() % (longest as u64 + 1);
    let text: String = (0..count).map(|_| char::from(b' ' + (next() % 95) as u8)).collect();
    Value::String(text)
}

fn item(schema: &Schema, item: &Item, next: &mut Next<'_>) -> Result<Value> {
    Ok(match item {
        Item::Primitive(p) => primitive(*p, next()),
        Item::Bytes(n) => Value::String(bytes(*n, next)),
        Item::Array(one, n) => items(schema, one, *n, next)?,
        Item::Struct(index) => match schema.types.get(*index) {
            Some(inner) => layout(schema, inner, next)?,
            None => Value::Null,
        },
        Item::Union(index, size) => {
            let Some(arms) = schema.types.get(*index) else { return Ok(Value::Null) };
            // The largest arm decides what all of them read.
            let mut largest: Option<(usize, &Field)> = None;
            for field in &arms.fields {
                let times = if let Shape::Fixed(n) = field.shape { n } else { 1 };
                let size = schema.item_size(&field.item).saturating_mul(times);
                if largest.is_none_or(|(other, _)| size > other) {
                    largest = Some((size, field));
                }
            }
            let mut body = Vec::new();
            if let Some((_, field)) = largest {
                let count = if let Shape::Fixed(n) = field.shape { n } else { 1 };
                let mut object = Map::new();
                object.insert(field.name.clone(), arm(schema, field, count, next)?);
                let one = Layout { fields: vec![field.clone()], min_size: *size };
                crate::encode::layout(schema, &one, &Value::Object(object), &mut body)?;
            }
            body.resize(*size, 0);
            crate::decode::union(schema, *index, &body, 0)?
        }
        Item::Text => text(40, next),
        Item::FixedText(n) => text(*n, next),
    })
}

fn primitive(primitive: Primitive, random: u64) -> Value {
    match primitive {
        Primitive::U8 => (random as u8).into(),
        Primitive::U16 => (random as u16).into(),
        Primitive::U32 => (random as u32).into(),
        Primitive::U64 => random.into(),
        Primitive::I8 => (random as i8).into(),
        Primitive::I16 => (random as i16).into(),
        Primitive::I32 => (random as i32).into(),
        Primitive::I64 => (random as i64).into(),
        Primitive::Bool => Value::Bool(random & 1 == 1),
        Primitive::F64 => {
            let number = f64::from_bits(random);
            match serde_json::Number::from_f64(number) {
                Some(number) => Value::Number(number),
                None => Value::String(format!("f64:{random:016x}")),
            }
        }
    }
}
