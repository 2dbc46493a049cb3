//! An arm behind one that always holds, and one whose condition holds nowhere.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn after_all() -> u8 {
        api! {
            _ => 1,
            has(IpRouteAddDel) => 2,
        }
    }

    fn nowhere() -> u8 {
        api! {
            has(IpRouteAddDel) && has(IpAddDelRoute) => 1,
            _ => 2,
        }
    }
}

fn main() {}
