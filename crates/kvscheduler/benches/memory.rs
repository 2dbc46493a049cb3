//! What a configured value takes, with history off: the resident set of the process, before and after.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod common;
use std::fs;
use std::process::Command;

use common::*;

const N: usize = 1_000_000;

/// A line of `/proc/self/status`, in kilobytes.
fn kilobytes(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(step) = arguments.iter().find_map(|argument| argument.strip_prefix("step=")) {
        return measure(step.parse().unwrap());
    }
    // `cargo test --benches` runs this, too.
    if arguments.iter().any(|argument| argument == "--bench") {
        for step in [10_000, N] {
            let itself = std::env::current_exe().unwrap();
            let child = Command::new(itself).arg(format!("step={step}")).status().unwrap();
            assert!(child.success());
        }
    }
}

fn measure(step: usize) {
    let runtime = runtime();
    let before = kilobytes("VmRSS");
    let start = Cpu::used();
    let mut s = scheduler(None);
    for from in (0..N).step_by(step) {
        runtime.block_on(s.commit(independent(from..from + step))).unwrap();
    }
    println!(
        "{N} values by {step}: {} bytes a value, {} MB in all, peak {} MB, {:?} of processor time",
        (kilobytes("VmRSS") - before) * 1024 / N,
        kilobytes("VmRSS") / 1024,
        kilobytes("VmHWM") / 1024,
        Cpu::used() - start
    );
    assert_eq!(s.len(), N);
}
