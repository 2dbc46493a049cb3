//! Whatever is wrong is told where it is, in the log and as a state, and everything else works.

use doubles::{Stranger, stranger};
use vpp_sim::Options;

use crate::common::{Stage, api_json, release, tags};
use crate::configuration::full;
use crate::scene::Scene;
use crate::servers::{Kind, RUNTIME, Server};

/// What VPP is told of a statement: its key, its value, and words of the complaint.
const STATEMENTS: [(&str, &str, &[&str]); 24] = [
    // Keys of no model.
    ("config/vpp/v2/interfces/x", "{}", &["config/vpp/v2/interfces/x", "config/vpp/v2/interfaces/"]),
    ("config/vpp/v3/interfaces/x", "{}", &["config/vpp/v3/interfaces/x"]),
    ("nonsense", "{}", &["nonsense"]),
    ("config/", "{}", &["config/"]),
    ("conf\u{1}ig/ünicöde/☃", "{}", &["☃"]),
    // A value of another model.
    (
        "config/vpp/v2/interfaces/route",
        r#"{"dst_network": "10.0.0.0/8", "next_hop_addr": "10.0.0.1"}"#,
        &["dst_network"],
    ),
    ("config/vpp/l2/v2/bridge-domain/acl", r#"{"name": "acl", "rules": []}"#, &["rules"]),
    // A name that is not the key's.
    ("config/vpp/v2/interfaces/a", r#"{"name": "b", "type": "SOFTWARE_LOOPBACK"}"#, &["/a", "/b"]),
    ("config/vpp/v2/interfaces/nameless", r#"{"type": "SOFTWARE_LOOPBACK"}"#, &["name"]),
    (
        "config/vpp/v2/route/if/lo/vrf/0/dst/10.0.0.0/8/gw/10.0.0.1",
        r#"{"dst_network": "11.0.0.0/8", "next_hop_addr": "10.0.0.1", "outgoing_interface": "lo"}"#,
        &["11.0.0.0/8"],
    ),
    // Fields that there are not, and of another type.
    (
        "config/vpp/v2/interfaces/f1",
        r#"{"name": "f1", "type": "SOFTWARE_LOOPBACK", "ip_adresses": []}"#,
        &["ip_adresses", "ip_addresses"],
    ),
    ("config/vpp/v2/interfaces/f2", r#"{"name": "f2", "type": "LOOPBACK"}"#, &["type", "LOOPBACK"]),
    (
        "config/vpp/v2/interfaces/f3",
        r#"{"name": "f3", "type": "SOFTWARE_LOOPBACK", "enabled": "yes"}"#,
        &["enabled", "yes"],
    ),
    (
        "config/vpp/v2/interfaces/f4",
        r#"{"name": "f4", "type": "SOFTWARE_LOOPBACK", "ip_addresses": "10.0.0.1/8"}"#,
        &["ip_addresses"],
    ),
    ("config/vpp/v2/interfaces/f5", r#"{"name": "f5", "type": "TAP", "tap": [1]}"#, &["tap"]),
    // Numbers and addresses that cannot be.
    (
        "config/vpp/v2/interfaces/n1",
        r#"{"name": "n1", "type": "SOFTWARE_LOOPBACK", "mtu": -1}"#,
        &["mtu", "-1"],
    ),
    (
        "config/vpp/v2/interfaces/n2",
        r#"{"name": "n2", "type": "SOFTWARE_LOOPBACK", "mtu": 4294967296}"#,
        &["mtu", "4294967296"],
    ),
    (
        "config/vpp/v2/interfaces/n3",
        r#"{"name": "n3", "type": "SOFTWARE_LOOPBACK", "mtu": 123456789012345678901234567890}"#,
        &["line 1, column 81", "number"],
    ),
    (
        "config/vpp/v2/interfaces/n4",
        r#"{"name": "n4", "type": "SOFTWARE_LOOPBACK", "ip_addresses": ["300.1.1.1/24"]}"#,
        &["ip_addresses", "300.1.1.1/24"],
    ),
    (
        "config/vpp/v2/interfaces/n5",
        r#"{"name": "n5", "type": "SOFTWARE_LOOPBACK", "ip_addresses": ["10.0.0.1/33"]}"#,
        &["ip_addresses", "10.0.0.1/33"],
    ),
    (
        "config/vpp/v2/interfaces/n6",
        r#"{"name": "n6", "type": "SOFTWARE_LOOPBACK", "phys_address": "02:00:00:00:00"}"#,
        &["phys_address", "02:00:00:00:00"],
    ),
    (
        "config/vpp/v2/interfaces/n7",
        r#"{"name": "n7", "type": "VXLAN_TUNNEL", "vxlan": {"src_address": "10.0.0.1", "dst_address": "10.0.0.2", "vni": 99999999}}"#,
        &["vni", "99999999"],
    ),
    (
        "config/vpp/l2/v2/fib/bd1/mac/02:00:00:00:00:01",
        r#"{"phys_address": "02:00:00:00:00:01", "bridge_domain": "bd1", "action": 7}"#,
        &["action", "7"],
    ),
    // No JSON at all.
    ("config/vpp/v2/interfaces/j1", "\u{0}\u{1}\u{2}", &["j1"]),
];

pub(crate) fn statements(kind: Kind) {
    let scene = Scene::new(kind, "26.06");
    scene.server.put_loopback("good1");
    for (key, value, _) in STATEMENTS {
        scene.server.put(&full(key), value);
    }
    // What is too large for any value; Consul takes none over 512 KiB itself.
    let consul = kind == Kind::Consul;
    let long = "x".repeat(if consul { 500 << 10 } else { 10 << 20 });
    let large = format!(r#"{{"name": "large", "type": "SOFTWARE_LOOPBACK", "phys_address": "{long}"}}"#);
    scene.server.put(&full("config/vpp/v2/interfaces/large"), &large);
    scene.server.put_loopback("good2");
    scene.wait_tags(&["good1", "good2"], "beside what is wrong");

    let log = scene.stage.wait("the last complaint", || {
        Some(scene.stage.log()).filter(|log| log.contains("interfaces/large"))
    });
    let values = scene.stage.wait("all states", || {
        let values = scene.stage.stated("");
        let invalid = values.iter().filter(|(_, state, _)| state == "INVALID").count();
        (invalid > STATEMENTS.len()).then_some(values)
    });
    let error_of = |key: &str| {
        let found = values.iter().find(|(known, ..)| known == key || *known == full(key));
        let (_, state, error) = found.unwrap_or_else(|| panic!("nothing of {key:?} in {values:#?}"));
        assert_eq!(state, "INVALID", "{key}: {error}");
        error
    };
    let of_large: &[&str] = if consul { &["phys_address"] } else { &["10485826", "4194304"] };
    let large: (&str, &str, &[&str]) = ("config/vpp/v2/interfaces/large", "", of_large);
    for (key, _, words) in STATEMENTS.into_iter().chain([large]) {
        let error = error_of(key);
        assert!(error.len() < 2000, "{key}: {} bytes", error.len());
        for word in words {
            assert!(error.contains(word), "{key}: no {word:?} in {error:?}");
        }
        // What cannot be read has a place; what can be and breaks a rule has the field.
        let begins = [scene.server.kind.name(), "ip_addresses", "phys_address", "vxlan", "action"]
            .iter()
            .any(|start| error.starts_with(start));
        assert!(begins, "{error}");
        let shown = error.chars().take(120).collect::<String>();
        assert!(log.contains(&shown) || key.contains('\u{1}'), "{key}: {shown:?} is not in the log");
    }
    // All of it goes without a trace.
    for (key, ..) in STATEMENTS {
        scene.server.delete(&full(key));
    }
    scene.server.delete(&full("config/vpp/v2/interfaces/large"));
    scene.stage.wait("nothing wrong any more", || {
        scene.stage.stated("").iter().all(|(_, state, _)| state != "INVALID").then_some(())
    });
    assert_eq!(tags(scene.vpp()), ["good1", "good2"]);
}

/// What a model takes and VPP cannot have is told, too.
pub(crate) fn values_that_cannot_be() {
    let scene = Scene::new(Kind::Etcd, "26.06");
    let interface = |name: &str, rest: &str| {
        let value = format!(r#"{{"name": "{name}", "enabled": true, {rest}}}"#);
        (full(&format!("config/vpp/v2/interfaces/{name}")), Some(value))
    };
    let sub = |parent: &str, id: u32| {
        format!(r#""type": "SUB_INTERFACE", "sub": {{"parent_name": "{parent}", "sub_id": {id}}}"#)
    };
    let long = "l".repeat(200);
    let loopback = r#""type": "SOFTWARE_LOOPBACK""#;
    scene.server.change(&[
        // Each other's parents, and its own.
        interface("a", &sub("b", 1)),
        interface("b", &sub("a", 1)),
        interface("own", &sub("own", 1)),
        // Names.
        interface("with/slash", loopback),
        interface("slash/at/end/", loopback),
        interface("weiß ☃ 界", loopback),
        interface("ends with space ", loopback),
        interface(&long, loopback),
        interface("..", loopback),
        interface("good", loopback),
        interface("good.5", &sub("good", 5)),
    ]);
    let good = ["ends with space ", "good", "good.5", "weiß ☃ 界", "with/slash"];
    scene.wait_tags(&good, "whatever else there is");
    let states = scene.stage.wait("states", || {
        let states = scene.stage.stated("config/vpp/v2/interfaces/");
        let well = states.iter().filter(|(_, state, _)| state == "CONFIGURED").count();
        (well >= good.len()).then_some(states)
    });
    let state = |name: &str| {
        let key = format!("config/vpp/v2/interfaces/{name}");
        let found = states.iter().find(|(known, ..)| *known == key);
        found.map(|(_, state, error)| (state.as_str(), error.as_str())).unwrap()
    };
    for name in ["a", "b", "own"] {
        assert_ne!(state(name).0, "CONFIGURED", "{name}");
    }
    let (of_long, error) = state(&long);
    assert!(of_long == "INVALID" && error.contains("63"), "{of_long}: {error}");
    // Keys are paths, and cleaned as such: these names can have none.
    for name in ["..", "slash/at/end/"] {
        let (state, error) = state(name);
        assert!(state == "INVALID" && error.contains("slash"), "{name}: {state} {error}");
    }
    for name in good {
        assert_eq!(state(name), ("CONFIGURED", ""), "{name}");
    }
    // None of it hinders what comes next, and all of it goes.
    let names = ["a", "b", "own", &long, "..", "slash/at/end/"].into_iter().chain(good);
    let all: Vec<_> =
        names.map(|name| (full(&format!("config/vpp/v2/interfaces/{name}")), None::<&str>)).collect();
    scene.server.change(&all);
    scene.wait_tags(&[], "after all was deleted");
    scene.stage.wait("no values", || scene.stage.stated("").is_empty().then_some(()));
    assert_eq!(scene.vpp().died(), None);
}

/// Masses of keys that mean nothing: some are there before the agent is, some come and go while it runs.
pub(crate) fn many(kind: Kind) {
    // Consul tells all keys with each change.
    let (there, more) = match kind {
        Kind::Etcd => (30_000, 4_000),
        Kind::Redis => (10_000, 4_000),
        Kind::Consul => (1_000, 1_000),
    };
    let garbage = |i: usize| match i % 20 {
        0 => (full(&format!("garbage/{i}")), "x"),
        1 => (full(&format!("config/nothing/v1/like/this/{i}")), "{}"),
        2..12 => (full(&format!("config/vpp/v2/interfaces/garbage{i}")), "{"),
        _ => (full(&format!("config/vpp/v2/interfaces/garbage{i}")), r#"{"name": "other"}"#),
    };
    let all: Vec<_> = (0..there + more).map(garbage).collect();
    let puts: Vec<_> = all.iter().map(|(key, value)| (key, Some(value))).collect();
    let server = Server::start(kind);
    server.change(&puts[..there]);
    server.put_loopback("before");
    let (file, text) = server.setting();
    let mut scene = Scene::with(server, Stage::bare().setting(file, &text), "26.06");
    scene.wait_tags(&["before"], "beside those that mean nothing");
    scene.server.change(&puts[there..]);
    scene.server.put_loopback("between");
    scene.wait_tags(&["before", "between"], "beside more of those");
    let invalid =
        |scene: &Scene| scene.stage.stated("").iter().filter(|(_, state, _)| state == "INVALID").count();
    assert_eq!(invalid(&scene), there + more);
    let log = scene.stage.log();
    assert!(log.contains("more statements that cannot be taken"), "{}", crate::common::tail(&log));
    assert!(log.len() < 20 << 20, "{} bytes of log", log.len());
    scene.stage.kill();
    let deletes: Vec<_> = all.iter().map(|(key, _)| (key, None::<&str>)).collect();
    scene.server.change(&deletes[more..]);
    scene.stage.start();
    scene.server.delete_loopback("before");
    scene.wait_tags(&["between"], "after a restart of the agent");
    scene.stage.wait("the rest of what is wrong", || (invalid(&scene) == more).then_some(()));
    scene.server.change(&deletes[..more]);
    scene.stage.wait("nothing wrong", || (invalid(&scene) == 0).then_some(()));
    scene.server.put_loopback("later");
    scene.wait_tags(&["between", "later"], "after they are gone");
}

/// A socket that is none, until a VPP is there.
pub(crate) fn socket_that_is_a_directory() {
    let mut stage = Stage::new("config/vpp/v2/interfaces/if1: {name: if1, type: SOFTWARE_LOOPBACK}\n");
    std::fs::create_dir(stage.socket()).unwrap();
    stage.start();
    let path = stage.socket().display().to_string();
    let told = stage.wait("word of the socket", || {
        let answer = stage.ask(&control::Request::Info).unwrap();
        Some(answer["vpp"].as_str().unwrap().to_owned()).filter(|why| why.contains("socket"))
    });
    assert!(told.contains(&path), "{told}");
    stage.wait_log("not a socket");
    std::fs::remove_dir(stage.socket()).unwrap();
    let vpp = stage.vpp("22.06", Options::new(api_json()));
    stage.wait("interface", || (tags(&vpp) == ["if1"]).then_some(()));
    // And one behind which there is no VPP.
    let vpp = vpp.restart_as(release("22.10"), Options::new(api_json())).unwrap();
    stage.wait("interface", || (tags(&vpp) == ["if1"]).then_some(()));
    assert!(stage.runs());
}

/// Endpoints behind which there is something else than the store, next to a source that works.
pub(crate) fn endpoints_that_are_something_else() {
    let strangers: [&[u8]; 3] = [
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
    ];
    for (at, what) in strangers.into_iter().enumerate() {
        let (port, _) = RUNTIME.block_on(stranger(Stranger::Says { first: false, what }));
        for (file, text) in Kind::ALL.map(|kind| kind.setting(port)) {
            let source = "config/vpp/v2/interfaces/if1: {name: if1, type: SOFTWARE_LOOPBACK}\n";
            let mut stage = Stage::new(source).setting(file, &text);
            let vpp = stage.vpp("26.02", Options::new(api_json()));
            stage.start();
            stage.wait("interface", || (tags(&vpp) == ["if1"]).then_some(()));
            stage.wait_log("store lost");
            let log = stage.log();
            let line = log.lines().find(|line| line.contains("store lost")).unwrap();
            assert!(line.contains(&format!("127.0.0.1:{port}")), "{at} {file}: {line}");
            stage.write(&source.replace("if1", "if2"));
            stage.wait("other interface", || (tags(&vpp) == ["if2"]).then_some(()));
            assert!(stage.runs());
        }
    }
}

/// etcd's port with Redis on it, and the other way round.
pub(crate) fn stores_in_each_others_place() {
    let [etcd, redis] = [Server::start(Kind::Etcd), Server::start(Kind::Redis)];
    for (right, wrong) in [(&etcd, &redis), (&redis, &etcd)] {
        let (file, text) = right.setting();
        let (other_file, other_text) = wrong.kind.setting(right.port);
        let stage = Stage::bare().setting(file, &text).setting(other_file, &other_text);
        let server = Server::start(right.kind);
        // The server of the scene is not the one that is followed.
        let scene = Scene::with(server, stage, "26.02");
        right.put_loopback("if1");
        scene.wait_tags(&["if1"], "from the right one");
        scene.stage.wait_log("store lost");
        let log = scene.stage.log();
        let line = log.lines().find(|line| line.contains("store lost")).unwrap();
        assert!(line.contains(wrong.kind.name()), "{line}");
    }
}

/// Tabs, where YAML has none.
pub(crate) fn tabs() {
    let good = "config/vpp/v2/interfaces/if1:\n  name: if1\n  type: SOFTWARE_LOOPBACK\n";
    let mut stage = Stage::new(good);
    let vpp = stage.vpp("26.02", Options::new(api_json()));
    stage.start();
    stage.wait("interface", || (tags(&vpp) == ["if1"]).then_some(()));
    stage.write("config/vpp/v2/interfaces/if2:\n\tname: if2\n\ttype: SOFTWARE_LOOPBACK\n");
    stage.wait_log("what was configured stays");
    let log = stage.log();
    let line = log.lines().find(|line| line.contains("what was configured stays")).unwrap();
    assert!(line.contains("config.yaml") && line.contains("tab") && line.contains('2'), "{line}");
    assert_eq!(tags(&vpp), ["if1"]);
    stage.write(&good.replace("if1", "if2"));
    stage.wait("other interface", || (tags(&vpp) == ["if2"]).then_some(()));
}
