//! Rules that values are held to: one row per rule.

// Helpers of tests fail as tests do.
#![allow(clippy::expect_used)]

mod interfaces;
mod routing;
mod services;
mod switching;

use models::Registry;
use serde_json::{Value, json};

fn merged(base: &Value, change: &Value) -> Value {
    let mut merged = base.clone();
    if let (Some(into), Some(from)) = (merged.as_object_mut(), change.as_object()) {
        into.extend(from.clone());
    }
    merged
}

/// Checks that `change` to the good value `base` breaks the rules of exactly the fields `paths`.
pub(crate) fn check(model: &str, base: &Value, rows: &[(Value, &[&str])]) {
    let registry = Registry::builtin().expect("the table is good");
    let model = registry.by_name(model).expect("the model exists");
    for (change, paths) in rows {
        let value = merged(base, change);
        let problems = model.decode(&value).expect("types are right").validate();
        let found: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(&found, paths, "{change}: {problems:?}");
    }
}

pub(crate) fn check_example(model: &str, rows: &[(Value, &[&str])]) {
    let example = models::schema::example(model).expect("every model has one");
    check(model, example, &[(json!({}), &[])]);
    check(model, example, rows);
}
