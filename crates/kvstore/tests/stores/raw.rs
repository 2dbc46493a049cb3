//! etcd through its JSON gateway, for what an administrator does: not through the code that is tested.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn post(port: u16, path: &str, token: Option<&str>, body: &Value) -> Result<Value, String> {
    let body = body.to_string();
    let token = token.map(|token| format!("Authorization: {token}\r\n")).unwrap_or_default();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!(
        "POST /v3/{path} HTTP/1.0\r\nHost: localhost\r\n{token}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    if head.contains(" 200 ") { Ok(serde_json::from_str(body).unwrap()) } else { Err(answer) }
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// Forgets what was before `revision`.
pub(crate) async fn compact(port: u16, revision: i64) {
    post(port, "kv/compaction", None, &json!({"revision": revision, "physical": true})).await.unwrap();
}

/// Whether what was at `revision` is forgotten.
pub(crate) async fn is_compacted(port: u16, revision: i64) -> bool {
    post(port, "kv/range", None, &json!({"key": encoded("/"), "revision": revision}))
        .await
        .is_err_and(|error| error.contains("compacted"))
}

/// Deletes all keys with a prefix that ends in `/`.
pub(crate) async fn delete_prefix(port: u16, prefix: &str) {
    let end = format!("{}0", prefix.strip_suffix('/').unwrap());
    post(port, "kv/deleterange", None, &json!({"key": encoded(prefix), "range_end": encoded(&end)}))
        .await
        .unwrap();
}

/// Demands a password from now on; `user` may do everything under `/vnf-agent/`.
pub(crate) async fn enable_auth(port: u16, user: &str, password: &str) {
    let permission =
        json!({"permType": "READWRITE", "key": encoded("/vnf-agent/"), "range_end": encoded("/vnf-agent0")});
    for (path, body) in [
        ("auth/user/add", json!({"name": "root", "password": "root"})),
        ("auth/role/add", json!({"name": "root"})),
        ("auth/user/grant", json!({"user": "root", "role": "root"})),
        ("auth/user/add", json!({"name": user, "password": password})),
        ("auth/role/add", json!({"name": "agents"})),
        ("auth/role/grant", json!({"name": "agents", "perm": permission})),
        ("auth/user/grant", json!({"user": user, "role": "agents"})),
        ("auth/enable", json!({})),
    ] {
        post(port, path, None, &body).await.unwrap();
    }
}
