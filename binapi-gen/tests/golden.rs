//! What a made-up API of two releases gives, file by file, and that it is the same every time.
//!
//! `tests/golden/input/` holds the definitions, as VPP's generator writes them; `tests/golden/expected/` what comes
//! out. `BLESS=1 cargo test -p binapi-gen --test golden` writes the latter anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use binapi_gen::import::{self, CoreModules, Import};
use binapi_gen::revisions::Corpus;
use binapi_gen::tree::{self, Difference};
use binapi_gen::{Release, emit, normal};
use serde_json::Value;
use tempfile::TempDir;

const RELEASES: [Release; 2] = [Release { year: 30, month: 2 }, Release { year: 30, month: 8 }];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn imported(folder: &Path) -> Vec<Import> {
    let import =
        |r: Release| import::from_folder(&folder.join(r.to_string()), r, &CoreModules::default()).unwrap();
    RELEASES.into_iter().map(import).collect()
}

fn emitted(imports: &[Import]) -> BTreeMap<PathBuf, String> {
    let apis: Vec<_> = imports.iter().map(|i| i.api.clone()).collect();
    emit::files(&Corpus::new(&apis).unwrap()).unwrap()
}

/// Lines that differ, between those that are common at the beginning and at the end.
fn diff(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let lines = |sign: &str, lines: &[&str]| -> String {
        lines.iter().map(|line| format!("{sign} {line}\n")).collect()
    };
    format!(
        "from line {}:\n{}{}",
        head + 1,
        lines("-", &old[..old.len() - tail]),
        lines("+", &new[..new.len() - tail])
    )
}

#[test]
fn output_is_the_expected() {
    let imports = imported(&golden().join("input"));
    let mut files = emitted(&imports);
    for (release, import) in RELEASES.iter().zip(&imports) {
        for (path, text) in &import.files {
            files.insert(Path::new("api-json").join(release.to_string()).join(path), text.clone());
        }
    }
    let expected = golden().join("expected");
    if std::env::var_os("BLESS").is_some() {
        tree::replace(&expected, &files).unwrap();
    }
    let difference = tree::compare(&expected, &files).unwrap();
    for path in &difference.stale {
        let old = std::fs::read_to_string(expected.join(path)).unwrap();
        eprintln!("{} {}", path.display(), diff(&old, &files[path]));
    }
    assert!(
        difference.is_empty(),
        "{difference:#?}\nif this is wanted, run it with BLESS=1 and look at the changes"
    );
}

#[test]
fn layouts_behind_one_crc_are_told_apart() {
    let apis: Vec<_> = imported(&golden().join("input")).into_iter().map(|i| i.api).collect();
    let corpus = Corpus::new(&apis).unwrap();
    let names: Vec<&str> =
        corpus.collisions().iter().map(|ids| corpus.message(ids[0]).unwrap().name.as_str()).collect();
    assert_eq!(names, ["tiny_level_set"]);
    // A member more is the same revision.
    let of = |name: &str| corpus.types.iter().filter(|t| t.name == name).count();
    assert_eq!((of("colour"), of("level")), (1, 2));
}

/// A generator of numbers for shuffling; the same ones each time, so that a failure can be had again.
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % n
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// The same definitions in another order: keys, types, messages, services; fields and members stay.
fn shuffled(text: &str, numbers: &mut Numbers) -> String {
    let Value::Object(module) = serde_json::from_str(text).unwrap() else { panic!("no object") };
    let mut entries: Vec<(String, Value)> = module.into_iter().collect();
    numbers.shuffle(&mut entries);
    for (_, value) in &mut entries {
        match value {
            Value::Array(items) => numbers.shuffle(items),
            Value::Object(map) => {
                let mut items: Vec<_> = std::mem::take(map).into_iter().collect();
                numbers.shuffle(&mut items);
                map.extend(items);
            }
            _ => {}
        }
    }
    Value::Object(entries.into_iter().collect()).to_string()
}

#[test]
fn the_order_of_the_input_does_not_matter() {
    let input = golden().join("input");
    let imports = imported(&input);
    let (definitions, code) =
        (imports.iter().map(|i| i.files.clone()).collect::<Vec<_>>(), emitted(&imports));
    let mut numbers = Numbers(7);
    for _ in 0..20 {
        let dir = TempDir::new().unwrap();
        for release in RELEASES {
            // Files are listed in the order in which they were made, on some file systems.
            let mut paths = ["core/tiny_types.api.json", "plugins/tiny.api.json"];
            numbers.shuffle(&mut paths);
            for path in paths {
                let path = Path::new(&release.to_string()).join(path);
                let text = shuffled(&std::fs::read_to_string(input.join(&path)).unwrap(), &mut numbers);
                std::fs::create_dir_all(dir.path().join(&path).parent().unwrap()).unwrap();
                std::fs::write(dir.path().join(&path), text).unwrap();
            }
        }
        let imports = imported(dir.path());
        for (import, files) in imports.iter().zip(&definitions) {
            assert_eq!(import.files, *files);
        }
        assert!(emitted(&imports) == code);
    }
}

/// What is generated along with an import is what is generated from the imported files later.
#[test]
fn an_import_gives_what_its_files_give() {
    let dir = TempDir::new().unwrap();
    let imports = imported(&golden().join("input"));
    for (release, import) in RELEASES.iter().zip(&imports) {
        import::write(dir.path(), *release, &import.files).unwrap();
    }
    let loaded: Vec<_> = RELEASES.iter().map(|r| normal::load(dir.path(), *r).unwrap()).collect();
    let from_files = emit::files(&Corpus::new(&loaded).unwrap()).unwrap();
    assert!(emitted(&imports) == from_files);
}

#[test]
fn importing_the_imported_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let imports = imported(&golden().join("input"));
    for (release, import) in RELEASES.iter().zip(&imports) {
        import::write(dir.path(), *release, &import.files).unwrap();
    }
    for (first, again) in imports.iter().zip(imported(dir.path())) {
        assert_eq!(first.files, again.files);
        assert!(again.warnings.is_empty());
    }
    // The same for real releases: oldest, those with fix-ups, newest.
    let api_json = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json");
    let core = std::fs::read_to_string(api_json.join("core-modules.txt")).unwrap();
    let core = CoreModules::parse(&core).unwrap();
    for release in ["18.10", "20.01", "25.10", "26.06"] {
        let dir = TempDir::new().unwrap();
        let r = Release::parse(release).unwrap();
        let first = import::from_folder(&api_json.join(release), r, &core).unwrap();
        import::write(dir.path(), r, &first.files).unwrap();
        let again = import::from_folder(&dir.path().join(release), r, &core).unwrap();
        assert!(first.files == again.files, "{release}");
    }
}

fn files(list: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
    list.iter().map(|(path, text)| (PathBuf::from(path), text.to_string())).collect()
}

fn paths(list: &[&str]) -> Vec<PathBuf> {
    list.iter().map(PathBuf::from).collect()
}

#[test]
fn files_are_compared_and_replaced() {
    let mark = emit::MARK;
    let text = |rest: &str| format!("{mark}\n{rest}\n");
    let dir = TempDir::new().unwrap();
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("a/same.rs", &text("same"));
    put("a/stale.rs", &text("old"));
    put("a/gone/deep/old.rs", &text("old"));
    put("a/kept/old.rs", &text("old"));
    put("a/kept/by_hand.rs", "//! Written by hand.\n");
    put("a/gone.toml", &format!("# {}\n", mark.trim_start_matches("// ")));
    // Mentions the mark, but not where it counts.
    put("core/lib.rs", &format!("//! Nothing here is generated.\n{mark}\n"));

    let wanted =
        files(&[("a/same.rs", &text("same")), ("a/stale.rs", &text("new")), ("a/new/new.rs", &text("new"))]);
    let expected = Difference {
        stale: paths(&["a/stale.rs"]),
        missing: paths(&["a/new/new.rs"]),
        superfluous: paths(&["a/gone/deep/old.rs", "a/gone.toml", "a/kept/old.rs"]),
    };
    assert_eq!(tree::compare(dir.path(), &wanted).unwrap(), expected);
    // Comparing changes nothing.
    assert_eq!(tree::compare(dir.path(), &wanted).unwrap(), expected);

    assert_eq!(tree::replace(dir.path(), &wanted).unwrap(), expected);
    assert!(tree::compare(dir.path(), &wanted).unwrap().is_empty());
    assert!(!dir.path().join("a/gone").exists());
    assert!(dir.path().join("a/kept/by_hand.rs").exists());
    assert!(dir.path().join("core/lib.rs").exists());
    assert_eq!(std::fs::read_to_string(dir.path().join("a/stale.rs")).unwrap(), text("new"));

    // A generated file that is left alone in its folder takes the folder with it, but never the root.
    let root = TempDir::new().unwrap();
    std::fs::write(root.path().join("only.rs"), text("x")).unwrap();
    tree::replace(root.path(), &files(&[])).unwrap();
    assert!(root.path().exists() && std::fs::read_dir(root.path()).unwrap().next().is_none());
}

#[test]
fn a_folder_that_is_not_there_lacks_everything() {
    let dir = TempDir::new().unwrap();
    let wanted = files(&[("a.rs", "x"), ("b/c.rs", "y")]);
    let difference = tree::compare(&dir.path().join("none"), &wanted).unwrap();
    assert_eq!((difference.missing.len(), difference.stale.len()), (2, 0));
    // A folder where a file should be is an error, and what was there stays.
    std::fs::create_dir_all(dir.path().join("a.rs/x")).unwrap();
    assert!(tree::replace(dir.path(), &wanted).is_err());
    assert!(dir.path().join("a.rs/x").exists());
}
