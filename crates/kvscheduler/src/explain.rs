//! What is known of a value, for people.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::descriptor::{Dependency, Target};
use crate::graph::Graph;
use crate::history::Event;
use crate::node::Node;
use crate::registry::Registry;
use crate::shared::Inner;
use crate::state::{Operation, State};
use crate::value::{AnyValue, Key};

/// How many of the values that would satisfy an any-of dependency are named.
const MOST_CANDIDATES: usize = 8;

/// What is known of a value.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its key.
    pub key: Key,
    /// The name of its descriptor; none: unimplemented, or a property.
    pub descriptor: Option<String>,
    /// Its state.
    pub state: State,
    /// What is wanted; the last valid value if the newest was refused.
    pub wanted: Option<AnyValue>,
    /// What was refused.
    pub rejected: Option<AnyValue>,
    /// What is there.
    pub present: Option<AnyValue>,
    /// What the southbound gave back for it.
    pub metadata: Option<String>,
    /// Why the last operation failed or was not run, or why the value was refused.
    pub error: Option<String>,
    /// The last operation.
    pub last_operation: Option<Operation>,
    /// The labels of the dependencies that are not met, with the keys that would.
    pub unmet: Vec<Unmet>,
    /// What it is derived from.
    pub base: Option<Key>,
    /// What is derived from it.
    pub derived: Vec<Key>,
    /// Whether we configured it.
    pub ours: bool,
    /// Whether an operation failed since it was last read back: what is said to be there is only believed.
    pub uncertain: bool,
    /// Why it was not read back by the last resync: what is there is what was made.
    pub unread: Option<String>,
    /// When it is tried again, on the clock on the wall as it stands now.
    pub retry_at: Option<SystemTime>,
    /// How long until then, and how many times it was tried.
    pub retry_in: Option<(Duration, u32)>,
    /// The states that it had, oldest first. Only filled in where one value is asked for.
    pub history: Vec<Event>,
}

/// A dependency that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What it is, in the words of the descriptor.
    pub label: String,
    /// The key that would meet it, or the prefixes.
    pub target: String,
    /// The state of that key; nonexistent for an any-of.
    pub state: State,
    /// Whether anybody asks for that key, or for a value that has it as a derived one, or for any of them.
    pub wanted: bool,
    /// What has it as a derived value, but is not there itself.
    pub part_of: Option<Key>,
    /// Of an any-of: some of the values that are asked for and would meet it if they were there.
    pub candidates: Vec<Key>,
    /// Why it is not there, if it failed or was refused.
    pub error: Option<String>,
    /// Whether no descriptor owns such a key.
    pub unknown: bool,
}

pub(crate) fn status(inner: &Inner, registry: &Registry, key: &str) -> Option<Status> {
    let graph = &inner.graph;
    let node = graph.get(key)?;
    let needs = node.wanted.as_ref().map(|held| held.shape.needs.as_slice()).unwrap_or_default();
    let unmet = needs.iter().filter(|need| !graph.is_met(need, key));
    let descriptor = registry.of(node);
    let metadata = node.present.as_ref().and_then(|present| present.metadata.as_ref());
    let retry = node.retry.as_ref().filter(|_| node.state == State::Retrying);
    let retry_in = retry.map(|retry| (retry.due.saturating_sub(inner.clock.monotonic()), retry.attempt));
    Some(Status {
        key: graph.interned(key)?,
        descriptor: descriptor.map(|descriptor| descriptor.name().to_owned()),
        state: node.state,
        wanted: node.wanted.as_ref().map(|held| held.value.clone()),
        rejected: node.rejected.as_ref().map(|rejected| rejected.value.clone()),
        present: node.present.as_ref().map(|present| present.held.value.clone()),
        metadata: descriptor.zip(metadata).and_then(|(descriptor, metadata)| descriptor.show(metadata)),
        error: node.error.as_deref().map(str::to_owned),
        last_operation: node.last,
        unmet: unmet.map(|need| explain_need(graph, registry, need, key)).collect(),
        base: node.base.clone(),
        derived: node.derived.clone(),
        ours: node.ours,
        uncertain: node.uncertain,
        unread: unread(inner, node),
        retry_at: retry_in.and_then(|(wait, _)| inner.clock.now().checked_add(wait)),
        retry_in,
        history: Vec::new(),
    })
}

/// Why what is there is only believed.
fn unread(inner: &Inner, node: &Node) -> Option<String> {
    node.present.as_ref()?;
    let mut node = node;
    loop {
        let reason = inner.unread.get(&node.owner?)?;
        // What it is derived from may have been read, and told of it.
        match node.base.as_ref().and_then(|base| inner.graph.get(base)) {
            Some(base) => node = base,
            None => {
                return Some(reason.clone().unwrap_or_else(|| "such values cannot be read back".to_owned()));
            }
        }
    }
}

fn explain_need(graph: &Graph, registry: &Registry, need: &Dependency, of: &str) -> Unmet {
    let mut unmet = Unmet {
        label: need.label.to_string(),
        target: need.describe(),
        state: State::Nonexistent,
        wanted: false,
        part_of: None,
        candidates: Vec::new(),
        error: None,
        unknown: false,
    };
    match &need.target {
        Target::Key(key) => {
            let node = graph.get(key);
            unmet.part_of = if node.is_none() { graph.offered_by(key) } else { None };
            unmet.state = node.map_or(State::Nonexistent, |node| node.state);
            unmet.wanted = node.is_some_and(|node| node.is_asked_for()) || unmet.part_of.is_some();
            unmet.error = node.and_then(|node| node.error.as_deref()).map(str::to_owned);
            unmet.unknown = node.is_none() && unmet.part_of.is_none() && !registry.can_exist(key);
        }
        Target::AnyOf(any) => {
            let matches = |key: &str| {
                key != of
                    && any.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
                    && any.accepts(key)
            };
            let mut candidates: Vec<Key> = graph
                .iter()
                .filter(|(key, node)| node.is_asked_for() && matches(key))
                .map(|(key, _)| Key::clone(key))
                .collect();
            candidates.sort_unstable();
            candidates.truncate(MOST_CANDIDATES);
            unmet.wanted = !candidates.is_empty();
            unmet.candidates = candidates;
        }
    }
    unmet
}

/// What is said of a value of which nothing is known.
pub(crate) fn unknown(graph: &Graph, registry: &Registry, key: &str, events: &[Event]) -> String {
    let mut text = format!("{key}: {}\n", State::Nonexistent);
    match graph.offered_by(key) {
        Some(base) => text += &format!("  it comes with {base}, which is not there\n"),
        None => text += "  nobody asks for it, and it was not found\n",
    }
    if !registry.can_exist(key) {
        text += "  no descriptor owns such a key\n";
    }
    for event in events {
        text += &format!("  {event}\n");
    }
    text
}

impl fmt::Display for Status {
    /// The answer to "why": state, what it waits for, last error, when it is tried again, the states that it had.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.key, self.state)?;
        if let Some(base) = &self.base {
            writeln!(f, "  derived from {base}")?;
        }
        for unmet in &self.unmet {
            writeln!(f, "  waits for {unmet}")?;
        }
        match (&self.error, self.last_operation) {
            (Some(error), Some(operation)) if self.state.is_failure() => {
                writeln!(f, "  last {operation} failed: {error}")?;
            }
            (Some(error), _) => writeln!(f, "  {error}")?,
            (None, _) => {}
        }
        if let Some((wait, attempts)) = self.retry_in {
            writeln!(f, "  is tried again in {wait:?} (failed {attempts} times)")?;
        }
        if self.uncertain {
            writeln!(f, "  not read back since an operation failed: what is there is not certain")?;
        }
        if let Some(reason) = &self.unread {
            writeln!(f, "  believed to be as it was made, not read back: {reason}")?;
        }
        if let Some(metadata) = &self.metadata {
            writeln!(f, "  in the southbound: {metadata}")?;
        }
        self.history.iter().try_for_each(|event| writeln!(f, "  {event}"))
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}", self.label, self.target, self.state)?;
        if let Some(base) = &self.part_of {
            write!(f, ", comes with {base}, which is not there")?;
        } else if !self.wanted {
            write!(f, ", nobody asks for it")?;
        }
        if self.unknown {
            write!(f, ", no descriptor owns such a key")?;
        }
        if !self.candidates.is_empty() {
            write!(f, ", asked for: {}", self.candidates.join(", "))?;
        }
        if let Some(error) = &self.error {
            write!(f, ": {error}")?;
        }
        write!(f, ")")
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", Utc(self.at), self.seq)?;
        if let Some(operation) = self.operation {
            write!(f, " {operation}")?;
        }
        write!(f, " -> {}", self.state)?;
        if let Some(error) = &self.error {
            write!(f, ": {error}")?;
        }
        Ok(())
    }
}

/// A time as `2026-11-24 22:10:00.123Z`.
struct Utc(SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        // Civil from days: eras of 400 years that begin on 1 March.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let date = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        write!(
            f,
            "{year:04}-{month:02}-{date:02} {:02}:{:02}:{:02}.{:03}Z",
            second / 3600,
            second / 60 % 60,
            second % 60,
            since.subsec_millis()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_dates() {
        let at = |seconds: u64| Utc(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 7)).to_string();
        assert_eq!(at(0), "1970-01-01 00:00:00.007Z");
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00.007Z");
        assert_eq!(at(1_764_022_280), "2025-11-24 22:11:20.007Z");
        assert_eq!(at(4_107_542_399), "2100-02-28 23:59:59.007Z");
    }
}
