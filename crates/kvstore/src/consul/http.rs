//! HTTP/1.1 to one address, over connections that are kept.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

use crate::net::{self, Address, ConnectError, Tls};

/// Largest answer that is taken, in bytes.
const MAX_BODY: usize = 512 << 20;

/// Connections that are kept while nothing is asked.
const KEPT: usize = 4;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum HttpError {
    Connect(ConnectError),
    /// The connection broke.
    Broken(String),
    /// The answer is not HTTP, or larger than what is taken.
    Protocol(String),
    Timeout(Duration),
}

/// Asks one address.
pub(super) struct Client {
    pub(super) address: Address,
    tls: Option<Tls>,
    dial_timeout: Duration,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    pub(super) fn new(address: Address, tls: Option<Tls>, dial_timeout: Duration) -> Self {
        Self { address, tls, dial_timeout, idle: Mutex::new(Vec::new()) }
    }

    /// Sends a request and waits for the head of the answer and its body.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, HttpError> {
        let mut sender = self.connection().await?;
        let asked = async {
            let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
            let (head, body) = response.into_parts();
            Ok(Response::from_parts(head, read(body).await?))
        };
        let response =
            tokio::time::timeout(timeout, asked).await.unwrap_or(Err(HttpError::Timeout(timeout)))?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !sender.is_closed() {
            idle.push(sender);
        }
        Ok(response)
    }

    /// A connection on which nothing is going on.
    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, HttpError> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept {
                Some(mut sender) => {
                    if sender.ready().await.is_ok() && !sender.is_closed() {
                        return Ok(sender);
                    }
                }
                None => break,
            }
        }
        let stream = net::connect(&self.address, self.tls.as_ref(), &[b"http/1.1"], self.dial_timeout)
            .await
            .map_err(HttpError::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // It ends with the sender; what went wrong the sender tells.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

fn broken(error: &hyper::Error) -> HttpError {
    let mut reason = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        reason = format!("{reason}: {cause}");
    }
    if error.is_parse() || reason.contains("unexpected message") {
        HttpError::Protocol(reason)
    } else {
        HttpError::Broken(reason)
    }
}

async fn read(mut body: Incoming) -> Result<Bytes, HttpError> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        if let Ok(data) = frame.into_data() {
            if all.len() + data.len() > MAX_BODY {
                return Err(HttpError::Protocol(format!("the answer has more than {MAX_BODY} bytes")));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}
