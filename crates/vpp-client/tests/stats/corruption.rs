//! Segments that are wrong, and segments that change.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use proptest::prelude::*;
use vpp_client::stats::{Pattern, Stats, StatsConfig, StatsError, Value};
use vpp_sim::stats::{Answer, Content, Corruption, StatsServer};

use super::{Alone, Served, config, from};

/// One release of each layout.
const LAYOUTS: [&str; 5] = ["18.10", "19.08", "22.02", "22.06", "26.06"];

/// No read takes longer, whatever it reads; far more than it takes.
const BOUND: Duration = Duration::from_secs(20);

fn impatient(server: &StatsServer) -> StatsConfig {
    StatsConfig { read_within: Duration::from_millis(100), ..config(server.path()) }
}

/// Everything that can be read; results do not matter.
fn read_all(stats: &mut Stats) {
    let start = Instant::now();
    let _ = stats.dump(&Pattern::All);
    let _ = stats.list(&Pattern::All);
    let _ = stats.interface_counters();
    let _ = stats.error_counters();
    let _ = stats.node_counters();
    let _ = stats.system();
    let _ = stats.buffer_pools();
    let _ = stats.memory();
    let _ = stats.silent_for();
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
}

#[test]
fn a_change_that_never_ends_is_an_error_in_time() {
    for name in LAYOUTS {
        let vpp = Alone::new(name);
        let server = &vpp.server;
        let mut stats = Stats::connect(impatient(server)).unwrap();
        server.segment().corrupt(Corruption::Hangs(true)).unwrap();
        let start = Instant::now();
        let error = stats.system().unwrap_err();
        assert!(matches!(error, StatsError::InProgress { .. }) && error.wants_reconnect(), "{name}: {error}");
        assert!(start.elapsed() < Duration::from_secs(5));
        server.segment().corrupt(Corruption::Hangs(false)).unwrap();
        stats.system().unwrap();
    }
}

#[test]
fn an_epoch_that_moves_all_the_time_is_an_error_in_time() {
    for name in LAYOUTS {
        let vpp = Alone::new(name);
        // Some work, so that a read takes longer than a turn of the writer.
        for n in 0..500 {
            vpp.segment().add_entry(&format!("/some/{n}"), Content::Scalar(n)).unwrap();
        }
        let mut stats = Stats::connect(impatient(&vpp.server)).unwrap();
        vpp.segment().corrupt(Corruption::EpochMoves(true)).unwrap();
        // So that the server sees it.
        drop(Stats::connect(impatient(&vpp.server)).unwrap());
        // The writer may be off its processor for a read or two.
        let start = Instant::now();
        let error = loop {
            let before = Instant::now();
            let read = stats.dump(&Pattern::All);
            assert!(before.elapsed() < Duration::from_secs(5), "{name}");
            match read {
                Err(error) => break error,
                Ok(_) => assert!(start.elapsed() < BOUND, "{name}"),
            }
        };
        assert!(matches!(error, StatsError::Torn { .. }) && !error.wants_reconnect(), "{name}: {error}");
        vpp.segment().corrupt(Corruption::EpochMoves(false)).unwrap();
        assert!(stats.dump(&Pattern::All).unwrap().len() > 500, "{name}");
    }
}

#[test]
fn wild_places_and_lengths_are_told_and_leave_the_rest_readable() {
    for name in LAYOUTS {
        let vpp = Served::new(name);
        let mut stats = vpp.connect();
        for to in [1, 7, 4095, 1 << 22, u64::from(u32::MAX), 1 << 62, u64::MAX, u64::MAX - 7] {
            // As good as new.
            vpp.segment().move_all().unwrap();
            let name_of = "/if/rx".to_string();
            vpp.segment().corrupt(Corruption::Pointer { name: name_of, thread: 1, to }).unwrap();
            let dump = stats.dump(&Pattern::All).unwrap();
            assert!(dump.iter().any(|(e, v)| e.name == "/if/drops" && matches!(v, Value::Simple(_))));
            // Offsets that a null pointer of VPP has are no places.
            let null = !from(name, 20, 9) && to >= 1 << 63;
            let unread = dump.iter().filter(|(_, v)| matches!(v, Value::Unreadable(_))).count();
            let links = dump.iter().filter(|(e, _)| e.name.ends_with("/rx")).count();
            // An odd place inside the segment may hold anything.
            if to >= 1 << 22 || from(name, 20, 9) {
                assert_eq!(unread, if null { 0 } else { links }, "{name} {to:#x}");
                assert_eq!(stats.interface_counters().is_ok(), null, "{name} {to:#x}");
            }
        }
        for len in [1 << 16, 1 << 24, u32::MAX] {
            // As good as new.
            vpp.segment().move_all().unwrap();
            let entry = || "/if/drops".to_string();
            vpp.segment().corrupt(Corruption::VectorLength { name: entry(), thread: 0, len }).unwrap();
            let error = stats.get("/if/drops");
            // The shortest of them is inside: numbers, but no counters.
            if len > 1 << 20 {
                assert!(matches!(error, Err(StatsError::Malformed { .. })), "{name} {len}: {error:?}");
            }
            vpp.segment().corrupt(Corruption::DirectoryLength(len)).unwrap();
            if len > 1 << 20 {
                assert!(
                    matches!(stats.list(&Pattern::All), Err(StatsError::Malformed { .. })),
                    "{name} {len}"
                );
            }
            read_all(&mut stats);
        }
        for at in [0, 4, 1 << 22, u64::MAX, 1 << 63] {
            vpp.segment().corrupt(Corruption::Directory(at)).unwrap();
            let error = stats.system().unwrap_err();
            assert!(matches!(error, StatsError::Malformed { .. }), "{name} {at:#x}: {error}");
        }
        vpp.segment().move_all().unwrap();
        assert_eq!(stats.interface_counters().unwrap().len(), 1, "{name}");
    }
}

/// 20.09 and 21.01 write rates where addresses of vectors are.
#[test]
fn a_rate_in_the_place_of_an_address_does_not_hide_the_rest_of_the_system() {
    for name in ["20.09", "21.01"] {
        let vpp = Alone::new(name);
        let entry = "/sys/vector_rate_per_worker".to_string();
        vpp.segment().corrupt(Corruption::Pointer { name: entry, thread: 0, to: 17 }).unwrap();
        let mut stats = vpp.connect();
        let system = stats.system().unwrap();
        assert_eq!(system.num_worker_threads, Some(2), "{name}");
        assert!(system.vector_rate_per_thread.is_empty(), "{name}");
        let value = stats.dump(&Pattern::from("/sys/vector_rate_per_worker")).unwrap().remove(0).1;
        assert!(matches!(value, Value::Unreadable(_)), "{name}");
    }
}

#[test]
fn a_name_need_not_end() {
    for name in LAYOUTS {
        let vpp = Alone::new(name);
        vpp.segment().add_entry(&"x".repeat(127), Content::Scalar(3)).unwrap();
        let mut stats = vpp.connect();
        let entry = stats.list(&Pattern::from("xxx")).unwrap().remove(0);
        // Overwrites the NUL of the last byte.
        let bytes = vpp.segment().bytes().unwrap();
        let at = bytes.windows(127).position(|w| w == "x".repeat(127).as_bytes()).unwrap();
        vpp.segment().corrupt(Corruption::Bytes(at as u64 + 127, vec![b'x'])).unwrap();
        let again = stats.list(&Pattern::from("xxx")).unwrap().remove(0);
        // The directory is kept while the epoch stays; a read compares.
        assert_eq!(again.name.len(), entry.name.len());
        assert_eq!(stats.get(&entry.name).unwrap_or(None), None, "{name}");
        vpp.segment().corrupt(Corruption::Bytes(at as u64 + 127, vec![b'x'])).unwrap();
        assert_eq!(stats.get(&"x".repeat(128)).unwrap(), Some(Value::Scalar(3)), "{name}");
    }
}

#[test]
fn readers_see_whole_interfaces_while_interfaces_come_and_go() {
    for name in LAYOUTS {
        let mut vpp = Served::new(name);
        let segment = vpp.segment().clone();
        let path = vpp.server.path().to_path_buf();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut stats = Stats::connect(config(&path)).unwrap();
                let (mut reads, mut torn) = (0_u32, 0_u32);
                while !done.load(Ordering::Relaxed) || reads == 0 {
                    match stats.interface_counters() {
                        Ok(interfaces) => {
                            reads += 1;
                            for interface in interfaces.iter().filter(|i| i.sw_if_index > 0) {
                                // Nonsense would be anything else.
                                let rx = interface.total().rx;
                                assert!(
                                    rx.packets == 0 || rx.packets == u64::from(interface.sw_if_index),
                                    "{name} {interface:?}"
                                );
                                assert!(
                                    interface.name.as_ref().is_none_or(|n| n.starts_with("loop")),
                                    "{name} {interface:?}"
                                );
                            }
                        }
                        Err(StatsError::Torn { .. }) => torn += 1,
                        Err(error) => panic!("{name}: {error}"),
                    }
                    match stats.dump(&Pattern::from("/if/")) {
                        Ok(dump) => {
                            assert!(dump.iter().all(|(_, v)| !matches!(v, Value::Unreadable(_))), "{name}");
                        }
                        Err(StatsError::Torn { .. }) => torn += 1,
                        Err(error) => panic!("{name}: {error}"),
                    }
                }
                (reads, torn, stats.retries())
            });
            for round in 0..40 {
                let index = vpp.loopback();
                segment.set_counter("/if/rx", 0, index, u64::from(index), 1).unwrap();
                if round % 3 == 2 {
                    vpp.delete(index);
                }
            }
            done.store(true, Ordering::Relaxed);
            let (reads, torn, retries) = reader.join().unwrap();
            println!("{name}: {reads} reads, {retries} retries, {torn} given up");
            assert!(reads > 0, "{name}");
        });
    }
}

/// A server that gives away files with given bytes.
fn given(server: &StatsServer, bytes: &[u8]) {
    use std::io::Write;
    let mut file = std::fs::File::from(memfd_create("test", MFdFlags::MFD_CLOEXEC).unwrap());
    file.write_all(bytes).unwrap();
    server.answer_with(Answer::File(OwnedFd::from(file)));
}

fn survives(bytes: &[u8]) {
    let vpp = Alone::new("26.06");
    given(&vpp.server, bytes);
    let config = StatsConfig { read_within: Duration::from_millis(20), ..config(vpp.server.path()) };
    if let Ok(mut stats) = Stats::connect(config) {
        read_all(&mut stats);
    }
}

/// Words that are likely to be something: flags, versions, small numbers, places, addresses, limits.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..10,
        0_u64..0x8000,
        (0_u64..0x8000).prop_map(|n| 0x7f12_3400_0000 + n),
        Just(u64::from(u32::MAX)),
        Just(1 << 63),
        Just(u64::MAX),
        any::<u64>(),
    ]
}

fn whole(release: &str) -> Vec<u8> {
    let mut vpp = Served::new(release);
    vpp.add("one/0");
    vpp.add("two/0");
    if release == "26.06" {
        vpp.segment().add_entry("/some/histogram", Content::Histogram(vec![vec![4, 1, 2, 3]])).unwrap();
        vpp.segment().add_entry("/some/ring", Content::Ring(vec![9, 0])).unwrap();
    }
    let mut bytes = vpp.segment().bytes().unwrap();
    // The rest is zeros.
    let used = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    bytes.truncate(used);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
        survives(&bytes);
    }

    #[test]
    fn random_words_behind_a_header_never_do_harm(
        layout in 0_usize..4,
        words in prop::collection::vec(word(), 600..4096),
        directory in 48_u64..4000,
    ) {
        let base = 0x7f12_3400_0000;
        let header: &[u64] = match layout {
            0 => &[9, 0, directory, 4096],
            1 => &[1, 9, 0, directory, 4096],
            2 => &[2, base, 9, 0, base + directory, base + 4096],
            _ => &[2, base, 9, 0, base + directory, 0],
        };
        let words = header.iter().copied().chain(words);
        let bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
        survives(&bytes);
    }

    #[test]
    fn random_changes_of_a_segment_never_do_harm(
        layout in 0..LAYOUTS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), word()), 1..60),
        length in prop_oneof![9 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)],
    ) {
        use std::sync::OnceLock;
        static WHOLE: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        let segments = WHOLE.get_or_init(|| LAYOUTS.iter().map(|name| whole(name)).collect());
        let mut bytes = segments[layout].clone();
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        // What is used, not the pages between.
        let words: Vec<usize> = (0..bytes.len() / 8).filter(|n| bytes[n * 8..][..8] != [0; 8]).collect();
        if !words.is_empty() {
            for (at, value) in changes {
                let at = words[at.index(words.len())] * 8;
                bytes[at..][..8].copy_from_slice(&value.to_ne_bytes());
            }
        }
        survives(&bytes);
    }
}
