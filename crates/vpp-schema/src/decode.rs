//! Bytes to values.

use binapi_gen::model::Primitive;
use serde_json::{Map, Number, Value};

use crate::compile::Schema;
use crate::error::{Error, Path};
use crate::hex;
use crate::layout::{Item, Layout, Shape};

type Result<T> = std::result::Result<T, Error>;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Offset of the first byte in the body.
    base: usize,
}

impl<'a> Reader<'a> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn truncated(&self, needed: u64) -> Error {
        Error::Truncated {
            message: String::new(),
            path: Path::default(),
            offset: self.base.saturating_add(self.at),
            needed,
            available: self.left(),
        }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let taken = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end));
        match taken {
            Some(taken) => {
                self.at = self.at.saturating_add(n);
                Ok(taken)
            }
            None => Err(self.truncated(n as u64)),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        <[u8; N]>::try_from(taken).map_err(|_| self.truncated(N as u64))
    }
}

pub(crate) fn message(schema: &Schema, layout: &Layout, body: &[u8]) -> Result<(Value, usize)> {
    let mut reader = Reader { bytes: body, at: 0, base: 0 };
    let value = fields(schema, layout, &mut reader)?;
    Ok((value, reader.left()))
}

fn fields(schema: &Schema, layout: &Layout, reader: &mut Reader<'_>) -> Result<Value> {
    let mut object = Map::with_capacity(layout.fields.len());
    for field in &layout.fields {
        let value = match field.shape {
            Shape::One => item(schema, &field.item, reader),
            Shape::Fixed(n) => items(schema, &field.item, n as u64, reader),
            Shape::Counted(counter) => {
                let count = layout
                    .fields
                    .get(counter)
                    .and_then(|f| object.get(&f.name))
                    .and_then(|v| v.as_u64().or_else(|| v.as_i64().map(|_| u64::MAX)))
                    .unwrap_or(0);
                items(schema, &field.item, count, reader)
            }
        };
        object.insert(field.name.clone(), value.map_err(|e| e.within(&field.name))?);
    }
    Ok(Value::Object(object))
}

/// `count` items of one size. The bytes have to be there before anything is allocated for them.
fn items(schema: &Schema, one: &Item, count: u64, reader: &mut Reader<'_>) -> Result<Value> {
    let needed = count.saturating_mul(schema.item_size(one).max(1) as u64);
    if needed > reader.left() as u64 {
        return Err(reader.truncated(needed));
    }
    // Fits, for the bytes are there.
    let count = count as usize;
    if matches!(one, Item::Primitive(Primitive::U8)) {
        return Ok(Value::String(hex::write(reader.take(count)?)));
    }
    let mut list = Vec::with_capacity(count);
    for index in 0..count {
        list.push(item(schema, one, reader).map_err(|e| e.within_element(index))?);
    }
    Ok(Value::Array(list))
}

fn item(schema: &Schema, item: &Item, reader: &mut Reader<'_>) -> Result<Value> {
    Ok(match item {
        Item::Primitive(p) => primitive(*p, reader)?,
        Item::Bytes(n) => Value::String(hex::write(reader.take(*n)?)),
        Item::Array(one, n) => items(schema, one, *n as u64, reader)?,
        Item::Struct(index) => match schema.types.get(*index) {
            Some(layout) => fields(schema, layout, reader)?,
            None => Value::Null,
        },
        Item::Union(index, size) => {
            let base = reader.base.saturating_add(reader.at);
            let bytes = reader.take(*size)?;
            union(schema, *index, bytes, base)?
        }
        Item::Text => {
            let length = u32::from_be_bytes(reader.array()?);
            let bytes = match usize::try_from(length) {
                Ok(length) => reader.take(length)?,
                Err(_) => return Err(reader.truncated(u64::from(length))),
            };
            Value::String(String::from_utf8_lossy(bytes).into_owned())
        }
        Item::FixedText(n) => {
            let bytes = reader.take(*n)?;
            let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
            Value::String(String::from_utf8_lossy(text).into_owned())
        }
    })
}

/// Every arm, each from the first byte.
pub(crate) fn union(schema: &Schema, index: usize, bytes: &[u8], base: usize) -> Result<Value> {
    let mut object = Map::new();
    for arm in schema.types.get(index).map(|l| l.fields.as_slice()).unwrap_or_default() {
        let mut reader = Reader { bytes, at: 0, base };
        let value = match arm.shape {
            Shape::Fixed(n) => items(schema, &arm.item, n as u64, &mut reader),
            Shape::One | Shape::Counted(_) => item(schema, &arm.item, &mut reader),
        };
        object.insert(arm.name.clone(), value.map_err(|e| e.within(&arm.name))?);
    }
    Ok(Value::Object(object))
}

fn primitive(primitive: Primitive, reader: &mut Reader<'_>) -> Result<Value> {
    Ok(match primitive {
        Primitive::U8 => u8::from_be_bytes(reader.array()?).into(),
        Primitive::U16 => u16::from_be_bytes(reader.array()?).into(),
        Primitive::U32 => u32::from_be_bytes(reader.array()?).into(),
        Primitive::U64 => u64::from_be_bytes(reader.array()?).into(),
        Primitive::I8 => i8::from_be_bytes(reader.array()?).into(),
        Primitive::I16 => i16::from_be_bytes(reader.array()?).into(),
        Primitive::I32 => i32::from_be_bytes(reader.array()?).into(),
        Primitive::I64 => i64::from_be_bytes(reader.array()?).into(),
        Primitive::Bool => Value::Bool(reader.array::<1>()? != [0]),
        Primitive::F64 => {
            let bytes = reader.array()?;
            match Number::from_f64(f64::from_le_bytes(bytes)) {
                Some(number) => Value::Number(number),
                None => Value::String(format!("f64:{:016x}", u64::from_le_bytes(bytes))),
            }
        }
    })
}

impl Schema {
    /// The least size of an item.
    pub(crate) fn item_size(&self, item: &Item) -> usize {
        match item {
            Item::Primitive(p) => p.size(),
            Item::Bytes(n) | Item::FixedText(n) => *n,
            Item::Array(item, n) => self.item_size(item).saturating_mul(*n),
            Item::Union(_, size) => *size,
            Item::Text => 4,
            Item::Struct(index) => self.types.get(*index).map_or(0, |l| l.min_size),
        }
    }
}
