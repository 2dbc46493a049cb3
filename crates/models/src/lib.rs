//! Northbound models: protobuf messages, registry and keys.
