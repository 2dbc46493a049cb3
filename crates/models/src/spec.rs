//! Identity of a model and what follows from it: name, path, key prefix.

use std::fmt;

/// Class of the models that make up the wanted configuration.
pub const CONFIG_CLASS: &str = "config";

/// Version of a model that states none.
pub const DEFAULT_VERSION: &str = "v0";

/// Identifies a model: `vpp.l2`, `v2`, `bridge-domain`, class `config`.
///
/// Rules for the parts are those that clients of the API know:
///
/// | part | form |
/// | --- | --- |
/// | module, type | lower-case letters, digits, `-` and `_`; one dot may separate two such words |
/// | version | `v`, digits, then optionally lower-case letters, digits, `-`, `_` |
/// | class | lower-case letters, digits, `-` and `_` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spec {
    /// Component that the model belongs to, such as `vpp.l2`.
    pub module: &'static str,
    /// Version of the model, such as `v2`.
    pub version: &'static str,
    /// Kind of object, such as `bridge-domain`.
    pub kind: &'static str,
    /// What values of the model are for: [`CONFIG_CLASS`] or `metrics`.
    pub class: &'static str,
}

/// A part of a [`Spec`] that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {part} `{value}` of a model specification is not {expected}")]
pub struct SpecError {
    /// `module`, `version`, `type` or `class`.
    pub part: &'static str,
    /// What it says.
    pub value: String,
    /// What it has to be.
    pub expected: &'static str,
}

impl Spec {
    /// A model of the class `config`.
    pub const fn config(module: &'static str, version: &'static str, kind: &'static str) -> Self {
        Self { module, version, kind, class: CONFIG_CLASS }
    }

    /// Checks every part against its rule.
    ///
    /// # Errors
    /// The first part that breaks its rule.
    pub fn check(&self) -> Result<(), SpecError> {
        const DOTTED: &str = "one or two words of lower-case letters, digits, `-`, `_`, separated by a dot";
        const VERSION: &str = "`v` followed by a number and optionally a suffix, as `v2` or `v1-beta`";
        const WORD: &str = "a word of lower-case letters, digits, `-`, `_`";
        let rules = [
            ("module", self.module, is_dotted(self.module), DOTTED),
            ("version", self.version, is_version(self.version), VERSION),
            ("type", self.kind, is_dotted(self.kind), DOTTED),
            ("class", self.class, is_word(self.class), WORD),
        ];
        for (part, value, good, expected) in rules {
            if !good {
                return Err(SpecError { part, value: value.to_owned(), expected });
            }
        }
        Ok(())
    }

    /// `<module>.<type>`, as `vpp.l2.bridge-domain`.
    pub fn model_name(&self) -> String {
        format!("{}.{}", self.module, self.kind)
    }

    /// `<module>/<version>/<type>` with dots as slashes, as `vpp/l2/v2/bridge-domain`.
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.module.replace('.', "/"), self.version, self.kind.replace('.', "/"))
    }

    /// What keys of the model begin with, as `config/vpp/l2/v2/bridge-domain/`.
    ///
    /// A model with one instance only (`singleton`) has no slash at the end: the prefix is the key.
    pub fn key_prefix(&self, singleton: bool) -> String {
        format!("{}/{}{}", self.class, self.path(), if singleton { "" } else { "/" })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.model_name(), self.version, self.class)
    }
}

fn is_word_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_'
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_word_byte)
}

fn is_dotted(text: &str) -> bool {
    match text.split_once('.') {
        Some((first, second)) => is_word(first) && is_word(second),
        None => is_word(text),
    }
}

fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(is_word_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_follow_the_rules_are_accepted() {
        for (module, version, kind, class) in [
            ("vpp", "v2", "interfaces", "config"),
            ("vpp.l2", "v2", "bridge-domain", "config"),
            ("vpp.wg", "v1", "peer", "config"),
            ("govppmux", "v0", "stats", "metrics"),
            ("a_b", "v10-beta_2", "c.d", "x-y"),
        ] {
            let spec = Spec { module, version, kind, class };
            assert_eq!(spec.check(), Ok(()), "{spec}");
        }
    }

    #[test]
    fn a_part_that_breaks_its_rule_is_named() {
        for (module, version, kind, class, part) in [
            ("", "v2", "t", "config", "module"),
            ("VPP", "v2", "t", "config", "module"),
            ("a.b.c", "v2", "t", "config", "module"),
            (".a", "v2", "t", "config", "module"),
            ("a.", "v2", "t", "config", "module"),
            ("vpp", "2", "t", "config", "version"),
            ("vpp", "v", "t", "config", "version"),
            ("vpp", "vx", "t", "config", "version"),
            ("vpp", "v2.1", "t", "config", "version"),
            ("vpp", "v2", "bridge domain", "config", "type"),
            ("vpp", "v2", "t", "con.fig", "class"),
            ("vpp", "v2", "t", "", "class"),
        ] {
            let error = Spec { module, version, kind, class }.check().expect_err("a rule is broken");
            assert_eq!(error.part, part, "{error}");
        }
    }

    #[test]
    fn name_path_and_prefix_follow_from_the_parts() {
        let spec = Spec::config("vpp.l2", "v2", "bridge-domain");
        assert_eq!(spec.model_name(), "vpp.l2.bridge-domain");
        assert_eq!(spec.path(), "vpp/l2/v2/bridge-domain");
        assert_eq!(spec.key_prefix(false), "config/vpp/l2/v2/bridge-domain/");
        assert_eq!(
            Spec::config("vpp", "v2", "proxyarp-global").key_prefix(true),
            "config/vpp/v2/proxyarp-global"
        );
        let metrics = Spec { module: "govppmux", version: "v0", kind: "stats", class: "metrics" };
        assert_eq!(metrics.key_prefix(true), "metrics/govppmux/v0/stats");
    }
}
