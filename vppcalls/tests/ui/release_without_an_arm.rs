//! Releases that no arm covers.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn f() -> u8 {
        api! {
            has(IpRouteAddDel) => 1,
        }
    }
}

fn main() {}
