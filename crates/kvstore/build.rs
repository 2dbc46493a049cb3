//! Generates the etcd client from our description of the part of its API that is used. Needs no `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "etcd")]
    {
        println!("cargo::rerun-if-changed=proto");
        let files = protox::compile(["etcd.proto", "kv.proto"], ["proto"])?;
        tonic_prost_build::configure()
            .build_server(false)
            .build_transport(false)
            .bytes(".")
            .compile_fds(files)?;
    }
    Ok(())
}
