//! What an API definition says: modules, messages, types and services of one VPP release.
//!
//! This is the parsed form of `*.api.json`, close to the file, with the differences between the releases'
//! generators levelled out. Names are VPP's own (`sw_interface_dump`); references to named types are stored
//! without the `vl_api_` and `_t` around them.

use std::collections::BTreeMap;
use std::fmt;

/// Where a definition stands: file and line, for errors.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path of the file as it was given.
    pub file: String,
    /// Line, counted from 1; 0 when there is none.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Most elements of an array of fixed length.
///
/// Such an array is a Rust array in the generated code, so it is passed on the stack: 64 KiB fit every thread's. The
/// longest of 18.10 to 26.06 has 1,024.
pub const LONGEST_ARRAY: usize = LARGEST_TYPE;

/// Most bytes of the parts of a type or message that do not vary in length, for the same reason.
pub const LARGEST_TYPE: usize = 65_536;

/// A primitive of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Primitive {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F64,
    Bool,
}

impl Primitive {
    /// All of them, with the names that definitions use.
    pub const ALL: [(&'static str, Primitive); 10] = [
        ("u8", Primitive::U8),
        ("u16", Primitive::U16),
        ("u32", Primitive::U32),
        ("u64", Primitive::U64),
        ("i8", Primitive::I8),
        ("i16", Primitive::I16),
        ("i32", Primitive::I32),
        ("i64", Primitive::I64),
        ("f64", Primitive::F64),
        ("bool", Primitive::Bool),
    ];

    /// The primitive of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, p)| *p)
    }

    /// Its name, which is also its Rust type.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Bool => "bool",
        }
    }

    /// Bytes on the wire.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// What a field holds, before arrays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TypeRef {
    /// A primitive.
    Primitive(Primitive),
    /// Text, see [`Arity`] for its length.
    Text,
    /// A type defined by the API, without `vl_api_` and `_t`.
    Named(String),
}

impl TypeRef {
    /// The spelling that definitions use.
    pub fn spelling(&self) -> String {
        match self {
            Self::Primitive(p) => p.name().to_string(),
            Self::Text => "string".to_string(),
            Self::Named(name) => format!("vl_api_{name}_t"),
        }
    }
}

/// How many of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arity {
    /// One. For text: a u32 length and that many bytes, the spelling of 19.01 and 19.04.
    One,
    /// A fixed number. For text: that many bytes, padded with NUL. Zero only for text: u32 length and bytes.
    Fixed(usize),
    /// As many as the named earlier field says.
    Counted(String),
}

/// One field of a message, struct or union.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub ty: TypeRef,
    /// How many.
    pub arity: Arity,
    /// Options such as `default`, `discriminator`, `case`.
    pub options: BTreeMap<String, serde_json::Value>,
}

impl Field {
    /// Text with its own u32 length in front, in either spelling.
    pub fn is_variable_text(&self) -> bool {
        self.ty == TypeRef::Text && matches!(self.arity, Arity::One | Arity::Fixed(0))
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its name.
    pub name: String,
    /// CRC as the definition states it.
    pub crc: u32,
    /// Fields after `_vl_msg_id`.
    pub fields: Vec<Field>,
    /// Options such as `status`, `deprecated`.
    pub options: BTreeMap<String, serde_json::Value>,
    /// Where it stands.
    pub place: Place,
}

/// What a named type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// Fields, one after the other.
    Struct(Vec<Field>),
    /// Fields, one on top of the other; as long as the longest.
    Union(Vec<Field>),
    /// Named values of an integer.
    Enum {
        /// The integer on the wire.
        width: Primitive,
        /// Names and values in the order of the definition.
        members: Vec<(String, u64)>,
        /// Stated to be a set of bits.
        flags: bool,
    },
    /// Another name for a type, or for an array of bytes.
    Alias {
        /// The type.
        ty: TypeRef,
        /// The length of the array.
        length: Option<usize>,
    },
}

/// A named type.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub place: Place,
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The request.
    pub request: String,
    /// Its reply; `None` where VPP sends nothing.
    pub reply: Option<String>,
    /// `reply` comes any number of times and nothing marks the end.
    pub stream: bool,
    /// Details that come before one `reply`.
    pub stream_message: Option<String>,
    /// Events that the request subscribes to.
    pub events: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// Whether a module is part of VPP itself or of something that may not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// Built into VPP.
    Core,
    /// In a plugin.
    Plugin,
}

/// One `*.api.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Stem of the file: `ip`, `ip_types`.
    pub name: String,
    /// CRC of the whole file as stated; VPP uses it for plugins that ask for their first message id.
    pub crc: u32,
    /// Core or plugin.
    pub component: Component,
    /// Modules that it imports, where the release's generator says so.
    pub imports: Option<Vec<String>>,
    /// File options.
    pub options: BTreeMap<String, serde_json::Value>,
    /// Messages.
    pub messages: Vec<Message>,
    /// Types, also those of imported modules until ownership is settled.
    pub types: Vec<Type>,
    /// Services.
    pub services: Vec<Service>,
    /// Counter descriptions and the stats paths that use them, kept as they are.
    pub counters: Vec<serde_json::Value>,
    /// See `counters`.
    pub paths: Vec<serde_json::Value>,
    /// Path of the file.
    pub file: String,
}

/// A VPP release: `20.05`. Orders by year and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Release {
    /// Two digits of the year.
    pub year: u16,
    /// Month.
    pub month: u16,
}

impl Release {
    /// Reads `20.05`; what follows a second dot or a dash (`20.05.1-rc0`) is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let (year, rest) = text.split_once('.')?;
        let month: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if year.len() != 2 || month.len() != 2 || !year.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let release = Self { year: year.parse().ok()?, month: month.parse().ok()? };
        (1..=12).contains(&release.month).then_some(release)
    }

    /// The form used in Rust names: `v2005`.
    pub fn ident(self) -> String {
        format!("v{:02}{:02}", self.year, self.month)
    }

    /// The name of its crate: `vpp2005`.
    pub fn crate_name(self) -> String {
        format!("vpp{:02}{:02}", self.year, self.month)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02}", self.year, self.month)
    }
}

/// All modules of one release.
#[derive(Clone, Debug)]
pub struct Api {
    /// Which release.
    pub release: Release,
    /// Its modules by name.
    pub modules: BTreeMap<String, Module>,
}
