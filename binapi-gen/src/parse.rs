//! Reads `*.api.json` in every form from 18.10 to today.
//!
//! The forms differ in small ways (a trailing object on types or not, `string` with two elements, no `imports`);
//! all are accepted everywhere. What is in none of them is an error, except unknown keys of objects: those are
//! left out with a warning that names them, since newer generators add keys freely.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::error::{Error, Problem, Problems, io};
use crate::json::{Node, Source, line_ends};
use crate::model::{
    Arity, Component, Field, Message, Module, Place, Primitive, Service, Type, TypeKind, TypeRef,
};

type Result<T> = std::result::Result<T, Problem>;

/// The longest message name: `_`, the CRC and a NUL have to fit the 64 bytes of the message table beside it.
const LONGEST_NAME: usize = 54;

/// What a folder of definitions gave.
#[derive(Debug)]
pub struct Parsed {
    /// Modules by name.
    pub modules: BTreeMap<String, Module>,
    /// Keys that are not known and were left out, with the files that have them.
    pub warnings: Vec<String>,
}

/// Reads every `*.api.json` below a folder, which may have `core/` and `plugins/` or be flat.
///
/// `component` decides for a module whose folder does not say whether it is core or plugin.
pub fn read_folder(
    folder: &Path,
    component: &dyn Fn(&str) -> Component,
) -> std::result::Result<Parsed, Error> {
    let mut files = Vec::new();
    find(folder, None, &mut BTreeSet::new(), &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(Error::Empty { path: folder.display().to_string() });
    }
    let mut reading = Reading::default();
    for (path, stated) in files {
        let file = path.display().to_string();
        match std::fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => {
                let name = module_of(&path).unwrap_or_default();
                let component = stated.unwrap_or_else(|| component(&name));
                reading.module(&file, &name, &text, component);
            }
            Ok(Err(e)) => {
                let (good, bytes) = (e.utf8_error().valid_up_to(), e.as_bytes());
                let line = 1 + bytes.iter().take(good).filter(|b| **b == b'\n').count();
                reading
                    .problems
                    .push(&Place { file, line }, format!("not UTF-8 at byte {good}; expected JSON"));
            }
            Err(e) => reading.problems.push(&Place { file, line: 0 }, format!("cannot be read: {e}")),
        }
    }
    reading.finish()
}

/// Reads modules that are given as text: name and JSON.
pub fn read_texts<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    component: &dyn Fn(&str) -> Component,
) -> std::result::Result<Parsed, Error> {
    let mut reading = Reading::default();
    for (name, text) in texts {
        reading.module(name, name, text, component(name));
    }
    reading.finish()
}

/// Modules that are being read.
#[derive(Default)]
pub(crate) struct Reading {
    problems: Problems,
    modules: BTreeMap<String, Module>,
    /// Unknown keys, with the files that have them.
    unknown: BTreeMap<String, BTreeSet<String>>,
}

impl Reading {
    /// Notes something that is wrong outside of any module.
    pub(crate) fn problem(&mut self, place: &Place, what: String) {
        self.problems.push(place, what);
    }

    pub(crate) fn module(&mut self, file: &str, name: &str, text: &str, component: Component) {
        let place = Place { file: file.to_string(), line: 0 };
        if !is_identifier(name) {
            self.problems.push(&place, format!("\"{name}\" cannot be the name of a module"));
            return;
        }
        match read_module(file, name, text, component) {
            Ok((module, keys)) => {
                for key in keys {
                    self.unknown.entry(key).or_default().insert(file.to_string());
                }
                if let Some(other) = self.modules.get(name) {
                    self.problems.push(&place, format!("module {name} stands in {} already", other.file));
                } else {
                    self.modules.insert(name.to_string(), module);
                }
            }
            Err(found) => self.problems.extend(found),
        }
    }

    pub(crate) fn finish(self) -> std::result::Result<Parsed, Error> {
        let warning = |(key, files): (String, BTreeSet<String>)| {
            let first = files.iter().next().cloned().unwrap_or_default();
            format!("unknown key \"{key}\" left out ({} files, first {first})", files.len())
        };
        let warnings = self.unknown.into_iter().map(warning).collect();
        self.problems.into_result(Parsed { modules: self.modules, warnings })
    }
}

/// The module of a file: `ip_types` of `core/ip_types.api.json`. `None` for files that hold no definitions.
pub(crate) fn module_of(path: &Path) -> Option<String> {
    path.file_name()?.to_string_lossy().strip_suffix(".api.json").map(str::to_string)
}

/// The modules that a folder has files of.
pub(crate) fn module_names(folder: &Path) -> std::result::Result<BTreeSet<String>, Error> {
    let mut files = Vec::new();
    find(folder, None, &mut BTreeSet::new(), &mut files)?;
    Ok(files.iter().filter_map(|(path, _)| module_of(path)).collect())
}

/// `core` and `plugins` are the folders of an installed VPP; below others the question stays open.
fn find(
    folder: &Path,
    stated: Option<&Component>,
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<(PathBuf, Option<Component>)>,
) -> std::result::Result<(), Error> {
    // A link may lead back to a folder above.
    if !seen.insert(folder.canonicalize().map_err(io(folder))?) {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        if path.is_dir() {
            let here = match path.file_name().and_then(|n| n.to_str()) {
                Some("core") => Some(Component::Core),
                Some("plugins") => Some(Component::Plugin),
                _ => stated.cloned(),
            };
            find(&path, here.as_ref(), seen, files)?;
        } else if module_of(&path).is_some() {
            files.push((path, stated.cloned()));
        }
    }
    Ok(())
}

/// Reads one module. The second part of the answer lists unknown keys.
fn read_module(
    file: &str,
    name: &str,
    text: &str,
    component: Component,
) -> std::result::Result<(Module, Vec<String>), Vec<Problem>> {
    let ends = line_ends(text);
    let source = Source { file, text, line_ends: &ends };
    let mut reader = Reader { problems: Vec::new(), unknown: Vec::new(), types: HashMap::new() };
    let module = Node::parse(source).and_then(|root| reader.module(root, file, name, component));
    match module {
        Ok(module) if reader.problems.is_empty() => Ok((module, reader.unknown)),
        Ok(_) => Err(reader.problems),
        Err(first) => {
            reader.problems.push(first);
            Err(reader.problems)
        }
    }
}

struct Reader {
    problems: Vec<Problem>,
    unknown: Vec<String>,
    /// Positions of the module's types by name.
    types: HashMap<String, usize>,
}

impl Reader {
    /// Keeps what is good and notes what is not, so that all mistakes of a file are told at once.
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|p| self.problems.push(p)).ok()
    }

    fn module(&mut self, root: Node<'_>, file: &str, name: &str, component: Component) -> Result<Module> {
        let mut module = Module {
            name: name.to_string(),
            crc: 0,
            component,
            imports: None,
            options: BTreeMap::new(),
            messages: Vec::new(),
            types: Vec::new(),
            services: Vec::new(),
            counters: Vec::new(),
            paths: Vec::new(),
            file: file.to_string(),
        };
        let entries = root.object("an object with types, messages, services")?;
        for required in ["types", "messages"] {
            if !entries.iter().any(|(key, _)| key == required) {
                return Err(root.problem(format!("no \"{required}\": not an API definition")));
            }
        }
        for (key, node) in entries {
            let read = self.entry(&mut module, &key, node);
            self.keep(read);
        }
        Ok(module)
    }

    /// A file repeats what it imports, some releases more than once: the same thing again is no mistake.
    fn add_type(&mut self, module: &mut Module, ty: Type) {
        let other = self.types.get(&ty.name).and_then(|at| module.types.get(*at));
        match other {
            None => {
                self.types.insert(ty.name.clone(), module.types.len());
                module.types.push(ty);
            }
            Some(same) if same.kind == ty.kind => {}
            Some(other) => self.problems.push(Problem {
                place: ty.place.clone(),
                what: format!("type {} differs from the one at {}", ty.name, other.place),
            }),
        }
    }

    /// One key of a module.
    fn entry(&mut self, module: &mut Module, key: &str, node: Node<'_>) -> Result<()> {
        match key {
            "module" => {
                let stated = node.string("the name of the module")?;
                if stated != module.name {
                    return Err(node.problem(format!(
                        "module \"{stated}\" in the file of \"{}\"; expected one name",
                        module.name
                    )));
                }
            }
            "types" => self.types(module, node, "a type", &|r, n| r.compound(n, false))?,
            "unions" => self.types(module, node, "a union", &|r, n| r.compound(n, true))?,
            "enums" => self.types(module, node, "an enum", &|r, n| r.enumeration(n, false))?,
            "enumflags" => self.types(module, node, "an enumflag", &|r, n| r.enumeration(n, true))?,
            "aliases" => {
                for (alias, node) in node.object("an object of aliases")? {
                    let read = self.alias(&alias, node);
                    if let Some(ty) = self.keep(read) {
                        self.add_type(module, ty);
                    }
                }
            }
            "messages" => {
                for node in node.array("a list of messages")? {
                    let read = self.message(node);
                    if let Some(message) = self.keep(read) {
                        module.messages.push(message);
                    }
                }
            }
            "services" => {
                for (request, node) in node.object("an object of services")? {
                    let read = self.service(&request, node);
                    if let Some(service) = self.keep(read) {
                        module.services.push(service);
                    }
                }
            }
            "vl_api_version" => module.crc = node.crc("a CRC such as \"0x1234abcd\"")?,
            "options" => module.options = options(node)?,
            "imports" => {
                let list = node.array("a list of paths")?;
                let stems = list.iter().map(|n| n.string("a path").map(|p| stem(&p)));
                module.imports = Some(stems.collect::<Result<_>>()?);
            }
            "counters" => module.counters = values(node)?,
            "paths" => module.paths = values(node)?,
            _ => self.unknown.push(key.to_string()),
        }
        Ok(())
    }

    fn types(
        &mut self,
        module: &mut Module,
        node: Node<'_>,
        what: &str,
        read: &dyn Fn(&mut Self, Node<'_>) -> Result<Type>,
    ) -> Result<()> {
        for node in node.array(&format!("a list, {what} each"))? {
            let ty = read(self, node);
            if let Some(ty) = self.keep(ty) {
                self.add_type(module, ty);
            }
        }
        Ok(())
    }

    fn message(&mut self, node: Node<'_>) -> Result<Message> {
        let items = node.array("a message: [name, field..., {crc}]")?;
        let (name, rest) = items.split_first().ok_or_else(|| node.problem("an empty message"))?;
        let name = identifier(*name, "the name of a message")?;
        if name.len() > LONGEST_NAME {
            return Err(node.problem(format!(
                "message name {name} has {} characters; the message table has room for {LONGEST_NAME}",
                name.len()
            )));
        }
        let mut crc = None;
        let mut message_options = BTreeMap::new();
        let mut fields = Vec::new();
        for item in rest {
            if item.is_object() {
                for (key, value) in item.object("an object")? {
                    match key.as_str() {
                        "crc" => crc = Some(value.crc("a CRC such as \"0x1234abcd\"")?),
                        "options" => message_options = options(value)?,
                        "comment" => {}
                        _ => self.unknown.push(format!("message.{key}")),
                    }
                }
            } else {
                fields.push(self.field(*item)?);
            }
        }
        let Some(crc) = crc else {
            return Err(node.problem(format!("message {name} has no crc")));
        };
        let id = fields.first().is_some_and(|f| f.name == "_vl_msg_id" && f.ty.spelling() == "u16");
        if !id {
            return Err(node.problem(format!("message {name} does not begin with [\"u16\", \"_vl_msg_id\"]")));
        }
        fields.remove(0);
        check_fields(node, &name, &fields)?;
        Ok(Message { name, crc, fields, options: message_options, place: node.place() })
    }

    fn field(&mut self, node: Node<'_>) -> Result<Field> {
        let what = "a field: [type, name] and a length, if any";
        let items = node.array(what)?;
        let mut plain = Vec::new();
        let mut field_options = BTreeMap::new();
        for item in items {
            if item.is_object() {
                field_options.extend(options(item)?);
            } else {
                plain.push(item);
            }
        }
        let (ty, name, arity) = match plain.as_slice() {
            [ty, name] => (type_ref(*ty)?, name, Arity::One),
            [ty, name, length] => {
                let ty = type_ref(*ty)?;
                let length = length.length()?;
                if length == 0 && ty != TypeRef::Text {
                    return Err(node.problem(
                        "an array of variable length; expected the name of the field that counts it",
                    ));
                }
                (ty, name, Arity::Fixed(length))
            }
            [ty, name, zero, counter] => {
                if zero.length()? != 0 {
                    return Err(node.problem("an array with a fixed length and a field that counts it"));
                }
                let ty = type_ref(*ty)?;
                if ty == TypeRef::Text {
                    return Err(node.problem("a string with a field that counts it; its length is its own"));
                }
                (ty, name, Arity::Counted(counter.string("the name of the counting field")?))
            }
            _ => return Err(node.problem(format!("expected {what}"))),
        };
        Ok(Field { name: identifier(*name, "the name of a field")?, ty, arity, options: field_options })
    }

    fn compound(&mut self, node: Node<'_>, union: bool) -> Result<Type> {
        let items = node.array("a type: [name, field...]")?;
        let (name, rest) = items.split_first().ok_or_else(|| node.problem("an empty type"))?;
        let name = identifier(*name, "the name of a type")?;
        let mut fields = Vec::new();
        for item in rest {
            if !item.is_object() {
                fields.push(self.field(*item)?);
            }
        }
        if fields.is_empty() {
            return Err(node.problem(format!("type {name} has no fields")));
        }
        check_fields(node, &name, &fields)?;
        let kind = if union { TypeKind::Union(fields) } else { TypeKind::Struct(fields) };
        Ok(Type { name, kind, place: node.place() })
    }

    fn enumeration(&mut self, node: Node<'_>, flags: bool) -> Result<Type> {
        let items = node.array("an enum: [name, [member, value]..., {enumtype}]")?;
        let (name, rest) = items.split_first().ok_or_else(|| node.problem("an empty enum"))?;
        let name = identifier(*name, "the name of an enum")?;
        let mut width = None;
        let mut members: Vec<(String, u64)> = Vec::new();
        let mut names = BTreeSet::new();
        for item in rest {
            if item.is_object() {
                for (key, value) in item.object("an object")? {
                    if key == "enumtype" {
                        let spelled = value.string("a type such as \"u8\"")?;
                        width = Primitive::from_name(&spelled).filter(|p| {
                            matches!(p, Primitive::U8 | Primitive::U16 | Primitive::U32 | Primitive::U64)
                        });
                        if width.is_none() {
                            return Err(value.problem(format!(
                                "enum {name} is as wide as \"{spelled}\"; expected u8, u16, u32 or u64"
                            )));
                        }
                    } else if key != "comment" {
                        self.unknown.push(format!("enum.{key}"));
                    }
                }
                continue;
            }
            let pair = item.array("[member, value]")?;
            let [member, value, ..] = pair.as_slice() else {
                return Err(item.problem("expected [member, value]"));
            };
            let member = identifier(*member, "the name of a member")?;
            if !names.insert(member.clone()) {
                return Err(item.problem(format!("enum {name}: member {member} a second time")));
            }
            members.push((member, value.number("a value that is not negative")?));
        }
        let width = width.ok_or_else(|| node.problem(format!("enum {name} does not say its enumtype")))?;
        let limit = match width.size() {
            8 => u64::MAX,
            bytes => (1u64 << (8 * bytes)) - 1,
        };
        if let Some((member, value)) = members.iter().find(|(_, v)| *v > limit) {
            return Err(node.problem(format!(
                "enum {name}: {member} = {value} does not fit {}; expected {limit} at the most",
                width.name()
            )));
        }
        Ok(Type { name, kind: TypeKind::Enum { width, members, flags }, place: node.place() })
    }

    fn alias(&mut self, name: &str, node: Node<'_>) -> Result<Type> {
        if !is_identifier(name) {
            return Err(node.problem(format!("\"{name}\" cannot be the name of a type")));
        }
        let mut ty = None;
        let mut length = None;
        for (key, value) in node.object("an alias: {type, length}")? {
            match key.as_str() {
                "type" => ty = Some(type_ref(value)?),
                "length" => length = Some(value.length()?),
                "comment" => {}
                _ => self.unknown.push(format!("alias.{key}")),
            }
        }
        let ty = ty.ok_or_else(|| node.problem(format!("alias {name} has no type")))?;
        if length == Some(0) || (length.is_some() && ty == TypeRef::Text) {
            return Err(
                node.problem(format!("alias {name}: expected a length above zero, and not of a string"))
            );
        }
        Ok(Type { name: name.to_string(), kind: TypeKind::Alias { ty, length }, place: node.place() })
    }

    fn service(&mut self, request: &str, node: Node<'_>) -> Result<Service> {
        let mut service = Service {
            request: request.to_string(),
            reply: None,
            stream: false,
            stream_message: None,
            events: Vec::new(),
            place: node.place(),
        };
        let mut has_reply = false;
        for (key, value) in node.object("a service: {reply, stream, stream_msg, events}")? {
            match key.as_str() {
                "reply" => {
                    has_reply = true;
                    service.reply =
                        Some(value.string("the name of a message")?).filter(|name| name != "null");
                }
                "stream" => service.stream = value.boolean("true or false")?,
                "stream_msg" => service.stream_message = Some(value.string("the name of a message")?),
                "events" => {
                    let events = value.array("a list of messages")?;
                    service.events =
                        events.iter().map(|e| e.string("the name of a message")).collect::<Result<_>>()?;
                }
                _ => self.unknown.push(format!("service.{key}")),
            }
        }
        if !has_reply {
            return Err(node.problem(format!("service {request} does not say its reply")));
        }
        Ok(service)
    }
}

/// Counting fields come before what they count and are integers; nothing has the same name twice.
fn check_fields(node: Node<'_>, owner: &str, fields: &[Field]) -> Result<()> {
    let mut before: HashMap<&str, &Field> = HashMap::new();
    for field in fields {
        let counting = match &field.arity {
            Arity::Counted(counter) => before.get(counter.as_str()).copied(),
            _ => None,
        };
        if before.insert(&field.name, field).is_some() {
            return Err(
                node.problem(format!("{owner}: field {} a second time; expected each name once", field.name))
            );
        }
        let Arity::Counted(counter) = &field.arity else { continue };
        let unsigned = |f: &Field| {
            f.arity == Arity::One
                && matches!(f.ty, TypeRef::Primitive(Primitive::U8 | Primitive::U16 | Primitive::U32))
        };
        match counting {
            Some(f) if unsigned(f) => {}
            Some(f) => {
                let array = if f.arity == Arity::One { "" } else { "an array of " };
                let found = format!("{array}{}", f.ty.spelling());
                return Err(node.problem(format!(
                    "{owner}: {} is counted by {counter}, which is {found}; expected u8, u16 or u32",
                    field.name
                )));
            }
            None => {
                let found =
                    if fields.iter().any(|f| f.name == *counter) { "comes later" } else { "is no field" };
                return Err(node.problem(format!(
                    "{owner}: {} is counted by {counter}, which {found}; expected a field before it",
                    field.name
                )));
            }
        }
    }
    Ok(())
}

fn type_ref(node: Node<'_>) -> Result<TypeRef> {
    let spelled = node.string("the name of a type")?;
    if spelled == "string" {
        return Ok(TypeRef::Text);
    }
    if let Some(primitive) = Primitive::from_name(&spelled) {
        return Ok(TypeRef::Primitive(primitive));
    }
    match spelled.strip_prefix("vl_api_").and_then(|s| s.strip_suffix("_t")) {
        Some(name) if !name.is_empty() => Ok(TypeRef::Named(name.to_string())),
        _ => Err(node.problem(format!(
            "unknown type \"{spelled}\"; expected u8 to u64, i8 to i64, f64, bool, string or vl_api_<name>_t"
        ))),
    }
}

fn identifier(node: Node<'_>, what: &str) -> Result<String> {
    let name = node.string(what)?;
    if is_identifier(&name) { Ok(name) } else { Err(node.problem(format!("\"{name}\" cannot be {what}"))) }
}

/// True for what C and Rust take as a name. Names end up in code, so nothing else gets through.
fn is_identifier(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().any(|b| b.is_ascii_alphanumeric())
}

fn options(node: Node<'_>) -> Result<BTreeMap<String, serde_json::Value>> {
    node.object("an object of options")?.into_iter().map(|(k, v)| Ok((k, v.value()?))).collect()
}

fn values(node: Node<'_>) -> Result<Vec<serde_json::Value>> {
    node.array("a list")?.iter().map(Node::value).collect()
}

/// `vnet/ip/ip_types.api` is module `ip_types`.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.trim_end_matches(".api").to_string()
}
