//! What the driver knows by numbers that it, or VPP, made up: cheap to look at for every message.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// By context. The client counts contexts up itself, so that nothing from outside chooses them.
pub(crate) type ByContext<T> = HashMap<u32, T, BuildHasherDefault<Spread>>;

/// Spreads numbers that follow each other (Fibonacci hashing).
#[derive(Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// What a message is to the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing that was asked for.
    #[default]
    Unasked,
    /// An event with subscribers.
    Event,
    /// An answer, with its context at this offset.
    Answer(usize),
}

/// By number of the message.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Vec<Kind>);

impl Kinds {
    pub(crate) fn get(&self, id: u16) -> Kind {
        self.0.get(usize::from(id)).copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, id: u16, kind: Kind) {
        let at = usize::from(id);
        if self.0.len() <= at {
            self.0.resize(at + 1, Kind::Unasked);
        }
        if let Some(place) = self.0.get_mut(at) {
            *place = kind;
        }
    }
}
