//! VPP calls, written once for every release.
