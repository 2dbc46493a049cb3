//! Turns VPP's API definitions into Rust message crates with verified CRCs.
