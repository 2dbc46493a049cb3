//! Northbound models: protobuf messages, registry and keys.

pub mod proto;
