//! What is distinct over all releases.
//!
//! A *revision* of a message is its name, its CRC and its resolved layout; of a type, its name and its layout.
//! Two releases share a revision exactly when these agree. The CRC alone is not enough: it does not cover the width
//! of enums, the targets of aliases and, up to 20.05, most nested types.
//!
//! Resolved layouts follow named types down and are told apart by what would make other Rust code of them:
//! sizes and order, but also the names of nested fields and the values of enum members, which some CRCs do not
//! cover either. [`Shape`] leaves the names out: it is what the wire sees.
//!
//! Enums only ever gain members; those of releases that agree on the values of all names they share are one
//! revision with all members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::Error;
use crate::model::{Api, Arity, Component, Field, Primitive, Release, Type, TypeKind, TypeRef};
use crate::resolve::{Header, Names};

/// Index of a type revision in [`Corpus::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub usize);

/// Index of a message revision in [`Corpus::messages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub usize);

/// What a field of a revision holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A primitive.
    Primitive(Primitive),
    /// Text.
    Text,
    /// A revision of a type.
    Type(TypeId),
}

/// A field of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RevField {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub target: Target,
    /// How many.
    pub arity: Arity,
}

/// What a type revision is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RevKind {
    /// See [`TypeKind::Struct`].
    Struct(Vec<RevField>),
    /// See [`TypeKind::Union`]; the second value is its size in bytes.
    Union(Vec<RevField>, usize),
    /// See [`TypeKind::Enum`]; members are in [`TypeRevision::members`], since releases add to them.
    Enum(Primitive),
    /// See [`TypeKind::Alias`].
    Alias(Target, Option<usize>),
}

/// A revision of a type.
#[derive(Clone, Debug)]
pub struct TypeRevision {
    /// VPP's name.
    pub name: String,
    /// The module that owns it in the newest release that has it.
    pub module: String,
    /// Releases that have it, as positions in [`Corpus::releases`], oldest first.
    pub releases: BTreeSet<usize>,
    /// What it is.
    pub kind: RevKind,
    /// Members of an enum over all these releases, by value and name.
    pub members: BTreeSet<(u64, String)>,
    /// What the wire sees.
    pub shape: Shape,
}

/// A revision of a message.
#[derive(Clone, Debug)]
pub struct MessageRevision {
    /// VPP's name.
    pub name: String,
    /// Its CRC.
    pub crc: u32,
    /// The module that had the message in the first release that has its name.
    pub module: String,
    /// Releases that have it.
    pub releases: BTreeSet<usize>,
    /// What is in front of its fields.
    pub header: Header,
    /// Its fields, without id, client index and context.
    pub fields: Vec<RevField>,
    /// What the wire sees.
    pub shape: Shape,
}

impl MessageRevision {
    /// Equal for two revisions that the wire does not tell apart; the index has it.
    pub fn shape_hash(&self) -> u32 {
        crc32fast::hash(self.shape.as_bytes())
    }
}

/// A layout without the names of nested fields, written out.
pub type Shape = String;

/// What answers a request, in revisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// One reply, and perhaps events later.
    Reply(MessageId, Vec<MessageId>),
    /// Details without an end of their own.
    Dump(MessageId),
    /// Details, then a reply.
    Stream(MessageId, MessageId),
    /// Nothing.
    Nothing,
}

/// What a release has.
#[derive(Clone, Debug)]
pub struct ReleaseView {
    /// Modules by name: what they are part of, their messages and types.
    pub modules: BTreeMap<String, ModuleView>,
    /// What answers requests.
    pub services: BTreeMap<MessageId, Answer>,
}

/// A module of a release.
#[derive(Clone, Debug)]
pub struct ModuleView {
    /// Core or plugin.
    pub component: Component,
    /// Its messages.
    pub messages: Vec<MessageId>,
    /// Its types.
    pub types: Vec<TypeId>,
}

/// All revisions of all releases.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Oldest first.
    pub releases: Vec<Release>,
    /// Distinct types.
    pub types: Vec<TypeRevision>,
    /// Distinct messages.
    pub messages: Vec<MessageRevision>,
    /// Beside `releases`.
    pub views: Vec<ReleaseView>,
}

impl Corpus {
    /// Finds the revisions of releases, which have to come oldest first.
    pub fn new(apis: &[Api]) -> Result<Self, Error> {
        if !apis.is_sorted_by(|a, b| a.release < b.release) {
            return Err(Error::Usage("releases have to come oldest first, each once".to_string()));
        }
        let mut builder = Builder::default();
        for (position, api) in apis.iter().enumerate() {
            builder.add(position, api)?;
        }
        Ok(builder.corpus)
    }

    /// A type revision.
    pub fn ty(&self, id: TypeId) -> Option<&TypeRevision> {
        self.types.get(id.0)
    }

    /// A message revision.
    pub fn message(&self, id: MessageId) -> Option<&MessageRevision> {
        self.messages.get(id.0)
    }

    /// The release of a position.
    pub fn release(&self, position: usize) -> Option<Release> {
        self.releases.get(position).copied()
    }

    /// The first release of a set of positions.
    pub fn first(&self, releases: &BTreeSet<usize>) -> Option<Release> {
        releases.first().and_then(|p| self.release(*p))
    }

    /// `18.10 to 20.01, 20.09`.
    pub fn spell(&self, releases: &BTreeSet<usize>) -> String {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for p in releases {
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == *p => *end = *p,
                _ => runs.push((*p, *p)),
            }
        }
        let name = |p: usize| self.release(p).map(|r| r.to_string()).unwrap_or_default();
        let run =
            |(a, b): &(usize, usize)| if a == b { name(*a) } else { format!("{} to {}", name(*a), name(*b)) };
        runs.iter().map(run).collect::<Vec<_>>().join(", ")
    }

    /// Names and CRCs behind which there are several shapes: the revisions of each.
    pub fn collisions(&self) -> Vec<Vec<MessageId>> {
        let mut by_name: BTreeMap<(&str, u32), Vec<MessageId>> = BTreeMap::new();
        for (i, message) in self.messages.iter().enumerate() {
            by_name.entry((&message.name, message.crc)).or_default().push(MessageId(i));
        }
        let shapes = |ids: &[MessageId]| {
            ids.iter().filter_map(|id| self.message(*id)).map(|m| &m.shape).collect::<BTreeSet<_>>().len()
        };
        by_name.into_values().filter(|ids| shapes(ids) > 1).collect()
    }
}

#[derive(Default)]
struct Builder {
    corpus: Corpus,
    types: HashMap<(String, RevKind), TypeId>,
    enums: HashMap<(String, Primitive), Vec<TypeId>>,
    messages: HashMap<(String, u32, Vec<RevField>), MessageId>,
    /// The module of the first message of that name.
    homes: HashMap<String, String>,
}

impl Builder {
    fn add(&mut self, position: usize, api: &Api) -> Result<(), Error> {
        let names = Names::new(api);
        let mut resolved: HashMap<String, TypeId> = HashMap::new();
        let mut view = ReleaseView { modules: BTreeMap::new(), services: BTreeMap::new() };
        let mut ids: HashMap<&str, MessageId> = HashMap::new();
        for module in api.modules.values() {
            let mut here =
                ModuleView { component: module.component.clone(), messages: Vec::new(), types: Vec::new() };
            for ty in &module.types {
                let id = self.ty(position, &names, &ty.name, &mut resolved)?;
                if let Some(revision) = self.corpus.types.get_mut(id.0) {
                    revision.module.clone_from(&module.name);
                }
                here.types.push(id);
            }
            for message in &module.messages {
                let header = Header::of(&message.fields);
                let own = message.fields.get(header.fields()..).unwrap_or_default();
                let fields = self.fields(position, &names, own, &mut resolved)?;
                let home =
                    self.homes.entry(message.name.clone()).or_insert_with(|| module.name.clone()).clone();
                let key = (message.name.clone(), message.crc, fields);
                let id = match self.messages.get(&key) {
                    Some(id) => *id,
                    None => {
                        let id = MessageId(self.corpus.messages.len());
                        let shape = self.shape_of(&key.2);
                        self.corpus.messages.push(MessageRevision {
                            name: message.name.clone(),
                            crc: message.crc,
                            module: home,
                            releases: BTreeSet::new(),
                            header,
                            fields: key.2.clone(),
                            shape,
                        });
                        self.messages.insert(key, id);
                        id
                    }
                };
                if let Some(revision) = self.corpus.messages.get_mut(id.0) {
                    revision.releases.insert(position);
                }
                ids.insert(&message.name, id);
                here.messages.push(id);
            }
            view.modules.insert(module.name.clone(), here);
        }
        for service in names.services.values() {
            let id = |name: &str| ids.get(name).copied();
            let Some(request) = id(&service.request) else { continue };
            let reply = service.reply.as_deref().and_then(id);
            let answer = match (reply, service.stream, service.stream_message.as_deref().and_then(id)) {
                (None, ..) => Answer::Nothing,
                (Some(reply), _, Some(details)) => Answer::Stream(details, reply),
                (Some(details), true, None) => Answer::Dump(details),
                (Some(reply), false, None) => {
                    Answer::Reply(reply, service.events.iter().filter_map(|e| id(e)).collect())
                }
            };
            view.services.insert(request, answer);
        }
        self.corpus.releases.push(api.release);
        self.corpus.views.push(view);
        Ok(())
    }

    fn fields(
        &mut self,
        position: usize,
        names: &Names<'_>,
        fields: &[Field],
        resolved: &mut HashMap<String, TypeId>,
    ) -> Result<Vec<RevField>, Error> {
        let mut out = Vec::with_capacity(fields.len());
        for field in fields {
            let target = self.target(position, names, &field.ty, resolved)?;
            // The two spellings of text with a length of its own are one thing.
            let arity = if field.is_variable_text() { Arity::One } else { field.arity.clone() };
            out.push(RevField { name: field.name.clone(), target, arity });
        }
        Ok(out)
    }

    fn target(
        &mut self,
        position: usize,
        names: &Names<'_>,
        ty: &TypeRef,
        resolved: &mut HashMap<String, TypeId>,
    ) -> Result<Target, Error> {
        Ok(match ty {
            TypeRef::Primitive(p) => Target::Primitive(*p),
            TypeRef::Text => Target::Text,
            TypeRef::Named(name) => Target::Type(self.ty(position, names, name, resolved)?),
        })
    }

    /// Types nest a few levels deep and not in cycles (checked before), so recursion is safe here.
    fn ty(
        &mut self,
        position: usize,
        names: &Names<'_>,
        name: &str,
        resolved: &mut HashMap<String, TypeId>,
    ) -> Result<TypeId, Error> {
        if let Some(id) = resolved.get(name) {
            return Ok(*id);
        }
        let ty = names.ty(name).ok_or_else(|| Error::Usage(format!("no module defines type {name}")))?;
        let id = match &ty.kind {
            TypeKind::Enum { width, members, .. } => self.enumeration(ty, *width, members),
            TypeKind::Struct(fields) => {
                let fields = self.fields(position, names, fields, resolved)?;
                self.intern(ty, RevKind::Struct(fields))
            }
            TypeKind::Union(fields) => {
                let size = names.size_of(&TypeRef::Named(name.to_string())).unwrap_or_default();
                let fields = self.fields(position, names, fields, resolved)?;
                self.intern(ty, RevKind::Union(fields, size))
            }
            TypeKind::Alias { ty: target, length } => {
                let target = self.target(position, names, target, resolved)?;
                self.intern(ty, RevKind::Alias(target, *length))
            }
        };
        if let Some(revision) = self.corpus.types.get_mut(id.0) {
            revision.releases.insert(position);
        }
        resolved.insert(name.to_string(), id);
        Ok(id)
    }

    fn intern(&mut self, ty: &Type, kind: RevKind) -> TypeId {
        if let Some(id) = self.types.get(&(ty.name.clone(), kind.clone())) {
            return *id;
        }
        let id = self.push(ty, kind.clone());
        self.types.insert((ty.name.clone(), kind), id);
        id
    }

    fn push(&mut self, ty: &Type, kind: RevKind) -> TypeId {
        let shape = match &kind {
            RevKind::Struct(fields) => format!("{{{}}}", self.shape_of(fields)),
            RevKind::Union(fields, _) => format!("<{}>", self.shape_of(fields)),
            RevKind::Enum(width) => width.name().to_string(),
            RevKind::Alias(target, length) => {
                let length = length.map(|n| format!("[{n}]")).unwrap_or_default();
                format!("={}{length}", self.shape_of_target(target))
            }
        };
        let id = TypeId(self.corpus.types.len());
        self.corpus.types.push(TypeRevision {
            name: ty.name.clone(),
            module: String::new(),
            releases: BTreeSet::new(),
            kind,
            members: BTreeSet::new(),
            shape,
        });
        id
    }

    fn enumeration(&mut self, ty: &Type, width: Primitive, members: &[(String, u64)]) -> TypeId {
        let known = self.enums.entry((ty.name.clone(), width)).or_default().clone();
        let agrees = |id: &&TypeId| {
            let Some(revision) = self.corpus.types.get(id.0) else { return false };
            let values: HashMap<&str, u64> = revision.members.iter().map(|(v, n)| (n.as_str(), *v)).collect();
            members.iter().all(|(name, value)| values.get(name.as_str()).is_none_or(|v| v == value))
        };
        let id = match known.iter().rev().find(agrees) {
            Some(id) => *id,
            None => {
                let id = self.push(ty, RevKind::Enum(width));
                self.enums.entry((ty.name.clone(), width)).or_default().push(id);
                id
            }
        };
        if let Some(revision) = self.corpus.types.get_mut(id.0) {
            revision.members.extend(members.iter().map(|(name, value)| (*value, name.clone())));
        }
        id
    }

    fn shape_of(&self, fields: &[RevField]) -> Shape {
        let shapes: Vec<String> = fields
            .iter()
            .map(|f| {
                let one = self.shape_of_target(&f.target);
                match &f.arity {
                    Arity::One => one,
                    Arity::Fixed(n) => format!("{one}[{n}]"),
                    Arity::Counted(counter) => {
                        let at = fields.iter().position(|f| f.name == *counter).unwrap_or_default();
                        format!("{one}[#{at}]")
                    }
                }
            })
            .collect();
        shapes.join(",")
    }

    fn shape_of_target(&self, target: &Target) -> Shape {
        match target {
            Target::Primitive(p) => p.name().to_string(),
            Target::Text => "string".to_string(),
            Target::Type(id) => self.corpus.types.get(id.0).map(|t| t.shape.clone()).unwrap_or_default(),
        }
    }
}
