//! Each kind of bad input gives an error that names file, line, what was found and what was expected, and changes
//! nothing on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use binapi_gen::import::{self, CoreModules};
use binapi_gen::{Error, Release, normal};
use tempfile::TempDir;

const R2306: Release = Release { year: 23, month: 6 };

/// A good module to stand beside bad ones.
const PING: &str = r#"{
 "types": [],
 "messages": [
  ["ping", ["u16", "_vl_msg_id"], ["u32", "client_index"], ["u32", "context"], {"crc": "0x51077d14"}],
  ["ping_reply", ["u16", "_vl_msg_id"], ["u32", "context"], ["i32", "retval"], {"crc": "0xe8d4e804"}]
 ],
 "services": {"ping": {"reply": "ping_reply"}},
 "vl_api_version": "0x00000001"
}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// The problems of a folder, without the path of the folder.
fn problems_as(release: Release, files: &[(&str, &str)]) -> Vec<String> {
    let dir = folder(files);
    let prefix = format!("{}/", dir.path().display());
    match import::from_folder(dir.path(), release, &CoreModules::default()) {
        Ok(_) => Vec::new(),
        Err(Error::Definitions(problems)) => {
            problems.iter().map(|p| p.to_string().replace(&prefix, "")).collect()
        }
        Err(other) => vec![other.to_string().replace(&prefix, "")],
    }
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    problems_as(R2306, files)
}

/// A module `a` with these entries beside an empty rest; the first line of `types` is line 2, of `messages` line 5.
fn module(types: &str, messages: &str) -> String {
    format!("{{\n \"types\": [\n{types}\n ],\n \"messages\": [\n{messages}\n ]\n}}\n")
}

fn one(text: &str) -> Vec<String> {
    problems(&[("a.api.json", text)])
}

#[test]
fn good_input_passes() {
    assert_eq!(problems(&[("core/ping.api.json", PING)]), Vec::<String>::new());
}

#[test]
fn truncated_json() {
    let half = &PING[..PING.find("\"ping_reply\", [").unwrap()];
    assert_eq!(one(half), ["a.api.json:5: not JSON: EOF while parsing a list at line 5 column 3"]);
    assert_eq!(one(""), ["a.api.json:1: not JSON: EOF while parsing a value at line 1 column 0"]);
}

#[test]
fn wrong_types_of_all_lists_are_told_together() {
    let text = r#"{
 "types": 5,
 "messages": {"a": 1},
 "services": [],
 "vl_api_version": "1234",
 "enums": [
  ["e", ["A", -1], {"enumtype": "u8"}],
  "f"
 ]
}"#;
    assert_eq!(
        one(text),
        [
            "a.api.json:2: expected a list, a type each, found 5",
            "a.api.json:3: expected a list of messages, found {\"a\": 1}",
            "a.api.json:4: expected an object of services, found []",
            "a.api.json:5: expected a CRC such as \"0x1234abcd\", found \"1234\"",
            "a.api.json:7: expected a value that is not negative, found -1",
            "a.api.json:8: expected an enum: [name, [member, value]..., {enumtype}], found \"f\"",
        ]
    );
    assert_eq!(
        one("[1,\n 2]"),
        ["a.api.json:1: expected an object with types, messages, services, found [1, 2]"]
    );
    assert_eq!(one("{\"types\": []}"), ["a.api.json:1: no \"messages\": not an API definition"]);
}

#[test]
fn unknown_primitive() {
    let text = module("  [\"t\", [\"u24\", \"x\"]]", "");
    assert_eq!(
        one(&text),
        [
            "a.api.json:3: unknown type \"u24\"; expected u8 to u64, i8 to i64, f64, bool, string or vl_api_<name>_t"
        ]
    );
}

#[test]
fn dangling_type_and_service() {
    let text = r#"{
 "types": [
  ["t", ["vl_api_gone_t", "x"]]
 ],
 "messages": [
  ["ask", ["u16", "_vl_msg_id"], ["vl_api_lost_t", "y"], {"crc": "0x00000000"}]
 ],
 "services": {
  "ask": {"reply": "ask_reply", "events": ["ask_event"]}
 }
}"#;
    assert_eq!(
        one(text),
        [
            "a.api.json:3: t.x: no module defines type gone",
            "a.api.json:6: ask.y: no module defines type lost",
            "a.api.json:9: service ask: no module defines message ask_reply",
            "a.api.json:9: service ask: no module defines message ask_event",
        ]
    );
}

#[test]
fn service_a_second_time() {
    assert_eq!(
        problems(&[
            (
                "a.api.json",
                &PING.replace("\"ping_reply\", [", "\"p_reply\", [").replace("[\"ping\", ", "[\"p\", ")
            ),
            ("ping.api.json", PING)
        ]),
        ["ping.api.json:7: service ping stands at a.api.json:7 already"]
    );
}

#[test]
fn types_in_a_circle() {
    let types = r#"  ["a", ["vl_api_b_t", "x"]],
  ["b", ["u8", "n"], ["vl_api_c_t", "y", 3]],
  ["c", ["vl_api_a_t", "z"]],
  ["d", ["vl_api_d_t", "d"]]"#;
    assert_eq!(
        one(&module(types, "")),
        [
            "a.api.json:3: type a contains itself: a > b > c > a",
            "a.api.json:6: type d contains itself: d > d"
        ]
    );
}

#[test]
fn a_message_twice() {
    let twice = module(
        "",
        "  [\"m\", [\"u16\", \"_vl_msg_id\"], {\"crc\": \"0x00000000\"}],\n  [\"m\", [\"u16\", \"_vl_msg_id\"], {\"crc\": \"0x00000000\"}]",
    );
    assert_eq!(one(&twice), ["a.api.json:7: message m stands at a.api.json:6 already"]);
    assert_eq!(
        problems(&[
            ("core/ping.api.json", PING),
            ("plugins/pong.api.json", &PING.replace("\"ping\": {", "\"ping_reply\": {"))
        ]),
        [
            "plugins/pong.api.json:4: message ping stands at core/ping.api.json:4 already",
            "plugins/pong.api.json:5: message ping_reply stands at core/ping.api.json:5 already",
        ]
    );
}

#[test]
fn length_fields() {
    let types = r#"  ["later", ["u8", "x", 0, "n"], ["u8", "n"]],
  ["missing", ["u8", "x", 0, "n"]],
  ["float", ["f64", "n"], ["u8", "x", 0, "n"]],
  ["many", ["u8", "n", 4], ["u8", "x", 0, "n"]],
  ["none", ["u8", "x", 0]],
  ["both", ["u8", "n"], ["u8", "x", 4, "n"]],
  ["text", ["u8", "n"], ["string", "x", 0, "n"]]"#;
    assert_eq!(
        one(&module(types, "")),
        [
            "a.api.json:3: later: x is counted by n, which comes later; expected a field before it",
            "a.api.json:4: missing: x is counted by n, which is no field; expected a field before it",
            "a.api.json:5: float: x is counted by n, which is f64; expected u8, u16 or u32",
            "a.api.json:6: many: x is counted by n, which is an array of u8; expected u8, u16 or u32",
            "a.api.json:7: an array of variable length; expected the name of the field that counts it",
            "a.api.json:8: an array with a fixed length and a field that counts it",
            "a.api.json:9: a string with a field that counts it; its length is its own",
        ]
    );
}

#[test]
fn enums() {
    let text = r#"{"types": [], "messages": [], "enums": [
 ["wide", ["A", 255], ["B", 256], {"enumtype": "u8"}],
 ["widest", ["A", 18446744073709551615], {"enumtype": "u64"}],
 ["wider", ["A", 18446744073709551616], {"enumtype": "u64"}],
 ["signed", ["A", 1], {"enumtype": "i32"}],
 ["twice", ["A", 1], ["A", 2], {"enumtype": "u32"}],
 ["open", ["A", 1]]
]}"#;
    assert_eq!(
        one(text),
        [
            "a.api.json:2: enum wide: B = 256 does not fit u8; expected 255 at the most",
            "a.api.json:4: expected a value that is not negative, found 18446744073709551616",
            "a.api.json:5: enum signed is as wide as \"i32\"; expected u8, u16, u32 or u64",
            "a.api.json:6: enum twice: member A a second time",
            "a.api.json:7: enum open does not say its enumtype",
        ]
    );
}

#[test]
fn wrong_crc() {
    let other = PING.replace("0x51077d14", "0x51077d15").replace("ping", "pong");
    assert_eq!(
        problems(&[("ping.api.json", PING), ("pong.api.json", &other)]),
        [
            "pong.api.json:4: message pong: stated CRC 51077d15, computed 51077d14; the definition was changed after \
          VPP's generator wrote it, or a type it uses was"
        ]
    );
}

#[test]
fn long_message_name() {
    let name = |n: usize| "x".repeat(n);
    let message =
        |n: usize| module("", &format!("[\"{}\", [\"u16\", \"_vl_msg_id\"], {{\"crc\": \"0x0\"}}]", name(n)));
    assert_eq!(
        one(&message(55)),
        [format!(
            "a.api.json:6: message name {} has 55 characters; the message table has room for 54",
            name(55)
        )]
    );
    // The longest that fits gets as far as its CRC.
    assert!(one(&message(54))[0].contains("computed"));
}

#[test]
fn empty_and_unreadable_folders() {
    let dir = folder(&[("core/readme.txt", "nothing"), ("ping.api_json.h", PING)]);
    let import = |path: &Path| {
        let error = import::from_folder(path, R2306, &CoreModules::default()).unwrap_err();
        error.to_string().replace(&dir.path().display().to_string(), "DIR")
    };
    assert_eq!(import(dir.path()), "DIR: no *.api.json below it; expected a folder like /usr/share/vpp/api");
    assert!(import(&dir.path().join("gone")).starts_with("DIR/gone: No such file or directory"));
    assert!(import(&dir.path().join("ping.api_json.h")).starts_with("DIR/ping.api_json.h: "));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let dir = folder(&[("b.api.json", "{}")]);
    std::os::unix::fs::symlink("nowhere", dir.path().join("a.api.json")).unwrap();
    // A link back up does not make the search endless.
    std::os::unix::fs::symlink(dir.path(), dir.path().join("up")).unwrap();
    let error = import::from_folder(dir.path(), R2306, &CoreModules::default()).unwrap_err().to_string();
    let error = error.replace(&format!("{}/", dir.path().display()), "");
    assert_eq!(
        error,
        "2 mistakes in the API definitions:\n  a.api.json: cannot be read: No such file or directory (os error 2)\n  \
         b.api.json:1: no \"types\": not an API definition"
    );
}

#[test]
fn not_utf8() {
    let dir = folder(&[]);
    std::fs::write(dir.path().join("a.api.json"), b"{\n \"types\": [],\n \"caf\xe9\": 1\n}").unwrap();
    let error = import::from_folder(dir.path(), R2306, &CoreModules::default()).unwrap_err().to_string();
    assert!(error.contains("a.api.json:3: not UTF-8 at byte 21; expected JSON"), "{error}");
}

#[test]
fn a_type_with_two_definitions() {
    let a = module("  [\"t\", [\"u8\", \"x\"]]", "");
    let b = module("  [\"t\", [\"u16\", \"x\"]]", "");
    assert_eq!(
        problems(&[("a.api.json", &a), ("b.api.json", &b)]),
        ["b.api.json:3: type t differs from the one at a.api.json:3"]
    );
    let both = module("  [\"t\", [\"u8\", \"x\"]],\n  [\"t\", [\"u16\", \"x\"]]", "");
    assert_eq!(one(&both), ["a.api.json:4: type t differs from the one at a.api.json:3"]);
    // The same once more is what imports look like.
    assert_eq!(problems(&[("a.api.json", &a), ("b.api.json", &a)]), Vec::<String>::new());
}

#[test]
fn parts_without_a_fixed_size() {
    let text = r#"{"types": [
 ["text", ["string", "s", 0]],
 ["list", ["u8", "n"], ["vl_api_text_t", "x", 0, "n"]],
 ["pair", ["vl_api_text_t", "x", 2]]
], "unions": [
 ["u", ["u8", "a"], ["vl_api_text_t", "b"]]
], "aliases": {
 "texts": {"type": "vl_api_text_t", "length": 2}
}, "messages": [
 ["m", ["u16", "_vl_msg_id"], ["vl_api_text_t", "x", 3], {"crc": "0x0"}]
]}"#;
    assert_eq!(
        one(text),
        [
            "a.api.json:3: list.x: an array of elements of no fixed size; expected one size",
            "a.api.json:4: pair.x: an array of elements of no fixed size; expected one size",
            "a.api.json:8: texts.its target: an array of elements of no fixed size; expected one size",
            "a.api.json:6: union u: arm b has no fixed size; expected one",
            "a.api.json:10: m.x: an array of elements of no fixed size; expected one size",
        ]
    );
}

#[test]
fn two_fields_of_one_name() {
    let text = module("  [\"t\", [\"u8\", \"x\"], [\"u16\", \"x\"]]", "");
    assert_eq!(one(&text), ["a.api.json:3: t: field x a second time; expected each name once"]);
}

#[test]
fn keys_twice() {
    assert_eq!(
        one("{\n \"types\": [],\n \"messages\": [],\n \"types\": []\n}"),
        ["a.api.json:4: key \"types\" a second time; expected each key once"]
    );
    let text = "{\"types\": [], \"messages\": [], \"aliases\": {\n \"t\": {\"type\": \"u8\"},\n \"t\": {\"type\": \"u8\"}\n}}";
    assert_eq!(one(text), ["a.api.json:3: key \"t\" a second time; expected each key once"]);
}

#[test]
fn module_key_and_name() {
    let text = "{\n \"module\": \"b\",\n \"types\": [],\n \"messages\": []\n}";
    assert_eq!(one(text), ["a.api.json:2: module \"b\" in the file of \"a\"; expected one name"]);
    assert_eq!(
        problems(&[("not-a-name.api.json", PING)]),
        ["not-a-name.api.json: \"not-a-name\" cannot be the name of a module"]
    );
    assert_eq!(
        problems(&[("core/ping.api.json", PING), ("plugins/ping.api.json", PING)]),
        ["plugins/ping.api.json: module ping stands in core/ping.api.json already"]
    );
}

#[test]
fn names_that_are_none() {
    let text = r#"{"types": [
 ["a b", ["u8", "x"]],
 ["t", ["u8", "x;"]],
 ["_", ["u8", "x"]]
], "aliases": {
 "x = u8; evil": {"type": "u8"}
}, "messages": []}"#;
    assert_eq!(
        one(text),
        [
            "a.api.json:2: \"a b\" cannot be the name of a type",
            "a.api.json:3: \"x;\" cannot be the name of a field",
            "a.api.json:4: \"_\" cannot be the name of a type",
            "a.api.json:6: \"x = u8; evil\" cannot be the name of a type",
        ]
    );
}

#[test]
fn unknown_keys_are_left_out_with_a_warning() {
    let text = PING
        .replace("\"types\"", "\"colour\": {\"deep\": [1, 2]}, \"types\"")
        .replace("{\"crc\"", "{\"mood\": 1, \"crc\"")
        .replace("{\"reply\"", "{\"speed\": 9, \"reply\"");
    let dir = folder(&[("ping.api.json", &text)]);
    let import = import::from_folder(dir.path(), R2306, &CoreModules::default()).unwrap();
    let file = dir.path().join("ping.api.json").display().to_string();
    assert_eq!(
        import.warnings,
        ["colour", "message.mood", "service.speed"]
            .map(|key| format!("unknown key \"{key}\" left out (1 files, first {file})"))
    );
    let plain = import::from_texts([("ping", PING)], R2306, &CoreModules::default()).unwrap();
    assert_eq!(plain.files, import.files);
    let texts = import::from_texts([("ping", text.as_str())], R2306, &CoreModules::default()).unwrap();
    assert_eq!(texts.warnings.len(), 3);
}

#[test]
fn mistakes_of_several_files_are_told_together() {
    let bad = module("  [\"t\", [\"u24\", \"x\"]],\n  [\"s\", [\"u8\", \"x\"], [\"u8\", \"x\"]]", "  5");
    let found = problems(&[("a.api.json", &bad), ("b.api.json", "{"), ("core/c.api.json", PING)]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[3].starts_with("b.api.json:1: not JSON"), "{found:#?}");
}

#[test]
fn sizes_have_limits() {
    // Four thousand million elements, and a product that no integer holds.
    let types = r#"  ["t", ["u8", "x", 4294967295]],
  ["a", ["u64", "x", 4096]],
  ["b", ["vl_api_a_t", "x", 65536]],
  ["c", ["vl_api_b_t", "x", 65536]],
  ["d", ["vl_api_c_t", "x", 65536], ["vl_api_c_t", "y", 65536]]"#;
    assert_eq!(
        one(&module(types, "")),
        ["a.api.json:3: an array of 4294967295 elements; expected 65536 at the most"]
    );
    let types = types.replace("4294967295", "65536");
    assert_eq!(
        one(&module(&types, "")),
        ["a.api.json:5: b has 2147483648 bytes of fixed length; expected 65536 at the most"]
    );
    let text = "{\"types\": [], \"messages\": [], \"aliases\": {\n \"t\": {\"type\": \"u8\", \"length\": 18446744073709551615}}}";
    assert_eq!(
        one(text),
        ["a.api.json:2: an array of 18446744073709551615 elements; expected 65536 at the most"]
    );
    // A message of three arrays, each of which is within the limit.
    let message = "[\"m\", [\"u16\", \"_vl_msg_id\"], [\"u8\", \"x\", 65536], [\"u8\", \"y\", 65536], {\"crc\": \"0x0\"}]";
    assert_eq!(
        one(&module("", message)),
        ["a.api.json:6: m has 131072 bytes of fixed length; expected 65536 at the most"]
    );
}

#[test]
fn nesting_has_limits() {
    // Each twice in the next: 2^40 ways down, though no more than a byte long.
    let unions: Vec<String> = (1..40)
        .map(|n| format!(" [\"t{n}\", [\"vl_api_t{}_t\", \"a\"], [\"vl_api_t{}_t\", \"b\"]]", n - 1, n - 1))
        .collect();
    let text = format!(
        "{{\"messages\": [], \"types\": [[\"t0\", [\"u8\", \"x\"]]], \"unions\": [\n{}\n]}}",
        unions.join(",\n")
    );
    assert_eq!(
        one(&text),
        ["a.api.json:14: t13 has 16383 types within each other; expected 10000 at the most"]
    );
    // A chain that would need a deep stack to be followed.
    let chain: Vec<String> =
        (1..50_000).map(|n| format!(" [\"t{n}\", [\"vl_api_t{}_t\", \"a\"]]", n - 1)).collect();
    let text = module(&format!(" [\"t0\", [\"u8\", \"x\"]],\n{}", chain.join(",\n")), "");
    assert_eq!(one(&text), ["a.api.json:35: t32 has 33 levels of types; expected 32 at the most"]);
    // JSON itself, nested deeper than any stack.
    let deep =
        format!("{{\"types\": [], \"messages\": [], \"x\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(one(&deep), Vec::<String>::new());
    let deep = deep.replace("\"x\"", "\n\"options\": {\"x\"").replace("]}", "]}}");
    assert!(one(&deep)[0].starts_with("a.api.json:2: recursion limit exceeded"), "{:?}", one(&deep));
}

/// Definitions of an era whose generator counted other types are told to be that, and not a thousand wrong CRCs.
#[test]
fn definitions_of_another_era() {
    let api_json = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json");
    for (actual, stated, looks_like) in [
        ("18.10", (19, 8), "18.10 to 19.04"),
        ("19.08", (21, 6), "19.08 to 20.05"),
        ("20.09", (21, 6), "20.09 to 21.01"),
        ("26.06", (18, 10), "21.06 and later"),
        ("26.06", (20, 5), "21.06 and later"),
    ] {
        let stated = Release { year: stated.0, month: stated.1 };
        let error = import::from_folder(&api_json.join(actual), stated, &CoreModules::default())
            .unwrap_err()
            .to_string();
        let start = format!("these definitions look like those of VPP {looks_like}, not of {stated}: ");
        assert!(error.starts_with(&start), "{actual} as {stated}: {error}");
    }
    // Within an era nothing is proved.
    let import = import::from_folder(&api_json.join("23.02"), R2306, &CoreModules::default()).unwrap();
    assert_eq!(import.verified.equal, 1749);
}

fn files_of(text: &str) -> BTreeMap<PathBuf, String> {
    import::from_texts([("ping", text)], R2306, &CoreModules::default()).unwrap().files
}

/// All files below a folder with their text.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), std::fs::read_to_string(path).unwrap());
        }
    }
    found
}

#[test]
fn definitions_of_another_release_module_for_module() {
    let dir = TempDir::new().unwrap();
    let r2302 = Release { year: 23, month: 2 };
    import::write(dir.path(), r2302, &files_of(PING)).unwrap();
    let before = tree(dir.path());
    let error = import::write(dir.path(), R2306, &files_of(PING)).unwrap_err().to_string();
    assert_eq!(
        error,
        "these definitions look like VPP 23.02, not 23.06: every module and every CRC is the same; expected a folder \
         of VPP 23.06"
    );
    assert_eq!(tree(dir.path()), before);
    // One CRC tells them apart, and then 23.06 can be imported over itself, also as what both have become.
    let other = PING.replace("0x00000001", "0x00000002");
    import::write(dir.path(), R2306, &files_of(&other)).unwrap();
    import::write(dir.path(), R2306, &files_of(&other)).unwrap();
    import::write(dir.path(), r2302, &files_of(PING)).unwrap();
    assert_eq!(normal::releases(dir.path()).unwrap(), [r2302, R2306]);
}

#[test]
fn a_failed_write_leaves_the_old_release() {
    let dir = TempDir::new().unwrap();
    import::write(dir.path(), R2306, &files_of(PING)).unwrap();
    let before = tree(dir.path());
    let new = PING.replace("0x00000001", "0x00000002");

    // A file where a folder is needed, found half way.
    let mut files = files_of(&new);
    files.insert(PathBuf::from("plugins/ping.api.json/x"), String::new());
    assert!(matches!(import::write(dir.path(), R2306, &files), Err(Error::Io { .. })));
    assert_eq!(tree(dir.path()), before);

    // The old state cannot be put aside.
    let aside = dir.path().join(".23.06.old");
    std::fs::write(&aside, "in the way").unwrap();
    assert!(matches!(import::write(dir.path(), R2306, &files_of(&new)), Err(Error::Io { .. })));
    std::fs::remove_file(&aside).unwrap();
    assert_eq!(tree(dir.path()), before);

    // A run that was cut short between putting aside and renaming: the next one finds the old state, even if it
    // fails itself.
    std::fs::rename(dir.path().join("23.06"), &aside).unwrap();
    assert!(import::write(dir.path(), R2306, &files).is_err());
    assert_eq!(tree(dir.path()), before);

    import::write(dir.path(), R2306, &files_of(&new)).unwrap();
    assert_ne!(tree(dir.path()), before);
    assert_eq!(tree(dir.path()).len(), before.len());
}

#[test]
fn folders_that_are_no_release_are_left_out() {
    let dir = folder(&[
        ("26.06/x", ""),
        ("26.06.bak/x", ""),
        ("v26.02/x", ""),
        ("+5.10/x", ""),
        ("25.10", "a file"),
    ]);
    assert_eq!(normal::releases(dir.path()).unwrap(), [Release { year: 26, month: 6 }]);
}

/// Damage anywhere gives an error or is no damage; it never panics and never hangs.
#[test]
fn damaged_at_any_place() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json/20.01/plugins/gbp.api.json");
    let text = std::fs::read_to_string(file).unwrap();
    let mut state = 1u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let tokens = ["{", "}", "[", "]", ",", ":", "\"", "0", "-1", "null", "\"u8\"", "99999999999", "{}", "[]"];
    for _ in 0..300 {
        let mut bytes = text.clone();
        let at = next(bytes.len());
        let until = (at + next(12)).min(bytes.len());
        bytes.replace_range(at..until, tokens[next(tokens.len())]);
        let _ = import::from_texts(
            [("gbp", bytes.as_str())],
            Release { year: 20, month: 1 },
            &CoreModules::default(),
        );
    }
}
