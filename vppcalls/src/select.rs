//! Which handlers fit the VPP at the other end.
//!
//! The macro leaves, for each area, groups of releases with the messages that they need. A release *fits* when
//!
//! - every message that its groups need of VPP's core is in the message table with its CRC;
//! - of each plugin module all needed messages are there, or none (then the plugin is not loaded: what needs it is
//!   unavailable, the rest works);
//! - no needed message has another layout there behind the same CRC: by VPP's own definitions where they are at hand,
//!   else by those of the release that VPP says it is of.
//!
//! A VPP that says it is of a supported release gets the calls of that release, or none: a build that changed a
//! message is not taken for an elder one that does without. Any other VPP gets the newest that fits; if those that fit
//! do not agree on a layout, it gets none: a route written in the wrong layout is accepted and wrong.
//!
//! `--force-release` takes the calls of a release whatever fits. Calls whose messages have another CRC fail one by
//! one; those behind whose CRC there is another layout are read wrongly by VPP.

mod compare;
mod groups;
mod layouts;
mod refusal;

use std::collections::BTreeSet;
use std::fmt;

use binapi_index::{MESSAGES, Message, RELEASES};
use vpp_client::{Client, Connection, MessageTable};

use crate::handlers::Handlers;
pub use crate::handlers::groups;
use compare::{compare, list, other_layout};

pub use compare::{Misfit, Verdict};
pub(crate) use groups::{Group, handler};
pub use groups::{GroupInfo, Need, required};
pub use layouts::{LayoutError, Layouts};
pub use refusal::{Refusal, Why};

/// What is known of a VPP.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its messages, as the handshake gives them.
    pub table: &'a MessageTable,
    /// What it says of itself: `23.06-release`.
    pub version: &'a str,
    /// The layouts of its messages, where its definitions are at hand.
    pub layouts: Option<&'a Layouts>,
}

impl<'a> Evidence<'a> {
    /// What a connection tells at once.
    pub fn of(connection: &'a Connection) -> Self {
        Self { table: &connection.table, version: &connection.version, layouts: None }
    }
}

/// A choice of release. What it displays is one line for the log.
#[derive(Clone, Debug)]
pub struct Selection {
    /// What VPP says of itself.
    pub version: String,
    /// Position in the index.
    pub position: usize,
    /// Its name.
    pub release: &'static str,
    /// Plugin modules whose messages VPP does not have.
    pub absent: BTreeSet<&'static str>,
    /// What calls of this release cannot do.
    pub unsupported: Vec<&'static str>,
    /// Newest first: releases that do not fit, and why.
    pub misfits: Vec<(&'static str, Misfit)>,
    /// It was asked for; whether it fits is told by `misfits`.
    pub forced: bool,
    /// Something to tell the operator, such as that VPP's own release is not known.
    pub notice: Option<String>,
}

impl Selection {
    /// Why the chosen release would not have been, had it not been asked for.
    pub fn misfit(&self) -> Option<&Misfit> {
        self.misfits.iter().find(|(release, _)| *release == self.release).map(|(_, misfit)| misfit)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.version.is_empty() { "of unknown release" } else { &self.version };
        let absent: Vec<&str> = self.absent.iter().copied().collect();
        let or_none = |text: String| if text.is_empty() { "none".to_string() } else { text };
        write!(
            f,
            "VPP {version} is given the calls of {}; plugins absent: {}; not supported: {}",
            self.release,
            or_none(absent.join(", ")),
            or_none(self.unsupported.join("; "))
        )
    }
}

/// The release that a version names: `20.05.1-release` is 20.05.
pub fn release_of(version: &str) -> Option<String> {
    let digits = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
    let (year, rest) = version.trim().trim_start_matches('v').split_once('.')?;
    let month: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (digits(year) && digits(&month)).then(|| format!("{year}.{month}"))
}

/// The supported releases, oldest first.
pub fn releases() -> impl DoubleEndedIterator<Item = &'static str> {
    RELEASES.iter().map(|r| r.name)
}

/// The release whose messages are most like these: with the most in common, and then with the fewest beyond. For those
/// who have a table or definitions and nobody who says what they are of.
pub fn most_like(table: &MessageTable) -> Option<&'static str> {
    let mut counts = vec![(0usize, 0usize); RELEASES.len()];
    for message in MESSAGES {
        let shared = table.crc(message.name) == Some(message.crc);
        for (release, (common, beyond)) in counts.iter_mut().enumerate() {
            if message.releases & (1 << release) != 0 {
                *(if shared { common } else { beyond }) += 1;
            }
        }
    }
    let all = RELEASES.iter().zip(counts).filter(|(_, (common, _))| *common > 0);
    all.max_by_key(|(_, (common, beyond))| (*common, std::cmp::Reverse(*beyond)))
        .map(|(release, _)| release.name)
}

/// How a VPP stands to every release, newest first.
pub fn verdicts(evidence: &Evidence<'_>) -> Vec<Verdict> {
    let groups = groups();
    let reported = position_of(evidence.version);
    let other = |message: &Message| match evidence.layouts {
        Some(layouts) => layouts.shape(message.name, message.crc).is_some_and(|shape| shape != message.shape),
        None => reported.is_some_and(|r| other_layout(message, r)),
    };
    let verdict = |(position, release): (usize, &'static binapi_index::Release)| {
        let (misfit, absent) = compare(evidence.table, position, &required(&groups, position), &other);
        Verdict { position, release: release.name, misfit, absent }
    };
    RELEASES.iter().enumerate().rev().map(verdict).collect()
}

/// The release that a version names, as a position in the index.
fn position_of(version: &str) -> Option<usize> {
    let named = release_of(version)?;
    RELEASES.iter().position(|r| r.name == named)
}

/// Chooses a release for a VPP; `forced` is one whose calls are taken whether they fit or not.
pub fn choose(evidence: &Evidence<'_>, forced: Option<&str>) -> Result<Selection, Refusal> {
    let groups = groups();
    let verdicts = verdicts(evidence);
    let misfits = || {
        let misfitting = verdicts.iter().filter(|v| !v.fits());
        misfitting.map(|v| (v.release, v.misfit.clone())).collect::<Vec<_>>()
    };
    let fitting: Vec<&Verdict> = verdicts.iter().filter(|v| v.fits()).collect();
    let refuse = |why| Refusal {
        version: evidence.version.to_string(),
        why,
        misfits: misfits(),
        fitting: fitting.iter().map(|v| v.release).collect(),
    };
    let at = |position: usize| verdicts.iter().find(|v| v.position == position);
    let reported = position_of(evidence.version);
    let (chosen, notice) = match (forced, reported.and_then(at)) {
        (Some(forced), _) => {
            let not_supported = || refuse(Why::NotSupported(forced.to_string()));
            let chosen = position_of(forced).and_then(at).ok_or_else(not_supported)?;
            (chosen, Some(forced_notice(evidence.version, chosen)))
        }
        (None, Some(own)) if own.fits() => (own, None),
        (None, Some(own)) => return Err(refuse(Why::Altered(own.release))),
        (None, None) => {
            let Some(newest) = fitting.first() else { return Err(refuse(Why::NoneFits)) };
            let differing = match evidence.layouts {
                Some(_) => Vec::new(),
                None => differing(&groups, newest.position, &fitting),
            };
            if !differing.is_empty() {
                let names = fitting.iter().map(|v| v.release).collect();
                return Err(refuse(Why::Ambiguous(names, differing)));
            }
            (*newest, Some(unknown_notice(evidence.version, newest, &verdicts)))
        }
    };
    let of_release = groups.iter().filter(|g| g.serves(chosen.position));
    Ok(Selection {
        version: evidence.version.to_string(),
        position: chosen.position,
        release: chosen.release,
        absent: chosen.absent.clone(),
        unsupported: of_release.flat_map(|g| g.unsupported.iter().copied()).collect(),
        misfits: misfits(),
        forced: forced.is_some(),
        notice,
    })
}

fn forced_notice(version: &str, chosen: &Verdict) -> String {
    let release = chosen.release;
    if chosen.fits() {
        return format!("the calls of {release} are forced upon VPP {version}; they fit");
    }
    let mut text =
        format!("the calls of {release} are forced upon VPP {version} and DO NOT FIT: {}", chosen.misfit);
    if !chosen.misfit.other_layout.is_empty() {
        text.push_str(&format!(" VPP reads {} wrongly.", list(&chosen.misfit.other_layout)));
    }
    text
}

fn unknown_notice(version: &str, chosen: &Verdict, verdicts: &[Verdict]) -> String {
    let release = chosen.release;
    let mut text = match release_of(version) {
        Some(named) => {
            format!("VPP says it is of {named}, which is not known; the calls of {release} fit and are used")
        }
        None => format!("VPP does not say its release ({version}); the calls of {release} fit and are used"),
    };
    if let Some(newest) = verdicts.first().filter(|v| !v.fits()) {
        text.push_str(&format!("; those of {} do not fit: {}", newest.release, newest.misfit));
    }
    text
}

/// Chooses by what a connection tells at once, and makes the calls.
pub fn select(client: &Client, connection: &Connection) -> Result<(Handlers, Selection), Refusal> {
    let selection = choose(&Evidence::of(connection), None)?;
    // The macro covers every release, so there are calls; a refusal says the same without a panic.
    let none = || Refusal {
        version: connection.version.clone(),
        why: Why::NotSupported(selection.release.to_string()),
        misfits: Vec::new(),
        fitting: Vec::new(),
    };
    let handlers = Handlers::new(client, connection, &selection).ok_or_else(none)?;
    Ok((handlers, selection))
}

/// Needed messages on whose layout the fitting releases do not agree.
fn differing(groups: &[GroupInfo], position: usize, fitting: &[&Verdict]) -> Vec<String> {
    let needed = required(groups, position);
    let differs = |m: &&&Message| fitting.iter().any(|v| other_layout(m, v.position));
    needed.iter().filter(differs).map(|m| m.name.to_string()).collect()
}
