//! Dependency graph and transactions over key-value configuration.
