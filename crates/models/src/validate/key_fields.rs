//! Rules for the fields that a key is made of.
//!
//! Paths in keys are cleaned: `a//b`, `a/./b` and `a/b/` all become `a/b`. Two values whose names differ only so would
//! have one key, so such names are refused; slashes between words are fine.

use prost_reflect::{DynamicMessage, Kind, ReflectMessage};

use super::Unsaid;
use crate::nearest::shortened;
use crate::path::is_clean;

/// Checks the text fields that `template` names.
pub(super) fn check(problems: &mut Unsaid, template: &str, message: &DynamicMessage) {
    for (name, required) in fields(template) {
        let descriptor = message.descriptor();
        let Some(field) = descriptor
            .fields()
            .find(|field| matches!(field.kind(), Kind::String) && same(field.name(), name))
        else {
            continue;
        };
        let value = message.get_field(&field);
        let Some(text) = value.as_str() else { continue };
        if text.is_empty() {
            if required {
                problems.add(field.name(), || "must not be empty: the key is made of it".to_owned());
            }
        } else if !is_clean(text) {
            problems.add(field.name(), || {
                format!(
                    "`{}` begins or ends with a slash, or has an empty part, `.` or `..` between slashes; \
                     another value could have the same key",
                    shortened(text)
                )
            });
        }
    }
}

/// The fields of a template in the language of Go's `text/template`, and whether the key has a hole without them.
fn fields(template: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut depth = 0_usize;
    template.split("{{").skip(1).filter_map(|part| part.split_once("}}")).flat_map(move |(action, _)| {
        let action = action.trim();
        let word = action.split(' ').next().unwrap_or_default();
        let plain = depth == 0 && !matches!(word, "if" | "with");
        match word {
            "if" | "with" => depth += 1,
            "end" => depth = depth.saturating_sub(1),
            _ => {}
        }
        action.split([' ', '(', ')']).filter_map(|word| word.strip_prefix('.')).map(move |name| (name, plain))
    })
}

/// Whether `field`, as in the `.proto` file, is `name`, as in Go.
fn same(field: &str, name: &str) -> bool {
    field
        .bytes()
        .filter(|b| *b != b'_')
        .map(|b| b.to_ascii_lowercase())
        .eq(name.bytes().map(|b| b.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_templates_are_found() {
        for (template, expected) in [
            ("{{.Name}}", vec![("Name", true)]),
            (
                "{{ protoip .SourceIpAddress}}/rx-vrf/{{.RxVrfId}}",
                vec![("SourceIpAddress", true), ("RxVrfId", true)],
            ),
            (
                crate::name::TUNNEL_PROTECTION,
                vec![("Interface", true), ("NextHopAddr", false), ("NextHopAddr", false)],
            ),
            (
                crate::name::LINUX_ROUTE,
                vec![
                    ("DstNetwork", false),
                    ("IP", false),
                    ("MaskSize", false),
                    ("DstNetwork", false),
                    ("OutgoingInterface", true),
                ],
            ),
        ] {
            assert_eq!(fields(template).collect::<Vec<_>>(), expected, "{template}");
        }
        assert!(
            same("wg_if_name", "WgIfName") && same("l3_protocol", "L3Protocol") && !same("name", "Names")
        );
    }
}
