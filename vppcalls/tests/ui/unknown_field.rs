//! A field that the message has in no release.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn f() -> u8 {
        api! {
            has(IpRouteAddDel.is_addd) => 1,
            _ => 2,
        }
    }
}

fn main() {}
