//! Questions to the index, by the names that Rust source has.

use std::collections::HashMap;
use std::sync::OnceLock;

use binapi_index::{Field, Kind, MESSAGES, RELEASES, TYPES};
use heck::ToUpperCamelCase;

/// What a name is in a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Position in the table of messages.
    Message(usize),
    /// Position in the table of types.
    Type(usize),
}

/// All revisions of a name.
fn names() -> &'static HashMap<String, Vec<Item>> {
    static NAMES: OnceLock<HashMap<String, Vec<Item>>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: HashMap<String, Vec<Item>> = HashMap::new();
        for (i, message) in MESSAGES.iter().enumerate() {
            names.entry(message.name.to_upper_camel_case()).or_default().push(Item::Message(i));
        }
        for (i, ty) in TYPES.iter().enumerate() {
            names.entry(ty.name.to_upper_camel_case()).or_default().push(Item::Type(i));
        }
        names
    })
}

/// True when any release has it.
pub(crate) fn known(name: &str) -> bool {
    names().contains_key(name)
}

/// What a release has under a name.
pub(crate) fn find(name: &str, release: usize) -> Option<Item> {
    names().get(name)?.iter().copied().find(|item| releases(*item) & (1 << release) != 0)
}

fn releases(item: Item) -> u64 {
    match item {
        Item::Message(i) => MESSAGES.get(i).map_or(0, |m| m.releases),
        Item::Type(i) => TYPES.get(i).map_or(0, |t| t.releases),
    }
}

/// Module and first release, for the path in the message crate.
pub(crate) fn home(item: Item) -> (&'static str, String) {
    let (module, first) = match item {
        Item::Message(i) => MESSAGES.get(i).map_or(("", 0), |m| (m.module, m.first())),
        Item::Type(i) => TYPES.get(i).map_or(("", 0), |t| (t.module, t.first())),
    };
    (module, RELEASES.get(first).map(|r| r.ident()).unwrap_or_default())
}

/// The field of that name.
pub(crate) fn field(item: Item, name: &str) -> Option<Field> {
    let spelled = match item {
        Item::Message(i) => MESSAGES.get(i)?.fields,
        Item::Type(i) => {
            let ty = TYPES.get(i)?;
            match ty.kind {
                Kind::Struct | Kind::Union => ty.detail,
                Kind::Enum | Kind::Alias => return None,
            }
        }
    };
    binapi_index::fields(spelled).find(|f| f.name == name)
}

/// The names of all fields in Rust; `None` for what has none by name. What counts the elements of another field is none
/// there.
pub(crate) fn field_names(item: Item) -> Option<Vec<&'static str>> {
    let spelled = match item {
        Item::Message(i) => MESSAGES.get(i)?.fields,
        Item::Type(i) => TYPES.get(i).filter(|ty| ty.kind == Kind::Struct)?.detail,
    };
    let counters: Vec<&str> = binapi_index::fields(spelled).filter_map(|f| f.arity).collect();
    Some(binapi_index::fields(spelled).map(|f| f.name).filter(|name| !counters.contains(name)).collect())
}

/// VPP's name: `ip_route_add_del`.
pub(crate) fn api_name(item: Item) -> &'static str {
    match item {
        Item::Message(i) => MESSAGES.get(i).map_or("", |m| m.name),
        Item::Type(i) => TYPES.get(i).map_or("", |t| t.name),
    }
}

/// The name in Rust: `IpRouteAddDel`.
pub(crate) fn rust_name(item: Item) -> String {
    api_name(item).to_upper_camel_case()
}

/// VPP's name of what Rust calls so, in whichever release has it.
pub(crate) fn api_name_of(name: &str) -> Option<&'static str> {
    names().get(name)?.first().map(|item| api_name(*item))
}

/// True when the field is there in any release.
pub(crate) fn ever(name: &str, member: &str) -> bool {
    (0..RELEASES.len()).filter_map(|r| find(name, r)).any(|item| field(item, member).is_some())
}

/// The Rust name of a field's type: `u32`, `string`, `MacAddress`.
pub(crate) fn type_name(field: &Field) -> String {
    let position = field.ty.strip_prefix('#').and_then(|n| n.parse::<usize>().ok());
    match position.and_then(|n| TYPES.get(n)) {
        Some(ty) => ty.name.to_upper_camel_case(),
        None => field.ty.to_string(),
    }
}

/// True for what [`type_name`] can give.
pub(crate) fn is_type(name: &str) -> bool {
    const PRIMITIVES: [&str; 11] =
        ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f64", "bool", "string"];
    PRIMITIVES.contains(&name)
        || names().get(name).is_some_and(|items| items.iter().any(|item| matches!(item, Item::Type(_))))
}

/// `18.10 to 19.04, 20.01`.
pub(crate) fn spell(releases: &[usize]) -> String {
    let name = |r: usize| RELEASES.get(r).map_or("?", |r| r.name);
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for r in releases {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *r => *end = *r,
            _ => runs.push((*r, *r)),
        }
    }
    let run = |(a, b): &(usize, usize)| {
        if a == b { name(*a).to_string() } else { format!("{} to {}", name(*a), name(*b)) }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}
