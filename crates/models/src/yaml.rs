//! YAML in and out. JSON is YAML, so what reads YAML reads JSON, too.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};

/// Text that is no YAML, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct YamlError {
    /// Line from 1; 0 if not known.
    pub line: u64,
    /// Column from 1; 0 if not known.
    pub column: u64,
    /// What is wrong there.
    pub reason: String,
}

/// Levels of nesting at most. Models need a dozen; reading takes room on the stack for each.
const DEEPEST: usize = 64;

/// The size of a text is its owner's business; its depth and what aliases make of it are not.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// Reads one YAML document; a key stated twice is an error.
///
/// # Errors
/// Line and column of what is no YAML.
///
/// ```
/// assert_eq!(models::yaml::parse("name: if1\nenabled: true\n")?, serde_json::json!({"name": "if1", "enabled": true}));
/// assert_eq!(models::yaml::parse("a: 1\na: 2\n").unwrap_err().line, 2);
/// # Ok::<(), models::yaml::YamlError>(())
/// ```
pub fn parse(text: &str) -> Result<Value, YamlError> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        let at = error.location();
        YamlError {
            line: at.map_or(0, |at| at.line()),
            column: at.map_or(0, |at| at.column()),
            reason: error.to_string(),
        }
    })
}

/// Writes a value as YAML: two spaces a level, a newline at the end, text in quotes where it could be taken for
/// something else.
///
/// ```
/// let route = serde_json::json!({"vrf_id": 1, "dst_network": "10.0.0.0/8"});
/// assert_eq!(models::yaml::write(&route), "vrf_id: 1\ndst_network: 10.0.0.0/8\n");
/// ```
pub fn write(value: &Value) -> String {
    // Values have no keys but text and nothing that YAML does not have.
    serde_saphyr::to_string(value).unwrap_or_default()
}

/// The lines of what stands in a text.
pub(crate) struct Lines(Spanned<Node>);

impl Lines {
    /// `None` if the text is no YAML.
    pub(crate) fn of(text: &str) -> Option<Self> {
        serde_saphyr::from_str_with_options(text, options()).ok().map(Self)
    }

    /// The line, from 1, of what stands at `path`, as `interfaces[3].mtu`; the line of what it is in if it is not there.
    pub(crate) fn line_of(&self, path: &str) -> u64 {
        let mut node = &self.0;
        let mut line = node.referenced.line();
        let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
        for step in steps.filter(|step| !step.is_empty()) {
            let next = match &node.value {
                Node::Mapping(entries) => entries
                    .iter()
                    .find(|(key, _)| key.value == step)
                    .map(|(key, next)| (key.referenced.line(), next)),
                Node::List(items) => step
                    .parse()
                    .ok()
                    .and_then(|i: usize| items.get(i))
                    .map(|next| (next.referenced.line(), next)),
                Node::Scalar => None,
            };
            match next {
                Some(next) => (line, node) = next,
                None => break,
            }
        }
        line
    }
}

/// The places in a text.
enum Node {
    Mapping(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Scalar,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Mapping(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_path_is_found() {
        let text = "# head\nvpp:\n  a:\n  - name: x\n    mtu: 5\n  - name: y\n";
        let lines = Lines::of(text).unwrap();
        for (path, line) in [
            ("", 2),
            ("vpp", 2),
            ("vpp.a[0].mtu", 5),
            ("vpp.a[1]", 6),
            ("vpp.a[1].mtu", 6),
            ("vpp.a[7].mtu", 3),
            ("other", 2),
        ] {
            assert_eq!(lines.line_of(path), line, "{path}");
        }
        assert_eq!(Lines::of("{\n  \"a\": [\n    1]}").unwrap().line_of("a[0]"), 3);
        assert!(Lines::of("a: [").is_none());
    }
}
