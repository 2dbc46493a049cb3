//! Queues of interfaces and the threads that serve them. The simulated VPP has the main thread alone.

/// Modes; numbers of `rx_mode`.
pub mod rx_mode {
    #![allow(missing_docs)]
    pub const POLLING: u32 = 1;
    pub const INTERRUPT: u32 = 2;
    pub const DEFAULT: u32 = 4;
}

/// Queues of an interface, by their id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// Mode of each receive queue.
    pub rx: Vec<u32>,
    /// Threads of each transmit queue.
    pub tx: Vec<Vec<u32>>,
}

impl Queues {
    pub(crate) fn new(rx: u16, tx: u16, mode: u32) -> Self {
        let mut queues = Self { rx: vec![mode; usize::from(rx)], tx: vec![Vec::new(); usize::from(tx)] };
        if let Some(first) = queues.tx.first_mut() {
            first.push(0);
        }
        queues
    }
}
