//! What a handler has to work with.

use std::marker::PhantomData;

use binapi_core::{Dump, Message, Request, Subscribe};
use binapi_messages::vpe::v1810::ControlPing;
use futures::future::{Either, select};
use vpp_client::{Client, Events};

use crate::error::{Error, Result};

/// A connection to a VPP whose API is that of release `V`.
#[derive(Clone, Debug)]
pub(crate) struct Vpp<V> {
    client: Client,
    /// The release that was chosen; `V` is the first of those that share its API.
    release: &'static str,
    marker: PhantomData<fn() -> V>,
}

impl<V> Vpp<V> {
    pub(crate) fn new(client: Client, release: &'static str) -> Self {
        Self { client, release, marker: PhantomData }
    }

    /// See [`Client::call`].
    pub(crate) async fn call<R: Request<V>>(&self, request: &R) -> Result<R::Reply> {
        Ok(self.client.call(request).await?)
    }

    /// See [`Client::call_unchecked`].
    pub(crate) async fn call_unchecked<R: Request<V>>(&self, request: &R) -> Result<R::Reply> {
        Ok(self.client.call_unchecked(request).await?)
    }

    /// Like [`call`](Self::call) for requests that some VPPs carry out and do not answer: their plugin finds clients on
    /// shared memory only. `None` when there is no answer; a ping that is sent along tells, since VPP takes one after
    /// the other.
    pub(crate) async fn call_if_answered<R: Request<V>>(&self, request: &R) -> Result<Option<R::Reply>> {
        let call = std::pin::pin!(self.client.call(request));
        let ping = std::pin::pin!(self.client.call::<(), _>(&ControlPing {}));
        match select(call, ping).await {
            Either::Left((reply, _)) => Ok(Some(reply?)),
            Either::Right((pong, _)) => {
                pong?;
                Ok(None)
            }
        }
    }

    /// The outcome of a request without an answer, by what a dump shows of it.
    pub(crate) fn shown<R: Message, T>(&self, _request: &R, shown: Option<T>) -> Result<T> {
        let silent = || Error::Unanswered { message: R::NAME, release: self.release.to_string() };
        shown.ok_or_else(silent)
    }

    /// See [`Client::dump`].
    pub(crate) async fn dump<R: Dump<V>>(&self, request: &R) -> Result<Vec<R::Details>> {
        Ok(self.client.dump(request)?.all().await?)
    }

    /// See [`Client::events`].
    pub(crate) fn events<R: Subscribe<V> + Clone>(&self, request: &R) -> Events<R::Event> {
        self.client.events(request)
    }

    /// The plugins that show in VPP's messages. None without a connection.
    pub(crate) fn known_plugins(&self) -> Vec<String> {
        let state = self.client.state();
        let state = state.borrow();
        let plugins = state.connection().map(|c| c.plugins.as_slice()).unwrap_or_default();
        plugins.iter().map(|name| (*name).to_string()).collect()
    }

    /// The error of a feature that this release does not have.
    #[allow(dead_code, reason = "used by expansions that contain `unsupported!`")]
    pub(crate) fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { what, release: self.release.to_string() }
    }
}
