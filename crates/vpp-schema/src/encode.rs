//! Values to bytes.

use std::sync::LazyLock;

use binapi_gen::model::Primitive;
use serde_json::{Map, Value};

use crate::compile::Schema;
use crate::error::{Error, Path};
use crate::hex;
use crate::layout::{Field, Item, Layout, Shape};

type Result<T> = std::result::Result<T, Error>;

fn misfit(expected: impl Into<String>, found: &Value) -> Error {
    let mut found = found.to_string();
    if found.len() > 60 {
        found = found.chars().take(57).chain("...".chars()).collect();
    }
    Error::Value { message: String::new(), path: Path::default(), expected: expected.into(), found }
}

static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// The object of a struct or union; nothing at all is an object without fields.
fn object(value: &Value) -> Result<&Map<String, Value>> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(&NOTHING),
        other => Err(misfit("an object", other)),
    }
}

fn known(layout: &Layout, object: &Map<String, Value>) -> Result<()> {
    match object.keys().find(|key| !layout.fields.iter().any(|f| f.name == **key)) {
        None => Ok(()),
        Some(key) => Err(Error::UnknownField { message: String::new(), path: Path::default() }.within(key)),
    }
}

pub(crate) fn layout(schema: &Schema, layout: &Layout, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let object = object(value)?;
    known(layout, object)?;
    for field in &layout.fields {
        let given = object.get(&field.name).filter(|v| !v.is_null());
        if field.counts.is_empty() {
            shaped(schema, field, given, out).map_err(|e| e.within(&field.name))?;
        } else {
            counter(layout, field, given, object, out)?;
        }
    }
    Ok(())
}

/// A field that counts: what it says has to be so, and when it says nothing the array does.
fn counter(
    layout: &Layout,
    field: &Field,
    given: Option<&Value>,
    object: &Map<String, Value>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let Item::Primitive(width) = field.item else { return Ok(()) };
    let arrays = field.counts.iter().filter_map(|i| layout.fields.get(*i));
    let mut length = None;
    for array in arrays {
        let here = elements(object.get(&array.name));
        match length {
            None => length = Some((here, array)),
            Some((other, _)) if other == here => {}
            Some((other, _)) => return Err(miscount(field, array, other as u64, here)),
        }
    }
    let Some((length, array)) = length else { return Ok(()) };
    if let Some(given) = given
        && given.as_u64() != Some(length as u64)
    {
        return match given.as_u64() {
            Some(count) => Err(miscount(field, array, count, length)),
            None => Err(misfit("a count", given).within(&field.name)),
        };
    }
    primitive(width, &Value::from(length), out).map_err(|_| {
        miscount(
            field,
            array,
            1_u64.checked_shl(8 * width.size() as u32).unwrap_or(0).wrapping_sub(1),
            length,
        )
    })
}

fn miscount(counter: &Field, array: &Field, count: u64, elements: usize) -> Error {
    Error::Count {
        message: String::new(),
        path: Path::default().within(&array.name),
        counter: counter.name.clone(),
        count,
        elements,
    }
}

fn elements(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(list)) => list.len(),
        Some(Value::String(text)) => text.len() / 2,
        _ => 0,
    }
}

fn shaped(schema: &Schema, field: &Field, given: Option<&Value>, out: &mut Vec<u8>) -> Result<()> {
    match (&field.shape, given) {
        (Shape::One, Some(value)) => item(schema, &field.item, value, out),
        (Shape::Fixed(n), Some(value)) => items(schema, &field.item, Some(*n), value, out),
        (Shape::Counted(_), Some(value)) => items(schema, &field.item, None, value, out),
        (Shape::One, None) => zeros(out, schema.item_size(&field.item)),
        (Shape::Fixed(n), None) => zeros(out, schema.item_size(&field.item).saturating_mul(*n)),
        (Shape::Counted(_), None) => Ok(()),
    }
}

fn zeros(out: &mut Vec<u8>, n: usize) -> Result<()> {
    out.resize(out.len().saturating_add(n), 0);
    Ok(())
}

fn items(schema: &Schema, one: &Item, n: Option<usize>, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    if matches!(one, Item::Primitive(Primitive::U8)) {
        return bytes(n, value, out);
    }
    let Value::Array(list) = value else { return Err(misfit("an array", value)) };
    if let Some(n) = n
        && list.len() > n
    {
        return Err(misfit(format!("an array of {n}"), value));
    }
    for (index, value) in list.iter().enumerate() {
        item(schema, one, value, out).map_err(|e| e.within_element(index))?;
    }
    let missing = n.unwrap_or(0).saturating_sub(list.len());
    zeros(out, schema.item_size(one).saturating_mul(missing))
}

/// Fewer bytes than the field has are padded with zeros.
fn bytes(n: Option<usize>, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let expected = || match n {
        Some(n) => format!("at most {n} bytes as hex"),
        None => "bytes as hex".to_string(),
    };
    let given = match value {
        Value::String(text) => hex::read(text).ok_or_else(|| misfit(expected(), value))?,
        Value::Array(list) => list
            .iter()
            .map(|v| v.as_u64().and_then(|v| u8::try_from(v).ok()))
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(|| misfit(expected(), value))?,
        _ => return Err(misfit(expected(), value)),
    };
    if n.is_some_and(|n| given.len() > n) {
        return Err(misfit(expected(), value));
    }
    let missing = n.unwrap_or(0).saturating_sub(given.len());
    out.extend_from_slice(&given);
    zeros(out, missing)
}

fn item(schema: &Schema, item: &Item, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        return zeros(out, schema.item_size(item));
    }
    match item {
        Item::Primitive(p) => primitive(*p, value, out),
        Item::Bytes(n) => bytes(Some(*n), value, out),
        Item::Array(one, n) => items(schema, one, Some(*n), value, out),
        Item::Struct(index) => match schema.types.get(*index) {
            Some(inner) => layout(schema, inner, value, out),
            None => Ok(()),
        },
        Item::Union(index, size) => union(schema, *index, *size, value, out),
        Item::Text => {
            let Value::String(text) = value else { return Err(misfit("text", value)) };
            let length = u32::try_from(text.len()).map_err(|_| misfit("text of less than 4 GiB", value))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Item::FixedText(n) => {
            let Value::String(text) = value else { return Err(misfit("text", value)) };
            if text.len() > *n {
                return Err(misfit(format!("text of at most {n} bytes"), value));
            }
            out.extend_from_slice(text.as_bytes());
            zeros(out, n.saturating_sub(text.len()))
        }
    }
}

fn union(schema: &Schema, index: usize, size: usize, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let object = object(value)?;
    let Some(arms) = schema.types.get(index) else { return Ok(()) };
    known(arms, object)?;
    let arm_size = |field: &Field| {
        let times = if let Shape::Fixed(n) = field.shape { n } else { 1 };
        schema.item_size(&field.item).saturating_mul(times)
    };
    let mut chosen: Option<(&Field, &Value)> = None;
    for arm in &arms.fields {
        if let Some(value) = object.get(&arm.name)
            && chosen.is_none_or(|(other, _)| arm_size(arm) > arm_size(other))
        {
            chosen = Some((arm, value));
        }
    }
    let start = out.len();
    if let Some((arm, value)) = chosen {
        let written = match arm.shape {
            Shape::Fixed(n) => items(schema, &arm.item, Some(n), value, out),
            Shape::One | Shape::Counted(_) => item(schema, &arm.item, value, out),
        };
        written.map_err(|e| e.within(&arm.name))?;
    }
    out.resize(start.saturating_add(size), 0);
    Ok(())
}

fn primitive(primitive: Primitive, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    macro_rules! unsigned {
        ($ty:ty) => {{
            let number = value
                .as_u64()
                .or_else(|| value.as_bool().map(u64::from))
                .and_then(|n| <$ty>::try_from(n).ok())
                .ok_or_else(|| misfit(concat!("a number that fits ", stringify!($ty)), value))?;
            out.extend_from_slice(&number.to_be_bytes());
        }};
    }
    macro_rules! signed {
        ($ty:ty) => {{
            let number = value
                .as_i64()
                .and_then(|n| <$ty>::try_from(n).ok())
                .ok_or_else(|| misfit(concat!("a number that fits ", stringify!($ty)), value))?;
            out.extend_from_slice(&number.to_be_bytes());
        }};
    }
    match primitive {
        Primitive::U8 => unsigned!(u8),
        Primitive::U16 => unsigned!(u16),
        Primitive::U32 => unsigned!(u32),
        Primitive::U64 => unsigned!(u64),
        Primitive::I8 => signed!(i8),
        Primitive::I16 => signed!(i16),
        Primitive::I32 => signed!(i32),
        Primitive::I64 => signed!(i64),
        Primitive::Bool => match (value, value.as_u64()) {
            (Value::Bool(b), _) => out.push(u8::from(*b)),
            (_, Some(n @ (0 | 1))) => out.push(u8::from(n == 1)),
            _ => return Err(misfit("true or false", value)),
        },
        Primitive::F64 => {
            let bits = value
                .as_f64()
                .map(f64::to_bits)
                .or_else(|| {
                    let text = value.as_str()?.strip_prefix("f64:")?;
                    u64::from_str_radix(text, 16).ok()
                })
                .ok_or_else(|| misfit("a number", value))?;
            out.extend_from_slice(&bits.to_le_bytes());
        }
    }
    Ok(())
}
