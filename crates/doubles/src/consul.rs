//! Stands in for Consul, which no package of Debian 12 brings: the parts of its HTTP API that are used, made from its
//! documentation. Keys with indexes, blocking queries, transactions, sessions with `Behavior: delete`, tokens.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Largest value, as Consul has it.
const MAX_VALUE: usize = 512 << 10;

/// What else has raised the index before anything is put.
const BEFORE: u64 = 10;

struct Pair {
    value: Vec<u8>,
    create: u64,
    modify: u64,
    session: Option<String>,
}

struct Session {
    ttl: Duration,
    until: Instant,
}

#[derive(Default)]
struct Data {
    index: u64,
    pairs: BTreeMap<String, Pair>,
    sessions: BTreeMap<String, Session>,
    /// The token that is wanted; anyone's without.
    token: Option<String>,
    /// A token that may read nothing.
    blind: Option<String>,
}

/// A Consul. Clones are the same; what it has stays when it is stopped.
#[derive(Clone, Default)]
pub struct Double {
    data: Arc<Mutex<Data>>,
    changed: Arc<Notify>,
}

impl std::fmt::Debug for Double {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Double").finish_non_exhaustive()
    }
}

impl Double {
    /// Serves it on `port` until the returned tasks are dropped.
    pub async fn serve(&self, port: u16, tls: Option<TlsAcceptor>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let double = self.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (double, tls) = (double.clone(), tls.clone());
                connections.spawn(async move {
                    let answer = move |request| {
                        let double = double.clone();
                        async move { Ok::<_, Infallible>(double.answer(request).await) }
                    };
                    let server = http1::Builder::new();
                    match tls {
                        None => drop(server.serve_connection(TokioIo::new(stream), service_fn(answer)).await),
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            drop(server.serve_connection(TokioIo::new(stream), service_fn(answer)).await);
                        }
                    }
                });
            }
        });
        let double = self.clone();
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                double.expire();
            }
        });
        tasks
    }

    /// Wants `token` from now on, and lets `blind` in to see nothing.
    pub fn demand(&self, token: &str, blind: &str) {
        let mut data = self.data.lock().unwrap();
        data.token = Some(token.to_owned());
        data.blind = Some(blind.to_owned());
    }

    /// As if it had been set up anew.
    pub fn wipe(&self) {
        *self.data.lock().unwrap() = Data::default();
        self.changed.notify_waiters();
    }

    fn expire(&self) {
        let mut data = self.data.lock().unwrap();
        let now = Instant::now();
        let gone: Vec<String> = data
            .sessions
            .iter()
            .filter(|(_, session)| session.until < now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            data.end(&id);
            self.changed.notify_waiters();
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = head.uri.path().to_owned();
        let query: BTreeMap<String, String> = head
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let given = head.headers.get("x-consul-token").map(|token| token.to_str().unwrap().to_owned());
        let (token, blind) = {
            let data = self.data.lock().unwrap();
            (data.token.clone(), data.blind.clone())
        };
        let is_blind = given.is_some() && given == blind;
        if path != "/v1/status/leader" && token.is_some() && given != token && !is_blind {
            return text(StatusCode::FORBIDDEN, "ACL not found");
        }
        match (&head.method, path.as_str()) {
            (&Method::GET, "/v1/status/leader") => text(StatusCode::OK, "\"127.0.0.1:8300\""),
            (&Method::PUT, "/v1/txn") => self.transaction(&body),
            (&Method::PUT, "/v1/session/create") => self.create_session(&body),
            (&Method::PUT, path) if path.starts_with("/v1/session/renew/") => {
                let mut data = self.data.lock().unwrap();
                let id = path.rsplit('/').next().unwrap();
                match data.sessions.get_mut(id) {
                    Some(session) => {
                        session.until = Instant::now() + session.ttl;
                        text(StatusCode::OK, &json!([{"ID": id}]).to_string())
                    }
                    None => text(StatusCode::NOT_FOUND, &format!("Session id '{id}' not found")),
                }
            }
            (&Method::PUT, path) if path.starts_with("/v1/session/destroy/") => {
                self.data.lock().unwrap().end(path.rsplit('/').next().unwrap());
                self.changed.notify_waiters();
                text(StatusCode::OK, "true")
            }
            (&Method::GET, path) if path.starts_with("/v1/kv/") && query.contains_key("recurse") => {
                self.list(&decoded(&path["/v1/kv/".len()..]), &query, is_blind).await
            }
            (method, path) if path.starts_with("/v1/kv/") => {
                self.one(method, &decoded(&path["/v1/kv/".len()..]), &body, is_blind)
            }
            _ => text(StatusCode::NOT_FOUND, "404 page not found"),
        }
    }

    /// A single key, as people and `consul kv` ask for it.
    fn one(&self, method: &Method, key: &str, body: &[u8], blind: bool) -> Response<Full<Bytes>> {
        let step = match *method {
            Method::GET => {
                let data = self.data.lock().unwrap();
                return match data.pairs.get(key).filter(|_| !blind) {
                    Some(pair) => text(StatusCode::OK, &json!([pair_json(key, pair)]).to_string()),
                    None => text(StatusCode::NOT_FOUND, ""),
                };
            }
            Method::PUT => json!({"Verb": "set", "Key": key, "Value": STANDARD.encode(body)}),
            Method::DELETE => json!({"Verb": "delete", "Key": key}),
            _ => return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
        };
        let answer = self.transaction(json!([{"KV": step}]).to_string().as_bytes());
        match answer.status() {
            StatusCode::OK => text(StatusCode::OK, "true"),
            _ => answer,
        }
    }

    async fn list(
        &self,
        prefix: &str,
        query: &BTreeMap<String, String>,
        blind: bool,
    ) -> Response<Full<Bytes>> {
        let after: u64 = query.get("index").map_or(0, |index| index.parse().unwrap());
        let wait = query.get("wait").map_or(300, |wait| wait.trim_end_matches('s').parse().unwrap());
        let until = tokio::time::Instant::now() + Duration::from_secs(wait);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let index = self.data.lock().unwrap().index + BEFORE;
            // An index that has gone back is answered at once, too.
            if after == 0 || index != after || tokio::time::timeout_at(until, changed).await.is_err() {
                break;
            }
        }
        let data = self.data.lock().unwrap();
        let pairs: Vec<Value> = data
            .pairs
            .iter()
            .filter(|(key, _)| !blind && key.starts_with(prefix))
            .map(|(key, pair)| pair_json(key, pair))
            .collect();
        let filtered = blind && data.pairs.keys().any(|key| key.starts_with(prefix));
        let (status, body) = match pairs.is_empty() {
            true => (StatusCode::NOT_FOUND, String::new()),
            false => (StatusCode::OK, Value::Array(pairs).to_string()),
        };
        let mut response = text(status, &body);
        let headers = response.headers_mut();
        headers.insert("x-consul-index", (data.index + BEFORE).into());
        if filtered {
            headers.insert("x-consul-results-filtered-by-acls", "true".parse().unwrap());
        }
        response
    }

    fn create_session(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((&body["Behavior"], &body["LockDelay"]), (&json!("delete"), &json!("0s")));
        let ttl: u64 = body["TTL"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
        // As with `session_ttl_min` set to 1 s.
        if !(1..=86400).contains(&ttl) {
            return text(StatusCode::BAD_REQUEST, "Invalid Session TTL, must be between [1s=24h0m0s]");
        }
        let ttl = Duration::from_secs(ttl);
        let id = format!("{:032x}", fastrand::u128(..));
        let session = Session { ttl, until: Instant::now() + ttl };
        self.data.lock().unwrap().sessions.insert(id.clone(), session);
        text(StatusCode::OK, &json!({ "ID": id }).to_string())
    }

    fn transaction(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let steps: Vec<Value> = serde_json::from_slice(body).unwrap();
        if steps.len() > 64 {
            return text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Transaction contains too many operations (64 allowed)",
            );
        }
        let mut data = self.data.lock().unwrap();
        // Tried on the keys first, so that all or nothing is done.
        let index = data.index + 1;
        let mut changes: BTreeMap<String, Option<Pair>> = BTreeMap::new();
        let mut results = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            let step = &step["KV"];
            let key = step["Key"].as_str().unwrap().to_owned();
            assert!(!key.starts_with('/'), "Consul's keys have no leading slash: {key}");
            let value = step["Value"].as_str().map(|text| STANDARD.decode(text).unwrap()).unwrap_or_default();
            if value.len() > MAX_VALUE {
                let reason =
                    format!("Value for key {key:?} is too large ({} > {MAX_VALUE} bytes)", value.len());
                return text(StatusCode::PAYLOAD_TOO_LARGE, &reason);
            }
            let now = match changes.get(&key) {
                Some(change) => change.as_ref(),
                None => data.pairs.get(&key),
            };
            let create = now.map_or(index, |pair| pair.create);
            let holder = now.and_then(|pair| pair.session.clone());
            let result = match step["Verb"].as_str().unwrap() {
                "get" => match now {
                    Some(pair) => Ok(Some(pair_json(&key, pair))),
                    None => Err(format!("key {key:?} doesn't exist")),
                },
                "get-or-empty" => Ok(Some(match now {
                    Some(pair) => pair_json(&key, pair),
                    None => json!({"Key": key, "Value": null, "CreateIndex": 0, "ModifyIndex": 0}),
                })),
                "set" => {
                    changes.insert(key, Some(Pair { value, create, modify: index, session: holder }));
                    Ok(None)
                }
                "lock" => {
                    let session = step["Session"].as_str().unwrap().to_owned();
                    if !data.sessions.contains_key(&session) {
                        Err(format!("invalid session {session:?}"))
                    } else if holder.as_ref().is_some_and(|holder| *holder != session) {
                        Err(format!("failed to lock key {key:?}, lock is already held"))
                    } else {
                        let session = Some(session);
                        changes.insert(key, Some(Pair { value, create, modify: index, session }));
                        Ok(None)
                    }
                }
                "delete" => {
                    changes.insert(key, None);
                    Ok(None)
                }
                "check-not-exists" => match now {
                    Some(_) => Err(format!("key {key:?} exists")),
                    None => Ok(None),
                },
                "check-index" => match now {
                    Some(pair) if Some(pair.modify) == step["Index"].as_u64() => Ok(None),
                    Some(_) => Err(format!("current modify index doesn't match for {key:?}")),
                    None => Err(format!("key {key:?} doesn't exist")),
                },
                other => panic!("no such verb: {other}"),
            };
            match result {
                Ok(result) => results.extend(result.map(|pair| json!({ "KV": pair }))),
                Err(what) => {
                    let answer = json!({"Results": null, "Errors": [{"OpIndex": i, "What": what}]});
                    return text(StatusCode::CONFLICT, &answer.to_string());
                }
            }
        }
        if !changes.is_empty() {
            data.index = index;
        }
        for (key, change) in changes {
            match change {
                Some(pair) => drop(data.pairs.insert(key, pair)),
                None => drop(data.pairs.remove(&key)),
            }
        }
        self.changed.notify_waiters();
        text(StatusCode::OK, &json!({"Results": results, "Errors": null}).to_string())
    }
}

impl Data {
    /// Ends a session, and what it holds.
    fn end(&mut self, id: &str) {
        if self.sessions.remove(id).is_some() {
            self.index += 1;
            self.pairs.retain(|_, pair| pair.session.as_deref() != Some(id));
        }
    }
}

fn pair_json(key: &str, pair: &Pair) -> Value {
    // An empty value is none in Consul.
    let value = (!pair.value.is_empty()).then(|| STANDARD.encode(&pair.value));
    json!({
        "LockIndex": 0, "Key": key, "Flags": 0, "Value": value, "CreateIndex": pair.create, "ModifyIndex": pair.modify,
        "Session": pair.session,
    })
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = status;
    response
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
