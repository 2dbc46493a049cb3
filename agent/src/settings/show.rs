//! Showing settings.

use std::fmt::Write as _;

use super::Shown;

/// Whether a setting is not for all eyes.
pub(crate) fn is_secret(key: &str) -> bool {
    ["password", "token", "secret"].iter().any(|word| key.contains(word))
}

pub(crate) fn show(all: &[Shown], origin: bool) -> String {
    let width = |of: fn(&Shown) -> &str| all.iter().map(|shown| of(shown).len()).max().unwrap_or_default();
    let (names, values) = (width(|shown| &shown.name), width(|shown| &shown.value).min(48));
    let mut text = String::new();
    for shown in all {
        let (name, value) = (&shown.name, &shown.value);
        let _ = match origin {
            true => writeln!(text, "{name:names$}  {value:values$}  {}", shown.origin),
            false => writeln!(text, "{name:names$}  {value}"),
        };
    }
    text
}
