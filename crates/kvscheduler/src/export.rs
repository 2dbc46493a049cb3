//! The graph as a picture or as data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;

use crate::descriptor::{KeyPredicate, Target};
use crate::graph;
use crate::node::Node;
use crate::nodes::Nodes;
use crate::registry::Registry;
use crate::state::State;
use crate::value::Key;

/// Which values a picture has.
#[derive(Clone, Default)]
pub struct GraphFilter {
    prefixes: Vec<String>,
    states: Vec<State>,
    around: Option<Key>,
    predicate: Option<KeyPredicate>,
}

impl GraphFilter {
    /// All values.
    pub fn all() -> Self {
        Self::default()
    }

    /// Values whose key has this prefix, or another one that was given.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// Values in this state, or another one that was given.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.states.push(state);
        self
    }

    /// Values that this one needs or is derived from, and those that need it or are derived from it, however far away.
    #[must_use]
    pub fn around(mut self, key: impl Into<Key>) -> Self {
        self.around = Some(key.into());
        self
    }

    /// Values whose key this accepts.
    #[must_use]
    pub fn matching(mut self, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(std::sync::Arc::new(accepts));
        self
    }

    fn accepts(&self, key: &str, node: &Node) -> bool {
        (self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str())))
            && (self.states.is_empty() || self.states.contains(&node.state))
            && self.predicate.as_ref().is_none_or(|accepts| accepts(key))
    }
}

/// A value in a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    /// Its key.
    pub key: Key,
    /// Its state.
    pub state: State,
    /// The name of its descriptor.
    pub descriptor: Option<String>,
    /// Whether it is derived from another one.
    pub derived: bool,
    /// What is there, or what is wanted where nothing is.
    pub value: Option<String>,
    /// Its last error.
    pub error: Option<String>,
}

/// What relates two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The first needs the second, which is there.
    Needs,
    /// The first needs the second, which is not there.
    Misses,
    /// The second is derived from the first.
    Derives,
}

/// Two related values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphEdge {
    /// The first.
    pub from: Key,
    /// The second; the prefixes of an any-of that nothing satisfies.
    pub to: String,
    /// How they are related.
    pub relation: Relation,
    /// The label of the dependency.
    pub label: String,
}

/// Some values and how they are related, at one moment.
#[derive(Debug, Clone, Default)]
pub struct GraphView {
    /// The values, sorted by key.
    pub nodes: Vec<GraphNode>,
    /// What relates them, sorted. What a value needs and is not among the values is named all the same.
    pub edges: Vec<GraphEdge>,
}

impl GraphView {
    pub(crate) fn new(nodes: &Nodes, registry: &Registry, filter: &GraphFilter) -> Self {
        let mut edges = all_edges(nodes, filter);
        let mut keys: BTreeSet<&Key> =
            nodes.iter().filter(|(key, node)| filter.accepts(key, node)).map(|(key, _)| key).collect();
        if let Some(center) = &filter.around {
            let near = around(&edges, center);
            keys.retain(|key| near.contains(&***key));
        }
        let names: BTreeSet<&str> = keys.iter().map(|key| &***key).collect();
        edges.retain(|edge| {
            names.contains(&*edge.from)
                && (names.contains(edge.to.as_str()) || edge.relation == Relation::Misses)
        });
        edges.sort_unstable();
        let nodes = keys.into_iter().filter_map(|key| {
            let node = nodes.get(key)?;
            let held = node.present.as_ref().map(|present| &present.held).or(node.wanted.as_ref());
            Some(GraphNode {
                key: Key::clone(key),
                state: node.state,
                descriptor: registry.of(node).map(|descriptor| descriptor.name().to_owned()),
                derived: node.base.is_some(),
                value: held.map(|held| held.value.to_string()),
                error: node.error.as_deref().map(str::to_owned),
            })
        });
        Self { nodes: nodes.collect(), edges }
    }

    /// For graphviz: `dot -Tsvg`. Values are grouped by descriptor and coloured by state; what is missing is red.
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph values {\n  rankdir=LR;\n  node [shape=box, style=filled];\n");
        let mut clusters: BTreeMap<&str, Vec<&GraphNode>> = BTreeMap::new();
        for node in &self.nodes {
            clusters.entry(node.descriptor.as_deref().unwrap_or_default()).or_default().push(node);
        }
        for (number, (descriptor, nodes)) in clusters.iter().enumerate() {
            let _ = writeln!(text, "  subgraph cluster_{number} {{\n    label={};", quoted(descriptor));
            for node in nodes {
                let (key, colour) = (quoted(&node.key), colour(node));
                let tip = quoted(node.error.as_deref().or(node.value.as_deref()).unwrap_or_default());
                let _ = writeln!(
                    text,
                    "    {key} [fillcolor={colour}, label={}, tooltip={tip}];",
                    quoted(&format!("{}\n{}", node.key, node.state))
                );
            }
            text += "  }\n";
        }
        for edge in &self.edges {
            let style = match edge.relation {
                Relation::Needs => "color=black",
                Relation::Misses => "color=red",
                Relation::Derives => "color=gold, arrowhead=invempty",
            };
            let (from, to) = (quoted(&edge.from), quoted(&edge.to));
            let _ = writeln!(text, "  {from} -> {to} [{style}, label={}];", quoted(&edge.label));
        }
        text + "}\n"
    }

    /// For Markdown that knows Mermaid.
    pub fn to_mermaid(&self) -> String {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let keys = self.nodes.iter().map(|node| &*node.key).chain(self.edges.iter().map(|e| e.to.as_str()));
        for key in keys {
            let next = names.len();
            names.entry(key).or_insert(next);
        }
        let name = |key: &str| names.get(key).copied().unwrap_or_default();
        let mut text = String::from("flowchart LR\n");
        let states: BTreeMap<&str, &GraphNode> = self.nodes.iter().map(|node| (&*node.key, node)).collect();
        for key in names.keys() {
            let (state, class) = match states.get(key) {
                Some(node) => (node.state.to_string(), node.state.to_string().to_lowercase()),
                None => ("MISSING".to_owned(), "absent".to_owned()),
            };
            let label = key.replace('&', "&amp;").replace('"', "&quot;");
            let _ = writeln!(text, "  n{}[\"{label}<br/>{state}\"]:::{class}", name(key));
        }
        for edge in &self.edges {
            let arrow = match edge.relation {
                Relation::Needs => "-->",
                Relation::Misses => "-.->",
                Relation::Derives => "==>",
            };
            let label = edge.label.replace('&', "&amp;").replace('"', "&quot;");
            let _ = writeln!(text, "  n{} {arrow}|\"{label}\"| n{}", name(&edge.from), name(&edge.to));
        }
        let present: BTreeSet<(String, &str)> = self
            .nodes
            .iter()
            .map(|node| (node.state.to_string().to_lowercase(), state_colour(node.state)))
            .collect();
        for (class, colour) in present {
            let _ = writeln!(text, "  classDef {class} fill:{colour}");
        }
        text + "  classDef absent stroke:red\n"
    }

    /// As data: `{"nodes": [...], "edges": [...]}`.
    pub fn to_json(&self) -> serde_json::Value {
        let nodes = self.nodes.iter().map(|node| {
            json!({
                "key": &*node.key,
                "state": node.state.to_string(),
                "descriptor": node.descriptor,
                "derived": node.derived,
                "value": node.value,
                "error": node.error,
            })
        });
        let edges = self.edges.iter().map(|edge| {
            let relation = match edge.relation {
                Relation::Needs => "needs",
                Relation::Misses => "misses",
                Relation::Derives => "derives",
            };
            json!({"from": &*edge.from, "to": edge.to, "relation": relation, "label": edge.label})
        });
        json!({"nodes": nodes.collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>()})
    }
}

/// All edges, or those of the values that a filter accepts where nothing else is needed.
fn all_edges(nodes: &Nodes, filter: &GraphFilter) -> Vec<GraphEdge> {
    let available: BTreeSet<Key> =
        nodes.iter().filter(|(_, node)| node.available()).map(|(key, _)| Key::clone(key)).collect();
    let mut edges = Vec::new();
    for (key, node) in nodes.iter() {
        if filter.around.is_none() && !filter.accepts(key, node) {
            continue;
        }
        let held = node.wanted.as_ref().or(node.present.as_ref().map(|present| &present.held));
        for need in held.iter().flat_map(|held| &held.shape.needs) {
            let to: Vec<&Key> = match &need.target {
                Target::Key(target) => available.get(target).into_iter().collect(),
                Target::AnyOf(any) => any
                    .prefixes
                    .iter()
                    .flat_map(|prefix| graph::under(&available, prefix))
                    .filter(|other| *other != key && any.accepts(other))
                    .collect(),
            };
            let edge = |to: String, relation| GraphEdge {
                from: Key::clone(key),
                to,
                relation,
                label: need.label.to_string(),
            };
            if to.is_empty() {
                edges.push(edge(need_name(&need.target), Relation::Misses));
            }
            edges.extend(to.into_iter().map(|to| edge(to.to_string(), Relation::Needs)));
        }
        for child in &node.derived {
            let (from, to) = (Key::clone(key), child.to_string());
            edges.push(GraphEdge { from, to, relation: Relation::Derives, label: String::new() });
        }
    }
    edges
}

fn need_name(target: &Target) -> String {
    match target {
        Target::Key(key) => key.to_string(),
        Target::AnyOf(any) => format!("any of {}", any.prefixes.join(", ")),
    }
}

fn around(edges: &[GraphEdge], center: &Key) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    // What it needs and comes from, then who needs it and comes from it: not the neighbours of neighbours.
    for forward in [true, false] {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for edge in edges {
            let along = (edge.relation != Relation::Derives) == forward;
            let (a, b) =
                if along { (&*edge.from, edge.to.as_str()) } else { (edge.to.as_str(), &*edge.from) };
            next.entry(a).or_default().push(b);
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut stack = vec![&**center];
        while let Some(key) = stack.pop() {
            if seen.insert(key) {
                stack.extend(next.get(key).into_iter().flatten());
            }
        }
        reached.extend(seen.into_iter().map(str::to_owned));
    }
    reached
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn colour(node: &GraphNode) -> &'static str {
    if node.derived && node.state == State::Configured { "lightyellow" } else { state_colour(node.state) }
}

fn state_colour(state: State) -> &'static str {
    match state {
        State::Nonexistent => "white",
        State::Missing => "dimgray",
        State::Unimplemented => "darkkhaki",
        State::Removed => "lightgray",
        State::Configured => "palegreen",
        State::Obtained => "lightcyan",
        State::Discovered => "lime",
        State::Pending => "pink",
        State::Invalid => "maroon",
        State::Failed => "orangered",
        State::Retrying => "deeppink",
    }
}
