//! The second part of `is` is no type, or one that no release has.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn f() -> u8 {
        api! {
            is(IpRouteAddDel.is_add, 1 + 1) => 1,
            _ => 2,
        }
    }

    fn g() -> u8 {
        api! {
            !is(IpRouteAddDel.is_add, boolean) => 1,
            _ => 2,
        }
    }
}

fn main() {}
