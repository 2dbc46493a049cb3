//! The definitions that the program carries are those of the repository.
#![allow(clippy::expect_used)]

use std::path::Path;

use binapi_gen::normal;
use vpp_schema::builtin;

#[test]
fn every_release_of_the_repository_is_carried_whole() {
    let api_json = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-json");
    let releases = normal::releases(&api_json).expect("releases");
    assert_eq!(builtin::releases().collect::<Vec<_>>(), releases);
    for release in releases {
        let stored = normal::load(&api_json, release).expect("loads");
        let carried = builtin::api(release).expect("is there").expect("reads");
        assert_eq!(normal::files(&carried.modules), normal::files(&stored.modules), "{release}");
    }
}
