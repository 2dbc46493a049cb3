//! The steps.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use binapi_gen::Release;
use serde_json::Value;

use super::dataplane::{self, Seen};
use super::processes::{Place, Process, tail, truncate};

type Error = Box<dyn std::error::Error>;

/// What the walk is about.
pub(super) struct Plan {
    vpp: Dataplane,
    verbose: bool,
    quiet: bool,
}

enum Dataplane {
    Simulated { release: Release, then: Release },
    Real(PathBuf),
}

impl Plan {
    /// With a simulated VPP of one release that comes back as another.
    pub(super) fn simulated(release: Release, then: Release, verbose: bool) -> Self {
        Self { vpp: Dataplane::Simulated { release, then }, verbose, quiet: false }
    }

    /// With a real VPP.
    pub(super) fn real(socket: PathBuf, verbose: bool) -> Self {
        Self { vpp: Dataplane::Real(socket), verbose, quiet: false }
    }

    /// Tells nothing but failures.
    pub(super) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }
}

const BD: &str = "config/vpp/l2/v2/bridge-domain/bd1";
const FIB: &str = "config/vpp/l2/v2/fib/bd1/mac/62:89:c6:a3:6d:5c";
const IF1: &str = "config/vpp/v2/interfaces/if1";
const IF2: &str = "config/vpp/v2/interfaces/if2";
const PORT: &str = "vpp/bd/bd1/interface/if1";
const ROUTE: &str = "config/vpp/v2/route/if/if2/vrf/0/dst/10.77.0.0/16/gw/10.10.1.2";

const MAC: &str = "6289c6a36d5c";
const NETWORK: &str = "0a4d0000";
const HOP: &str = "0a0a0102";

fn fib() -> (&'static str, &'static str) {
    (
        FIB,
        r#"{"phys_address": "62:89:c6:a3:6d:5c", "bridge_domain": "bd1", "outgoing_interface": "if1", "static_config": true}"#,
    )
}

fn bd() -> (&'static str, &'static str) {
    (
        BD,
        r#"{"name": "bd1", "flood": true, "unknown_unicast_flood": true, "forward": true, "learn": true, "interfaces": [{"name": "if1"}]}"#,
    )
}

fn if2() -> (&'static str, &'static str) {
    (
        IF2,
        r#"{"name": "if2", "type": "SOFTWARE_LOOPBACK", "enabled": true, "mtu": 1400, "ip_addresses": ["10.10.1.1/24"]}"#,
    )
}

fn route() -> (&'static str, &'static str) {
    (ROUTE, r#"{"dst_network": "10.77.0.0/16", "next_hop_addr": "10.10.1.2", "outgoing_interface": "if2"}"#)
}

struct Walk<'a> {
    plan: &'a Plan,
    place: Place,
    socket: PathBuf,
    seen: usize,
    /// What the agent's store has.
    stored: BTreeMap<String, String>,
}

/// Walks through all steps. The first miss ends it and says what was expected and what was seen.
pub(super) fn walk(plan: &Plan) -> Result<(), Error> {
    let place = Place::new()?;
    let mut vpp = None;
    let socket = match &plan.vpp {
        Dataplane::Simulated { release, .. } => {
            vpp = Some(place.start_vpp(*release)?);
            place.socket.clone()
        }
        Dataplane::Real(socket) => socket.clone(),
    };
    let mut walk = Walk { plan, place, socket, seen: 0, stored: BTreeMap::new() };
    let walked = walk.steps(&mut vpp);
    if plan.verbose || (walked.is_err() && !plan.quiet) {
        eprintln!(
            "--- the agent's log ---\n{}",
            std::fs::read_to_string(&walk.place.agent_log).unwrap_or_default()
        );
    }
    walked
}

impl Walk<'_> {
    fn say(&self, text: &str) {
        if !self.plan.quiet {
            println!("{text}");
        }
    }

    fn steps(&mut self, vpp: &mut Option<Process>) -> Result<(), Error> {
        // TAP interfaces need a device that not every machine has; loopbacks can be had anywhere.
        let if1 = match self.plan.vpp {
            Dataplane::Simulated { .. } => (
                IF1,
                r#"{"name": "if1", "type": "TAP", "enabled": true, "tap": {"host_if_name": "demo-if1"}}"#,
            ),
            Dataplane::Real(_) => (IF1, r#"{"name": "if1", "type": "SOFTWARE_LOOPBACK", "enabled": true}"#),
        };
        let before = self.look()?.0;
        if let Some((name, _)) = before.interfaces.iter().find(|(tag, _)| tag == "if1" || tag == "if2") {
            return Err(format!("VPP has an interface {name} already; the walk needs that name").into());
        }
        let mut agent = self.place.start_agent(&self.socket)?;
        let resync = self.transaction("0. The agent starts, nothing is wanted")?;
        self.expect(&resync, &[])?;

        self.change(
            "1. A FIB entry, before anything that it needs",
            &[fib()],
            &[("CREATE [NOOP IS-PENDING]", FIB)],
        )?;
        self.change(
            "2. Its bridge domain, with a port whose interface is not there",
            &[fib(), bd()],
            &[("CREATE", BD), ("CREATE [DERIVED NOOP IS-PENDING]", PORT)],
        )?;
        self.change(
            "3. The interface: now all of it can be configured",
            &[fib(), bd(), if1],
            &[("CREATE", IF1), ("CREATE [DERIVED WAS-PENDING]", PORT), ("CREATE [WAS-PENDING]", FIB)],
        )?;
        let everything = [fib(), bd(), if1, if2(), route()];
        self.write(&everything)?;
        let transaction = self.transaction("   A routed interface and a route through it")?;
        self.expect_any_order(
            &transaction,
            &[
                ("CREATE", IF2),
                ("CREATE", ROUTE),
                ("CREATE [DERIVED]", "vpp/interface/if2/address/static/10.10.1.1/24"),
                ("CREATE [DERIVED]", "vpp/interface/if2/vrf/0/ip-version/v4"),
                ("CREATE [DERIVED]", "vpp/interface/if2/has-IP-address"),
            ],
        )?;

        self.say("\n4. The data plane's own view");
        let (seen, printed) = self.look()?;
        self.say(&indent(&printed));
        self.check("bridge domain bd1 with port if1, the FIB entry and the route", &complete(), &seen)?;

        self.change(
            "5. The bridge domain is deleted: the FIB entry goes first, and waits",
            &[fib(), if1, if2(), route()],
            &[("DELETE [IS-PENDING]", FIB), ("DELETE [DERIVED]", PORT), ("DELETE", BD)],
        )?;
        let mut without = complete();
        without.bridge_domains.clear();
        without.fib.clear();
        self.check("no bridge domain and no FIB entry", &without, &self.look()?.0)?;
        self.change(
            "   and brought back: everything returns",
            &everything,
            &[("CREATE", BD), ("CREATE [DERIVED]", PORT), ("CREATE [WAS-PENDING]", FIB)],
        )?;
        self.check("everything", &complete(), &self.look()?.0)?;

        if let Dataplane::Simulated { release, then } = self.plan.vpp {
            if let Some(mut vpp) = vpp.take() {
                vpp.kill();
            }
            *vpp = Some(self.place.start_vpp(then)?);
            self.transaction(&format!("6. VPP {release} is killed and comes back as {then}"))?;
            let log = std::fs::read_to_string(&self.place.agent_log)?;
            let chosen = format!("chosen=\"{then}\"");
            if !log.contains(&chosen) {
                return Err(format!(
                    "expected the agent's log to say {chosen}, seen:\n{}",
                    tail(&self.place.agent_log)
                )
                .into());
            }
            self.say(&format!("   the agent has picked the calls of {then}"));
            self.check("everything, on the other release", &complete(), &self.look()?.0)?;
        } else {
            self.say("\n6. (left out: a real VPP is not restarted)");
        }

        let before = self.look()?.0;
        agent.kill();
        if matches!(self.plan.vpp, Dataplane::Simulated { .. }) {
            truncate(&self.place.requests)?;
        }
        agent = self.place.start_agent(&self.socket)?;
        let resync = self.transaction("7. The agent is killed and started again: nothing is to be done")?;
        self.expect(&resync, &[])?;
        // A transaction that followed would come at once.
        std::thread::sleep(Duration::from_millis(200));
        if self.place.transactions().len() > self.seen {
            return Err(
                format!("expected no other transaction, seen:\n{}", tail(&self.place.agent_log)).into()
            );
        }
        self.no_configuration_message()?;
        self.check("everything as it was, with the same numbers", &before, &self.look()?.0)?;

        if matches!(self.plan.vpp, Dataplane::Real(_)) {
            self.write(&[])?;
            self.transaction("   Nothing is wanted any more: VPP is left as it was")?;
            let mut after = self.look()?.0;
            after.interfaces.retain(|i| i.0 == "if1" || i.0 == "if2");
            if !after.interfaces.is_empty() || !after.routes.is_empty() {
                return Err(format!("expected nothing of the walk in VPP, seen: {after:?}").into());
            }
        }
        agent.terminate();
        self.say("\nAll steps went as they should.");
        Ok(())
    }

    fn look(&self) -> Result<(Seen, String), Error> {
        dataplane::look(&self.socket, NETWORK)
    }

    /// Makes the agent's store have these entries, and shows the commands that would.
    fn write(&mut self, entries: &[(&str, &str)]) -> Result<(), Error> {
        let mut put = BTreeMap::new();
        for (key, value) in entries {
            if self.stored.get(*key).map(String::as_str) != Some(*value) {
                self.say(&format!("\n   $ agentctl kvdb put {key} \\\n       '{value}'"));
                put.insert((*key).to_owned(), serde_json::from_str(value)?);
            }
        }
        let gone = self.stored.keys().filter(|key| !entries.iter().any(|(other, _)| other == key));
        let delete: Vec<String> = gone.cloned().collect();
        for key in &delete {
            self.say(&format!("\n   $ agentctl kvdb del {key}"));
        }
        self.place.change(put, delete)?;
        self.stored = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Ok(())
    }

    fn change(
        &mut self,
        title: &str,
        entries: &[(&str, &str)],
        expected: &[(&str, &str)],
    ) -> Result<(), Error> {
        self.say(&format!("\n{title}"));
        self.write(entries)?;
        let transaction = self.transaction("")?;
        self.expect(&transaction, expected)
    }

    /// Waits for the next transaction and shows it.
    fn transaction(&mut self, title: &str) -> Result<Value, Error> {
        if !title.is_empty() {
            self.say(&format!("\n{title}"));
        }
        let transaction = self.place.next_transaction(self.seen)?;
        self.seen += 1;
        for (i, op) in transaction["executed"].as_array().into_iter().flatten().enumerate() {
            let text = |field: &str| op[field].as_str().unwrap_or_default().to_string();
            self.say(&format!("   {}. {}:", i + 1, text("operation")));
            self.say(&format!("     - key: {}", text("key")));
            self.say(&format!("     - value: {{ {} }}", text("value")));
            if let Some(error) = op["error"].as_str() {
                self.say(&format!("     - error: {error}"));
            }
        }
        Ok(transaction)
    }

    fn expect(&self, transaction: &Value, expected: &[(&str, &str)]) -> Result<(), Error> {
        for part in ["planned", "executed"] {
            let found = operations(&transaction[part]);
            if found != owned(expected) {
                return Err(self.miss(&format!("{part} operations"), &owned(expected), &found));
            }
        }
        Ok(())
    }

    fn expect_any_order(&self, transaction: &Value, expected: &[(&str, &str)]) -> Result<(), Error> {
        let mut found = operations(&transaction["executed"]);
        let mut expected = owned(expected);
        found.sort();
        expected.sort();
        if found == expected { Ok(()) } else { Err(self.miss("executed operations", &expected, &found)) }
    }

    fn check(&self, what: &str, expected: &Seen, seen: &Seen) -> Result<(), Error> {
        let mut seen = seen.clone();
        // On a real VPP there may be more than what the walk makes.
        seen.bridge_domains.retain(|(name, _)| name == "bd1");
        seen.fib.retain(|(mac, _)| mac == MAC);
        let mut expected = expected.clone();
        if expected.interfaces.is_empty() {
            seen.interfaces.clear();
        }
        expected.bridge_domains.retain(|(name, _)| name == "bd1");
        expected.fib.retain(|(mac, _)| mac == MAC);
        if seen == expected {
            self.say(&format!("   seen in the data plane: {what}"));
            Ok(())
        } else {
            Err(self.miss(what, &expected, &seen))
        }
    }

    /// A restarted agent may look and not touch.
    fn no_configuration_message(&self) -> Result<(), Error> {
        if !matches!(self.plan.vpp, Dataplane::Simulated { .. }) {
            return Ok(());
        }
        let text = std::fs::read_to_string(&self.place.requests)?;
        let looks = |name: &str| {
            // `_dump`, `_dump_v2`, and the dumps of newer releases that end with `_get`.
            name.contains("_dump")
                || name.ends_with("_get")
                || name == "sw_interface_get_table"
                || name.starts_with("want_")
                || matches!(
                    name,
                    "control_ping" | "show_version" | "get_api_json" | "sockclnt_create" | "sockclnt_delete"
                )
        };
        let mut asked = 0;
        for line in text.lines() {
            let request: Value = serde_json::from_str(line)?;
            let name = request["name"].as_str().unwrap_or_default();
            asked += 1;
            if !looks(name) {
                return Err(self.miss(
                    "only questions, pings and the handshake",
                    &"no configuration message",
                    &request,
                ));
            }
        }
        if asked == 0 {
            return Err("expected the agent to look at VPP, seen: no request at all".into());
        }
        self.say(&format!("   the data plane saw {asked} requests, none of them to configure anything"));
        Ok(())
    }

    fn miss(&self, what: &str, expected: &dyn std::fmt::Debug, seen: &dyn std::fmt::Debug) -> Error {
        format!("expected {what}:\n{expected:#?}\nseen:\n{seen:#?}").into()
    }
}

/// What the data plane has when all is configured.
fn complete() -> Seen {
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    Seen {
        bridge_domains: vec![("bd1".to_string(), vec!["if1".to_string()])],
        fib: vec![pair(MAC, "if1")],
        routes: vec![pair("if2", HOP)],
        interfaces: Vec::new(),
    }
}

fn owned(operations: &[(&str, &str)]) -> Vec<(String, String)> {
    operations.iter().map(|(op, key)| (op.to_string(), key.to_string())).collect()
}

fn operations(list: &Value) -> Vec<(String, String)> {
    let text = |op: &Value, field: &str| op[field].as_str().unwrap_or_default().to_string();
    list.as_array().into_iter().flatten().map(|op| (text(op, "operation"), text(op, "key"))).collect()
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
}
