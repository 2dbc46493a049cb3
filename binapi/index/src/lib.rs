//! Which revision of each message and type each VPP release has.
//!
//! Constant tables, made by `cargo xtask gen`, and the little it takes to ask them. Small enough to be a dependency
//! of a procedural macro.

mod tables;

pub use tables::{MESSAGES, RELEASES, SERVICES, TYPES};

/// A set of releases: bit `n` is the `n`th of [`RELEASES`].
pub type Releases = u64;

/// A type revision.
#[derive(Debug)]
pub struct Type {
    /// VPP's name.
    pub name: &'static str,
    /// Its module in the message crate.
    pub module: &'static str,
    /// Releases that have it.
    pub releases: Releases,
    /// What it is.
    pub kind: Kind,
    /// Fields like [`Message::fields`]; the width of an enum; the target of an alias.
    pub detail: &'static str,
}

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Struct,
    Union,
    Enum,
    Alias,
}

/// A message revision.
#[derive(Debug)]
pub struct Message {
    /// VPP's name.
    pub name: &'static str,
    /// Its CRC.
    pub crc: u32,
    /// Its module in the message crate.
    pub module: &'static str,
    /// Releases that have it.
    pub releases: Releases,
    /// Two revisions with one value have the same layout on the wire.
    pub shape: u32,
    /// `is_add:bool;route:#12;paths:#7[n_paths]`: names and types; `#` is a position in [`TYPES`].
    pub fields: &'static str,
}

/// What answers a request, as positions in [`MESSAGES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One reply; the events that it subscribes to.
    Reply(u16, &'static [u16]),
    /// Details without an end of their own.
    Dump(u16),
    /// Details and then a reply.
    Stream(u16, u16),
    /// Nothing.
    Nothing,
}

/// A request and its answer in some releases.
#[derive(Debug)]
pub struct Service {
    /// Position of the request in [`MESSAGES`].
    pub request: u16,
    /// Releases in which it has this answer.
    pub releases: Releases,
    /// The answer.
    pub answer: Answer,
}

/// Whether a module can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// Part of VPP itself.
    Core,
    /// In a plugin, which may not be loaded.
    Plugin,
}

/// A module of a release.
#[derive(Debug)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// Core or plugin.
    pub component: Component,
    /// Positions in [`MESSAGES`].
    pub messages: &'static [u16],
    /// Positions in [`TYPES`].
    pub types: &'static [u16],
}

/// A release.
#[derive(Debug)]
pub struct Release {
    /// `20.05`.
    pub name: &'static str,
    /// Its modules.
    pub modules: &'static [Module],
}

impl Type {
    const fn new(
        name: &'static str,
        module: &'static str,
        releases: Releases,
        kind: Kind,
        detail: &'static str,
    ) -> Self {
        Self { name, module, releases, kind, detail }
    }

    /// The first release that has it, as a position in [`RELEASES`].
    pub const fn first(&self) -> usize {
        self.releases.trailing_zeros() as usize
    }
}

impl Message {
    const fn new(
        name: &'static str,
        crc: u32,
        module: &'static str,
        releases: Releases,
        shape: u32,
        fields: &'static str,
    ) -> Self {
        Self { name, crc, module, releases, shape, fields }
    }

    /// The first release that has it, as a position in [`RELEASES`].
    pub const fn first(&self) -> usize {
        self.releases.trailing_zeros() as usize
    }
}

impl Service {
    const fn new(request: u16, releases: Releases, answer: Answer) -> Self {
        Self { request, releases, answer }
    }
}

impl Module {
    const fn new(
        name: &'static str,
        component: Component,
        messages: &'static [u16],
        types: &'static [u16],
    ) -> Self {
        Self { name, component, messages, types }
    }
}

impl Release {
    const fn new(name: &'static str, modules: &'static [Module]) -> Self {
        Self { name, modules }
    }

    /// The form used in Rust names: `v2005`.
    pub fn ident(&self) -> String {
        format!("v{}", self.name.replace('.', ""))
    }
}

/// A name and type out of [`Message::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// `u32`, `string`, `#12`.
    pub ty: &'static str,
    /// What stands in brackets: a length, or the field that counts.
    pub arity: Option<&'static str>,
}

/// Takes a list of fields apart.
pub fn fields(spelled: &'static str) -> impl Iterator<Item = Field> {
    spelled.split(';').filter_map(|field| {
        let (name, ty) = field.split_once(':')?;
        Some(match ty.split_once('[') {
            Some((ty, arity)) => Field { name, ty, arity: Some(arity.trim_end_matches(']')) },
            None => Field { name, ty, arity: None },
        })
    })
}

/// The answer to a request in a release, both as positions.
pub fn answer(request: u16, release: usize) -> Option<Answer> {
    let start = SERVICES.partition_point(|s| s.request < request);
    let same = SERVICES.get(start..)?.iter().take_while(|s| s.request == request);
    same.into_iter().find(|s| s.releases & (1 << release) != 0).map(|s| s.answer)
}
