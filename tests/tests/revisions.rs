//! Every revision that is compiled against the definitions, with values that a codec of its own makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{LazyLock, Mutex};

use binapi_index::{MESSAGES, Message, RELEASES};
use binapi_messages::table::Entry;
use common::{Revision, compiled, each_release, messages_of, numbers, position, revision, schema, seed};
use proptest::prelude::{ProptestConfig, any, proptest};
use vpp_schema::Schema;

/// Samples of each message of each release.
const SAMPLES: u64 = 3;

/// An id, then what the definitions make of a sample.
fn sample(schema: &Schema, name: &str, seed: u64) -> Vec<u8> {
    let mut next = numbers(seed);
    let mut bytes = (next() as u16).to_be_bytes().to_vec();
    let fields = schema.sample(name, &mut next).expect("a sample");
    bytes.extend(schema.encode(name, &fields).expect("it encodes"));
    bytes
}

#[test]
fn every_compiled_revision_of_every_release_survives_decoding_and_encoding() {
    let compiled = compiled();
    let seen: Mutex<HashSet<Revision>> = Mutex::default();
    let checked: Mutex<BTreeMap<&str, usize>> = Mutex::default();
    each_release(|release| {
        let schema = schema(release);
        let bit = 1_u64 << position(release);
        let mut count = 0;
        let mut variable = 0;
        for message in messages_of(release) {
            let revision = revision(message);
            let Some(entry) = compiled.get(&revision) else { continue };
            let defined = schema.message(message.name).expect("the index has what the definitions have");
            assert_eq!(defined.crc(), message.crc, "{release} {}", message.name);
            let mut lengths = BTreeSet::new();
            for n in 0..SAMPLES {
                let bytes = sample(&schema, message.name, seed(message.name) ^ n);
                let back = (entry.transcode)(&bytes)
                    .unwrap_or_else(|e| panic!("{release} {revision:?} does not decode sample {n}: {e}"));
                assert_eq!(back, bytes, "{release} {revision:?}, sample {n}");
                lengths.insert(bytes.len());
            }
            variable += usize::from(lengths.len() > 1);
            seen.lock().unwrap().insert(revision);
            count += 1;
        }
        // Nothing is left out: what the index says this release has, among what is compiled.
        let expected = MESSAGES
            .iter()
            .filter(|m| m.releases & bit != 0 && compiled.contains_key(&common::revision(m)))
            .count();
        assert_eq!(count, expected, "{release}");
        assert!(count > 200 && variable > 20, "{release}: {count} messages, {variable} of variable length");
        checked.lock().unwrap().insert(release, count);
    });
    let (seen, checked) = (seen.into_inner().unwrap(), checked.into_inner().unwrap());
    assert_eq!(seen.len(), compiled.len(), "every compiled revision was in some release");
    assert_eq!(checked.len(), RELEASES.len());
    println!(
        "{} revisions in {} messages of {} releases, {SAMPLES} samples each: {checked:?}",
        seen.len(),
        checked.values().sum::<usize>(),
        checked.len()
    );
}

#[test]
fn a_module_is_compiled_as_a_whole() {
    let compiled = compiled();
    let mut modules: BTreeMap<&str, (usize, Vec<Revision>)> = BTreeMap::new();
    for message in MESSAGES {
        let module = modules.entry(message.module).or_default();
        match compiled.contains_key(&revision(message)) {
            true => module.0 += 1,
            false => module.1.push(revision(message)),
        }
    }
    for (module, (there, missing)) in &modules {
        assert!(*there == 0 || missing.is_empty(), "{module} has {there} revisions, but not {missing:?}");
        if cfg!(feature = "all") {
            assert!(missing.is_empty(), "{module} lacks {missing:?}");
        }
    }
    if cfg!(feature = "all") {
        assert_eq!(compiled.len(), MESSAGES.len());
    }
    println!("{} of {} revisions are compiled", compiled.len(), MESSAGES.len());
}

#[test]
fn a_name_and_crc_may_hide_several_layouts() {
    let mut by_crc: BTreeMap<(&str, u32), Vec<&Message>> = BTreeMap::new();
    for message in MESSAGES {
        by_crc.entry((message.name, message.crc)).or_default().push(message);
    }
    let mut several = 0;
    for revisions in by_crc.values() {
        let shapes: BTreeSet<u32> = revisions.iter().map(|m| m.shape).collect();
        several += usize::from(shapes.len() > 1);
        revisions.iter().fold(0, |all, m| {
            assert_eq!(all & m.releases, 0, "{} has two revisions in one release", m.name);
            all | m.releases
        });
    }
    println!("{several} of {} pairs of name and CRC have several layouts", by_crc.len());
    assert!(several >= 111, "{several}");
}

/// Each revision once, with a sample of the first release that has it.
fn first_samples() -> Vec<(Revision, Entry, Vec<u8>)> {
    let mut compiled = compiled();
    let mut samples = Vec::new();
    for release in RELEASES {
        let schema = schema(release.name);
        for message in messages_of(release.name) {
            let revision = revision(message);
            if revision.2 == release.name
                && let Some(entry) = compiled.remove(&revision)
            {
                samples.push((revision, entry, sample(&schema, message.name, seed(message.name))));
            }
        }
    }
    assert!(compiled.is_empty(), "{} revisions have no release", compiled.len());
    samples
}

static SAMPLED: LazyLock<Vec<(Revision, Entry, Vec<u8>)>> = LazyLock::new(first_samples);

#[test]
fn a_truncated_message_of_any_revision_is_an_error() {
    let mut cuts = 0;
    for (revision, entry, bytes) in SAMPLED.iter() {
        let mut next = numbers(seed(revision.0));
        let chosen: BTreeSet<usize> = if bytes.len() <= 48 {
            (0..bytes.len()).collect()
        } else {
            let inner = std::iter::repeat_with(|| next() as usize % bytes.len()).take(24);
            inner.chain([0, 1, 2, 6, 10, bytes.len() - 1]).collect()
        };
        for length in chosen {
            match (entry.transcode)(&bytes[..length]) {
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.starts_with(revision.0), "{revision:?}: {text}");
                    assert!(error.offset <= length, "{revision:?}, {length} bytes: {text}");
                }
                Ok(_) => panic!("{revision:?} takes {length} of its {} bytes", bytes.len()),
            }
            cuts += 1;
        }
    }
    println!("{cuts} cuts of {} revisions", SAMPLED.len());
}

#[test]
fn bytes_behind_the_last_field_are_left_alone() {
    for (revision, entry, bytes) in SAMPLED.iter() {
        let longer = [bytes.as_slice(), &[0xa5; 7]].concat();
        let back = (entry.transcode)(&longer).unwrap_or_else(|e| panic!("{revision:?}: {e}"));
        assert_eq!(back, *bytes, "{revision:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn random_bytes_are_a_message_or_an_error(which in any::<u32>(), bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let (revision, entry, _) = &SAMPLED[which as usize % SAMPLED.len()];
        if let Ok(back) = (entry.transcode)(&bytes) {
            // What was understood is written again, and understood as the same.
            let again = (entry.transcode)(&back);
            assert_eq!(again.as_ref(), Ok(&back), "{revision:?}");
        }
    }

    #[test]
    fn a_message_with_one_wrong_byte_is_a_message_or_an_error(which in any::<u32>(), place in any::<u32>(), byte in any::<u8>()) {
        let (revision, entry, bytes) = &SAMPLED[which as usize % SAMPLED.len()];
        let mut bytes = bytes.clone();
        let place = place as usize % bytes.len();
        bytes[place] = byte;
        if let Ok(back) = (entry.transcode)(&bytes) {
            let again = (entry.transcode)(&back);
            assert_eq!(again.as_ref(), Ok(&back), "{revision:?}");
        }
    }
}
