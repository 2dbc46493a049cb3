//! The form in which definitions are kept in the repository: `api-json/<release>/{core,plugins}/<module>.api.json`.
//!
//! Facts only. Comments are gone, a type stands once, in the module that owns it, everything has a fixed order and
//! stands on a line of its own, so that the difference between two releases reads well. [`crate::parse`] reads
//! this form like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, io};
use crate::model::{Api, Arity, Component, Field, Module, Release, Type, TypeKind};
use crate::{parse, resolve};

/// Name of the file beside a release's modules that says what they were made from.
pub const PROVENANCE: &str = "PROVENANCE";

/// Reads one release from the repository's `api-json` folder, and checks it as far as [`resolve::check`] does.
pub fn load(api_json: &Path, release: Release) -> Result<Api, Error> {
    let folder = api_json.join(release.to_string());
    let parsed = parse::read_folder(&folder, &|_| Component::Plugin)?;
    let api = Api::new(release, parsed.modules)?;
    // Whatever follows types down relies on it.
    resolve::check(&api)?;
    Ok(api)
}

/// The names of the modules that a release has in the repository's `api-json` folder.
pub(crate) fn module_names(api_json: &Path, release: Release) -> Result<BTreeSet<String>, Error> {
    parse::module_names(&api_json.join(release.to_string()))
}

/// The releases that an `api-json` folder has, oldest first.
pub fn releases(api_json: &Path) -> Result<Vec<Release>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(api_json).map_err(io(api_json))? {
        let entry = entry.map_err(io(api_json))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A copy such as `26.06.bak` is not a release.
        if let Some(release) = Release::parse(&name).filter(|r| r.to_string() == name)
            && entry.path().is_dir()
        {
            found.push(release);
        }
    }
    found.sort();
    Ok(found)
}

/// The files of a release in this form, by path below `api-json/<release>`.
pub fn files(modules: &BTreeMap<String, Module>) -> BTreeMap<PathBuf, String> {
    modules
        .values()
        .map(|module| {
            let folder = match module.component {
                Component::Core => "core",
                Component::Plugin => "plugins",
            };
            (Path::new(folder).join(format!("{}.api.json", module.name)), module_text(module))
        })
        .collect()
}

/// The keys of types in the order of the file.
const TYPE_KEYS: [&str; 5] = ["types", "unions", "enums", "enumflags", "aliases"];

/// Gives everything in a module the order in which its file is read back, which is the order of what is generated:
/// an import has to give the same code as its files do later.
pub(crate) fn order(module: &mut Module) {
    let rank = |ty: &Type| TYPE_KEYS.iter().position(|key| *key == key_of(ty));
    module.types.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    module.messages.sort_by(|a, b| a.name.cmp(&b.name));
    module.services.sort_by(|a, b| a.request.cmp(&b.request));
    if let Some(imports) = &mut module.imports {
        imports.sort();
        imports.dedup();
    }
}

fn module_text(module: &Module) -> String {
    let mut module = module.clone();
    order(&mut module);
    let mut out = String::from("{\n");
    let _ = writeln!(out, " \"module\": {},", quoted(&module.name));
    let _ = writeln!(out, " \"vl_api_version\": \"0x{:08x}\",", module.crc);
    if !module.options.is_empty() {
        let _ = writeln!(out, " \"options\": {},", object(&module.options));
    }
    if let Some(imports) = &module.imports {
        list(&mut out, "imports", "[", "]", imports.iter().map(|i| quoted(i)));
    }
    for key in TYPE_KEYS {
        let (open, close) = if key == "aliases" { ("{", "}") } else { ("[", "]") };
        let types = module.types.iter().filter(|ty| key_of(ty) == key).map(type_line);
        list(&mut out, key, open, close, types);
    }
    list(&mut out, "counters", "[", "]", module.counters.iter().map(Value::to_string));
    list(&mut out, "paths", "[", "]", module.paths.iter().map(Value::to_string));
    let message_lines = module.messages.iter().map(|m| {
        let mut items = vec![quoted(&m.name), "[\"u16\", \"_vl_msg_id\"]".to_string()];
        items.extend(m.fields.iter().map(field_text));
        let mut meta = format!("{{\"crc\": \"0x{:08x}\"", m.crc);
        if !m.options.is_empty() {
            let _ = write!(meta, ", \"options\": {}", object(&m.options));
        }
        meta.push('}');
        items.push(meta);
        format!("[{}]", items.join(", "))
    });
    list(&mut out, "messages", "[", "]", message_lines);
    let service_lines = module.services.iter().map(|s| {
        let mut text =
            format!("{}: {{\"reply\": {}", quoted(&s.request), quoted(s.reply.as_deref().unwrap_or("null")));
        if s.stream {
            text.push_str(", \"stream\": true");
        }
        if let Some(message) = &s.stream_message {
            let _ = write!(text, ", \"stream_msg\": {}", quoted(message));
        }
        if !s.events.is_empty() {
            let events: Vec<String> = s.events.iter().map(|e| quoted(e)).collect();
            let _ = write!(text, ", \"events\": [{}]", events.join(", "));
        }
        text.push('}');
        text
    });
    list(&mut out, "services", "{", "}", service_lines);
    // The last list ends in a comma like the others.
    out.truncate(out.trim_end().trim_end_matches(',').len());
    out.push_str("\n}\n");
    out
}

fn list(out: &mut String, key: &str, open: &str, close: &str, items: impl IntoIterator<Item = String>) {
    let items: Vec<String> = items.into_iter().collect();
    if items.is_empty() {
        // `types` and `messages` are what tells an API definition from other JSON.
        if matches!(key, "types" | "messages" | "services") {
            let _ = writeln!(out, " \"{key}\": {open}{close},");
        }
        return;
    }
    let _ = writeln!(out, " \"{key}\": {open}\n  {}\n {close},", items.join(",\n  "));
}

fn key_of(ty: &Type) -> &'static str {
    match &ty.kind {
        TypeKind::Struct(_) => "types",
        TypeKind::Union(_) => "unions",
        TypeKind::Enum { flags: false, .. } => "enums",
        TypeKind::Enum { flags: true, .. } => "enumflags",
        TypeKind::Alias { .. } => "aliases",
    }
}

fn type_line(ty: &Type) -> String {
    match &ty.kind {
        TypeKind::Struct(fields) | TypeKind::Union(fields) => {
            let mut items = vec![quoted(&ty.name)];
            items.extend(fields.iter().map(field_text));
            format!("[{}]", items.join(", "))
        }
        TypeKind::Enum { width, members, .. } => {
            let mut items = vec![quoted(&ty.name)];
            items.extend(members.iter().map(|(name, value)| format!("[{}, {value}]", quoted(name))));
            items.push(format!("{{\"enumtype\": {}}}", quoted(width.name())));
            format!("[{}]", items.join(", "))
        }
        TypeKind::Alias { ty: target, length } => {
            let length = length.map(|n| format!(", \"length\": {n}")).unwrap_or_default();
            format!("{}: {{\"type\": {}{length}}}", quoted(&ty.name), quoted(&target.spelling()))
        }
    }
}

fn field_text(field: &Field) -> String {
    let mut items = vec![quoted(&field.ty.spelling()), quoted(&field.name)];
    match &field.arity {
        Arity::One => {}
        Arity::Fixed(n) => items.push(n.to_string()),
        Arity::Counted(counter) => {
            items.push("0".to_string());
            items.push(quoted(counter));
        }
    }
    if !field.options.is_empty() {
        items.push(object(&field.options));
    }
    format!("[{}]", items.join(", "))
}

fn quoted(text: &str) -> String {
    Value::String(text.to_string()).to_string()
}

fn object(options: &BTreeMap<String, Value>) -> String {
    let items: Vec<String> = options.iter().map(|(k, v)| format!("{}: {v}", quoted(k))).collect();
    format!("{{{}}}", items.join(", "))
}
