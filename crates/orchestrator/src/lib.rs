//! Merges sources and connection events into scheduler transactions.
