//! What tests put in the place of a Consul, and between an agent and its stores: for tests only. All of it runs on the
//! tokio runtime that it is started on.
// It fails as tests do.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

pub mod consul;
mod proxy;
mod stranger;

pub use proxy::Proxy;
pub use stranger::{Stranger, stranger};
