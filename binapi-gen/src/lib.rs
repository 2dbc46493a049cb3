//! Turns VPP's API definitions into Rust message crates.
//!
//! The way of a definition: [`parse`] reads the JSON, [`normal`] writes and reads the form that is kept in the
//! repository, [`crc`] recomputes what the definition states, [`resolve`] follows names to layouts, [`revisions`]
//! finds what is distinct over all releases, [`emit`] writes it as Rust, [`tree`] compares and replaces files.

pub mod crc;
pub mod diff;
pub mod emit;
pub mod error;
mod fixups;
pub mod import;
mod json;
pub mod model;
pub mod normal;
mod own;
pub mod parse;
pub mod resolve;
pub mod revisions;
pub mod running;
pub mod tree;

pub use error::{Error, Problem};
pub use model::{Api, Release};
