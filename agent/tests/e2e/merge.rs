//! Several stores for one agent, and several agents on one store.

use vpp_sim::Options;

use crate::common::{Stage, api_json, configuration_messages, tags};
use crate::scene::{Scene, loopback};
use crate::servers::{Kind, Server};

fn with_mtu(name: &str, mtu: u32) -> (String, String) {
    let (key, value) = loopback(name);
    (key, value.replace("true", &format!("true, \"mtu\": {mtu}")))
}

/// Of two stores with the same key one has its way; what is deleted there falls back to the other.
pub(crate) fn two_stores() {
    let mut redis = Server::start(Kind::Redis);
    let etcd = Server::start(Kind::Etcd);
    let [(etcd_file, etcd_text), (redis_file, redis_text)] = [etcd.setting(), redis.setting()];
    let stage = Stage::bare().setting(etcd_file, &etcd_text).setting(redis_file, &redis_text);
    let mut scene = Scene::with(etcd, stage, "25.02");
    let mtu = |scene: &Scene, mtu: u32, when: &str| {
        scene.stage.wait(&format!("MTU {mtu} {when}"), || {
            let found = scene.models().remove("config/vpp/v2/interfaces/if1")?;
            found.contains(&format!("mtu:{mtu}")).then_some(())
        });
    };
    let put = |server: &Server, value: u32| {
        let (key, value) = with_mtu("if1", value);
        server.put(&key, &value);
    };
    put(&redis, 1111);
    redis.put_loopback("only-redis");
    mtu(&scene, 1111, "of the one that has it");
    put(&scene.server, 2222);
    mtu(&scene, 2222, "of the one with the higher priority");
    // The other one has no say.
    put(&redis, 3333);
    redis.put_loopback("barrier");
    scene.wait_tags(&["barrier", "if1", "only-redis"], "after the change of the other one");
    mtu(&scene, 2222, "still");
    scene.server.delete_loopback("if1");
    mtu(&scene, 3333, "of the one that still has it");
    put(&scene.server, 4444);
    mtu(&scene, 4444, "again");
    redis.delete_loopback("if1");
    redis.delete_loopback("barrier");
    scene.wait_tags(&["if1", "only-redis"], "as etcd has it");
    mtu(&scene, 4444, "still");
    // One is away: what it said stands, and the other one is heard.
    scene.server.kill();
    scene.stage.wait_log("store lost");
    put(&redis, 5555);
    redis.put_loopback("if2");
    scene.wait_tags(&["if1", "if2", "only-redis"], "without etcd");
    mtu(&scene, 4444, "of a store that is away");
    scene.stage.kill();
    let messages = configuration_messages(scene.vpp());
    scene.stage.start();
    redis.put_loopback("if3");
    scene.wait_tags(&["if1", "if2", "if3", "only-redis"], "without etcd, after a restart of the agent");
    assert!(configuration_messages(scene.vpp()) > messages);
    scene.server.run();
    scene.server.delete_loopback("if1");
    mtu(&scene, 5555, "of the one that has it, in the end");
    redis.kill();
    scene.server.put_loopback("if4");
    scene.wait_tags(&["if1", "if2", "if3", "if4", "only-redis"], "without redis");
}

/// A file of settings turns the order around.
pub(crate) fn priorities() {
    let redis = Server::start(Kind::Redis);
    let etcd = Server::start(Kind::Etcd);
    let [(etcd_file, etcd_text), (redis_file, redis_text)] = [etcd.setting(), redis.setting()];
    let stage = Stage::bare()
        .setting(etcd_file, &etcd_text)
        .setting(redis_file, &redis_text)
        .setting("orchestrator.conf", "source-priorities: {redis: 100}\n");
    for (server, mtu) in [(&etcd, 2222), (&redis, 1111)] {
        let (key, value) = with_mtu("if1", mtu);
        server.put(&key, &value);
    }
    let scene = Scene::with(etcd, stage, "25.02");
    scene.stage.wait("value of redis", || {
        scene.models().get("config/vpp/v2/interfaces/if1")?.contains("mtu:1111").then_some(())
    });
}

/// Agents see their own keys only, also where the name of one begins with that of another.
pub(crate) fn labels() {
    let server = Server::start(Kind::Etcd);
    let (file, text) = server.setting();
    let names = ["vpp1", "vpp11", "vpp2"];
    let mut agents: Vec<_> = names
        .iter()
        .map(|name| {
            let stage =
                Stage::bare().label(name).setting(file, &text).variable("ENABLE_STATUS_PUBLISHING", "1");
            let vpp = stage.vpp("23.02", Options::new(api_json()));
            (stage, vpp)
        })
        .collect();
    for (stage, _) in &mut agents {
        stage.start();
    }
    for name in names {
        for interface in ["common", &format!("of-{name}")] {
            let (key, value) = loopback(interface);
            // The first one is the label.
            server.put(&key.replacen("vpp1", name, 1), &value);
        }
    }
    server.put("/vnf-agent/vpp3/config/vpp/v2/interfaces/x", "{\"name\": \"x\"}");
    let has = |at: usize, agents: &[(Stage, vpp_sim::Running)], expected: &[&str]| {
        let (stage, vpp) = &agents[at];
        stage.wait(&format!("{expected:?}"), || (tags(vpp) == expected).then_some(()));
    };
    for (at, name) in names.iter().enumerate() {
        has(at, &agents, &["common", &format!("of-{name}")]);
    }
    let messages: Vec<u64> = agents.iter().map(|(_, vpp)| configuration_messages(vpp)).collect();
    server.delete(&loopback("common").0);
    has(0, &agents, &["of-vpp1"]);
    agents[0].0.kill();
    for (at, name) in names.iter().enumerate().skip(1) {
        has(at, &agents, &["common", &format!("of-{name}")]);
        assert_eq!(configuration_messages(&agents[at].1), messages[at], "{name}");
        let of_others = agents[at].0.stated("/vnf-agent/");
        assert_eq!(of_others, [], "{name}");
    }
    // A file names the agent that an entry is for.
    let stage =
        Stage::new("/vnf-agent/vpp9/config/vpp/v2/interfaces/x: {name: x, type: SOFTWARE_LOOPBACK}\n");
    let mut stage = stage.label("vpp8");
    let _vpp = stage.vpp("23.02", Options::new(api_json()));
    stage.start();
    stage.wait_log("is for agent vpp9, this one is vpp8");
}
