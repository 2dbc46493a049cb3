//! The protobuf messages, generated from `proto/` by the build, and their descriptors.
//!
//! Modules follow the packages: `ligato.vpp.l2` is [`ligato::vpp::l2`].

// Generated code: prost and prost-reflect neither document nor lint as this workspace does. The one `expect` is on
// bytes that the same build wrote.
#![allow(missing_docs, unreachable_pub, deprecated, clippy::all, clippy::expect_used, clippy::unwrap_used)]

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// The file descriptor set of all `.proto` files and their imports, options included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Descriptors of every message, for reflection.
pub static DESCRIPTOR_POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET)
        .expect("the build embeds a descriptor set that it has compiled")
});

include!(concat!(env!("OUT_DIR"), "/includes.rs"));
