//! Rules of segment routing.

use std::collections::BTreeSet;

use super::{FieldProblem, Problems};
use crate::proto::ligato::vpp::srv6::local_sid::EndFunction;
use crate::proto::ligato::vpp::srv6::steering::{PolicyRef, Traffic};
use crate::proto::ligato::vpp::srv6::{LocalSid, Policy, Steering};

/// Segments that VPP takes in one list.
const MOST_SEGMENTS: usize = 16;

pub(crate) fn local_sid(value: &LocalSid) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    match &value.end_function {
        None => {
            problems.add("end_function", "must be stated: one of `base_end_function`, `end_function_x`, ...")
        }
        Some(EndFunction::BaseEndFunction(_) | EndFunction::EndFunctionT(_)) => {}
        Some(EndFunction::EndFunctionDt4(_) | EndFunction::EndFunctionDt6(_)) => {}
        Some(EndFunction::EndFunctionX(end)) => {
            problems.required("end_function_x.outgoing_interface", &end.outgoing_interface);
            problems.required("end_function_x.next_hop", &end.next_hop);
        }
        Some(EndFunction::EndFunctionDx2(end)) => {
            problems.required("end_function_dx2.outgoing_interface", &end.outgoing_interface);
        }
        Some(EndFunction::EndFunctionDx4(end)) => {
            problems.required("end_function_dx4.outgoing_interface", &end.outgoing_interface);
            problems.required("end_function_dx4.next_hop", &end.next_hop);
        }
        Some(EndFunction::EndFunctionDx6(end)) => {
            problems.required("end_function_dx6.outgoing_interface", &end.outgoing_interface);
            problems.required("end_function_dx6.next_hop", &end.next_hop);
        }
        Some(EndFunction::EndFunctionAd(end)) => {
            problems.required("end_function_ad.outgoing_interface", &end.outgoing_interface);
            problems.required("end_function_ad.incoming_interface", &end.incoming_interface);
        }
    }
    problems.0
}

pub(crate) fn sr_policy(value: &Policy) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    if value.segment_lists.is_empty() {
        problems.add("segment_lists", "must have at least one list");
    }
    let mut seen = BTreeSet::new();
    for (i, list) in value.segment_lists.iter().enumerate() {
        let path = format!("segment_lists[{i}].segments");
        if list.segments.is_empty() || list.segments.len() > MOST_SEGMENTS {
            problems.add(
                path,
                format!("has {} segments, which is not from 1 to {MOST_SEGMENTS}", list.segments.len()),
            );
        } else if !seen.insert((&list.segments, list.weight)) {
            problems.add(path, "is stated already with the same weight");
        }
    }
    problems.0
}

pub(crate) fn sr_steering(value: &Steering) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    match &value.policy_ref {
        None => problems.add("policy_bsid", "must be stated: the binding SID of the policy"),
        Some(PolicyRef::PolicyBsid(bsid)) => problems.required("policy_bsid", bsid),
        Some(PolicyRef::PolicyIndex(_)) => {}
    }
    match &value.traffic {
        None => problems.add("traffic", "must be stated: `l2_traffic` or `l3_traffic`"),
        Some(Traffic::L2Traffic(l2)) => problems.required("l2_traffic.interface_name", &l2.interface_name),
        Some(Traffic::L3Traffic(l3)) => problems.required("l3_traffic.prefix_address", &l3.prefix_address),
    }
    problems.0
}
