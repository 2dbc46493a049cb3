//! Expands a VPP call once per distinct API.
