//! A message that no release has.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    fn ping() {
        let _ = api::ControlPong {};
    }
}

fn main() {}
