//! Codec of VPP API messages driven by their definitions.
