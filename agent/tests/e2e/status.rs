//! What the agent says of itself in its stores.

use serde_json::Value;

use crate::common::Stage;
use crate::configuration::full;
use crate::scene::Scene;
use crate::servers::{Kind, Server};

const STATES: &str = "config-status/vpp/v2/interfaces/";
const INTERFACES: &str = "vpp/status/v2/interface/";

fn json(scene: &Scene, key: &str) -> Option<Value> {
    scene.server.get(&full(key)).map(|text| serde_json::from_str(&text).unwrap())
}

#[track_caller]
fn wait(scene: &Scene, key: &str, pointer: &str, expected: &str) {
    let mut last = None;
    let late = crate::common::wait(key, || {
        last = json(scene, key);
        (last.as_ref()?.pointer(pointer)?.as_str()? == expected).then_some(())
    });
    assert!(late.is_ok(), "{key} {pointer} is not {expected} in {last:?}: {}", scene.stage.log());
}

#[track_caller]
fn wait_gone(scene: &Scene, key: &str) {
    scene.stage.wait(&format!("end of {key}"), || scene.server.get(&full(key)).is_none().then_some(()));
}

/// The state of each value, with its error, as long as somebody states it.
pub(crate) fn values(kind: Kind) {
    let server = Server::start(kind);
    let (file, text) = server.setting();
    let stage = Stage::bare().setting(file, &text).variable("ENABLE_STATUS_PUBLISHING", "1");
    let mut scene = Scene::with(server, stage, "25.06");
    scene.server.put_loopback("if1");
    wait(&scene, &format!("{STATES}if1"), "/value/state", "CONFIGURED");
    let sub = r#"{"name": "s", "type": "SUB_INTERFACE", "sub": {"parent_name": "p", "sub_id": 1}}"#;
    scene.server.put(&full("config/vpp/v2/interfaces/s"), sub);
    wait(&scene, &format!("{STATES}s"), "/value/state", "PENDING");
    scene.server.put_loopback("p");
    wait(&scene, &format!("{STATES}s"), "/value/state", "CONFIGURED");
    scene.server.put(&full("config/vpp/v2/interfaces/bad"), r#"{"name": "bad", "colour": 1}"#);
    wait(&scene, &format!("{STATES}bad"), "/value/state", "INVALID");
    let told = json(&scene, &format!("{STATES}bad")).unwrap();
    assert!(told.pointer("/value/error").unwrap().as_str().unwrap().contains("colour"), "{told}");
    // What is written is not taken for configuration.
    let others: Vec<_> =
        scene.stage.stated("").into_iter().filter(|(key, ..)| key.contains("status")).collect();
    assert_eq!(others, []);
    scene.server.delete(&full("config/vpp/v2/interfaces/bad"));
    wait_gone(&scene, &format!("{STATES}bad"));
    scene.server.delete_loopback("if1");
    wait_gone(&scene, &format!("{STATES}if1"));
    // It goes with the agent; what is configured does not.
    assert!(scene.stage.terminate().success());
    wait_gone(&scene, &format!("{STATES}p"));
    assert!(json(&scene, "config/vpp/v2/interfaces/p").is_some());
    assert_eq!(crate::common::tags(scene.vpp()), ["p", "s"]);
}

/// Whether interfaces are up, in the stores that the settings name.
pub(crate) fn interfaces(kind: Kind) {
    let server = Server::start(kind);
    let (file, text) = server.setting();
    let publishers = format!("status-publishers: [{}]\n", kind.name());
    let stage = Stage::bare().setting(file, &text).setting("vpp-ifplugin.conf", &publishers);
    let mut scene = Scene::with(server, stage, "25.06");
    scene.server.put_loopback("if1");
    let key = format!("{INTERFACES}if1");
    wait(&scene, &key, "/admin_status", "UP");
    wait(&scene, &key, "/oper_status", "UP");
    let told = json(&scene, &key).unwrap();
    assert_eq!(told["name"], "if1");
    assert_eq!(told["internal_name"], "loop0");
    assert_eq!(told["type"], "SOFTWARE_LOOPBACK");
    let tap = r#"{"name": "tap1", "type": "TAP", "enabled": true, "tap": {}}"#;
    scene.server.put(&full("config/vpp/v2/interfaces/tap1"), tap);
    let key = format!("{INTERFACES}tap1");
    wait(&scene, &key, "/oper_status", "UP");
    let index = scene.vpp().sim().state().interfaces.iter().find(|i| i.tag == "tap1").unwrap().sw_if_index;
    scene.vpp().set_link(index, false);
    wait(&scene, &key, "/oper_status", "DOWN");
    wait(&scene, &key, "/admin_status", "UP");
    scene.server.put(&full("config/vpp/v2/interfaces/tap1"), &tap.replace("true", "false"));
    wait(&scene, &key, "/admin_status", "DOWN");
    scene.server.delete(&full("config/vpp/v2/interfaces/tap1"));
    wait_gone(&scene, &key);
    // A new VPP has the others, and a new agent says so.
    scene.vpp = Some(scene.vpp.take().unwrap().restart().unwrap());
    wait(&scene, &format!("{INTERFACES}if1"), "/admin_status", "UP");
    scene.stage.kill();
    wait_gone(&scene, &format!("{INTERFACES}if1"));
    scene.stage.start();
    wait(&scene, &format!("{INTERFACES}if1"), "/admin_status", "UP");
    scene.server.delete_loopback("if1");
    wait_gone(&scene, &format!("{INTERFACES}if1"));
}
