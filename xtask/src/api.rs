//! Tasks about API definitions: import, generate.

use std::path::PathBuf;
use std::process::ExitCode;

use binapi_gen::import::{self, CoreModules, Import};
use binapi_gen::revisions::Corpus;
use binapi_gen::{Release, crc, emit, normal, tree};

use crate::{Outcome, root};

#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// The release that the definitions are of, such as 26.06.
    #[arg(long)]
    release: String,
    /// A folder like /usr/share/vpp/api.
    #[arg(long)]
    from: PathBuf,
}

pub(crate) fn import(args: &ImportArgs) -> Outcome {
    let (release, import) = read(&args.release, &args.from)?;
    let api_json = root().join("api-json");
    import::write(&api_json, release, &import.files)?;
    print_import(release, &import);
    Ok(ExitCode::SUCCESS)
}

fn read(release: &str, from: &std::path::Path) -> Result<(Release, Import), Box<dyn std::error::Error>> {
    let release = Release::parse(release)
        .ok_or_else(|| format!("--release {release}: expected year and month, such as 26.06"))?;
    let import = import::from_folder(from, release, &core_modules()?)?;
    Ok((release, import))
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
    /// Import this release first, from the folder of --from.
    #[arg(long, requires = "from")]
    release: Option<String>,
    /// A folder like /usr/share/vpp/api.
    #[arg(long, requires = "release")]
    from: Option<PathBuf>,
}

pub(crate) fn generate(args: &GenArgs) -> Outcome {
    let api_json = root().join("api-json");
    let binapi = root().join("binapi");
    let started = std::time::Instant::now();
    let import = match (&args.release, &args.from) {
        (Some(release), Some(from)) => Some(read(release, from)?),
        _ => None,
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
