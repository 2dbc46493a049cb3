//! Errors of use are compile errors, at the right place of the source.
//!
//! `TRYBUILD=overwrite cargo test -p vppcalls --test ui` writes the expected output anew.

#[test]
fn errors_of_use_are_told_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
