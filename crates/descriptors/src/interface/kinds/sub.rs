//! VLAN sub-interfaces.
//!
//! What happens to the tags of their frames, and whether they are up, are values of their own, derived from them: the one
//! needs the interface to be bridged, the other needs the parent to be up.

use kvscheduler::Dependency;
use models::FieldProblem;
use models::keys;
use models::proto::ligato::vpp::interfaces::interface::Link;
use models::proto::ligato::vpp::interfaces::sub_interface::TagRewriteOptions;
use models::proto::ligato::vpp::interfaces::{Interface, SubInterface};
use vppcalls::NewInterface;
use vppcalls::types::{self, RewriteKind, VlanRewrite};

use super::{Kind, Told};
use crate::check::problem;

pub(super) const KIND: Kind = Kind {
    new: |value, vpp| {
        let sub = link(value);
        let parent = vpp.interface(&sub.parent_name)?;
        // What is too large is refused by the call.
        let vlan = u16::try_from(sub.sub_id).unwrap_or(u16::MAX);
        Ok(NewInterface::Sub(types::SubInterface::vlan(parent, vlan)))
    },
    same: |old, new| {
        let (old, new) = (link(old), link(new));
        old.parent_name == new.parent_name && old.sub_id == new.sub_id
    },
    needs: |value| {
        vec![Dependency::key("parent-interface-exists", keys::interface(&link(value).parent_name))]
    },
    invalid,
};

fn invalid(value: &Interface) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if !value.phys_address.is_empty() {
        problems.push(problem("phys_address", "a sub-interface has the MAC of its parent"));
    }
    let sub = link(value);
    if !(1..=4095).contains(&sub.sub_id) {
        problems.push(problem("sub.sub_id", format!("{} is no VLAN: 1 to 4095", sub.sub_id)));
    }
    let tags = [("sub.tag1", sub.tag1), ("sub.tag2", sub.tag2)];
    for (field, tag) in tags.into_iter().take(tags_of(sub.tag_rw_option())) {
        if !(1..=4095).contains(&tag) {
            let option = sub.tag_rw_option().as_str_name();
            problems.push(problem(field, format!("{tag} is no VLAN, which {option} needs: 1 to 4095")));
        }
    }
    problems
}

pub(in crate::interface) fn link(value: &Interface) -> SubInterface {
    match &value.link {
        Some(Link::Sub(sub)) => sub.clone(),
        _ => SubInterface::default(),
    }
}

/// How many tags are put on.
fn tags_of(option: TagRewriteOptions) -> usize {
    match option {
        TagRewriteOptions::Disabled | TagRewriteOptions::Pop1 | TagRewriteOptions::Pop2 => 0,
        TagRewriteOptions::Push1 | TagRewriteOptions::Translate11 | TagRewriteOptions::Translate21 => 1,
        TagRewriteOptions::Push2 | TagRewriteOptions::Translate12 | TagRewriteOptions::Translate22 => 2,
    }
}

/// What happens to tags, without what does not count for it. None: nothing happens.
pub(in crate::interface) fn rewrite_of(value: &Interface) -> Option<SubInterface> {
    let sub = link(value);
    let option = sub.tag_rw_option();
    let tags = tags_of(option);
    (option != TagRewriteOptions::Disabled).then(|| SubInterface {
        tag_rw_option: option.into(),
        push_dot1q: sub.push_dot1q && tags > 0,
        tag1: if tags > 0 { sub.tag1 } else { 0 },
        tag2: if tags > 1 { sub.tag2 } else { 0 },
        ..SubInterface::default()
    })
}

/// As VPP wants it.
pub(in crate::interface) fn rewrite(sub: &SubInterface) -> VlanRewrite {
    let tag = |tag: u32| u16::try_from(tag).unwrap_or(u16::MAX);
    VlanRewrite {
        kind: match sub.tag_rw_option() {
            TagRewriteOptions::Disabled => RewriteKind::Disabled,
            TagRewriteOptions::Push1 => RewriteKind::Push1,
            TagRewriteOptions::Push2 => RewriteKind::Push2,
            TagRewriteOptions::Pop1 => RewriteKind::Pop1,
            TagRewriteOptions::Pop2 => RewriteKind::Pop2,
            TagRewriteOptions::Translate11 => RewriteKind::Translate11,
            TagRewriteOptions::Translate12 => RewriteKind::Translate12,
            TagRewriteOptions::Translate21 => RewriteKind::Translate21,
            TagRewriteOptions::Translate22 => RewriteKind::Translate22,
        },
        dot1q: sub.push_dot1q,
        tag1: tag(sub.tag1),
        tag2: tag(sub.tag2),
    }
}

pub(super) fn told(sub: &types::SubInterface, rewrite: &VlanRewrite, told: &Told<'_>) -> SubInterface {
    let option = match rewrite.kind {
        RewriteKind::Disabled | RewriteKind::Other(_) => TagRewriteOptions::Disabled,
        RewriteKind::Push1 => TagRewriteOptions::Push1,
        RewriteKind::Push2 => TagRewriteOptions::Push2,
        RewriteKind::Pop1 => TagRewriteOptions::Pop1,
        RewriteKind::Pop2 => TagRewriteOptions::Pop2,
        RewriteKind::Translate11 => TagRewriteOptions::Translate11,
        RewriteKind::Translate12 => TagRewriteOptions::Translate12,
        RewriteKind::Translate21 => TagRewriteOptions::Translate21,
        RewriteKind::Translate22 => TagRewriteOptions::Translate22,
    };
    SubInterface {
        parent_name: told.names.any(sub.parent).unwrap_or_default().to_string(),
        sub_id: sub.sub_id,
        tag_rw_option: option.into(),
        push_dot1q: rewrite.dot1q,
        tag1: rewrite.tag1.into(),
        tag2: rewrite.tag2.into(),
    }
}
