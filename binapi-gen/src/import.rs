//! Takes the definitions of a VPP install into the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, io};
use crate::model::{Api, Component, Module, Release};
use crate::running::{self, Known};
use crate::{crc, fixups, normal, own, parse, resolve};

/// An import that has been read and checked, and not been written yet.
#[derive(Debug)]
pub struct Import {
    /// The definitions, types with their owners, mended by the fix-ups.
    pub api: Api,
    /// The files of `api-json/<release>`.
    pub files: BTreeMap<PathBuf, String>,
    /// What was left out.
    pub warnings: Vec<String>,
    /// Fix-ups that were applied.
    pub fixups: Vec<&'static str>,
    /// What recomputing the CRCs found.
    pub verified: crc::Verified,
}

/// Which modules are core where the folder does not say, from `core-modules.txt`.
#[derive(Clone, Debug, Default)]
pub struct CoreModules(BTreeMap<String, Option<Release>>);

impl CoreModules {
    /// Reads lines of `module release`; the release is the first in which the module is a plugin, `-` for none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut table = BTreeMap::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = || {
                Error::Usage(format!("core-modules.txt:{}: expected `module release`, found `{line}`", i + 1))
            };
            let (module, since) = line.split_once(' ').ok_or_else(bad)?;
            let since = match since.trim() {
                "-" => None,
                release => Some(Release::parse(release).ok_or_else(bad)?),
            };
            table.insert(module.to_string(), since);
        }
        Ok(Self(table))
    }

    /// Core or plugin in that release.
    pub fn component(&self, module: &str, release: Release) -> Component {
        match self.0.get(module) {
            Some(None) => Component::Core,
            Some(Some(since)) if release < *since => Component::Core,
            _ => Component::Plugin,
        }
    }
}

/// Reads a folder of definitions to compare it with others. What depends on the release (the rule of CRCs, mistakes
/// that are mended) is left out; the release that the answer says is the given one, whatever the folder holds.
pub fn survey(folder: &Path, release: Release) -> Result<Api, Error> {
    look_at(parse::read_folder(folder, &|_| Component::Plugin)?.modules, release)
}

/// The same for what a running VPP tells of itself, see [`running`].
pub fn survey_running(text: &str, origin: &str, release: Release) -> Result<Api, Error> {
    look_at(running::read(text, origin, None, &|_| Component::Plugin)?.modules, release)
}

fn look_at(mut modules: BTreeMap<String, Module>, release: Release) -> Result<Api, Error> {
    own::settle(&mut modules);
    let api = Api::new(release, modules)?;
    resolve::check(&api)?;
    Ok(api)
}

/// Reads and checks a folder of definitions.
pub fn from_folder(folder: &Path, release: Release, core: &CoreModules) -> Result<Import, Error> {
    let parsed = parse::read_folder(folder, &|module| core.component(module, release))?;
    prepare(parsed.modules, parsed.warnings, release, folder.join(normal::PROVENANCE).exists())
}

/// The same for what a running VPP tells of itself, see [`running`]. `origin` is what errors call it.
pub fn from_running(
    text: &str,
    origin: &str,
    known: &Known,
    release: Release,
    core: &CoreModules,
) -> Result<Import, Error> {
    let parsed = running::read(text, origin, Some(known), &|module| core.component(module, release))?;
    prepare(parsed.modules, parsed.warnings, release, false)
}

/// The same for definitions that are at hand as texts, by module.
pub fn from_texts<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    release: Release,
    core: &CoreModules,
) -> Result<Import, Error> {
    let parsed = parse::read_texts(texts, &|module| core.component(module, release))?;
    prepare(parsed.modules, parsed.warnings, release, false)
}

fn prepare(
    mut modules: BTreeMap<String, Module>,
    warnings: Vec<String>,
    release: Release,
    mended: bool,
) -> Result<Import, Error> {
    // Before ownership is settled, so that a type with two meanings is found.
    Api::new(release, modules.clone())?;
    own::settle(&mut modules);
    modules.values_mut().for_each(normal::order);
    let mut api = Api::new(release, modules)?;
    // What is in our own form has been mended already.
    let fixups = if mended { Vec::new() } else { fixups::apply(&mut api)? };
    resolve::check(&api)?;
    let verified = crc::verify(&api)?;
    let mut files = normal::files(&api.modules);
    let messages: usize = api.modules.values().map(|m| m.messages.len()).sum();
    let mut hash = crc32fast::Hasher::new();
    for (path, text) in &files {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update(text.as_bytes());
    }
    files.insert(
        PathBuf::from(normal::PROVENANCE),
        format!(
            "release {release}, {} modules, {messages} messages, crc32 of the normalised files {:08x}\n",
            api.modules.len(),
            hash.finalize()
        ),
    );
    Ok(Import { api, files, warnings, fixups, verified })
}

/// Replaces `api-json/<release>`: written beside it, then renamed, so that a failure leaves the old state.
///
/// Refuses definitions that are, module for module and CRC for CRC, those of another release of `api_json`: then
/// the folder or the name is not the one that was meant.
pub fn write(api_json: &Path, release: Release, files: &BTreeMap<PathBuf, String>) -> Result<(), Error> {
    if let Some(other) = same_as_another(api_json, release, files)? {
        return Err(Error::Usage(format!(
            "these definitions look like VPP {other}, not {release}: every module and every CRC is the same; \
             expected a folder of VPP {release}"
        )));
    }
    let target = api_json.join(release.to_string());
    let beside = api_json.join(format!(".{release}.new"));
    let old = api_json.join(format!(".{release}.old"));
    // A run that was cut short between the renames below left only the old state, under this name.
    if old.exists() && !target.exists() {
        std::fs::rename(&old, &target).map_err(io(&target))?;
    }
    let _ = std::fs::remove_dir_all(&beside);
    if let Err(e) = write_all(&beside, files) {
        let _ = std::fs::remove_dir_all(&beside);
        return Err(e);
    }
    let _ = std::fs::remove_dir_all(&old);
    let replaced = target.exists();
    let mut renamed = if replaced { std::fs::rename(&target, &old) } else { Ok(()) };
    if renamed.is_ok() {
        renamed = std::fs::rename(&beside, &target);
        if renamed.is_err() && replaced {
            let _ = std::fs::rename(&old, &target);
        }
    }
    if renamed.is_err() {
        let _ = std::fs::remove_dir_all(&beside);
    }
    renamed.map_err(io(&target))?;
    let _ = std::fs::remove_dir_all(&old);
    Ok(())
}

fn write_all(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<(), Error> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io(parent))?;
        }
        std::fs::write(&path, text).map_err(io(&path))?;
    }
    Ok(())
}

/// CRCs of modules and of their messages, all by name.
type Crcs = BTreeMap<String, (u32, BTreeMap<String, u32>)>;

fn crcs(modules: &BTreeMap<String, Module>) -> Crcs {
    let of = |m: &Module| (m.crc, m.messages.iter().map(|m| (m.name.clone(), m.crc)).collect());
    modules.iter().map(|(name, module)| (name.clone(), of(module))).collect()
}

/// Another release that has exactly the same modules with the same CRCs, unless `release` itself is known to have
/// them, too. A subset of a release's modules proves nothing: few modules can stay the same for years.
fn same_as_another(
    api_json: &Path,
    release: Release,
    files: &BTreeMap<PathBuf, String>,
) -> Result<Option<Release>, Error> {
    if !api_json.exists() {
        return Ok(None);
    }
    let names: BTreeSet<String> = files.keys().filter_map(|path| parse::module_of(path)).collect();
    let mut alike = Vec::new();
    let mut new = None;
    for other in normal::releases(api_json)? {
        // Names cost little to compare, and hardly two releases have the same.
        if normal::module_names(api_json, other)? != names {
            continue;
        }
        let new = match &new {
            Some(new) => new,
            None => {
                let texts = files.iter().filter_map(|(p, text)| Some((parse::module_of(p)?, text.as_str())));
                let texts: Vec<(String, &str)> = texts.collect();
                let texts = texts.iter().map(|(name, text)| (name.as_str(), *text));
                new.insert(crcs(&parse::read_texts(texts, &|_| Component::Plugin)?.modules))
            }
        };
        // A release that cannot be read is nobody's double; `gen` tells what is wrong with it.
        if normal::load(api_json, other).is_ok_and(|api| crcs(&api.modules) == *new) {
            alike.push(other);
        }
    }
    Ok(if alike.contains(&release) { None } else { alike.pop() })
}
