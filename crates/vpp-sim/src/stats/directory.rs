//! What the directory of a release has, before there is any interface.
//!
//! Names and their order are those of a VPP without plugins: from `stat_segment.h`, from 22.06 `vlib/stats/init.c` and
//! who else registers entries; nodes and errors are a few of those that every VPP has.

use binapi_gen::Release;

use super::content::Content;
use super::format::{Format, Numbers};

/// Nodes by index.
pub(super) const NODES: [&str; 6] =
    ["null-node", "ethernet-input", "ip4-input", "ip4-lookup", "ip4-drop", "error-drop"];

/// Errors of nodes.
pub(super) const ERRORS: [(&str, &str); 6] = [
    ("null-node", "blackholed packets"),
    ("ethernet-input", "no error"),
    ("ethernet-input", "unknown ethernet type"),
    ("ip4-input", "ip4 ttl <= 1"),
    ("ip4-input", "ip4 length > l2 length"),
    ("ip4-drop", "valid ip4 packets"),
];

const NODE_COUNTERS: [&str; 4] = ["clocks", "vectors", "calls", "suspends"];

/// Counters of interfaces with one value.
pub(super) const SIMPLE: [&str; 9] =
    ["drops", "punt", "ip4", "ip6", "rx-no-buf", "rx-miss", "rx-error", "tx-error", "mpls"];

/// Those with packets and bytes.
pub(super) const COMBINED: [&str; 8] =
    ["rx", "rx-unicast", "rx-multicast", "rx-broadcast", "tx", "tx-unicast", "tx-multicast", "tx-broadcast"];

/// Name of an interface counter in a release; `None` when it does not have it.
pub(super) fn interface_counter(release: Release, name: &str) -> Option<String> {
    let from = |year, month| release >= Release { year, month };
    match name {
        "mpls" => from(19, 4).then(|| "/if/mpls".to_string()),
        // A mistake that 19.08 mends.
        "tx-unicast" if !from(19, 8) => Some("/if/tx-unicast-miss".to_string()),
        _ => Some(format!("/if/{name}")),
    }
}

pub(super) struct Plan {
    pub(super) entries: Vec<(String, Content)>,
    release: Release,
    threads: usize,
}

impl Plan {
    fn from(&self, year: u16, month: u16) -> bool {
        self.release >= Release { year, month }
    }

    fn add(&mut self, name: impl Into<String>, content: Content) -> u32 {
        self.entries.push((name.into(), content));
        u32::try_from(self.entries.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    fn scalars(&mut self, names: &[&str]) {
        for name in names {
            self.add(*name, Content::Scalar(0));
        }
    }

    /// From 26.02 a type of its own.
    fn gauge(&mut self, name: impl Into<String>, value: u64) {
        let content = if Numbers::of(self.release).gauge.is_some() {
            Content::Gauge(value)
        } else {
            Content::Scalar(value)
        };
        self.add(name, content);
    }

    fn simple(&self, elements: usize) -> Content {
        Content::Simple(vec![vec![0; elements]; self.threads])
    }

    /// The directory of a release with so many threads.
    pub(super) fn of(release: Release, threads: usize) -> Self {
        let mut plan = Self { entries: Vec::new(), release, threads };
        match Format::of(release) {
            Format::V2b => plan.newest(),
            _ if plan.from(21, 6) => plan.with_symlinks(),
            _ => plan.oldest(),
        }
        if plan.from(19, 4) {
            for (what, value) in [("cached", 12), ("used", 0), ("available", 16_788)] {
                plan.gauge(format!("/buffer-pools/default-numa-0/{what}"), value);
            }
        }
        for name in SIMPLE {
            if let Some(name) = interface_counter(release, name) {
                let content = plan.simple(0);
                plan.add(name, content);
            }
        }
        for name in COMBINED {
            if let Some(name) = interface_counter(release, name) {
                let content = Content::Combined(vec![Vec::new(); plan.threads]);
                plan.add(name, content);
            }
        }
        plan.errors();
        plan
    }

    fn workers(&self) -> u64 {
        u64::try_from(self.threads.saturating_sub(1)).unwrap_or(0)
    }

    fn oldest(&mut self) {
        self.scalars(&["/sys/vector_rate"]);
        // 19.04.2 has both, as the last point release.
        if self.from(19, 4) {
            let workers = self.workers();
            self.add("/sys/num_worker_threads", Content::Scalar(workers));
            let rates = self.simple(1);
            self.add("/sys/vector_rate_per_worker", rates);
        }
        self.scalars(&["/sys/input_rate", "/sys/last_update", "/sys/last_stats_clear", "/sys/heartbeat"]);
        self.node_counters();
        if self.from(19, 4) {
            self.add("/if/names", Content::Names(Vec::new()));
            self.node_names();
        }
        if self.from(19, 8) {
            self.add("/mem/statseg/total", Content::Scalar(33_550_336));
            self.add("/mem/statseg/used", Content::Scalar(1_204_224));
        }
    }

    /// 21.06 to 22.02.
    fn with_symlinks(&mut self) {
        let first = self.node_counters();
        let workers = self.workers();
        self.add("/sys/num_worker_threads", Content::Scalar(workers));
        self.scalars(&["/sys/input_rate", "/sys/last_update", "/sys/last_stats_clear", "/sys/heartbeat"]);
        self.add("/if/names", Content::Names(Vec::new()));
        self.node_names();
        self.heap("stat segment");
        self.scalars(&["/sys/vector_rate"]);
        let rates = self.simple(1);
        self.add("/sys/vector_rate_per_worker", rates);
        self.node_symlinks(first);
    }

    fn newest(&mut self) {
        self.scalars(&["/sys/heartbeat", "/sys/last_stats_clear"]);
        if self.from(23, 2) {
            self.add("/sys/boottime", Content::Scalar(1_790_000_000));
        }
        self.heap("stat segment");
        self.gauge("/sys/vector_rate", 0);
        // One vector with an element for each thread and one more, not a vector for each thread.
        let rates = Content::Simple(vec![vec![0; self.threads + 1]]);
        self.add("/sys/vector_rate_per_worker", rates.clone());
        if self.from(22, 10) {
            self.add("/sys/loops_per_worker", rates);
        }
        self.heap("main heap");
        let workers = self.workers();
        self.gauge("/sys/num_worker_threads", workers);
        self.add("/sys/last_update", Content::Scalar(0));
        self.gauge("/sys/input_rate", 0);
        self.node_names();
        let first = self.node_counters();
        self.node_symlinks(first);
        self.add("/if/names", Content::Names(Vec::new()));
    }

    fn node_names(&mut self) {
        let mut names: Vec<_> = NODES.iter().map(|name| Some((*name).to_string())).collect();
        if !self.from(19, 8) {
            names.push(None);
        }
        self.add("/sys/node/names", Content::Names(names));
    }

    /// The index of the first.
    fn node_counters(&mut self) -> u32 {
        // Up to 19.04 there is an element too many.
        let elements = NODES.len() + usize::from(!self.from(19, 8));
        let first = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        // From 21.06 there is a thread too many.
        let threads = self.threads + usize::from(self.from(21, 6));
        for name in NODE_COUNTERS {
            let content = Content::Simple(vec![vec![0; elements]; threads]);
            self.add(format!("/sys/node/{name}"), content);
        }
        first
    }

    fn node_symlinks(&mut self, first: u32) {
        for (column, node) in (0..).zip(NODES) {
            for (target, name) in (first..).zip(NODE_COUNTERS) {
                self.add(format!("/nodes/{node}/{name}"), Content::Symlink { target, column });
            }
        }
    }

    /// A heap as a vector, and symlinks to its first elements; 22.06 has two of them the wrong way round.
    fn heap(&mut self, name: &str) {
        let target = self.add(
            format!("/mem/{name}"),
            Content::Simple(vec![vec![33_550_336, 1_204_224, 32_346_112, 0, 0, 0, 0]]),
        );
        let swapped = self.release == Release { year: 22, month: 6 };
        let (total, used) = if swapped { (1, 0) } else { (0, 1) };
        for (what, column) in [("used", used), ("total", total), ("free", 2)] {
            self.add(format!("/mem/{name}/{what}"), Content::Symlink { target, column });
        }
    }

    fn errors(&mut self) {
        let newest = Format::of(self.release) == Format::V2b;
        let target = if newest {
            let content = self.simple(ERRORS.len());
            self.add("/node/errors", content)
        } else {
            0
        };
        for (index, (node, reason)) in (0..).zip(ERRORS) {
            let content =
                if newest { Content::Symlink { target, column: index } } else { Content::Error(index) };
            self.add(format!("/err/{node}/{reason}"), content);
        }
    }
}
