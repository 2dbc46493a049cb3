//! Recomputes the CRCs that definitions state.
//!
//! A message's CRC is the CRC-32 (zlib) of the Python `repr` of its fields, continued over the types that it uses.
//! How far it is continued changed with VPP's generator (`src/tools/vppapigen/vppapigen.py`), see [`Rule`].
//!
//! From 21.01 on, members of an enum that are marked as compatible additions do not count. The JSON does not carry
//! the mark; they always stand at the end. So where the full enum gives another CRC, shorter ones are tried, and
//! the length that fits has to fit every message of the release that uses the enum.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::error::{Error, Problems};
use crate::model::{Api, Arity, Field, Message, Release, Type, TypeKind, TypeRef};
use crate::resolve::Names;

/// What counts besides the message's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Nothing: 18.10 to 19.04.
    FieldsOnly,
    /// Enums, up to and with the first chain of other types: 19.08 to 20.05, and messages of 20.09 and 21.01
    /// whose published CRC was kept from then.
    FirstChain,
    /// All types, as often as they are used: 20.09 and later.
    AllTypes,
}

/// Releases whose generator computed CRCs in one way.
struct Era {
    /// The first of them.
    first: Release,
    /// Rules, most frequent first.
    rules: &'static [Rule],
    spelled: &'static str,
}

/// Oldest first.
const ERAS: [Era; 4] = [
    Era { first: Release { year: 0, month: 0 }, rules: &[Rule::FieldsOnly], spelled: "18.10 to 19.04" },
    Era { first: Release { year: 19, month: 8 }, rules: &[Rule::FirstChain], spelled: "19.08 to 20.05" },
    Era {
        first: Release { year: 20, month: 9 },
        rules: &[Rule::AllTypes, Rule::FirstChain],
        spelled: "20.09 to 21.01",
    },
    Era { first: Release { year: 21, month: 6 }, rules: &[Rule::AllTypes], spelled: "21.06 and later" },
];

impl Rule {
    /// The rules that a release uses, most frequent first.
    pub fn of(release: Release) -> &'static [Rule] {
        ERAS.iter().rev().find(|era| era.first <= release).map_or(&[Rule::AllTypes], |era| era.rules)
    }
}

/// The CRC of a message by a rule, where all members of all enums count.
pub fn compute(names: &Names<'_>, rule: Rule, message: &Message) -> u32 {
    Run::new(names, rule, &BTreeMap::new()).message(message)
}

/// What verifying a release found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Messages whose recomputed CRC equals the stated one.
    pub equal: usize,
    /// How many by rule.
    pub by_rule: BTreeMap<Rule, usize>,
    /// Enums of which not all members count: how many do.
    pub trimmed: BTreeMap<String, usize>,
    /// Messages that needed a trimmed enum.
    pub with_trimmed: usize,
}

/// Recomputes every CRC of a release. A difference is an error with the stated and the computed value.
pub fn verify(api: &Api) -> Result<Verified, Error> {
    let names = Names::new(api);
    let rules = Rule::of(api.release);
    let none = BTreeMap::new();
    let mut found = Verified::default();
    let mut problems = Problems::default();
    // Enums that counted in full where the CRC fitted, and the messages for which no full enum fits.
    let mut full: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&Message> = Vec::new();
    for (_, message) in names.messages.values() {
        let fits = rules.iter().find_map(|rule| {
            let run = Run::new(&names, *rule, &none);
            (run.message(message) == message.crc).then(|| (*rule, run.enums()))
        });
        match fits {
            Some((rule, enums)) => {
                found.equal += 1;
                *found.by_rule.entry(rule).or_default() += 1;
                full.extend(enums);
            }
            None => open.push(message),
        }
    }
    if let Some(era) = other_era(&names, rules, open.len()) {
        return Err(Error::Usage(format!(
            "these definitions look like those of VPP {}, not of {}: of {} CRCs, {} cannot be computed in the way of \
             {}, and nearly all in that of the former; expected a folder of VPP {}",
            era.spelled,
            api.release,
            names.messages.len(),
            open.len(),
            api.release,
            api.release
        )));
    }
    // Fewer enums first: what one message settles helps with those that use several.
    let enums_of = |message: &Message| {
        let run = Run::new(&names, Rule::AllTypes, &none);
        run.message(message);
        run.enums().into_iter().filter(|e| !full.contains(e)).collect::<BTreeSet<&str>>()
    };
    open.sort_by_key(|m| enums_of(m).len());
    for message in open {
        let candidates = enums_of(message);
        match trim(&names, message, rules, &candidates, &found.trimmed) {
            Some((rule, trims)) => {
                found.equal += 1;
                found.with_trimmed += 1;
                *found.by_rule.entry(rule).or_default() += 1;
                found.trimmed.extend(trims);
            }
            None => {
                let rule = rules.first().copied().unwrap_or(Rule::AllTypes);
                let computed = Run::new(&names, rule, &found.trimmed).message(message);
                problems.push(
                    &message.place,
                    format!(
                        "message {}: stated CRC {:08x}, computed {computed:08x}; the definition was changed after \
                         VPP's generator wrote it, or a type it uses was",
                        message.name, message.crc
                    ),
                );
            }
        }
    }
    problems.into_result(found)
}

/// The era that definitions are of, where they prove that it is another than the release's: its rules explain
/// nearly all CRCs that the release's own rules do not, and those are many. Damage and additions are explained by no
/// rule.
fn other_era(names: &Names<'_>, rules: &[Rule], unexplained: usize) -> Option<&'static Era> {
    let many = unexplained >= 10 || unexplained * 10 >= names.messages.len();
    if unexplained == 0 || !many {
        return None;
    }
    let left = |era: &Era| {
        let fits = |m: &Message| era.rules.iter().any(|rule| compute(names, *rule, m) == m.crc);
        names.messages.values().filter(|(_, m)| !fits(m)).count()
    };
    // Of two that fit as well, the one with fewer rules says more.
    let eras = ERAS.iter().filter(|era| era.rules != rules).map(|era| (left(era), era.rules.len(), era));
    let (left, _, era) = eras.min_by_key(|(left, rules, _)| (*left, *rules))?;
    (left * 10 < unexplained).then_some(era)
}

/// Most lengths of one enum that are tried: the most that VPP ever left out at the end is 4.
const TRIMS: usize = 64;

/// The same where two enums are shortened at a time.
const TRIMS_OF_TWO: usize = 16;

/// Finds lengths of enums with which a message's CRC fits: none, one or two that are not settled yet.
fn trim<'a>(
    names: &Names<'a>,
    message: &Message,
    rules: &[Rule],
    candidates: &BTreeSet<&'a str>,
    settled: &BTreeMap<String, usize>,
) -> Option<(Rule, BTreeMap<String, usize>)> {
    let members = |name: &str| match names.ty(name).map(|t| &t.kind) {
        Some(TypeKind::Enum { members, .. }) => members.len(),
        _ => 0,
    };
    let fits = |extra: &[(&str, usize)]| {
        let mut trims = settled.clone();
        trims.extend(extra.iter().map(|(name, n)| (name.to_string(), *n)));
        rules.iter().find(|rule| Run::new(names, **rule, &trims).message(message) == message.crc).map(
            |rule| (*rule, extra.iter().map(|(name, n)| (name.to_string(), *n)).collect::<BTreeMap<_, _>>()),
        )
    };
    if let Some(fit) = fits(&[]) {
        return Some(fit);
    }
    let open: Vec<&str> = candidates.iter().copied().filter(|name| !settled.contains_key(*name)).collect();
    for (i, a) in open.iter().enumerate() {
        for n in (1..members(a)).rev().take(TRIMS) {
            if let Some(fit) = fits(&[(a, n)]) {
                return Some(fit);
            }
        }
        for b in open.iter().skip(i + 1) {
            for n in (1..members(a)).rev().take(TRIMS_OF_TWO) {
                for m in (1..members(b)).rev().take(TRIMS_OF_TWO) {
                    if let Some(fit) = fits(&[(a, n), (b, m)]) {
                        return Some(fit);
                    }
                }
            }
        }
    }
    None
}

/// One computation.
struct Run<'n, 'a> {
    names: &'n Names<'a>,
    rule: Rule,
    trims: &'n BTreeMap<String, usize>,
    enums: RefCell<Vec<&'a str>>,
}

impl<'n, 'a> Run<'n, 'a> {
    fn new(names: &'n Names<'a>, rule: Rule, trims: &'n BTreeMap<String, usize>) -> Self {
        Self { names, rule, trims, enums: RefCell::default() }
    }

    /// The enums that counted.
    fn enums(&self) -> Vec<&'a str> {
        self.enums.borrow().clone()
    }

    fn message(&self, message: &Message) -> u32 {
        let crc = extend(0, &fields_repr(&message.fields));
        match self.rule {
            Rule::FieldsOnly => crc,
            Rule::FirstChain => self.first_chain(crc, &message.fields),
            Rule::AllTypes => self.all_types(crc, &message.fields),
        }
    }

    fn types<'f>(&self, fields: &'f [Field]) -> impl Iterator<Item = &'a Type> + use<'f, 'n, 'a> {
        let names = self.names;
        fields.iter().filter_map(move |f| match &f.ty {
            TypeRef::Named(name) => names.ty(name),
            _ => None,
        })
    }

    fn first_chain(&self, mut crc: u32, fields: &[Field]) -> u32 {
        for ty in self.types(fields) {
            match &ty.kind {
                TypeKind::Enum { .. } => crc = extend(crc, &self.type_repr(ty)),
                TypeKind::Alias { .. } => return extend(crc, &self.type_repr(ty)),
                TypeKind::Struct(inner) | TypeKind::Union(inner) => {
                    return self.first_chain(extend(crc, &self.type_repr(ty)), inner);
                }
            }
        }
        crc
    }

    fn all_types(&self, mut crc: u32, fields: &[Field]) -> u32 {
        for ty in self.types(fields) {
            crc = extend(crc, &self.type_repr(ty));
            if let TypeKind::Struct(inner) | TypeKind::Union(inner) = &ty.kind {
                crc = self.all_types(crc, inner);
            }
        }
        crc
    }

    fn type_repr(&self, ty: &'a Type) -> String {
        match &ty.kind {
            TypeKind::Struct(fields) | TypeKind::Union(fields) => fields_repr(fields),
            TypeKind::Alias { .. } => "[]".to_string(),
            TypeKind::Enum { members, .. } => {
                self.enums.borrow_mut().push(&ty.name);
                let counted = self.trims.get(&ty.name).copied().unwrap_or(members.len());
                let items: Vec<String> = members
                    .iter()
                    .take(counted)
                    .map(|(name, value)| format!("['{name}', {value}]"))
                    .collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

/// CRC-32 of `text` after what `crc` has seen.
fn extend(crc: u32, text: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(crc);
    hasher.update(text.as_bytes());
    hasher.finalize()
}

/// A list of fields as Python prints it.
fn fields_repr(fields: &[Field]) -> String {
    let mut out = String::from("[");
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        let _ = write!(out, "['{}', '{}'", field.ty.spelling(), field.name);
        let _ = match &field.arity {
            Arity::One => write!(out, "]"),
            Arity::Fixed(n) => write!(out, ", {n}, None]"),
            Arity::Counted(counter) => write!(out, ", 0, '{counter}']"),
        };
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Primitive;

    fn field(ty: TypeRef, name: &str, arity: Arity) -> Field {
        Field { name: name.to_string(), ty, arity, options: BTreeMap::new() }
    }

    #[test]
    fn fields_count_as_python_prints_them() {
        let u32_field = |name| field(TypeRef::Primitive(Primitive::U32), name, Arity::One);
        let ping = [u32_field("client_index"), u32_field("context")];
        assert_eq!(extend(0, &fields_repr(&ping)), 0x51077d14);
        let cli = [ping[0].clone(), ping[1].clone(), field(TypeRef::Text, "cmd", Arity::Fixed(0))];
        assert_eq!(extend(0, &fields_repr(&cli)), 0xf8377302);
    }
}
