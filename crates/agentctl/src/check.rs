//! `agentctl vpp check`: what the agent would decide about a VPP, before it is deployed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use vpp_client::{Client, Config, MessageTable};
use vppcalls::Refusal;
use vppcalls::select::{self, Evidence, Layouts, Misfit, Selection, Verdict};

use crate::Format;

type Failure = Box<dyn std::error::Error>;

/// How long a VPP gets to answer the handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// Exactly one of --api, --table and --socket says which VPP.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Arguments {
    /// A folder of API definitions, such as /usr/share/vpp/api. Layouts are compared, too.
    #[arg(long, group = "which")]
    api: Option<PathBuf>,
    /// A message table: a line `name_crc` for each message.
    #[arg(long, group = "which")]
    table: Option<PathBuf>,
    /// The API socket of a running VPP.
    #[arg(long, group = "which")]
    socket: Option<PathBuf>,
    /// What that VPP says of itself, such as 23.06-release; --socket asks it. Without, it is taken to be of the release
    /// whose messages are most like its own.
    #[arg(long)]
    version: Option<String>,
    /// As if the agent had this flag: the calls of this release, whether they fit or not.
    #[arg(long, env = "FORCE_RELEASE", value_name = "RELEASE")]
    force_release: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is known of a VPP.
struct Found {
    table: MessageTable,
    version: String,
    /// Nobody said the version: it is that of the release with the most messages in common.
    guessed: bool,
    layouts: Option<Layouts>,
}

impl Found {
    fn new(table: MessageTable, version: Option<&str>, layouts: Option<Layouts>) -> Self {
        let guess = || select::most_like(&table).unwrap_or_default().to_string();
        let (version, guessed) = version.map_or_else(|| (guess(), true), |said| (said.to_string(), false));
        Self { table, version, guessed, layouts }
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence { table: &self.table, version: &self.version, layouts: self.layouts.as_ref() }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let version = arguments.version.as_deref();
    let found = match (&arguments.api, &arguments.table, &arguments.socket) {
        (Some(folder), ..) => {
            let layouts = Layouts::from_folder(folder)?;
            Found::new(layouts.table(), version, Some(layouts))
        }
        (_, Some(file), _) => Found::new(from_table(file)?, version, None),
        (_, _, Some(socket)) => from_vpp(socket)?,
        _ => return Err("one of --api, --table and --socket is needed".into()),
    };
    let choice = select::choose(&found.evidence(), arguments.force_release.as_deref());
    let verdicts = select::verdicts(&found.evidence());
    let text = match arguments.format {
        Format::Table => to_text(&found, &verdicts, &choice),
        Format::Json => format!("{:#}\n", to_json(&found, &verdicts, &choice)),
    };
    // Who reads may have seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if choice.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn from_table(file: &Path) -> Result<MessageTable, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let numbered = lines.enumerate().filter_map(|(i, line)| Some((u16::try_from(i).ok()?, line.to_string())));
    let (table, odd) = MessageTable::from_entries(numbered);
    if let Some(odd) = odd.first() {
        return Err(format!("{}: {odd}; expected lines such as control_ping_51077d14", file.display()).into());
    }
    if table.is_empty() {
        return Err(format!(
            "{}: no message in it; expected lines such as control_ping_51077d14",
            file.display()
        )
        .into());
    }
    Ok(table)
}

fn from_vpp(socket: &Path) -> Result<Found, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let client = Client::start(Config::new(socket));
        let found = tokio::select! {
            found = ask(&client) => found,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
            _ = terminated.recv() => Err("terminated".into()),
        };
        // Whatever happened: VPP may spin on a client that leaves without a word.
        client.close().await;
        found
    })
}

async fn ask(client: &Client) -> Result<Found, Failure> {
    let Ok(connection) = tokio::time::timeout(PATIENCE, client.connected()).await else {
        let state = client.state().borrow().to_string();
        return Err(format!("no VPP within {PATIENCE:?}: {state}").into());
    };
    let connection = connection?;
    let layouts = Layouts::ask(client, &connection).await?;
    Ok(Found::new((*connection.table).clone(), Some(&connection.version), layouts))
}

fn to_text(found: &Found, verdicts: &[Verdict], choice: &Result<Selection, Refusal>) -> String {
    let mut text = format!("{} messages", found.table.len());
    text.push_str(if found.layouts.is_some() { ", layouts compared\n" } else { "\n" });
    if found.guessed {
        let _ = writeln!(
            text,
            "taken to be of VPP {}, whose messages are most like these; --version says",
            found.version
        );
    }
    // What the agent writes to its log. A refusal lists the releases itself.
    let selection = match choice {
        Ok(selection) => selection,
        Err(refusal) => return format!("{text}{refusal}\n"),
    };
    for verdict in verdicts {
        let absent: Vec<&str> = verdict.absent.iter().copied().collect();
        let _ = match (verdict.fits(), absent.is_empty()) {
            (true, true) => writeln!(text, "{}  compatible", verdict.release),
            (true, false) => {
                writeln!(text, "{}  compatible, without plugin {}", verdict.release, absent.join(", "))
            }
            (false, _) => writeln!(text, "{}  {}", verdict.release, verdict.misfit),
        };
    }
    if let Some(notice) = &selection.notice {
        let _ = writeln!(text, "{notice}");
    }
    let _ = writeln!(text, "{selection}");
    text
}

fn to_json(found: &Found, verdicts: &[Verdict], choice: &Result<Selection, Refusal>) -> Value {
    let misfit = |m: &Misfit| {
        let changed = |(name, needed, found): &(String, u32, u32)| json!({"message": name, "needed": format!("{needed:08x}"), "found": format!("{found:08x}")});
        json!({
            "absent": m.absent,
            "other_crc": m.changed.iter().map(changed).collect::<Vec<_>>(),
            "same_crc_other_layout": m.other_layout,
        })
    };
    let row = |v: &Verdict| {
        json!({
            "release": v.release,
            "compatible": v.fits(),
            "plugins_absent": v.absent,
            "misfit": misfit(&v.misfit),
        })
    };
    let selection = choice.as_ref().ok();
    json!({
        "version": found.version,
        "version_guessed": found.guessed,
        "messages": found.table.len(),
        "layouts_compared": found.layouts.is_some(),
        "chosen": selection.map(|s| s.release),
        "forced": selection.is_some_and(|s| s.forced),
        "notice": selection.and_then(|s| s.notice.as_deref()),
        "plugins_absent": selection.map(|s| &s.absent),
        "unsupported": selection.map(|s| &s.unsupported),
        "refusal": choice.as_ref().err().map(ToString::to_string),
        "releases": verdicts.iter().map(row).collect::<Vec<_>>(),
    })
}
