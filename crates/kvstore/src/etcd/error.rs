//! What went wrong, and what that means to a person.

use std::error::Error;
use std::time::Duration;

use tonic::{Code, Status};

use crate::StoreError;
use crate::net::ConnectError;

/// Why a call gave no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// No member could be connected to: each with its reason.
    Connect(Vec<(String, ConnectError)>),
    /// etcd, or what stands in its place, said no; or the connection broke.
    Status(Box<Status>),
    /// Somebody answers that does not speak HTTP/2: what it says.
    Foreign(String),
    /// No answer in time.
    Timeout(Duration),
}

impl Failure {
    /// Whether the connection is of no more use.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Foreign(_) | Self::Timeout(_) => true,
            Self::Status(status) => match status.code() {
                Code::Unavailable | Code::Cancelled | Code::Internal => true,
                Code::Unknown | Code::Unimplemented => !status.message().starts_with("etcdserver:"),
                _ => false,
            },
        }
    }

    /// Whether etcd wants another token.
    pub(super) fn wants_token(&self) -> bool {
        let Self::Status(status) = self else { return false };
        status.code() == Code::Unauthenticated || status.message().contains("revision of auth store is old")
    }

    /// The message of etcd.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Status(status) => status.message(),
            Self::Connect(_) | Self::Foreign(_) | Self::Timeout(_) => "",
        }
    }

    /// Whether a message was larger than what is taken.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self, Self::Status(status)
            if matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted) && status.message().contains("too large"))
    }
}

/// An error with all that caused it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

pub(super) fn explain(store: &str, failure: &Failure, key: Option<&str>) -> StoreError {
    let store = store.to_owned();
    match failure {
        Failure::Foreign(words) => foreign(store, &format!("`{words}`")),
        Failure::Connect(members) => explain_connect(store, members),
        Failure::Timeout(timeout) => StoreError::Unreachable {
            store,
            reason: format!("no answer within {timeout:?}"),
            advice: "check that endpoints names etcd and that it has a leader (`etcdctl endpoint status`), or set a longer \
                     operation-timeout"
                .to_owned(),
        },
        Failure::Status(status) => explain_status(store, status, key),
    }
}

fn explain_connect(store: String, members: &[(String, ConnectError)]) -> StoreError {
    let reasons: Vec<String> = members
        .iter()
        .map(
            |(address, error)| {
                if members.len() > 1 { format!("{address}: {error}") } else { error.to_string() }
            },
        )
        .collect();
    let reason = reasons.join("; ");
    match members.last() {
        Some((_, ConnectError::Setting(field, reason))) => {
            StoreError::Settings { store, field: (*field).to_owned(), reason: reason.clone() }
        }
        Some((_, ConnectError::Tls(_))) => StoreError::Protocol {
            store,
            reason,
            advice: "set insecure-transport: true if this etcd does no TLS, or ca-file to the authority that signed its \
                     certificate"
                .to_owned(),
        },
        _ => StoreError::Unreachable {
            store,
            reason,
            advice: "check that etcd runs and that endpoints names it".to_owned(),
        },
    }
}

fn explain_status(store: String, status: &Status, key: Option<&str>) -> StoreError {
    let message = status.message();
    if message.starts_with("etcdserver:") || message.starts_with("auth:") {
        let reason = message.to_owned();
        return match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => denied(store, reason),
            _ if message.contains("user name is empty") || message.contains("authentication failed") => {
                denied(store, reason)
            }
            Code::Unavailable => StoreError::Unreachable {
                store,
                reason,
                advice: "check that the cluster has a leader (`etcdctl endpoint status`)".to_owned(),
            },
            _ => StoreError::Refused { store, key: key.map(str::to_owned), reason },
        };
    }
    let reason = chain(status);
    let broke = ["broken pipe", "reset", "closed", "hung up", "keep-alive", "operation was canceled"];
    let speaks_otherwise =
        ["frame", "content-type", "HTTP_1_1_REQUIRED", "status code", "PROTOCOL_ERROR", "preface"];
    if status.code() == Code::Unimplemented || speaks_otherwise.iter().any(|sign| reason.contains(sign)) {
        return foreign(store, &reason);
    }
    let reason = if broke.iter().any(|sign| reason.contains(sign)) {
        format!("the connection broke ({reason})")
    } else {
        reason
    };
    StoreError::Unreachable {
        store,
        reason,
        advice: "check that etcd runs and that endpoints names it".to_owned(),
    }
}

fn denied(store: String, reason: String) -> StoreError {
    StoreError::Denied {
        store,
        reason,
        advice: "check username, password and the role's permission on /vnf-agent/".to_owned(),
    }
}

fn foreign(store: String, found: &str) -> StoreError {
    StoreError::Protocol {
        store,
        reason: format!("expected etcd's API (gRPC), found something else ({found})"),
        advice: "check that endpoints names the client port of etcd (2379 as a rule), and set insecure-transport to \
                 whether it does TLS"
            .to_owned(),
    }
}
