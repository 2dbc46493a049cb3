//! No release's calls are used: why.

use std::fmt;

use super::compare::{Misfit, list};

/// No release's calls are used. What it displays lists every release with what is wrong with it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What VPP says of itself.
    pub version: String,
    /// Why.
    pub why: Why,
    /// Newest first: release and what is wrong with it.
    pub misfits: Vec<(&'static str, Misfit)>,
    /// Newest first: releases all of whose needed messages are there. They are not those that VPP says it is of.
    pub fitting: Vec<&'static str>,
}

/// Why no release's calls are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// VPP says that it is of this release, and its messages are not those of this release.
    Altered(&'static str),
    /// It says that it is of none that is supported, and none fits.
    NoneFits,
    /// These fit by name and CRC, and do not agree on the layout of these messages.
    Ambiguous(Vec<&'static str>, Vec<String>),
    /// The release that was asked for is not supported.
    NotSupported(String),
}

impl Refusal {
    /// What is wrong with the release that VPP says it is of.
    pub fn own(&self) -> Option<&Misfit> {
        let Why::Altered(own) = &self.why else { return None };
        self.misfits.iter().find(|(release, _)| release == own).map(|(_, misfit)| misfit)
    }

    /// In a line, without the other releases.
    pub fn brief(&self) -> String {
        match (&self.why, self.own()) {
            (Why::Altered(release), Some(misfit)) => {
                format!("VPP {} is not as {release} is: {misfit}", self.version)
            }
            (Why::Altered(release), None) => format!("VPP {} is not as {release} is", self.version),
            (Why::NoneFits, _) => format!("VPP {} fits no supported release", self.version),
            (Why::Ambiguous(releases, messages), _) => format!(
                "VPP {} may be of {}, which lay out {} differently",
                self.version,
                releases.join(", "),
                list(messages)
            ),
            (Why::NotSupported(release), _) => {
                format!("release {release}, which was asked for, is not supported")
            }
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Altered(_) | Why::NoneFits => {
                writeln!(f, "VPP {} fits no supported release:", self.version)?;
            }
            Why::Ambiguous(releases, messages) => {
                writeln!(f, "VPP {} does not say which release it is of:", self.version)?;
                writeln!(
                    f,
                    "  {} fit by name and CRC, but lay out {} differently",
                    releases.join(", "),
                    list(messages)
                )?;
            }
            Why::NotSupported(release) => {
                let all: Vec<&str> = super::releases().collect();
                return write!(f, "--force-release {release}: expected one of {}", all.join(", "));
            }
        }
        let own = match &self.why {
            Why::Altered(own) => Some(own),
            _ => None,
        };
        // What it should be first.
        let (first, others): (Vec<_>, Vec<_>) =
            self.misfits.iter().partition(|(release, _)| Some(release) == own);
        for (release, misfit) in first {
            writeln!(f, "  {release}, which it says it is of: {misfit}")?;
        }
        for (release, misfit) in others {
            writeln!(f, "  {release}: {misfit}")?;
        }
        if let (Why::Altered(own), false) = (&self.why, self.fitting.is_empty()) {
            writeln!(f, "  {} would fit, and is not what VPP says it is of: {own}", self.fitting.join(", "))?;
        }
        write!(
            f,
            "import this VPP's API definitions with `cargo xtask gen --release ... --from ...` and rebuild the agent, \
             or take the calls of a release all the same with --force-release"
        )
    }
}
