//! The loop that drives the scheduler.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use kvscheduler::{Builder, CommitError, Record, RegistryError, Resync, RetryPolicy, Scheduler, Transaction};
use kvstore::{SourceEvent, Subscription};
use models::{ModelMessage, ModelVisitor};
use tokio::sync::watch;

use crate::Southbound;
use crate::ledger::{Ledger, LedgerError};
use crate::wanted::{Change, Rejected, Wanted};

/// How long a resync that failed waits for the next try.
const AGAIN: Duration = Duration::from_secs(1);

/// Told to whom it concerns.
#[derive(Debug)]
pub enum Report<'a> {
    /// A transaction ran.
    Transaction(&'a Record),
    /// A source cannot be read; what was wanted stays.
    Source(&'a kvstore::SourceError),
    /// Statements of a source were not taken; what was wanted stays.
    Rejected(&'a [Rejected]),
    /// A transaction could not be started.
    NotCommitted(&'a CommitError),
    /// The ledger could not be written.
    Ledger(&'a LedgerError),
}

/// Merges a source and the southbound's comings and goings into transactions.
pub struct Orchestrator {
    scheduler: Scheduler,
    wanted: Wanted,
    ledger: Ledger,
    /// What the ledger has, for the scheduler to ask; empty while something stated could not be taken.
    ours: Arc<RwLock<std::collections::BTreeSet<String>>>,
    report: Box<dyn FnMut(Report<'_>) + Send>,
    /// A resync is due, and not before.
    resync: Option<tokio::time::Instant>,
}

impl Orchestrator {
    /// Builds the scheduler, to which the ledger tells what was configured before.
    pub fn new(
        builder: Builder,
        wanted: Wanted,
        ledger: Ledger,
        report: impl FnMut(Report<'_>) + Send + 'static,
    ) -> Result<Self, RegistryError> {
        let ours: Arc<RwLock<std::collections::BTreeSet<String>>> = Arc::default();
        let asked = ours.clone();
        let scheduler = builder
            .ownership(move |key| asked.read().unwrap_or_else(PoisonError::into_inner).contains(key))
            .build()?;
        Ok(Self { scheduler, wanted, ledger, ours, report: Box::new(report), resync: None })
    }

    /// Runs until `stop` is true or the source and the southbound are gone.
    pub async fn run(
        mut self,
        mut source: Subscription,
        mut southbound: watch::Receiver<Southbound>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut up = false;
        let mut connection = 0;
        southbound.mark_changed();
        loop {
            let timer = self.timer(up);
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                changed = southbound.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = southbound.borrow_and_update().clone();
                    match now {
                        Southbound::Up(n) if up && n == connection => {}
                        Southbound::Up(n) => {
                            (up, connection) = (true, n);
                            self.resync = Some(tokio::time::Instant::now());
                        }
                        Southbound::Down(_) => {
                            up = false;
                            self.scheduler.park();
                        }
                    }
                }
                event = source.next() => match event {
                    Some(event) => self.event(event, up).await,
                    None => return,
                },
                () = timer => {
                    if self.resync.is_some() {
                        self.run_resync().await;
                    } else {
                        self.commit(Transaction::retry_failed().description("retry")).await;
                        self.resync_if_needed();
                    }
                }
            }
        }
    }

    /// Until a resync or a retry is due; for ever when none is.
    fn timer(&self, up: bool) -> impl Future<Output = ()> + use<> {
        let due = match (up && self.wanted.is_known(), self.resync, self.scheduler.next_retry()) {
            (true, Some(at), _) => Some(at),
            (true, None, Some(at)) => {
                let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
                Some(tokio::time::Instant::now() + wait)
            }
            _ => None,
        };
        async move {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn event(&mut self, event: SourceEvent, up: bool) {
        if let SourceEvent::Problem(error) = &event {
            (self.report)(Report::Source(error));
        }
        let change = self.wanted.take(event);
        if !change.rejected.is_empty() {
            (self.report)(Report::Rejected(&change.rejected));
        }
        if change.everything {
            self.resync = Some(tokio::time::Instant::now());
            return;
        }
        // Whatever waits for a resync is compared there.
        if !up || self.resync.is_some() || (change.set.is_empty() && change.deleted.is_empty()) {
            return;
        }
        self.change(change).await;
    }

    async fn change(&mut self, change: Change) {
        self.note(change.set.keys().map(String::as_str));
        let deleted: Vec<String> = change.deleted.iter().cloned().collect();
        let mut transaction =
            Transaction::change().description("source changed").retry(RetryPolicy::default());
        for (key, value) in change.set {
            transaction = value.visit(Set { transaction, key });
        }
        for key in change.deleted {
            transaction = transaction.delete(key);
        }
        self.commit(transaction).await;
        // What never came to be configured leaves no operation behind.
        self.strike(deleted.iter().map(String::as_str));
        self.resync_if_needed();
    }

    /// Whatever was parked, because nobody knows what became of it, is compared.
    fn resync_if_needed(&mut self) {
        if self.scheduler.needs_resync() && self.resync.is_none() {
            self.resync = Some(tokio::time::Instant::now() + AGAIN);
        }
    }

    /// Compares everything that is wanted with what the southbound has.
    async fn run_resync(&mut self) {
        let keys: Vec<String> = self.wanted.values().keys().cloned().collect();
        self.note(keys.iter().map(String::as_str));
        let mut transaction =
            Transaction::resync(Resync::Full).description("resync").retry(RetryPolicy::default());
        for (key, value) in self.wanted.values() {
            transaction = value.clone().visit(Set { transaction, key: key.clone() });
        }
        self.resync = None;
        self.publish();
        if !self.commit(transaction).await || self.scheduler.needs_resync() {
            self.resync = Some(tokio::time::Instant::now() + AGAIN);
            return;
        }
        // All has been read: what is noted and neither wanted nor there went without this agent, such as with the
        // host. If it comes back it is somebody else's.
        let noted: Vec<String> = self.ledger.keys().map(str::to_string).collect();
        self.strike(noted.iter().map(String::as_str));
    }

    async fn commit(&mut self, transaction: Transaction) -> bool {
        match self.scheduler.commit(transaction).await {
            Ok(record) => {
                (self.report)(Report::Transaction(&record));
                self.strike(record.executed.iter().map(|op| op.key.as_ref()));
                true
            }
            Err(error) => {
                (self.report)(Report::NotCommitted(&error));
                false
            }
        }
    }

    fn note<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        if let Err(e) = self.ledger.add(keys) {
            (self.report)(Report::Ledger(&e));
        }
    }

    /// Strikes those keys out that are not wanted and not there any more.
    fn strike<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        if !self.wanted.is_complete() {
            return;
        }
        let gone = |key: &&str| {
            !self.wanted.values().contains_key(*key)
                && self.scheduler.status(key).is_none_or(|status| status.present.is_none())
        };
        if let Err(e) = self.ledger.remove(keys.filter(gone)) {
            (self.report)(Report::Ledger(&e));
        }
    }

    /// What a resync may remove. Nothing while it is not known what is wanted.
    fn publish(&self) {
        let keys = match self.wanted.is_complete() {
            true => self.ledger.keys().map(str::to_string).collect(),
            false => Default::default(),
        };
        *self.ours.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// Sets a value of any model in its own type.
struct Set {
    transaction: Transaction,
    key: String,
}

impl ModelVisitor for Set {
    type Output = Transaction;

    fn visit<M: ModelMessage>(self, value: M) -> Transaction {
        self.transaction.set(self.key, value)
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
