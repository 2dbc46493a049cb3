//! Mirrored interfaces.

use std::collections::BTreeMap;

/// What is mirrored, by source. Nothing checks that the interfaces are there, and nothing removes an entry when
/// they go: the next interface with the index has it.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// By layer (L2 or device), source and destination: 1 received, 2 sent, 3 both.
    mirrors: BTreeMap<(bool, u32, u32), u32>,
}

impl Span {
    /// Sets what is mirrored; 0 for nothing, then !0 stands for every destination.
    pub(crate) fn set(&mut self, l2: bool, from: u32, to: u32, state: u32) {
        if state != 0 {
            self.mirrors.insert((l2, from, to), state);
        } else if to == u32::MAX {
            self.mirrors.retain(|(layer, source, _), _| *layer != l2 || *source != from);
        } else {
            self.mirrors.remove(&(l2, from, to));
        }
    }

    /// Source, destination and what is mirrored of one layer.
    pub fn mirrors(&self, l2: bool) -> impl Iterator<Item = (u32, u32, u32)> {
        self.mirrors
            .iter()
            .filter(move |((layer, ..), _)| *layer == l2)
            .map(|((_, from, to), state)| (*from, *to, *state))
    }
}
