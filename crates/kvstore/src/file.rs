//! Watched files: one YAML or JSON file, or a folder of them.
//!
//! Each file is a mapping of keys to values (a YAML file may have several documents, each such a mapping):
//!
//! ```yaml
//! config/vpp/v2/interfaces/if1:
//!   name: if1
//!   type: SOFTWARE_LOOPBACK
//!   enabled: true
//! config/vpp/l2/v2/bridge-domain/bd1: {name: bd1, interfaces: [{name: if1}]}
//! ```
//!
//! # Rules
//!
//! * Of a folder, `*.yaml`, `*.yml` and `*.json` files are read; dotfiles and sub-folders are not.
//! * A file is read after its writer has closed it or has renamed it into place, never in between. At start, when
//!   nothing is known of writers, a file that has just changed is given [`SETTLE`] first.
//! * A file that is bad keeps what it stated when it was good last, and a [`Problem`](crate::SourceEvent::Problem) says
//!   what is wrong with it. The changes of other files are applied meanwhile; but nothing is removed before all files are
//!   good again, since what one file does not state any more may stand in the bad one by now. The same holds while some
//!   file is being written.
//! * A key that two files state keeps the value that it had, until one of them states it no more.
//! * What a file that has been bad since the start states is not known: the snapshot says that it is not complete, and
//!   another one follows when it is.
//! * Deleting a file in a folder removes what it states. The folder itself, or the single file that is watched, going
//!   missing is a problem and removes nothing.
//! * Symbolic links are followed and their targets watched, so that the way Kubernetes mounts a `ConfigMap` (links
//!   through `..data`, which is swapped) works.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc as signals;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use crate::{Difference, Entry, Fault, Running, Source, SourceError, SourceEvent, difference};

mod parse;
mod scan;
mod status;
mod watch;

pub use status::StatusFile;

use scan::{Files, Scan};
use watch::{Signal, Watch};

/// How long nothing may happen before what has happened is read, so that several files written together are taken
/// together.
pub const DEBOUNCE: Duration = Duration::from_millis(50);

/// How long a file must have been unchanged before it is read at start.
pub const SETTLE: Duration = Duration::from_millis(100);

/// Longest wait for a quiet moment.
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(1);

/// Pause before another attempt when the file or folder is missing or cannot be watched.
const RETRY: Duration = Duration::from_millis(500);

/// A watched file or folder as a [`Source`].
#[derive(Debug, Clone)]
pub struct FileSource {
    path: PathBuf,
    folder: bool,
}

impl FileSource {
    /// Watches one file. It need not be there yet.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self { path: absolute(path.as_ref()), folder: false }
    }

    /// Watches a folder. It need not be there yet.
    pub fn folder(path: impl AsRef<Path>) -> Self {
        Self { path: absolute(path.as_ref()), folder: true }
    }

    /// Watches `path`: as a folder if it is one now, or if it is not there and its name does not end in `.yaml`,
    /// `.yml` or `.json`; as a file otherwise.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if path.is_dir() || (!path.exists() && !parse::is_wanted(path)) {
            Self::folder(path)
        } else {
            Self::file(path)
        }
    }

    /// The file or folder, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the status of what is stated belongs: beside it, `.status` after its name.
    pub fn status_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".status");
        path.into()
    }

    /// Whether a folder is watched.
    pub fn is_folder(&self) -> bool {
        self.folder
    }
}

/// Absolute, so that it stays the same file when the process changes its folder. Links are kept.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Source for FileSource {
    fn name(&self) -> String {
        format!("{} {}", if self.folder { "folder" } else { "file" }, self.path.display())
    }

    fn run(self: Box<Self>, events: mpsc::Sender<SourceEvent>) -> Running {
        Box::pin(async move {
            let (signal, signals) = signals::channel();
            let (ended, end) = oneshot::channel::<()>();
            // Dropped with this future, whether it has ended or not.
            let _stop = StopOnDrop(signal.clone());
            let receiver_gone = events.clone();
            let reader = Reader {
                name: self.name(),
                files: Files::new(&self.path, self.folder),
                events,
                published: None,
                problem: None,
                held_back: false,
                incomplete: false,
                revision: 0,
                _ended: ended,
            };
            // Reading and parsing block, so they have a thread of their own.
            if let Err(error) = thread::Builder::new().name("file-source".to_owned()).spawn(move || {
                reader.run(&signal, &signals);
            }) {
                let fault = Fault::Unwatchable { path: self.path.clone(), reason: error.to_string() };
                let problem = SourceError { origin: self.name(), faults: vec![fault] };
                // If nobody listens any more there is nobody to tell.
                let _ = receiver_gone.send(SourceEvent::Problem(problem)).await;
                return;
            }
            tokio::select! {
                () = receiver_gone.closed() => {}
                _ = end => {}
            }
        })
    }
}

/// Tells the reader's thread to end.
struct StopOnDrop(signals::Sender<Signal>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        // The thread may have ended already.
        let _ = self.0.send(Signal::Stop);
    }
}

/// The receiver of events is gone, or the source was told to stop.
struct Stopped;

/// State of a running file source; lives on its own thread.
struct Reader {
    name: String,
    files: Files,
    events: mpsc::Sender<SourceEvent>,
    published: Option<BTreeMap<String, Entry>>,
    problem: Option<SourceError>,
    /// Something was read that has not been published yet, or is to be removed later.
    held_back: bool,
    /// What was published lacks what could never be read.
    incomplete: bool,
    revision: u64,
    /// Dropped when the thread ends, however it ends.
    _ended: oneshot::Sender<()>,
}

impl Reader {
    fn run(mut self, signal: &signals::Sender<Signal>, signals: &signals::Receiver<Signal>) {
        let mut watch = Watch::new(signal.clone(), self.files.base());
        loop {
            // Watching comes before reading, so that no change falls between the two.
            let unwatched = watch.ensure(self.files.link_targets()).err();
            if watch.take_renewed() {
                self.files.reread_all();
            }
            self.files.set_real_base(watch.real_base());
            if watch.take_extended() {
                self.files.reread_linked();
            }
            let whole = self.published.is_none() || self.problem.is_some() || self.held_back;
            let scan = self.files.scan(whole, self.published.as_ref());
            if unwatched.is_none() && watch.lacks(self.files.link_targets()) {
                // Links lead to folders that are not watched yet. Watch them, then read again.
                self.held_back = true;
                continue;
            }
            let retry = if unwatched.is_some() || scan.base_missing {
                Some(RETRY)
            } else {
                scan.unsettled.then_some(SETTLE)
            };
            if self.publish(scan, unwatched).is_err() {
                return;
            }
            if self.wait(signals, &mut watch, retry).is_err() {
                return;
            }
        }
    }

    /// Waits until something has happened and it has become quiet again, or until it is time to try again.
    fn wait(
        &mut self,
        signals: &signals::Receiver<Signal>,
        watch: &mut Watch,
        retry: Option<Duration>,
    ) -> Result<(), Stopped> {
        let until = retry.map(|pause| Instant::now() + pause);
        let mut latest: Option<Instant> = None;
        loop {
            let now = Instant::now();
            // Before anything has happened: until it is time to try again. Afterwards: until it has become quiet.
            let timeout = match latest {
                Some(latest) => Some(DEBOUNCE.min(latest.saturating_duration_since(now))),
                None => until.map(|until| until.saturating_duration_since(now)),
            };
            let received = match timeout {
                Some(timeout) => signals.recv_timeout(timeout),
                None => signals.recv().map_err(|_| signals::RecvTimeoutError::Disconnected),
            };
            match received {
                Ok(Signal::Stop) | Err(signals::RecvTimeoutError::Disconnected) => return Err(Stopped),
                Ok(Signal::Event { path, .. }) if !watch.concerns(&path) => continue,
                Ok(Signal::Event { kind, path }) => {
                    if watch.is_base(&path) {
                        watch.renew();
                    }
                    self.files.note(kind, &path);
                }
                Ok(Signal::Lost) => watch.renew(),
                Err(signals::RecvTimeoutError::Timeout) => {
                    if latest.is_none() && retry == Some(RETRY) {
                        watch.renew();
                    }
                    return Ok(());
                }
            }
            latest.get_or_insert(Instant::now() + LONGEST_DEBOUNCE);
        }
    }

    fn publish(&mut self, scan: Scan, unwatched: Option<Fault>) -> Result<(), Stopped> {
        let Scan { mut faults, merged, entries, unread, writing, reread, unsettled, .. } = scan;
        faults.extend(unwatched);
        if merged {
            // What is not stated any more may stand in what cannot be read now.
            let partial = !faults.is_empty() || writing || unsettled;
            self.held_back = partial;
            self.publish_entries(entries, unread, partial, unsettled)?;
        }
        if faults.is_empty() {
            if self.problem.is_some() && merged && !unsettled {
                self.problem = None;
                self.send(SourceEvent::Recovered)?;
            }
            return Ok(());
        }
        let problem = SourceError { origin: self.name.clone(), faults };
        if reread || self.problem.as_ref() != Some(&problem) {
            warn!(source = %self.name, %problem, "source cannot be read");
            self.send(SourceEvent::Problem(problem.clone()))?;
            self.problem = Some(problem);
        }
        Ok(())
    }

    fn publish_entries(
        &mut self,
        mut entries: BTreeMap<String, Entry>,
        unread: bool,
        partial: bool,
        unsettled: bool,
    ) -> Result<(), Stopped> {
        let Some(before) = &self.published else {
            // Nothing at all is known, or will be in a moment.
            if unsettled || (unread && entries.is_empty()) {
                return Ok(());
            }
            return self.publish_snapshot(entries, unread);
        };
        if partial {
            let kept = before.iter().filter(|(key, _)| !entries.contains_key(*key));
            let kept: Vec<_> = kept.map(|(key, entry)| (key.clone(), entry.clone())).collect();
            entries.extend(kept);
        }
        if self.incomplete && !unread {
            return self.publish_snapshot(entries, false);
        }
        let Difference { set, deleted } = difference(before, &entries);
        self.published = Some(entries);
        if set.is_empty() && deleted.is_empty() {
            return Ok(());
        }
        self.revision += 1;
        debug!(source = %self.name, revision = self.revision, set = set.len(), deleted = deleted.len(), "source changed");
        self.send(SourceEvent::Change { set, deleted, revision: self.revision })
    }

    fn publish_snapshot(&mut self, entries: BTreeMap<String, Entry>, unread: bool) -> Result<(), Stopped> {
        self.revision += 1;
        self.incomplete = unread;
        self.published = Some(entries.clone());
        debug!(source = %self.name, revision = self.revision, entries = entries.len(), "source read");
        self.send(SourceEvent::Snapshot { entries, complete: !unread, revision: self.revision })
    }

    fn send(&self, event: SourceEvent) -> Result<(), Stopped> {
        self.events.blocking_send(event).map_err(|_| Stopped)
    }
}
