//! Descriptors of the process are counted, so that nothing else may run here.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};
use vpp_client::stats::{Stats, StatsConfig};
use vpp_sim::Release;
use vpp_sim::stats::{Answer, Segment, StatsOptions, StatsServer};

fn memory(len: u64) -> OwnedFd {
    let file = File::from(memfd_create("test", MFdFlags::MFD_CLOEXEC).unwrap());
    file.set_len(len).unwrap();
    file.into()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn no_descriptor_is_left_however_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let options = StatsOptions::default();
    let segment = Segment::new(Release::parse("26.06").unwrap(), &options).unwrap();
    let server = StatsServer::start(folder.path().join("stats.sock"), segment, &options).unwrap();
    let config =
        StatsConfig { connect_within: Duration::from_millis(200), ..StatsConfig::new(server.path()) };
    let patient = StatsConfig { connect_within: Duration::from_secs(5), ..config.clone() };
    let before = descriptors();
    // Connected, the mapping is all that stays.
    let mut stats = Stats::connect(patient.clone()).unwrap();
    for _ in 0..20 {
        stats.reconnect().unwrap();
    }
    stats.system().unwrap();
    // The server closes its end at its leisure.
    let settled = || {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            descriptors() == before
        })
    };
    assert!(settled(), "{} instead of {before}", descriptors());
    drop(stats);
    let answers: [(bool, fn() -> Answer); 6] = [
        (true, || Answer::Segment),
        (true, || Answer::Many),
        (false, || Answer::NoDescriptor),
        (false, || Answer::Closed),
        (false, || Answer::File(memory(0))),
        (false, || Answer::File(memory(8192))),
    ];
    for (connects, answer) in answers {
        for _ in 0..5 {
            server.answer_with(answer());
            assert_eq!(Stats::connect(patient.clone()).is_ok(), connects);
        }
    }
    server.answer_with(Answer::Segment);
    assert!(settled(), "{} instead of {before}", descriptors());
    // Here the server keeps its end, one for each.
    server.answer_with(Answer::Silence);
    for _ in 0..3 {
        assert!(Stats::connect(config.clone()).is_err());
    }
    assert_eq!(descriptors(), before + 3);
}
