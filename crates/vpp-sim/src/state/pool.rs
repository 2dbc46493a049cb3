//! Numbers of instances, given like VPP's pools give them.

/// A pool of numbers: the last freed one is given first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    next: u32,
    free: Vec<u32>,
}

impl Pool {
    /// The number that [`Pool::take`] would give.
    pub(crate) fn peek(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.next)
    }

    /// Takes a number.
    pub(crate) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let index = self.next;
            self.next = index.saturating_add(1);
            index
        })
    }

    /// Gives a number back.
    pub(crate) fn put(&mut self, index: u32) {
        self.free.push(index);
    }
}

/// One pool for each kind of interface that has instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools {
    pub(crate) memif: Pool,
    pub(crate) af_packet: Pool,
    pub(crate) vxlan: Pool,
    pub(crate) gre: Pool,
    pub(crate) ipip: Pool,
    pub(crate) bond: Pool,
}
