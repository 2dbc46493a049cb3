//! Listing everything under a prefix, at one revision, in pages of bounded size.

use bytes::Bytes;

use super::connect::Connector;
use super::error::Failure;
use super::proto::etcdserverpb as pb;
use super::{key_bytes, range_end, revision};
use crate::StoreError;

/// Keys of the first page; how many follow depends on their size.
const FIRST: i64 = 256;

/// Most keys of a page.
const MOST: i64 = 8192;

/// Pages get smaller above this many bytes and larger below half of it.
const AIM: usize = 4 << 20;

/// What is found under a prefix.
pub(super) enum Found {
    /// A key with its value.
    Value { key: Bytes, value: Bytes, revision: u64 },
    /// A key whose value is too large to be fetched.
    TooLarge { key: Bytes, revision: u64 },
    /// All that was found is void; it begins anew.
    Restart,
}

/// How often a list begins anew because the history was compacted meanwhile.
const AGAIN: usize = 5;

/// Tells `found` everything under `prefix`. The revision at which it was so is returned.
pub(super) async fn read(
    connector: &Connector,
    prefix: &str,
    mut found: impl FnMut(Found) + Send,
) -> Result<u64, StoreError> {
    let mut again = 0;
    loop {
        match read_once(connector, prefix, &mut found).await {
            Err(failure) if is_compacted(&failure) && again < AGAIN => {
                again += 1;
                found(Found::Restart);
            }
            result => return result.map_err(|failure| connector.failed(&failure, None)),
        }
    }
}

async fn read_once(
    connector: &Connector,
    prefix: &str,
    found: &mut (impl FnMut(Found) + Send),
) -> Result<u64, Failure> {
    let end = range_end(prefix.as_bytes());
    let mut at = 0;
    let mut request =
        pb::RangeRequest { key: key_bytes(prefix), range_end: end, limit: FIRST, ..Default::default() };
    loop {
        let page = match connector.range(request.clone()).await {
            Ok(page) => page,
            Err(failure) if failure.is_too_large() && !request.keys_only => {
                // One value alone that is too large is passed over by its key.
                request.keys_only = request.limit == 1;
                request.limit = (request.limit / 8).max(1);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if at == 0 {
            at = page.header.as_ref().map_or(0, |header| header.revision);
            request.revision = at;
        }
        let Some(last) = page.kvs.last() else { return Ok(revision(at)) };
        request.key = after(&last.key);
        let size: usize = page.kvs.iter().map(|kv| kv.key.len() + kv.value.len()).sum();
        for kv in page.kvs {
            let revision = revision(kv.mod_revision);
            found(match request.keys_only {
                true => Found::TooLarge { key: kv.key, revision },
                false => Found::Value { key: kv.key, value: kv.value, revision },
            });
        }
        if !page.more {
            return Ok(revision(at));
        }
        request.keys_only = false;
        if size > AIM {
            request.limit = (request.limit / 2).max(1);
        } else if size < AIM / 2 {
            request.limit = (request.limit * 2).min(MOST);
        }
    }
}

/// Whether a list has to begin anew, since the revision that it was read at is gone.
pub(super) fn is_compacted(failure: &Failure) -> bool {
    failure.message().contains("required revision has been compacted")
}

/// The first key after `key`.
fn after(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}
