//! Connections to members of the cluster, and calls over them.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Response, Status};
use tower_service::Service;

use super::config::EtcdConfig;
use super::error::{self, Failure};
use super::first::{FirstBytes, Watched};
use super::proto::etcdserverpb as pb;
use super::{MAX_MESSAGE, key_bytes};
use crate::net::{self, Address, ConnectError, Tls};
use crate::{StoreError, settings};

use pb::auth_client::AuthClient;
use pb::kv_client::KvClient;

/// Window of a stream: large pages are not held up by round trips.
const WINDOW: u32 = 4 << 20;

/// A connection to a member.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) channel: Channel,
    token: Option<MetadataValue<Ascii>>,
    /// Counts connections.
    number: usize,
    first: FirstBytes,
}

impl Session {
    /// A request over this connection.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("token", token.clone());
        }
        request
    }

    /// What a failure is due to: perhaps to somebody who is no etcd.
    fn judge(&self, failure: Failure) -> Failure {
        match self.first.foreign() {
            Some(words) if failure.is_lost() => Failure::Foreign(words),
            _ => failure,
        }
    }
}

/// Connects to one member after the other.
pub(super) struct Connector {
    pub(super) config: EtcdConfig,
    name: String,
    members: Vec<(Address, Option<Tls>)>,
    session: Mutex<Option<Session>>,
    /// The member that is tried first.
    first: AtomicUsize,
    sessions: AtomicUsize,
}

impl Connector {
    pub(super) fn new(config: EtcdConfig) -> Result<Self, StoreError> {
        let name = format!("etcd {}", config.endpoints.join(","));
        let wrong =
            |reason| StoreError::Settings { store: name.clone(), field: "endpoints".to_owned(), reason };
        let tls = Tls {
            ca_file: config.ca_file.clone(),
            cert_file: config.cert_file.clone(),
            key_file: config.key_file.clone(),
            skip_verify: config.insecure_skip_tls_verify,
        };
        let mut members = Vec::new();
        for endpoint in &config.endpoints {
            let address = Address::parse(endpoint, 2379).map_err(wrong)?;
            let secure = match address.scheme.as_deref() {
                None => !config.insecure_transport,
                Some("https") => true,
                Some("http") => false,
                Some(other) => return Err(wrong(format!("expected http:// or https://, found {other}://"))),
            };
            members.push((address, secure.then(|| tls.clone())));
        }
        if members.is_empty() {
            return Err(wrong("there is none; expected a list such as [\"127.0.0.1:2379\"]".to_owned()));
        }
        settings::keepalive(&name, "keepalive-time", config.keepalive_time)?;
        settings::keepalive(&name, "keepalive-timeout", config.keepalive_timeout)?;
        Ok(Self {
            config,
            name,
            members,
            session: Mutex::new(None),
            first: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What a failed call means.
    pub(super) fn failed(&self, failure: &Failure, key: Option<&str>) -> StoreError {
        error::explain(&self.name, failure, key)
    }

    /// The connection, made now if there is none.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        let mut slot = self.session.lock().await;
        if let Some(session) = &*slot {
            return Ok(session.clone());
        }
        let mut failures: Vec<(String, ConnectError)> = Vec::new();
        let first = self.first.load(Ordering::Relaxed);
        for i in 0..self.members.len() {
            let i = (first + i) % self.members.len();
            let Some((address, tls)) = self.members.get(i) else { continue };
            match self.connect(address, tls.as_ref()).await {
                Ok((channel, first)) => {
                    self.first.store(i, Ordering::Relaxed);
                    let number = self.sessions.fetch_add(1, Ordering::Relaxed);
                    let mut session = Session { channel, token: None, number, first };
                    if let Err(failure) = self.authenticate(&mut session).await {
                        self.first.fetch_add(1, Ordering::Relaxed);
                        return Err(session.judge(failure));
                    }
                    *slot = Some(session.clone());
                    return Ok(session);
                }
                Err(error) => failures.push((address.to_string(), error)),
            }
        }
        Err(Failure::Connect(failures))
    }

    async fn connect(
        &self,
        address: &Address,
        tls: Option<&Tls>,
    ) -> Result<(Channel, FirstBytes), ConnectError> {
        let unusable = |error: tonic::transport::Error| ConnectError::Unreachable(error::chain(&error));
        // Made here and not by the channel, so that what went wrong is told as it is.
        let stream = net::connect(address, tls, &[b"h2"], self.config.dial_timeout).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = Uri::try_from(format!("{scheme}://{address}"))
            .map_err(|error| ConnectError::Unreachable(error.to_string()))?;
        // The connector does TLS, so the channel must not be told of it.
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(unusable)?
            .origin(origin)
            .user_agent("vpp-agent")
            .map_err(unusable)?
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .http2_keep_alive_interval(self.config.keepalive_time)
            .keep_alive_timeout(self.config.keepalive_timeout)
            .keep_alive_while_idle(true)
            .connect_timeout(self.config.dial_timeout);
        let (stream, first) = Watched::new(stream);
        let channel = endpoint.connect_with_connector(Once(Some(stream))).await.map_err(unusable)?;
        Ok((channel, first))
    }

    async fn authenticate(&self, session: &mut Session) -> Result<(), Failure> {
        let name = &self.config.username;
        if name.is_empty() {
            return Ok(());
        }
        let mut client = AuthClient::new(session.channel.clone());
        let password = self.config.password.expose().to_owned();
        let request = session.request(pb::AuthenticateRequest { name: name.clone(), password });
        match self.within(client.authenticate(request)).await {
            Ok(answer) => {
                session.token = MetadataValue::try_from(answer.token).ok();
                Ok(())
            }
            // Whoever may do everything needs no password.
            Err(Failure::Status(status)) if status.message().contains("authentication is not enabled") => {
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Forgets a connection. The next one is made to the next member if `elsewhere` is true.
    pub(super) async fn forget(&self, session: &Session, elsewhere: bool) {
        let mut slot = self.session.lock().await;
        if slot.as_ref().is_some_and(|current| current.number == session.number) {
            *slot = None;
            if elsewhere {
                self.first.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits for an answer as long as that may take.
    pub(super) async fn within<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.config.operation_timeout, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(Failure::Status(Box::new(status))),
            Err(_) => Err(Failure::Timeout(self.config.operation_timeout)),
        }
    }

    /// Makes a call. One that does no harm when it is made twice is made again after a broken connection.
    async fn call<T, F>(&self, again: bool, call: impl Fn(Session) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut attempts = if again { self.members.len() + 1 } else { 1 };
        let mut renewed = false;
        loop {
            let session = self.session().await?;
            let failure = match self.within(call(session.clone())).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => session.judge(failure),
            };
            // An expired token is refused before anything is done.
            if failure.wants_token() && !self.config.username.is_empty() && !renewed {
                self.forget(&session, false).await;
                renewed = true;
                continue;
            }
            if !failure.is_lost() {
                return Err(failure);
            }
            self.forget(&session, true).await;
            attempts -= 1;
            if attempts == 0 || matches!(failure, Failure::Timeout(_) | Failure::Foreign(_)) {
                return Err(failure);
            }
        }
    }

    pub(super) async fn range(&self, request: pb::RangeRequest) -> Result<pb::RangeResponse, Failure> {
        self.call(true, |session| {
            let request = session.request(request.clone());
            async move {
                KvClient::new(session.channel).max_decoding_message_size(MAX_MESSAGE).range(request).await
            }
        })
        .await
    }

    pub(super) async fn put(&self, key: &str, value: Bytes, lease: i64) -> Result<(), Failure> {
        let message = pb::PutRequest { key: key_bytes(key), value, lease };
        self.call(true, |session| {
            let request = session.request(message.clone());
            async move { KvClient::new(session.channel).put(request).await }
        })
        .await
        .map(drop)
    }

    pub(super) async fn delete(&self, key: &str) -> Result<i64, Failure> {
        let message = pb::DeleteRangeRequest { key: key_bytes(key), range_end: Bytes::new() };
        let answer = self
            .call(true, |session| {
                let request = session.request(message.clone());
                async move { KvClient::new(session.channel).delete_range(request).await }
            })
            .await?;
        Ok(answer.deleted)
    }

    pub(super) async fn transaction(&self, message: pb::TxnRequest) -> Result<pb::TxnResponse, Failure> {
        self.call(false, |session| {
            let request = session.request(message.clone());
            async move { KvClient::new(session.channel).txn(request).await }
        })
        .await
    }

    pub(super) async fn compact(&self, revision: i64) -> Result<(), Failure> {
        self.call(true, |session| {
            let request = session.request(pb::CompactionRequest { revision, physical: false });
            async move { KvClient::new(session.channel).compact(request).await }
        })
        .await
        .map(drop)
    }
}

/// Hands out a connection that was made before, once. When it breaks another one is made by [`Connector::session`].
struct Once(Option<Watched>);

impl Service<Uri> for Once {
    type Response = TokioIo<Watched>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let stream = self.0.take();
        Box::pin(async move {
            stream.map(TokioIo::new).ok_or_else(|| std::io::Error::other("the connection was closed"))
        })
    }
}
