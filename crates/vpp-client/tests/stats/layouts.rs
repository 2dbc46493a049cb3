//! Every release: what is counted is read.

use vpp_client::stats::{Combined, Kind, Layout, NodeValues, Pattern, Value};
use vpp_sim::stats::Content;

use super::{Alone, Served, from, releases};

fn expected(name: &str) -> Layout {
    match () {
        () if from(name, 22, 6) => Layout::V2b,
        () if from(name, 20, 9) => Layout::V2a,
        () if from(name, 19, 8) => Layout::V1,
        () => Layout::V0,
    }
}

/// What a reader should make of what the writer has.
fn read(content: &Content, all: &[(String, Content)], errors: &[u64]) -> Value {
    let pairs = |threads: &Vec<Vec<(u64, u64)>>| -> Vec<Vec<Combined>> {
        let pair = |&(packets, bytes): &(u64, u64)| Combined { packets, bytes };
        let threads: Vec<Vec<_>> = threads.iter().map(|t| t.iter().map(pair).collect()).collect();
        if threads.iter().all(Vec::is_empty) { Vec::new() } else { threads }
    };
    match content {
        Content::Scalar(value) | Content::Gauge(value) => Value::Scalar(*value),
        Content::Simple(threads) if threads.iter().all(Vec::is_empty) => Value::Simple(Vec::new()),
        Content::Simple(threads) => Value::Simple(threads.clone()),
        Content::Combined(threads) => Value::Combined(pairs(threads)),
        Content::Names(names) => Value::Names(names.clone()),
        Content::Error(_) => Value::Counter(errors.to_vec()),
        Content::Symlink { target, column } => {
            let column = *column as usize;
            match &all[*target as usize].1 {
                Content::Simple(threads) => Value::Counter(threads.iter().map(|t| t[column]).collect()),
                Content::Combined(threads) => {
                    Value::CombinedCounter(pairs(threads).iter().map(|t| t[column]).collect())
                }
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_entry_of_every_release_is_read_as_it_was_written() {
    for name in releases() {
        let mut vpp = Served::new(name);
        vpp.add("GigabitEthernet0/8/0");
        vpp.segment().set_counter("/if/rx", 1, 1, 10, 1500).unwrap();
        vpp.segment().set_simple("/if/drops", 2, 1, 7).unwrap();
        vpp.segment().set_simple("/sys/node/calls", 0, 2, 99).unwrap();
        vpp.segment().set_scalar("/sys/vector_rate", u64::MAX).unwrap();
        let mut stats = vpp.connect();
        assert_eq!(stats.layout(), expected(name), "{name}");
        let errors = vec![0; if from(name, 19, 8) { 3 } else { 1 }];
        let all = vpp.segment().entries();
        let dump = stats.dump(&Pattern::All).unwrap();
        assert_eq!(dump.len(), all.len(), "{name}");
        for ((entry, value), (written, content)) in dump.iter().zip(&all) {
            assert_eq!(entry.name, *written, "{name}");
            // The server updates these.
            if !["/sys/heartbeat", "/sys/last_update"].contains(&written.as_str()) {
                assert_eq!(*value, read(content, &all, &errors), "{name} {written}");
            }
        }
        let listed = stats.list(&Pattern::from("/if/")).unwrap();
        assert!(listed.len() >= 16 && listed.iter().all(|e| e.name.starts_with("/if/")), "{name}");
        assert_eq!(stats.get("/no/such").unwrap(), None, "{name}");
    }
}

#[test]
fn interface_counters_are_summed_over_threads_in_every_release() {
    for name in releases() {
        let mut vpp = Served::new(name);
        let index = vpp.add("GigabitEthernet0/8/0");
        let count = |counter: &str, thread, n| {
            let mistaken = !from(name, 19, 8) && counter == "tx-unicast";
            let entry = format!("/if/{counter}{}", if mistaken { "-miss" } else { "" });
            vpp.segment().set_counter(&entry, thread, index, n, n * 100).unwrap();
        };
        let combined = [
            "rx",
            "rx-unicast",
            "rx-multicast",
            "rx-broadcast",
            "tx",
            "tx-unicast",
            "tx-multicast",
            "tx-broadcast",
        ];
        for (n, counter) in (1..).zip(combined) {
            count(counter, 0, n);
            count(counter, 2, n * 1000);
        }
        let simple = ["drops", "punt", "ip4", "ip6", "rx-no-buf", "rx-miss", "rx-error", "tx-error", "mpls"];
        for (n, counter) in (20..).zip(simple) {
            if counter != "mpls" || from(name, 19, 4) {
                vpp.segment().set_simple(&format!("/if/{counter}"), 1, index, n).unwrap();
                vpp.segment().set_simple(&format!("/if/{counter}"), 2, index, 1).unwrap();
            }
        }
        let interfaces = vpp.connect().interface_counters().unwrap();
        assert_eq!(interfaces.len(), 2, "{name}: {interfaces:?}");
        let interface = &interfaces[1];
        assert_eq!(interface.sw_if_index, index);
        let named = from(name, 19, 4).then(|| "GigabitEthernet0/8/0".to_string());
        assert_eq!(interface.name, named, "{name}");
        assert_eq!(interface.threads.len(), 3, "{name}");
        assert_eq!(interface.threads[2].tx, Combined { packets: 5000, bytes: 500_000 }, "{name}");
        let total = interface.total();
        let sums = [
            total.rx,
            total.rx_unicast,
            total.rx_multicast,
            total.rx_broadcast,
            total.tx,
            total.tx_unicast,
            total.tx_multicast,
            total.tx_broadcast,
        ];
        for (n, sum) in (1..).zip(sums) {
            assert_eq!(sum, Combined { packets: 1001 * n, bytes: 100_100 * n }, "{name}");
        }
        let mpls = if from(name, 19, 4) { 29 } else { 0 };
        let sums = [
            total.drops,
            total.punt,
            total.ip4,
            total.ip6,
            total.rx_no_buf,
            total.rx_miss,
            total.rx_error,
            total.tx_error,
            total.mpls,
        ];
        assert_eq!(sums, [21, 22, 23, 24, 25, 26, 27, 28, mpls], "{name}");
    }
}

#[test]
fn a_deleted_interface_is_not_told_and_its_index_starts_over() {
    for name in releases() {
        let mut vpp = Served::new(name);
        let (first, second) = (vpp.loopback(), vpp.loopback());
        vpp.segment().set_counter("/if/rx", 0, first, 5, 50).unwrap();
        let mut stats = vpp.connect();
        let indices = |stats: &mut vpp_client::stats::Stats| -> Vec<u32> {
            stats.interface_counters().unwrap().iter().map(|i| i.sw_if_index).collect()
        };
        assert_eq!(indices(&mut stats), [0, first, second], "{name}");
        vpp.delete(first);
        // Before 19.04 nothing tells that it is gone.
        let left: &[u32] = if from(name, 19, 4) { &[0, second] } else { &[0, first, second] };
        assert_eq!(indices(&mut stats), left, "{name}");
        let empty = stats.empty_slots().unwrap();
        assert_eq!(empty, if from(name, 22, 6) { 17 } else { 0 }, "{name}");
        // What follows an empty slot is still there.
        if from(name, 22, 6) {
            assert!(stats.get("/interfaces/loop1/tx-broadcast").unwrap().is_some(), "{name}");
            assert_eq!(stats.get("/interfaces/loop0/rx").unwrap(), None, "{name}");
        }
        let again = vpp.add("new0");
        assert_eq!(again, first);
        let interfaces = stats.interface_counters().unwrap();
        assert_eq!(interfaces[1].total().rx, Combined::default(), "{name}");
        assert_eq!(interfaces[1].name.as_deref(), from(name, 19, 4).then_some("new0"), "{name}");
    }
}

#[test]
fn error_counters_are_told_by_node_and_reason() {
    for name in releases() {
        let vpp = Alone::new(name);
        vpp.segment().set_simple("/err/ip4-input/ip4 ttl <= 1", 0, 0, 3).unwrap();
        vpp.segment().set_simple("/err/ip4-input/ip4 ttl <= 1", 1, 0, 4).unwrap();
        let errors = vpp.connect().error_counters().unwrap();
        assert_eq!(errors.len(), 6, "{name}");
        let error = errors.iter().find(|e| e.node == "ip4-input" && e.reason == "ip4 ttl <= 1").unwrap();
        // Up to 19.04 the segment has those of one thread.
        let threads: &[u64] = if from(name, 19, 8) { &[3, 4, 0] } else { &[3] };
        assert_eq!(error.threads, threads, "{name}");
        assert_eq!(errors.iter().map(vpp_client::stats::ErrorCounter::total).sum::<u64>(), error.total());
    }
}

#[test]
fn node_counters_are_told_by_node() {
    for name in releases() {
        let vpp = Alone::new(name);
        for (n, counter) in (1..).zip(["clocks", "vectors", "calls", "suspends"]) {
            vpp.segment().set_simple(&format!("/sys/node/{counter}"), 0, 2, n).unwrap();
            vpp.segment().set_simple(&format!("/sys/node/{counter}"), 1, 2, n * 10).unwrap();
        }
        let nodes = vpp.connect().node_counters().unwrap();
        // Without names the element too many of these releases cannot be told from a node.
        assert_eq!(nodes.len(), if from(name, 19, 4) { 6 } else { 7 }, "{name}");
        assert_eq!(nodes[2].name.as_deref(), from(name, 19, 4).then_some("ip4-input"), "{name}");
        let sum = NodeValues { clocks: 11, vectors: 22, calls: 33, suspends: 44 };
        assert_eq!(nodes[2].total(), sum, "{name}");
        assert_eq!(nodes[3].total(), NodeValues::default(), "{name}");
    }
}

#[test]
fn what_vpp_tells_of_itself_is_what_the_release_has() {
    for name in releases() {
        let vpp = Alone::new(name);
        vpp.segment().set_scalar("/sys/input_rate", 1234).unwrap();
        let mut stats = vpp.connect();
        let system = stats.system().unwrap();
        assert_eq!(system.input_rate, Some(1234), "{name}");
        assert!(system.heartbeat.is_some() && system.vector_rate.is_some() && system.last_update.is_some());
        assert_eq!(system.num_worker_threads, from(name, 19, 4).then_some(2), "{name}");
        assert_eq!(system.vector_rate_per_thread.len(), if from(name, 19, 4) { 3 } else { 0 }, "{name}");
        assert_eq!(system.loops_per_thread.len(), if from(name, 22, 10) { 3 } else { 0 }, "{name}");
        assert_eq!(system.boottime.is_some(), from(name, 23, 2), "{name}");
        let pools = stats.buffer_pools().unwrap();
        assert_eq!(pools.len(), usize::from(from(name, 19, 4)), "{name}");
        assert!(pools.iter().all(|p| p.name == "default-numa-0" && p.cached == 12 && p.available == 16_788));
        let heaps = stats.memory().unwrap();
        let names: Vec<&str> = heaps.iter().map(|h| h.name.as_str()).collect();
        let expected: &[&str] = match () {
            () if from(name, 22, 6) => &["main heap", "stat segment"],
            () if from(name, 21, 6) => &["stat segment"],
            () if from(name, 19, 8) => &["statseg"],
            () => &[],
        };
        assert_eq!(names, expected, "{name}");
        // Also in 22.06, whose symlinks have them the wrong way round.
        assert!(heaps.iter().all(|h| (h.total, h.used) == (33_550_336, 1_204_224)), "{name}: {heaps:?}");
        assert!(heaps.iter().all(|h| h.free.is_some() == from(name, 21, 6)), "{name}");
    }
}

#[test]
fn histograms_and_rings_are_read_where_there_are_any() {
    for name in releases().filter(|name| from(name, 26, 2)) {
        let vpp = Alone::new(name);
        vpp.segment()
            .add_entry("/some/histogram", Content::Histogram(vec![vec![4, 1, 2, 3], vec![]]))
            .unwrap();
        vpp.segment().add_entry("/some/ring", Content::Ring(vec![9, 0])).unwrap();
        let mut stats = vpp.connect();
        let Some(Value::Histogram(threads)) = stats.get("/some/histogram").unwrap() else { panic!("{name}") };
        assert_eq!((threads[0].smallest_exponent, threads[0].buckets.as_slice()), (4, [1, 2, 3].as_slice()));
        let Some(Value::Ring(ring)) = stats.get("/some/ring").unwrap() else { panic!("{name}") };
        assert_eq!((ring.record_bytes, ring.records), (16, 4));
        assert_eq!(ring.threads, [(1, 9), (0, 0)]);
    }
}

#[test]
fn entries_of_unknown_types_are_opaque_and_do_no_harm() {
    for name in releases() {
        let vpp = Alone::new(name);
        vpp.segment().add_entry("/new/thing", Content::Other(77, 0xdead_beef_dead_beef)).unwrap();
        vpp.segment().add_entry("/after/it", Content::Scalar(5)).unwrap();
        if from(name, 21, 6) {
            let target = u32::try_from(vpp.segment().entries().len() - 2).unwrap();
            vpp.segment().add_entry("/link/to/it", Content::Symlink { target, column: 9 }).unwrap();
            vpp.segment().add_entry("/link/out", Content::Symlink { target: 1 << 30, column: 9 }).unwrap();
        }
        let mut stats = vpp.connect();
        let dump = stats.dump(&Pattern::All).unwrap();
        let unknown: Vec<_> = dump.iter().filter(|(e, _)| matches!(e.kind, Kind::Unknown(77))).collect();
        assert_eq!(unknown.len(), 1, "{name}");
        assert_eq!(unknown[0].1, Value::Opaque(0xdead_beef_dead_beef), "{name}");
        assert_eq!(stats.get("/after/it").unwrap(), Some(Value::Scalar(5)), "{name}");
        for link in dump.iter().filter(|(e, _)| e.name.starts_with("/link/")) {
            assert!(matches!(link.1, Value::Opaque(_)), "{name} {link:?}");
        }
        assert_eq!(stats.interface_counters().unwrap(), [], "{name}");
    }
}

#[test]
fn a_column_that_no_vector_has_yet_counts_nothing() {
    let vpp = Alone::new("23.06");
    for thread in 0..3 {
        vpp.segment().set_counter("/if/rx", thread, 0, 1, 1).unwrap();
    }
    let entries = vpp.segment().entries();
    let target = u32::try_from(entries.iter().position(|(name, _)| name == "/if/rx").unwrap()).unwrap();
    vpp.segment().add_entry("/far", Content::Symlink { target, column: u32::MAX }).unwrap();
    let far = vpp.connect().get("/far").unwrap();
    assert_eq!(far, Some(Value::CombinedCounter(vec![Combined::default(); 3])));
}

#[test]
fn entries_that_come_and_go_are_seen_without_connecting_again() {
    for name in ["18.10", "20.05", "22.02", "26.06"] {
        let vpp = Alone::new(name);
        let mut stats = vpp.connect();
        assert_eq!(stats.get("/my/gauge").unwrap(), None);
        let epoch = stats.epoch();
        vpp.segment().add_entry("/my/gauge", Content::Scalar(1)).unwrap();
        assert!(stats.epoch() > epoch, "{name}");
        assert_eq!(stats.get("/my/gauge").unwrap(), Some(Value::Scalar(1)), "{name}");
        vpp.segment().set_scalar("/my/gauge", 2).unwrap();
        assert_eq!(stats.get("/my/gauge").unwrap(), Some(Value::Scalar(2)), "{name}");
        vpp.segment().remove_entry("/my/gauge").unwrap();
        assert_eq!(stats.get("/my/gauge").unwrap(), None, "{name}");
        assert!(!stats.list(&Pattern::from("/sys")).unwrap().is_empty(), "{name}");
    }
}
