//! Definitions to layouts.

use std::collections::{BTreeMap, HashMap};

use binapi_gen::model::{Api, Arity, Component, Field as Definition, Primitive, Release, TypeKind, TypeRef};
use binapi_gen::resolve::{Header, Names};
use serde_json::Value;

use crate::error::{Error, SchemaError};
use crate::layout::{Field, FieldKind, Item, Layout, Shape};

/// One release's messages, ready for encoding and decoding.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) release: Release,
    pub(crate) messages: Vec<Message>,
    pub(crate) by_name: HashMap<String, usize>,
    pub(crate) types: Vec<Layout>,
    services: BTreeMap<String, Service>,
}

/// A message of a [`Schema`].
#[derive(Clone, Debug)]
pub struct Message {
    name: String,
    module: String,
    component: Component,
    crc: u32,
    header: Header,
    pub(crate) layout: Layout,
}

impl Message {
    /// Its name, without CRC.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module that defines it.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Whether that module is core or plugin.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// Its CRC as the definition states it.
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// The form in which a message table lists it: `control_ping_51077d14`.
    pub fn name_crc(&self) -> String {
        format!("{}_{:08x}", self.name, self.crc)
    }

    /// What stands before its own fields.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The least number of bytes of a body.
    pub fn min_size(&self) -> usize {
        self.layout.min_size
    }

    /// Names of its fields, in order, `client_index` and `context` among them.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.layout.fields.iter().map(|f| f.name.as_str())
    }
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The one reply; `None` for dumps that end with nothing, and where VPP sends nothing.
    pub reply: Option<String>,
    /// The details that come any number of times.
    pub details: Option<String>,
    /// Events that it subscribes to.
    pub events: Vec<String>,
}

impl Schema {
    /// Compiles a release's definitions.
    ///
    /// # Errors
    /// A type that no module defines, that contains itself, whose arrays have elements of no fixed size, or an
    /// array whose count is not a number before it.
    pub fn new(api: &Api) -> Result<Self, SchemaError> {
        let names = Names::new(api);
        let mut compiler =
            Compiler { release: api.release, names: &names, types: Vec::new(), known: HashMap::new() };
        let mut messages = Vec::with_capacity(names.messages.len());
        let mut by_name = HashMap::with_capacity(names.messages.len());
        for (module, message) in names.messages.values() {
            let layout = compiler.layout(&message.name, &message.fields, &mut Vec::new())?;
            by_name.insert(message.name.clone(), messages.len());
            messages.push(Message {
                name: message.name.clone(),
                module: module.name.clone(),
                component: module.component.clone(),
                crc: message.crc,
                header: Header::of(&message.fields),
                layout,
            });
        }
        let services = names
            .services
            .values()
            .map(|s| {
                let service = match (s.stream, &s.stream_message) {
                    (_, Some(details)) => Service {
                        reply: s.reply.clone(),
                        details: Some(details.clone()),
                        events: s.events.clone(),
                    },
                    (true, None) => {
                        Service { reply: None, details: s.reply.clone(), events: s.events.clone() }
                    }
                    (false, None) => {
                        Service { reply: s.reply.clone(), details: None, events: s.events.clone() }
                    }
                };
                (s.request.clone(), service)
            })
            .collect();
        Ok(Self { release: api.release, messages, by_name, types: compiler.types, services })
    }

    /// The release.
    pub fn release(&self) -> Release {
        self.release
    }

    /// All messages, by name.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    /// The message of that name.
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.by_name.get(name).and_then(|i| self.messages.get(*i))
    }

    /// What answers a request; `None` for what is no request.
    pub fn service(&self, request: &str) -> Option<&Service> {
        self.services.get(request)
    }

    /// What a field takes; `path` leads through structs, unions and arrays by names: `route.paths.nh.address`.
    /// `None` where the release has no such field.
    pub fn field(&self, message: &str, path: &str) -> Option<FieldKind> {
        let mut layout = &self.message(message)?.layout;
        let mut steps = path.split('.').peekable();
        while let Some(step) = steps.next() {
            let field = layout.fields.iter().find(|f| f.name == step)?;
            if steps.peek().is_none() {
                return Some(field.kind());
            }
            layout = match &field.item {
                Item::Struct(i) | Item::Union(i, _) => self.types.get(*i)?,
                _ => return None,
            };
        }
        None
    }

    /// Bytes of a message's body, that is after its id, from an object of its fields.
    ///
    /// # Errors
    /// See [`Error`]; the first mistake found is told.
    pub fn encode(&self, name: &str, fields: &Value) -> Result<Vec<u8>, Error> {
        let message = self.find(name)?;
        let mut out = Vec::with_capacity(message.layout.min_size);
        crate::encode::layout(self, &message.layout, fields, &mut out).map_err(|e| e.of(name))?;
        Ok(out)
    }

    /// The fields of a body. Bytes after the last field are left out, as VPP does.
    ///
    /// # Errors
    /// [`Error::Truncated`] when the body ends before its last field, [`Error::UnknownMessage`].
    pub fn decode(&self, name: &str, body: &[u8]) -> Result<Value, Error> {
        self.decode_and_rest(name, body).map(|(value, _)| value)
    }

    /// Like [`Schema::decode`], and how many bytes come after the last field.
    ///
    /// # Errors
    /// See [`Schema::decode`].
    pub fn decode_and_rest(&self, name: &str, body: &[u8]) -> Result<(Value, usize), Error> {
        let message = self.find(name)?;
        crate::decode::message(self, &message.layout, body).map_err(|e| e.of(name))
    }

    /// Fields with values made from the numbers that `next` gives; for tests of codecs. Encoding them and
    /// decoding that gives them back unchanged.
    ///
    /// # Errors
    /// [`Error::UnknownMessage`].
    pub fn sample(&self, name: &str, next: &mut dyn FnMut() -> u64) -> Result<Value, Error> {
        let message = self.find(name)?;
        crate::sample::layout(self, &message.layout, next).map_err(|e| e.of(name))
    }

    fn find(&self, name: &str) -> Result<&Message, Error> {
        self.message(name).ok_or_else(|| Error::UnknownMessage {
            release: self.release.to_string(),
            message: name.to_string(),
        })
    }
}

struct Compiler<'a> {
    release: Release,
    names: &'a Names<'a>,
    types: Vec<Layout>,
    known: HashMap<String, usize>,
}

impl Compiler<'_> {
    fn error(&self, owner: &str, field: &str, what: impl Into<String>) -> SchemaError {
        SchemaError {
            release: self.release.to_string(),
            owner: owner.to_string(),
            field: field.to_string(),
            what: what.into(),
        }
    }

    fn layout(
        &mut self,
        owner: &str,
        definitions: &[Definition],
        way: &mut Vec<String>,
    ) -> Result<Layout, SchemaError> {
        let mut fields: Vec<Field> = Vec::with_capacity(definitions.len());
        let mut min_size = 0_usize;
        for (position, definition) in definitions.iter().enumerate() {
            let (item, shape) = self.field(owner, definition, &fields, way)?;
            if let Shape::Counted(counter) = shape
                && let Some(counter) = fields.get_mut(counter)
            {
                counter.counts.push(position);
            }
            let (least, fixed) = self.size(&item);
            let times = match shape {
                Shape::One => 1,
                Shape::Fixed(n) => n,
                Shape::Counted(_) => 0,
            };
            if !matches!(shape, Shape::One) && (!fixed || least == 0) {
                return Err(self.error(
                    owner,
                    &definition.name,
                    "elements of an array need one size, and not 0",
                ));
            }
            min_size = least
                .checked_mul(times)
                .and_then(|n| n.checked_add(min_size))
                .filter(|n| *n <= 1 << 30)
                .ok_or_else(|| self.error(owner, &definition.name, "too large"))?;
            fields.push(Field { name: definition.name.clone(), item, shape, counts: Vec::new() });
        }
        Ok(Layout { fields, min_size })
    }

    fn field(
        &mut self,
        owner: &str,
        definition: &Definition,
        before: &[Field],
        way: &mut Vec<String>,
    ) -> Result<(Item, Shape), SchemaError> {
        if definition.ty == TypeRef::Text {
            let item = match definition.arity {
                Arity::Fixed(n) if n > 0 => Item::FixedText(n),
                Arity::One | Arity::Fixed(_) => Item::Text,
                Arity::Counted(_) => {
                    return Err(self.error(
                        owner,
                        &definition.name,
                        "text has its own length, not a counter",
                    ));
                }
            };
            return Ok((item, Shape::One));
        }
        let item = self.item(owner, definition, &definition.ty, way)?;
        let shape = match &definition.arity {
            Arity::One => Shape::One,
            Arity::Fixed(n) => Shape::Fixed(*n),
            Arity::Counted(counter) => {
                let position = before
                    .iter()
                    .position(|f| {
                        f.name == *counter
                            && matches!(f.shape, Shape::One)
                            && matches!(&f.item, Item::Primitive(p) if !matches!(p, Primitive::Bool | Primitive::F64))
                    })
                    .ok_or_else(|| {
                        self.error(owner, &definition.name, format!("its count {counter} is no number before it"))
                    })?;
                Shape::Counted(position)
            }
        };
        Ok((item, shape))
    }

    fn item(
        &mut self,
        owner: &str,
        definition: &Definition,
        ty: &TypeRef,
        way: &mut Vec<String>,
    ) -> Result<Item, SchemaError> {
        let name = match ty {
            TypeRef::Primitive(p) => return Ok(Item::Primitive(*p)),
            TypeRef::Text => return Ok(Item::Text),
            TypeRef::Named(name) => name,
        };
        let found = self
            .names
            .ty(name)
            .ok_or_else(|| self.error(owner, &definition.name, format!("no module defines type {name}")))?;
        if way.contains(name) {
            return Err(self.error(owner, &definition.name, format!("type {name} contains itself")));
        }
        match &found.kind {
            TypeKind::Enum { width, .. } => Ok(Item::Primitive(*width)),
            TypeKind::Alias { ty, length } => {
                way.push(name.clone());
                let item = self.item(owner, definition, ty, way)?;
                way.pop();
                match (item, length) {
                    (item, None) => Ok(item),
                    (Item::Primitive(Primitive::U8), Some(n)) => Ok(Item::Bytes(*n)),
                    (item, Some(n)) => {
                        if self.size(&item) == (0, true) || !self.size(&item).1 {
                            return Err(self.error(
                                owner,
                                &definition.name,
                                format!("alias {name} has no size"),
                            ));
                        }
                        Ok(Item::Array(Box::new(item), *n))
                    }
                }
            }
            TypeKind::Struct(fields) | TypeKind::Union(fields) => {
                let union = matches!(found.kind, TypeKind::Union(_));
                let index = match self.known.get(name) {
                    Some(index) => *index,
                    None => {
                        way.push(name.clone());
                        let layout = self.layout(name, fields, way)?;
                        way.pop();
                        let index = self.types.len();
                        self.types.push(layout);
                        self.known.insert(name.clone(), index);
                        index
                    }
                };
                if !union {
                    return Ok(Item::Struct(index));
                }
                let mut size = 0;
                for field in self.types.get(index).map(|l| l.fields.as_slice()).unwrap_or_default() {
                    let (least, fixed) = self.size(&field.item);
                    let times = match field.shape {
                        Shape::One => 1,
                        Shape::Fixed(n) => n,
                        Shape::Counted(_) => {
                            return Err(self.error(name, &field.name, "an arm of a union needs a size"));
                        }
                    };
                    if !fixed {
                        return Err(self.error(name, &field.name, "an arm of a union needs a size"));
                    }
                    size = size.max(least.saturating_mul(times));
                }
                Ok(Item::Union(index, size))
            }
        }
    }

    /// The least size, and whether it is the only one.
    fn size(&self, item: &Item) -> (usize, bool) {
        match item {
            Item::Primitive(p) => (p.size(), true),
            Item::Bytes(n) | Item::FixedText(n) => (*n, true),
            Item::Array(item, n) => {
                let (least, fixed) = self.size(item);
                (least.saturating_mul(*n), fixed)
            }
            Item::Union(_, size) => (*size, true),
            Item::Text => (4, false),
            Item::Struct(index) => {
                let Some(layout) = self.types.get(*index) else { return (0, true) };
                let fixed = layout
                    .fields
                    .iter()
                    .all(|f| !matches!(f.shape, Shape::Counted(_)) && self.size(&f.item).1);
                (layout.min_size, fixed)
            }
        }
    }
}
