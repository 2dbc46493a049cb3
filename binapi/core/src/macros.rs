//! The shape of an enum.

/// Declares an API enum: a newtype over its integer with named values. It is open, so that a value of a newer
/// release survives; values can be put together where the enum is a set of bits.
#[macro_export]
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident: $int:ty { $($member:ident = $value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        pub struct $name(pub $int);

        #[allow(missing_docs)]
        impl $name {
            $(pub const $member: Self = Self($value);)*

            /// True when all bits of `other` are set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// The name of exactly this value.
            pub fn name(self) -> Option<&'static str> {
                // Several names may have one value: the first wins.
                const MEMBERS: &[($int, &str)] = &[$(($value, stringify!($member)),)*];
                MEMBERS.iter().find(|(value, _)| *value == self.0).map(|(_, name)| *name)
            }
        }

        impl ::std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}({})", stringify!($name), self.0),
                }
            }
        }

        impl $crate::Wire for $name {
            const MIN_SIZE: usize = <$int as $crate::Wire>::MIN_SIZE;

            fn zero() -> Self {
                Self(0)
            }

            #[inline]
            fn encode(&self, w: &mut $crate::Writer<'_>) -> Result<(), $crate::EncodeError> {
                self.0.encode(w)
            }

            #[inline]
            fn decode(r: &mut $crate::Reader<'_>, field: &'static str) -> Result<Self, $crate::DecodeError> {
                <$int as $crate::Wire>::decode(r, field).map(Self)
            }
        }
    };
}
