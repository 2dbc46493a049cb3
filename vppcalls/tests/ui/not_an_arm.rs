//! An arm without its arrow.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn f() -> u8 {
        api! {
            has(IpRouteAddDel)
        }
    }
}

fn main() {}
