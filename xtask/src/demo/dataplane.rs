//! What VPP itself says, by its dumps and its command line.

use std::path::Path;

use serde_json::{Value, json};

use crate::root;
use crate::vpp::{Vpp, text_of};

type Error = Box<dyn std::error::Error>;

/// All of something.
const ALL: u32 = u32::MAX;

/// What is looked for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Bridge domains with a tag: tag and the tags of their ports.
    pub(super) bridge_domains: Vec<(String, Vec<String>)>,
    /// Addresses in their tables: MAC as hex, and the tag of the interface.
    pub(super) fib: Vec<(String, String)>,
    /// Routes to the network of the walk: the tag of the interface and the next hop as hex.
    pub(super) routes: Vec<(String, String)>,
    /// Tagged interfaces: tag, `sw_if_index`.
    pub(super) interfaces: Vec<(String, u64)>,
}

/// Asks a VPP. `network` is the destination of the route as hex.
pub(super) fn look(socket: &Path, network: &str) -> Result<(Seen, String), Error> {
    let mut vpp = Vpp::connect(socket, &root().join("api-json"))?;
    let mut seen = Seen::default();
    let index = |v: &Value, field: &str| v.get(field).and_then(Value::as_u64).unwrap_or(u64::from(ALL));
    let all =
        if vpp.takes("sw_interface_dump", "sw_if_index") { json!({"sw_if_index": ALL}) } else { json!({}) };
    let interfaces: Vec<(String, u64)> = vpp
        .dump("sw_interface_dump", all)?
        .iter()
        .map(|i| (text_of(&i["tag"]), index(i, "sw_if_index")))
        .collect();
    let tag = |at: u64| {
        interfaces
            .iter()
            .find(|(_, i)| *i == at)
            .map_or_else(|| format!("sw_if_index {at}"), |(tag, _)| tag.clone())
    };
    seen.interfaces = interfaces.iter().filter(|(tag, _)| !tag.is_empty()).cloned().collect();
    let mut all = json!({"bd_id": ALL});
    if vpp.takes("bridge_domain_dump", "sw_if_index") {
        all["sw_if_index"] = ALL.into();
    }
    let mut ids = Vec::new();
    for bd in vpp.dump("bridge_domain_dump", all)? {
        let name = text_of(&bd["bd_tag"]);
        if name.is_empty() {
            continue;
        }
        let id = index(&bd, "bd_id");
        ids.push(id);
        let ports = bd["sw_if_details"].as_array().cloned().unwrap_or_default();
        seen.bridge_domains.push((name, ports.iter().map(|p| tag(index(p, "sw_if_index"))).collect()));
        for entry in vpp.dump("l2_fib_table_dump", json!({"bd_id": id}))? {
            let mac = entry["mac"].as_str().unwrap_or_default().to_string();
            seen.fib.push((mac, tag(index(&entry, "sw_if_index"))));
        }
    }
    for path in routes(&mut vpp, network)? {
        seen.routes.push((tag(index(&path.0, "sw_if_index")), path.1));
    }
    let mut printed = String::new();
    for id in ids {
        printed.push_str(&vpp.cli(&format!("show bridge-domain {id} detail"))?);
    }
    printed.push_str(&vpp.cli("show l2fib all")?);
    printed.push_str(&vpp.cli("show interface address")?);
    printed.push_str(&vpp.cli("show ip fib 10.77.0.0/16")?);
    Ok((seen, printed))
}

/// Paths to a network, each with its next hop as hex.
fn routes(vpp: &mut Vpp, network: &str) -> Result<Vec<(Value, String)>, Error> {
    let mut found = Vec::new();
    let mut add = |destination: Option<&str>, paths: &Value, hop: &dyn Fn(&Value) -> Option<String>| {
        if destination.is_some_and(|d| d.starts_with(network)) {
            for path in paths.as_array().into_iter().flatten() {
                found.push((path.clone(), hop(path).unwrap_or_default()));
            }
        }
    };
    if vpp.has("ip_route_dump") {
        for details in vpp.dump("ip_route_dump", json!({"table": {"table_id": 0}}))? {
            let route = &details["route"];
            let destination = route.pointer("/prefix/address/un/ip4").and_then(Value::as_str);
            let hop = |p: &Value| p.pointer("/nh/address/ip4").and_then(Value::as_str).map(str::to_string);
            add(destination, &route["paths"], &hop);
        }
    } else {
        for details in vpp.dump("ip_fib_dump", json!({}))? {
            let hop = |p: &Value| p["next_hop"].as_str().and_then(|h| h.get(..8)).map(str::to_string);
            add(details["address"].as_str(), &details["path"], &hop);
        }
    }
    Ok(found)
}
