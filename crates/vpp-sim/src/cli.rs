//! `cli_inband`: a few `show` commands, laid out like VPP's.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::behaviour::Behaviour;
use crate::handlers::table::FLOW_HASH;
use crate::state::State;
use crate::state::fib::{Entry, Path, Table, path_type};
use crate::state::l2::{BridgeDomain, TagRewrite};
use crate::system::System;

/// Runs a command: its output, or what VPP says to a command that it does not know.
pub(crate) fn run(
    command: &str,
    state: &State,
    behaviour: &Behaviour,
    system: &System,
) -> Result<String, String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let mut out = String::new();
    match words.as_slice() {
        ["show" | "sh", "version" | "ver", ..] => {
            let _ = writeln!(
                out,
                "vpp v{} built by simulation on localhost at {}",
                system.version, system.build_date
            );
        }
        ["show" | "sh", "interface" | "int", "address" | "addr"] => addresses(state, &mut out),
        ["show" | "sh", "interface" | "int", names @ ..] => interfaces(state, names, &mut out)?,
        ["show" | "sh", "bridge-domain", rest @ ..] => bridge_domains(state, behaviour, rest, &mut out)?,
        ["show" | "sh", "l2fib", rest @ ..] => l2_fib(state, rest, &mut out)?,
        ["show" | "sh", "ip", "fib", rest @ ..] => fib(state, behaviour, false, rest, &mut out)?,
        ["show" | "sh", "ip6", "fib", rest @ ..] => fib(state, behaviour, true, rest, &mut out)?,
        _ => return Err(format!("unknown input `{}'", words.join(" "))),
    }
    Ok(out)
}

fn name(state: &State, sw_if_index: u32) -> String {
    match state.interfaces.get(sw_if_index) {
        Some(interface) => interface.name.clone(),
        None if sw_if_index == u32::MAX => "N/A".to_string(),
        None => "DELETED".to_string(),
    }
}

/// Text in the middle of a column, the odd blank before it.
fn centred(text: &str, width: usize) -> String {
    let left = width.saturating_sub(text.chars().count()).div_ceil(2);
    format!("{:<width$}", format!("{:left$}{text}", ""))
}

fn interfaces(state: &State, names: &[&str], out: &mut String) -> Result<(), String> {
    let mut shown: Vec<_> = state.interfaces.iter().collect();
    shown.sort_by(|a, b| a.name.cmp(&b.name));
    for wanted in names {
        if state.interfaces.by_name(wanted).is_none() {
            return Err(format!("show interface: unknown interface `{wanted}'"));
        }
    }
    shown.retain(|i| names.is_empty() || names.contains(&i.name.as_str()));
    let _ = writeln!(
        out,
        "              Name               Idx    State  MTU (L3/IP4/IP6/MPLS)     Counter          Count     "
    );
    for interface in shown {
        let [l3, ip4, ip6, mpls] = interface.mtu;
        let mtu = format!("{l3}/{ip4}/{ip6}/{mpls}");
        let up = if interface.admin_up { "up" } else { "down" };
        let _ = writeln!(
            out,
            "{:<32}{}{}{}",
            interface.name,
            centred(&interface.sw_if_index.to_string(), 5),
            centred(up, 10),
            centred(&mtu, 21)
        );
    }
    Ok(())
}

fn addresses(state: &State, out: &mut String) {
    let mut shown: Vec<_> = state.interfaces.iter().collect();
    shown.sort_by(|a, b| a.name.cmp(&b.name));
    for interface in shown {
        let _ = writeln!(out, "{} ({}):", interface.name, if interface.admin_up { "up" } else { "dn" });
        if let Some(domain) = state.l2.domain_of(interface.sw_if_index).and_then(|i| state.l2.domain(i)) {
            let bvi = if domain.bvi == interface.sw_if_index { " bvi" } else { "" };
            let shg =
                domain.ports.iter().find(|p| p.sw_if_index == interface.sw_if_index).map_or(0, |p| p.shg);
            let _ = writeln!(
                out,
                "  L2 bridge bd-id {} idx {} shg {shg} {bvi}",
                domain.id, interface.sw_if_index
            );
        }
        if let Some((_, tx)) = state.l2.xconnects().find(|(rx, _)| *rx == interface.sw_if_index) {
            let _ = writeln!(out, "  L2 xconnect {}", name(state, tx));
        }
        for address in &interface.addresses {
            let table = interface.table(address.ip.is_ipv6());
            let table =
                if table == 0 { String::new() } else { format!(" ip4 table-id {table} fib-idx {table}") };
            let _ = writeln!(out, "  L3 {}/{}{table}", address.ip, address.len);
        }
    }
}

fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

fn bridge_domains(
    state: &State,
    behaviour: &Behaviour,
    words: &[&str],
    out: &mut String,
) -> Result<(), String> {
    let mut only = None;
    let (mut detail, mut arp) = (false, false);
    for word in words {
        match (*word, word.parse::<u32>()) {
            (_, Ok(id)) => only = Some(id),
            ("detail" | "det" | "int", _) => detail = true,
            ("arp", _) => arp = true,
            ("bd-tag", _) => {}
            (other, _) => return Err(format!("show bridge-domain: unknown input `{other}'")),
        }
    }
    let mut header = true;
    let shown = state.l2.domains().filter(|(_, d)| only.is_none_or(|only| d.id == only));
    for (index, domain) in shown {
        if header || detail {
            let learn = if behaviour.learn_limit_column { " Learn-co Learn-li" } else { "" };
            let _ = writeln!(
                out,
                "  BD-ID   Index   BSN  Age(min)  Learning  U-Forwrd   UU-Flood   Flooding  ARP-Term  \
                 arp-ufwd{learn}   BVI-Intf "
            );
            header = false;
        }
        bridge_domain(state, behaviour, index, domain, out);
        if detail {
            ports(state, domain, out);
        }
        if (detail || arp) && domain.arp_term {
            arp_termination(domain, out);
        }
        if detail && !domain.tag.is_empty() {
            let _ = writeln!(out, "\n  BD-Tag: {}", domain.tag);
        }
    }
    match only {
        Some(id) if header => Err(format!("show bridge-domain: No such bridge domain {id}")),
        None if header => {
            out.push_str("no bridge-domains in use\n");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn bridge_domain(
    state: &State,
    behaviour: &Behaviour,
    index: usize,
    domain: &BridgeDomain,
    out: &mut String,
) {
    let age = if domain.mac_age == 0 { "off".to_string() } else { domain.mac_age.to_string() };
    let uu_flood = match (domain.uu_flood, domain.uu_fwd) {
        (_, port) if port != u32::MAX => name(state, port),
        (true, _) => "flood".to_string(),
        (false, _) => "drop".to_string(),
    };
    let mut columns = vec![
        centred(&domain.id.to_string(), 8),
        centred(&index.to_string(), 7),
        centred("0", 4),
        centred(&age, 9),
        centred(on(domain.learn), 9),
        centred(on(domain.forward), 9),
        centred(&uu_flood, 11),
        centred(on(domain.flood), 9),
        centred(on(domain.arp_term), 9),
        centred(on(domain.arp_ufwd), 9),
    ];
    if behaviour.learn_limit_column {
        columns.extend([centred("0", 8), centred(&domain.learn_limit.to_string(), 8)]);
    }
    columns.push(centred(&name(state, domain.bvi), 11));
    let _ = writeln!(out, "{}", columns.join(" "));
}

fn ports(state: &State, domain: &BridgeDomain, out: &mut String) {
    if !domain.ports.is_empty() {
        let _ = writeln!(
            out,
            "\n           Interface           If-idx ISN  SHG  BVI  TxFlood        VLAN-Tag-Rewrite       "
        );
        for port in &domain.ports {
            let bvi = domain.bvi == port.sw_if_index;
            // Loopbacks that are no BVI are not flooded to.
            let loopback =
                state.interfaces.get(port.sw_if_index).is_some_and(|i| i.device_class == "Loopback");
            let flood = if loopback && !bvi { "-" } else { "*" };
            let _ = writeln!(
                out,
                "{}{}{}{}{}{}{}",
                centred(&name(state, port.sw_if_index), 30),
                centred(&port.sw_if_index.to_string(), 7),
                centred("1", 5),
                centred(&port.shg.to_string(), 5),
                centred(if bvi { "*" } else { "-" }, 5),
                centred(flood, 9),
                centred(&tag_rewrite(state.l2.rewrite(port.sw_if_index)), 30),
            );
        }
    }
}

fn arp_termination(domain: &BridgeDomain, out: &mut String) {
    let _ = writeln!(out, "\n  IP4/IP6 to MAC table for ARP Termination");
    for (ip, mac) in &domain.macs {
        let _ = writeln!(out, "{} => {}", centred(&ip.to_string(), 40), centred(&colons(*mac), 20));
    }
}

fn colons([a, b, c, d, e, f]: [u8; 6]) -> String {
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

fn tag_rewrite(rewrite: Option<&TagRewrite>) -> String {
    let Some(TagRewrite { op, dot1q, tag1, tag2 }) = rewrite else { return "none".to_string() };
    let kind = if *dot1q { "dot1q" } else { "dot1ad" };
    match op {
        1 => format!("push-1 {kind} {tag1}"),
        2 => format!("push-2 {kind} {tag1} {tag2}"),
        3 => "pop-1".to_string(),
        4 => "pop-2".to_string(),
        5 => format!("trans-1-1 {kind} {tag1}"),
        6 => format!("trans-1-2 {kind} {tag1} {tag2}"),
        7 => format!("trans-2-1 {kind} {tag1}"),
        8 => format!("trans-2-2 {kind} {tag1} {tag2}"),
        _ => "none".to_string(),
    }
}

fn l2_fib(state: &State, words: &[&str], out: &mut String) -> Result<(), String> {
    let mut verbose = false;
    let mut only = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "all" | "verbose" | "learn" | "add" => verbose = true,
            "bd_id" => {
                let id = words.next().and_then(|id| id.parse().ok()).unwrap_or(u32::MAX);
                let Some(index) = state.l2.index_of(id) else {
                    return Err(format!("show l2fib: bridge domain id {id} doesn't exist"));
                };
                only = Some(index);
                verbose = true;
            }
            other => return Err(format!("show l2fib: unknown input `{other}'")),
        }
    }
    let total = state.l2.fib().count();
    if total == 0 {
        out.push_str("no l2fib entries\n");
        return Ok(());
    }
    if verbose {
        let _ = writeln!(
            out,
            "    Mac-Address     BD-Idx If-Idx BSN-ISN Age(min) static filter bvi         Interface-Name        "
        );
        for (index, mac, entry) in state.l2.fib() {
            if only.is_some_and(|only| only != index) {
                continue;
            }
            let mark = |flag: bool| if flag { "*" } else { "-" };
            let port =
                if entry.sw_if_index == u32::MAX { "-1".to_string() } else { entry.sw_if_index.to_string() };
            let _ = writeln!(
                out,
                "{}{}{}{}{}{}{}{}{}",
                centred(&colons(mac), 19),
                centred(&index.to_string(), 7),
                centred(&port, 7),
                centred("0/1", 8),
                centred(if entry.is_static { "no" } else { "-" }, 9),
                centred(mark(entry.is_static), 7),
                centred(mark(entry.is_filter), 7),
                centred(mark(entry.is_bvi), 5),
                centred(&name(state, entry.sw_if_index), 30),
            );
        }
    }
    let _ = writeln!(
        out,
        "L2FIB total/learned entries: {total}/0  Last scan time: 0.0000e0sec  Learn limit: 16777216 "
    );
    Ok(())
}

fn fib(
    state: &State,
    behaviour: &Behaviour,
    v6: bool,
    words: &[&str],
    out: &mut String,
) -> Result<(), String> {
    let mut only = None;
    let mut wanted: Option<(IpAddr, u8)> = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "table" => only = words.next().and_then(|id| id.parse::<u32>().ok()),
            "detail" | "det" => {}
            other => {
                let (ip, len) = other.split_once('/').unwrap_or((other, if v6 { "128" } else { "32" }));
                let parsed = ip.parse::<IpAddr>().ok().zip(len.parse::<u8>().ok());
                wanted = Some(parsed.ok_or_else(|| format!("show ip fib: unknown input `{other}'"))?);
            }
        }
    }
    let shown = state.fib.tables().filter(|t| t.v6 == v6 && only.is_none_or(|only| only == t.id));
    for table in shown {
        let flow_hash = table.flow_hash.unwrap_or(if behaviour.hashes_flow_label { 0x9f } else { 0x1f });
        let parts = (0_u32..).zip(FLOW_HASH).filter(|(bit, _)| flow_hash >> bit & 1 != 0);
        let flow_hash: String = parts.map(|(_, part)| format!("{part} ")).collect();
        let _ = writeln!(
            out,
            "{}, fib_index:{}, flow hash:[{flow_hash}] epoch:0 flags:none locks:[default-route:1, ]",
            table.name, table.fib_index
        );
        let resolved = state.fib.resolved(table);
        let mut entries: Vec<&Entry> = table.entries().chain(&resolved).collect();
        entries.sort_by_key(|e| (e.ip, e.len));
        for entry in entries {
            if wanted.is_none_or(|(ip, len)| entry.ip == ip && entry.len == len) {
                describe(state, table, entry, out);
            }
        }
    }
    Ok(())
}

fn describe(state: &State, table: &Table, entry: &Entry, out: &mut String) {
    let _ = writeln!(out, "{}/{}", entry.ip, entry.len);
    let paths = entry.best().map(|(_, paths)| paths).unwrap_or_default();
    let _ = writeln!(out, "  unicast-ip{}-chain", if table.v6 { 6 } else { 4 });
    let _ = writeln!(
        out,
        "  [@0]: dpo-load-balance: [proto:ip{} index:{} buckets:{} uRPF:{} to:[0:0]]",
        if table.v6 { 6 } else { 4 },
        entry.stats_index,
        paths.len(),
        entry.stats_index
    );
    for (position, path) in paths.iter().enumerate() {
        let _ = writeln!(out, "    [{position}] [@{}]: {}", position, way(state, table, path));
    }
}

fn way(state: &State, table: &Table, path: &Path) -> String {
    let family = if table.v6 { "ip6" } else { "ip4" };
    let next_hop = if path.proto == 1 {
        IpAddr::V6(Ipv6Addr::from(path.next_hop))
    } else {
        let [a, b, c, d, ..] = path.next_hop;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    let port = name(state, path.sw_if_index);
    match path.kind {
        path_type::DROP => format!("dpo-drop {family}"),
        path_type::LOCAL => format!("dpo-receive: {next_hop} on {port}"),
        path_type::ICMP_UNREACH => format!("dpo-icmp: unreachable {family}"),
        path_type::ICMP_PROHIBIT => format!("dpo-icmp: prohibited {family}"),
        _ if path.interface().is_none() && next_hop.is_unspecified() => {
            format!("dst-address,unicast lookup in table {}", path.table_id)
        }
        _ if path.interface().is_none() => format!("{family} via {next_hop} table {}", path.table_id),
        _ if next_hop.is_unspecified() => format!("{family}-glean: {port}"),
        _ => format!("{family} via {next_hop} {port}: weight {}", path.weight),
    }
}
