//! Stores that come, go, forget, and have nonsense in them.

use control::Request;
use doubles::Proxy;
use serde_json::{Value, json};

use crate::common::{Stage, api_json, configuration_messages, tags};
use crate::configuration::full;
use crate::scene::{Scene, loopback};
use crate::servers::{Kind, RUNTIME, Server, embedded};

/// An agent that follows a store through a proxy.
fn through_proxy(kind: Kind) -> (Scene, Proxy) {
    let server = Server::start(kind);
    let proxy = RUNTIME.block_on(Proxy::to(server.port));
    let (file, text) = kind.setting(proxy.port);
    (Scene::with(server, Stage::bare().setting(file, &text), "24.02"), proxy)
}

pub(crate) fn put_change_and_delete(kind: Kind) {
    let scene = Scene::new(kind, "24.02");
    scene.server.put_loopback("if1");
    scene.wait_tags(&["if1"], "after a put");
    let (key, value) = loopback("if1");
    scene.server.put(&key, &value.replace("true", "true, \"mtu\": 1234"));
    scene.stage.wait("another MTU", || scene.models().values().any(|v| v.contains("mtu:1234")).then_some(()));
    let messages = configuration_messages(scene.vpp());
    // The same once more, spelled in another way.
    scene.server.put(&key, &value.replace("true", "true,\n  \"mtu\": 1234"));
    scene.server.put_loopback("if2");
    scene.wait_tags(&["if1", "if2"], "after the next put");
    let keys_of = |transaction: &Value| -> Vec<String> {
        let all = transaction["executed"].as_array().unwrap().iter();
        all.map(|op| op["key"].as_str().unwrap().to_owned()).collect()
    };
    let of_if2 = scene.stage.wait("transaction of the next put", || {
        let last = keys_of(scene.stage.transactions().last()?);
        last.iter().any(|key| key.contains("if2")).then_some(last)
    });
    assert!(!of_if2.iter().any(|key| key.contains("if1")), "{of_if2:?}");
    assert!(configuration_messages(scene.vpp()) > messages);
    scene.server.delete_loopback("if1");
    scene.wait_tags(&["if2"], "after a delete");
    // Many at once.
    let many: Vec<_> = (0..250).map(|i| loopback(&format!("many{i:03}"))).collect();
    let changes: Vec<_> = many.iter().map(|(key, value)| (key, Some(value))).collect();
    scene.server.change(&changes);
    scene.stage.wait("250 more", || (tags(scene.vpp()).len() == 251).then_some(()));
    let changes: Vec<_> = many.iter().map(|(key, _)| (key, None::<&str>)).collect();
    scene.server.change(&changes);
    scene.wait_tags(&["if2"], "after many deletes");
}

/// Cut off, an agent keeps what is; then it learns what has changed, also what etcd has forgotten the history of.
pub(crate) fn partition(kind: Kind) {
    let (scene, proxy) = through_proxy(kind);
    for name in ["if1", "if2"] {
        scene.server.put_loopback(name);
    }
    scene.wait_tags(&["if1", "if2"], "at first");
    for (round, gone) in ["if1", "if2"].iter().enumerate() {
        let messages = configuration_messages(scene.vpp());
        let lost = scene.stage.log().matches("store lost").count();
        proxy.cut();
        scene.stage.wait("word of the loss", || {
            (scene.stage.log().matches("store lost").count() > lost).then_some(())
        });
        scene.server.delete_loopback(gone);
        scene.server.put_loopback(&format!("new{round}"));
        if kind == Kind::Etcd {
            scene.server.put_loopback("passing");
            scene.server.delete_loopback("passing");
            scene.server.compact();
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(tags(scene.vpp()).contains(&(*gone).to_owned()));
        assert_eq!(configuration_messages(scene.vpp()), messages, "while it is cut off");
        proxy.mend();
        let expected: &[&str] = if round == 0 { &["if2", "new0"] } else { &["new0", "new1"] };
        scene.wait_tags(expected, "after it is mended");
    }
    // What was not touched stayed as it was.
    assert_eq!(scene.stage.unwell(), []);
}

/// How it stands with a source, and why.
fn source(scene: &Scene) -> (String, String) {
    let info = scene.stage.ask(&Request::Info).unwrap();
    let source = &info["sources"][scene.server.kind.name()];
    let text = |field: &str| source[field].as_str().unwrap_or_default().to_owned();
    (text("state"), text("error"))
}

/// The network loses every packet and nobody hangs up: that is noticed, and else as in any partition.
pub(crate) fn silence(kind: Kind) {
    let server = Server::start(kind);
    let proxy = RUNTIME.block_on(Proxy::to(server.port));
    let (file, text) = kind.setting(proxy.port);
    let stage = Stage::bare().setting(file, &(text + kind.impatient()));
    let mut scene = Scene::with(server, stage.variable("ENABLE_STATUS_PUBLISHING", "1"), "24.02");
    let of_if3 = |mtu: u32| {
        let (key, value) = loopback("if3");
        scene.server.put(&key, &value.replace("true", &format!("true, \"mtu\": {mtu}")));
    };
    let mtu = |scene: &Scene| scene.models().remove("config/vpp/v2/interfaces/if3").unwrap();
    for name in ["if1", "if2"] {
        scene.server.put_loopback(name);
    }
    of_if3(1111);
    scene.wait_tags(&["if1", "if2", "if3"], "at first");
    assert_eq!(source(&scene).0, "followed");

    proxy.swallow();
    scene.server.delete_loopback("if1");
    scene.server.put_loopback("new");
    of_if3(2222);
    if kind == Kind::Etcd {
        scene.server.compact();
    }
    let messages = configuration_messages(scene.vpp());
    let why = scene.stage.wait("word of the silence", || {
        let (state, why) = source(&scene);
        (state == "away").then_some(why)
    });
    assert!(why.contains(&format!("127.0.0.1:{}", proxy.port)), "{why}");
    assert!(why.contains("cannot be reached"), "{why}");
    scene.stage.wait_log("store lost");
    assert_eq!(scene.stage.unwell(), []);
    assert_eq!(configuration_messages(scene.vpp()), messages, "while the store is silent");
    // A VPP that comes back gets what the store said last; an agent that comes back touches nothing.
    scene.vpp = Some(scene.vpp.take().unwrap().restart().unwrap());
    scene.wait_tags(&["if1", "if2", "if3"], "on a new VPP, while the store is silent");
    let messages = configuration_messages(scene.vpp());
    scene.stage.kill();
    scene.stage.start();
    scene.stage.wait("word of the silence", || (source(&scene).0 == "away").then_some(()));
    assert_eq!(configuration_messages(scene.vpp()), messages, "after a restart of the agent");

    proxy.mend();
    scene.wait_tags(&["if2", "if3", "new"], "after it is mended");
    scene.stage.wait("the other MTU", || mtu(&scene).contains("mtu:2222").then_some(()));
    assert_eq!(source(&scene), ("followed".to_owned(), String::new()));
    assert_eq!(scene.stage.unwell(), []);
    let state = full("config-status/vpp/v2/interfaces/new");
    scene.stage.wait("its state in the store", || {
        scene.server.get(&state).filter(|text| text.contains("CONFIGURED")).map(drop)
    });
}

/// The store is killed; VPP and the agent are restarted meanwhile, and nothing is lost.
pub(crate) fn restart(kind: Kind) {
    let mut scene = Scene::new(kind, "24.02");
    for name in ["if1", "if2"] {
        scene.server.put_loopback(name);
    }
    scene.wait_tags(&["if1", "if2"], "at first");
    scene.server.kill();
    scene.stage.wait_log("store lost");
    assert_eq!(tags(scene.vpp()), ["if1", "if2"]);
    // A VPP that comes back gets what the store said last.
    scene.vpp = Some(scene.vpp.take().unwrap().restart().unwrap());
    scene.wait_tags(&["if1", "if2"], "on a new VPP, without the store");
    // An agent that comes back touches nothing before the store has spoken.
    let messages = configuration_messages(scene.vpp());
    scene.stage.kill();
    scene.stage.start();
    scene.stage.wait("second word of the loss", || {
        (scene.stage.log().matches("store lost").count() >= 2).then_some(())
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(scene.stage.runs());
    assert_eq!(configuration_messages(scene.vpp()), messages, "without the store");
    scene.server.run();
    scene.server.delete_loopback("if2");
    scene.server.put_loopback("if3");
    scene.wait_tags(&["if1", "if3"], "with the store again");
    // A store that has lost its data wants nothing.
    scene.server.kill();
    scene.server.wipe();
    scene.server.run();
    scene.wait_tags(&[], "with an empty store");
    scene.server.put_loopback("if4");
    scene.wait_tags(&["if4"], "after the first put");
}

/// What cannot be read is told, and concerns its key alone.
pub(crate) fn garbage(kind: Kind) {
    let scene = Scene::new(kind, "24.02");
    scene.server.put_loopback("if1");
    scene.wait_tags(&["if1"], "at first");
    let key = "config/vpp/v2/interfaces/if1";
    for (value, said) in [
        ("{\"name\": \"if1\",\n \"type\": SOFT}", "line 2"),
        ("", "empty"),
        ("[]", "config/vpp/v2/interfaces/if1"),
        ("{\"name\": \"if1\", \"name\": \"if1\"}", "name"),
        ("null", "config/vpp/v2/interfaces/if1"),
        ("{\"name\": \"if1\", \"colour\": 1}", "colour"),
    ] {
        scene.server.put(&full(key), value);
        let error = scene.stage.wait(&format!("complaint about {value}"), || {
            let invalid = scene.stage.stated(key).into_iter().find(|(_, state, _)| state == "INVALID")?;
            invalid.2.contains(said).then_some(invalid.2)
        });
        assert!(error.contains(key), "{error}");
        scene.stage.wait_log(&error);
        assert_eq!(tags(scene.vpp()), ["if1"], "{value}");
    }
    scene.server.put_loopback("if2");
    scene.wait_tags(&["if1", "if2"], "beside what cannot be read");
    // Mended, it is as if nothing had been.
    scene.server.put_loopback("if1");
    scene.stage.wait("good states", || scene.stage.unwell().is_empty().then_some(()));
    scene.server.put(&full(key), "{");
    scene.stage.wait("complaint", || (scene.stage.unwell().len() == 1).then_some(()));
    scene.server.delete_loopback("if1");
    scene.wait_tags(&["if2"], "after what cannot be read is deleted");
    assert_eq!(scene.stage.unwell(), []);
}

fn kv(stage: &Stage, key: &str, value: Option<Value>) -> Result<Value, String> {
    let key = key.to_owned();
    stage.ask(&value.map_or(Request::KvDelete { key: key.clone() }, |value| Request::KvPut { key, value }))
}

/// The embedded store, through the agent that has it.
pub(crate) fn embedded_store() {
    let mut stage = Stage::bare();
    let vpp = stage.vpp("24.02", vpp_sim::Options::new(api_json()));
    stage.start();
    let tag = |expected: &[&str], when: &str| {
        let so = || (tags(&vpp) == expected).then_some(());
        crate::common::wait(&format!("{expected:?} {when}"), so).unwrap();
    };
    let value = |name: &str| json!({"name": name, "type": "SOFTWARE_LOOPBACK", "enabled": true});
    let key = |name: &str| format!("config/vpp/v2/interfaces/{name}");
    for name in ["if1", "if2"] {
        kv(&stage, &key(name), Some(value(name))).unwrap();
    }
    tag(&["if1", "if2"], "after puts");
    kv(&stage, &key("if1"), None).unwrap();
    tag(&["if2"], "after a delete");
    // What makes no sense is refused at once.
    for (at, bad, said) in [
        (key("if3"), json!({"name": "if4"}), "if4"),
        (key("if3"), json!({"name": "if3", "colour": 1}), "colour"),
        (key("if3"), json!("text"), "if3"),
        ("config/vpp/v2/interfces/if3".to_owned(), json!({}), "interfces"),
    ] {
        let refused = kv(&stage, &at, Some(bad)).unwrap_err();
        assert!(refused.contains(said), "{refused}");
        assert_eq!(stage.ask(&Request::KvGet { key: at }).unwrap(), Value::Null);
    }
    // Killed and started again over what it has.
    let (messages, seen) = (configuration_messages(&vpp), stage.transactions().len());
    stage.kill();
    stage.start();
    stage.operations(seen);
    assert_eq!(configuration_messages(&vpp), messages);
    kv(&stage, &key("if5"), Some(value("if5"))).unwrap();
    tag(&["if2", "if5"], "after the restart");
    // A file that is no store: told, and nothing is touched.
    stage.kill();
    let (file, kept) = (embedded(stage.path("state")), stage.path("kept"));
    std::fs::rename(&file, &kept).unwrap();
    std::fs::write(&file, "this is no store").unwrap();
    let messages = configuration_messages(&vpp);
    let before = stage.log().len();
    stage.start();
    stage.wait("word of the file", || {
        stage.log().get(before..)?.contains(&file.display().to_string()).then_some(())
    });
    let refused = kv(&stage, &key("if6"), Some(value("if6"))).unwrap_err();
    assert!(refused.contains("store.redb"), "{refused}");
    assert!(stage.runs());
    assert_eq!(configuration_messages(&vpp), messages);
    stage.kill();
    std::fs::rename(&kept, &file).unwrap();
    stage.start();
    kv(&stage, &key("if6"), Some(value("if6"))).unwrap();
    tag(&["if2", "if5", "if6"], "with the store again");
}
