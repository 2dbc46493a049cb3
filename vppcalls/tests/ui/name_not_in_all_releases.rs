//! A message that some releases do not have, outside an arm that asks for it.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn f() {
        let _ = api::IpRouteAddDel::default();
    }
}

fn main() {}
