//! Hints for names that are not known.

use std::borrow::Cow;

/// Characters of a text from outside that are shown at most.
const LONGEST: usize = 60;

/// Characters of a key that are shown at most.
const LONGEST_KEY: usize = 400;

/// Longest reason that is shown as it is, in bytes.
const LONGEST_REASON: usize = 600;

/// The candidate that `name` was most likely meant to be, if any is near; upper and lower case, `_` and `-` are alike.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = plain(name);
    let near = |candidate: &'a str| {
        let text = plain(candidate);
        // A third of the letters may be wrong.
        let distance = strsim::damerau_levenshtein(&name, &text);
        let contained = name.len() > 2 && (text.contains(&name) || name.contains(&text));
        (distance * 3 <= text.chars().count().max(3) || contained).then_some((distance, candidate))
    };
    candidates.filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The start of a key that `key` was most likely meant to have, among `prefixes`.
pub(crate) fn nearest_prefix<'a>(key: &str, prefixes: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = |prefix: &'a str| {
        let text = prefix.trim_end_matches('/');
        // As many parts of the key as the prefix has.
        let parts = text.split('/').count();
        let end = key.match_indices('/').nth(parts - 1).map_or(key.len(), |(at, _)| at);
        let start = key.get(..end).filter(|start| start.len() <= LONGEST)?;
        // Most are so far off that it shows at once.
        if unlike(start, text) * 5 > text.len() {
            return None;
        }
        let distance = strsim::damerau_levenshtein(start, text);
        (distance * 5 <= text.len()).then_some((distance, prefix))
    };
    prefixes.filter_map(near).min().map(|(_, prefix)| prefix)
}

/// How many characters of one text the other has not, in whatever order: never more than what has to be changed to make
/// one of the other.
fn unlike(one: &str, other: &str) -> usize {
    let mut surplus = [0_i32; 128];
    let (mut more, mut less) = (0, 0);
    let place = |c: char| usize::try_from(u32::from(c) % 128).unwrap_or_default();
    for (text, step) in [(one, 1), (other, -1)] {
        for c in text.chars() {
            if let Some(count) = surplus.get_mut(place(c)) {
                *count += step;
            }
        }
    }
    for count in surplus {
        let n = usize::try_from(count.unsigned_abs()).unwrap_or_default();
        if count > 0 { more += n } else { less += n }
    }
    more.max(less)
}

/// Letters and digits in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// `text` as it can be shown in a message: cut where it is too long.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    cut(text, LONGEST)
}

/// `key` as it can be shown in a message.
pub(crate) fn shortened_key(key: &str) -> Cow<'_, str> {
    cut(key, LONGEST_KEY)
}

/// A sentence as it can be shown in a message: what it quotes may be long, and what is said of it stands at its end.
pub(crate) fn shortened_reason(reason: &str) -> Cow<'_, str> {
    if reason.len() <= LONGEST_REASON {
        return Cow::Borrowed(reason);
    }
    let last = reason.char_indices().rev().nth(LONGEST_REASON / 2).map_or(0, |(at, _)| at);
    Cow::Owned(format!("{}{}", cut(reason, LONGEST_REASON / 8), reason.get(last..).unwrap_or_default()))
}

fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found_and_nothing_else() {
        let names =
            ["name", "type", "enabled", "phys_address", "ip_addresses", "set_dhcp_client", "enable_gso"];
        for (name, expected) in [
            ("enabeld", Some("enabled")),
            ("physAdress", Some("phys_address")),
            ("dhcp_client", Some("set_dhcp_client")),
            ("gso", Some("enable_gso")),
            ("Name", Some("name")),
            ("ip_address", Some("ip_addresses")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names.into_iter()), expected, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(10_000_000), names.into_iter()), None);
    }

    #[test]
    fn what_is_unlike_takes_at_least_so_many_changes() {
        let texts = ["", "config/vpp/v2/interfaces", "config/vpp/v2/interfces", "garbage/1", "ünicöde/☃"];
        for one in texts {
            for other in texts {
                assert!(unlike(one, other) <= strsim::damerau_levenshtein(one, other), "{one} {other}");
            }
        }
        assert_eq!(unlike("abc", "abd"), 1);
        assert_eq!(unlike("abc", "xyz12"), 5);
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(shortened("if1"), "if1");
        assert_eq!(shortened(&"ö".repeat(100)), format!("{}...", "ö".repeat(60)));
        let reason = format!("`a{}` is none", "ö".repeat(1000));
        let short = shortened_reason(&reason);
        assert!(
            short.starts_with("`aö") && short.ends_with("ö` is none") && short.contains("ö...ö"),
            "{short}"
        );
        assert!(short.chars().count() < 500, "{}", short.len());
        assert_eq!(shortened_reason("`a` is none"), "`a` is none");
    }
}
