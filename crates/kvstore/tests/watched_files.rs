//! Watched files, with real folders and the real watcher.

// Helpers of tests fail as tests do.
#![allow(clippy::panic)]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use kvstore::file::{DEBOUNCE, FileSource, StatusFile};
use kvstore::{Entry, Lifetime, SourceError, SourceEvent, Store, Subscription, subscribe};
use serde_json::json;
use tempfile::TempDir;

/// Longer than any event takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for an event that must not come to come.
const QUIET: Duration = DEBOUNCE.saturating_mul(10);

async fn next(source: &mut Subscription) -> SourceEvent {
    match tokio::time::timeout(PATIENCE, source.next()).await {
        Ok(Some(event)) => event,
        Ok(None) => panic!("the source has ended"),
        Err(_) => panic!("no event within {PATIENCE:?}"),
    }
}

/// Checks that no event comes.
async fn silence(source: &mut Subscription) {
    if let Ok(event) = tokio::time::timeout(QUIET, source.next()).await {
        panic!("nothing was to be published, but there came {event:?}");
    }
}

async fn snapshot(source: &mut Subscription) -> BTreeMap<String, Entry> {
    match next(source).await {
        SourceEvent::Snapshot { entries, .. } => entries,
        other => panic!("expected a snapshot, got {other:?}"),
    }
}

/// The next change as (key, value of `n`) of what is set, and keys deleted.
async fn change(source: &mut Subscription) -> (Vec<(String, i64)>, Vec<String>) {
    match next(source).await {
        SourceEvent::Change { set, deleted, .. } => (numbers(&set), deleted.into_iter().collect()),
        other => panic!("expected a change, got {other:?}"),
    }
}

async fn problem(source: &mut Subscription) -> SourceError {
    match next(source).await {
        SourceEvent::Problem(problem) => problem,
        other => panic!("expected a problem, got {other:?}"),
    }
}

async fn recovered(source: &mut Subscription) {
    assert_eq!(next(source).await, SourceEvent::Recovered);
}

fn numbers(entries: &BTreeMap<String, Entry>) -> Vec<(String, i64)> {
    entries
        .iter()
        .map(|(key, entry)| {
            (key.clone(), entry.value.as_json().and_then(|value| value["n"].as_i64()).unwrap_or(-1))
        })
        .collect()
}

fn set(key: &str, n: i64) -> (Vec<(String, i64)>, Vec<String>) {
    (vec![(key.to_owned(), n)], vec![])
}

fn deleted(key: &str) -> (Vec<(String, i64)>, Vec<String>) {
    (vec![], vec![key.to_owned()])
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for (name, text) in files {
        write(&folder.path().join(name), text);
    }
    folder
}

#[tokio::test]
async fn a_file_gives_a_snapshot_then_only_what_changes() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\nb: {n: 1}\n")]);
    let path = folder.path().join("c.yaml");
    let mut source = subscribe(Box::new(FileSource::new(&path)));
    let entries = snapshot(&mut source).await;
    assert_eq!(entries["a"].value, json!({"n": 1}).into());
    assert_eq!(entries["b"].place, format!("{}:2", path.display()));

    write(&path, "a: {n: 1}\nb: {n: 2}\n");
    assert_eq!(change(&mut source).await, set("b", 2));
    write(&path, "# the same, elsewhere\n\nb:\n  n: 2\na: {n: 1}\n");
    silence(&mut source).await;
    write(&path, "b: {n: 2}\n");
    assert_eq!(change(&mut source).await, deleted("a"));
    write(&path, "{}\n");
    assert_eq!(change(&mut source).await, deleted("b"));
}

#[tokio::test]
async fn revisions_grow() {
    let folder = folder_with(&[("c.json", r#"{"a": {"n": 1}}"#)]);
    let path = folder.path().join("c.json");
    let mut source = subscribe(Box::new(FileSource::new(&path)));
    let SourceEvent::Snapshot { revision: first, .. } = next(&mut source).await else {
        panic!("a snapshot is first")
    };
    write(&path, r#"{"a": {"n": 2}}"#);
    let SourceEvent::Change { revision: second, .. } = next(&mut source).await else {
        panic!("a change follows")
    };
    assert!(second > first, "{first} {second}");
}

#[tokio::test]
async fn a_file_is_not_read_before_its_writer_has_closed_it() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\nb: {n: 1}\n"), ("d.yaml", "d: {n: 1}\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    assert_eq!(snapshot(&mut source).await.len(), 3);

    let mut writer =
        OpenOptions::new().write(true).truncate(true).open(folder.path().join("c.yaml")).unwrap();
    writer.write_all(b"a: {n: 1}\n").unwrap();
    writer.sync_all().unwrap();
    silence(&mut source).await;
    // Another file changing does not make the half-written one be read.
    write(&folder.path().join("d.yaml"), "d: {n: 2}\n");
    assert_eq!(change(&mut source).await, set("d", 2));
    writer.write_all(b"b: {n: 2}\n").unwrap();
    drop(writer);
    assert_eq!(change(&mut source).await, set("b", 2));

    // Nor is a new one.
    let mut writer = File::create(folder.path().join("e.yaml")).unwrap();
    writer.write_all(b"e: {n: 1}\n").unwrap();
    silence(&mut source).await;
    drop(writer);
    assert_eq!(change(&mut source).await, set("e", 1));
}

#[tokio::test]
async fn a_bad_file_removes_nothing_and_says_what_is_wrong() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\n")]);
    let path = folder.path().join("c.yaml");
    let mut source = subscribe(Box::new(FileSource::new(&path)));
    snapshot(&mut source).await;
    for (text, parts) in [
        ("a: {n: 1", &["c.yaml:1", "half-written"][..]),
        ("", &["c.yaml is empty", "`{}`"]),
        ("a: {n: 1\n", &["c.yaml:"]),
        ("a: {n: 1}\na: {n: 2}\n", &["key `a` is stated twice", "c.yaml:1:1", "c.yaml:2:1"]),
        ("- a\n", &["c.yaml:1", "expected a mapping"]),
    ] {
        write(&path, text);
        let problem = problem(&mut source).await.to_string();
        for part in parts {
            assert!(problem.contains(part), "`{part}` not in: {problem}");
        }
        assert!(problem.contains("what was configured stays"), "{problem}");
    }
    write(&path, "a: {n: 1}\n");
    recovered(&mut source).await;
    write(&path, "a: {n: 3}\n");
    assert_eq!(change(&mut source).await, set("a", 3));
}

#[tokio::test]
async fn a_bad_file_keeps_its_own_state_and_others_change() {
    let folder = folder_with(&[("1.yaml", "a: {n: 1}\n"), ("2.json", r#"{"b": {"n": 1}, "c": {"n": 1}}"#)]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    assert_eq!(snapshot(&mut source).await.len(), 3);
    write(&folder.path().join("2.json"), r#"{"b": {"n": 2}"#);
    let first = problem(&mut source).await;
    assert!(first.to_string().contains("2.json:1"), "{first}");
    write(&folder.path().join("1.yaml"), "a: {n: 2}\n");
    assert_eq!(change(&mut source).await, set("a", 2));
    assert_eq!(problem(&mut source).await, first, "it is still so");
    write(&folder.path().join("3.yaml"), "d: {n: 1}\n");
    assert_eq!(change(&mut source).await, set("d", 1));
    assert_eq!(problem(&mut source).await, first);
    write(&folder.path().join("2.json"), r#"{"b": {"n": 2}}"#);
    assert_eq!(change(&mut source).await, (vec![("b".to_owned(), 2)], vec!["c".to_owned()]));
    recovered(&mut source).await;
}

#[tokio::test]
async fn nothing_is_removed_while_a_file_is_bad_since_it_may_have_moved_there() {
    let folder = folder_with(&[("1.yaml", "a: {n: 1}\nb: {n: 1}\n"), ("2.yaml", "c: {n: 1}\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    assert_eq!(snapshot(&mut source).await.len(), 3);
    // `a` moves to the second file, which is written in two attempts; `b` goes.
    write(&folder.path().join("2.yaml"), "c: {n: 1}\na: {n: 1\n");
    problem(&mut source).await;
    write(&folder.path().join("1.yaml"), "{}\n");
    problem(&mut source).await;
    silence(&mut source).await;
    write(&folder.path().join("2.yaml"), "c: {n: 1}\na: {n: 1}\n");
    assert_eq!(change(&mut source).await, deleted("b"));
    recovered(&mut source).await;

    // The same while a file is being written.
    let mut writer = OpenOptions::new().append(true).open(folder.path().join("2.yaml")).unwrap();
    writer.write_all(b"# and more\n").unwrap();
    fs::remove_file(folder.path().join("1.yaml")).unwrap();
    write(&folder.path().join("3.yaml"), "e: {n: 1}\n");
    assert_eq!(change(&mut source).await, set("e", 1));
    write(&folder.path().join("3.yaml"), "{}\n");
    silence(&mut source).await;
    drop(writer);
    assert_eq!(change(&mut source).await, deleted("e"));
}

#[tokio::test]
async fn a_file_that_is_bad_from_the_start_makes_the_snapshot_incomplete() {
    let folder = folder_with(&[("1.yaml", "a: {n: 1}\n"), ("2.yaml", "b: {n: 1\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    let SourceEvent::Snapshot { entries, complete, .. } = next(&mut source).await else {
        panic!("a snapshot is first")
    };
    assert_eq!((numbers(&entries), complete), (vec![("a".to_owned(), 1)], false));
    assert!(problem(&mut source).await.to_string().contains("2.yaml"));
    write(&folder.path().join("1.yaml"), "a: {n: 2}\n");
    assert_eq!(change(&mut source).await, set("a", 2));
    problem(&mut source).await;
    write(&folder.path().join("2.yaml"), "b: {n: 1}\n");
    let SourceEvent::Snapshot { entries, complete, .. } = next(&mut source).await else {
        panic!("all is known now")
    };
    assert_eq!((entries.len(), complete), (2, true));
    recovered(&mut source).await;

    // A single file that is bad tells nothing.
    write(&folder.path().join("2.yaml"), "b: {n: 1\n");
    let mut source = subscribe(Box::new(FileSource::new(folder.path().join("2.yaml"))));
    problem(&mut source).await;
    silence(&mut source).await;
    write(&folder.path().join("2.yaml"), "b: {n: 1}\n");
    assert_eq!(snapshot(&mut source).await.len(), 1);
    recovered(&mut source).await;
}

#[tokio::test]
async fn a_key_in_two_files_is_refused_with_both_places() {
    let folder = folder_with(&[("1.yaml", "a: {n: 1}\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    snapshot(&mut source).await;
    write(&folder.path().join("2.yaml"), "\na: {n: 2}\nb: {n: 1}\n");
    assert_eq!(change(&mut source).await, set("b", 1), "the rest of the file is taken");
    let problem = problem(&mut source).await.to_string();
    assert!(problem.contains("1.yaml:1:1") && problem.contains("2.yaml:2:1"), "{problem}");
    fs::remove_file(folder.path().join("1.yaml")).unwrap();
    assert_eq!(change(&mut source).await, set("a", 2));
    recovered(&mut source).await;
    // At a start nobody knows which one is meant.
    write(&folder.path().join("1.yaml"), "a: {n: 1}\n");
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    let SourceEvent::Snapshot { entries, complete, .. } = next(&mut source).await else {
        panic!("a snapshot is first")
    };
    assert_eq!((numbers(&entries), complete), (vec![("b".to_owned(), 1)], false));
}

#[tokio::test]
async fn deleting_a_file_of_a_folder_removes_what_it_states() {
    let folder = folder_with(&[("1.yaml", "a: {n: 1}\n"), ("2.yaml", "b: {n: 1}\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    snapshot(&mut source).await;
    fs::remove_file(folder.path().join("1.yaml")).unwrap();
    assert_eq!(change(&mut source).await, deleted("a"));
}

#[tokio::test]
async fn the_watched_file_going_missing_removes_nothing() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\n")]);
    let path = folder.path().join("c.yaml");
    let mut source = subscribe(Box::new(FileSource::new(&path)));
    snapshot(&mut source).await;
    fs::remove_file(&path).unwrap();
    let problem = problem(&mut source).await.to_string();
    assert!(problem.contains("c.yaml is not there"), "{problem}");
    write(&path, "a: {n: 2}\n");
    assert_eq!(change(&mut source).await, set("a", 2));
    recovered(&mut source).await;
}

#[tokio::test]
async fn the_watched_folder_going_missing_removes_nothing() {
    let above = folder_with(&[]);
    let path = above.path().join("conf.d");
    let mut source = subscribe(Box::new(FileSource::folder(&path)));
    assert!(problem(&mut source).await.to_string().contains("conf.d is not there"));
    fs::create_dir(&path).unwrap();
    write(&path.join("c.yaml"), "a: {n: 1}\n");
    // An empty folder wants nothing; whether it is seen empty depends on who is faster.
    let event = next(&mut source).await;
    match event {
        SourceEvent::Snapshot { entries, .. } if entries.is_empty() => {
            recovered(&mut source).await;
            assert_eq!(change(&mut source).await, set("a", 1));
        }
        SourceEvent::Snapshot { entries, .. } => {
            assert_eq!(numbers(&entries), [("a".to_owned(), 1)]);
            recovered(&mut source).await;
        }
        other => panic!("expected a snapshot, got {other:?}"),
    }
    fs::rename(&path, above.path().join("away")).unwrap();
    assert!(problem(&mut source).await.to_string().contains("conf.d is not there"));
    fs::create_dir(above.path().join("new")).unwrap();
    write(&above.path().join("new/c.yaml"), "a: {n: 2}\n");
    fs::rename(above.path().join("new"), &path).unwrap();
    assert_eq!(change(&mut source).await, set("a", 2));
    recovered(&mut source).await;
    write(&path.join("c.yaml"), "a: {n: 3}\n");
    assert_eq!(change(&mut source).await, set("a", 3));
}

#[tokio::test]
async fn editors_that_rename_over_the_file_are_understood() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\n")]);
    let path = folder.path().join("c.yaml");
    let mut source = subscribe(Box::new(FileSource::new(&path)));
    snapshot(&mut source).await;
    for n in 2..5 {
        let beside = folder.path().join(".c.yaml.new");
        write(&beside, &format!("a: {{n: {n}}}\n"));
        fs::rename(&beside, &path).unwrap();
        assert_eq!(change(&mut source).await, set("a", n));
    }
    // The file is moved away and written anew, backup and swap file beside it.
    write(&folder.path().join(".c.yaml.swp"), "nonsense");
    fs::rename(&path, folder.path().join("c.yaml~")).unwrap();
    write(&path, "a: {n: 9}\n");
    // On a slow machine the moment without the file is seen.
    let event = match next(&mut source).await {
        SourceEvent::Problem(_) => next(&mut source).await,
        event => event,
    };
    assert!(
        matches!(&event, SourceEvent::Change { set, .. } if set["a"].value == json!({"n": 9}).into()),
        "{event:?}"
    );
}

#[tokio::test]
async fn dotfiles_other_files_and_sub_folders_are_not_read() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\n"), (".hidden.yaml", "- bad"), ("README", "- bad")]);
    fs::create_dir(folder.path().join("sub.yaml")).unwrap();
    write(&folder.path().join("sub.yaml/d.yaml"), "d: {n: 1}\n");
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    assert_eq!(snapshot(&mut source).await.len(), 1);
    write(&folder.path().join(".hidden.yaml"), "b: {n: 1}\n");
    silence(&mut source).await;
}

#[tokio::test]
async fn a_config_map_is_followed_through_the_swap_of_its_data() {
    let folder = folder_with(&[]);
    let root = folder.path();
    fs::create_dir(root.join("..v1")).unwrap();
    write(&root.join("..v1/c.yaml"), "a: {n: 1}\nb: {n: 1}\n");
    symlink("..v1", root.join("..data")).unwrap();
    symlink("..data/c.yaml", root.join("c.yaml")).unwrap();
    for path in [root.to_owned(), root.join("c.yaml")] {
        let mut source = subscribe(Box::new(FileSource::new(&path)));
        assert_eq!(snapshot(&mut source).await.len(), 2);
        let (old, new) = if path == root { ("..v1", "..v2") } else { ("..v2", "..v3") };
        fs::create_dir(root.join(new)).unwrap();
        let n = if path == root { 2 } else { 3 };
        write(&root.join(new).join("c.yaml"), &format!("a: {{n: {n}}}\nb: {{n: 1}}\n"));
        symlink(new, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        fs::remove_dir_all(root.join(old)).unwrap();
        assert_eq!(change(&mut source).await, set("a", n));
    }
}

#[tokio::test]
async fn the_target_of_a_link_is_watched() {
    let elsewhere = folder_with(&[("real.yaml", "a: {n: 1}\n")]);
    let folder = folder_with(&[]);
    symlink(elsewhere.path().join("real.yaml"), folder.path().join("c.yaml")).unwrap();
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    snapshot(&mut source).await;
    for n in 2..4 {
        write(&elsewhere.path().join("real.yaml"), &format!("a: {{n: {n}}}\n"));
        assert_eq!(change(&mut source).await, set("a", n));
    }
}

#[tokio::test]
async fn many_files_written_together_are_taken_together() {
    let folder = folder_with(&[("0.yaml", "k0: {n: 0}\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    snapshot(&mut source).await;
    let mut seen = 0;
    for i in 1..200 {
        write(&folder.path().join(format!("{i}.yaml")), &format!("k{i}: {{n: {i}}}\n"));
    }
    let mut changes = 0;
    while seen < 199 {
        seen += change(&mut source).await.0.len();
        changes += 1;
    }
    assert!(changes <= 20, "199 files came in {changes} changes");
}

#[tokio::test]
async fn dropping_the_subscription_ends_the_source() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\n")]);
    let mut source = subscribe(Box::new(FileSource::new(folder.path())));
    assert!(source.name().starts_with("folder "), "{}", source.name());
    snapshot(&mut source).await;
    drop(source);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(receiver);
    let source: Box<dyn kvstore::Source> = Box::new(FileSource::new(folder.path()));
    tokio::time::timeout(PATIENCE, source.run(sender)).await.expect("a source without receiver ends");
}

#[tokio::test]
async fn status_is_written_beside_and_as_a_whole() {
    let folder = folder_with(&[("c.yaml", "a: {n: 1}\n")]);
    let source = FileSource::new(folder.path().join("c.yaml"));
    assert_eq!(source.status_path(), folder.path().join("c.yaml.status"));
    let status = StatusFile::new(source.status_path());
    for i in 0..1000 {
        let value = format!("{{\"state\": \"CONFIGURED\", \"n\": {i}}}");
        status.put(&format!("k{i}"), value.into(), Lifetime::Agent).await.unwrap();
    }
    assert!(status.delete("k1").await.unwrap());
    assert!(status.put("bad", "{".into(), Lifetime::Agent).await.is_err());
    let read = || {
        let text = fs::read_to_string(folder.path().join("c.yaml.status")).ok()?;
        Some(serde_json::from_str::<serde_json::Value>(&text).expect("it is never half written"))
    };
    let since = std::time::Instant::now();
    while read().is_none_or(|status| status.as_object().unwrap().len() < 999) {
        assert!(since.elapsed() < PATIENCE, "it is not written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(read().unwrap()["k999"]["n"], 999);
    // It is no configuration.
    let mut folder_source = subscribe(Box::new(FileSource::new(folder.path())));
    assert_eq!(snapshot(&mut folder_source).await.len(), 1);
    status.put("k0", "1".into(), Lifetime::Agent).await.unwrap();
    status.flush().await.unwrap();
    assert_eq!(read().unwrap()["k0"], 1);
    silence(&mut folder_source).await;
    status.close().await.unwrap();
    assert_eq!(read().unwrap(), json!({}));

    let nowhere = StatusFile::new(folder.path().join("none/c.status"));
    nowhere.put("k", "1".into(), Lifetime::Agent).await.unwrap();
    let error = nowhere.flush().await.unwrap_err().to_string();
    assert!(error.contains("none/c.status") && error.contains("status-path"), "{error}");
    fs::create_dir(folder.path().join("none")).unwrap();
    while !folder.path().join("none/c.status").exists() {
        assert!(since.elapsed() < PATIENCE, "it is not tried again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
