//! What differs between two APIs, message by message and field by field.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Arity;
use crate::revisions::{Corpus, MessageId, MessageRevision, RevField, RevKind, Target};

/// A field that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// Way to the field: `route.prefix.address.af`.
    pub path: String,
    /// What it was; `None` where it was not there.
    pub old: Option<String>,
    /// What it is; `None` where it is gone.
    pub new: Option<String>,
}

/// How a message of one side stands to the one of the same name on the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the new side has it.
    New,
    /// Only the old side has it.
    Gone,
    /// Both have it, and not the same revision.
    Changed {
        /// Its CRC was.
        old_crc: u32,
        /// Its CRC is.
        new_crc: u32,
        /// The wire sees a difference.
        layout: bool,
        /// What differs. Empty where only the CRC does: its algorithm changed, or an enum gained members.
        fields: Vec<FieldDifference>,
    },
}

impl Change {
    /// True for the one that bites: VPP takes the message by its CRC and reads it wrongly.
    pub fn is_collision(&self) -> bool {
        matches!(self, Self::Changed { old_crc, new_crc, layout: true, .. } if old_crc == new_crc)
    }
}

/// A message with its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChange {
    /// Its name.
    pub name: String,
    /// Its module, on the new side where it is there.
    pub module: String,
    /// What changed.
    pub change: Change,
}

/// Compares two releases of a corpus, by position.
pub fn compare(corpus: &Corpus, old: usize, new: usize) -> Vec<MessageChange> {
    let (old, new) = (messages(corpus, old), messages(corpus, new));
    let mut changes = Vec::new();
    for (name, (module, id)) in &new {
        let change = match old.get(name) {
            None => Change::New,
            Some((_, elder)) if elder == id => continue,
            Some((_, elder)) => match (corpus.message(*elder), corpus.message(*id)) {
                (Some(a), Some(b)) => Change::Changed {
                    old_crc: a.crc,
                    new_crc: b.crc,
                    layout: a.shape != b.shape,
                    fields: fields(corpus, a, b),
                },
                _ => continue,
            },
        };
        changes.push(MessageChange { name: name.to_string(), module: module.to_string(), change });
    }
    for (name, (module, _)) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        let change = Change::Gone;
        changes.push(MessageChange { name: name.to_string(), module: module.to_string(), change });
    }
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

fn messages(corpus: &Corpus, position: usize) -> BTreeMap<&str, (&str, MessageId)> {
    let modules = corpus.views.get(position).map(|v| v.modules.iter()).into_iter().flatten();
    modules
        .flat_map(|(name, module)| module.messages.iter().map(move |id| (name.as_str(), *id)))
        .filter_map(|(module, id)| corpus.message(id).map(|m| (m.name.as_str(), (module, id))))
        .collect()
}

/// Fields that differ between two revisions of a message, as deep as types of one name go.
pub fn fields(corpus: &Corpus, old: &MessageRevision, new: &MessageRevision) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    if old.header != new.header {
        found.push(FieldDifference {
            path: "(header)".to_string(),
            old: Some(format!("{:?}", old.header)),
            new: Some(format!("{:?}", new.header)),
        });
    }
    compare_fields(corpus, "", &old.fields, &new.fields, &mut found);
    found
}

fn compare_fields(
    corpus: &Corpus,
    path: &str,
    old: &[RevField],
    new: &[RevField],
    found: &mut Vec<FieldDifference>,
) {
    let way = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    let mut push = |name: &str, old: Option<String>, new: Option<String>| {
        found.push(FieldDifference { path: way(name), old, new });
    };
    for field in old.iter().filter(|f| !new.iter().any(|g| g.name == f.name)) {
        push(&field.name, Some(spell(corpus, field)), None);
    }
    for field in new.iter().filter(|f| !old.iter().any(|g| g.name == f.name)) {
        push(&field.name, None, Some(spell(corpus, field)));
    }
    let order = |fields: &[RevField], other: &[RevField]| -> Vec<String> {
        fields.iter().filter(|f| other.iter().any(|g| g.name == f.name)).map(|f| f.name.clone()).collect()
    };
    let (before, after) = (order(old, new), order(new, old));
    if before != after {
        push("(order)", Some(before.join(", ")), Some(after.join(", ")));
    }
    for a in old {
        let Some(b) = new.iter().find(|b| b.name == a.name).filter(|b| *b != a) else { continue };
        match (named(corpus, a), named(corpus, b)) {
            (
                Some((x, RevKind::Struct(f) | RevKind::Union(f, _))),
                Some((y, RevKind::Struct(g) | RevKind::Union(g, _))),
            ) if x == y && a.arity == b.arity => {
                compare_fields(corpus, &way(&a.name), f, g, found);
            }
            _ => {
                let (before, after) = (spell(corpus, a), spell(corpus, b));
                if before != after {
                    found.push(FieldDifference { path: way(&a.name), old: Some(before), new: Some(after) });
                }
            }
        }
    }
}

/// Name of a field's type, and what it is.
fn named<'a>(corpus: &'a Corpus, field: &RevField) -> Option<(&'a str, &'a RevKind)> {
    let Target::Type(id) = &field.target else { return None };
    let ty = corpus.ty(*id)?;
    let mut kind = &ty.kind;
    // Another name for a struct is that struct.
    while let RevKind::Alias(Target::Type(id), None) = kind {
        kind = &corpus.ty(*id)?.kind;
    }
    Some((ty.name.as_str(), kind))
}

/// `address_family (u8)`, `u32[4]`.
fn spell(corpus: &Corpus, field: &RevField) -> String {
    let one = match &field.target {
        Target::Primitive(p) => p.name().to_string(),
        Target::Text => "string".to_string(),
        Target::Type(id) => match corpus.ty(*id) {
            Some(ty) => match &ty.kind {
                RevKind::Enum(width) => format!("{} ({})", ty.name, width.name()),
                RevKind::Alias(..) => format!("{} ({})", ty.name, ty.shape.trim_start_matches('=')),
                RevKind::Struct(_) | RevKind::Union(..) => ty.name.clone(),
            },
            None => String::new(),
        },
    };
    match &field.arity {
        Arity::One => one,
        Arity::Fixed(n) => format!("{one}[{n}]"),
        Arity::Counted(counter) => format!("{one}[{counter}]"),
    }
}

/// For people: a line a message, indented lines for fields.
pub fn text(changes: &[MessageChange]) -> String {
    let mut out = String::new();
    for MessageChange { name, module, change } in changes {
        match change {
            Change::New => out.push_str(&format!("new      {module}: {name}\n")),
            Change::Gone => out.push_str(&format!("gone     {module}: {name}\n")),
            Change::Changed { old_crc, new_crc, layout, fields } => {
                let crc = match old_crc == new_crc {
                    true => format!("same CRC {old_crc:08x}"),
                    false => format!("CRC {old_crc:08x} -> {new_crc:08x}"),
                };
                let layout = match (change.is_collision(), layout) {
                    (true, _) => "OTHER LAYOUT BEHIND IT",
                    (_, true) => "other layout",
                    (_, false) => "same layout",
                };
                out.push_str(&format!("changed  {module}: {name} ({crc}, {layout})\n"));
                for field in fields {
                    out.push_str(&format!("           {}\n", field_text(field)));
                }
            }
        }
    }
    out
}

/// `route.prefix.address.af: address_family (u32) -> address_family (u8)`.
pub fn field_text(field: &FieldDifference) -> String {
    match (&field.old, &field.new) {
        (Some(old), Some(new)) => format!("{}: {old} -> {new}", field.path),
        (Some(old), None) => format!("{}: {old} is gone", field.path),
        (None, Some(new)) => format!("{}: {new} is new", field.path),
        (None, None) => field.path.clone(),
    }
}

/// For machines.
pub fn to_json(changes: &[MessageChange]) -> Value {
    let field = |f: &FieldDifference| json!({"path": f.path, "old": f.old, "new": f.new});
    let one = |c: &MessageChange| match &c.change {
        Change::New => json!({"message": c.name, "module": c.module, "change": "new"}),
        Change::Gone => json!({"message": c.name, "module": c.module, "change": "gone"}),
        Change::Changed { old_crc, new_crc, layout, fields } => json!({
            "message": c.name,
            "module": c.module,
            "change": "changed",
            "old_crc": format!("{old_crc:08x}"),
            "new_crc": format!("{new_crc:08x}"),
            "layout_differs": layout,
            "same_crc_other_layout": c.change.is_collision(),
            "fields": fields.iter().map(field).collect::<Vec<_>>(),
        }),
    };
    changes.iter().map(one).collect::<Vec<_>>().into()
}
