//! Packs `api-json/` into the crate: a deflated file for each release, with a line `component module length` before
//! the text of each module.

use std::env::var_os;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

fn main() -> io::Result<()> {
    let home = var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let out = var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let api_json = home.join("../../api-json");
    println!("cargo::rerun-if-changed={}", api_json.display());
    let mut table = String::from("pub(super) const PACKED: &[(&str, &[u8])] = &[\n");
    for folder in sorted(&api_json)?.into_iter().filter(|p| p.is_dir()) {
        let release = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let packed = out.join(format!("{release}.deflate"));
        let mut pack = DeflateEncoder::new(Vec::new(), Compression::fast());
        for component in ["core", "plugins"] {
            let modules = folder.join(component);
            for file in sorted(&modules)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let Some(module) = name.strip_suffix(".api.json") else { continue };
                let text = fs::read_to_string(&file)?;
                writeln!(pack, "{component} {module} {}", text.len())?;
                pack.write_all(text.as_bytes())?;
            }
        }
        fs::write(&packed, pack.finish()?)?;
        table.push_str(&format!("    ({release:?}, include_bytes!({packed:?})),\n"));
    }
    table.push_str("];\n");
    fs::write(out.join("packed.rs"), table)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
