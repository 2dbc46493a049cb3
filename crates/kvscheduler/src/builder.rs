//! How a scheduler is put together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::descriptor::Descriptor;
use crate::erased::{Adapter, Erased};
use crate::history::Limits;
use crate::metadata::MetadataMap;
use crate::recording::{Codec, Recorder, RecordingError};
use crate::registry::{Registry, RegistryError};
use crate::scheduler::{Ownership, Scheduler, Stop};
use crate::shared::Shared;
use crate::transaction::RetryPolicy;

/// Registers descriptors and settings.
pub struct Builder {
    pub(crate) descriptors: Vec<Arc<dyn Erased>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ownership: Option<Ownership>,
    width: usize,
    limits: Limits,
    retry: Option<RetryPolicy>,
    external: Vec<String>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            descriptors: Vec::new(),
            clock: Arc::new(SystemClock),
            ownership: None,
            width: 512,
            limits: Limits { records: 100, events: 8, age: Duration::from_secs(24 * 3600) },
            retry: None,
            external: Vec::new(),
        }
    }

    /// Registers a descriptor whose metadata goes to `map`; clones of it may have been given to other descriptors.
    #[must_use]
    pub fn register<D: Descriptor>(mut self, descriptor: D, map: MetadataMap<D::Metadata>) -> Self {
        self.descriptors.push(Arc::new(Adapter { descriptor, map }));
        self
    }

    /// Registers a descriptor whose metadata no other descriptor looks at.
    #[must_use]
    pub fn register_private<D: Descriptor>(self, descriptor: D) -> Self {
        self.register(descriptor, MetadataMap::new())
    }

    /// Says that keys with this prefix come by notifications without a descriptor, so that others may depend on them.
    #[must_use]
    pub fn external(mut self, prefix: impl Into<String>) -> Self {
        self.external.push(prefix.into());
        self
    }

    /// Replaces the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What was configured in earlier runs. A resync deletes such values if they are not wanted any more; others that it
    /// finds stay.
    #[must_use]
    pub fn ownership(mut self, is_ours: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.ownership = Some(Box::new(is_ours));
        self
    }

    /// How many operations run at the same time; 512 unless set.
    #[must_use]
    pub fn width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// When failed operations are tried again of which no transaction said so, such as those that follow from a
    /// notification. Not at all unless set.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// How many records of transactions are kept; 100 unless set. Records of more than a million operations together are
    /// forgotten before that, and so are those that are too old.
    #[must_use]
    pub fn history(mut self, records: usize) -> Self {
        self.limits.records = records;
        self
    }

    /// How many of its last states are kept for each value; 8 unless set.
    #[must_use]
    pub fn value_history(mut self, events: usize) -> Self {
        self.limits.events = events;
        self
    }

    /// How old records and states get; a day unless set.
    #[must_use]
    pub fn history_age(mut self, age: Duration) -> Self {
        self.limits.age = age;
        self
    }

    /// Checks the descriptors against each other.
    pub fn build(self) -> Result<Scheduler, RegistryError> {
        self.assemble(None)
    }

    /// As [`build`](Self::build); the run is also written to a file, from which it can be [replayed](crate::Replay).
    pub fn build_recorded(
        mut self,
        path: impl Into<PathBuf>,
        codec: impl Codec,
    ) -> Result<Scheduler, RecordingError> {
        let recorder = Recorder::create(path.into(), Arc::new(codec), &self.clock)?;
        self.ownership = self.ownership.map(|is_ours| recorder.wrap_ownership(is_ours));
        Ok(self.assemble(Some(recorder))?)
    }

    pub(crate) fn assemble(self, recorder: Option<Recorder>) -> Result<Scheduler, RegistryError> {
        let registry = Registry::new(self.descriptors, &self.external)?;
        Ok(Scheduler {
            shared: Arc::new(Shared::new(registry, Arc::clone(&self.clock), self.limits)),
            clock: self.clock,
            ownership: self.ownership.unwrap_or_else(|| Box::new(|_| false)),
            width: self.width,
            retry: self.retry,
            skipped: BTreeMap::new(),
            recorder,
            stop: Stop::default(),
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.descriptors.iter().map(|descriptor| descriptor.name()).collect();
        f.debug_struct("Builder").field("descriptors", &names).finish_non_exhaustive()
    }
}
