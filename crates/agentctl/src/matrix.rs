//! `agentctl vpp matrix`: areas of calls by release. Which releases share an expansion of the source, which messages
//! it needs, what it cannot do; and what an area costs: lines written, expansions made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use binapi_index::RELEASES;
use serde_json::{Value, json};
use vppcalls::select::{self, GroupInfo};

#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// For a terminal: groups by release, and costs.
    #[default]
    Table,
    /// All of it, as a page.
    Markdown,
    /// For machines.
    Json,
}

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let areas = areas();
    let text = match arguments.format {
        Format::Table => format!("{}\n{}", by_release(&areas), costs(&areas)),
        Format::Markdown => page(&areas),
        Format::Json => format!("{:#}\n", to_json(&areas)),
    };
    // Who reads may have seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Groups of an area, oldest first.
struct Area {
    name: &'static str,
    groups: Vec<GroupInfo>,
}

impl Area {
    /// Lines of its source.
    fn lines(&self) -> u32 {
        self.groups.first().map_or(0, |g| g.lines)
    }
}

fn areas() -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for group in select::groups() {
        match areas.last_mut().filter(|a| a.name == group.area) {
            Some(area) => area.groups.push(group),
            None => areas.push(Area { name: group.area, groups: vec![group] }),
        }
    }
    areas
}

fn names(group: &GroupInfo) -> Vec<&'static str> {
    group.releases.iter().filter_map(|r| RELEASES.get(usize::from(*r))).map(|r| r.name).collect()
}

/// `18.10 to 19.04, 20.01`.
fn spell(group: &GroupInfo) -> String {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for release in group.releases {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *release => *end = *release,
            _ => runs.push((*release, *release)),
        }
    }
    let name = |r: u8| RELEASES.get(usize::from(r)).map_or("?", |r| r.name);
    let run = |(a, b): &(u8, u8)| {
        if a == b { name(*a).to_string() } else { format!("{} to {}", name(*a), name(*b)) }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

/// What a group needs: messages of the core (`None`) and of plugins, in the newest release that it serves.
fn needs(group: &GroupInfo) -> BTreeMap<Option<&'static str>, Vec<&'static str>> {
    let mut needs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let newest = group.releases.last().copied().map_or(0, usize::from);
    for need in group.needs(newest) {
        needs.entry(need.plugin).or_default().push(need.message.name);
    }
    needs.values_mut().for_each(|messages| messages.sort_unstable());
    needs
}

fn rows(lines: Vec<Vec<String>>) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |column: usize| lines.iter().filter_map(|l| l.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(wide).collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

/// The group of every area in every release; `-` after it where something cannot be done.
fn group_cells(areas: &[Area]) -> Vec<Vec<String>> {
    let cell = |area: &Area, position: usize| {
        let group = area.groups.iter().find(|g| g.serves(position));
        group.map_or_else(String::new, |g| {
            format!("{}{}", g.name, if g.unsupported.is_empty() { "" } else { " -" })
        })
    };
    let row = |(position, release): (usize, &binapi_index::Release)| {
        let cells = areas.iter().map(|area| cell(area, position));
        std::iter::once(release.name.to_string()).chain(cells).collect()
    };
    RELEASES.iter().enumerate().rev().map(row).collect()
}

fn by_release(areas: &[Area]) -> String {
    let head = std::iter::once("release").chain(areas.iter().map(|a| a.name)).map(str::to_string);
    let mut lines = vec![head.collect()];
    lines.extend(group_cells(areas));
    rows(lines)
}

/// Lines, expansions and messages by area, and their sums.
fn cost_cells(areas: &[Area]) -> Vec<Vec<String>> {
    let messages = |area: &Area| {
        let all = area.groups.iter().flat_map(|g| g.required.iter().copied());
        all.collect::<std::collections::BTreeSet<u16>>().len()
    };
    let row = |area: &Area| {
        let numbers = [area.lines() as usize, area.groups.len(), messages(area)];
        std::iter::once(area.name.to_string()).chain(numbers.iter().map(usize::to_string)).collect()
    };
    let mut lines: Vec<Vec<String>> = areas.iter().map(row).collect();
    let lines_of_all: u32 = areas.iter().map(Area::lines).sum();
    let expansions: usize = areas.iter().map(|a| a.groups.len()).sum();
    lines.push(vec!["all".to_string(), lines_of_all.to_string(), expansions.to_string(), String::new()]);
    lines
}

const COSTS: [&str; 4] = ["area", "lines of source", "expansions", "message revisions needed"];

fn costs(areas: &[Area]) -> String {
    let mut lines = vec![COSTS.map(str::to_string).to_vec()];
    lines.extend(cost_cells(areas));
    format!("{}a copy for every release would be {} expansions\n", rows(lines), areas.len() * RELEASES.len())
}

fn table(head: Vec<String>, lines: Vec<Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = vec!["---".to_string(); head.len()];
    let mut text = line(&head) + &line(&rule);
    lines.iter().for_each(|cells| text.push_str(&line(cells)));
    text
}

fn page(areas: &[Area]) -> String {
    let head: Vec<String> =
        std::iter::once("release").chain(areas.iter().map(|a| a.name)).map(str::to_string).collect();
    let mut text = format!(
        "# Calls by release\n\n\
         Written by `cargo xtask matrix --write`. Every area of calls has one source. Releases in which it comes out the \
         same share\none expansion, called after the first of them; `-` stands behind it where something cannot be done, \
         see below.\n\n{}",
        table(head, group_cells(areas))
    );
    let _ = write!(
        text,
        "\n## What it costs\n\nLines are those of the handlers, written once. A copy for each of {} releases would be {} \
         expansions.\n\n{}",
        RELEASES.len(),
        areas.len() * RELEASES.len(),
        table(COSTS.map(str::to_string).to_vec(), cost_cells(areas))
    );
    text.push_str(
        "\n## What is needed\n\nOf the core all messages have to be there; of a plugin all or none. Requests, replies and \
         details; names alone,\nsince a release says which revision of them.\n",
    );
    for area in areas {
        let _ = write!(text, "\n### {}\n", area.name);
        for group in area.groups.iter().rev() {
            let _ = write!(text, "\n**{}** ({})\n\n", group.name, spell(group));
            for (plugin, messages) in needs(group) {
                let home = plugin.map_or("core".to_string(), |module| format!("plugin {module}"));
                let names: Vec<String> = messages.iter().map(|m| format!("`{m}`")).collect();
                let _ = writeln!(text, "- {home}: {}", names.join(", "));
            }
            for what in group.unsupported {
                let _ = writeln!(text, "- not supported: {what}");
            }
        }
    }
    text
}

fn to_json(areas: &[Area]) -> Value {
    let group = |g: &GroupInfo| {
        let needs: Vec<Value> = needs(g)
            .into_iter()
            .map(|(plugin, messages)| json!({"plugin": plugin, "messages": messages}))
            .collect();
        json!({"group": g.name, "releases": names(g), "required": needs, "unsupported": g.unsupported})
    };
    let area = |a: &Area| {
        json!({
            "area": a.name,
            "lines": a.lines(),
            "expansions": a.groups.len(),
            "groups": a.groups.iter().map(group).collect::<Vec<_>>(),
        })
    };
    json!({
        "releases": RELEASES.iter().map(|r| r.name).collect::<Vec<_>>(),
        "areas": areas.iter().map(area).collect::<Vec<_>>(),
    })
}
