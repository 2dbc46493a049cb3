//! ACL based forwarding.

use super::route::{add_paths, decode_any, describe_paths, remove_paths};
use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::state::abf::{Attachment, Policy};
use crate::state::fib::Path;

pub(super) fn version<'a>(call: &mut Call<'a>) -> Answer<'a> {
    Answer::Reply(call.reply(0).set("major", 1).set("minor", 0))
}

pub(super) fn policy_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let paths = request.list("policy.paths");
    if paths.is_empty() && call.behaviour.abf_wants_paths {
        return Answer::Retval(retval::INVALID_VALUE);
    }
    let paths: Result<Vec<Path>, i32> =
        paths.iter().map(|path| decode_any(call.state, call.behaviour, path)).collect();
    let paths = match paths {
        Ok(paths) => paths,
        Err(retval) => return Answer::Retval(retval),
    };
    let id = request.number("policy.policy_id");
    let lost =
        call.state.abf.policy(id).and_then(|slot| call.state.abf.policies.get(slot)).is_some_and(|p| p.lost);
    let done = match request.flag("is_add") {
        true => add(call, paths),
        false if lost => {
            return Answer::Dies(format!("path removed from ABF policy {id}, whose paths were freed"));
        }
        false => remove(call, &paths),
    };
    call.state.release_tables();
    if call.behaviour.abf_policy_tells { retval_of(done) } else { Answer::Retval(0) }
}

fn add(call: &mut Call<'_>, paths: Vec<Path>) -> Result<(), i32> {
    let (id, acl) = (call.request.number("policy.policy_id"), call.request.number("policy.acl_index"));
    let abf = &mut call.state.abf;
    let shared: Vec<Vec<Path>> =
        abf.policies.iter().filter(|(_, p)| p.id != id).map(|(_, p)| p.paths.clone()).collect();
    match abf.policy(id).and_then(|slot| abf.policies.get_mut(slot)) {
        Some(policy) if policy.acl != acl && call.behaviour.abf_policy_tells => {
            return Err(retval::INVALID_VALUE);
        }
        Some(policy) => {
            let all = add_paths(policy.paths.clone(), paths);
            // Another policy with the same paths holds the list as well.
            policy.lost |= all == policy.paths && !shared.contains(&all);
            policy.paths = if policy.lost { Vec::new() } else { all };
        }
        None => {
            abf.policies.add(Policy { id, acl, paths: add_paths(Vec::new(), paths), lost: false });
        }
    }
    Ok(())
}

/// Takes paths away; with the last one the policy goes, unless it is attached.
fn remove(call: &mut Call<'_>, paths: &[Path]) -> Result<(), i32> {
    let abf = &mut call.state.abf;
    let slot = abf.policy(call.request.number("policy.policy_id")).ok_or(retval::INVALID_VALUE)?;
    let attached = abf.attachments.iter().any(|(_, a)| a.policy == slot);
    let Some(policy) = abf.policies.get_mut(slot) else { return Ok(()) };
    policy.paths = remove_paths(std::mem::take(&mut policy.paths), paths);
    if policy.paths.is_empty() && !attached {
        abf.policies.remove(slot);
    }
    Ok(())
}

pub(super) fn policy_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let details = call.state.abf.policies.iter().map(|(_, policy)| {
        let paths = describe_paths(call.behaviour, &call.details(), "policy.paths", &policy.paths);
        call.details()
            .set("policy.policy_id", policy.id)
            .set("policy.acl_index", policy.acl)
            .set("policy.n_paths", paths.len())
            .set("policy.paths", paths)
    });
    Answer::Details(details.collect())
}

pub(super) fn attach_add_del<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let request = call.request;
    let (id, sw_if_index) = (request.number("attach.policy_id"), request.number("attach.sw_if_index"));
    let v6 = request.flag("attach.is_ipv6");
    let abf = &mut call.state.abf;
    let slot = abf.policy(id);
    let there = slot.and_then(|slot| abf.attachment(slot, sw_if_index));
    let done = if request.flag("is_add") {
        let Some((slot, acl)) = slot.and_then(|slot| Some((slot, abf.policies.get(slot)?.acl))) else {
            return Answer::Dies(format!("ABF policy {id}, which does not exist, attached to {sw_if_index}"));
        };
        if call.behaviour.abf_without_acl_kills && call.state.acls.lists.get(acl).is_none() {
            return Answer::Dies(format!("ABF policy {id} attached, whose ACL {acl} does not exist"));
        }
        match there {
            Some(_) => Err(retval::ENTRY_ALREADY_EXISTS),
            None => {
                let priority = request.number("attach.priority");
                abf.attachments.add(Attachment { policy: slot, acl, sw_if_index, priority, v6 });
                Ok(())
            }
        }
    } else {
        match there.and_then(|there| abf.attachments.remove(there)) {
            None => Err(retval::NO_SUCH_ENTRY),
            Some(Attachment { policy, .. }) => {
                // A policy without paths was deleted while it was attached.
                let deleted = abf.policies.get(policy).is_some_and(|p| p.paths.is_empty() && !p.lost);
                if deleted && !abf.attachments.iter().any(|(_, a)| a.policy == policy) {
                    abf.policies.remove(policy);
                }
                Ok(())
            }
        }
    };
    let acls = call.state.abf.acls(v6, sw_if_index);
    call.state.acls.set_context(v6, sw_if_index, acls);
    if call.behaviour.abf_attachment_tells { retval_of(done) } else { Answer::Retval(0) }
}

pub(super) fn attach_dump<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let abf = &call.state.abf;
    let details = abf.attachments.iter().map(|(_, attachment)| {
        let id = abf.policies.get(attachment.policy).map_or(u32::MAX, |policy| policy.id);
        call.details()
            .set("attach.policy_id", id)
            .set("attach.sw_if_index", attachment.sw_if_index)
            .set("attach.priority", attachment.priority)
            .flag("attach.is_ipv6", attachment.v6)
    });
    Answer::Details(details.collect())
}
