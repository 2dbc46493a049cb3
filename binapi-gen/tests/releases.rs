//! What must hold for the definitions of all releases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use binapi_gen::revisions::Corpus;
use binapi_gen::{Api, crc, normal, resolve};

fn api_json() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../api-json")
}

fn all() -> Vec<Api> {
    let releases = normal::releases(&api_json()).unwrap();
    releases.into_iter().map(|r| normal::load(&api_json(), r).unwrap()).collect()
}

#[test]
fn every_crc_of_every_release_is_recomputed_and_equal() {
    let mut equal = 0;
    let mut messages = 0;
    for api in all() {
        resolve::check(&api).unwrap();
        equal += crc::verify(&api).unwrap().equal;
        messages += api.modules.values().map(|m| m.messages.len()).sum::<usize>();
    }
    assert_eq!(equal, messages);
    assert!(messages >= 40_477, "{messages} messages");
}

#[test]
fn names_and_crcs_with_several_layouts_are_found() {
    // Up to 26.06, so that a newer release beside them does not change the figures.
    let apis: Vec<Api> =
        all().into_iter().filter(|a| a.release <= binapi_gen::Release { year: 26, month: 6 }).collect();
    let corpus = Corpus::new(&apis).unwrap();
    let pairs: BTreeSet<(&str, u32)> = corpus.messages.iter().map(|m| (m.name.as_str(), m.crc)).collect();
    assert_eq!(pairs.len(), 3563);
    assert_eq!(corpus.collisions().len(), 111);
}

#[test]
fn the_route_message_differs_between_20_01_and_20_05_behind_one_crc() {
    let apis = all();
    let corpus = Corpus::new(&apis).unwrap();
    let of_route = corpus.collisions().into_iter().find(|ids| {
        ids.first().and_then(|id| corpus.message(*id)).is_some_and(|m| m.name == "ip_route_add_del")
    });
    let releases: Vec<String> =
        of_route.unwrap().iter().map(|id| corpus.spell(&corpus.message(*id).unwrap().releases)).collect();
    assert_eq!(releases, ["20.01", "20.05 to 21.01"]);
}
