//! Which module owns a type.
//!
//! A file repeats the types that it imports. The owner is found by one rule, the same for every release:
//!
//! 1. where the files say what they import, a module that imports another one which has the type does not own it;
//! 2. of those that are left, a module named `*_types` owns it;
//! 3. else the module whose name begins the name of the type, the longest such name first;
//! 4. else the first in alphabetical order.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Module;

/// Leaves every type only in the module that owns it.
pub(crate) fn settle(modules: &mut BTreeMap<String, Module>) {
    let mut holders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in modules.values() {
        for ty in &module.types {
            holders.entry(ty.name.clone()).or_default().insert(module.name.clone());
        }
    }
    let imports: BTreeMap<String, BTreeSet<String>> =
        modules.values().map(|m| (m.name.clone(), m.imports.iter().flatten().cloned().collect())).collect();
    let owners: BTreeMap<String, String> =
        holders.into_iter().map(|(ty, holders)| (ty.clone(), owner(&ty, &holders, &imports))).collect();
    for module in modules.values_mut() {
        let name = module.name.clone();
        module.types.retain(|ty| owners.get(&ty.name) == Some(&name));
    }
}

fn owner(ty: &str, holders: &BTreeSet<String>, imports: &BTreeMap<String, BTreeSet<String>>) -> String {
    let imported = |m: &String| imports.get(m).is_some_and(|i| i.iter().any(|other| holders.contains(other)));
    let mut left: Vec<&String> = holders.iter().filter(|m| !imported(m)).collect();
    if left.is_empty() {
        left = holders.iter().collect();
    }
    let by_name = left.iter().filter(|m| ty.starts_with(m.as_str())).max_by_key(|m| m.len());
    let chosen = left.iter().find(|m| m.ends_with("_types")).or(by_name).or(left.first());
    chosen.map(|m| (*m).clone()).unwrap_or_default()
}
