//! Arrays of any length in serde's data model: a tuple, as serde does it up to 32 elements.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// Writes `N` elements.
pub fn serialize<S: Serializer, T: Serialize, const N: usize>(
    items: &[T; N],
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = to.serialize_tuple(N)?;
    items.iter().try_for_each(|item| tuple.serialize_element(item))?;
    tuple.end()
}

/// Reads `N` elements.
pub fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    from: D,
) -> Result<[T; N], D::Error> {
    from.deserialize_tuple(N, Elements::<T, N>(PhantomData))
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[T; N], A::Error> {
        let mut items = Vec::with_capacity(N);
        while let Some(item) = seq.next_element()? {
            items.push(item);
            if items.len() > N {
                break;
            }
        }
        let found = items.len();
        items.try_into().map_err(|_| A::Error::invalid_length(found, &self))
    }
}
