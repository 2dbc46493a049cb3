//! What a sub-interface matches.

/// Bits of `sub_if_flags`.
pub mod flag {
    #![allow(missing_docs)]
    pub const NO_TAGS: u32 = 1;
    pub const ONE_TAG: u32 = 2;
    pub const TWO_TAGS: u32 = 4;
    pub const DOT1AD: u32 = 8;
    pub const EXACT_MATCH: u32 = 16;
    pub const DEFAULT: u32 = 32;
    pub const OUTER_ANY: u32 = 64;
    pub const INNER_ANY: u32 = 128;
}

/// What is special about a sub-interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sub {
    pub id: u32,
    pub outer_vlan: u16,
    pub inner_vlan: u16,
    /// See [`flag`].
    pub flags: u32,
}

/// The frames that one interface of a hardware interface can claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Without a tag; the hardware interface itself has them.
    Untagged,
    /// What nobody else claims.
    Default,
    /// An outer VLAN.
    One {
        /// 802.1ad.
        dot1ad: bool,
        /// VLAN.
        outer: u16,
    },
    /// An outer VLAN with any inner one.
    InnerAny {
        /// 802.1ad.
        dot1ad: bool,
        /// VLAN.
        outer: u16,
    },
    /// An outer and an inner VLAN.
    Two {
        /// 802.1ad.
        dot1ad: bool,
        /// Outer VLAN.
        outer: u16,
        /// Inner VLAN.
        inner: u16,
    },
}

/// Why a sub-interface cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// Refused before VPP takes an index for it.
    Contradiction,
    /// Refused when the index is taken.
    NotImplemented,
}

impl Sub {
    pub(crate) fn has(&self, bit: u32) -> bool {
        self.flags & bit != 0
    }

    /// The frames that it claims (`ethernet_sw_interface_get_config`).
    pub(crate) fn slot(&self) -> Result<Slot, NoSlot> {
        let any = self.has(flag::INNER_ANY) || self.has(flag::OUTER_ANY);
        if self.has(flag::TWO_TAGS) && self.has(flag::EXACT_MATCH) && any {
            return Err(NoSlot::Contradiction);
        }
        let (dot1ad, outer) = (self.has(flag::DOT1AD), self.outer_vlan);
        if self.has(flag::DEFAULT) {
            Ok(Slot::Default)
        } else if self.has(flag::NO_TAGS) || self.flags == 0 {
            Ok(Slot::Untagged)
        } else if self.has(flag::ONE_TAG) {
            if self.has(flag::OUTER_ANY) {
                Err(NoSlot::NotImplemented)
            } else {
                Ok(Slot::One { dot1ad, outer })
            }
        } else if self.has(flag::OUTER_ANY) && self.has(flag::INNER_ANY) {
            Err(NoSlot::NotImplemented)
        } else if self.has(flag::INNER_ANY) {
            Ok(Slot::InnerAny { dot1ad, outer })
        } else {
            Ok(Slot::Two { dot1ad, outer, inner: self.inner_vlan })
        }
    }
}
