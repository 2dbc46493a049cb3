//! The control socket: what it takes and what it refuses, restarts, and the program.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::misbehaving::{By, Commands, Misbehaving};
use common::socket::SocketClient;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use vpp_sim::{ServeError, Sim};

/// Every line of the page that is a command is carried out, one after the other, by a VPP that has a client.
#[test]
fn the_documented_commands_work() {
    let page = std::fs::read_to_string(common::root().join("docs/simulator.md")).expect("a page");
    let lines: Vec<&str> = page.lines().map(str::trim).filter(|l| l.starts_with("{\"command\"")).collect();
    let names: std::collections::BTreeSet<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["command"].to_string())
        .collect();
    assert_eq!(names.len(), 14, "a command without an example, or a new one: {names:?}");
    for release in ["18.10", "26.06"] {
        let mut vpp = Misbehaving::new(release, By::Commands);
        let _client = vpp.client();
        let mut refused = Vec::new();
        for line in &lines {
            let answer = vpp.commands.line(line);
            if answer["ok"] != true {
                refused.push(format!("{line}: {answer}"));
            }
        }
        assert_eq!(refused, Vec::<String>::new(), "{release}");
    }
}

/// A fault is listed as it was given.
#[test]
fn lists_what_it_was_told() {
    let page = std::fs::read_to_string(common::root().join("docs/simulator.md")).expect("a page");
    let mut vpp = Misbehaving::new("20.05", By::Commands);
    let _client = vpp.client();
    let mut given = Vec::new();
    for line in page.lines().map(str::trim).filter(|l| l.starts_with("{\"command\":\"fault\"")) {
        let mut fault: Value = serde_json::from_str(line).expect("JSON");
        vpp.commands.run(&fault);
        let fields = fault.as_object_mut().expect("an object");
        fields.remove("command");
        if let Some(frame) = fields.remove("frame") {
            let message = vpp_schema::hex::read(frame.as_str().expect("hex")).expect("hex");
            fields.insert("hex".to_string(), vpp_schema::hex::write(&vpp_sim::frame(&message)).into());
        }
        if fields["kind"] == "drop" && !fields.contains_key("execute") {
            fields.insert("execute".to_string(), false.into());
        }
        given.push(fault);
        let count = given.len();
        let last = given.last_mut().expect("one");
        last["fault"] = json!(count);
        last["hits"] = json!(0);
    }
    assert!(given.len() >= 16);
    let faults = vpp.commands.run(&json!({"command": "faults"}))["faults"].clone();
    let listed = faults.as_array().expect("a list");
    assert_eq!(listed.len(), given.len());
    for (listed, given) in listed.iter().zip(&given) {
        assert_eq!(listed.as_object(), given.as_object());
    }
    vpp.commands.run(&json!({"command": "clear", "fault": 3}));
    assert_eq!(vpp.hits().len(), given.len() - 1);
}

#[test]
fn bad_commands_are_refused_with_the_field() {
    let mut vpp = Misbehaving::new("20.05", By::Commands);
    let cases = [
        ("nonsense", None, "a line is expected to be a JSON object: expected"),
        ("[1]", None, "got [1]"),
        ("{}", Some("command"), "command: missing; expected one of state,"),
        (r#"{"command":7}"#, Some("command"), "command: expected a text, got 7"),
        (r#"{"command":"sing"}"#, Some("command"), "expected one of state,"),
        (r#"{"command":"state","at":1}"#, Some("at"), "at: no field of this command"),
        (r#"{"command":"stall"}"#, Some("ms"), "ms: missing; expected milliseconds"),
        (r#"{"command":"stall","ms":-1}"#, Some("ms"), "from 0 to 4294967295, got -1"),
        (r#"{"command":"stall","ms":"long"}"#, Some("ms"), "got \"long\""),
        (
            r#"{"command":"fault","message":"show_version"}"#,
            Some("kind"),
            "kind: missing; expected one of refuse",
        ),
        (r#"{"command":"fault","kind":"burn"}"#, Some("kind"), "got \"burn\""),
        (
            r#"{"command":"fault","kind":"crash","message":"no_such"}"#,
            Some("message"),
            "20.05 has no request",
        ),
        (
            r#"{"command":"fault","kind":"crash","module":"no_such"}"#,
            Some("module"),
            "has no API module no_such",
        ),
        (
            r#"{"command":"fault","kind":"crash","module":"acl","message":"acl_dump"}"#,
            Some("message, module"),
            "only one of these",
        ),
        (r#"{"command":"fault","kind":"refuse"}"#, Some("retval"), "retval: missing"),
        (r#"{"command":"fault","kind":"refuse","retval":2147483648}"#, Some("retval"), "got 2147483648"),
        (
            r#"{"command":"fault","kind":"refuse","retval":-1,"ms":1}"#,
            Some("ms"),
            "takes command, kind, message",
        ),
        (r#"{"command":"fault","kind":"id","id":65536}"#, Some("id"), "from 0 to 65535"),
        (r#"{"command":"fault","kind":"instead","hex":"0"}"#, Some("hex"), "expected bytes in hex"),
        (r#"{"command":"fault","kind":"instead","hex":"00","frame":"00"}"#, Some("hex, frame"), "only one"),
        (r#"{"command":"fault","kind":"instead"}"#, Some("hex"), "missing"),
        (r#"{"command":"fault","kind":"drop","execute":1}"#, Some("execute"), "true or false"),
        (r#"{"command":"clear","fault":9}"#, Some("fault"), "there is no fault 9"),
        (r#"{"command":"close","connection":9}"#, Some("connection"), "no client is at connection 9"),
        (r#"{"command":"send"}"#, Some("hex"), "missing"),
        (r#"{"command":"send","message":"no_such"}"#, Some("message"), "has no message no_such"),
        (
            r#"{"command":"send","message":"control_ping_reply","fields":{"no":1}}"#,
            Some("fields"),
            "no field no",
        ),
        (
            r#"{"command":"link","interface":"eth9","up":true}"#,
            Some("interface"),
            "there is no interface eth9",
        ),
        (r#"{"command":"link","interface":9,"up":true}"#, Some("interface"), "there is no interface 9"),
        (r#"{"command":"link","interface":-1,"up":true}"#, Some("interface"), "a name or an index"),
        (r#"{"command":"link","interface":0}"#, Some("up"), "missing"),
        (r#"{"command":"add-interface","name":"local0","mac":"02:fe:00:00:00:01"}"#, Some("name"), "local0"),
        (r#"{"command":"add-interface","name":"nic","mac":"02:fe"}"#, Some("mac"), "is not a MAC"),
        (r#"{"command":"add-interface","name":"","mac":"02:fe:00:00:00:01"}"#, Some("name"), "1 to 63 bytes"),
        (r#"{"command":"restart","release":"newest"}"#, Some("release"), "a release like 20.05"),
        (r#"{"command":"restart","release":"17.01"}"#, Some("release"), "there are those of 18.10, 19.01, "),
        (r#"{"command":"restart","without_plugins":"acl"}"#, Some("without_plugins"), "a list of texts"),
        (r#"{"command":"start"}"#, Some("command"), "VPP is running"),
    ];
    for (line, field, text) in cases {
        let answer = vpp.commands.line(line);
        assert_eq!(answer["ok"], false, "{line}: {answer}");
        assert_eq!(answer.get("field").and_then(Value::as_str), field, "{line}: {answer}");
        let error = answer["error"].as_str().expect("an error");
        assert!(error.contains(text), "{line}: {error}");
    }
    // And VPP is as it was.
    assert_eq!(vpp.state()["running"], true);
    assert_eq!(vpp.hits(), Vec::<u64>::new());
    vpp.commands.run(&json!({"command": "stop"}));
    for command in ["stop", "crash", "close"] {
        let answer = vpp.commands.line(&json!({"command": command}).to_string());
        assert_eq!(answer["error"], "command: no VPP is running; start it first", "{command}");
    }
}

#[test]
fn tells_its_state() {
    let mut vpp = Misbehaving::new("20.05", By::Commands);
    let schema = vpp.schema();
    let mut client = vpp.client();
    client.request(&schema, "create_loopback", &json!({}));
    client.request(&schema, "want_interface_events", &json!({"enable_disable": 1}));
    client.request(&schema, "nat44_address_dump", &json!({}));
    client.send(&[0xff, 0xff, 0, 0]);
    client.request(&schema, "show_version", &json!({}));
    let state = vpp.state();
    let pid = vpp.running().sim().pid();
    let expected = json!({
        "ok": true,
        "release": "20.05",
        "running": true,
        "died": null,
        "pid": pid,
        "without_plugins": [],
        "clients": [{"connection": 1, "handle": 0x8000_0001_u32, "name": "test", "subscribed": true}],
        "interfaces": [
            {"sw_if_index": 0, "name": "local0", "admin_up": false, "link_up": false, "tag": ""},
            {"sw_if_index": 1, "name": "loop0", "admin_up": false, "link_up": false, "tag": ""},
        ],
        "received": {"nat44_address_dump": 1, "control_ping": 4, "create_loopback": 1, "show_version": 1,
            "sockclnt_create": 1, "want_interface_events": 1},
        "unimplemented": {"nat44_address_dump": 1},
        "dropped": 1,
        "rude": 0,
    });
    assert_eq!(state, expected);
}

#[test]
fn restarts_as_it_is_told() {
    let mut vpp = Misbehaving::new("19.04", By::Commands);
    let first = vpp.state();
    let mut client = SocketClient::connect(&vpp.path, true);
    // Packets become a stream, and the control socket stays.
    let command = json!({"command": "restart", "release": "20.05", "without_plugins": ["acl"]});
    let second = vpp.commands.run(&command);
    assert_eq!(second["release"], "20.05");
    assert_ne!(second["pid"], first["pid"]);
    assert!(client.receive().is_none());
    let client = SocketClient::connect(&vpp.path, false);
    assert!(!client.ids.contains_key("acl_dump"));
    // What is not said stays.
    vpp.commands.run(&json!({"command": "crash"}));
    assert!(vpp.path.exists());
    assert_eq!(vpp.state()["died"], "told to crash");
    vpp.commands.run(&json!({"command": "start"}));
    assert_eq!(
        (&vpp.state()["release"], &vpp.state()["without_plugins"]),
        (&json!("20.05"), &json!(["acl"]))
    );
    vpp.commands.run(&json!({"command": "stop"}));
    assert!(!vpp.path.exists());
    assert_eq!((&vpp.state()["running"], &vpp.state()["died"]), (&json!(false), &Value::Null));
    vpp.commands.run(&json!({"command": "start", "without_plugins": []}));
    assert!(SocketClient::connect(&vpp.path, false).ids.contains_key("acl_dump"));
    // A restart that cannot be leaves the old one.
    assert_eq!(vpp.commands.line(r#"{"command":"restart","release":"17.01"}"#)["ok"], false);
    assert_eq!(vpp.state()["release"], "20.05");
    SocketClient::connect(&vpp.path, false);
    let control = vpp.control_path();
    vpp.running.take().expect("runs").stop();
    assert!(!control.exists() && !vpp.path.exists());
}

/// Many at once, lines in pieces, lines without end, a client that goes away.
#[test]
fn several_may_command() {
    let mut vpp = Misbehaving::new("20.05", By::Commands);
    let mut other = Commands::connect(&vpp.control_path());
    other.run(&json!({"command": "fault", "kind": "duplicate"}));
    assert_eq!(vpp.hits(), [0]);
    drop(other);
    let mut torn = UnixStream::connect(vpp.control_path()).expect("connects");
    for byte in b"\n{\"command\":\"clear\"}\n{\"command\":\"faults\"}\n" {
        torn.write_all(&[*byte]).expect("sent");
    }
    let mut answers = vec![0; "{\"ok\":true}\n{\"ok\":true,\"faults\":[]}\n".len()];
    torn.read_exact(&mut answers).expect("answers");
    assert_eq!(answers, b"{\"ok\":true}\n{\"ok\":true,\"faults\":[]}\n");
    let mut endless = UnixStream::connect(vpp.control_path()).expect("connects");
    endless.write_all(&vec![b'x'; (1 << 20) + 1]).expect("sent");
    let mut answer = String::new();
    endless.read_to_string(&mut answer).expect("an answer and the end");
    assert!(answer.contains("longer than 1048576 bytes"), "{answer}");
    assert_eq!(vpp.state()["running"], true);
}

#[test]
fn a_taken_control_socket_is_refused() {
    let vpp = Misbehaving::new("20.05", By::Commands);
    let mut other = common::sim("20.05").serve(vpp.path.with_extension("other")).expect("serves");
    assert!(matches!(other.control(vpp.control_path()), Err(ServeError::InUse(_))));
    assert!(matches!(other.control(&vpp.path), Err(ServeError::InUse(_))));
}

// The program.

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vpp-sim"));
    command.args(arguments).env("VPP_API_JSON", common::root().join("api-json")).stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str]) -> Output {
    program(arguments).output().expect("runs")
}

fn started(release: &str, folder: &Path) -> (Child, Commands) {
    let (api, control) = (folder.join("api.sock"), folder.join("control.sock"));
    let mut command = program(&["--release", release, "--nic", "Gigabit0=02:fe:00:00:00:01"]);
    let child = command.arg("--api-socket").arg(&api).arg("--control-socket").arg(&control);
    let child = child.stderr(Stdio::null()).spawn().expect("starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(&control).is_err() {
        assert!(Instant::now() < deadline, "does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
    (child, Commands::connect(&control))
}

#[test]
fn the_program_takes_commands_through_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let (api, control) = (folder.path().join("api.sock"), folder.path().join("control.sock"));
    let (mut child, mut commands) = started("20.05", folder.path());
    let mut client = SocketClient::connect(&api, false);
    commands.run(&json!({"command": "crash"}));
    assert!(client.receive().is_none());
    assert!(api.exists());
    commands.run(&json!({"command": "start", "release": "18.10"}));
    SocketClient::connect(&api, true);
    let interfaces = commands.run(&json!({"command": "state"}))["interfaces"].clone();
    assert_eq!(interfaces[1]["name"], "Gigabit0");
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGTERM).expect("told");
    assert!(child.wait().expect("gone").success());
    assert!(!api.exists() && !control.exists());
}

#[test]
fn the_program_ends_while_it_stands_still_or_dies_for_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let (api, control) = (folder.path().join("api.sock"), folder.path().join("control.sock"));
    let (mut child, mut commands) = started("20.05", folder.path());
    commands.run(&json!({"command": "stall", "ms": 600_000}));
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGTERM).expect("told");
    assert!(child.wait().expect("gone").success());
    assert!(!api.exists() && !control.exists());
    let (mut child, mut commands) = started("20.05", folder.path());
    let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        commands.line(r#"{"command":"crash","process":true}"#)
    }));
    assert!(sent.is_err(), "there is nobody to answer");
    assert_eq!(child.wait().expect("gone").signal(), Some(Signal::SIGABRT as i32));
    assert!(api.exists() && control.exists());
    // Both are taken over.
    let (mut child, _) = started("26.06", folder.path());
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("told");
    assert!(child.wait().expect("gone").success());
}

#[test]
fn the_program_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("api.sock");
    let nowhere = nowhere.to_str().expect("text");
    let empty = folder.path().to_str().expect("text");
    let absent = folder.path().join("absent");
    let absent = absent.to_str().expect("text");
    let cases: [(&[&str], &str); 5] = [
        (&["--release", "17.10"], "there are no definitions of VPP 17.10 in "),
        (&["--release", "17.10"], ": there are those of 18.10, 19.01, 19.04, 19.08, 20.01, "),
        (&["--release", "20.05", "--api-json", empty], "it is another folder that is meant"),
        (&["--release", "20.05", "--api-json", absent], "absent: No such file"),
        (&["--release", "newest"], "not a release like 20.05"),
    ];
    for (arguments, text) in cases {
        let output = output(&[arguments, &["--api-socket", nowhere]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(error.contains(text), "{arguments:?}: {error}");
    }
    let output = output(&["--release", "20.05", "--api-socket", nowhere, "--nic", "eth0"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not NAME=MAC"));
    assert!(Sim::new(common::release("17.10"), common::options()).is_err());
}

#[test]
fn the_program_has_help_for_each_flag_of_the_page() {
    let output = output(&["--help"]);
    let help = String::from_utf8(output.stdout).expect("text");
    let page = std::fs::read_to_string(common::root().join("docs/simulator.md")).expect("a page");
    let flags: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `--")?.split('`').next()).collect();
    assert!(flags.len() >= 8, "{flags:?}");
    for flag in flags {
        let flag = format!("--{flag}").replace(" ", " <") + if flag.contains(' ') { ">" } else { "" };
        assert!(help.contains(&flag), "{flag} in {help}");
    }
}
