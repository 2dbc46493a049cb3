//! The ACL plugin: lists for IP, and where they are applied. Rules have prefixes from 20.05, addresses before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{Answer, Call, known, retval_of};
use crate::behaviour::{Behaviour, retval};
use crate::message::{Record, address, bytes, flag, number, prefix, sixteen};
use crate::state::acl::{Both, List, Rule};
use crate::state::fib::network;

/// The longest tag; the field has 64 bytes.
const LONGEST_TAG: usize = 63;

pub(super) fn small(value: &Value, field: &str) -> u8 {
    u8::try_from(number(value.get(field))).unwrap_or(u8::MAX)
}

fn short(value: &Value, field: &str) -> u16 {
    u16::try_from(number(value.get(field))).unwrap_or(u16::MAX)
}

/// The address as one of another family, as it comes out when VPP keeps the family of the other prefix.
fn of_family(ip: IpAddr, v6: bool) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if v6 => {
            let [a, b, c, d] = ip.octets();
            IpAddr::V6(Ipv6Addr::from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]))
        }
        IpAddr::V6(ip) if !v6 => {
            let [.., a, b, c, d] = ip.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        ip => ip,
    }
}

fn decode(value: &Value) -> Rule {
    let has_prefixes = value.get("src_prefix").is_some();
    let (src, dst) = if has_prefixes {
        (prefix(value.get("src_prefix")), prefix(value.get("dst_prefix")))
    } else {
        let v6 = flag(value.get("is_ipv6"));
        let side = |ip, len| (address(bytes(value.get(ip)), v6), small(value, len));
        (side("src_ip_addr", "src_ip_prefix_len"), side("dst_ip_addr", "dst_ip_prefix_len"))
    };
    Rule {
        action: small(value, "is_permit"),
        src,
        dst,
        proto: small(value, "proto"),
        src_ports: (short(value, "srcport_or_icmptype_first"), short(value, "srcport_or_icmptype_last")),
        dst_ports: (short(value, "dstport_or_icmpcode_first"), short(value, "dstport_or_icmpcode_last")),
        tcp_flags_mask: small(value, "tcp_flags_mask"),
        tcp_flags_value: small(value, "tcp_flags_value"),
    }
}

/// Whether a prefix is as long as its family allows, and has no bits behind its length.
fn too_long(ip: IpAddr, len: u8) -> bool {
    len > if ip.is_ipv6() { 128 } else { 32 }
}

fn check(rule: &Rule, has_prefixes: bool, behaviour: &Behaviour) -> Result<(), i32> {
    if behaviour.checks_acl_family && rule.src.0.is_ipv6() != rule.dst.0.is_ipv6() {
        return Err(retval::INVALID_SRC_ADDRESS);
    }
    let sides = [(rule.src, retval::INVALID_SRC_ADDRESS), (rule.dst, retval::INVALID_DST_ADDRESS)];
    if !has_prefixes && sides.iter().any(|((ip, len), _)| too_long(*ip, *len)) {
        return Err(retval::INVALID_VALUE);
    }
    for ((ip, len), retval) in sides {
        if too_long(ip, len) || network(ip, len) != sixteen(ip) {
            return Err(retval);
        }
    }
    if rule.src_ports.0 > rule.src_ports.1 || rule.dst_ports.0 > rule.dst_ports.1 {
        return Err(retval::INVALID_VALUE_2);
    }
    Ok(())
}

/// The tag of a request, where the release does not refuse it.
pub(super) fn tag(call: &Call<'_>) -> Result<String, i32> {
    let tag = call.request.text("tag");
    if call.behaviour.checks_acl_tag && tag.len() > LONGEST_TAG {
        return Err(retval::INVALID_VALUE);
    }
    Ok(tag)
}

pub(super) fn add_replace<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let asked = call.request.number("acl_index");
    let (retval, index) = match add(call, asked) {
        Ok(index) => (0, index),
        Err(retval) => (retval, asked),
    };
    Answer::Reply(call.reply(retval).set("acl_index", index))
}

fn add(call: &mut Call<'_>, asked: u32) -> Result<u32, i32> {
    let tag = tag(call)?;
    let rules: Vec<Rule> = call.request.list("r").iter().map(decode).collect();
    if call.behaviour.checks_acl_rules {
        let has_prefixes = call.request.list("r").iter().all(|rule| rule.get("src_prefix").is_some());
        rules.iter().try_for_each(|rule| check(rule, has_prefixes, call.behaviour))?;
    }
    // The destination is kept with the family of the source.
    let kept = |rule: Rule| Rule { dst: (of_family(rule.dst.0, rule.src.0.is_ipv6()), rule.dst.1), ..rule };
    let list = List { tag, rules: rules.into_iter().map(kept).collect() };
    let lists = &mut call.state.acls.lists;
    if asked == u32::MAX {
        return Ok(lists.add(list));
    }
    *lists.get_mut(asked).ok_or(retval::NO_SUCH_ENTRY)? = list;
    Ok(asked)
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("acl_index");
    retval_of(call.state.acls.delete(index))
}

fn describe_rule(details: &Record<'_>, rule: &Rule) -> Value {
    details
        .clone()
        .set("r.is_permit", rule.action)
        .prefix("r.src_prefix", rule.src.0, rule.src.1)
        .prefix("r.dst_prefix", rule.dst.0, rule.dst.1)
        .flag("r.is_ipv6", rule.src.0.is_ipv6())
        .bytes("r.src_ip_addr", &sixteen(rule.src.0))
        .set("r.src_ip_prefix_len", rule.src.1)
        .bytes("r.dst_ip_addr", &sixteen(rule.dst.0))
        .set("r.dst_ip_prefix_len", rule.dst.1)
        .set("r.proto", rule.proto)
        .set("r.srcport_or_icmptype_first", rule.src_ports.0)
        .set("r.srcport_or_icmptype_last", rule.src_ports.1)
        .set("r.dstport_or_icmpcode_first", rule.dst_ports.0)
        .set("r.dstport_or_icmpcode_last", rule.dst_ports.1)
        .set("r.tcp_flags_mask", rule.tcp_flags_mask)
        .set("r.tcp_flags_value", rule.tcp_flags_value)
        .item("r")
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let asked = call.request.number("acl_index");
    let lists = call.state.acls.lists.iter().filter(|(index, _)| asked == u32::MAX || *index == asked);
    let details = lists.map(|(index, list)| {
        let details = call.details();
        let rules: Vec<Value> = list.rules.iter().map(|rule| describe_rule(&details, rule)).collect();
        details.set("acl_index", index).text("tag", &list.tag).set("count", rules.len()).set("r", rules)
    });
    Answer::Details(details.collect())
}

pub(super) fn interface_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    retval_of(interface_change(call))
}

fn interface_change(call: &mut Call<'_>) -> Result<(), i32> {
    let request = call.request;
    let (sw_if_index, list) = (request.number("sw_if_index"), request.number("acl_index"));
    let input = request.flag("is_input");
    known(call.state, sw_if_index)?;
    let both = call.state.acls.applied(sw_if_index);
    let mut lists = if input { both.input } else { both.output };
    let there = lists.iter().position(|other| *other == list);
    match (request.flag("is_add"), there) {
        (true, Some(_)) if input => return Err(retval::ACL_IN_USE_INBOUND),
        (true, Some(_)) => return Err(retval::ACL_IN_USE_OUTBOUND),
        (true, None) => lists.push(list),
        (false, None) => return Err(retval::NO_SUCH_ENTRY),
        (false, Some(position)) => {
            // The last one takes the place of the one that goes.
            lists.swap_remove(position);
        }
    }
    call.state.acls.apply(sw_if_index, input, lists)
}

/// A list of a request, cut where the other direction begins.
fn both<T>(call: &Call<'_>, field: &str, item: impl Fn(u32) -> T) -> Both<T> {
    let input = call.request.number("n_input") as usize;
    let mut all = call.request.list(field).iter().map(|value| item(number(Some(value))));
    Both { input: all.by_ref().take(input).collect(), output: all.collect() }
}

fn joined<T: Clone + Into<Value>>(both: &Both<T>) -> Vec<Value> {
    both.input.iter().chain(&both.output).cloned().map(Into::into).collect()
}

pub(super) fn interface_set_list<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let sw_if_index = call.request.number("sw_if_index");
    let lists = both(call, "acls", |list| list);
    let acls = &mut call.state.acls;
    if call.state.interfaces.get(sw_if_index).is_none() {
        return Answer::Retval(retval::INVALID_SW_IF_INDEX);
    }
    if lists.input.iter().chain(&lists.output).any(|list| acls.lists.get(*list).is_none()) {
        return Answer::Retval(retval::NO_SUCH_ENTRY);
    }
    let done = acls
        .apply(sw_if_index, false, lists.output)
        .and_then(|()| acls.apply(sw_if_index, true, lists.input));
    // Whatever is wrong with one direction, VPP says 1; output comes first, and stays when input is refused.
    Answer::Retval(i32::from(done.is_err()))
}

pub(super) fn interface_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let asked = call.request.number("sw_if_index");
    let interfaces = call.state.interfaces.iter().map(|i| i.sw_if_index);
    let details = interfaces.filter(|index| asked == u32::MAX || *index == asked).map(|index| {
        let both = call.state.acls.applied(index);
        let acls = joined(&both);
        call.details()
            .set("sw_if_index", index)
            .set("count", acls.len())
            .set("n_input", both.input.len())
            .set("acls", acls)
    });
    Answer::Details(details.collect())
}

pub(super) fn set_ethertypes<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let sw_if_index = call.request.number("sw_if_index");
    let whitelist = both(call, "whitelist", |ethertype| u16::try_from(ethertype).unwrap_or(u16::MAX));
    retval_of(known(call.state, sw_if_index).map(|()| call.state.acls.set_ethertypes(sw_if_index, whitelist)))
}

pub(super) fn dump_ethertypes<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let asked = call.request.number("sw_if_index");
    let interfaces = call.state.interfaces.iter().map(|i| i.sw_if_index);
    let details = interfaces.filter(|index| asked == u32::MAX || *index == asked).filter_map(|index| {
        let both = call.state.acls.ethertypes(index)?;
        let whitelist = joined(both);
        let details = call.details().set("sw_if_index", index).set("count", whitelist.len());
        Some(details.set("n_input", both.input.len()).set("whitelist", whitelist))
    });
    Answer::Details(details.collect())
}

pub(super) fn version<'a>(call: &mut Call<'a>) -> Answer<'a> {
    Answer::Reply(call.reply(0).set("major", 1).set("minor", call.behaviour.acl_version))
}

pub(super) fn control_ping<'a>(call: &mut Call<'a>) -> Answer<'a> {
    Answer::Reply(call.reply(0).set("vpe_pid", call.system.pid))
}
