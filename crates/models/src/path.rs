//! Joining and cleaning of key paths.

/// What keys in a store shared by several agents begin with, before the agent's label.
pub const ALL_AGENTS_PREFIX: &str = "/vnf-agent/";

/// Joins prefix and instance name and cleans the path.
///
/// Cleaning collapses `//`, drops `.`, resolves `..` and drops a slash at the end, so that an empty name gives the
/// prefix without its slash.
pub(crate) fn join(prefix: &str, name: &str) -> String {
    match prefix.strip_suffix('/') {
        _ if name.is_empty() => clean(prefix),
        // As almost all are.
        Some(stem) if is_clean(stem) && is_clean(name) => format!("{prefix}{name}"),
        _ => clean(&format!("{prefix}/{name}")),
    }
}

/// Whether cleaning leaves `path` as it is, wherever it stands in a key.
pub(crate) fn is_clean(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// What [`ALL_AGENTS_PREFIX`] followed by a label makes: the prefix of one agent's keys in a shared store.
pub fn agent_prefix(label: &str) -> String {
    format!("{ALL_AGENTS_PREFIX}{label}/")
}

/// Splits `/vnf-agent/<label>/<key>` into the label and the key; a key without that prefix has no label.
///
/// ```
/// assert_eq!(models::split_agent_prefix("/vnf-agent/vpp1/config/x"), (Some("vpp1"), "config/x"));
/// assert_eq!(models::split_agent_prefix("config/x"), (None, "config/x"));
/// ```
pub fn split_agent_prefix(key: &str) -> (Option<&str>, &str) {
    match key.strip_prefix(ALL_AGENTS_PREFIX).and_then(|rest| rest.split_once('/')) {
        Some((label, rest)) if !label.is_empty() => (Some(label), rest),
        _ => (None, key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_paths_are_clean() {
        for (prefix, name, expected) in [
            ("config/vpp/v2/interfaces/", "if1", "config/vpp/v2/interfaces/if1"),
            ("config/vpp/v2/interfaces/", "", "config/vpp/v2/interfaces"),
            ("config/vpp/v2/interfaces/", "GigE0/8/0", "config/vpp/v2/interfaces/GigE0/8/0"),
            ("config/vpp/v2/interfaces/", "a//b/", "config/vpp/v2/interfaces/a/b"),
            ("config/vpp/v2/interfaces/", "/a", "config/vpp/v2/interfaces/a"),
            ("config/vpp/v2/interfaces/", "a/./b/../c", "config/vpp/v2/interfaces/a/c"),
            ("a/", "../../b", "../b"),
            ("/a/", "../../b", "/b"),
            ("a/", "..", "."),
        ] {
            assert_eq!(join(prefix, name), expected, "{prefix} + {name}");
        }
    }

    #[test]
    fn a_label_is_split_off() {
        assert_eq!(split_agent_prefix("/vnf-agent/vpp1/config/a/b"), (Some("vpp1"), "config/a/b"));
        assert_eq!(split_agent_prefix("config/a"), (None, "config/a"));
        assert_eq!(split_agent_prefix("/vnf-agent//config/a"), (None, "/vnf-agent//config/a"));
        assert_eq!(split_agent_prefix("/vnf-agent/vpp1"), (None, "/vnf-agent/vpp1"));
        assert_eq!(agent_prefix("vpp1"), "/vnf-agent/vpp1/");
    }
}
