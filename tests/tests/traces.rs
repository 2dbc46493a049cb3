//! Frames that real VPPs sent and received, read and written by the code generated for their release.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use binapi_index::{Component, MESSAGES, Message, RELEASES};
use common::{compiled, messages_of, position, recording, revision};
use vpp_client::{Lookup, MessageTable};

/// Handshake messages without a CRC in the recording: they are sent before there is a message table.
const HANDSHAKE: [&str; 4] =
    ["sockclnt_create", "sockclnt_create_reply", "sockclnt_delete", "sockclnt_delete_reply"];

#[test]
fn every_recorded_frame_survives_decoding_and_encoding() {
    let compiled = compiled();
    for release in recording::RELEASES {
        let messages: HashMap<&str, &Message> = messages_of(release).map(|m| (m.name, m)).collect();
        let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
        let mut checked = 0;
        let mut names = BTreeSet::new();
        let frames = recording::load(release);
        for frame in &frames {
            let at = format!("{release}, frame {} {}", frame.n, frame.name);
            let message =
                messages.get(frame.name.as_str()).unwrap_or_else(|| panic!("{at}: not in the index"));
            match frame.crc {
                Some(crc) => assert_eq!(message.crc, crc, "{at}"),
                None => assert!(HANDSHAKE.contains(&frame.name.as_str()), "{at} has no CRC"),
            }
            let Some(entry) = compiled.get(&revision(message)) else {
                *skipped.entry(frame.name.clone()).or_default() += 1;
                continue;
            };
            let back = (entry.transcode)(&frame.payload).unwrap_or_else(|e| panic!("{at}: {e}"));
            assert_eq!(back, frame.payload, "{at}");
            checked += 1;
            names.insert(frame.name.as_str());
        }
        assert_eq!(checked + skipped.values().sum::<usize>(), frames.len(), "{release}");
        for name in HANDSHAKE {
            assert!(names.contains(name), "{release}: {name} was not checked");
        }
        if cfg!(feature = "all") {
            assert!(skipped.is_empty(), "{release}: skipped {skipped:?}");
        }
        // The default modules are those that an agent uses, and those are what was recorded.
        assert!(checked > 120, "{release}: {checked}");
        println!("{release}: {checked} frames of {} messages, skipped {skipped:?}", names.len());
    }
}

#[test]
fn the_message_tables_of_real_vpps_are_those_of_the_index() {
    for release in recording::RELEASES {
        let frames = recording::load(release);
        let reply = frames.iter().find(|f| f.name == "sockclnt_create_reply").expect("a reply");
        let (ids, odd) = table(&reply.payload);
        // Some plugins of 18.10 leave the line between name and CRC out; nobody knows their messages by such a name.
        let plugins = ["\"mactime_", "\"nsim_", "\"cdp_"];
        for what in &odd {
            assert!(release == "18.10" && plugins.iter().any(|p| what.contains(p)), "{release}: {what}");
        }
        let mut present = 0;
        let mut absent = BTreeSet::new();
        for module in RELEASES[position(release)].modules {
            let before = present;
            let mut missing = Vec::new();
            for place in module.messages {
                let message = &MESSAGES[usize::from(*place)];
                match ids.lookup(message.name, message.crc) {
                    Lookup::Present(_) => present += 1,
                    Lookup::Changed(found) => {
                        panic!("{release}: {} has {found:08x}, the index {:08x}", message.name, message.crc)
                    }
                    Lookup::Absent => missing.push(message.name),
                }
            }
            if !missing.is_empty() {
                // A plugin that is not loaded, and so not there at all.
                assert_eq!(module.component, Component::Plugin, "{release}: {missing:?} of {}", module.name);
                let odd = odd.iter().any(|what| what.contains(module.name));
                assert!(odd || present == before, "{release}: {missing:?} of {}", module.name);
                absent.insert(module.name);
            }
        }
        println!("{release}: {present} of {} messages; plugins that are not there: {absent:?}", ids.len());
        assert_eq!(present, ids.len(), "{release}: messages that the index does not know");
    }
}

fn table(reply: &[u8]) -> (MessageTable, Vec<String>) {
    let entries = reply[20..].chunks_exact(66).map(|entry| {
        let end = entry[2..].iter().position(|b| *b == 0).unwrap_or(64);
        let name = String::from_utf8(entry[2..2 + end].to_vec()).expect("a name");
        (u16::from_be_bytes([entry[0], entry[1]]), name)
    });
    MessageTable::from_entries(entries)
}
