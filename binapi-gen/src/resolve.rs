//! Follows names: types to what they are made of, services to their messages.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Problems};
use crate::model::{Api, Arity, Field, Message, Module, Place, Primitive, Service, Type, TypeKind, TypeRef};

/// The fields that a message has before its own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Header {
    /// Only the message id.
    None,
    /// Requests without a handle, replies, details: the context at offset 2.
    Context,
    /// Events: the client's handle at offset 2.
    ClientIndex,
    /// Requests, and a few replies: the handle at offset 2, the context at offset 6.
    ClientIndexContext,
}

impl Header {
    /// Of a message's fields (without `_vl_msg_id`).
    pub fn of(fields: &[Field]) -> Self {
        let is = |i: usize, name: &str| {
            fields.get(i).is_some_and(|f| {
                f.name == name && f.arity == Arity::One && f.ty == TypeRef::Primitive(Primitive::U32)
            })
        };
        match (is(0, "client_index"), is(0, "context"), is(1, "context")) {
            (true, _, true) => Self::ClientIndexContext,
            (true, ..) => Self::ClientIndex,
            (_, true, _) => Self::Context,
            _ => Self::None,
        }
    }

    /// How many of the fields it takes.
    pub fn fields(self) -> usize {
        match self {
            Self::None => 0,
            Self::Context | Self::ClientIndex => 1,
            Self::ClientIndexContext => 2,
        }
    }
}

/// All definitions of a release by name.
#[derive(Debug)]
pub struct Names<'a> {
    /// Types, with the module that holds them.
    pub types: BTreeMap<&'a str, (&'a Module, &'a Type)>,
    /// Messages, with their module.
    pub messages: BTreeMap<&'a str, (&'a Module, &'a Message)>,
    /// Services by request.
    pub services: BTreeMap<&'a str, &'a Service>,
}

impl<'a> Names<'a> {
    /// Lists what a release has.
    pub fn new(api: &'a Api) -> Self {
        let mut names = Self { types: BTreeMap::new(), messages: BTreeMap::new(), services: BTreeMap::new() };
        for module in api.modules.values() {
            for ty in &module.types {
                names.types.insert(&ty.name, (module, ty));
            }
            for message in &module.messages {
                names.messages.insert(&message.name, (module, message));
            }
            for service in &module.services {
                names.services.insert(&service.request, service);
            }
        }
        names
    }

    /// The definition of a named type.
    pub fn ty(&self, name: &str) -> Option<&'a Type> {
        self.types.get(name).map(|(_, ty)| *ty)
    }

    /// Bytes that a value takes on the wire; `None` where that depends on the value (or a name dangles).
    pub fn size(&self, field: &Field) -> Option<usize> {
        if field.ty == TypeRef::Text {
            return match field.arity {
                Arity::Fixed(n) if n > 0 => Some(n),
                _ => None,
            };
        }
        let one = self.size_of(&field.ty)?;
        match field.arity {
            Arity::One => Some(one),
            Arity::Fixed(n) => one.checked_mul(n),
            Arity::Counted(_) => None,
        }
    }

    /// The same for one value of a type.
    pub fn size_of(&self, ty: &TypeRef) -> Option<usize> {
        match ty {
            TypeRef::Primitive(p) => Some(p.size()),
            TypeRef::Text => None,
            TypeRef::Named(name) => match &self.ty(name)?.kind {
                TypeKind::Struct(fields) => fields.iter().map(|f| self.size(f)).sum(),
                TypeKind::Union(fields) => {
                    fields.iter().map(|f| self.size(f)).collect::<Option<Vec<_>>>()?.into_iter().max()
                }
                TypeKind::Enum { width, .. } => Some(width.size()),
                TypeKind::Alias { ty, length } => self.size_of(ty)?.checked_mul(length.unwrap_or(1)),
            },
        }
    }
}

fn fields_of(ty: &Type) -> Vec<(&TypeRef, &str)> {
    match &ty.kind {
        TypeKind::Struct(fields) | TypeKind::Union(fields) => {
            fields.iter().map(|f| (&f.ty, f.name.as_str())).collect()
        }
        TypeKind::Enum { .. } => Vec::new(),
        TypeKind::Alias { ty, .. } => vec![(ty, "")],
    }
}

/// Checks what crosses definitions: no name dangles, no type contains itself, arrays have elements of one size,
/// services name messages.
pub fn check(api: &Api) -> Result<(), Error> {
    let names = Names::new(api);
    let mut problems = Problems::default();
    let mut dangling = |place: &Place, owner: &str, ty: &TypeRef, field: &str| {
        if let TypeRef::Named(name) = ty
            && !names.types.contains_key(name.as_str())
        {
            problems.push(place, format!("{owner}.{field}: no module defines type {name}"));
        }
    };
    for (_, ty) in names.types.values() {
        for (target, field) in fields_of(ty) {
            dangling(&ty.place, &ty.name, target, field);
        }
    }
    for (_, message) in names.messages.values() {
        for field in &message.fields {
            dangling(&message.place, &message.name, &field.ty, &field.name);
        }
    }
    for module in api.modules.values() {
        for service in &module.services {
            let named = std::iter::once(&service.request)
                .chain(&service.reply)
                .chain(&service.stream_message)
                .chain(&service.events);
            for name in named {
                if !names.messages.contains_key(name.as_str()) {
                    problems.push(
                        &service.place,
                        format!("service {}: no module defines message {name}", service.request),
                    );
                }
            }
        }
    }
    if problems.is_empty() {
        for (_, ty) in names.types.values() {
            if let Some(way) = cycle(&names, &ty.name) {
                problems.push(&ty.place, format!("type {} contains itself: {}", ty.name, way.join(" > ")));
            }
        }
    }
    if problems.is_empty() {
        let fields = names.types.values().flat_map(|(_, ty)| match &ty.kind {
            TypeKind::Struct(fields) | TypeKind::Union(fields) => fields.iter().map(|f| (*ty, f)).collect(),
            _ => Vec::new(),
        });
        let fields: Vec<(&Place, &str, &Field)> = fields
            .map(|(ty, f)| (&ty.place, ty.name.as_str(), f))
            .chain(
                names
                    .messages
                    .values()
                    .flat_map(|(_, m)| m.fields.iter().map(|f| (&m.place, m.name.as_str(), f))),
            )
            .collect();
        for (place, owner, field) in fields {
            let array = !matches!(field.arity, Arity::One) && field.ty != TypeRef::Text;
            if array && names.size_of(&field.ty).is_none() {
                problems.push(place, format!("{owner}.{}: elements of an array need one size", field.name));
            }
        }
    }
    problems.into_result(())
}

/// The way from a type back to itself, if there is one. Walks depth first over an explicit stack.
fn cycle(names: &Names<'_>, start: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut stack = vec![vec![start.to_string()]];
    while let Some(way) = stack.pop() {
        let Some(ty) = way.last().and_then(|name| names.ty(name)) else { continue };
        for (target, _) in fields_of(ty) {
            if let TypeRef::Named(name) = target {
                let mut longer = way.clone();
                longer.push(name.clone());
                if name == start {
                    return Some(longer);
                }
                if seen.insert(name.clone()) {
                    stack.push(longer);
                }
            }
        }
    }
    None
}
