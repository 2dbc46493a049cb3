//! What stands before the arrow is no condition.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn f() -> u8 {
        api! {
            release >= 2005 => 1,
            _ => 2,
        }
    }

    fn g() -> u8 {
        api! {
            had(IpRouteAddDel) => 1,
            _ => 2,
        }
    }
}

fn main() {}
