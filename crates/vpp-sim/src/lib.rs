//! A simulated VPP of any release.
