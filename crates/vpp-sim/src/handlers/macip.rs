//! The ACL plugin: lists for MAC and source address.

use serde_json::Value;

use super::acl::{small, tag};
use super::{Answer, Call, known, retval_of};
use crate::behaviour::retval;
use crate::message::{Record, address, bytes, flag, prefix, sixteen};
use crate::state::acl::{List, MacRule};

fn decode(value: &Value) -> MacRule {
    let src = if value.get("src_prefix").is_some() {
        prefix(value.get("src_prefix"))
    } else {
        let v6 = flag(value.get("is_ipv6"));
        (address(bytes(value.get("src_ip_addr")), v6), small(value, "src_ip_prefix_len"))
    };
    MacRule {
        action: small(value, "is_permit"),
        mac: bytes(value.get("src_mac")),
        mac_mask: bytes(value.get("src_mac_mask")),
        src,
    }
}

pub(super) fn add<'a>(call: &mut Call<'a>) -> Answer<'a> {
    put(call, u32::MAX)
}

pub(super) fn add_replace<'a>(call: &mut Call<'a>) -> Answer<'a> {
    put(call, call.request.number("acl_index"))
}

fn put<'a>(call: &mut Call<'a>, asked: u32) -> Answer<'a> {
    let rules = call.request.list("r").iter().map(decode).collect();
    let tag = tag(call);
    let lists = &mut call.state.acls.mac_lists;
    let done = tag.and_then(|tag| {
        let list = List { tag, rules };
        if asked == u32::MAX {
            return Ok(lists.add(list));
        }
        *lists.get_mut(asked).ok_or(retval::NO_SUCH_ENTRY)? = list;
        Ok(asked)
    });
    let (retval, index) = match done {
        Ok(index) => (0, index),
        Err(retval) => (retval, asked),
    };
    Answer::Reply(call.reply(retval).set("acl_index", index))
}

pub(super) fn delete<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let index = call.request.number("acl_index");
    retval_of(call.state.acls.delete_mac(index))
}

fn describe_rule(details: &Record<'_>, rule: &MacRule) -> Value {
    details
        .clone()
        .set("r.is_permit", rule.action)
        .bytes("r.src_mac", &rule.mac)
        .bytes("r.src_mac_mask", &rule.mac_mask)
        .prefix("r.src_prefix", rule.src.0, rule.src.1)
        .flag("r.is_ipv6", rule.src.0.is_ipv6())
        .bytes("r.src_ip_addr", &sixteen(rule.src.0))
        .set("r.src_ip_prefix_len", rule.src.1)
        .item("r")
}

pub(super) fn dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let asked = call.request.number("acl_index");
    let lists = call.state.acls.mac_lists.iter().filter(|(index, _)| asked == u32::MAX || *index == asked);
    let details = lists.map(|(index, list)| {
        let details = call.details();
        let rules: Vec<Value> = list.rules.iter().map(|rule| describe_rule(&details, rule)).collect();
        details.set("acl_index", index).text("tag", &list.tag).set("count", rules.len()).set("r", rules)
    });
    Answer::Details(details.collect())
}

pub(super) fn interface_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (sw_if_index, list) = (request.number("sw_if_index"), request.number("acl_index"));
    retval_of(known(call.state, sw_if_index).and_then(|()| {
        if request.flag("is_add") {
            call.state.acls.apply_mac(sw_if_index, list)
        } else {
            call.state.acls.unapply_mac(sw_if_index)
        }
    }))
}

pub(super) fn interface_get<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let acls: Vec<Value> =
        call.state.acls.mac_applied().iter().map(|list| Value::from(list.unwrap_or(u32::MAX))).collect();
    Answer::Reply(call.reply(0).set("count", acls.len()).set("acls", acls))
}

pub(super) fn interface_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let asked = call.request.number("sw_if_index");
    let applied = (0_u32..).zip(call.state.acls.mac_applied());
    // An interface that is asked for by itself is shown also when it has none any more.
    let shown = applied.filter(|(index, list)| match asked {
        u32::MAX => list.is_some(),
        asked => *index == asked,
    });
    let details = shown.map(|(index, list)| {
        let acls = vec![Value::from(list.unwrap_or(u32::MAX))];
        call.details().set("sw_if_index", index).set("count", 1).set("acls", acls)
    });
    Answer::Details(details.collect())
}
