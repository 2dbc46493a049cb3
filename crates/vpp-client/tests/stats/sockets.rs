//! What can be at the path, and what can come from it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use vpp_client::stats::{Stats, StatsConfig, StatsError};
use vpp_sim::stats::{Answer, Corruption};

use super::{Alone, config, releases, sim};

fn memory(len: u64) -> OwnedFd {
    let file = File::from(memfd_create("test", MFdFlags::MFD_CLOEXEC).unwrap());
    file.set_len(len).unwrap();
    file.into()
}

fn fails(path: &std::path::Path) -> StatsError {
    let config = StatsConfig { connect_within: Duration::from_millis(300), ..config(path) };
    Stats::connect(config).err().unwrap()
}

#[test]
fn what_is_no_statistics_socket_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.sock");

    let error = fails(&path);
    assert!(
        matches!(error, StatsError::Missing { .. }) && error.to_string().contains("statseg { default }"),
        "{error}"
    );
    assert!(matches!(fails(&path.join("below")), StatsError::Missing { .. }));

    std::fs::write(&path, "text").unwrap();
    assert!(matches!(fails(&path), StatsError::NotASocket { .. }));
    std::fs::remove_file(&path).unwrap();

    // As the API socket and the CLI socket are.
    let stream = UnixListener::bind(&path).unwrap();
    assert!(matches!(fails(&path), StatsError::NotASocket { .. }));
    drop(stream);
    // Its file is still there.
    assert!(matches!(fails(&path), StatsError::Refused { .. }));

    let long = folder.path().join("x".repeat(200));
    assert!(matches!(fails(&long), StatsError::System { .. }), "{:?}", fails(&long));
}

#[test]
fn whoever_may_not_connect_is_told() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        println!("skipped: root may do anything");
        return;
    }
    let vpp = Alone::new("26.06");
    let server = &vpp.server;
    std::fs::set_permissions(server.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    assert!(matches!(fails(server.path()), StatsError::Permission { .. }));
}

#[test]
fn an_answer_without_a_segment_is_an_error() {
    let vpp = Alone::new("26.06");
    let server = &vpp.server;
    for answer in [Answer::NoDescriptor, Answer::Closed] {
        server.answer_with(answer);
        assert!(matches!(fails(server.path()), StatsError::NoSegment { .. }));
    }
    for size in [0, 1, 40] {
        server.answer_with(Answer::File(memory(size)));
        let error = fails(server.path());
        assert!(matches!(error, StatsError::TooSmall { size: told, .. } if told == size), "{error}");
    }
    // Nothing but zeros: a VPP that has not begun, or no VPP.
    server.answer_with(Answer::File(memory(1 << 20)));
    assert!(matches!(fails(server.path()), StatsError::Malformed { .. }));
    let (pipe, _other) = nix::unistd::pipe().unwrap();
    server.answer_with(Answer::File(pipe));
    assert!(matches!(fails(server.path()), StatsError::TooSmall { size: 0, .. }));
    server.answer_with(Answer::File(File::open("/proc/self").unwrap().into()));
    fails(server.path());
    // And then a VPP comes.
    server.answer_with(Answer::Segment);
    Stats::connect(config(server.path())).unwrap().system().unwrap();
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let vpp = Alone::new("26.06");
    let server = &vpp.server;
    server.answer_with(Answer::Silence);
    let start = Instant::now();
    let error = fails(server.path());
    assert!(matches!(error, StatsError::Silent { .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(300) && start.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_server_that_never_accepts_is_given_up_in_time() {
    use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
    use std::os::fd::AsRawFd;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.sock");
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    for _ in 0..4 {
        assert!(matches!(fails(&path), StatsError::Silent { .. }));
    }
}

#[test]
fn versions_that_are_not_known_are_told() {
    for name in ["20.05", "22.02", "26.06"] {
        let vpp = Alone::new(name);
        let server = &vpp.server;
        server.segment().corrupt(Corruption::Version(3)).unwrap();
        let error = fails(server.path());
        assert!(matches!(error, StatsError::UnknownVersion { version: 3, .. }), "{name}: {error}");
    }
}

#[test]
fn a_heartbeat_that_stops_is_noticed_and_connecting_again_mends_it() {
    let vpp = Alone::new("23.06");
    let mut stats = vpp.connect();
    assert_eq!(stats.silent_for().unwrap(), Duration::ZERO);
    std::thread::sleep(Duration::from_millis(20));
    vpp.segment().update().unwrap();
    assert_eq!(stats.silent_for().unwrap(), Duration::ZERO);
    std::thread::sleep(Duration::from_millis(60));
    assert!(stats.silent_for().unwrap() >= Duration::from_millis(50));
    // VPP is gone; what it counted stays readable. Then another one is there, of another release.
    vpp.segment().set_scalar("/sys/input_rate", 77).unwrap();
    let path = vpp.server.path().to_path_buf();
    let Alone { server, _folder } = vpp;
    drop(server);
    assert_eq!(stats.system().unwrap().input_rate, Some(77));
    assert!(matches!(stats.reconnect(), Err(StatsError::Missing { .. })));
    assert_eq!(stats.system().unwrap().input_rate, Some(77));
    let mut other = sim("20.05");
    let _server = other.serve_stats(&path, &super::options()).unwrap();
    stats.reconnect().unwrap();
    assert_eq!(stats.system().unwrap().input_rate, Some(0));
    assert_eq!(stats.silent_for().unwrap(), Duration::ZERO);
}

#[test]
fn a_file_that_becomes_shorter_is_an_error_and_no_signal() {
    for name in releases() {
        let vpp = Alone::new(name);
        let server = &vpp.server;
        let mut stats = Stats::connect(config(server.path())).unwrap();
        stats.system().unwrap();
        let cut = server.segment().corrupt(Corruption::Cut(4096));
        assert_eq!(cut.is_err(), server.segment().is_sealed(), "{name}");
        if server.segment().is_sealed() {
            // It cannot happen at all.
            stats.system().unwrap();
            continue;
        }
        let error = stats.system().unwrap_err();
        assert!(matches!(error, StatsError::Shrunk { .. }) && error.wants_reconnect(), "{name}: {error}");
        assert!(matches!(stats.interface_counters(), Err(StatsError::Shrunk { .. })), "{name}");
    }
}
