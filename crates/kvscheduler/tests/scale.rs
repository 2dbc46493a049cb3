//! Long chains, many values, and that a change costs what changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use std::time::Duration;

use common::*;
use kvscheduler::*;
use nix::time::{ClockId, clock_gettime};

/// The time that this thread has run: other programs on the machine do not count.
struct Cpu(Duration);

impl Cpu {
    fn used() -> Duration {
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
    }
    fn now() -> Self {
        Self(Self::used())
    }
    fn elapsed(&self) -> Duration {
        Self::used() - self.0
    }
}

fn scheduler(southbound: &Southbound) -> Scheduler {
    Scheduler::builder()
        .register_private(Toy { check: false, ..toy("a", "a/", southbound) })
        .register_private(Toy { check: false, in_place: false, ..toy("r", "r/", southbound) })
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_chain_of_ten_thousand() {
    const N: usize = 10_000;
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let start = Cpu::now();
    let link = |i: usize| item("").needs(if i == 0 { "r/0".into() } else { format!("a/{:05}", i - 1) });
    // Worst order: everything waits for the last one.
    let txn = (0..N).fold(Transaction::change(), |txn, i| txn.set(format!("a/{i:05}"), link(i)));
    assert_eq!(run_well(&mut s, txn).await.len(), N);
    assert_eq!(run_well(&mut s, Transaction::change().set("r/0", item("1"))).await.len(), N + 1);
    assert_eq!(run_well(&mut s, Transaction::change().set("r/0", item("2"))).await.len(), 2 * N + 2);
    assert_eq!(run_well(&mut s, Transaction::resync(Resync::Downstream)).await.len(), 0);
    assert_eq!(run_well(&mut s, Transaction::change().delete("r/0")).await.len(), N + 1);
    assert!(sb.keys().is_empty());
    println!("chain: {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn independent_values_run_together_up_to_the_width() {
    const N: usize = 10_000;
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let txn = (0..N).fold(Transaction::change(), |txn, i| txn.set(format!("a/{i:05}"), item("")));
    let start = Cpu::now();
    s.commit(txn).await.unwrap();
    println!("{N} values: {:?}", start.elapsed());
    assert_eq!(sb.lock().most_running, 512);
    assert_eq!(sb.keys().len(), N);
}

#[tokio::test]
async fn a_change_costs_what_changes() {
    let mut times = Vec::new();
    for n in [100, 50_000] {
        let sb = Southbound::default();
        let mut s = scheduler(&sb);
        let hub = Transaction::change().set("r/hub", item(""));
        let txn =
            (0..n).fold(hub, |txn, i| txn.set(format!("a/{i:06}"), item("").needs("r/hub").any_of("r/")));
        s.commit(txn).await.unwrap();
        let start = Cpu::now();
        for i in 0..500 {
            let txn = Transaction::change().set("a/000007", item(&i.to_string()).needs("r/hub").any_of("r/"));
            assert_eq!(s.commit(txn).await.unwrap().executed.len(), 1);
        }
        times.push(start.elapsed());
    }
    println!("500 changes among 100 and among 50000: {times:?}");
    assert!(times[1] < times[0] * 10, "{times:?}");
}

#[tokio::test]
async fn many_that_need_any_of_many() {
    const N: usize = 3_000;
    let sb = Southbound::default();
    let mut s = scheduler(&sb);
    let start = Cpu::now();
    let mut up = Transaction::change();
    let mut down = Transaction::change();
    for i in 0..N {
        up = up.set(format!("a/{i:05}"), item("").any_of("r/")).set(format!("r/{i:05}"), item(""));
        down = down.delete(format!("r/{i:05}"));
    }
    assert_eq!(run_well(&mut s, up).await.len(), 2 * N);
    assert_eq!(run_well(&mut s, down).await.len(), 2 * N);
    println!("{N} that need any of {N}: {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 10);
    sb.assert_sound();
}
