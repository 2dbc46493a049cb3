//! Message traits, codec primitives and primitive types of the VPP binary API.
