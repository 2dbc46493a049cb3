//! Reading many values in portions of bounded size.

use bytes::Bytes;
use redis::{Value, cmd};

use super::node::Node;
use crate::{MAX_VALUE, StoreError};

/// Keys that are asked for at a time.
const KEYS: usize = 512;

/// Bytes that are fetched at a time, unless one value alone is larger.
const PORTION: usize = 4 << 20;

/// What stands under a key.
pub(super) enum Found {
    Value(Bytes),
    Absent,
    /// It is something else than text, or too large; why.
    Unusable(String),
}

/// Tells `found` what stands under each key.
pub(super) async fn fetch(
    node: &mut Node,
    keys: &[Vec<u8>],
    mut found: impl FnMut(&[u8], Found) + Send,
) -> Result<(), StoreError> {
    for keys in keys.chunks(KEYS) {
        // Sizes first: what is too large is never fetched.
        let mut sizes = redis::pipe();
        for key in keys {
            sizes.add_command(cmd("STRLEN").arg(key).to_owned());
        }
        let sizes = node.pipeline(&sizes, keys.len()).await?;
        let mut portion: Vec<&[u8]> = Vec::new();
        let mut portion_size = 0;
        for (key, size) in keys.iter().zip(sizes) {
            match size {
                Value::Int(size) => {
                    let size = usize::try_from(size).unwrap_or_default();
                    if size > MAX_VALUE {
                        let reason = format!("the value has {size} bytes, and at most {MAX_VALUE} are taken");
                        found(key, Found::Unusable(reason));
                        continue;
                    }
                    if portion_size + size > PORTION {
                        values(node, &portion, &mut found).await?;
                        portion.clear();
                        portion_size = 0;
                    }
                    portion.push(key);
                    portion_size += size;
                }
                Value::ServerError(error) if error.code() == "WRONGTYPE" => {
                    found(key, Found::Unusable("expected a string, found another type of Redis".to_owned()));
                }
                other => {
                    let error = other.extract_error().err();
                    let error =
                        error.unwrap_or_else(|| (redis::ErrorKind::Parse, "STRLEN gave no number").into());
                    return Err(node.failed(&error, Some(&String::from_utf8_lossy(key))));
                }
            }
        }
        values(node, &portion, &mut found).await?;
    }
    Ok(())
}

async fn values(
    node: &mut Node,
    keys: &[&[u8]],
    found: &mut (impl FnMut(&[u8], Found) + Send),
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    // Not MGET, which a cluster refuses for keys of several slots.
    let mut values = redis::pipe();
    for key in keys {
        values.add_command(cmd("GET").arg(key).to_owned());
    }
    let values = node.pipeline(&values, keys.len()).await?;
    for (key, value) in keys.iter().zip(values) {
        match value {
            Value::BulkString(value) => found(key, Found::Value(value.into())),
            Value::Nil => found(key, Found::Absent),
            other => {
                let error = other.extract_error().err();
                let error = error.unwrap_or_else(|| (redis::ErrorKind::Parse, "GET gave no text").into());
                return Err(node.failed(&error, Some(&String::from_utf8_lossy(key))));
            }
        }
    }
    Ok(())
}

/// All keys that begin with `prefix`; some may come twice.
pub(super) async fn scan(node: &mut Node, prefix: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let pattern = format!("{}*", literally(prefix));
    let mut cursor = 0_u64;
    let mut keys = Vec::new();
    loop {
        let command = cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000).to_owned();
        let (next, page): (u64, Vec<Vec<u8>>) = node.query(command, None).await?;
        keys.extend(page);
        if next == 0 {
            keys.sort_unstable();
            keys.dedup();
            return Ok(keys);
        }
        cursor = next;
    }
}

/// A pattern that matches only `text`.
pub(super) fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
