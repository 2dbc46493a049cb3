//! Details as they come.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use binapi_core::Message;
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::client::{Client, decode, expect};
use crate::driver::Waiter;
use crate::error::CallError;
use crate::frame::u16_at;
use crate::state::Connection;

/// One request whose details are awaited.
pub(crate) struct Question {
    /// A whole frame, or the request and the ping behind it.
    pub(crate) frame: BytesMut,
    /// Where the contexts go.
    pub(crate) contexts: [Option<usize>; 2],
}

/// What follows the last message: nothing, or the next request where VPP stopped half-way.
pub(crate) type Follow = Box<dyn FnMut(&Bytes) -> Result<Option<Question>, CallError> + Send>;

/// The details of a dump, as they come. VPP goes on sending whether they are taken or not; what is not taken waits here.
pub struct Details<D> {
    client: Client,
    connection: Arc<Connection>,
    /// The request's name.
    message: &'static str,
    details: (u16, usize),
    end: (u16, usize),
    /// The request that was not sent yet.
    question: Option<Question>,
    follow: Follow,
    from: Option<mpsc::UnboundedReceiver<Bytes>>,
    /// Taken from the channel and not looked at.
    ready: VecDeque<Bytes>,
    buffer: Vec<Bytes>,
    marker: std::marker::PhantomData<fn() -> D>,
}

impl<D> fmt::Debug for Details<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details").field("message", &self.message).finish_non_exhaustive()
    }
}

/// Messages that are taken from the channel at once.
const AT_ONCE: usize = 256;

impl<D: Message> Details<D> {
    #[allow(clippy::too_many_arguments, reason = "made in two places, with everything that it knows")]
    pub(crate) fn new(
        client: Client,
        connection: Arc<Connection>,
        message: &'static str,
        details: u16,
        end: (u16, usize),
        question: Question,
        follow: Follow,
    ) -> Self {
        Self {
            client,
            connection,
            message,
            details: (details, D::HEADER.context_offset().unwrap_or(2)),
            end,
            question: Some(question),
            follow,
            from: None,
            ready: VecDeque::new(),
            buffer: Vec::new(),
            marker: std::marker::PhantomData,
        }
    }

    /// The next one; `None` when that was all. After an error nothing comes any more.
    pub async fn next(&mut self) -> Option<Result<D, CallError>> {
        let next = self.try_next().await;
        if next.is_err() {
            (self.from, self.question) = (None, None);
            self.ready.clear();
        }
        next.transpose()
    }

    /// All that are left.
    pub async fn all(mut self) -> Result<Vec<D>, CallError> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }

    async fn try_next(&mut self) -> Result<Option<D>, CallError> {
        loop {
            if let Some(question) = self.question.take() {
                self.ask(question).await?;
            }
            let Some(message) = self.message().await? else { return Ok(None) };
            if u16_at(&message, 0) == Some(self.end.0) {
                self.from = None;
                self.question = (self.follow)(&message)?;
                if self.question.is_none() {
                    return Ok(None);
                }
                continue;
            }
            expect::<D>(self.message, &self.connection, self.details.0, &message)?;
            return decode::<D>(&self.client, &message).map(Some);
        }
    }

    async fn ask(&mut self, question: Question) -> Result<(), CallError> {
        let (to, from) = mpsc::unbounded_channel();
        let waiter = Waiter::Details { details: self.details, end: self.end, to };
        let sent =
            self.client.send_frame(self.message, &self.connection, question.frame, question.contexts, waiter);
        sent.await?;
        self.from = Some(from);
        Ok(())
    }

    async fn message(&mut self) -> Result<Option<Bytes>, CallError> {
        if let Some(message) = self.ready.pop_front() {
            return Ok(Some(message));
        }
        let Some(from) = &mut self.from else { return Ok(None) };
        // The deadline is for each next message: a long answer that keeps coming is no stalled one.
        let taken = from.recv_many(&mut self.buffer, AT_ONCE);
        if self.client.in_time(self.message, taken).await? == 0 {
            return Err(CallError::Lost { message: self.message });
        }
        self.ready.extend(self.buffer.drain(..));
        Ok(self.ready.pop_front())
    }
}
