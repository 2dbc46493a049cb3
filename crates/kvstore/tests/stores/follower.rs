//! Follows a store as the agent does, and keeps what it was told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kvstore::{Entry, SourceEvent, Store, StoreSource, Subscription, Value, subscribe};

/// Longer than any event takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Follower {
    source: Subscription,
    /// What is wanted by now.
    pub(crate) state: BTreeMap<String, Entry>,
    pub(crate) snapshots: usize,
    pub(crate) problem: Option<String>,
    revision: u64,
}

impl Follower {
    pub(crate) fn of(store: Arc<dyn Store>, label: &str) -> Self {
        Self::from(StoreSource::new(store, label))
    }

    pub(crate) fn from(source: StoreSource) -> Self {
        let source = subscribe(Box::new(source));
        Self { source, state: BTreeMap::new(), snapshots: 0, problem: None, revision: 0 }
    }

    /// The next event, after it was taken in.
    pub(crate) async fn next(&mut self) -> SourceEvent {
        let event = match tokio::time::timeout(PATIENCE, self.source.next()).await {
            Ok(Some(event)) => event,
            Ok(None) => panic!("the source has ended"),
            Err(_) => {
                let some: Vec<_> = self.state.iter().take(10).collect();
                let (count, problem) = (self.state.len(), &self.problem);
                panic!("no event within {PATIENCE:?}; {count} keys: {some:?}, problem {problem:?}")
            }
        };
        match &event {
            SourceEvent::Snapshot { entries, complete, revision } => {
                assert!(complete, "what a store has is known");
                self.grow(*revision);
                self.state = entries.clone();
                self.snapshots += 1;
            }
            SourceEvent::Change { set, deleted, revision } => {
                assert!(self.snapshots > 0, "a snapshot is first");
                self.grow(*revision);
                self.state.retain(|key, _| !deleted.contains(key));
                self.state.extend(set.clone());
            }
            SourceEvent::Problem(problem) => self.problem = Some(problem.to_string()),
            SourceEvent::Recovered => self.problem = None,
        }
        event
    }

    fn grow(&mut self, revision: u64) {
        assert!(revision > self.revision, "revision {revision} after {}", self.revision);
        self.revision = revision;
    }

    /// Waits until `is` holds.
    pub(crate) async fn until(&mut self, is: impl Fn(&Self) -> bool) {
        while !is(self) {
            self.next().await;
        }
    }

    /// Waits until exactly these keys are known, by what comes after the prefix, with the numbers that they have.
    pub(crate) async fn knows(&mut self, rows: &[(&str, i64)]) {
        let expected: BTreeMap<String, i64> = rows.iter().map(|&(key, n)| (key.to_owned(), n)).collect();
        self.until(|this| this.snapshots > 0 && this.numbers() == expected).await;
    }

    pub(crate) fn numbers(&self) -> BTreeMap<String, i64> {
        let number = |entry: &Entry| match &entry.value {
            Value::Json(value) => value.as_i64().unwrap_or(-1),
            _ => -2,
        };
        let short = |key: &str| key.splitn(4, '/').nth(3).unwrap_or(key).to_owned();
        self.state.iter().map(|(key, entry)| (short(key), number(entry))).collect()
    }

    /// Waits for a problem and tells it.
    pub(crate) async fn problem(&mut self) -> String {
        self.until(|this| this.problem.is_some()).await;
        self.problem.clone().unwrap()
    }

    /// Checks that nothing comes for a while.
    pub(crate) async fn silence(&mut self) {
        if let Ok(event) = tokio::time::timeout(Duration::from_millis(300), self.source.next()).await {
            panic!("nothing was to be told, but there came {event:?}");
        }
    }
}
