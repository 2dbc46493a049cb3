//! A field that some releases have and a literal does not give.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn all() -> usize {
        size_of_val(&api::BridgeDomainDump { bd_id: u32::MAX })
    }
}

fn main() {}
