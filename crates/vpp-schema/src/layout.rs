//! Layouts: definitions with every name followed and every size known.

use binapi_gen::model::Primitive;

/// Fields one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) fields: Vec<Field>,
    /// Bytes of a value without its variable parts.
    pub(crate) min_size: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) item: Item,
    pub(crate) shape: Shape,
    /// Arrays whose length this field holds, by position in the same layout.
    pub(crate) counts: Vec<usize>,
}

/// One value.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Primitive(Primitive),
    /// That many bytes.
    Bytes(usize),
    /// That many of another: an alias of an array.
    Array(Box<Item>, usize),
    /// A struct, by its position in the table.
    Struct(usize),
    /// A union, by its position in the table; every field starts at its first byte.
    Union(usize, usize),
    /// Text with a u32 length before it.
    Text,
    /// Text padded with NUL to that many bytes.
    FixedText(usize),
}

/// How many of them.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    One,
    Fixed(usize),
    /// As many as the field at that position says.
    Counted(usize),
}

/// What kind of value a field takes; for code that works with several releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A number, signed or not, or an enum.
    Integer,
    /// `true` or `false`.
    Bool,
    /// A double.
    Float,
    /// Bytes; how many, where the definition says.
    Bytes(Option<usize>),
    /// Text; how many bytes at most, where the definition says.
    Text(Option<usize>),
    /// An object.
    Struct,
    /// An object with one or all arms.
    Union,
    /// An array; how many elements, where the definition says.
    Array(Option<usize>),
}

impl Field {
    pub(crate) fn kind(&self) -> FieldKind {
        let byte = matches!(self.item, Item::Primitive(Primitive::U8));
        match self.shape {
            Shape::Fixed(n) if byte => FieldKind::Bytes(Some(n)),
            Shape::Counted(_) if byte => FieldKind::Bytes(None),
            Shape::Fixed(n) => FieldKind::Array(Some(n)),
            Shape::Counted(_) => FieldKind::Array(None),
            Shape::One => match &self.item {
                Item::Primitive(Primitive::Bool) => FieldKind::Bool,
                Item::Primitive(Primitive::F64) => FieldKind::Float,
                Item::Primitive(_) => FieldKind::Integer,
                Item::Bytes(n) => FieldKind::Bytes(Some(*n)),
                Item::Array(_, n) => FieldKind::Array(Some(*n)),
                Item::Struct(_) => FieldKind::Struct,
                Item::Union(..) => FieldKind::Union,
                Item::Text => FieldKind::Text(None),
                Item::FixedText(n) => FieldKind::Text(Some(*n)),
            },
        }
    }
}
