//! Tasks about API definitions: import, generate.

use std::path::PathBuf;
use std::process::ExitCode;

use binapi_gen::Release;
use binapi_gen::import::{self, CoreModules, Import};

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
    let core = std::fs::read_to_string(root().join("api-json/core-modules.txt"))?;
    let import = import::from_folder(from, release, &CoreModules::parse(&core)?)?;
    Ok((release, import))
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
