//! What the scheduler is told of a value that cannot be.

use kvscheduler::Invalid;
use models::{FieldProblem, ModelMessage};

/// Problems of one value that are told.
const MOST: usize = 20;

/// The rules of a model, and what this agent does not configure, as the scheduler wants them.
pub(crate) fn check<M: ModelMessage>(
    value: &M,
    unsupported: impl IntoIterator<Item = (&'static str, bool)>,
) -> Result<(), Invalid> {
    let unsupported = unsupported.into_iter().filter(|(_, set)| *set).map(|(field, _)| FieldProblem {
        path: field.to_string(),
        reason: "not supported by this agent".to_string(),
    });
    check_with(value, unsupported)
}

/// The rules of a model, and what else is wrong with a value.
pub(crate) fn check_with<M: ModelMessage>(
    value: &M,
    more: impl IntoIterator<Item = FieldProblem>,
) -> Result<(), Invalid> {
    let mut problems = value.validate();
    problems.extend(more);
    if problems.is_empty() {
        return Ok(());
    }
    let mut reasons: Vec<String> =
        problems.iter().take(MOST).map(|p| format!("{}: {}", p.path, p.reason)).collect();
    if problems.len() > MOST {
        reasons.push(format!("and {} more", problems.len() - MOST));
    }
    Err(Invalid { fields: problems.into_iter().map(|p| p.path).collect(), reason: reasons.join("; ") })
}

/// A field that VPP cannot take.
pub(crate) fn problem(path: &str, reason: impl Into<String>) -> FieldProblem {
    FieldProblem { path: path.to_string(), reason: reason.into() }
}
