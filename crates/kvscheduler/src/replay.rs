//! Runs a recording again, without the southbound.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value as Json;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::descriptor::{Failure, Invalid};
use crate::erased::{Erased, Seen, Shape};
use crate::error::CommitError;
use crate::metadata::AnyMetadata;
use crate::record::Record;
use crate::recording::{self, Codec, RecordingError};
use crate::scheduler::Scheduler;
use crate::state::{Operation, Origin};
use crate::transaction::{RetryPolicy, Transaction};
use crate::value::{AnyValue, Key, KeyValue};

/// Between two transactions.
enum Step {
    Park,
    Run(Box<Run>),
}

struct Run {
    transaction: Transaction,
    now: SystemTime,
    monotonic: Duration,
    answers: Answers,
    executed: Option<Vec<String>>,
}

type Read = Result<Option<Vec<Seen>>, Failure>;
/// When an operation ended, and how it failed if it did.
type Answer = (Duration, Option<Failure>);

#[derive(Default)]
struct Answers {
    /// By operation and key.
    calls: BTreeMap<(String, String), VecDeque<Answer>>,
    reads: BTreeMap<String, VecDeque<Read>>,
    ours: BTreeSet<String>,
}

/// What the replayed descriptors and the clock share.
#[derive(Default)]
struct Stage {
    answers: Answers,
    now: Duration,
    monotonic: Duration,
    /// Where the replay did something that the recorded run did not.
    divergences: Vec<String>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Stage>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, operation: Operation, key: &str) -> Result<AnyMetadata, Failure> {
        let mut stage = self.lock();
        let call = (operation.to_string(), key.to_owned());
        let Some((ended, failure)) = stage.answers.calls.get_mut(&call).and_then(VecDeque::pop_front) else {
            let message = format!("{operation} of {key} is not in the recording");
            stage.divergences.push(message.clone());
            return Err(Failure::permanent(message));
        };
        stage.monotonic = ended;
        match failure {
            Some(failure) => Err(failure),
            // Nobody looks at it: updates and deletes are answered from the recording as well.
            None => Ok(Arc::new(())),
        }
    }
}

impl Clock for Shared {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.lock().now
    }
    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A recorded run.
pub struct Replay {
    steps: VecDeque<Step>,
}

/// What a replay ended with.
pub struct Replayed {
    /// The scheduler, in the state in which the recorded one was.
    pub scheduler: Scheduler,
    /// What each transaction did, or why it was not run.
    pub records: Vec<Result<Arc<Record>, CommitError>>,
    /// Where the replay was not like the recorded run: empty unless descriptors have changed since.
    pub divergences: Vec<String>,
}

impl Replay {
    /// Reads a recording. A last line that was cut off is left out.
    pub fn read(path: &Path, codec: &dyn Codec) -> Result<Self, RecordingError> {
        let io = |source| RecordingError::Io { path: path.to_path_buf(), source };
        let file = BufReader::new(File::open(path).map_err(io)?);
        let mut steps: VecDeque<Step> = VecDeque::new();
        let mut lines = file.split(b'\n').enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let line = line.map_err(io)?;
            let bad =
                |reason: String| RecordingError::Line { path: path.to_path_buf(), line: number + 1, reason };
            let json: Json = match serde_json::from_slice(&line) {
                Ok(json) => json,
                Err(_) if lines.peek().is_none() && number > 0 => break,
                Err(error) => return Err(bad(error.to_string())),
            };
            if number == 0 {
                if json["kvscheduler"].as_u64() != Some(recording::VERSION) {
                    return Err(bad(format!("no recording of version {}", recording::VERSION)));
                }
                continue;
            }
            take(&mut steps, &json, codec).map_err(bad)?;
        }
        Ok(Self { steps })
    }

    /// Runs it. The builder has the same descriptors, whose async functions are not called.
    pub async fn run(self, mut builder: Builder) -> Result<Replayed, RecordingError> {
        let shared = Shared::default();
        builder.clock = Arc::new(shared.clone());
        let asked = shared.clone();
        builder.ownership = Some(Box::new(move |key| asked.lock().answers.ours.contains(key)));
        let wrap = |inner| Arc::new(Actor { inner, shared: shared.clone() }) as Arc<dyn Erased>;
        builder.descriptors = builder.descriptors.into_iter().map(wrap).collect();
        let mut scheduler = builder.build()?;
        let mut records = Vec::new();
        for step in self.steps {
            let Step::Run(run) = step else {
                scheduler.park();
                continue;
            };
            {
                let mut stage = shared.lock();
                stage.now = run.now.duration_since(UNIX_EPOCH).unwrap_or_default();
                stage.monotonic = run.monotonic;
                stage.answers = run.answers;
            }
            let result = scheduler.commit(run.transaction).await;
            let executed = result.as_ref().ok().map(|record| {
                record.executed.iter().map(|op| format!("{} {}", op.title(), op.key)).collect::<Vec<_>>()
            });
            let mut stage = shared.lock();
            if executed != run.executed {
                let number = records.len() + 1;
                stage.divergences.push(format!("transaction {number} of the recording did something else"));
            }
            let left = stage.answers.calls.iter().filter(|(_, answers)| !answers.is_empty());
            let left: Vec<String> =
                left.map(|((op, key), _)| format!("{op} of {key} was not asked for")).collect();
            stage.divergences.extend(left);
            drop(stage);
            records.push(result);
        }
        let divergences = std::mem::take(&mut shared.lock().divergences);
        Ok(Replayed { scheduler, records, divergences })
    }
}

/// Takes a line of a recording.
fn take(steps: &mut VecDeque<Step>, json: &Json, codec: &dyn Codec) -> Result<(), String> {
    if json.get("park").is_some() {
        steps.push_back(Step::Park);
        return Ok(());
    }
    if json.get("transaction").is_some() {
        steps.push_back(Step::Run(Box::new(transaction(json, codec)?)));
        return Ok(());
    }
    // The ledger may have been asked outside of a transaction only by mistake; it is of no use there.
    let Some(run) = steps.iter_mut().rev().find_map(|step| match step {
        Step::Run(run) => Some(run),
        Step::Park => None,
    }) else {
        return Err("a line that belongs to no transaction".to_owned());
    };
    if let Some(operation) = json.get("call") {
        let call = (text(operation)?, text(&json["key"])?);
        let answer = (time(&json["ended"])?, failure(json)?);
        run.answers.calls.entry(call).or_default().push_back(answer);
    } else if let Some(descriptor) = json.get("read") {
        run.answers.reads.entry(text(descriptor)?).or_default().push_back(read(json, codec)?);
    } else if let Some(key) = json.get("ours") {
        run.answers.ours.insert(text(key)?);
    } else if let Some(end) = json.get("end") {
        run.executed = match end {
            Json::Null => None,
            Json::Array(ops) => Some(ops.iter().map(text).collect::<Result<_, _>>()?),
            _ => return Err("operations are expected".to_owned()),
        };
    } else {
        return Err("not known what this is".to_owned());
    }
    Ok(())
}

fn transaction(json: &Json, codec: &dyn Codec) -> Result<Run, String> {
    let name = text(&json["transaction"])?;
    let kind = recording::kind(&name).ok_or_else(|| format!("no kind of transaction: {name}"))?;
    let mut transaction = Transaction::of_kind(kind).description(text(&json["description"])?);
    transaction.plan_only = json["plan_only"].as_bool().ok_or("plan_only is missing")?;
    transaction.revert = json["revert"].as_bool().ok_or("revert is missing")?;
    let retry = &json["retry"];
    if !retry.is_null() {
        let max_count = retry["max_count"].as_u64().and_then(|count| u32::try_from(count).ok());
        transaction.retry = Some(RetryPolicy {
            period: time(&retry["period"])?,
            max_count: max_count.ok_or("max_count is missing")?,
            exponential: retry["exponential"].as_bool().ok_or("exponential is missing")?,
            max_period: time(&retry["max_period"])?,
        });
    }
    for (key, json) in json["values"].as_object().ok_or("values are missing")? {
        let value = if json.is_null() { None } else { Some(value(key, json, codec)?) };
        transaction.values.insert(key.as_str().into(), value);
    }
    Ok(Run {
        transaction,
        now: UNIX_EPOCH + time(&json["now"])?,
        monotonic: time(&json["monotonic"])?,
        answers: Answers::default(),
        executed: None,
    })
}

fn read(json: &Json, codec: &dyn Codec) -> Result<Read, String> {
    if let Some(failure) = failure(json)? {
        return Ok(Err(failure));
    }
    let found = match json.get("found") {
        Some(Json::Null) => return Ok(Ok(None)),
        Some(Json::Array(found)) => found,
        _ => return Err("what was found is missing".to_owned()),
    };
    let seen = found.iter().map(|json| {
        let key = text(&json["key"])?;
        let origin = match json["origin"].as_str() {
            Some("northbound") => Origin::Northbound,
            Some("southbound") => Origin::Southbound,
            _ => Origin::Unknown,
        };
        let value = value(&key, json, codec)?;
        let metadata: AnyMetadata = Arc::new(());
        Ok(Seen { key: key.into(), value, metadata, origin })
    });
    Ok(Ok(Some(seen.collect::<Result<_, String>>()?)))
}

fn value(key: &str, json: &Json, codec: &dyn Codec) -> Result<AnyValue, String> {
    match json.get("value") {
        Some(value) => codec.decode(key, value).map_err(|reason| format!("{key}: {reason}")),
        None => Err(format!("the value of {key} was not written: {}", json["unwritten"])),
    }
}

fn failure(json: &Json) -> Result<Option<Failure>, String> {
    let failure = &json["failure"];
    if failure.is_null() {
        return Ok(None);
    }
    Ok(Some(Failure {
        message: text(&failure["message"])?,
        retriable: failure["retriable"].as_bool().ok_or("retriable is missing")?,
        lost: failure["lost"].as_bool().ok_or("lost is missing")?,
        unimplemented: failure["unimplemented"].as_bool().ok_or("unimplemented is missing")?,
    }))
}

fn text(json: &Json) -> Result<String, String> {
    json.as_str().map(str::to_owned).ok_or_else(|| format!("a text is expected, not {json}"))
}

fn time(json: &Json) -> Result<Duration, String> {
    json.as_u64().map(Duration::from_nanos).ok_or_else(|| format!("nanoseconds are expected, not {json}"))
}

/// Plays a descriptor: what it says is its own, what the southbound says is from the recording.
struct Actor {
    inner: Arc<dyn Erased>,
    shared: Shared,
}

#[async_trait]
impl Erased for Actor {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn owns(&self, key: &str) -> bool {
        self.inner.owns(key)
    }
    fn retrieve_after(&self) -> Vec<String> {
        self.inner.retrieve_after()
    }
    fn examples(&self) -> Vec<KeyValue> {
        self.inner.examples()
    }
    fn properties(&self) -> Vec<String> {
        self.inner.properties()
    }
    fn validate(&self, key: &str, value: &AnyValue) -> Result<(), Invalid> {
        self.inner.validate(key, value)
    }
    fn equivalent(&self, key: &str, old: &AnyValue, new: &AnyValue) -> bool {
        self.inner.equivalent(key, old, new)
    }
    fn is_shown(&self, key: &str, value: &AnyValue) -> bool {
        self.inner.is_shown(key, value)
    }

    fn recreate(&self, key: &str, old: &AnyValue, new: &AnyValue) -> bool {
        self.inner.recreate(key, old, new)
    }
    fn shape(&self, key: &str, value: &AnyValue) -> Shape {
        self.inner.shape(key, value)
    }
    fn show(&self, _: &AnyMetadata) -> Option<String> {
        None
    }
    async fn create(&self, key: &str, _: &AnyValue) -> Result<AnyMetadata, Failure> {
        self.shared.call(Operation::Create, key)
    }
    async fn update(
        &self,
        key: &str,
        _: &AnyValue,
        _: &AnyValue,
        _: Option<AnyMetadata>,
    ) -> Result<AnyMetadata, Failure> {
        self.shared.call(Operation::Update, key)
    }
    async fn delete(&self, key: &str, _: &AnyValue, _: Option<AnyMetadata>) -> Result<(), Failure> {
        self.shared.call(Operation::Delete, key).map(drop)
    }
    async fn retrieve(&self, _: &[KeyValue]) -> Read {
        let mut stage = self.shared.lock();
        let read = stage.answers.reads.get_mut(self.name()).and_then(VecDeque::pop_front);
        read.unwrap_or_else(|| {
            let message = format!("a read-back of {} is not in the recording", self.name());
            stage.divergences.push(message.clone());
            Err(Failure::permanent(message))
        })
    }
    fn index(&self, _: &str, _: &AnyMetadata) {}
    fn unindex(&self, _: &str) {}
    fn reindex(&self, _: &[(Key, AnyMetadata)]) {}
    fn save(&self) -> Box<dyn Any + Send> {
        Box::new(())
    }
    fn restore(&self, _: Box<dyn Any + Send>) {}
}
