//! `agentctl vpp check`: what the agent would decide about a VPP, before it is deployed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use binapi_core::Message as _;
use binapi_gen::Release;
use binapi_gen::import;
use binapi_gen::revisions::Corpus;
use binapi_messages::memclnt::v2406::GetApiJson;
use binapi_messages::release;
use serde_json::{Value, json};
use vpp_client::{Client, Config, Lookup, MessageTable};
use vppcalls::select::{self, Misfit, Verdict};

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
    /// What that VPP says of itself, such as 23.06-release; --socket asks it.
    #[arg(long)]
    version: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Which release definitions are of does not matter: layouts are compared, and nothing is taken over.
const ANY: Release = Release { year: 99, month: 12 };

/// What is known of a VPP.
struct Evidence {
    table: MessageTable,
    version: String,
    /// Layouts by message, where its definitions are at hand.
    shapes: Option<BTreeMap<String, u32>>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let evidence = match (&arguments.api, &arguments.table, &arguments.socket) {
        (Some(folder), ..) => from_definitions(folder, arguments.version.as_deref())?,
        (_, Some(file), _) => from_table(file, arguments.version.as_deref())?,
        (_, _, Some(socket)) => from_vpp(socket)?,
        _ => return Err("one of --api, --table and --socket is needed".into()),
    };
    let verdicts = select::verdicts(&evidence.table, &evidence.version, evidence.shapes.as_ref());
    let text = match arguments.format {
        Format::Table => to_text(&evidence, &verdicts),
        Format::Json => format!("{:#}\n", to_json(&evidence, &verdicts)),
    };
    // Who reads may have seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let fits = verdicts.iter().any(Verdict::fits);
    Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn from_definitions(folder: &Path, version: Option<&str>) -> Result<Evidence, Failure> {
    let api = import::survey(folder, ANY)?;
    let corpus = Corpus::new(&[api])?;
    let names: Vec<String> = corpus.messages.iter().map(|m| format!("{}_{:08x}", m.name, m.crc)).collect();
    Ok(Evidence {
        table: MessageTable::from_names(names.iter().map(String::as_str)),
        version: version.unwrap_or_default().to_string(),
        shapes: Some(corpus.messages.iter().map(|m| (m.name.clone(), m.shape_hash())).collect()),
    })
}

fn from_table(file: &Path, version: Option<&str>) -> Result<Evidence, Failure> {
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
    Ok(Evidence { table, version: version.unwrap_or_default().to_string(), shapes: None })
}

fn from_vpp(socket: &Path) -> Result<Evidence, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::start(Config::new(socket));
        let connected = tokio::time::timeout(PATIENCE, client.connected()).await;
        let state = client.state().borrow().to_string();
        let evidence = match connected {
            Ok(connection) => {
                let connection = connection?;
                let shapes = match connection.table.lookup(GetApiJson::NAME, GetApiJson::CRC) {
                    Lookup::Present(_) => Some(shapes_of(&client.bound_to(&connection), socket).await?),
                    _ => None,
                };
                Ok(Evidence {
                    table: (*connection.table).clone(),
                    version: connection.version.clone(),
                    shapes,
                })
            }
            Err(_) => Err(format!("no VPP within {PATIENCE:?}: {state}").into()),
        };
        client.close().await;
        evidence
    })
}

/// Layouts by message, from the definitions that VPP tells of itself.
async fn shapes_of(client: &Client, socket: &Path) -> Result<BTreeMap<String, u32>, Failure> {
    let reply = client.call::<release::V2406, _>(&GetApiJson {}).await?;
    let api = import::survey_running(&reply.json.to_text(), &socket.display().to_string(), ANY)?;
    let corpus = Corpus::new(&[api])?;
    Ok(corpus.messages.iter().map(|m| (m.name.clone(), m.shape_hash())).collect())
}

fn to_text(evidence: &Evidence, verdicts: &[Verdict]) -> String {
    let version = if evidence.version.is_empty() { "of unknown release" } else { &evidence.version };
    let mut text = format!("VPP {version}, {} messages\n", evidence.table.len());
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
    let _ = match chosen(evidence, verdicts) {
        Some(release) => writeln!(text, "an agent would use the calls of {release}"),
        None => writeln!(text, "an agent would refuse it"),
    };
    text
}

/// What an agent would use. Where layouts are known they decide, else what VPP says of itself.
fn chosen(evidence: &Evidence, verdicts: &[Verdict]) -> Option<&'static str> {
    match (&evidence.shapes, evidence.version.as_str()) {
        (Some(_), "") => verdicts.iter().find(|v| v.fits()).map(|v| v.release),
        (_, version) => select::choose(&evidence.table, version).ok().map(|s| s.release),
    }
}

fn to_json(evidence: &Evidence, verdicts: &[Verdict]) -> Value {
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
    let chosen = chosen(evidence, verdicts);
    json!({
        "version": evidence.version,
        "messages": evidence.table.len(),
        "layouts_compared": evidence.shapes.is_some(),
        "chosen": chosen,
        "releases": verdicts.iter().map(row).collect::<Vec<_>>(),
    })
}
