//! What went wrong, and what that means to a person.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::StoreError;
use crate::net::ConnectError;

pub(super) fn connect(store: &str, address: &str, error: &ConnectError) -> StoreError {
    let store = store.to_owned();
    match error {
        ConnectError::Setting(field, reason) => {
            StoreError::Settings { store, field: format!("tls.{field}"), reason: reason.clone() }
        }
        ConnectError::Tls(reason) => StoreError::Protocol {
            store,
            reason: format!("{address}: {reason}"),
            advice: "check tls.enabled, and that tls.ca-file is the authority that signed its certificate"
                .to_owned(),
        },
        ConnectError::Unreachable(reason) => unreachable(&store, &format!("{address}: {reason}")),
    }
}

pub(super) fn unreachable(store: &str, reason: &str) -> StoreError {
    StoreError::Unreachable {
        store: store.to_owned(),
        reason: reason.to_owned(),
        advice: "check that Redis runs and that endpoint or endpoints names it".to_owned(),
    }
}

pub(super) fn protocol(store: &str, reason: &str) -> StoreError {
    StoreError::Protocol {
        store: store.to_owned(),
        reason: format!("expected Redis' protocol, found something else ({reason})"),
        advice: "check that endpoint or endpoints names Redis (port 6379 as a rule), and tls.enabled"
            .to_owned(),
    }
}

pub(super) fn refused(store: &str, key: Option<&str>, reason: impl Into<String>) -> StoreError {
    StoreError::Refused { store: store.to_owned(), key: key.map(str::to_owned), reason: reason.into() }
}

pub(super) fn explain(store: &str, address: &str, error: &RedisError, key: Option<&str>) -> StoreError {
    let reason = format!("{address}: {error}");
    let denied = matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    match error.kind() {
        _ if denied => deny(store, reason),
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => deny(store, reason),
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreError::Unreachable {
            store: store.to_owned(),
            reason,
            advice: "it is a replica; name the master, or the sentinels with master-name".to_owned(),
        },
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::TryAgain
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask,
        ) => unreachable(store, &reason),
        ErrorKind::Server(ServerErrorKind::CrossSlot) => refused(
            store,
            key,
            format!(
                "{reason} (the keys of a transaction are on several nodes of the cluster; make several of it)"
            ),
        ),
        // What comes from who is no Redis has a code of no Redis.
        ErrorKind::Server(ServerErrorKind::ResponseError) | ErrorKind::Extension => {
            if error.to_string().contains("HTTP") {
                protocol(store, &reason)
            } else {
                refused(store, key, reason)
            }
        }
        ErrorKind::Server(_) => refused(store, key, reason),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => protocol(store, &reason),
        _ => unreachable(store, &reason),
    }
}

fn deny(store: &str, reason: String) -> StoreError {
    StoreError::Denied {
        store: store.to_owned(),
        reason,
        advice: "check username and password, and that the user may use the commands GET, SET, DEL, SCAN, MGET, STRLEN, \
                 EVAL, PSUBSCRIBE and CONFIG on /vnf-agent/*"
            .to_owned(),
    }
}
