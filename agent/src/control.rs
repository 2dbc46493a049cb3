//! Answers on the control socket.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use control::{Answer, GraphFormat, Request};
use kvscheduler::GraphFilter;
use kvstore::{Operation, Store};
use models::Registry;
use orchestrator::{Client, SourceState, ValueStatus};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Longest question, in bytes.
const LONGEST: u64 = 16 << 20;

/// The socket cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}; --control-socket has to name a socket that can be made", path = path.display())]
pub(crate) struct Unusable {
    path: PathBuf,
    reason: String,
}

/// What questions are answered from.
pub(crate) struct Control {
    pub(crate) label: String,
    pub(crate) client: Client,
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) connection: watch::Receiver<orchestrator::Southbound>,
}

/// Makes the socket. One that an agent before has left is taken away; one behind which an agent answers is not.
pub(crate) fn listen(path: &Path) -> Result<UnixListener, Unusable> {
    let unusable = |reason: String| Unusable { path: path.to_path_buf(), reason };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(unusable("another agent answers there".to_owned()));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => {
            std::fs::remove_file(path).map_err(|error| unusable(error.to_string()))?;
        }
        Ok(_) => return Err(unusable("there is something that is not a socket".to_owned())),
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(|error| unusable(error.to_string()))?;
    // Who may write here may change the router.
    let owner_only = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, owner_only).map_err(|error| unusable(error.to_string()))?;
    Ok(listener)
}

/// Answers until the agent ends.
pub(crate) async fn serve(listener: UnixListener, control: Control) {
    let control = Arc::new(control);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&control)))),
            Err(error) => {
                tracing::warn!("control socket: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, control: Arc<Control>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        let read = (&mut reader).take(LONGEST).read_line(&mut line).await;
        if !matches!(read, Ok(length) if length > 0) {
            return;
        }
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => control.answer(request).await,
            Err(error) => Answer::Error(format!("not understood: {error}")),
        };
        let mut text = serde_json::to_string(&answer).unwrap_or_default();
        text.push('\n');
        if writer.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Control {
    async fn answer(&self, request: Request) -> Answer {
        match self.try_answer(request).await {
            Ok(value) => Answer::Ok(value),
            Err(reason) => Answer::Error(reason),
        }
    }

    async fn try_answer(&self, request: Request) -> Result<Value, String> {
        let statuses = self.client.statuses();
        Ok(match request {
            Request::Info => {
                let vpp = match &*self.connection.borrow() {
                    orchestrator::Southbound::Up(_) => "connected".to_owned(),
                    orchestrator::Southbound::Down(why) => why.clone(),
                };
                json!({
                    "version": env!("CARGO_PKG_VERSION"),
                    "label": self.label,
                    "vpp": vpp,
                    "sources": sources_json(&statuses.sources()),
                    "values": statuses.view().keys().len(),
                })
            }
            Request::Values { prefix } => {
                let all = statuses.dump().into_iter().filter(|status| status.key.starts_with(&prefix));
                all.map(|status| status_json(&status)).collect()
            }
            Request::Explain { key } => {
                let (_, plain) = models::split_agent_prefix(&key);
                let text = statuses.view().explain(plain);
                let invalid = statuses.get(&key).or_else(|| statuses.get(plain));
                match invalid.and_then(|status| status.error) {
                    Some(error) if !text.contains(&error) => format!("{text}\n  {error}\n").into(),
                    _ => text.into(),
                }
            }
            Request::History { last } => {
                let history = statuses.view().history();
                let skip = history.len().saturating_sub(last);
                history.iter().skip(skip).map(|record| Value::from(record.to_string())).collect()
            }
            Request::Graph { format, prefix } => {
                let graph = statuses.view().graph(&GraphFilter::all().prefix(prefix));
                match format {
                    GraphFormat::Dot => graph.to_dot().into(),
                    GraphFormat::Mermaid => graph.to_mermaid().into(),
                    GraphFormat::Json => graph.to_json(),
                }
            }
            Request::Resync => match self.client.resync().await.map_err(|error| error.to_string())? {
                Some(record) => record.to_string().into(),
                None => {
                    return Err("no VPP is connected, or the resync could not begin; see the log".to_owned());
                }
            },
            Request::KvList { prefix } => {
                let listing = self.store()?.list(&self.full(&prefix)).await.map_err(|e| e.to_string())?;
                let item = |item: kvstore::Item| (item.key, text_or_json(&item.value));
                Value::Object(listing.items.into_iter().map(item).collect())
            }
            Request::KvGet { key } => {
                let item = self.store()?.get(&self.full(&key)).await.map_err(|e| e.to_string())?;
                item.map_or(Value::Null, |item| text_or_json(&item.value))
            }
            Request::KvPut { key, value } => self.change([(key, value)], []).await?,
            Request::KvChange { put, delete } => self.change(put, delete).await?,
            Request::KvDelete { key } => {
                self.store()?.delete(&self.full(&key)).await.map_err(|e| e.to_string())?.into()
            }
        })
    }

    async fn change(
        &self,
        put: impl IntoIterator<Item = (String, Value)>,
        delete: impl IntoIterator<Item = String>,
    ) -> Result<Value, String> {
        let mut transaction = kvstore::Transaction::default();
        for (key, value) in put {
            let key = self.full(&key);
            if models::split_agent_prefix(&key).1.starts_with("config/") {
                // Refused here rather than shown as invalid later.
                self.registry.parse_json(&key, &value).map_err(|error| error.to_string())?;
            }
            transaction.operations.push(Operation::Put(key, Bytes::from(value.to_string())));
        }
        transaction.operations.extend(delete.into_iter().map(|key| Operation::Delete(self.full(&key))));
        self.store()?.transaction(transaction).await.map_err(|error| error.to_string())?;
        Ok(Value::Null)
    }

    fn store(&self) -> Result<&Arc<dyn Store>, String> {
        let none = "this agent has no embedded store; use the tools of the store that it has";
        self.store.as_ref().ok_or_else(|| none.to_owned())
    }

    /// A key as it stands in the store: what has no agent in it is this agent's.
    fn full(&self, key: &str) -> String {
        match key.starts_with('/') {
            true => key.to_owned(),
            false => format!("{}{key}", models::agent_prefix(&self.label)),
        }
    }
}

fn text_or_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
}

fn sources_json(sources: &BTreeMap<String, SourceState>) -> Value {
    let source = |state: &SourceState| match state {
        SourceState::Waiting => json!({"state": "waiting"}),
        SourceState::Followed => json!({"state": "followed"}),
        SourceState::Away(error) => json!({"state": "away", "error": error}),
    };
    Value::Object(sources.iter().map(|(name, state)| (name.clone(), source(state))).collect())
}

fn status_json(status: &ValueStatus) -> Value {
    json!({
        "key": status.key,
        "state": status.state.to_string(),
        "error": status.error,
        "operation": status.operation.map(|operation| operation.to_string()),
        "details": status.details,
        "derived": status.derived.iter().map(status_json).collect::<Vec<_>>(),
    })
}
