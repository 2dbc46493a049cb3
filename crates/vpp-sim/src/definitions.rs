//! The answer to `get_api_json`, as VPP puts it together from what it has compiled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use binapi_gen::model::{Field, Module, Type, TypeKind, TypeRef};
use binapi_gen::{Error, Release, normal};

/// Since then an element says which module it is.
const NAMED: Release = Release { year: 26, month: 6 };

/// Where the definitions are, and which of them this VPP has.
#[derive(Clone, Debug)]
pub(crate) struct Definitions {
    pub(crate) api_json: PathBuf,
    pub(crate) release: Release,
    pub(crate) without: Vec<String>,
}

impl Definitions {
    /// A JSON array of the modules that have messages, each with the types that it needs, and a NUL.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let api = normal::load(&self.api_json, self.release)?;
        let types: BTreeMap<&str, &Type> =
            api.modules.values().flat_map(|m| &m.types).map(|ty| (ty.name.as_str(), ty)).collect();
        // VPP sets up this one by hand and forgets to tell of it.
        let with_messages =
            |m: &&Module| !m.messages.is_empty() && m.name != "memclnt" && !self.without.contains(&m.name);
        let modules: BTreeMap<String, Module> = api
            .modules
            .values()
            .filter(with_messages)
            .map(|module| (module.name.clone(), with_types(module, &types)))
            .collect();
        let elements: Vec<String> = normal::files(&modules).into_values().map(|t| self.element(&t)).collect();
        Ok(format!("[\n{}]\0", elements.join(",")))
    }

    fn element(&self, text: &str) -> String {
        let unnamed = |line: &&str| self.release >= NAMED || !line.starts_with(" \"module\":");
        text.lines().filter(unnamed).collect::<Vec<_>>().join("\n")
    }
}

fn with_types(module: &Module, types: &BTreeMap<&str, &Type>) -> Module {
    let mut open: Vec<&Field> = module.messages.iter().flat_map(|m| &m.fields).collect();
    let mut names: Vec<&str> = module.types.iter().map(|ty| ty.name.as_str()).collect();
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    loop {
        names.extend(open.drain(..).filter_map(|field| named(&field.ty)));
        let Some(name) = names.pop() else { break };
        let Some(ty) = types.get(name).filter(|_| needed.insert(name)) else { continue };
        match &ty.kind {
            TypeKind::Struct(fields) | TypeKind::Union(fields) => open.extend(fields),
            TypeKind::Alias { ty, .. } => names.extend(named(ty)),
            TypeKind::Enum { .. } => {}
        }
    }
    let types = needed.iter().filter_map(|name| types.get(name)).map(|ty| (*ty).clone());
    Module { types: types.collect(), ..module.clone() }
}

fn named(ty: &TypeRef) -> Option<&str> {
    match ty {
        TypeRef::Named(name) => Some(name),
        TypeRef::Primitive(_) | TypeRef::Text => None,
    }
}
