//! What the macro leaves of each area: groups of releases with the messages that they need.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use binapi_index::{Component, MESSAGES, Message, RELEASES, Release};
use vpp_client::Client;

/// Releases that share one expansion of an area.
pub(crate) struct Group<T: ?Sized> {
    /// The first of them: `v2005`.
    pub(crate) name: &'static str,
    /// Positions in the index.
    pub(crate) releases: &'static [u8],
    /// Messages that it needs, as positions in the index.
    pub(crate) required: &'static [u16],
    /// What it cannot do.
    pub(crate) unsupported: &'static [&'static str],
    /// Lines of the source of the area, which all its groups share.
    pub(crate) lines: u32,
    /// Makes the handler.
    pub(crate) make: fn(Client, &'static str) -> Arc<T>,
}

/// A group without its type, to look at.
#[derive(Clone, Copy, Debug)]
pub struct GroupInfo {
    /// `interface`, `l2`.
    pub area: &'static str,
    /// The first of its releases: `v2005`.
    pub name: &'static str,
    /// Positions in the index.
    pub releases: &'static [u8],
    /// Messages that it needs, as positions in the index.
    pub required: &'static [u16],
    /// What it cannot do.
    pub unsupported: &'static [&'static str],
    /// Lines of the source of the area, which all its groups share.
    pub lines: u32,
}

impl GroupInfo {
    pub(crate) fn of<T: ?Sized>(
        area: &'static str,
        groups: &'static [Group<T>],
    ) -> impl Iterator<Item = Self> {
        groups.iter().map(move |g| Self {
            area,
            name: g.name,
            releases: g.releases,
            required: g.required,
            unsupported: g.unsupported,
            lines: g.lines,
        })
    }

    /// True for the releases that use it.
    pub fn serves(&self, position: usize) -> bool {
        self.releases.iter().any(|r| usize::from(*r) == position)
    }

    /// The messages that it needs, with their home in a release that it serves.
    pub fn needs(&self, position: usize) -> impl Iterator<Item = Need> {
        let messages = self.required.iter().filter_map(|p| MESSAGES.get(usize::from(*p)));
        messages.map(move |message| Need { message, plugin: plugin_of(message, position) })
    }
}

/// A message that calls need.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The message.
    pub message: &'static Message,
    /// The plugin module that has it; none for VPP's core.
    pub plugin: Option<&'static str>,
}

/// The handler of a release.
pub(crate) fn handler<T: ?Sized>(
    groups: &'static [Group<T>],
    position: usize,
    client: &Client,
) -> Option<Arc<T>> {
    let found = groups.iter().find(|g| g.releases.iter().any(|r| usize::from(*r) == position))?;
    Some((found.make)(client.clone(), RELEASES.get(position)?.name))
}

/// The messages that a release's calls need.
pub fn required(groups: &[GroupInfo], position: usize) -> Vec<&'static Message> {
    let of_release = groups.iter().filter(|g| g.serves(position));
    let positions: BTreeSet<u16> = of_release.flat_map(|g| g.required.iter().copied()).collect();
    positions.into_iter().filter_map(|p| MESSAGES.get(usize::from(p))).collect()
}

/// Positions of messages by name: deciding about a VPP looks each needed one up for each release.
static NAMED: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut named: HashMap<_, Vec<usize>> = HashMap::new();
    for (position, message) in MESSAGES.iter().enumerate() {
        named.entry(message.name).or_default().push(position);
    }
    named
});

/// Plugin modules by release and position of the message.
static PLUGINS: LazyLock<Vec<HashMap<usize, &'static str>>> = LazyLock::new(|| {
    let plugins = |release: &'static Release| {
        let modules = release.modules.iter().filter(|m| m.component == Component::Plugin);
        modules.flat_map(|m| m.messages.iter().map(|at| (usize::from(*at), m.name))).collect()
    };
    RELEASES.iter().map(plugins).collect()
});

/// All revisions of a message.
pub(crate) fn named(name: &str) -> impl Iterator<Item = &'static Message> {
    NAMED.get(name).into_iter().flatten().filter_map(|position| MESSAGES.get(*position))
}

/// The plugin module that a message is of in a release.
pub(crate) fn plugin_of(message: &Message, position: usize) -> Option<&'static str> {
    let plugins = PLUGINS.get(position)?;
    let same = |at: &&usize| MESSAGES.get(**at).is_some_and(|m| std::ptr::eq(m, message));
    plugins.get(NAMED.get(message.name)?.iter().find(same)?).copied()
}
