//! Events: what VPP sends without being asked each time.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use binapi_core::{Frame, Message};
use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use crate::error::CallError;
use crate::state::Connection;

/// What a subscriber has not taken yet. Never longer than its limit.
#[derive(Debug)]
pub(crate) struct Queue {
    items: Mutex<VecDeque<Result<Bytes, CallError>>>,
    limit: usize,
    missed: AtomicU64,
    /// The subscriber is gone.
    dropped: AtomicBool,
    /// Nothing comes any more.
    ended: AtomicBool,
    more: Notify,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            items: Mutex::default(),
            limit: limit.max(1),
            missed: AtomicU64::new(0),
            dropped: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            more: Notify::new(),
        }
    }

    pub(crate) fn push(&self, item: Result<Bytes, CallError>) {
        // What a panicking subscriber left is whole: it only ever takes one item away.
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if items.len() >= self.limit {
            items.pop_front();
            if self.missed.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(
                    limit = self.limit,
                    "a subscriber does not keep up; its oldest events are dropped"
                );
            }
        }
        items.push_back(item);
        drop(items);
        self.more.notify_one();
    }

    fn pop(&self) -> Option<Result<Bytes, CallError>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Says that nothing comes any more.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.more.notify_one();
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Acquire)
    }
}

/// Makes the request for a connection: numbers of request, reply and event differ from one to the next.
pub(crate) type Ask = dyn Fn(&Connection) -> Result<Asked, CallError> + Send + Sync;

/// A request that subscribes, for one connection.
pub(crate) struct Asked {
    /// A whole frame whose context is zero.
    pub(crate) frame: BytesMut,
    /// Where the context goes.
    pub(crate) context: Option<usize>,
    /// Number of the reply, and where its context is.
    pub(crate) reply: (u16, usize),
    /// The reply's name.
    pub(crate) expected: &'static str,
    /// Where the reply has its retval.
    pub(crate) retval: Option<usize>,
    /// Number of the event.
    pub(crate) event: u16,
}

/// A subscription, kept over connections.
pub(crate) struct Subscription {
    /// The request's name.
    pub(crate) message: &'static str,
    /// The only connection that it is for.
    pub(crate) session: Option<u64>,
    pub(crate) ask: Box<Ask>,
    pub(crate) queue: Arc<Queue>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("message", &self.message).finish_non_exhaustive()
    }
}

/// The subscriptions of a client, which outlive its connections.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(Mutex<Vec<Arc<Subscription>>>);

impl Subscriptions {
    fn with<T>(&self, f: impl FnOnce(&mut Vec<Arc<Subscription>>) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|s| !s.queue.is_dropped());
        f(&mut all)
    }

    pub(crate) fn add(&self, subscription: Arc<Subscription>) {
        self.with(|all| all.push(subscription));
    }

    /// Those whose subscriber is still there.
    pub(crate) fn live(&self) -> Vec<Arc<Subscription>> {
        self.with(|all| all.clone())
    }

    /// Tells subscribers that events may be missing from here on, and those of that connection only that it was all.
    pub(crate) fn lost(&self, session: u64) {
        self.with(|all| {
            for s in all.iter().filter(|s| s.session.is_none_or(|only| only <= session)) {
                s.queue.push(Err(CallError::Lost { message: s.message }));
            }
            all.retain(|s| {
                let over = s.session.is_some_and(|only| only <= session);
                if over {
                    s.queue.end();
                }
                !over
            });
        });
    }

    /// Tells all that nothing comes any more.
    pub(crate) fn end(&self) {
        self.with(|all| all.drain(..).for_each(|s| s.queue.end()));
    }
}

/// The events of a subscription, over all connections of its client.
#[derive(Debug)]
pub struct Events<E> {
    queue: Arc<Queue>,
    marker: PhantomData<fn() -> E>,
}

impl<E: Message> Events<E> {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, marker: PhantomData }
    }

    /// The next event. `None` when none can come any more: the client was closed, or the only connection that the
    /// subscription was for is gone.
    ///
    /// An error stands where events may be missing: the connection was lost, VPP refused the subscription or does not
    /// have the messages, an event could not be read. The subscription goes on and is renewed with the connection.
    pub async fn next(&mut self) -> Option<Result<E, CallError>> {
        loop {
            let ended = self.queue.ended.load(Ordering::Acquire);
            match self.queue.pop() {
                Some(Ok(message)) => {
                    return Some(Frame::<E>::decode(&message).map(|f| f.message).map_err(CallError::from));
                }
                Some(Err(e)) => return Some(Err(e)),
                None if ended => return None,
                None => self.queue.more.notified().await,
            }
        }
    }

    /// How many events were dropped because they were not taken in time.
    pub fn missed(&self) -> u64 {
        self.queue.missed.load(Ordering::Relaxed)
    }
}

impl<E> Drop for Events<E> {
    fn drop(&mut self) {
        self.queue.dropped.store(true, Ordering::Release);
    }
}
