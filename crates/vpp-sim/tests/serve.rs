//! Behind a socket: handshake, several clients, both types of socket, ends and restarts.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::os::unix::fs::FileTypeExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::socket::SocketClient;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use vpp_sim::{ServeError, Sim};

const EVERY_KIND: [(&str, bool); 4] = [("18.10", true), ("19.04", true), ("19.08", false), ("26.06", false)];

#[test]
fn handshake_requests_goodbye() {
    let folder = tempfile::tempdir().expect("a folder");
    for (release, seqpacket) in EVERY_KIND {
        let path = folder.path().join(release);
        let running = common::sim(release).serve(&path).expect("serves");
        let schema = running.sim().schema().clone();
        let mut client = SocketClient::connect(&path, seqpacket);
        assert_eq!(client.handle, 0x8000_0001);
        assert_eq!(client.ids.len(), schema.messages().count(), "{release}");
        for message in schema.messages().take(50) {
            let name = &client.names[&client.ids[message.name()]];
            assert_eq!(name, message.name());
        }
        let answers = client.request(&schema, "create_loopback", &json!({}));
        assert_eq!(answers[0].1["sw_if_index"], 1);
        let mut other = SocketClient::connect(&path, seqpacket);
        assert_eq!(other.handle, 0x8000_0002);
        let events = other.request(&schema, "want_interface_events", &json!({"enable_disable": 1, "pid": 5}));
        assert_eq!(events.len(), 1);
        let flags =
            if schema.field("sw_interface_set_flags", "flags").is_some() { "flags" } else { "admin_up_down" };
        let mut up = json!({"sw_if_index": 1});
        up[flags] = json!(1);
        client.request(&schema, "sw_interface_set_flags", &up);
        let event = other.receive().expect("an event");
        assert_eq!(other.names[&u16::from_be_bytes([event[0], event[1]])], "sw_interface_event");
        let event = schema.decode("sw_interface_event", &event[2..]).expect("decodes");
        assert_eq!((event["pid"].clone(), event["client_index"].clone()), (json!(5), json!(other.handle)));
        let expected = if release == "18.10" || release.starts_with("19") { -1 } else { 1 };
        assert_eq!(client.goodbye(), (expected, true), "{release}");
        assert_eq!(other.goodbye(), (expected, true), "{release}");
        running.stop();
        assert!(!path.exists());
    }
}

#[test]
fn many_in_flight_and_torn_frames() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let _running = common::sim("26.06").serve(&path).expect("serves");
    let mut client = SocketClient::connect(&path, false);
    let ping = SocketClient::frame(&client.ping());
    // One byte at a time.
    for byte in &ping {
        client.send_raw(&[*byte]);
    }
    assert_eq!(client.receive().expect("a reply").len(), 18);
    // A frame without a message, an id that nobody has, a body that is too short: nothing comes back.
    client.send(&[]);
    client.send(&[0xff, 0xff, 1, 2, 3]);
    client.send(&[0, 12]);
    let started = Instant::now();
    let burst = ping.repeat(10_000);
    client.send_raw(&burst);
    for _ in 0..10_000 {
        assert!(client.receive().is_some());
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn long_messages_in_packets() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let running = common::sim("18.10").serve(&path).expect("serves");
    let schema = running.sim().schema().clone();
    let mut client = SocketClient::connect(&path, true);
    // Longer than a packet: it has to be put together.
    let cmd = vpp_schema::hex::write(&vec![b'x'; 9000]);
    let answers = client.request(&schema, "cli_inband", &json!({"cmd": cmd}));
    assert_eq!(answers[0].1["retval"], -1);
    assert!(answers[0].1["length"].as_u64().expect("a length") > 9000);
}

#[test]
fn what_is_at_the_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    std::fs::write(&path, "not a socket").expect("written");
    assert!(matches!(common::sim("20.05").serve(&path), Err(ServeError::NotASocket(_))));
    std::fs::remove_file(&path).expect("removed");
    let running = common::sim("20.05").serve(&path).expect("serves");
    assert!(matches!(common::sim("20.05").serve(&path), Err(ServeError::InUse(_))));
    assert!(matches!(common::sim("18.10").serve(&path), Err(ServeError::InUse(_))));
    drop(running);
    // What a VPP that was killed leaves behind is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    assert!(path.exists());
    common::sim("20.05").serve(&path).expect("serves").stop();
}

#[test]
fn restarts_as_another_release() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let running = common::sim("18.10").serve(&path).expect("serves");
    let schema = running.sim().schema().clone();
    let mut client = SocketClient::connect(&path, true);
    client.request(&schema, "create_loopback", &json!({}));
    let pid = running.sim().pid();
    let running = running.restart_as(common::release("26.06"), common::options()).expect("restarts");
    assert!(client.receive().is_none(), "the old connection is closed");
    assert_ne!(running.sim().pid(), pid);
    let schema = running.sim().schema().clone();
    let mut client = SocketClient::connect(&path, false);
    let interfaces = client.request(&schema, "sw_interface_dump", &json!({"sw_if_index": u32::MAX}));
    assert_eq!(interfaces.len(), 1, "local0 only");
}

#[test]
fn a_plugin_that_is_not_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let mut options = common::options();
    options.without_plugins = vec!["acl".to_string()];
    let sim = Sim::new(common::release("20.05"), options).expect("a simulated VPP");
    let _running = sim.serve(&path).expect("serves");
    let client = SocketClient::connect(&path, false);
    assert!(!client.ids.contains_key("acl_dump"));
    assert!(client.ids.contains_key("ip_route_dump"));
}

#[test]
fn a_dead_one_closes_and_leaves_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let running = common::sim("23.06").serve(&path).expect("serves");
    let schema = running.sim().schema().clone();
    let mut client = SocketClient::connect(&path, false);
    let route = |multipath: bool, index: u32| {
        json!({"is_add": true, "is_multipath": multipath, "route": {
            "prefix": {"address": {"un": {"ip4": "14000000"}}, "len": 8},
            "paths": [{"sw_if_index": index, "nh": {"address": {"ip4": "0a010107"}}}]}})
    };
    client.request(&schema, "create_loopback", &json!({}));
    client.request(&schema, "create_loopback", &json!({}));
    client.request(&schema, "ip_route_add_del", &route(false, 1));
    client.request(&schema, "delete_loopback", &json!({"sw_if_index": 1}));
    let mut fields = route(true, 2);
    fields["client_index"] = json!(client.handle);
    let mut message = client.ids["ip_route_add_del"].to_be_bytes().to_vec();
    message.extend(schema.encode("ip_route_add_del", &fields).expect("encodes"));
    client.send(&message);
    assert!(client.receive().is_none());
    assert!(running.died().expect("it died").contains("deleted interface 1"));
    assert!(path.exists());
    running.restart().expect("restarts").stop();
}

/// The program: serves, logs requests, goes with its socket file on SIGTERM, comes back after SIGKILL.
#[test]
fn the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let log = folder.path().join("requests.jsonl");
    let start = |release: &str| {
        let child = Command::new(env!("CARGO_BIN_EXE_vpp-sim"))
            .args(["--release", release, "--api-socket"])
            .arg(&path)
            .arg("--api-json")
            .arg(common::root().join("api-json"))
            .arg("--log-requests")
            .arg(&log)
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::os::unix::net::UnixStream::connect(&path).is_err() {
            assert!(Instant::now() < deadline, "does not serve");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    };
    let mut child = start("20.05");
    assert!(std::fs::metadata(&path).expect("there").file_type().is_socket());
    let schema = common::sim("20.05").schema().clone();
    let mut client = SocketClient::connect(&path, false);
    client.request(&schema, "create_loopback", &json!({"mac_address": "de0000000001"}));
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(path.exists(), "SIGKILL leaves the file");
    let mut child = start("21.01");
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGTERM).expect("told");
    assert!(child.wait().expect("gone").success());
    assert!(!path.exists());
    let log = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let names: Vec<&str> = lines.iter().map(|l| l["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["sockclnt_create", "create_loopback", "control_ping"]);
    assert_eq!(lines[1]["fields"]["mac_address"], "de0000000001");
}
