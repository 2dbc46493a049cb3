//! Compiles the `.proto` files with protox (no `protoc` needed), writes the file descriptor set that the crate
//! embeds, and generates the Rust messages from it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("proto");
    println!("cargo::rerun-if-changed=proto");
    let mut protos = Vec::new();
    collect(root, &mut protos)?;
    protos.sort();

    // Encoded by protox, not by prost-types: only so do the options of our own survive.
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&protos)?;
    let with_comments = Path::new(&env::var("OUT_DIR")?).join("with_comments.bin");
    fs::write(&with_comments, compiler.encode_file_descriptor_set())?;

    let mut config = prost_build::Config::new();
    config.skip_protoc_run().include_file("includes.rs").btree_map(["."]);
    prost_reflect_build::Builder::new()
        .file_descriptor_set_path(&with_comments)
        .descriptor_pool("crate::proto::DESCRIPTOR_POOL")
        .compile_protos_with_config(config, &protos, &[root])?;

    // What is embedded needs no comments.
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).open_files(&protos)?;
    let embedded = Path::new(&env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(embedded, compiler.encode_file_descriptor_set())?;
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|ext| ext == "proto") {
            into.push(path);
        }
    }
    Ok(())
}
