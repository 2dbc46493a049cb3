//! The loop that drives the scheduler.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use kvscheduler::{
    Builder, CommitError, Key, Record, RegistryError, Resync, RetryPolicy, Scheduler, Transaction,
};
use kvstore::{SourceEvent, Subscription};
use models::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::client::{Client, Push, Request};
use crate::ledger::{Ledger, LedgerError};
use crate::merge::{Identity, Merge, Verdict};
use crate::stated::{Fault, Touched};
use crate::status::{SourceState, Statuses};
use crate::{Southbound, ValueStatus};

/// How long a resync that failed waits for the next try.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the first resync waits for sources that have not stated anything yet.
const PATIENCE: Duration = Duration::from_millis(300);

/// While the southbound is down, changes are looked at together, so late.
const WHILE_DOWN: Duration = Duration::from_millis(500);

/// Events and requests that wait.
const QUEUE: usize = 64;

/// Values that are looked at together, if so many changes are waiting.
const BATCH: usize = 4096;

/// What failed is tried again for as long as it is wanted.
const RETRY: RetryPolicy = RetryPolicy {
    period: Duration::from_secs(1),
    max_count: 0,
    exponential: true,
    max_period: Duration::from_secs(60),
};

/// An event, with the name of its source.
type Told = (Arc<str>, SourceEvent);

/// Told to whom it concerns.
#[derive(Debug)]
pub enum Report<'a> {
    /// A transaction ran.
    Transaction(&'a Record),
    /// A source cannot be read, or not all of it; what was wanted stays.
    Source(&'a str, &'a kvstore::SourceError),
    /// A source can be read again.
    Recovered(&'a str),
    /// Statements of a source were not taken; what was wanted stays.
    Faults(&'a [Arc<Fault>]),
    /// A transaction could not be started.
    NotCommitted(&'a CommitError),
    /// The ledger could not be written.
    Ledger(&'a LedgerError),
}

/// Merges sources and the southbound's comings and goings into transactions.
pub struct Orchestrator {
    scheduler: Scheduler,
    merge: Merge,
    ledger: Ledger,
    /// What a resync may remove, sorted, for the scheduler to ask.
    removable: Arc<RwLock<Vec<Key>>>,
    report: Box<dyn FnMut(Report<'_>) + Send>,
    statuses: Statuses,
    events: (mpsc::Sender<Told>, mpsc::Receiver<Told>),
    requests: (mpsc::Sender<Request>, mpsc::Receiver<Request>),
    forwarders: Vec<JoinHandle<()>>,
    up: bool,
    began: Instant,
    /// A resync is due, and not before.
    resync: Option<Instant>,
    /// What has changed while the southbound is down is noted, and not before.
    note: Option<Instant>,
}

impl Orchestrator {
    /// Builds the scheduler, to which the ledger tells what was configured before. `label` is the name of this agent.
    pub fn new(
        builder: Builder,
        registry: Arc<Registry>,
        label: impl Into<String>,
        ledger: Ledger,
        report: impl FnMut(Report<'_>) + Send + 'static,
    ) -> Result<Self, RegistryError> {
        Self::with(registry, label, ledger, report, |is_ours| builder.retry(RETRY).ownership(is_ours).build())
    }

    /// As [`new`](Self::new), with a scheduler built elsewhere, which has to ask what it is given for what is ours.
    pub fn with<E>(
        registry: Arc<Registry>,
        label: impl Into<String>,
        ledger: Ledger,
        report: impl FnMut(Report<'_>) + Send + 'static,
        build: impl FnOnce(Box<dyn Fn(&str) -> bool + Send + Sync>) -> Result<Scheduler, E>,
    ) -> Result<Self, E> {
        let removable: Arc<RwLock<Vec<Key>>> = Arc::default();
        let asked = removable.clone();
        let is_ours = move |key: &str| {
            let keys = asked.read().unwrap_or_else(PoisonError::into_inner);
            keys.binary_search_by(|known| (**known).cmp(key)).is_ok()
        };
        let mut scheduler = build(Box::new(is_ours))?;
        // Until there is a southbound, values are noted.
        scheduler.park();
        Ok(Self {
            statuses: Statuses::new(scheduler.view()),
            scheduler,
            merge: Merge::new(registry, label.into()),
            ledger,
            removable,
            report: Box::new(report),
            events: mpsc::channel(QUEUE),
            requests: mpsc::channel(QUEUE),
            forwarders: Vec::new(),
            up: false,
            began: Instant::now(),
            resync: None,
            note: None,
        })
    }

    /// Adds a source that runs.
    pub fn source(&mut self, identity: Identity, mut subscription: Subscription) {
        let name: Arc<str> = identity.name.as_str().into();
        self.statuses.source(&name, SourceState::Waiting);
        self.merge.join(identity);
        let events = self.events.0.clone();
        self.forwarders.push(tokio::spawn(async move {
            while let Some(event) = subscription.next().await {
                if events.send((Arc::clone(&name), event)).await.is_err() {
                    return;
                }
            }
            tracing::error!(source = %name, "the source has ended; what it stated stays");
        }));
    }

    /// Sources that have not stated anything are waited for from now on.
    pub fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// For programs that state what is wanted themselves.
    pub fn client(&self) -> Client {
        Client { requests: self.requests.0.clone(), statuses: self.statuses.clone() }
    }

    /// The states of all values.
    pub fn statuses(&self) -> Statuses {
        self.statuses.clone()
    }

    /// Runs until `stop` is true. Operations that run then come to their end.
    pub async fn run(mut self, mut southbound: watch::Receiver<Southbound>, mut stop: watch::Receiver<bool>) {
        let mut connection = 0;
        southbound.mark_changed();
        loop {
            let timer = self.timer();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                changed = southbound.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = southbound.borrow_and_update().clone();
                    match now {
                        Southbound::Up(n) if self.up && n == connection => {}
                        Southbound::Up(n) => {
                            (self.up, connection) = (true, n);
                            self.resync = Some(Instant::now());
                        }
                        Southbound::Down(_) => {
                            self.up = false;
                            self.scheduler.park();
                        }
                    }
                }
                request = self.requests.1.recv() => {
                    match request {
                        Some(Request::Push(push)) => self.push(push, &stop).await,
                        // What waits for a resync is read there.
                        Some(Request::Notify(transaction)) if self.up && self.resync.is_none() => {
                            self.commit(transaction, &stop).await;
                            self.resync_if_needed();
                        }
                        Some(Request::Notify(_)) => {}
                        Some(Request::Resync(done)) => {
                            let record = match self.up {
                                true => self.run_resync(&stop).await,
                                false => None,
                            };
                            // Who has gone meanwhile does not wait for it.
                            let _ = done.send(record);
                        }
                        None => {}
                    }
                }
                event = self.events.1.recv() => {
                    if let Some((source, event)) = event {
                        let touched = self.gather(&source, event);
                        self.apply(touched, &stop).await;
                    }
                }
                () = timer => self.due(&stop).await,
            }
        }
    }

    /// Until a resync, a retry or a look at what has changed is due; for ever when none is.
    fn timer(&self) -> impl Future<Output = ()> + use<> {
        let known = self.merge.is_known();
        let due = match (self.up, self.resync) {
            (true, Some(at)) if known && self.merge.is_complete() => Some(at),
            (true, Some(at)) if known => Some(at.max(self.began + PATIENCE)),
            (true, Some(_)) => None,
            (true, None) => self.scheduler.next_retry().map(|at| {
                let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
                Instant::now() + wait
            }),
            (false, _) => self.note,
        };
        async move {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn due(&mut self, stop: &watch::Receiver<bool>) {
        if !self.up {
            self.note_all(stop).await;
        } else if self.resync.is_some() {
            self.run_resync(stop).await;
        } else {
            self.commit(Transaction::retry_failed().description("retry"), stop).await;
            self.resync_if_needed();
        }
    }

    /// Takes an event, and those that wait behind it.
    fn gather(&mut self, source: &str, event: SourceEvent) -> Touched {
        let mut touched = self.take(source, event);
        while touched.keys.len() < BATCH
            && let Ok((source, event)) = self.events.1.try_recv()
        {
            touched.merge(self.take(&source, event));
        }
        touched
    }

    fn take(&mut self, source: &str, event: SourceEvent) -> Touched {
        match &event {
            SourceEvent::Problem(error) => {
                self.statuses.source(source, SourceState::Away(error.to_string()));
                (self.report)(Report::Source(source, error));
            }
            SourceEvent::Recovered => {
                self.statuses.source(source, SourceState::Followed);
                (self.report)(Report::Recovered(source));
            }
            SourceEvent::Snapshot { .. } => self.statuses.heard(source),
            SourceEvent::Change { .. } => {}
        }
        self.merge.take(source, event, &self.ledger)
    }

    async fn push(&mut self, push: Push, stop: &watch::Receiver<bool>) {
        let keys: Vec<Key> = push.items.iter().map(|(key, _)| Key::clone(key)).collect();
        let name = push.source.name.clone();
        self.merge.join(push.source);
        let touched = self.merge.put(&name, push.items, push.overwrite_all);
        for key in &touched.keys {
            self.statuses.label(key, self.merge.labels(key));
        }
        self.apply(touched, stop).await;
        if self.up && self.resync.is_some() {
            self.run_resync(stop).await;
        } else if self.note.is_some() {
            self.note_all(stop).await;
        }
        let status = |key: &Key| {
            self.statuses.get(key).unwrap_or_else(|| ValueStatus {
                key: key.to_string(),
                state: kvscheduler::State::Nonexistent,
                error: None,
                operation: None,
                details: Vec::new(),
                derived: Vec::new(),
            })
        };
        // Who has gone meanwhile does not wait for it.
        let _ = push.done.send(keys.iter().map(status).collect());
    }

    async fn apply(&mut self, touched: Touched, stop: &watch::Receiver<bool>) {
        for key in &touched.judged {
            self.statuses.judge(key, self.merge.faults(key));
        }
        if !touched.faults.is_empty() {
            (self.report)(Report::Faults(&touched.faults));
        }
        if touched.everything && self.up {
            self.resync = Some(Instant::now());
        }
        match (self.up, self.resync) {
            // Whatever waits for a resync is compared there.
            (true, Some(_)) => {}
            (true, None) if touched.keys.is_empty() => {}
            (true, None) => self.change(touched.keys, stop).await,
            (false, _) => self.note = self.note.or_else(|| Some(Instant::now() + WHILE_DOWN)),
        }
    }

    async fn change(&mut self, keys: BTreeSet<Key>, stop: &watch::Receiver<bool>) {
        let mut transaction = Transaction::change().description("sources changed").retry(RETRY);
        let mut notes = Vec::new();
        let (mut any, mut gone) = (false, Vec::new());
        for key in &keys {
            match self.merge.verdict(key, &self.ledger) {
                Verdict::Wanted(value, source) => {
                    notes.push((key, source));
                    transaction = transaction.set_any(Key::clone(key), value.clone());
                    any = true;
                }
                Verdict::Unknown => {}
                Verdict::Unwanted => {
                    gone.push(Key::clone(key));
                    if self.scheduler.knows(key) {
                        transaction = transaction.delete(Key::clone(key));
                        any = true;
                    }
                }
            }
        }
        let noted = self.ledger.add(notes.iter().map(|(key, source)| (*key, *source)));
        if let Err(e) = noted {
            (self.report)(Report::Ledger(&e));
        }
        if any {
            self.commit(transaction, stop).await;
        }
        // What never came to be configured leaves no operation behind.
        self.strike(gone);
        self.resync_if_needed();
    }

    /// Whatever was parked, because nobody knows what became of it, is compared.
    fn resync_if_needed(&mut self) {
        if self.up && self.scheduler.needs_resync() && self.resync.is_none() {
            self.resync = Some(Instant::now() + AGAIN);
        }
    }

    /// All that is wanted, as a transaction of this kind. What is about to be configured is noted.
    fn everything(&mut self, resync: Resync) -> Transaction {
        let mut transaction = Transaction::resync(resync).retry(RETRY);
        let mut notes = Vec::new();
        for key in self.merge.keys() {
            if let Verdict::Wanted(value, source) = self.merge.verdict(key, &self.ledger) {
                notes.push((key, source));
                transaction = transaction.set_any(Key::clone(key), value.clone());
            }
        }
        if let Err(e) = self.ledger.add(notes.iter().map(|(key, source)| (*key, *source))) {
            (self.report)(Report::Ledger(&e));
        }
        transaction
    }

    /// Notes what is wanted while nothing can be done, so that it can be told what is wrong with it.
    async fn note_all(&mut self, stop: &watch::Receiver<bool>) {
        self.note = None;
        let transaction = self.everything(Resync::Upstream).description("noted while there is no southbound");
        self.commit(transaction, stop).await;
    }

    /// Compares everything that is wanted with what the southbound has.
    async fn run_resync(&mut self, stop: &watch::Receiver<bool>) -> Option<Arc<Record>> {
        (self.resync, self.note) = (None, None);
        let transaction = self.everything(Resync::Full).description("resync");
        self.publish();
        let record = self.commit(transaction, stop).await;
        if record.is_none() || self.scheduler.needs_resync() {
            self.resync = Some(Instant::now() + AGAIN);
            return record;
        }
        // All has been read: what is noted and neither wanted nor there went without this agent, such as with the
        // host. If it comes back it is somebody else's.
        let noted: Vec<Key> = self.ledger.keys().cloned().collect();
        self.strike(noted);
        record
    }

    async fn commit(
        &mut self,
        transaction: Transaction,
        stop: &watch::Receiver<bool>,
    ) -> Option<Arc<Record>> {
        let (halt, mut stop) = (self.scheduler.stop_handle(), stop.clone());
        let result = {
            let mut commit = std::pin::pin!(self.scheduler.commit(transaction));
            tokio::select! {
                result = &mut commit => result,
                () = stopped(&mut stop) => {
                    halt.stop();
                    commit.await
                }
            }
        };
        match result {
            Ok(record) => {
                // While there is no southbound nothing is done; the states say so.
                if self.up {
                    (self.report)(Report::Transaction(&record));
                }
                self.strike(record.executed.iter().map(|op| Key::clone(&op.key)));
                Some(record)
            }
            Err(error) => {
                (self.report)(Report::NotCommitted(&error));
                None
            }
        }
    }

    /// Strikes those keys out that are not wanted and not there any more.
    fn strike(&mut self, keys: impl IntoIterator<Item = Key>) {
        let gone = |key: &Key| {
            self.ledger.source(key).is_some()
                && matches!(self.merge.verdict(key, &self.ledger), Verdict::Unwanted)
                && !self.scheduler.is_present(key)
        };
        let gone: Vec<Key> = keys.into_iter().filter(gone).collect();
        if let Err(e) = self.ledger.remove(gone.iter().map(|key| &**key)) {
            (self.report)(Report::Ledger(&e));
        }
    }

    /// What a resync may remove: what was configured by this agent, as long as it is known that it is not wanted.
    fn publish(&self) {
        let keys = self.ledger.keys().cloned();
        let sure = keys.filter(|key| !matches!(self.merge.verdict(key, &self.ledger), Verdict::Unknown));
        *self.removable.write().unwrap_or_else(PoisonError::into_inner) = sure.collect();
    }
}

impl Drop for Orchestrator {
    fn drop(&mut self) {
        self.forwarders.iter().for_each(JoinHandle::abort);
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
