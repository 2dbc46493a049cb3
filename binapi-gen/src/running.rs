//! What a running VPP tells of its own API: the answer to `get_api_json`, which VPP has since 24.06.
//!
//! It is one JSON array with an element for each module that registered messages. Two things are missing that files
//! have: before 26.06 an element does not say which module it is, and modules of types only are not among them, though
//! their types are repeated by those that import them. Both are filled in from what is known of other releases.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Problems};
use crate::model::{Api, Component, Module, Place};
use crate::parse::{Parsed, Reading};

/// In which module messages and types are.
#[derive(Clone, Debug, Default)]
pub struct Known {
    messages: HashMap<String, String>,
    types: HashMap<String, String>,
}

impl Known {
    /// From releases, oldest first: the newest one that has a name decides.
    pub fn from_apis(apis: &[Api]) -> Self {
        let mut known = Self::default();
        for module in apis.iter().flat_map(|api| api.modules.values()) {
            known.messages.extend(module.messages.iter().map(|m| (m.name.clone(), module.name.clone())));
            known.types.extend(module.types.iter().map(|t| (t.name.clone(), module.name.clone())));
        }
        known
    }

    /// The module of most of these messages; when none is known, what all their names begin with.
    fn module_of(&self, messages: &[String]) -> Option<String> {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for module in messages.iter().filter_map(|m| self.messages.get(m)) {
            *votes.entry(module).or_default() += 1;
        }
        match votes.iter().max_by_key(|(_, n)| **n) {
            Some((module, _)) => Some((*module).to_string()),
            None => common_beginning(messages),
        }
    }
}

/// `foo_bar` of `foo_bar_add`, `foo_bar_add_reply`, `foo_bar_dump`.
fn common_beginning(names: &[String]) -> Option<String> {
    let mut words: Vec<&str> = names.first()?.split('_').collect();
    for name in names {
        let alike = words.iter().zip(name.split('_')).take_while(|(a, b)| **a == *b).count();
        words.truncate(alike);
    }
    let beginning = words.join("_");
    (names.len() > 1 && !beginning.is_empty()).then_some(beginning)
}

#[derive(Deserialize)]
struct Head<'a> {
    module: Option<String>,
    #[serde(borrow, default)]
    messages: Vec<Vec<&'a RawValue>>,
}

impl Head<'_> {
    fn names(&self) -> Vec<String> {
        self.messages.iter().filter_map(|m| serde_json::from_str(m.first()?.get()).ok()).collect()
    }
}

/// Reads the answer. `origin` is what errors call it, such as the path of the socket. Without anything known modules
/// that do not say their names are numbered, which is good enough to look at layouts.
pub(crate) fn read(
    text: &str,
    origin: &str,
    known: Option<&Known>,
    component: &dyn Fn(&str) -> Component,
) -> Result<Parsed, Error> {
    // VPP counts the NUL that ends its text.
    let text = text.trim_end_matches('\0');
    let place = |line: usize| Place { file: origin.to_string(), line };
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| {
        let mut problems = Problems::default();
        problems.push(&place(e.line()), format!("expected a JSON array of modules: {e}"));
        problems.into_error()
    })?;
    if elements.is_empty() {
        return Err(Error::Usage(format!("{origin}: VPP tells of no module; expected its API definitions")));
    }
    let mut reading = Reading::default();
    for (n, element) in elements.iter().enumerate() {
        let head = match serde_json::from_str::<Head<'_>>(element.get()) {
            Ok(head) => head,
            Err(e) => {
                reading.problem(&place(0), format!("module {} of {}: {e}", n + 1, elements.len()));
                continue;
            }
        };
        let names = head.names();
        let Some(name) = head.module.clone().or_else(|| match known {
            Some(known) => known.module_of(&names),
            None => Some(format!("module_{}", n + 1)),
        }) else {
            let first = names.first().map_or("none", String::as_str);
            reading.problem(
                &place(0),
                format!(
                    "module {} of {} does not say its name, and its messages (first: {first}) are of no known \
                     module; expected a \"module\" key. Give the folder of the definitions instead",
                    n + 1,
                    elements.len()
                ),
            );
            continue;
        };
        reading.module(&format!("{origin}, module {name}"), &name, element.get(), component(&name));
    }
    let mut parsed = reading.finish()?;
    if let Some(known) = known {
        add_types_only(&mut parsed.modules, known, origin, component);
    }
    Ok(parsed)
}

/// Adds the modules that types are known to be of and that VPP does not tell of, so that the types have the owner that
/// they have when the files are read. The CRC of such a module is not known and stays 0.
fn add_types_only(
    modules: &mut BTreeMap<String, Module>,
    known: &Known,
    origin: &str,
    component: &dyn Fn(&str) -> Component,
) {
    let mut added: BTreeMap<String, Module> = BTreeMap::new();
    for ty in modules.values().flat_map(|m| &m.types) {
        let Some(owner) = known.types.get(&ty.name).filter(|owner| !modules.contains_key(*owner)) else {
            continue;
        };
        let module = added.entry(owner.clone()).or_insert_with(|| Module {
            name: owner.clone(),
            crc: 0,
            component: component(owner),
            imports: Some(Vec::new()),
            options: BTreeMap::new(),
            messages: Vec::new(),
            types: Vec::new(),
            services: Vec::new(),
            counters: Vec::new(),
            paths: Vec::new(),
            file: format!("{origin}, module {owner}"),
        });
        if module.types.iter().all(|t| t.name != ty.name) {
            module.types.push(ty.clone());
        }
    }
    for (owner, module) in &added {
        let owned = |name: &str| module.types.iter().any(|t| t.name == name);
        for holder in modules.values_mut().filter(|m| m.types.iter().any(|t| owned(&t.name))) {
            // Who repeats a type does not own it.
            holder.imports.get_or_insert_default().push(owner.clone());
        }
    }
    modules.extend(added);
}
