//! Which message revision each VPP release has.
