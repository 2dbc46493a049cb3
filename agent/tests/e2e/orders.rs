//! The order in which a configuration is stated does not matter.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Stage, configuration_messages};
use crate::configuration::{Stated, everything, numbers, without_devices};
use crate::scene::Scene;
use crate::servers::{Kind, Server};
use crate::view;

fn keys(all: &[Stated]) -> Vec<String> {
    let mut keys: Vec<String> = all.iter().map(|stated| stated.key.clone()).collect();
    keys.sort();
    keys
}

/// Waits until all is configured.
#[track_caller]
pub(crate) fn settle(stage: &Stage, all: &[Stated]) {
    let mut last = (0, Vec::new());
    let late = crate::common::wait("whole configuration", || {
        last = (stage.stated("config/").len(), stage.unwell());
        (last.0 == all.len() && last.1.is_empty()).then_some(())
    });
    assert!(late.is_ok(), "{} of {}: {:#?}\n{}", last.0, all.len(), last.1, stage.log());
}

/// Puts everything one by one in some order.
fn put(server: &Server, stage: &Stage, all: &[Stated], numbers: &mut fastrand::Rng) {
    let mut order = all.to_vec();
    numbers.shuffle(&mut order);
    for stated in &order {
        server.put(&stated.stored(), &stated.json.to_string());
    }
    settle(stage, all);
}

/// Deletes everything one by one in some order.
fn delete(server: &Server, all: &[Stated], numbers: &mut fastrand::Rng) {
    let mut order = all.to_vec();
    numbers.shuffle(&mut order);
    for stated in &order {
        server.delete(&stated.stored());
    }
}

/// Everything at once, and then in other orders: VPP has the same in the end.
pub(crate) fn do_not_matter() {
    let mut numbers = numbers();
    let all = everything();
    for release in ["20.01", "23.06", "26.06"] {
        let mut scene = Scene::new(Kind::Etcd, release);
        let empty = view::picture(&scene.stage.socket());
        let changes: Vec<_> = all.iter().map(|s| (s.stored(), Some(s.json.to_string()))).collect();
        scene.server.change(&changes);
        settle(&scene.stage, &all);
        let expected = scene.models();
        assert_has(&expected, &all);
        delete(&scene.server, &all, &mut numbers);
        wait_picture(&scene, &empty, release);

        put(&scene.server, &scene.stage, &all, &mut numbers);
        scene.wait_models(&expected, release);
        // The agent comes back over it and has nothing to do.
        scene.skip();
        let messages = configuration_messages(scene.vpp());
        scene.stage.kill();
        scene.stage.start();
        assert_eq!(scene.next(), [], "{release}");
        settle(&scene.stage, &all);
        std::thread::sleep(std::time::Duration::from_millis(150));
        assert_eq!(scene.unseen(), Vec::<Vec<_>>::new(), "{release}");
        assert_eq!(configuration_messages(scene.vpp()), messages, "{release}");
        delete(&scene.server, &all, &mut numbers);
        wait_picture(&scene, &empty, release);
        assert_eq!(scene.stage.stated("config/"), [], "{release}");
        assert_eq!(scene.vpp().died(), None, "{release}");
    }
}

/// VPP has values of all keys, except those that it cannot tell of while nobody is known to have made them.
fn assert_has(found: &BTreeMap<String, String>, all: &[Stated]) {
    let lacks: Vec<String> =
        keys(all).into_iter().filter(|key| !found.contains_key(key) && !key.contains("proxyarp")).collect();
    assert_eq!(lacks, Vec::<String>::new(), "{:#?}", found.keys());
}

#[track_caller]
fn wait_picture(scene: &Scene, expected: &BTreeMap<String, String>, when: &str) {
    wait_for_picture(&scene.stage, expected, when);
}

#[track_caller]
fn wait_for_picture(stage: &Stage, expected: &BTreeMap<String, String>, when: &str) {
    let mut last = BTreeMap::new();
    let late = crate::common::wait("VPP as it was", || {
        last = view::picture(&stage.socket());
        (last == *expected).then_some(())
    });
    if late.is_err() {
        panic!("{when}: {}\n{}", view::differences(&last, expected), stage.log());
    }
}

/// What needs no device of the machine, on a VPP that is there, and is left as it was.
pub(crate) fn real(socket: &Path) {
    let mut numbers = numbers();
    let all = without_devices();
    let before = view::picture(socket);
    let server = Server::start(Kind::Etcd);
    let (file, text) = server.setting();
    let mut stage = Stage::bare().setting(file, &text).before(socket);
    stage.start();
    let mut expected = None;
    for _ in 0..2 {
        put(&server, &stage, &all, &mut numbers);
        let found = view::models(socket);
        let expected = expected.get_or_insert_with(|| found.clone());
        assert!(found == *expected, "{}", view::differences(&found, expected));
        let with = view::picture(socket);
        let seen = stage.transactions().len();
        stage.kill();
        stage.start();
        assert_eq!(stage.operations(seen), []);
        assert!(view::picture(socket) == with, "{}", view::differences(&view::picture(socket), &with));
        delete(&server, &all, &mut numbers);
        wait_for_picture(&stage, &before, "after all was deleted");
    }
}
