//! The cases in `tests/cases/`: one folder a case, one file a step, in the order of their names.
//!
//! A file has what is done, a line `---`, and what has to come of it: the log of the transaction, the calls that
//! reached the southbound, the states of all values, and what is in the southbound. `BLESS=1 cargo test -p kvscheduler
//! --test cases` writes the second half anew; look at the difference before you commit it.
//!
//! What is done, a line each, parts separated by `|`:
//!
//! ```text
//! change                        the kind of the transaction: change unless said, notification, full, upstream,
//!                               downstream, retry, or none
//! set KEY | TEXT | needs KEY | any PREFIX | derives KEY TEXT needs KEY needs KEY
//! delete KEY
//! revert, plan-only             options of the transaction
//! retry-policy MAX PERIOD CAP   in seconds
//! fail-next N                   the next operations fail
//! fail N CREATE KEY             this operation fails so often
//! treacherous                   what fails is done all the same
//! lose-after N                  the connection breaks after so many operations
//! heal                          it fails no more and is reachable
//! wipe                          the southbound has started anew
//! lacks PREFIX                  it has nothing to do these values with; `lacks nothing`: it has again
//! behind set KEY | TEXT ...     somebody else changes the southbound
//! behind delete KEY
//! unreadable DESCRIPTOR         its values cannot be read back now
//! advance SECONDS               time goes by
//! restart                       the agent starts anew over the same southbound, knowing what was its own
//! out-of-sync                   after this step a resync has something to do
//! explain KEY                   is part of what comes of it
//! ```
//!
//! After each step a resync is planned; unless the step says otherwise there must be nothing to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::*;
use kvscheduler::*;

struct Case {
    sb: Southbound,
    s: Scheduler,
    clock: TokioClock,
    /// The keys that were ever configured: what an agent notes for its next run.
    ledger: Arc<Mutex<Vec<String>>>,
    /// All values that were ever wanted.
    wanted: Vec<(String, Item)>,
    /// What was wrong with whether the southbound is in sync.
    out_of_sync: Vec<String>,
}

fn scheduler(sb: &Southbound, clock: TokioClock, ledger: &Arc<Mutex<Vec<String>>>) -> Scheduler {
    let ledger = Arc::clone(ledger);
    Scheduler::builder()
        .register_private(toy("in-place", "a/", sb))
        .register_private(Toy { in_place: false, ..toy("recreated", "r/", sb) })
        .register_private(Toy { readable: false, ..toy("unreadable", "u/", sb) })
        .register_private(Toy { in_place: false, ..toy("derived", "d/", sb) })
        .register_private(toy("interface", "config/vpp/v2/interfaces/", sb))
        .register_private(toy("bridge-domain", "config/vpp/l2/v2/bridge-domain/", sb))
        .register_private(toy("bd-interface", "vpp/bd/", sb))
        .register_private(toy("fib", "config/vpp/l2/v2/fib/", sb))
        .register_private(toy("linux-interface", "config/linux/interfaces/v2/interface/", sb))
        .external("linux/interface/host-name/")
        .ownership(move |key| ledger.lock().unwrap().iter().any(|noted| noted == key))
        .clock(clock)
        .build()
        .unwrap()
}

fn parse_item<'a>(mut parts: impl Iterator<Item = &'a str>) -> Item {
    let mut value = item(parts.next().unwrap_or_default());
    for part in parts {
        let (what, rest) = part.split_once(' ').unwrap_or((part, ""));
        value = match what {
            "needs" => value.needs(rest),
            "any" => value.any_of(rest),
            "derives" => {
                let mut words = rest.split_whitespace();
                let key = words.next().unwrap();
                let rest: Vec<&str> = words.collect();
                let (text, needs): (Vec<&str>, Vec<&str>) =
                    match rest.iter().position(|word| *word == "needs") {
                        Some(at) => (rest[..at].to_vec(), rest[at..].to_vec()),
                        None => (rest, Vec::new()),
                    };
                let needs = needs.iter().filter(|word| **word != "needs");
                value.derives(key, needs.fold(item(&text.join(" ")), |child, need| child.needs(*need)))
            }
            _ => panic!("not known: {part}"),
        };
    }
    value
}

impl Case {
    fn new() -> Self {
        let (sb, clock, ledger) = (Southbound::default(), TokioClock::new(), Arc::default());
        let s = scheduler(&sb, clock, &ledger);
        Self { sb, s, clock, ledger, wanted: Vec::new(), out_of_sync: Vec::new() }
    }

    async fn step(&mut self, input: &str) -> String {
        let mut transaction = Some(Transaction::change());
        let (mut explained, mut in_sync) = (Vec::new(), true);
        for line in input.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut parts = line.split('|').map(str::trim);
            let head = parts.next().unwrap();
            let words: Vec<&str> = head.split_whitespace().collect();
            let edit = |f: &dyn Fn(Transaction) -> Transaction, txn: Option<Transaction>| txn.map(f);
            match words.as_slice() {
                ["change"] => {}
                ["none"] => transaction = None,
                ["notification"] => transaction = Some(Transaction::notification()),
                ["full"] => transaction = Some(Transaction::resync(Resync::Full)),
                ["upstream"] => transaction = Some(Transaction::resync(Resync::Upstream)),
                ["downstream"] => transaction = Some(Transaction::resync(Resync::Downstream)),
                ["retry"] => transaction = Some(Transaction::retry_failed()),
                ["set", key] => {
                    let value = parse_item(parts);
                    if transaction.as_ref().is_some_and(|txn| txn.kind() == Kind::Notification) {
                        // What is told is true.
                        let mut plane = self.sb.lock();
                        plane.values.insert((*key).into(), value.clone());
                        plane.foreign.insert((*key).into());
                    } else {
                        note(&self.ledger, key, &value);
                    }
                    self.wanted.push(((*key).to_owned(), value.clone()));
                    transaction = edit(&|txn| txn.set(*key, value.clone()), transaction);
                }
                ["delete", key] => {
                    let told = transaction.as_ref().is_some_and(|txn| txn.kind() == Kind::Notification);
                    if told && self.sb.lock().foreign.contains(*key) {
                        self.sb.lock().values.remove(*key);
                    }
                    transaction = edit(&|txn| txn.delete(*key), transaction);
                }
                ["revert"] => transaction = edit(&|txn| txn.revert(), transaction),
                ["plan-only"] => transaction = edit(&|txn| txn.plan_only(), transaction),
                ["retry-policy", max, period, cap] => {
                    let seconds = |text: &str| Duration::from_secs_f64(text.parse().unwrap());
                    let policy = RetryPolicy {
                        period: seconds(period),
                        max_count: max.parse().unwrap(),
                        exponential: true,
                        max_period: seconds(cap),
                    };
                    transaction = edit(&|txn| txn.retry(policy), transaction);
                }
                ["fail-next", n] => self.sb.lock().fail_next = n.parse().unwrap(),
                ["fail", n, operation, key] => {
                    self.sb.fail(&format!("{operation} {key}"), n.parse().unwrap())
                }
                ["treacherous"] => self.sb.lock().treacherous = true,
                ["lose-after", n] => self.sb.lock().lose_after = Some(n.parse().unwrap()),
                ["heal"] => {
                    let mut plane = self.sb.lock();
                    plane.lose_after = None;
                    plane.treacherous = false;
                    plane.fail_next = 0;
                    plane.failing.clear();
                    plane.unreadable.clear();
                }
                ["wipe"] => self.sb.wipe(),
                ["lacks", "nothing"] => self.sb.lock().lacks = None,
                ["lacks", prefix] => self.sb.lock().lacks = Some((*prefix).into()),
                ["behind", "set", key] => {
                    let value = parse_item(parts);
                    let mut plane = self.sb.lock();
                    plane.next_index += 1;
                    let index = plane.next_index;
                    plane.values.insert((*key).into(), value);
                    plane.indexes.insert((*key).into(), index);
                    if !self.ledger.lock().unwrap().iter().any(|noted| noted == key) {
                        plane.foreign.insert((*key).into());
                    }
                }
                ["behind", "delete", key] => {
                    let mut plane = self.sb.lock();
                    plane.values.remove(*key);
                    plane.indexes.remove(*key);
                }
                ["unreadable", name] => drop(self.sb.lock().unreadable.insert((*name).into())),
                ["advance", seconds] => {
                    tokio::time::advance(Duration::from_secs_f64(seconds.parse().unwrap())).await;
                }
                ["restart"] => self.s = scheduler(&self.sb, self.clock, &self.ledger),
                ["out-of-sync"] => in_sync = false,
                ["explain", key] => explained.push((*key).to_owned()),
                _ => panic!("not known: {line}"),
            }
        }
        note_circles(&self.sb, self.wanted.iter().map(|(key, value)| (key, value)));
        self.sb.calls();
        let mut text = String::new();
        if let Some(transaction) = transaction {
            match self.s.commit(transaction).await {
                Ok(record) => {
                    let log = record.to_string();
                    let (planned, executed) = (titles(&record.planned), titles(&record.executed));
                    let same = planned == executed && !record.plan_only;
                    // What was done as planned is shown once.
                    let from = log.find("executed operations").filter(|_| same);
                    let header = log.lines().next().unwrap();
                    match from {
                        Some(from) => write!(text, "{header}\n{}", &log[from..]).unwrap(),
                        None => text += &log,
                    }
                }
                Err(error) => writeln!(text, "error: {error}").unwrap(),
            }
        }
        self.report(&mut text, &explained);
        self.sb.assert_sound();
        let plan = self.s.commit(Transaction::resync(Resync::Downstream).plan_only()).await;
        let to_do = plan.map(|plan| titles(&plan.planned)).unwrap_or_else(|error| vec![error.to_string()]);
        if to_do.is_empty() != in_sync {
            self.out_of_sync.push(format!("in sync is to be {in_sync}, and a resync would do {to_do:#?}"));
        }
        text
    }

    fn report(&self, text: &mut String, explained: &[String]) {
        let calls = self.sb.calls();
        if !calls.is_empty() {
            writeln!(text, "\ncalls: {}", calls.join(", ")).unwrap();
        }
        writeln!(text, "\nstates:").unwrap();
        for status in self.s.dump() {
            write!(text, "  {} {}", status.key, status.state).unwrap();
            if let (Some(wanted), Some(present)) = (&status.wanted, &status.present)
                && wanted.to_string() != present.to_string()
            {
                write!(text, " (there is: {present})").unwrap();
            }
            if status.wanted.is_none() && status.present.is_some() && status.state != State::Obtained {
                write!(text, " (not wanted any more)").unwrap();
            }
            if let Some(error) = &status.error {
                write!(text, ": {error}").unwrap();
            }
            if let Some((wait, attempt)) = status.retry_in {
                write!(text, "; again in {wait:?} after {attempt}").unwrap();
            }
            writeln!(text).unwrap();
        }
        writeln!(text, "\nsouthbound:").unwrap();
        for (key, value) in self.sb.values() {
            writeln!(text, "  {key} {value}").unwrap();
        }
        for key in explained {
            write!(text, "\n{}", self.s.explain(key)).unwrap();
        }
    }
}

fn note(ledger: &Mutex<Vec<String>>, key: &str, value: &Item) {
    ledger.lock().unwrap().push(key.to_owned());
    for (child, item) in &value.derived {
        note(ledger, child, item);
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_case_comes_out_as_written() {
    let bless = std::env::var_os("BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for case in sorted(&folder).into_iter().filter(|path| path.is_dir()) {
        cases += 1;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut running = Case::new();
            for step in sorted(&case) {
                let name = step.strip_prefix(&folder).unwrap().display().to_string();
                let text = fs::read_to_string(&step).unwrap();
                let (input, expected) = text.split_once("---\n").unwrap_or((&text, ""));
                println!("{name}");
                let came = running.step(input).await;
                wrong.extend(running.out_of_sync.drain(..).map(|text| format!("== {name}: {text}")));
                if bless {
                    fs::write(&step, format!("{}\n---\n{came}", input.trim_end())).unwrap();
                } else if came != expected {
                    wrong.push(format!("== {name}\n-- expected\n{expected}\n-- came\n{came}"));
                }
            }
        });
    }
    assert!(cases > 20, "only {cases} cases were found");
    assert!(wrong.is_empty(), "{}\nIf this is right, bless it: BLESS=1", wrong.join("\n"));
}
