//! Being told of changes to the files of a source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tracing::warn;

use crate::Fault;

/// What has happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// It has come into being; a file may be being written.
    Appeared,
    /// It is being written.
    Writing,
    /// Its writer has closed it.
    Written,
    /// It was renamed, from or to this name.
    Renamed,
    /// It is gone.
    Gone,
    /// Its mode or owner has changed.
    Attributes,
}

/// What the watcher tells the reader.
#[derive(Debug)]
pub(super) enum Signal {
    /// Something has happened to a path.
    Event { kind: Happened, path: PathBuf },
    /// Events were lost.
    Lost,
    /// The source is to end.
    Stop,
}

/// Watches the folder with the files, the folder above it (to notice that it was replaced), and the folders that
/// links lead to. No folder is watched with what is below it.
pub(super) struct Watch {
    signal: Sender<Signal>,
    base: PathBuf,
    real_base: PathBuf,
    /// The base as seen from the folder above it.
    base_in_parent: Option<PathBuf>,
    watcher: Option<RecommendedWatcher>,
    targets: BTreeSet<PathBuf>,
    renewed: bool,
    extended: bool,
}

impl Watch {
    pub(super) fn new(signal: Sender<Signal>, base: &Path) -> Self {
        Self {
            signal,
            base: base.to_owned(),
            real_base: base.to_owned(),
            base_in_parent: None,
            watcher: None,
            targets: BTreeSet::new(),
            renewed: false,
            extended: false,
        }
    }

    /// The watched folder with all links resolved; events have paths below it.
    pub(super) fn real_base(&self) -> &Path {
        &self.real_base
    }

    /// Whether `path`, of an event, is the watched folder itself.
    pub(super) fn is_base(&self, path: &Path) -> bool {
        self.base_in_parent.as_deref() == Some(path)
    }

    /// Whether `path`, of an event, is in a folder that matters. Neighbours of the watched folder do not.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        let parent = path.parent();
        self.is_base(path)
            || parent == Some(self.real_base.as_path())
            || parent.is_some_and(|parent| self.targets.contains(parent))
    }

    /// Forgets all watches, so that [`Watch::ensure`] sets them up anew: the folders may be other ones by now.
    pub(super) fn renew(&mut self) {
        self.watcher = None;
        self.targets.clear();
    }

    /// Whether watches were set up anew since this was asked last.
    pub(super) fn take_renewed(&mut self) -> bool {
        std::mem::take(&mut self.renewed)
    }

    /// Whether folders that links lead to were added since this was asked last.
    pub(super) fn take_extended(&mut self) -> bool {
        std::mem::take(&mut self.extended)
    }

    /// Whether there are folders among `targets` that are not watched.
    pub(super) fn lacks(&self, targets: BTreeSet<PathBuf>) -> bool {
        targets.iter().any(|folder| *folder != self.real_base && !self.targets.contains(folder))
    }

    /// Sets up the watches that are missing. A folder that does not exist is not a fault here.
    pub(super) fn ensure(&mut self, targets: BTreeSet<PathBuf>) -> Result<(), Fault> {
        let mut watcher = match self.watcher.take() {
            Some(watcher) => watcher,
            None => self.start()?,
        };
        let above = self.base_in_parent.as_deref().and_then(Path::parent);
        for gone in self.targets.difference(&targets).filter(|folder| Some(folder.as_path()) != above) {
            // A folder that is gone is watched no more.
            let _ = watcher.unwatch(gone);
        }
        self.targets.retain(|folder| targets.contains(folder));
        for folder in targets {
            if folder == self.real_base || self.targets.contains(&folder) {
                continue;
            }
            if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                // Reading the files in it tells more, if it is gone or closed to us.
                warn!(folder = %folder.display(), %error, "folder that a link leads to cannot be watched");
            }
            self.targets.insert(folder);
            self.extended = true;
        }
        self.watcher = Some(watcher);
        Ok(())
    }

    fn start(&mut self) -> Result<RecommendedWatcher, Fault> {
        self.renewed = true;
        let unwatchable =
            |error: notify::Error| Fault::Unwatchable { path: self.base.clone(), reason: error.to_string() };
        let signal = self.signal.clone();
        let mut watcher =
            notify::recommended_watcher(move |event| forward(&signal, event)).map_err(unwatchable)?;
        self.base_in_parent = match (self.base.parent(), self.base.file_name()) {
            (Some(parent), Some(name)) => parent.canonicalize().ok().map(|parent| parent.join(name)),
            _ => None,
        };
        if let Some(parent) = self.base_in_parent.as_deref().and_then(Path::parent) {
            watcher.watch(parent, RecursiveMode::NonRecursive).map_err(unwatchable)?;
        }
        if let Ok(real) = self.base.canonicalize() {
            match watcher.watch(&real, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                // It has gone in between, which reading it tells.
                Err(_) if !real.exists() => {}
                Err(error) => return Err(unwatchable(error)),
            }
            self.real_base = real;
        }
        Ok(watcher)
    }
}

/// Passes on what matters. The reader may have ended; then nobody wants to know.
fn forward(signal: &Sender<Signal>, event: notify::Result<notify::Event>) {
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        _ => {
            let _ = signal.send(Signal::Lost);
            return;
        }
    };
    let kind = match event.kind {
        EventKind::Create(CreateKind::Folder) => Happened::Renamed,
        EventKind::Create(_) => Happened::Appeared,
        EventKind::Modify(ModifyKind::Name(_)) => Happened::Renamed,
        EventKind::Modify(ModifyKind::Metadata(_)) => Happened::Attributes,
        EventKind::Modify(_) => Happened::Writing,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Happened::Written,
        EventKind::Remove(_) => Happened::Gone,
        // Opened or read, among others by this process.
        EventKind::Access(_) | EventKind::Any | EventKind::Other => return,
    };
    for path in event.paths {
        let _ = signal.send(Signal::Event { kind, path });
    }
}
