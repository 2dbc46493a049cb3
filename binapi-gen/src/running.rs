//! What a running VPP tells of its own API: the answer to `get_api_json`, which VPP has since 24.06.
//!
//! It is one JSON array with an element for each module that registered messages. Three things are missing that files
//! have: before 26.06 an element does not say which module it is; modules of types only are not among them, though
//! their types are repeated by those that import them; nor is `memclnt`, which registers its messages in a way of its own
//! (`src/vlibmemory/memclnt_api.c`). They are filled in from what is known of other releases; messages where VPP's table
//! has them with the same CRC.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Problems};
use crate::model::{Api, Component, Message, Module, Place};
use crate::parse::{Parsed, Reading};

/// What is known of other releases, and of the VPP that is asked.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Modules by message.
    messages: HashMap<String, String>,
    /// Modules by type.
    types: HashMap<String, String>,
    /// Oldest first.
    apis: Vec<Api>,
    /// CRCs by message, as VPP's table has them.
    table: BTreeMap<String, u32>,
}

impl Known {
    /// From releases, oldest first: the newest one that has a name decides.
    pub fn from_apis(apis: Vec<Api>) -> Self {
        let mut known = Self::default();
        for module in apis.iter().flat_map(|api| api.modules.values()) {
            known.messages.extend(module.messages.iter().map(|m| (m.name.clone(), module.name.clone())));
            known.types.extend(module.types.iter().map(|t| (t.name.clone(), module.name.clone())));
        }
        Self { apis, ..known }
    }

    /// With VPP's message table: entries such as `control_ping_51077d14`.
    #[must_use]
    pub fn with_table<'a>(mut self, entries: impl IntoIterator<Item = &'a str>) -> Self {
        let named = |entry: &str| {
            let (name, crc) = entry.rsplit_once('_')?;
            Some((name.to_string(), u32::from_str_radix(crc, 16).ok()?))
        };
        self.table = entries.into_iter().filter_map(named).collect();
        self
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
        let said = add_untold(&mut parsed.modules, known, origin, component);
        parsed.warnings.extend(said);
        add_types_only(&mut parsed.modules, known, origin, component);
    }
    Ok(parsed)
}

fn empty(name: &str, origin: &str, component: &dyn Fn(&str) -> Component) -> Module {
    Module {
        name: name.to_string(),
        crc: 0,
        component: component(name),
        imports: Some(Vec::new()),
        options: BTreeMap::new(),
        messages: Vec::new(),
        types: Vec::new(),
        services: Vec::new(),
        counters: Vec::new(),
        paths: Vec::new(),
        file: format!("{origin}, module {name}"),
    }
}

/// Adds the messages that VPP has in its table and does not tell of, from the newest release that has them with the same
/// CRC. Tells what was added, and what is known of no release.
fn add_untold(
    modules: &mut BTreeMap<String, Module>,
    known: &Known,
    origin: &str,
    component: &dyn Fn(&str) -> Component,
) -> Vec<String> {
    let told: HashSet<String> =
        modules.values().flat_map(|m| &m.messages).map(|message| message.name.clone()).collect();
    let mut open: BTreeMap<&str, u32> = known.table.iter().map(|(name, crc)| (name.as_str(), *crc)).collect();
    open.retain(|name, _| !told.contains(*name));
    let mut said = Vec::new();
    for api in known.apis.iter().rev() {
        for source in api.modules.values() {
            let taken: Vec<Message> = source
                .messages
                .iter()
                .filter(|m| open.get(m.name.as_str()) == Some(&m.crc))
                .cloned()
                .collect();
            if taken.is_empty() {
                continue;
            }
            said.push(format!(
                "{origin}: VPP has {} messages of module {} and does not tell of them: taken from {}, CRCs are equal",
                taken.len(),
                source.name,
                api.release
            ));
            taken.iter().for_each(|m| {
                open.remove(m.name.as_str());
            });
            let has = |name: &str| taken.iter().any(|m| m.name == name);
            let module =
                modules.entry(source.name.clone()).or_insert_with(|| empty(&source.name, origin, component));
            module.services.extend(source.services.iter().filter(|s| has(&s.request)).cloned());
            for ty in &source.types {
                if module.types.iter().all(|t| t.name != ty.name) {
                    module.types.push(ty.clone());
                }
            }
            module.messages.extend(taken);
        }
    }
    if !open.is_empty() {
        let names: Vec<&str> = open.keys().copied().collect();
        said.push(format!(
            "{origin}: VPP has messages that it does not tell of and that are of no known release, left out: {}",
            names.join(", ")
        ));
    }
    said
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
        let module = added.entry(owner.clone()).or_insert_with(|| empty(owner, origin, component));
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
