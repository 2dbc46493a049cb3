//! Comparing APIs: `cargo xtask diff`, `cargo xtask lint`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use binapi_gen::diff::{self, Change, MessageChange};
use binapi_gen::import;
use binapi_gen::revisions::Corpus;
use binapi_gen::{Api, Release, normal};
use serde_json::{Value, json};

use crate::api::core_modules;
use crate::{Outcome, root};

#[derive(Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

#[derive(clap::Args)]
pub(crate) struct DiffArgs {
    /// A release such as 20.01, or a folder of definitions.
    old: String,
    /// The same, to compare with.
    new: String,
    /// Only this API module.
    #[arg(long)]
    module: Option<String>,
    /// Only messages whose name has this in it.
    #[arg(long)]
    message: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints what is new, changed and gone.
pub(crate) fn diff(args: &DiffArgs) -> Outcome {
    let (mut old, mut new) = (api(&args.old)?, api(&args.new)?);
    // Any two can be compared, also a release with itself or with an elder one: only their order counts here.
    (old.release, new.release) = (Release { year: 0, month: 1 }, Release { year: 99, month: 12 });
    let corpus = Corpus::new(&[old, new])?;
    let mut changes = diff::compare(&corpus, 0, 1);
    changes.retain(|c| {
        args.module.as_ref().is_none_or(|m| *m == c.module)
            && args.message.as_ref().is_none_or(|m| c.name.contains(m.as_str()))
    });
    match args.format {
        Format::Json => out(&format!("{:#}\n", diff::to_json(&changes))),
        Format::Text => out(&format!("{}{}\n", diff::text(&changes), summary(&changes))),
    }
    Ok(ExitCode::SUCCESS)
}

/// To stdout, whose reader may have seen enough.
fn out(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// A release of the repository, or a folder.
fn api(which: &str) -> Result<Api, Box<dyn std::error::Error>> {
    let api_json = root().join("api-json");
    let folder = Path::new(which);
    match Release::parse(which) {
        Some(release) if api_json.join(release.to_string()).is_dir() => Ok(normal::load(&api_json, release)?),
        _ if folder.is_dir() => {
            // Where the folder says no release, the newest rules hold.
            let newest = normal::releases(&api_json)?.last().copied();
            let named = folder.file_name().and_then(|n| Release::parse(&n.to_string_lossy()));
            let release = named.or(newest).ok_or("api-json/ has no release")?;
            Ok(import::from_folder(folder, release, &core_modules()?)?.api)
        }
        _ => Err(format!("{which}: neither a release in api-json/ nor a folder").into()),
    }
}

fn summary(changes: &[MessageChange]) -> String {
    let count = |wanted: fn(&Change) -> bool| changes.iter().filter(|c| wanted(&c.change)).count();
    format!(
        "{} new, {} changed ({} of them with the same CRC and another layout), {} gone",
        count(|c| matches!(c, Change::New)),
        count(|c| matches!(c, Change::Changed { .. })),
        count(Change::is_collision),
        count(|c| matches!(c, Change::Gone)),
    )
}

/// Prints what a release changed against the one before it.
pub(crate) fn print(corpus: &Corpus, release: Release) {
    let Some(position) = corpus.releases.iter().position(|r| *r == release) else { return };
    let Some(before) = position.checked_sub(1) else { return };
    let was = corpus.release(before).map(|r| r.to_string()).unwrap_or_default();
    let changes = diff::compare(corpus, before, position);
    print!("{}", diff::text(&changes));
    println!("{release} against {was}: {}", summary(&changes));
}

#[derive(clap::Args)]
pub(crate) struct LintArgs {
    /// Names with CRC behind which there are several layouts, with the releases and fields that differ.
    #[arg(long, required = true)]
    collisions: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints what is noteworthy about the definitions of all releases.
pub(crate) fn lint(args: &LintArgs) -> Outcome {
    let api_json = root().join("api-json");
    let apis: Vec<Api> = normal::releases(&api_json)?
        .into_iter()
        .map(|r| normal::load(&api_json, r))
        .collect::<Result<_, _>>()?;
    let corpus = Corpus::new(&apis)?;
    let mut rows = Vec::new();
    let mut text = String::new();
    for ids in corpus.collisions() {
        let revisions: Vec<_> = ids.iter().filter_map(|id| corpus.message(*id)).collect();
        let Some(first) = revisions.first() else { continue };
        let mut sides: Vec<Value> = Vec::new();
        text.push_str(&format!("{}_{:08x}\n", first.name, first.crc));
        for (i, revision) in revisions.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|p| revisions.get(p));
            let fields = before.map(|b| diff::fields(&corpus, b, revision)).unwrap_or_default();
            let fields: Vec<String> = fields.iter().map(diff::field_text).collect();
            let releases = corpus.spell(&revision.releases);
            text.push_str(&format!("  {releases}\n"));
            fields.iter().for_each(|f| text.push_str(&format!("    {f}\n")));
            sides.push(json!({"releases": releases, "differs": fields}));
        }
        rows.push(json!({"message": first.name, "crc": format!("{:08x}", first.crc), "layouts": sides}));
    }
    match args.format {
        Format::Text => out(&format!("{text}{} names with CRC have several layouts\n", rows.len())),
        Format::Json => out(&format!("{:#}\n", Value::from(rows))),
    }
    Ok(ExitCode::SUCCESS)
}
