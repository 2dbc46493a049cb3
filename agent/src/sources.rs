//! Stores and files, as the settings say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kvstore::consul::ConsulStore;
use kvstore::embedded::EmbeddedStore;
use kvstore::etcd::EtcdStore;
use kvstore::file::{FileSource, StatusFile};
use kvstore::redis::RedisStore;
use kvstore::{Decoder, Entry, Running, Source, SourceEvent, Store, StoreError, StoreSource};
use models::Registry;
use orchestrator::{Identity, Orchestrator};
use tokio::sync::mpsc;

use crate::settings::{Kind, Publisher, Settings};

/// Sources cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourcesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path}: {reason}", path = path.display())]
    InitFile { path: PathBuf, reason: String },
    #[error("vpp-ifplugin.conf: status-publishers names {0}, and there is no {0}.conf")]
    NoStore(&'static str),
}

/// The stores of the agent.
pub(crate) struct Stores {
    by_name: BTreeMap<Publisher, Arc<dyn Store>>,
    /// Files that get the state of every value.
    pub(crate) status_files: Vec<Arc<dyn Store>>,
}

impl Stores {
    /// The store that `agentctl` reads and writes through the agent.
    pub(crate) fn embedded(&self) -> Option<&Arc<dyn Store>> {
        self.by_name.get(&Publisher::Embedded)
    }

    /// All stores, without files.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<dyn Store>> {
        self.by_name.values()
    }

    /// The stores that get the state of interfaces.
    pub(crate) fn publishers(&self, settings: &Settings) -> Result<Vec<Arc<dyn Store>>, SourcesError> {
        let named = settings.ifplugin.status_publishers.iter();
        named.map(|p| self.by_name.get(p).cloned().ok_or(SourcesError::NoStore(p.name()))).collect()
    }

    /// Says goodbye: what lives as long as the agent goes.
    pub(crate) async fn close(&self) {
        for store in self.all().chain(&self.status_files) {
            if let Err(error) = store.close().await {
                tracing::warn!("{error}");
            }
        }
    }
}

/// Adds everything that states configuration.
pub(crate) fn attach(
    orchestrator: &mut Orchestrator,
    settings: &Settings,
    registry: &Registry,
) -> Result<Stores, SourcesError> {
    let mut stores: BTreeMap<Publisher, Arc<dyn Store>> = BTreeMap::new();
    let mut add =
        |orchestrator: &mut Orchestrator, kind: Kind, publisher, store: Arc<dyn Store>, decoder: Decoder| {
            let source = StoreSource::new(store.clone(), &settings.flags.microservice_label)
                .decoder(decoder)
                .without(orchestrator::NOT_CONFIGURATION);
            let identity = Identity::new(kind.name(), settings.priority(kind));
            orchestrator.source(identity, kvstore::subscribe(Box::new(source)));
            stores.insert(publisher, store);
        };
    if let Some(config) = &settings.etcd {
        let store = Arc::new(EtcdStore::new(config.clone())?);
        add(orchestrator, Kind::Etcd, Publisher::Etcd, store, config.decoder());
    }
    if let Some(config) = &settings.redis {
        let store = Arc::new(RedisStore::new(config)?);
        add(orchestrator, Kind::Redis, Publisher::Redis, store, config.decoder());
    }
    if let Some(config) = &settings.consul {
        let store = Arc::new(ConsulStore::new(config)?);
        add(orchestrator, Kind::Consul, Publisher::Consul, store, config.decoder());
    }
    if let Some(config) = &settings.embedded {
        let store = Arc::new(EmbeddedStore::new(config));
        add(orchestrator, Kind::Embedded, Publisher::Embedded, store, config.decoder());
    }
    let status_files = attach_files(orchestrator, settings);
    attach_init_file(orchestrator, settings, registry)?;
    Ok(Stores { by_name: stores, status_files })
}

fn attach_files(orchestrator: &mut Orchestrator, settings: &Settings) -> Vec<Arc<dyn Store>> {
    let configured = settings.files.iter().flat_map(|files| &files.configuration_paths);
    let paths: Vec<&PathBuf> = settings.flags.source.iter().chain(configured).collect();
    let mut beside: Vec<Arc<dyn Store>> = Vec::new();
    for path in &paths {
        let source = FileSource::new(path);
        // One name for what is usually one; several are told apart by their paths, which stay the same, too.
        let name = match paths.len() {
            1 => Kind::Files.name().to_owned(),
            _ => format!("{} {}", Kind::Files.name(), source.path().display()),
        };
        if settings.files.as_ref().is_none_or(|files| files.status_path.is_none()) {
            beside.push(Arc::new(StatusFile::new(source.status_path())));
        }
        let identity = Identity::new(name, settings.priority(Kind::Files));
        orchestrator.source(identity, kvstore::subscribe(Box::new(source)));
    }
    match settings.files.as_ref().and_then(|files| files.status_path.as_ref()) {
        Some(path) => vec![Arc::new(StatusFile::new(path))],
        None => beside,
    }
}

/// A document that holds as long as nothing else says otherwise.
struct InitFile {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl Source for InitFile {
    fn name(&self) -> String {
        format!("initial configuration {}", self.path.display())
    }

    fn run(self: Box<Self>, events: mpsc::Sender<SourceEvent>) -> Running {
        Box::pin(async move {
            let snapshot = SourceEvent::Snapshot { entries: self.entries, complete: true, revision: 1 };
            if events.send(snapshot).await.is_ok() {
                events.closed().await;
            }
        })
    }
}

fn attach_init_file(
    orchestrator: &mut Orchestrator,
    settings: &Settings,
    registry: &Registry,
) -> Result<(), SourcesError> {
    let config = &settings.init_file;
    let named = &config.initial_configuration_file_path;
    let found =
        [named.clone(), settings.flags.config_dir.join(named)].into_iter().find(|path| path.is_file());
    let Some(path) = found.filter(|_| !config.disable_initial_configuration) else { return Ok(()) };
    let entries = read_init_file(&path, registry)
        .map_err(|reason| SourcesError::InitFile { path: path.clone(), reason })?;
    let identity = Identity::new(Kind::InitFile.name(), settings.priority(Kind::InitFile));
    orchestrator.source(identity, kvstore::subscribe(Box::new(InitFile { path, entries })));
    Ok(())
}

fn read_init_file(path: &Path, registry: &Registry) -> Result<BTreeMap<String, Entry>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let values = models::document::parse(registry, &text).map_err(|error| error.to_string())?;
    let entry = |value: models::document::DocumentValue| {
        let place = format!("{}: {}", path.display(), value.path);
        (value.key, Entry { value: value.value.to_json().into(), place })
    };
    Ok(values.into_iter().map(entry).collect())
}
