//! What a transaction costs.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;
use std::hint::black_box;
use std::time::{Duration, Instant};

use common::*;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kvscheduler::Transaction;

fn many(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("one transaction");
    group.sample_size(20);
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10000 independent values", |b| {
        b.iter_batched(
            || (scheduler(None), independent(0..10_000)),
            |(mut s, txn)| {
                runtime.block_on(s.commit(txn)).unwrap();
                s
            },
            BatchSize::PerIteration,
        );
    });
    for n in [1_000, 10_000] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(format!("chain of {n}"), |b| {
            b.iter_batched(
                || (scheduler(None), chain(n)),
                |(mut s, txn)| {
                    runtime.block_on(s.commit(txn)).unwrap();
                    s
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("1000 values, southbound of 1 ms", |b| {
        b.iter_batched(
            || (scheduler(Some(Duration::from_millis(1))), independent(0..1_000)),
            |(mut s, txn)| {
                runtime.block_on(s.commit(txn)).unwrap();
                s
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn one_among(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("one value among");
    for n in [10, 10_000, 1_000_000] {
        let mut s = scheduler(None);
        for from in (0..n).step_by(10_000) {
            runtime.block_on(s.commit(independent(from..n.min(from + 10_000)))).unwrap();
        }
        let mut version = 0;
        group.bench_function(n.to_string(), |b| {
            b.iter(|| {
                version += 1;
                let txn = Transaction::change().set(key(n / 2), item(version));
                black_box(runtime.block_on(s.commit(txn)).unwrap())
            });
        });
        // Anywhere, so that nothing of it is in the caches of the processor.
        let mut at = 0;
        let mut times: Vec<Duration> = (0..20_000)
            .map(|_| {
                version += 1;
                at = (at + 7_654_321) % n;
                let txn = Transaction::change().set(key(at), item(version));
                let start = Instant::now();
                runtime.block_on(s.commit(txn)).unwrap();
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!(
            "one value anywhere among {n}: p50 {:?}, p99 {:?}",
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
    }
    group.finish();
}

criterion_group!(benches, many, one_among);
criterion_main!(benches);
