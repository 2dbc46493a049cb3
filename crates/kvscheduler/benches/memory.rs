//! What a configured value takes, with history off: the resident set of the process, before and after.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;
use std::fs;
use std::time::Instant;

use common::*;

const N: usize = 1_000_000;

/// A line of `/proc/self/status`, in kilobytes.
fn kilobytes(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    // `cargo test --benches` runs this, too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = runtime();
    for step in [10_000, N] {
        let before = kilobytes("VmRSS");
        let start = Instant::now();
        let mut s = scheduler(None);
        for from in (0..N).step_by(step) {
            runtime.block_on(s.commit(independent(from..from + step))).unwrap();
        }
        let (after, peak) = (kilobytes("VmRSS"), kilobytes("VmHWM"));
        println!(
            "{N} values by {step}: {} bytes a value, {} MB in all, peak {} MB, {:?}",
            (after - before) * 1024 / N,
            after / 1024,
            peak / 1024,
            start.elapsed()
        );
        assert_eq!(s.len(), N);
    }
}
