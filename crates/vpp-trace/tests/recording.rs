//! What is recorded of a connection, and how it is shown.
#![allow(clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use binapi_messages::memif::v2306::MemifCreateV2;
use binapi_messages::release::{V1810, V2606};
use binapi_messages::wireguard::v2101::{WireguardInterface, WireguardInterfaceCreate};
use binapi_messages::{interface, vpe};
use serde_json::Value;
use vpp_client::{Client, Config};
use vpp_sim::{Options, Release, Running, Sim};
use vpp_trace::{Recorder, Secrets, print};

fn vpp(release: &str, folder: &Path) -> Running {
    let release = Release::parse(release).expect("a release");
    let options = Options::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json"));
    let sim = Sim::new(release, options).expect("a simulated VPP");
    sim.serve(folder.join("api.sock")).expect("serves")
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// Lines of what `act` made of a connection.
fn recorded(release: &str, secrets: Secrets, act: impl AsyncFnOnce(Client)) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trace.jsonl");
    let _vpp = vpp(release, folder.path());
    let recorder = Arc::new(Recorder::create(&file, secrets).expect("a file"));
    run(async {
        let record = Some(recorder.clone() as _);
        let client = Client::start(Config { record, ..Config::new(folder.path().join("api.sock")) });
        client.connected().await.expect("connected");
        act(client.clone()).await;
        client.close().await;
    });
    drop(recorder);
    let text = std::fs::read_to_string(&file).expect("a recording");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn names(lines: &[Value]) -> Vec<String> {
    let name = |line: &Value| match (line["dir"].as_str(), line["name"].as_str()) {
        (Some(dir), Some(name)) => format!("{dir} {name}"),
        _ => line["event"].as_str().expect("an event").to_string(),
    };
    lines.iter().map(name).collect()
}

#[test]
fn every_message_is_recorded_in_order_from_handshake_to_goodbye() {
    for release in ["18.10", "26.06"] {
        let lines = recorded(release, Secrets::Masked, async |client| {
            client.call::<V1810, _>(&vpe::v1810::ControlPing {}).await.expect("a reply");
            let _ = client.dump::<V2606, _>(&interface::v1908::SwInterfaceDump::default());
        });
        let expected = [
            "tx sockclnt_create",
            "rx sockclnt_create_reply",
            "tx control_ping",
            "rx control_ping_reply",
            "tx show_version",
            "rx show_version_reply",
            "connected",
            "tx control_ping",
            "rx control_ping_reply",
            "tx sockclnt_delete",
            "rx sockclnt_delete_reply",
            "ended",
        ];
        assert_eq!(names(&lines), expected, "{release}");
        for line in lines.iter().filter(|l| l["event"].is_null()) {
            assert!(line["fields"].is_object(), "{release}: {line}");
            assert_eq!(line["session"], 1, "{release}");
        }
        assert_eq!(lines[5]["fields"]["retval"], 0);
        assert_eq!(lines[6]["definitions"], release);
        let table = lines[1]["fields"]["message_table"].as_array().expect("the table");
        assert_eq!(Some(table.len() as u64), lines[6]["messages"].as_u64());
    }
}

/// A key and a secret, sent to a VPP.
async fn send_secrets(client: Client) {
    let interface = WireguardInterface { private_key: [0xab; 32], ..WireguardInterface::default() };
    let request = WireguardInterfaceCreate { interface, generate_key: false };
    let _ = client.call_unchecked::<V2606, _>(&request).await;
    let secret = binapi_core::FixedString::new("hidden").expect("fits");
    let request = MemifCreateV2 { secret, ..MemifCreateV2::default() };
    let _ = client.call_unchecked::<V2606, _>(&request).await;
}

#[test]
fn keys_and_secrets_are_masked_unless_asked_for() {
    let text = |secrets| {
        let lines = recorded("26.06", secrets, send_secrets);
        lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
    };
    let masked = text(Secrets::Masked);
    assert!(masked.contains(r#""private_key":"***""#) && masked.contains(r#""secret":"***""#), "{masked}");
    assert!(!masked.contains("abab") && !masked.contains("hidden"));
    let shown = text(Secrets::Shown);
    assert!(shown.contains(&"ab".repeat(32)) && shown.contains("hidden"));
}

#[test]
fn a_handshake_that_fails_is_recorded_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("api.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || while listener.accept().is_ok() {});
    let file = folder.path().join("trace.jsonl");
    let recorder = Arc::new(Recorder::create(&file, Secrets::Masked).expect("a file"));
    run(async {
        let client = Client::start(Config { record: Some(recorder.clone()), ..Config::new(&socket) });
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.close().await;
    });
    drop(recorder);
    let text = std::fs::read_to_string(&file).expect("a recording");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(names(&lines)[..2], ["tx sockclnt_create", "ended"]);
    assert_eq!(lines[0]["fields"]["name"], "vpp-agent");
    assert!(!lines[1]["why"].as_str().expect("a reason").is_empty());
}

#[test]
fn a_recording_is_shown_line_by_line_and_what_is_none_is_told() {
    let lines = recorded("26.06", Secrets::Masked, async |_| {});
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut out = Vec::new();
    print(text.as_bytes(), None, &mut out).expect("shown");
    let shown = String::from_utf8(out).expect("text");
    assert_eq!(shown.lines().count(), lines.len());
    assert!(shown.contains("-> sockclnt_create context=1 name=\"vpp-agent\""), "{shown}");
    assert!(shown.contains("message_table=[2123 entries]"), "{shown}");

    let mut out = Vec::new();
    print(text.as_bytes(), Some("show_version"), &mut out).expect("shown");
    assert_eq!(String::from_utf8(out).expect("text").lines().count(), 2);

    let cut = text.get(..text.len() - 10).expect("long enough");
    let error = print(cut.as_bytes(), None, Vec::new()).expect_err("cut").to_string();
    assert!(error.starts_with(&format!("line {}: ", lines.len())), "{error}");
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let error = Recorder::create(Path::new("/nowhere/trace.jsonl"), Secrets::Masked).expect_err("no folder");
    assert!(error.to_string().starts_with("/nowhere/trace.jsonl: cannot be written: "), "{error}");
}
