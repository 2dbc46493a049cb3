//! Which handlers fit the VPP at the other end.
//!
//! The macro leaves, for each area, groups of releases with the messages that they need. A release *fits* when
//!
//! - every message that its groups need of VPP's core is in the message table with its CRC;
//! - of each plugin module all needed messages are there, or none (then the plugin is not loaded: what needs it is
//!   unavailable, the rest works);
//! - where VPP says that it is of a known release, no needed message has another layout there behind the same CRC.
//!
//! Of those that fit, the one that VPP says it is of is taken, else the newest. If those that fit do not agree on
//! a layout and VPP's word does not decide, none is taken: a route written in the wrong layout is accepted and
//! wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use binapi_index::{Component, MESSAGES, Message, RELEASES};
use vpp_client::{Client, Connection, Lookup, MessageTable};

use crate::calls::{
    self, AfPacketCalls, BondCalls, CoreCalls, DhcpCalls, GreCalls, InterfaceCalls, IpipCalls, L2Calls,
    L3Calls, MemifCalls, NeighborCalls, RxCalls, SpanCalls, SubInterfaceCalls, TapCalls, VxlanCalls,
};

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
}

/// All groups of all areas.
pub fn groups() -> Vec<GroupInfo> {
    fn of<T: ?Sized>(area: &'static str, groups: &'static [Group<T>]) -> Vec<GroupInfo> {
        let info = |g: &'static Group<T>| GroupInfo {
            area,
            name: g.name,
            releases: g.releases,
            required: g.required,
            unsupported: g.unsupported,
        };
        groups.iter().map(info).collect()
    }
    let mut all = of("core", calls::CORE);
    all.extend(of("interface", calls::INTERFACE));
    all.extend(of("l2", calls::L2));
    all.extend(of("l3", calls::L3));
    all.extend(of("af_packet", calls::AF_PACKET));
    all.extend(of("bond", calls::BOND));
    all.extend(of("dhcp", calls::DHCP));
    all.extend(of("gre", calls::GRE));
    all.extend(of("ipip", calls::IPIP));
    all.extend(of("memif", calls::MEMIF));
    all.extend(of("neighbor", calls::NEIGHBOR));
    all.extend(of("rx", calls::RX));
    all.extend(of("span", calls::SPAN));
    all.extend(of("subif", calls::SUBIF));
    all.extend(of("tap", calls::TAP));
    all.extend(of("vxlan", calls::VXLAN));
    all
}

/// The calls of one release, ready to use.
#[derive(Clone)]
pub struct Handlers {
    /// The release whose calls these are: `20.05`.
    pub release: &'static str,
    /// VPP itself.
    pub core: Arc<dyn CoreCalls>,
    /// Interfaces.
    pub interface: Arc<dyn InterfaceCalls>,
    /// Bridge domains.
    pub l2: Arc<dyn L2Calls>,
    /// Routes.
    pub l3: Arc<dyn L3Calls>,
    /// Interfaces on top of those of Linux.
    pub af_packet: Arc<dyn AfPacketCalls>,
    /// Bonds.
    pub bond: Arc<dyn BondCalls>,
    /// DHCP clients.
    pub dhcp: Arc<dyn DhcpCalls>,
    /// GRE tunnels.
    pub gre: Arc<dyn GreCalls>,
    /// Tunnels of IP in IP.
    pub ipip: Arc<dyn IpipCalls>,
    /// Memifs.
    pub memif: Arc<dyn MemifCalls>,
    /// Neighbours.
    pub neighbor: Arc<dyn NeighborCalls>,
    /// How packets come in.
    pub rx: Arc<dyn RxCalls>,
    /// Mirrors.
    pub span: Arc<dyn SpanCalls>,
    /// Sub-interfaces.
    pub subif: Arc<dyn SubInterfaceCalls>,
    /// TAP interfaces.
    pub tap: Arc<dyn TapCalls>,
    /// VXLAN tunnels.
    pub vxlan: Arc<dyn VxlanCalls>,
    /// Plugin modules whose messages VPP does not have.
    pub absent: BTreeSet<&'static str>,
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("release", &self.release)
            .field("absent", &self.absent)
            .finish_non_exhaustive()
    }
}

/// A choice of release.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Position in the index.
    pub position: usize,
    /// Its name.
    pub release: &'static str,
    /// Plugin modules whose messages VPP does not have.
    pub absent: BTreeSet<&'static str>,
    /// What calls of this release cannot do.
    pub unsupported: Vec<&'static str>,
    /// Something to tell the operator, such as that VPP's own release is not known.
    pub notice: Option<String>,
}

/// Why a release does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfit {
    /// Needed messages that are not there.
    pub absent: Vec<String>,
    /// Needed messages with another CRC: name, needed, found.
    pub changed: Vec<(String, u32, u32)>,
    /// Needed messages that are there with their CRC and, in the release that VPP says it is of, another layout.
    pub other_layout: Vec<String>,
}

impl Misfit {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.absent.is_empty() {
            parts.push(format!("absent: {}.", list(&self.absent)));
        }
        if !self.changed.is_empty() {
            let changed = |(name, needed, found): &(String, u32, u32)| {
                format!("{name} ({needed:08x} needed, {found:08x} found)")
            };
            let changed: Vec<String> = self.changed.iter().map(changed).collect();
            parts.push(format!("other CRC: {}.", list(&changed)));
        }
        if !self.other_layout.is_empty() {
            parts.push(format!("same CRC, other layout: {}.", list(&self.other_layout)));
        }
        f.write_str(&parts.join(" "))
    }
}

/// How a VPP stands to one release.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Position in the index.
    pub position: usize,
    /// Its name.
    pub release: &'static str,
    /// What does not fit.
    pub misfit: Misfit,
    /// Plugin modules whose messages VPP does not have.
    pub absent: BTreeSet<&'static str>,
}

impl Verdict {
    /// True when the release's calls can be used.
    pub fn fits(&self) -> bool {
        self.misfit.is_empty()
    }
}

/// No release fits.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What VPP says of itself.
    pub version: String,
    /// Newest first: release and what is wrong with it.
    pub misfits: Vec<(&'static str, Misfit)>,
    /// Releases that fit and do not agree on the layout of these messages.
    pub ambiguous: Option<(Vec<&'static str>, Vec<String>)>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "VPP {} fits no supported release:", self.version)?;
        if let Some((releases, messages)) = &self.ambiguous {
            writeln!(
                f,
                "  {} fit by name and CRC, but lay out {} differently, and VPP does not say which it is of",
                releases.join(", "),
                list(messages)
            )?;
        }
        for (release, misfit) in &self.misfits {
            writeln!(f, "  {release}: {misfit}")?;
        }
        write!(
            f,
            "import this VPP's API definitions with `cargo xtask gen --release ... --from ...` and rebuild the agent"
        )
    }
}

/// At most eight, so that a refusal fits a screen.
fn list(items: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        text.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    text
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

/// How a VPP stands to every release, newest first. `shapes` are its layouts by message, where they are known from
/// its definitions; otherwise what it says of itself has to tell.
pub fn verdicts(table: &MessageTable, version: &str, shapes: Option<&BTreeMap<String, u32>>) -> Vec<Verdict> {
    let groups = groups();
    let reported = position_of(version);
    let verdict = |(position, release): (usize, &'static binapi_index::Release)| {
        let required = required(&groups, position);
        let other = |message: &Message| match shapes {
            Some(shapes) => shapes.get(message.name).is_some_and(|shape| *shape != message.shape),
            None => reported.is_some_and(|r| other_layout(message, r)),
        };
        let (misfit, absent) = compare(table, position, &required, &other);
        Verdict { position, release: release.name, misfit, absent }
    };
    RELEASES.iter().enumerate().rev().map(verdict).collect()
}

/// The release that a version names, as a position in the index.
fn position_of(version: &str) -> Option<usize> {
    let named = release_of(version)?;
    RELEASES.iter().position(|r| r.name == named)
}

/// Chooses a release for a VPP by its message table and what it says of itself.
pub fn choose(table: &MessageTable, version: &str) -> Result<Selection, Refusal> {
    let groups = groups();
    let reported = position_of(version);
    let (fitting, misfitting): (Vec<Verdict>, Vec<Verdict>) =
        verdicts(table, version, None).into_iter().partition(Verdict::fits);
    let misfits: Vec<_> = misfitting.into_iter().map(|v| (v.release, v.misfit)).collect();
    let refuse = |ambiguous| Refusal { version: version.to_string(), misfits: misfits.clone(), ambiguous };
    let chosen = fitting.iter().find(|v| Some(v.position) == reported).or(fitting.first());
    let Some(Verdict { position, release, absent, .. }) = chosen.cloned() else {
        return Err(refuse(None));
    };
    if Some(position) != reported {
        let differing = differing(&groups, position, &fitting);
        if !differing.is_empty() {
            let names = fitting.iter().map(|v| v.release).collect();
            return Err(refuse(Some((names, differing))));
        }
    }
    let notice = (Some(position) != reported).then(|| match release_of(version) {
        Some(named) => {
            format!("VPP says it is of {named}; its messages are those of {release}, whose calls are used")
        }
        None => format!("VPP does not say its release ({version}); the calls of {release} are used"),
    });
    let of_release = groups.iter().filter(|g| g.releases.iter().any(|r| usize::from(*r) == position));
    let unsupported = of_release.flat_map(|g| g.unsupported.iter().copied()).collect();
    Ok(Selection { position, release, absent, unsupported, notice })
}

/// Chooses, and makes the calls. They go over this connection only.
pub fn select(client: &Client, connection: &Connection) -> Result<(Handlers, Selection), Refusal> {
    let selection = choose(&connection.table, &connection.version)?;
    let client = &client.bound_to(connection);
    let position = selection.position;
    let make = || {
        Some(Handlers {
            release: selection.release,
            core: group(calls::CORE, position, client)?,
            interface: group(calls::INTERFACE, position, client)?,
            l2: group(calls::L2, position, client)?,
            l3: group(calls::L3, position, client)?,
            af_packet: group(calls::AF_PACKET, position, client)?,
            bond: group(calls::BOND, position, client)?,
            dhcp: group(calls::DHCP, position, client)?,
            gre: group(calls::GRE, position, client)?,
            ipip: group(calls::IPIP, position, client)?,
            memif: group(calls::MEMIF, position, client)?,
            neighbor: group(calls::NEIGHBOR, position, client)?,
            rx: group(calls::RX, position, client)?,
            span: group(calls::SPAN, position, client)?,
            subif: group(calls::SUBIF, position, client)?,
            tap: group(calls::TAP, position, client)?,
            vxlan: group(calls::VXLAN, position, client)?,
            absent: selection.absent.clone(),
        })
    };
    // The macro covers every release, so there is a group; a refusal says the same without a panic.
    let none = || Refusal { version: connection.version.clone(), misfits: Vec::new(), ambiguous: None };
    make().map(|handlers| (handlers, selection.clone())).ok_or_else(none)
}

fn group<T: ?Sized>(groups: &'static [Group<T>], position: usize, client: &Client) -> Option<Arc<T>> {
    let found = groups.iter().find(|g| g.releases.iter().any(|r| usize::from(*r) == position))?;
    Some((found.make)(client.clone(), RELEASES.get(position)?.name))
}

/// The messages that a release's calls need.
pub fn required(groups: &[GroupInfo], position: usize) -> Vec<&'static Message> {
    let of_release = groups.iter().filter(|g| g.releases.iter().any(|r| usize::from(*r) == position));
    let positions: BTreeSet<u16> = of_release.flat_map(|g| g.required.iter().copied()).collect();
    positions.into_iter().filter_map(|p| MESSAGES.get(usize::from(p))).collect()
}

/// Module and component that a message has in a release.
fn module_of(message: &Message, position: usize) -> Option<(&'static str, Component)> {
    let same = |m: &&u16| MESSAGES.get(usize::from(**m)).is_some_and(|m| std::ptr::eq(m, message));
    let module = RELEASES.get(position)?.modules.iter().find(|m| m.messages.iter().any(|p| same(&p)))?;
    Some((module.name, module.component))
}

fn compare(
    table: &MessageTable,
    position: usize,
    required: &[&'static Message],
    other_layout: &dyn Fn(&Message) -> bool,
) -> (Misfit, BTreeSet<&'static str>) {
    let mut misfit = Misfit::default();
    // Plugin module -> messages that are there, messages that are not.
    let mut plugins: BTreeMap<&'static str, (usize, Vec<String>)> = BTreeMap::new();
    for message in required {
        let plugin = match module_of(message, position) {
            Some((module, Component::Plugin)) => Some(module),
            _ => None,
        };
        match (table.lookup(message.name, message.crc), plugin) {
            (Lookup::Present(_), plugin) => {
                if let Some(module) = plugin {
                    plugins.entry(module).or_default().0 += 1;
                }
                if other_layout(message) {
                    misfit.other_layout.push(message.name.to_string());
                }
            }
            (Lookup::Changed(found), _) => {
                misfit.changed.push((message.name.to_string(), message.crc, found))
            }
            (Lookup::Absent, Some(module)) => {
                plugins.entry(module).or_default().1.push(message.name.to_string());
            }
            (Lookup::Absent, None) => misfit.absent.push(message.name.to_string()),
        }
    }
    let mut absent = BTreeSet::new();
    for (module, (present, missing)) in plugins {
        if missing.is_empty() {
            continue;
        }
        if present == 0 {
            absent.insert(module);
        } else {
            misfit.absent.extend(missing);
        }
    }
    (misfit, absent)
}

/// True when the release has the message with the same CRC and another layout.
fn other_layout(message: &Message, release: usize) -> bool {
    let bit = 1 << release;
    MESSAGES.iter().any(|m| {
        m.releases & bit != 0 && m.name == message.name && m.crc == message.crc && m.shape != message.shape
    })
}

/// Needed messages on whose layout the fitting releases do not agree.
fn differing(groups: &[GroupInfo], position: usize, fitting: &[Verdict]) -> Vec<String> {
    let needed = required(groups, position);
    let differs = |m: &&&Message| fitting.iter().any(|v| other_layout(m, v.position));
    needed.iter().filter(differs).map(|m| m.name.to_string()).collect()
}
