//! The statistics segment as bytes, held against VPP's headers; readers have tests of their own.
#![allow(clippy::expect_used, clippy::panic)]

mod common;

use std::io::Read as _;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Client, release};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recvmsg, socket};
use nix::unistd::Pid;
use serde_json::json;
use vpp_sim::stats::{Content, Segment, SegmentError, StatsOptions};

fn releases() -> Vec<String> {
    let entries = std::fs::read_dir(common::root().join("api-json")).expect("definitions");
    let names = entries.map(|e| e.expect("an entry").file_name().into_string().expect("a name"));
    names.filter(|name| vpp_sim::Release::parse(name).is_some()).collect()
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..][..8].try_into().expect("eight bytes"))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..][..4].try_into().expect("four bytes"))
}

/// Offset of the epoch, of the name in an entry, bytes of an entry, and what addresses are counted from.
fn layout(name: &str, bytes: &[u8]) -> (usize, usize, usize, u64) {
    match release(name) {
        r if r >= release("20.09") => {
            assert_eq!(word(bytes, 0), 2, "{name}");
            (16, 16, 144, word(bytes, 8))
        }
        r if r >= release("19.08") => {
            assert_eq!(word(bytes, 0), 1, "{name}");
            (8, 24, 152, 0)
        }
        _ => (0, 24, 152, 0),
    }
}

/// Names and types.
fn directory(name: &str, bytes: &[u8]) -> Vec<(String, u32)> {
    let (epoch, name_at, size, base) = layout(name, bytes);
    assert_eq!(word(bytes, epoch + 8), 0, "{name}: nothing is in progress");
    let at = usize::try_from(word(bytes, epoch + 16) - base).expect("a place");
    let len = number(bytes, at - 8) as usize;
    let entry = |n: usize| {
        let entry = &bytes[at + n * size..][..size];
        let name = &entry[name_at..];
        let end = name.iter().position(|b| *b == 0).expect("an end");
        (String::from_utf8_lossy(&name[..end]).into_owned(), number(entry, 0))
    };
    (0..len).map(entry).collect()
}

#[test]
fn header_directory_and_type_numbers_are_those_of_the_release() {
    for name in releases() {
        let segment = Segment::new(release(&name), &StatsOptions::default()).expect("a segment");
        let entries = directory(&name, &segment.bytes().expect("bytes"));
        let kind = |wanted: &str| entries.iter().find(|(name, _)| name == wanted).map(|(_, kind)| *kind);
        let from = |other: &str| release(&name) >= release(other);
        let newest = from("22.06");
        assert_eq!(kind("/sys/heartbeat"), Some(1), "{name}");
        assert_eq!(kind("/if/drops"), Some(2), "{name}");
        assert_eq!(kind("/if/rx"), Some(3), "{name}");
        assert_eq!(kind("/if/names"), from("19.04").then_some(if newest { 4 } else { 5 }), "{name}");
        assert_eq!(kind("/err/ip4-input/ip4 ttl <= 1"), Some(if newest { 6 } else { 4 }), "{name}");
        assert_eq!(kind("/node/errors"), newest.then_some(2), "{name}");
        let symlink = if newest { 6 } else { 7 };
        assert_eq!(kind("/nodes/ip4-input/calls"), from("21.06").then_some(symlink), "{name}");
        let gauge = if from("26.02") { 9 } else { 1 };
        assert_eq!(kind("/buffer-pools/default-numa-0/used"), from("19.04").then_some(gauge), "{name}");
        assert_eq!(segment.is_sealed(), from("21.01"), "{name}");
    }
}

#[test]
fn a_slot_that_is_freed_is_empty_and_used_again() {
    for (name, empty) in
        [("19.04", None), ("20.01", None), ("20.05", Some(6)), ("22.02", Some(6)), ("26.06", Some(5))]
    {
        let segment = Segment::new(release(name), &StatsOptions::default()).expect("a segment");
        let before = directory(name, &segment.bytes().expect("bytes"));
        let at = before.iter().position(|(name, _)| name == "/if/punt").expect("an entry");
        segment.remove_entry("/if/punt").expect("removed");
        let after = directory(name, &segment.bytes().expect("bytes"));
        match empty {
            Some(number) => assert_eq!(after[at], (String::new(), number), "{name}"),
            None => {
                assert_eq!((after.len(), &after[at]), (before.len() - 1, &before[before.len() - 1]), "{name}")
            }
        }
        segment.add_entry("/again", Content::Scalar(1)).expect("added");
        let again = directory(name, &segment.bytes().expect("bytes"));
        assert_eq!(
            again.iter().position(|(name, _)| name == "/again"),
            Some(if empty.is_some() { at } else { after.len() })
        );
    }
}

#[test]
fn a_type_that_the_release_does_not_have_is_refused() {
    let segment = Segment::new(release("25.10"), &StatsOptions::default()).expect("a segment");
    let refused = segment.add_entry("/ring", Content::Ring(vec![1]));
    assert!(matches!(refused, Err(SegmentError::NoType { .. })), "{refused:?}");
    assert!(matches!(segment.set_scalar("/no/such", 1), Err(SegmentError::NoEntry(_))));
    assert!(matches!(segment.set_scalar("/if/rx", 1), Err(SegmentError::Holds(_))));
}

#[test]
fn every_interface_that_comes_or_goes_moves_the_epoch_before_the_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["18.10", "19.04", "20.05", "22.02", "22.06", "26.06"] {
        let mut client = Client::new(name);
        let path = folder.path().join(name);
        let server = client.sim.serve_stats(&path, &StatsOptions::default()).expect("serves");
        let epoch = || {
            let bytes = server.segment().bytes().expect("bytes");
            word(&bytes, layout(name, &bytes).0)
        };
        let names = || match server.segment().entries().into_iter().find(|(name, _)| name == "/if/names") {
            Some((_, Content::Names(names))) => names,
            _ => Vec::new(),
        };
        let first = epoch();
        let index = client.loopback();
        assert!(epoch() > first, "{name}");
        let named = release(name) >= release("19.04");
        assert_eq!(names().get(1).cloned().flatten(), named.then(|| "loop0".to_string()), "{name}");
        let links =
            server.segment().entries().iter().filter(|(n, _)| n.starts_with("/interfaces/loop0/")).count();
        assert_eq!(links, if release(name) >= release("22.06") { 17 } else { 0 }, "{name}");
        let second = epoch();
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": index})), 0);
        assert!(epoch() > second, "{name}");
        let left = match name {
            "22.06" => Some("loop0".to_string()),
            "26.06" => Some("deleted".to_string()),
            _ => None,
        };
        assert_eq!(names().get(1).cloned().flatten(), left, "{name}");
        let third = epoch();
        client.call("show_version", json!({}));
        assert_eq!(epoch(), third, "{name}: nothing changed");
    }
}

#[test]
fn the_binary_gives_statistics_away_and_removes_its_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stats.sock");
    let mut child = Command::new(env!("CARGO_BIN_EXE_vpp-sim"))
        .args(["--release", "23.06", "--api-socket"])
        .arg(folder.path().join("api.sock"))
        .arg("--stats-socket")
        .arg(&path)
        .arg("--api-json")
        .arg(common::root().join("api-json"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let start = Instant::now();
    while !path.exists() && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let reader =
        socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    connect(reader.as_raw_fd(), &UnixAddr::new(&path).expect("a path")).expect("connects");
    let mut control = nix::cmsg_space!([i32; 4]);
    let message = recvmsg::<()>(reader.as_raw_fd(), &mut [], Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC);
    assert_eq!(message.expect("a message").cmsgs().expect("whole").count(), 1);
    kill(Pid::from_raw(child.id().try_into().expect("a pid")), Signal::SIGTERM).expect("a signal");
    assert!(child.wait().expect("ends").success());
    let mut said = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut said).expect("text");
    assert!(!path.exists(), "{said}");
}
