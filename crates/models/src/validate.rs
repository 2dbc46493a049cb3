//! Rules of the models that need nothing but the value itself. Each function returns every rule that is broken.
//!
//! What needs the state of other values (an interface that has to exist) is a dependency and not here; what depends
//! on the VPP release is the descriptors' matter.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

mod acl;
pub(crate) mod annotated;
mod interface;
mod ipsec;
mod key_fields;
mod l2;
mod l3;
mod link;
mod linux;
mod nat;
mod services;
mod srv6;

pub(crate) use acl::*;
pub(crate) use interface::interface;
pub use interface::{TAP_DEFAULT_VERSION, tap_version};
pub(crate) use ipsec::*;
pub(crate) use l2::*;
pub(crate) use l3::*;
pub(crate) use linux::*;
pub(crate) use nat::*;
pub(crate) use services::*;
pub(crate) use srv6::*;

use crate::message::ModelMessage;
use crate::nearest::shortened_reason;
use crate::net::parse_mac;

/// Longest name in bytes: VPP keeps names as tags in fields of 64 bytes that end in a zero.
pub const LONGEST_NAME: usize = 63;

/// Longest name of a Linux interface: `IFNAMSIZ` without its final zero.
const LONGEST_HOST_NAME: usize = 15;

/// A rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Path of the field, as `ip_addresses[0]`.
    pub path: String,
    /// What is wrong with it and what it has to be.
    pub reason: String,
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field `{}`: {}", self.path, self.reason)
    }
}

/// What it quotes may be long.
fn problem(path: String, reason: &str) -> FieldProblem {
    FieldProblem { path, reason: shortened_reason(reason).into_owned() }
}

/// Collects the rules that a value breaks.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

/// Adds problems of fields of which nothing is said so far.
struct Unsaid {
    problems: Vec<FieldProblem>,
    said: HashSet<String>,
}

impl Unsaid {
    fn after(problems: Vec<FieldProblem>) -> Self {
        let said = problems.iter().map(|problem| problem.path.clone()).collect();
        Self { problems, said }
    }

    fn add(&mut self, path: &str, reason: impl FnOnce() -> String) {
        if self.said.insert(path.to_owned()) {
            self.problems.push(problem(path.to_owned(), &reason()));
        }
    }
}

impl Problems {
    fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push(problem(path.into(), &reason.into()));
    }

    fn tag(&mut self, path: &str, name: &str) {
        if name.is_empty() {
            self.add(path, "must not be empty");
        } else if name.len() > LONGEST_NAME {
            self.add(
                path,
                format!(
                    "is {} bytes long; VPP keeps it as a tag of at most {LONGEST_NAME} bytes",
                    name.len()
                ),
            );
        } else if name.contains('\0') {
            self.add(path, "must not contain a zero byte");
        }
    }

    fn required(&mut self, path: impl Into<String>, text: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        }
    }

    fn mac(&mut self, path: impl Into<String>, text: &str) {
        if parse_mac(text).is_none() {
            self.add(path, format!("`{text}` is not a MAC address such as 02:fe:00:00:00:01"));
        }
    }

    fn mac_if_stated(&mut self, path: &str, text: &str) {
        if !text.is_empty() {
            self.mac(path, text);
        }
    }

    /// Two ends of a range; what is no `T` is told elsewhere.
    fn ascending<T: FromStr + Ord>(&mut self, path: impl Into<String>, first: &str, last: &str) {
        if let (Ok(a), Ok(b)) = (first.parse::<T>(), last.parse::<T>())
            && a > b
        {
            self.add(path, format!("`{last}` is before the start of the range, `{first}`"));
        }
    }

    fn same_family(&mut self, path: impl Into<String>, text: &str, other_path: &str, other: &str) {
        if let (Some(a), Some(b)) = (family(text), family(other))
            && a != b
        {
            self.add(path, format!("`{text}` is not of the address family of `{other_path}`, `{other}`"));
        }
    }

    fn unique_name<'a>(&mut self, names: &mut BTreeSet<&'a str>, path: impl Into<String>, name: &'a str) {
        if name.is_empty() {
            self.add(path, "must not be empty");
        } else if !names.insert(name) {
            self.add(path, format!("`{name}` is stated already"));
        }
    }

    /// The link of an interface has to fit its type, of which some have none.
    fn link(&mut self, kind: &str, wanted: Option<&str>, stated: Option<&str>) {
        match (wanted, stated) {
            (None, Some(stated)) => self.add(stated, format!("does not fit type {kind}, which has no link")),
            (Some(wanted), None) => {
                self.add(
                    wanted,
                    format!("must be stated for type {kind}, be it as the empty `{wanted}: {{}}`"),
                );
            }
            (Some(wanted), Some(stated)) if wanted != stated => {
                self.add(stated, format!("does not fit type {kind}, whose link is `{wanted}`"));
            }
            _ => {}
        }
    }

    fn at_most(&mut self, path: impl Into<String>, number: u32, most: u32) {
        if number > most {
            self.add(path, format!("is {number}, which is more than {most}"));
        }
    }
}

/// What is wrong with a name of a Linux interface; nothing with an empty one.
fn host_name(name: &str) -> Option<String> {
    if name.len() > LONGEST_HOST_NAME {
        return Some(format!(
            "is {} bytes long; names of Linux interfaces have at most {LONGEST_HOST_NAME}",
            name.len()
        ));
    }
    let refused = |c: char| c == '/' || c == ':' || c == '\0' || c.is_whitespace();
    (matches!(name, "." | "..") || name.contains(refused))
        .then(|| format!("is `{name}`, which Linux does not accept for an interface"))
}

/// Whether an address is of IPv4; `None` if it is none.
fn family(text: &str) -> Option<bool> {
    text.parse::<IpAddr>().ok().map(|ip| ip.is_ipv4())
}

/// All rules of a model: its own, those stated in the `.proto` file, and those for fields that the key is made of.
pub(crate) fn all<M: ModelMessage>(value: &M, own: fn(&M) -> Vec<FieldProblem>) -> Vec<FieldProblem> {
    let mut problems = Unsaid::after(own(value));
    let dynamic = value.transcode_to_dynamic();
    if let Some(name) = M::NAME {
        key_fields::check(&mut problems, name.template, &dynamic);
    }
    annotated::check(&mut problems, &dynamic);
    problems.problems
}

/// A model without rules of its own.
pub(crate) fn none<M>(_: &M) -> Vec<FieldProblem> {
    Vec::new()
}
