//! A field that the revision of some releases lacks: told with the releases.

use vppcalls_macros::convert;

trait Length {
    fn length(&self) -> u8;
}

#[convert]
impl Length for api::Prefix {
    fn length(&self) -> u8 {
        self.address_length
    }
}

fn main() {}
