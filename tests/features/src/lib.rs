//! Nothing but tests: see `tests/optional.rs`.
