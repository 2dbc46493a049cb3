//! Compiles the `.proto` files with protox (no `protoc` needed), writes the file descriptor set that the crate
//! embeds, and generates the Rust messages from it, with `Display` for each.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("proto");
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut protos = Vec::new();
    collect(root, &mut protos)?;
    protos.sort();

    // Encoded by protox, not by prost-types: only so do the options of our own survive.
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&protos)?;
    let with_comments = out.join("with_comments.bin");
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
    let embedded = compiler.encode_file_descriptor_set();
    fs::write(out.join("display.rs"), display(&FileDescriptorSet::decode(embedded.as_slice())?)?)?;
    fs::write(out.join("descriptors.bin"), embedded)?;
    let with_comments = FileDescriptorSet::decode(fs::read(with_comments)?.as_slice())?;
    fs::write(out.join("comments.tsv"), comments(&with_comments)?)?;
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

/// One call of the macro `display` with the Rust path of every message of ours.
fn display(set: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let mut code = String::from("display! {\n");
    for file in set.file.iter().filter(|file| file.package() != "google.protobuf") {
        let module = format!("crate::proto::{}", file.package().replace('.', "::"));
        for message in &file.message_type {
            display_message(&mut code, &module, message)?;
        }
    }
    code.push_str("}\n");
    Ok(code)
}

/// The comments of messages, fields, enums and their values: a line each, full name, tab, text.
fn comments(set: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let mut lines = String::new();
    for file in set.file.iter().filter(|file| file.package() != "google.protobuf") {
        for location in file.source_code_info.iter().flat_map(|info| &info.location) {
            let text = location.leading_comments().split_whitespace().collect::<Vec<_>>().join(" ");
            if let (false, Some(name)) = (text.is_empty(), name_of(file, &location.path)) {
                writeln!(lines, "{name}\t{text}")?;
            }
        }
    }
    Ok(lines)
}

/// The full name of what stands at a path of `SourceCodeInfo`; none for what has no documentation of its own.
fn name_of(file: &FileDescriptorProto, path: &[i32]) -> Option<String> {
    let index = |i: &i32| usize::try_from(*i).ok();
    let mut name = file.package().to_owned();
    let (mut messages, mut enums) = (&file.message_type, &file.enum_type);
    // A field number and an index for each level; other paths lead to what has no documentation.
    if path.is_empty() || !path.len().is_multiple_of(2) {
        return None;
    }
    let mut steps = path.chunks_exact(2).peekable();
    // Field numbers of FileDescriptorProto, which has messages as 4, then those of DescriptorProto.
    let mut nested = false;
    while let Some([field, i]) = steps.next() {
        match (nested, field) {
            (false, 4) | (true, 3) => {
                let message = messages.get(index(i)?)?;
                name = format!("{name}.{}", message.name());
                if let Some([2, i]) = steps.peek().copied() {
                    let field = message.field.get(index(i)?)?;
                    return (steps.count() == 1).then(|| format!("{name}.{}", field.name()));
                }
                (messages, enums, nested) = (&message.nested_type, &message.enum_type, true);
            }
            (false, 5) | (true, 4) => {
                let kind = enums.get(index(i)?)?;
                name = format!("{name}.{}", kind.name());
                if let Some([2, i]) = steps.next() {
                    name = format!("{name}.{}", kind.value.get(index(i)?)?.name());
                }
            }
            _ => return None,
        }
    }
    Some(name)
}

fn display_message(code: &mut String, module: &str, message: &DescriptorProto) -> std::fmt::Result {
    if message.options.as_ref().is_some_and(|options| options.map_entry()) {
        return Ok(());
    }
    // Names as prost makes them.
    writeln!(code, "    {module}::{},", message.name().to_upper_camel_case())?;
    let module = format!("{module}::{}", message.name().to_snake_case());
    message.nested_type.iter().try_for_each(|nested| display_message(code, &module, nested))
}
