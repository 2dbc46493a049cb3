//! A conversion for something that is not of the API.

use vppcalls_macros::convert;

struct Address;

#[convert]
impl From<Address> for Option<Address> {
    fn from(address: Address) -> Self {
        Some(address)
    }
}

fn main() {}
