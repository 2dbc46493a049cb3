//! Reading one file: its entries with their places, or the first thing that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::{Fault, Place};

mod current;
mod json;
mod yaml;

/// An entry of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stated {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// Whether a file of that name is read: `*.yaml`, `*.yml`, `*.json`, and no dotfile.
pub(crate) fn is_wanted(name: &Path) -> bool {
    let hidden = name.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && name.extension().is_some_and(|ext| ext == "yaml" || ext == "yml" || ext == "json")
}

/// Reads the contents of `file`. JSON if its name ends in `.json`, YAML otherwise.
///
/// # Errors
/// The first fault.
pub(crate) fn parse(file: &Path, bytes: &[u8]) -> Result<Vec<Stated>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + good.iter().filter(|&&b| b == b'\n').count() as u64;
        Fault::Syntax {
            place: Place::new(file, line, 0),
            key: None,
            reason: "expected UTF-8 text, found a byte that is none".to_owned(),
        }
    })?;
    if text.trim().is_empty() {
        return Err(Fault::Empty { path: file.to_owned() });
    }
    let stated = if file.extension().is_some_and(|ext| ext == "json") {
        json::parse(file, text)
    } else {
        yaml::parse(file, text)
    }?;
    let mut places: BTreeMap<&str, &Place> = BTreeMap::new();
    for Stated { key, place, .. } in &stated {
        if key.is_empty() {
            return Err(Fault::Syntax {
                place: place.clone(),
                key: Some(String::new()),
                reason: "expected a key such as config/vpp/v2/interfaces/if1, found empty text".to_owned(),
            });
        }
        if let Some(first) = places.insert(key, place) {
            return Err(Fault::Duplicate { key: key.clone(), first: first.clone(), second: place.clone() });
        }
    }
    Ok(stated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str, text: &str) -> Result<Vec<(String, Value, String)>, String> {
        parse(Path::new(name), text.as_bytes())
            .map(|all| all.into_iter().map(|s| (s.key, s.value, s.place.to_string())).collect())
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn entries_are_read_with_their_places() {
        let yaml = "# wanted\nconfig/a:\n  name: a\n  tags: [x, 'y']\n\nconfig/b: {mtu: 1500}\n";
        assert_eq!(
            read("f.yaml", yaml),
            Ok(vec![
                ("config/a".to_owned(), json!({"name": "a", "tags": ["x", "y"]}), "f.yaml:2:1".to_owned()),
                ("config/b".to_owned(), json!({"mtu": 1500}), "f.yaml:6:1".to_owned()),
            ])
        );
        let several = "config/a: {n: 1}\n---\nconfig/b: {n: 2}\n---\n{}\n";
        assert_eq!(
            read("f.yml", several),
            Ok(vec![
                ("config/a".to_owned(), json!({"n": 1}), "f.yml:1:1".to_owned()),
                ("config/b".to_owned(), json!({"n": 2}), "f.yml:3:1".to_owned()),
            ])
        );
        let json = "{\"config/a\": {\"n\": \"}\\\"{\"},\n  \"config/\\u0062\" :\n{}}";
        assert_eq!(
            read("f.json", json),
            Ok(vec![
                ("config/a".to_owned(), json!({"n": "}\"{"}), "f.json:1:2".to_owned()),
                ("config/b".to_owned(), json!({}), "f.json:2:3".to_owned()),
            ])
        );
        assert_eq!(read("f.yaml", "{}\n"), Ok(vec![]));
        assert_eq!(read("f.json", "{}"), Ok(vec![]));
    }

    #[test]
    fn values_keep_their_types() {
        let expected = json!({
            "int": 42, "big": 18_446_744_073_709_551_615_u64, "neg": -9_223_372_036_854_775_808_i64, "frac": 1.5,
            "yes": "yes", "text": "1", "mac": "02:fe:00:00:00:01", "t": true, "none": null,
        });
        let yaml = "k: {int: 42, big: 18446744073709551615, neg: -9223372036854775808, frac: 1.5, yes: yes, \
                    text: '1', mac: 02:fe:00:00:00:01, t: true, none: null}\n";
        let json = format!("{{\"k\": {expected}}}");
        for (file, text) in [("f.yaml", yaml), ("f.json", json.as_str())] {
            let entries = read(file, text).unwrap();
            assert_eq!(entries[0].1, expected, "{file}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (file, text, parts) in [
            ("f.yaml", "", &["f.yaml is empty", "`{}`"][..]),
            ("f.yaml", "  \n\n", &["f.yaml is empty", "`{}`"]),
            ("f.yaml", "# only a comment\n", &["f.yaml is empty", "`{}`"]),
            ("f.json", "", &["f.json is empty", "`{}`"]),
            (
                "f.yaml",
                "config/a: {n: 1}\nconfig/b: {n: 1}",
                &["f.yaml:2", "without a newline", "half-written"],
            ),
            ("f.yaml", "config/a: {n: 1\n", &["f.yaml:"]),
            ("f.yaml", "config/a:\n  n: 1\n m: 2\n", &["f.yaml:3"]),
            ("f.yaml", "- config/a\n", &["f.yaml:1", "expected a mapping of keys to values", "list"]),
            ("f.yaml", "a: 1\n---\njust text\n", &["f.yaml:3", "expected a mapping of keys to values"]),
            (
                "f.yaml",
                "config/a: {}\n\nconfig/a: {}\n",
                &["`config/a`", "twice", "f.yaml:1:1", "f.yaml:3:1"],
            ),
            (
                "f.yaml",
                "config/a: {}\n---\nconfig/a: {}\n",
                &["`config/a`", "twice", "f.yaml:1:1", "f.yaml:3:1"],
            ),
            ("f.yaml", "config/a: {n: 1, n: 2}\n", &["f.yaml:1:18", "`n`", "twice"]),
            ("f.yaml", "config/a: {n: 99999999999999999999}\n", &["f.yaml:1", "64 bits"]),
            ("f.json", "{\"config/a\": {}", &["f.json:1"]),
            ("f.json", "{\"config/a\": {},}", &["f.json:1", "trailing comma"]),
            ("f.json", "[]", &["f.json:1", "expected a mapping of keys to values", "list"]),
            ("f.json", "{} {}", &["f.json:1:4", "trailing"]),
            ("f.json", "{\"a\": {},\n\"a\": {}}", &["`a`", "twice", "f.json:1:2", "f.json:2:1"]),
            ("f.json", "{\"a\": {\"n\": 1,\n \"n\": 2}}", &["f.json:2", "key `a`", "`n`", "twice"]),
            ("f.json", "{\"a\": 99999999999999999999}", &["f.json:1", "key `a`", "64 bits"]),
            ("f.json", "{\"\": 1}", &["f.json:1:2", "expected a key"]),
        ] {
            let error = read(file, text).expect_err(text);
            for part in parts {
                assert!(error.contains(part), "{text:?}: `{part}` not in: {error}");
            }
        }
        let error = parse(Path::new("f.yaml"), b"a: b\nc: \xff\n").unwrap_err().to_string();
        assert!(error.contains("f.yaml:2") && error.contains("UTF-8"), "{error}");
    }

    #[test]
    fn only_yaml_and_json_files_are_wanted() {
        for (name, wanted) in [
            ("a.yaml", true),
            ("a.yml", true),
            ("a.json", true),
            ("a.yaml~", false),
            (".a.yaml", false),
            ("..data", false),
            ("a.yaml.swp", false),
            ("4913", false),
        ] {
            assert_eq!(is_wanted(Path::new(name)), wanted, "{name}");
        }
    }
}
