//! The parts of Consul's API that are used.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};

use super::config::ConsulConfig;
use super::http::{Client, HttpError};
use crate::net::{Address, ConnectError, Tls};
use crate::{Item, StoreError, settings};

/// How long Consul may wait for a change before it answers all the same.
pub(super) const WAIT: Duration = Duration::from_secs(60);

pub(super) struct Api {
    name: String,
    client: Client,
    token: crate::settings::Secret,
    datacenter: String,
    timeout: Duration,
    /// How often it is looked whether Consul is still there.
    pub(super) keepalive: Duration,
}

/// All keys with a prefix, as Consul writes them.
pub(super) struct Page {
    /// Grows when something under the prefix changes.
    pub(super) index: u64,
    pub(super) body: Bytes,
}

/// A key of a [`Page`].
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Option<Cow<'a, str>>,
    modify_index: u64,
}

/// A step of a transaction.
#[derive(Debug, Serialize)]
pub(super) struct Verb {
    #[serde(rename = "KV")]
    kv: Kv,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Kv {
    verb: &'static str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
}

impl Verb {
    fn new(verb: &'static str, key: &str) -> Self {
        Self { kv: Kv { verb, key: stored(key).to_owned(), ..Kv::default() } }
    }

    pub(super) fn key(&self) -> &str {
        &self.kv.key
    }

    pub(super) fn get(key: &str) -> Self {
        Self::new("get", key)
    }

    pub(super) fn delete(key: &str) -> Self {
        Self::new("delete", key)
    }

    pub(super) fn set(key: &str, value: &[u8]) -> Self {
        let mut verb = Self::new("set", key);
        verb.kv.value = Some(STANDARD.encode(value));
        verb
    }

    /// Sets a value that goes with a session.
    pub(super) fn lock(key: &str, value: &[u8], session: &str) -> Self {
        let mut verb = Self::set(key, value);
        verb.kv.verb = "lock";
        verb.kv.session = Some(session.to_owned());
        verb
    }

    pub(super) fn check_absent(key: &str) -> Self {
        Self::new("check-not-exists", key)
    }

    pub(super) fn check_index(key: &str, index: u64) -> Self {
        let mut verb = Self::new("check-index", key);
        verb.kv.index = Some(index);
        verb
    }
}

/// What came of a transaction.
pub(super) enum Outcome {
    Done(Bytes),
    /// Nothing was done.
    Failed {
        /// The step that failed.
        at: Option<usize>,
        reason: String,
    },
}

impl Outcome {
    /// An error if nothing was done.
    pub(super) fn done(self, api: &Api, key: &str) -> Result<(), StoreError> {
        match self {
            Self::Done(_) => Ok(()),
            Self::Failed { reason, .. } => Err(api.refused(Some(key), reason)),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactionAnswer<'a> {
    #[serde(borrow, default)]
    results: Option<Vec<TransactionResult<'a>>>,
    #[serde(default)]
    errors: Option<Vec<TransactionError>>,
}

#[derive(Deserialize)]
struct TransactionResult<'a> {
    #[serde(borrow, rename = "KV")]
    kv: Option<Pair<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactionError {
    op_index: usize,
    what: String,
}

#[derive(Deserialize)]
struct SessionId {
    #[serde(rename = "ID")]
    id: String,
}

/// The key as Consul has it.
fn stored(key: &str) -> &str {
    key.strip_prefix('/').unwrap_or(key)
}

/// Text as it stands in the path of a URL.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into())
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

impl Api {
    pub(super) fn new(config: &ConsulConfig) -> Result<Self, StoreError> {
        let name = format!("consul {}", config.address);
        let wrong =
            |reason| StoreError::Settings { store: name.clone(), field: "address".to_owned(), reason };
        let address = Address::parse(&config.address, 8500).map_err(wrong)?;
        let secure = match address.scheme.as_deref() {
            None | Some("http") => false,
            Some("https") => true,
            Some(other) => return Err(wrong(format!("expected http:// or https://, found {other}://"))),
        };
        let tls = Tls {
            ca_file: config.ca_file.clone(),
            cert_file: config.cert_file.clone(),
            key_file: config.key_file.clone(),
            skip_verify: config.insecure_skip_tls_verify,
        };
        settings::keepalive(&name, "keepalive-time", config.keepalive_time)?;
        Ok(Self {
            name,
            client: Client::new(address, secure.then_some(tls), config.dial_timeout),
            token: config.token.clone(),
            datacenter: config.datacenter.clone(),
            timeout: config.operation_timeout.max(Duration::from_millis(1)),
            keepalive: config.keepalive_time,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn refused(&self, key: Option<&str>, reason: String) -> StoreError {
        StoreError::Refused { store: self.name.clone(), key: key.map(str::to_owned), reason }
    }

    pub(super) fn protocol(&self, reason: &str) -> StoreError {
        StoreError::Protocol {
            store: self.name.clone(),
            reason: format!("expected Consul's HTTP API, found something else ({reason})"),
            advice: "check that address names the HTTP port of Consul (8500 as a rule), with https:// if it does TLS"
                .to_owned(),
        }
    }

    fn unreachable(&self, reason: String) -> StoreError {
        StoreError::Unreachable {
            store: self.name.clone(),
            reason,
            advice: "check that Consul runs, that it has a leader and that address names it".to_owned(),
        }
    }

    /// All keys with a prefix; if `after` is given, as soon as something has changed after that index, or later.
    pub(super) async fn list(&self, prefix: &str, after: Option<u64>) -> Result<Page, StoreError> {
        let mut path = format!("/v1/kv/{}?recurse=true", encoded(stored(prefix)));
        let mut timeout = self.timeout;
        if let Some(after) = after {
            path.push_str(&format!("&index={after}&wait={}s", WAIT.as_secs()));
            // Consul adds up to a sixteenth.
            timeout += WAIT + WAIT / 16;
        }
        let answer = self.ask(Method::GET, &path, Bytes::new(), timeout, true).await?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let Some(index) = header("x-consul-index").and_then(|index| index.parse().ok()) else {
            return Err(self.protocol("an answer without X-Consul-Index"));
        };
        // Half of the keys would look like the rest had been deleted.
        if header("x-consul-results-filtered-by-acls") == Some("true") {
            return Err(self.denied("the token may not read all keys under it".to_owned()));
        }
        let body = match answer.status() {
            StatusCode::NOT_FOUND => Bytes::new(),
            _ => answer.into_body(),
        };
        Ok(Page { index, body })
    }

    /// Tells `found` the keys of an answer: key, index of its last change, and what decodes its value.
    pub(super) fn items(
        &self,
        body: &[u8],
        mut found: impl FnMut(String, u64, &dyn Fn() -> Bytes),
    ) -> Result<(), StoreError> {
        if body.is_empty() {
            return Ok(());
        }
        let pairs: Vec<Pair<'_>> =
            serde_json::from_slice(body).map_err(|error| self.protocol(&error.to_string()))?;
        for pair in &pairs {
            // What is no base64 is no Consul's; it is told as the value, which then is no JSON.
            let value = || {
                let text = pair.value.as_deref().unwrap_or_default();
                STANDARD.decode(text).map_or_else(|_| Bytes::copy_from_slice(text.as_bytes()), Bytes::from)
            };
            found(format!("/{}", pair.key), pair.modify_index, &value);
        }
        Ok(())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        // As a transaction, since a key may have what a path may not.
        let body = match self.transaction(&[Verb::get(key)], true).await? {
            Outcome::Done(body) => body,
            Outcome::Failed { .. } => return Ok(None),
        };
        let answer: TransactionAnswer<'_> =
            serde_json::from_slice(&body).map_err(|error| self.protocol(&error.to_string()))?;
        let pair = answer.results.and_then(|results| results.into_iter().next()).and_then(|result| result.kv);
        let Some(pair) = pair else { return Err(self.protocol("a transaction without results")) };
        let text = pair.value.as_deref().unwrap_or_default();
        let value = STANDARD.decode(text).map_err(|error| self.protocol(&error.to_string()))?;
        Ok(Some(Item { key: key.to_owned(), value: value.into(), revision: pair.modify_index }))
    }

    /// Carries out all steps or none. `again` if it does no harm to do it twice.
    pub(super) async fn transaction(&self, verbs: &[Verb], again: bool) -> Result<Outcome, StoreError> {
        let body = serde_json::to_vec(verbs).map_err(|error| self.protocol(&error.to_string()))?;
        let answer = self.ask(Method::PUT, "/v1/txn", body.into(), self.timeout, again).await?;
        match answer.status() {
            StatusCode::CONFLICT => {
                let answer: TransactionAnswer<'_> = serde_json::from_slice(answer.body())
                    .map_err(|error| self.protocol(&error.to_string()))?;
                let first = answer.errors.and_then(|errors| errors.into_iter().next());
                Ok(match first {
                    Some(TransactionError { op_index, what }) => {
                        Outcome::Failed { at: Some(op_index), reason: what }
                    }
                    None => {
                        Outcome::Failed { at: None, reason: "the transaction was rolled back".to_owned() }
                    }
                })
            }
            StatusCode::NOT_FOUND => Err(self.protocol("it has no /v1/txn")),
            _ => Ok(Outcome::Done(answer.into_body())),
        }
    }

    /// Makes a session whose values go with it.
    pub(super) async fn create_session(&self, ttl: u32) -> Result<String, StoreError> {
        let body = serde_json::json!({
            "Name": "vpp-agent", "TTL": format!("{ttl}s"), "Behavior": "delete", "LockDelay": "0s",
        });
        let answer =
            self.ask(Method::PUT, "/v1/session/create", body.to_string().into(), self.timeout, true).await?;
        let SessionId { id } =
            serde_json::from_slice(answer.body()).map_err(|error| self.protocol(&error.to_string()))?;
        Ok(id)
    }

    /// Whether the session lives on.
    pub(super) async fn renew_session(&self, id: &str) -> Result<bool, StoreError> {
        let path = format!("/v1/session/renew/{}", encoded(id));
        let answer = self.ask(Method::PUT, &path, Bytes::new(), self.timeout, true).await?;
        Ok(answer.status() != StatusCode::NOT_FOUND)
    }

    pub(super) async fn destroy_session(&self, id: &str) -> Result<(), StoreError> {
        let path = format!("/v1/session/destroy/{}", encoded(id));
        self.ask(Method::PUT, &path, Bytes::new(), self.timeout, true).await.map(drop)
    }

    /// An error unless Consul is there and has a leader.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        let answer = self.ask(Method::GET, "/v1/status/leader", Bytes::new(), self.timeout, true).await?;
        match answer.body().as_ref() {
            b"\"\"" => Err(self.unreachable("it has no leader".to_owned())),
            _ => Ok(()),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        timeout: Duration,
        again: bool,
    ) -> Result<Response<Bytes>, StoreError> {
        let mut path = path.to_owned();
        if !self.datacenter.is_empty() {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&format!("dc={}", encoded(&self.datacenter)));
        }
        let mut attempts = if again { 2 } else { 1 };
        loop {
            attempts -= 1;
            let request = Request::builder()
                .method(method.clone())
                .uri(&path)
                .header("host", self.client.address.to_string())
                .header("user-agent", "vpp-agent");
            let request = match self.token.expose() {
                "" => request,
                token => request.header("x-consul-token", token),
            };
            let request = request.body(Full::new(body.clone())).map_err(|error| StoreError::Settings {
                store: self.name.clone(),
                field: "token".to_owned(),
                reason: error.to_string(),
            })?;
            match self.client.send(request, timeout).await {
                Ok(answer) => return self.judge(answer),
                // A connection that was kept too long.
                Err(HttpError::Broken(_)) if attempts > 0 => {}
                Err(error) => return Err(self.explain(&error)),
            }
        }
    }

    /// An answer that is one, or an error.
    fn judge(&self, answer: Response<Bytes>) -> Result<Response<Bytes>, StoreError> {
        let status = answer.status();
        let said: String = String::from_utf8_lossy(answer.body()).trim().chars().take(200).collect();
        let reason = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
        match status {
            StatusCode::OK | StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(answer),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(self.denied(reason)),
            StatusCode::PAYLOAD_TOO_LARGE => Err(self.refused(None, reason)),
            StatusCode::TOO_MANY_REQUESTS => Err(self.unreachable(reason)),
            _ if status.is_server_error() => Err(self.unreachable(reason)),
            StatusCode::BAD_REQUEST if said.contains("TTL") || said.contains("ession") => {
                Err(self.refused(None, reason))
            }
            _ => Err(self.protocol(&reason)),
        }
    }

    fn denied(&self, reason: String) -> StoreError {
        StoreError::Denied {
            store: self.name.clone(),
            reason,
            advice: "set token to one that has `key_prefix \"vnf-agent/\" { policy = \"write\" }` and \
                     `session_prefix \"\" { policy = \"write\" }`"
                .to_owned(),
        }
    }

    fn explain(&self, error: &HttpError) -> StoreError {
        match error {
            HttpError::Connect(ConnectError::Setting(field, reason)) => StoreError::Settings {
                store: self.name.clone(),
                field: (*field).to_owned(),
                reason: reason.clone(),
            },
            HttpError::Connect(ConnectError::Tls(reason)) => StoreError::Protocol {
                store: self.name.clone(),
                reason: reason.clone(),
                advice: "write address with http:// if this Consul does no TLS, or set ca-file to the authority that \
                         signed its certificate"
                    .to_owned(),
            },
            HttpError::Connect(ConnectError::Unreachable(reason)) => self.unreachable(reason.clone()),
            HttpError::Broken(reason) => self.unreachable(format!("the connection broke ({reason})")),
            HttpError::Protocol(reason) => self.protocol(reason),
            HttpError::Timeout(timeout) => self.unreachable(format!("no answer within {timeout:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hold_any_key() {
        assert_eq!(encoded("a/b c?%ü"), "a/b%20c%3F%25%C3%BC");
        assert_eq!(stored("/vnf-agent/x"), "vnf-agent/x");
    }
}
