//! What a transaction costs. All but the one with a slow southbound are measured in processor time of the one thread,
//! so that other programs on the machine do not count.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;
use std::hint::black_box;
use std::time::Duration;

use common::*;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kvscheduler::Transaction;

impl Measurement for Cpu {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::used()
    }
    fn end(&self, start: Duration) -> Duration {
        Self::used() - start
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn many(c: &mut Criterion<Cpu>) {
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
    group.finish();
}

fn one_among(c: &mut Criterion<Cpu>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("one value among");
    for n in [10, 10_000, 1_000_000] {
        let mut s = scheduler(None);
        for from in (0..n).step_by(10_000) {
            runtime.block_on(s.commit(independent(from..n.min(from + 10_000)))).unwrap();
        }
        let mut version = 0;
        let mut set = |s: &mut kvscheduler::Scheduler, at: usize| {
            version += 1;
            let txn = Transaction::change().set(key(at), item(version));
            black_box(runtime.block_on(s.commit(txn)).unwrap())
        };
        group.bench_function(format!("{n}, always the same"), |b| b.iter(|| set(&mut s, n / 2)));
        // So that nothing of it is in the caches of the processor.
        let mut at = 0;
        group.bench_function(format!("{n}, another each time"), |b| {
            b.iter(|| {
                at = (at + 7_654_321) % n;
                set(&mut s, at)
            });
        });
    }
    group.finish();
}

fn slow_southbound(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("southbound of 1 ms");
    group.sample_size(20);
    group.bench_function("1000 independent values", |b| {
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

criterion_group! {
    name = processor;
    config = Criterion::default().with_measurement(Cpu);
    targets = many, one_among
}
criterion_group!(clock, slow_southbound);
criterion_main!(processor, clock);
