//! Proxy ARP: ranges that are answered for, and interfaces on which they are.

use std::collections::BTreeSet;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Range {
    /// Index of the table, which is not its id.
    pub fib_index: u32,
    /// The table that had the index when the range was made.
    pub table_id: u32,
    pub low: [u8; 4],
    pub high: [u8; 4],
}

/// All of proxy ARP.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct ProxyArp {
    pub ranges: Vec<Range>,
    pub interfaces: BTreeSet<u32>,
}
