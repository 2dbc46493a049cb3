//! Agents that are killed, or told to end, at any moment.

use std::collections::BTreeMap;
use std::time::Duration;

use vpp_sim::Options;

use crate::common::{Stage, api_json, tags};
use crate::configuration::{Stated, everything, full, numbers};
use crate::scene::{Scene, loopback};
use crate::servers::{Kind, Server};
use crate::view;

/// How often the agent is killed.
const KILLS: usize = 50;

/// An agent is killed at any point of anything, again and again, while the configuration changes. Each time VPP comes
/// to have what it has where another agent, which is let live, does the same; and what others made stays.
pub(crate) fn agent() {
    let mut numbers = numbers();
    let mut all = everything();
    // A neighbour that is not static is VPP's to forget, and it does when the address of its interface goes.
    all.retain(|stated| !stated.key.starts_with("config/vpp/v2/arp/") || stated.json["static"] == true);
    let mut scene = Scene::new(Kind::Etcd, "23.06");
    let (file, text) = scene.server.setting();
    let mut other = Stage::bare().setting(file, &text);
    let other_vpp = other.vpp("23.06", Options::new(api_json()));
    let theirs = view::foreign(&scene.stage.socket());
    view::foreign(&other.socket());
    other.start();
    let mut wanted = vec![false; all.len()];
    for round in 0..KILLS {
        let kill_after = Duration::from_micros(numbers.u64(0..60_000));
        let killer = std::thread::scope(|scope| {
            let killer = scope.spawn(|| {
                std::thread::sleep(kill_after);
                scene.stage.kill();
            });
            for _ in 0..numbers.usize(1..12) {
                change(&all, &mut wanted, &scene.server, &mut numbers);
                if numbers.bool() {
                    std::thread::sleep(Duration::from_micros(numbers.u64(0..8000)));
                }
            }
            killer.join()
        });
        killer.unwrap();
        scene.stage.start();
        // Sometimes it dies again while it looks at what is there.
        if numbers.u8(0..4) == 0 {
            std::thread::sleep(Duration::from_micros(numbers.u64(0..120_000)));
            scene.stage.kill();
            scene.stage.start();
        }
        // Both have heard all when they have this one.
        let last = format!("round{round:02}");
        scene.server.put_loopback(&last);
        for vpp in [scene.vpp(), &other_vpp] {
            scene.stage.wait(&last, || tags(vpp).contains(&last).then_some(()));
        }
        same(&scene.stage, &other, &format!("round {round}, killed after {kill_after:?}"));
        assert_eq!(scene.vpp().died(), None);
        let missing = view::missing(&theirs, &view::picture(&scene.stage.socket()));
        assert!(missing.is_empty(), "round {round}: {}", missing.join("\n"));
        scene.server.delete_loopback(&last);
    }
    for stated in &all {
        scene.server.delete(&stated.stored());
    }
    scene.wait_tags(&["theirs"], "after all was deleted");
    let mut extra = Vec::new();
    let gone = crate::common::wait("what was there before", || {
        let found = view::picture(&scene.stage.socket());
        extra = found.into_iter().filter(|(what, how)| theirs.get(what) != Some(how)).collect();
        extra.iter().all(|(_, how)| nobodys(how)).then_some(())
    });
    assert!(gone.is_ok(), "{extra:#?}\n{}", scene.stage.log());
    println!("{} interfaces were left without a name by {KILLS} kills", extra.len());
    // Each is one kill that fell between two requests.
    assert!(extra.len() < KILLS / 4, "{extra:#?}");
}

/// An interface that an agent was killed over before it could name it, and that nobody has asked for since: it cannot
/// be told from one that somebody else is about to set up, and stays.
fn nobodys(interface: &str) -> bool {
    ["tag: \"\"", "admin_up: false", "addresses: []", "unnumbered: None"]
        .iter()
        .all(|part| interface.contains(part))
}

/// Whether it is VPP's own entry for the other end of a tunnel that is nobody's.
fn is_of_nobodys(key: &str, value: &str, all: &BTreeMap<String, String>) -> bool {
    let Some((_, end)) = key.split_once("/dst/").filter(|_| value.contains("type:DROP")) else {
        return false;
    };
    let end = end.trim_end_matches("/128").trim_end_matches("/32");
    all.iter().any(|(what, how)| {
        what.starts_with("interface") && nobodys(how) && how.contains(&format!("dst: {end}"))
    })
}

/// Puts or deletes one of the values.
fn change(all: &[Stated], wanted: &mut [bool], server: &Server, numbers: &mut fastrand::Rng) {
    let at = numbers.usize(0..all.len());
    // Twice as many come as go.
    wanted[at] = !wanted[at] || numbers.bool();
    let value = wanted[at].then(|| all[at].json.to_string());
    server.change(&[(all[at].stored(), value)]);
}

/// Waits until two VPPs have the same, and their agents say the same of it.
#[track_caller]
fn same(one: &Stage, other: &Stage, when: &str) {
    let states = |stage: &Stage| -> Vec<(String, String)> {
        let values = stage.stated("config/").into_iter();
        values.map(|(key, state, _)| (key, state)).collect()
    };
    let mut last = String::new();
    let late = crate::common::wait("the same", || {
        let [mut found, expected] = [one, other].map(|stage| view::models(&stage.socket()));
        let left = view::picture(&one.socket());
        found.retain(|key, value| !is_of_nobodys(key, value, &left));
        let [mine, theirs] = [one, other].map(states);
        last = format!("{}\n{mine:?}\n{theirs:?}", view::differences(&found, &expected));
        let done = mine.iter().all(|(_, state)| state == "CONFIGURED" || state == "PENDING");
        (found == expected && mine == theirs && done).then_some(())
    });
    assert!(late.is_ok(), "{when}: {last}\n{}", crate::common::tail(&one.log()));
}

/// The agent ends within two seconds whatever goes on, and what is configured stays.
pub(crate) fn ends_in_time() {
    for busy in ["idle", "VPP stalls", "the store is dead", "much to do"] {
        let mut scene = Scene::new(Kind::Etcd, "24.10");
        scene.server.put_loopback("if1");
        scene.wait_tags(&["if1"], busy);
        match busy {
            "VPP stalls" => {
                scene.vpp().stall(Duration::from_secs(4));
                scene.server.put_loopback("if2");
                std::thread::sleep(Duration::from_millis(100));
            }
            "the store is dead" => scene.server.kill(),
            "much to do" => {
                let many: Vec<_> = (0..3000).map(|i| loopback(&format!("many{i}"))).collect();
                let changes: Vec<_> = many.iter().map(|(key, value)| (key, Some(value))).collect();
                scene.server.change(&changes);
                scene.stage.wait("some", || (tags(scene.vpp()).len() > 20).then_some(()));
            }
            _ => {}
        }
        let began = std::time::Instant::now();
        let status = scene.stage.terminate();
        assert!(status.success(), "{busy}: {status:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{busy}: {:?}", began.elapsed());
        assert!(tags(scene.vpp()).contains(&"if1".to_owned()), "{busy}");
        assert!(!scene.stage.path("state/agent.sock").exists(), "{busy}");
    }
}

/// A bridge domain of the agent is deleted by somebody else, and a resync brings it back.
pub(crate) fn mended_on_demand() {
    let scene = Scene::new(Kind::Etcd, "24.10");
    scene.server.put_loopback("if1");
    let bd = r#"{"name": "bd1", "forward": true, "interfaces": [{"name": "if1"}]}"#;
    scene.server.put(&full("config/vpp/l2/v2/bridge-domain/bd1"), bd);
    scene.stage.wait("both", || {
        (scene.stage.stated("config/").len() == 2 && scene.stage.unwell().is_empty()).then_some(())
    });
    let expected = scene.models();
    let index = scene.vpp().sim().state().interfaces.iter().find(|i| i.tag == "if1").unwrap().sw_if_index;
    crate::common::ask(scene.vpp(), "delete_loopback", serde_json::json!({"sw_if_index": index}));
    scene.stage.ask(&control::Request::Resync).unwrap();
    scene.wait_models(&expected, "after a resync");
}
