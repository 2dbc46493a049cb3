//! A scheduler with a queue: transactions come from several places and run one after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::error::{CommitError, QueueError};
use crate::record::Record;
use crate::scheduler::Scheduler;
use crate::transaction::Transaction;
use crate::view::View;

type Outcome = Result<Arc<Record>, CommitError>;

enum Request {
    Commit(Transaction, oneshot::Sender<Outcome>),
    Park,
}

/// Queues transactions for a scheduler. Clones share the queue.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<Request>,
    view: View,
}

/// The outcome of a queued transaction. Dropping it does not take the transaction back.
#[derive(Debug)]
#[must_use = "what becomes of a transaction is told here only"]
pub struct Ticket(oneshot::Receiver<Outcome>);

impl Ticket {
    /// Waits for the transaction to end.
    pub async fn wait(self) -> Outcome {
        self.0.await.unwrap_or(Err(CommitError::Closed))
    }
}

impl Handle {
    /// Waits for space in the queue and then for the transaction to end. If the future is dropped while there is no space,
    /// the transaction is not queued; after that it runs to its end in any case.
    pub async fn commit(&self, transaction: Transaction) -> Outcome {
        self.queue(transaction).await?.wait().await
    }

    /// Waits for space in the queue, but not for the transaction to end.
    pub async fn queue(&self, transaction: Transaction) -> Result<Ticket, CommitError> {
        let (sender, ticket) = oneshot::channel();
        let sent = self.queue.send(Request::Commit(transaction, sender)).await;
        sent.map_err(|_| CommitError::Closed)?;
        Ok(Ticket(ticket))
    }

    /// Waits for nothing. What finds no space in the queue is given back.
    pub fn try_queue(&self, transaction: Transaction) -> Result<Ticket, QueueError> {
        let (sender, ticket) = oneshot::channel();
        let given_back = |request: Request| match request {
            Request::Commit(transaction, _) => Box::new(transaction),
            Request::Park => Box::new(Transaction::change()),
        };
        self.queue.try_send(Request::Commit(transaction, sender)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(request) => {
                QueueError::Full { capacity: self.queue.max_capacity(), transaction: given_back(request) }
            }
            mpsc::error::TrySendError::Closed(request) => {
                QueueError::Closed { transaction: given_back(request) }
            }
        })?;
        Ok(Ticket(ticket))
    }

    /// The southbound was lost: see [`Scheduler::park`]. Takes effect after what was queued before.
    pub async fn park(&self) -> Result<(), CommitError> {
        self.queue.send(Request::Park).await.map_err(|_| CommitError::Closed)
    }

    /// How many transactions can be queued now.
    pub fn space(&self) -> usize {
        self.queue.capacity()
    }

    /// A look at the scheduler, which does not wait for transactions.
    pub fn view(&self) -> &View {
        &self.view
    }
}

impl Scheduler {
    /// Gives the scheduler a queue of this length, and what has to be run (spawned or awaited) for it to work: transactions
    /// in the order in which they were queued, and retries when they are due. It ends, and gives the scheduler back, when
    /// all handles are gone and what was queued has run.
    pub fn serve(self, capacity: usize) -> (Handle, impl Future<Output = Self> + Send) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let handle = Handle { queue: sender, view: self.view() };
        (handle, self.run_queue(receiver))
    }

    async fn run_queue(mut self, mut queue: mpsc::Receiver<Request>) -> Self {
        loop {
            let request = tokio::select! {
                biased;
                () = self.retry_due() => {
                    if let Err(error) = self.commit(Transaction::retry_failed()).await {
                        tracing::error!(%error, "retry not run");
                    }
                    continue;
                }
                request = queue.recv() => request,
            };
            match request {
                Some(Request::Commit(transaction, sender)) => {
                    let outcome = self.commit(transaction).await;
                    if let Err(Err(error)) = sender.send(outcome) {
                        // Nobody waits for it, but it must not go unsaid.
                        tracing::error!(%error, "transaction not run");
                    }
                }
                Some(Request::Park) => self.park(),
                None => return self,
            }
        }
    }

    /// Ends when a retry is due; never where none is, or where it could not run.
    fn retry_due(&self) -> impl Future<Output = ()> + Send + use<> {
        let wait = {
            let inner = self.shared.lock();
            let due = inner.graph.retrying().next().map(|(due, _)| *due);
            due.filter(|_| !inner.needs_resync).map(|due| due.saturating_sub(inner.clock.monotonic()))
        };
        let clock = Arc::clone(&self.clock);
        async move {
            match wait {
                Some(Duration::ZERO) => {}
                Some(wait) => clock.sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }
}
