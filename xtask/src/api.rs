//! Tasks about API definitions: import, generate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use binapi_gen::import::{self, CoreModules, Import};
use binapi_gen::revisions::Corpus;
use binapi_gen::running::Known;
use binapi_gen::{Release, crc, emit, normal, tree};

use crate::vpp::Vpp;
use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// The release that the definitions are of, such as 26.06.
    #[arg(long)]
    release: String,
    /// A folder like /usr/share/vpp/api.
    #[arg(long, required_unless_present = "socket")]
    from: Option<PathBuf>,
    /// The API socket of a running VPP of 24.06 or newer, which is asked for its definitions.
    #[arg(long, conflicts_with = "from")]
    socket: Option<PathBuf>,
}

pub(crate) fn import(args: &ImportArgs) -> Outcome {
    let (release, import) = read(&args.release, args.from.as_deref(), args.socket.as_deref())?;
    let api_json = root().join("api-json");
    import::write(&api_json, release, &import.files)?;
    print_import(release, &import);
    Ok(ExitCode::SUCCESS)
}

/// From a folder or from a running VPP, whichever is given.
fn read(
    release: &str,
    from: Option<&Path>,
    socket: Option<&Path>,
) -> Result<(Release, Import), Box<dyn std::error::Error>> {
    let release = Release::parse(release)
        .ok_or_else(|| format!("--release {release}: expected year and month, such as 26.06"))?;
    let import = match (from, socket) {
        (_, Some(socket)) => ask(release, socket)?,
        (Some(from), None) => import::from_folder(from, release, &core_modules()?)?,
        (None, None) => return Err("--from or --socket is needed".into()),
    };
    Ok((release, import))
}

/// What a running VPP tells of itself.
fn ask(release: Release, socket: &Path) -> Result<Import, Box<dyn std::error::Error>> {
    let api_json = root().join("api-json");
    let mut vpp = Vpp::connect(socket, &api_json)?;
    if Release::parse(&vpp.version) != Some(release) {
        return Err(format!("{} is VPP {}, not {release}", socket.display(), vpp.version).into());
    }
    let text = vpp.definitions()?;
    let releases = normal::releases(&api_json)?;
    let mut apis = Vec::new();
    for other in releases.iter().filter(|other| **other != release) {
        apis.push(normal::load(&api_json, *other)?);
    }
    let known = Known::from_apis(apis).with_table(vpp.table());
    let import =
        import::from_running(&text, &socket.display().to_string(), &known, release, &core_modules()?)?;
    if releases.contains(&release) {
        // A running VPP tells of the plugins that it has loaded. Nothing that is there already is lost for that.
        let old = normal::load(&api_json, release)?;
        let lost: Vec<&str> =
            old.modules.keys().filter(|m| !import.api.modules.contains_key(*m)).map(String::as_str).collect();
        if !lost.is_empty() {
            return Err(format!(
                "api-json/{release} has modules that this VPP has not loaded: {}. To replace it, remove it first; to \
                 complete it, give the folder of the definitions with --from",
                lost.join(", ")
            )
            .into());
        }
    }
    Ok(import)
}

/// Which modules are core where a folder does not say.
pub(crate) fn core_modules() -> Result<CoreModules, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(root().join("api-json/core-modules.txt"))?;
    Ok(CoreModules::parse(&text)?)
}

fn print_import(release: Release, import: &Import) {
    for warning in &import.warnings {
        eprintln!("warning: {warning}");
    }
    let modules = import.api.modules.len();
    let messages: usize = import.api.modules.values().map(|m| m.messages.len()).sum();
    println!(
        "{release}: {modules} modules, {messages} messages, {} of {messages} CRCs recomputed and equal",
        import.verified.equal
    );
    for (rule, n) in &import.verified.by_rule {
        println!("  {n} by rule {rule:?}");
    }
    for (name, n) in &import.verified.trimmed {
        println!("  enum {name}: the first {n} members count");
    }
    for fixup in &import.fixups {
        println!("  mended: {fixup}");
    }
}

#[derive(clap::Args)]
pub(crate) struct GenArgs {
    /// Write nothing; list what is stale, missing or superfluous.
    #[arg(long, conflicts_with = "release")]
    check: bool,
    /// Import this release first, from the folder of --from or the VPP of --socket.
    #[arg(long, requires = "source")]
    release: Option<String>,
    /// A folder like /usr/share/vpp/api.
    #[arg(long, requires = "release", group = "source")]
    from: Option<PathBuf>,
    /// The API socket of a running VPP of 24.06 or newer, which is asked for its definitions.
    #[arg(long, requires = "release", group = "source")]
    socket: Option<PathBuf>,
}

pub(crate) fn generate(args: &GenArgs) -> Outcome {
    let api_json = root().join("api-json");
    let binapi = root().join("binapi");
    let started = std::time::Instant::now();
    let import = match &args.release {
        Some(release) => Some(read(release, args.from.as_deref(), args.socket.as_deref())?),
        None => None,
    };
    let mut apis = Vec::new();
    for release in normal::releases(&api_json)? {
        if import.as_ref().is_none_or(|(new, _)| *new != release) {
            let api = normal::load(&api_json, release)?;
            crc::verify(&api)?;
            apis.push(api);
        }
    }
    if let Some((_, import)) = &import {
        apis.push(import.api.clone());
    }
    apis.sort_by_key(|api| api.release);
    let corpus = Corpus::new(&apis)?;
    let files = emit::files(&corpus)?;
    if args.check {
        let difference = tree::compare(&binapi, &files)?;
        if difference.is_empty() {
            println!("binapi/ is what api-json/ gives: {} files", files.len());
            return Ok(ExitCode::SUCCESS);
        }
        list(&difference);
        eprintln!("error: binapi/ is not what api-json/ gives; run `cargo xtask gen`");
        return Ok(ExitCode::FAILURE);
    }
    // Everything has been read, checked and generated: only now files change.
    if let Some((release, import)) = &import {
        import::write(&api_json, *release, &import.files)?;
        print_import(*release, import);
        crate::changes::print(&corpus, *release);
    }
    let difference = tree::replace(&binapi, &files)?;
    let lines: usize = files.values().map(|text| text.lines().count()).sum();
    let distinct: std::collections::BTreeSet<_> = corpus.messages.iter().map(|m| (&m.name, m.crc)).collect();
    println!(
        "{} releases, {} message revisions of {} names and CRCs ({} of them with several layouts), {} type revisions",
        corpus.releases.len(),
        corpus.messages.len(),
        distinct.len(),
        corpus.collisions().len(),
        corpus.types.len()
    );
    println!(
        "binapi/: {} files, {lines} lines, {} written, {} removed, {:.2} s",
        files.len(),
        difference.stale.len() + difference.missing.len(),
        difference.superfluous.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(ExitCode::SUCCESS)
}

fn list(difference: &tree::Difference) {
    for (what, paths) in [
        ("stale", &difference.stale),
        ("missing", &difference.missing),
        ("superfluous", &difference.superfluous),
    ] {
        for path in paths {
            println!("{what}: binapi/{}", path.display());
        }
    }
}
