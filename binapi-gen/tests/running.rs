//! Definitions as a running VPP tells them (`get_api_json`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use binapi_gen::Release;
use binapi_gen::import::{self, CoreModules, Import};
use binapi_gen::running::Known;

const RELEASE: Release = Release { year: 26, month: 10 };

/// A module in the form of the answer. `named` as from 26.06 on.
fn module(name: &str, named: bool, messages: &str) -> String {
    let name = if named { format!(r#""module": "{name}", "#) } else { String::new() };
    format!(
        r#"{{{name}"types": [["thing", ["u32", "size"]]], "messages": [{messages}], "unions": [], "enums": [],
"enumflags": [], "services": {{}}, "options": {{}}, "aliases": {{}}, "vl_api_version": "0x12345678",
"imports": ["things_types.api"], "counters": [], "paths": []}}"#
    )
}

const POKE: &str = r#"["pot_poke", ["u16", "_vl_msg_id"], ["vl_api_thing_t", "thing"], {"crc": "0x981c59ca", "options": {}}]"#;
const PEEK: &str = r#"["pot_peek", ["u16", "_vl_msg_id"], ["vl_api_thing_t", "thing"], {"crc": "0x981c59ca", "options": {}}]"#;

fn import(text: &str, known: &Known) -> Result<Import, String> {
    import::from_running(text, "api.sock", known, RELEASE, &CoreModules::default()).map_err(|e| e.to_string())
}

fn modules(import: &Import) -> Vec<&str> {
    import.api.modules.keys().map(String::as_str).collect()
}

#[test]
fn an_element_says_which_module_it_is() {
    let text = format!("[\n{}]\0", module("kettle", true, POKE));
    assert_eq!(modules(&import(&text, &Known::default()).unwrap()), ["kettle"]);
}

#[test]
fn an_element_without_a_name_is_known_by_its_messages() {
    let text = format!("[\n{}]\0", module("", false, &format!("{POKE},{PEEK}")));
    let before = import(&format!("[{}]", module("kettle", true, POKE)), &Known::default()).unwrap();
    assert_eq!(modules(&import(&text, &Known::from_apis(vec![before.api])).unwrap()), ["kettle"]);
    // Of a plugin that no release has: what all its messages begin with.
    assert_eq!(modules(&import(&text, &Known::default()).unwrap()), ["pot"]);
    // One message says nothing.
    let text = format!("[\n{}]", module("", false, POKE));
    let error = import(&text, &Known::default()).unwrap_err();
    assert!(error.contains("api.sock: module 1 of 1 does not say its name"), "{error}");
    assert!(error.contains("pot_poke") && error.contains("Give the folder"), "{error}");
}

#[test]
fn messages_that_vpp_has_and_does_not_tell_of_come_from_a_release_that_has_them() {
    let before =
        import(&format!("[{}]", module("kettle", true, &format!("{POKE},{PEEK}"))), &Known::default());
    let other = |messages: &str| format!("[{}]", module("stove", true, messages));
    let oven = POKE.replace("pot_poke", "oven_poke");
    let table = ["oven_poke_981c59ca", "pot_poke_981c59ca", "pot_peek_00000001", "no_crc"];
    let known = Known::from_apis(vec![before.unwrap().api]).with_table(table);
    let import = import(&other(&oven), &known).unwrap();
    assert_eq!(modules(&import), ["kettle", "stove"]);
    let taken: Vec<&str> = import.api.modules["kettle"].messages.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(taken, ["pot_poke"]);
    let said = import.warnings.join("\n");
    assert!(said.contains("1 messages of module kettle") && said.contains("taken from 26.10"), "{said}");
    assert!(said.contains("left out: pot_peek"), "{said}");
}

#[test]
fn mistakes_are_told_with_the_module() {
    let bad = POKE.replace("981c59ca", "00000001");
    let error = import(&format!("[{}]", module("kettle", true, &bad)), &Known::default()).unwrap_err();
    assert!(error.contains("api.sock, module kettle:1") && error.contains("pot_poke"), "{error}");
    for (text, expected) in [
        ("[]\0", "tells of no module"),
        ("[{]", "expected a JSON array"),
        ("", "expected a JSON array"),
        ("[1]", "module 1 of 1"),
        (r#"[{"module": "a/b", "messages": [], "types": []}]"#, "cannot be the name of a module"),
    ] {
        let error = import(text, &Known::default()).unwrap_err();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    let twice = format!("[{},{}]", module("kettle", true, POKE), module("kettle", true, PEEK));
    assert!(import(&twice, &Known::default()).unwrap_err().contains("stands in"));
}
