//! Follows names: types to what they are made of, services to their messages.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Problems};
use crate::model::{
    Api, Arity, Field, LARGEST_TYPE, Message, Module, Place, Primitive, Release, Service, Type, TypeKind,
    TypeRef,
};

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

impl Api {
    /// Puts a release's modules together and checks what can only be seen across them.
    pub fn new(release: Release, modules: BTreeMap<String, Module>) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let mut messages: BTreeMap<&str, &Message> = BTreeMap::new();
        let mut types: BTreeMap<&str, &Type> = BTreeMap::new();
        let mut services: BTreeMap<&str, &Service> = BTreeMap::new();
        for module in modules.values() {
            for service in &module.services {
                if let Some(other) = services.insert(&service.request, service) {
                    problems.push(
                        &service.place,
                        format!("service {} stands at {} already", service.request, other.place),
                    );
                }
            }
            for message in &module.messages {
                if let Some(other) = messages.insert(&message.name, message) {
                    problems.push(
                        &message.place,
                        format!("message {} stands at {} already", message.name, other.place),
                    );
                }
            }
            for ty in &module.types {
                if let Some(other) = types.insert(&ty.name, ty)
                    && other.kind != ty.kind
                {
                    problems
                        .push(&ty.place, format!("type {} differs from the one at {}", ty.name, other.place));
                }
            }
        }
        problems.into_result(Self { release, modules })
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
    ///
    /// For definitions that [`check`] has passed: types that contain themselves have no size.
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
                TypeKind::Struct(fields) => {
                    fields.iter().try_fold(0usize, |sum, f| sum.checked_add(self.size(f)?))
                }
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

/// Checks what crosses definitions: no name dangles, no type contains itself, elements of arrays and arms of unions
/// have one size, nothing is too large, services name messages.
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
        let order = innermost_first(&names, &mut problems);
        if problems.is_empty() {
            extents(&names, &order, &mut problems);
        }
    }
    problems.into_result(())
}

/// All types, each after those that it is made of. A type that contains itself is a problem.
///
/// Goes over an explicit stack: how deep types nest is up to the definitions.
fn innermost_first<'a>(names: &Names<'a>, problems: &mut Problems) -> Vec<&'a Type> {
    let parts = |ty: &'a Type| fields_of(ty).into_iter().map(|(target, _)| target);
    let mut order = Vec::new();
    let mut met: BTreeSet<&str> = BTreeSet::new();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for (_, start) in names.types.values() {
        if !met.insert(&start.name) {
            continue;
        }
        let mut way = vec![(*start, parts(start))];
        while let Some((ty, rest)) = way.last_mut() {
            let ty = *ty;
            let Some(target) = rest.next() else {
                done.insert(&ty.name);
                order.push(ty);
                way.pop();
                continue;
            };
            let TypeRef::Named(name) = target else { continue };
            let Some(inner) = names.ty(name) else { continue };
            if met.insert(&inner.name) {
                way.push((inner, parts(inner)));
            } else if !done.contains(inner.name.as_str()) {
                let circle = way.iter().map(|(ty, _)| ty.name.as_str()).skip_while(|ty| *ty != inner.name);
                let circle: Vec<&str> = circle.chain([inner.name.as_str()]).collect();
                problems.push(
                    &inner.place,
                    format!("type {} contains itself: {}", inner.name, circle.join(" > ")),
                );
            }
        }
    }
    order
}

/// How far a type or message reaches.
#[derive(Clone, Copy, Default)]
struct Extent {
    /// Bytes on the wire, where they do not depend on the value.
    fixed: Option<usize>,
    /// Bytes of the parts that do not vary in length.
    least: usize,
    /// Types met on the way down to primitives.
    types: usize,
    /// The longest way down.
    depth: usize,
}

/// Types that nest deeper are a mistake, or made to break what follows them down; VPP's nest up to 8 deep.
const DEEPEST: usize = 32;

/// The same for types that are met on the way down; VPP's messages meet up to 144.
const MOST_TYPES: usize = 10_000;

/// Checks sizes, of the inner types first, so that what is wrong is told where it begins.
fn extents(names: &Names<'_>, order: &[&Type], problems: &mut Problems) {
    let mut known: BTreeMap<&str, Extent> = BTreeMap::new();
    for ty in order {
        let (fields, union): (Vec<Field>, bool) = match &ty.kind {
            TypeKind::Struct(fields) => (fields.clone(), false),
            TypeKind::Union(fields) => (fields.clone(), true),
            TypeKind::Enum { width, .. } => {
                let size = width.size();
                known.insert(&ty.name, Extent { fixed: Some(size), least: size, types: 1, depth: 1 });
                continue;
            }
            TypeKind::Alias { ty: target, length } => {
                let arity = length.map_or(Arity::One, Arity::Fixed);
                let name = "its target".to_string();
                (vec![Field { name, ty: target.clone(), arity, options: BTreeMap::new() }], false)
            }
        };
        let extent = extent(&known, &ty.place, &ty.name, &fields, union, problems);
        known.insert(&ty.name, extent);
    }
    for (_, message) in names.messages.values() {
        extent(&known, &message.place, &message.name, &message.fields, false, problems);
    }
}

/// The extent of fields, side by side or (in a union) one on top of the other.
fn extent(
    known: &BTreeMap<&str, Extent>,
    place: &Place,
    owner: &str,
    fields: &[Field],
    union: bool,
    problems: &mut Problems,
) -> Extent {
    let mut whole = Extent { fixed: Some(0), ..Extent::default() };
    let mut within = true;
    for field in fields {
        let one = match &field.ty {
            TypeRef::Primitive(p) => Extent { fixed: Some(p.size()), least: p.size(), types: 0, depth: 0 },
            TypeRef::Text => Extent::default(),
            TypeRef::Named(name) => known.get(name.as_str()).copied().unwrap_or_default(),
        };
        within &= one.least <= LARGEST_TYPE && one.types <= MOST_TYPES && one.depth <= DEEPEST;
        let array = field.arity != Arity::One && field.ty != TypeRef::Text;
        if array && one.fixed.is_none() {
            problems.push(
                place,
                format!("{owner}.{}: an array of elements of no fixed size; expected one size", field.name),
            );
        }
        let (fixed, least) = match (&field.ty, &field.arity) {
            (TypeRef::Text, Arity::Fixed(n)) if *n > 0 => (Some(*n), *n),
            (TypeRef::Text, _) | (_, Arity::Counted(_)) => (None, 0),
            (_, Arity::One) => (one.fixed, one.least),
            (_, Arity::Fixed(n)) => {
                (one.fixed.and_then(|size| size.checked_mul(*n)), one.least.saturating_mul(*n))
            }
        };
        if union {
            if fixed.is_none() {
                problems.push(
                    place,
                    format!("union {owner}: arm {} has no fixed size; expected one", field.name),
                );
            }
            whole.fixed = whole.fixed.zip(fixed).map(|(a, b)| a.max(b));
            whole.least = whole.least.max(least);
        } else {
            whole.fixed = whole.fixed.zip(fixed).and_then(|(a, b)| a.checked_add(b));
            whole.least = whole.least.saturating_add(least);
        }
        whole.types = whole.types.saturating_add(one.types);
        whole.depth = whole.depth.max(one.depth);
    }
    whole.types = whole.types.saturating_add(1);
    whole.depth = whole.depth.saturating_add(1);
    // Told once, of the innermost type that is too much.
    if within {
        for (found, limit, what) in [
            (whole.least, LARGEST_TYPE, "bytes of fixed length"),
            (whole.types, MOST_TYPES, "types within each other"),
            (whole.depth, DEEPEST, "levels of types"),
        ] {
            if found > limit {
                problems.push(place, format!("{owner} has {found} {what}; expected {limit} at the most"));
            }
        }
    }
    whole
}
