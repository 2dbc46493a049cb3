//! Programs beside the agent, or in it, that state what is wanted.

use std::sync::Arc;

use kvscheduler::{Key, Record, Transaction};
use models::ModelValue;
use tokio::sync::{mpsc, oneshot};

use crate::merge::Identity;
use crate::stated::{Labels, Put};
use crate::status::{Statuses, ValueStatus};

/// An item that a client wants, or wants no more.
#[derive(Clone, Debug)]
pub enum Item {
    /// This value, with these labels in place of those that it had.
    Put(ModelValue, Labels),
    /// Nothing under this key.
    Delete(String),
}

pub(crate) enum Request {
    Push(Push),
    Resync(oneshot::Sender<Option<Arc<Record>>>),
    Notify(Transaction),
}

pub(crate) struct Push {
    pub(crate) source: Identity,
    pub(crate) items: Vec<(Key, Option<Put>)>,
    pub(crate) overwrite_all: bool,
    pub(crate) done: oneshot::Sender<Vec<ValueStatus>>,
}

/// What a client asks for cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// One key is given twice in one request.
    #[error("{0} is given twice in one request; nothing of it is done")]
    Twice(String),
    /// The agent stops.
    #[error("the agent is about to stop")]
    Stopping,
}

/// States what is wanted, and asks for states. Clones are the same.
#[derive(Clone)]
pub struct Client {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) statuses: Statuses,
}

impl Client {
    /// States items as `source`, which takes part from then on, and waits until they have been tried. With
    /// `overwrite_all` what the source stated before and does not state now is wanted no more; what other sources
    /// state is not touched.
    ///
    /// # Errors
    /// A key is given twice, or the agent stops. Nothing was done.
    pub async fn push(
        &self,
        source: Identity,
        items: Vec<Item>,
        overwrite_all: bool,
    ) -> Result<Vec<ValueStatus>, ClientError> {
        let mut keyed: Vec<(Key, Option<Put>)> = Vec::with_capacity(items.len());
        let mut seen = std::collections::BTreeSet::new();
        for item in items {
            let (key, put) = match item {
                Item::Put(value, labels) => (Key::from(value.key()), Some(Put { value, labels })),
                Item::Delete(key) => (Key::from(key), None),
            };
            if !seen.insert(Key::clone(&key)) {
                return Err(ClientError::Twice(key.to_string()));
            }
            keyed.push((key, put));
        }
        let (done, answer) = oneshot::channel();
        let push = Push { source, items: keyed, overwrite_all, done };
        self.requests.send(Request::Push(push)).await.map_err(|_| ClientError::Stopping)?;
        answer.await.map_err(|_| ClientError::Stopping)
    }

    /// Compares everything that is wanted with what the southbound has. None: there is no southbound now.
    ///
    /// # Errors
    /// The agent stops.
    pub async fn resync(&self) -> Result<Option<Arc<Record>>, ClientError> {
        let (done, answer) = oneshot::channel();
        self.requests.send(Request::Resync(done)).await.map_err(|_| ClientError::Stopping)?;
        answer.await.map_err(|_| ClientError::Stopping)
    }

    /// Tells what came, changed or went in the southbound by itself: a transaction of that kind.
    ///
    /// # Errors
    /// The agent stops.
    pub async fn notify(&self, transaction: Transaction) -> Result<(), ClientError> {
        self.requests.send(Request::Notify(transaction)).await.map_err(|_| ClientError::Stopping)
    }

    /// The states of all values.
    pub fn statuses(&self) -> &Statuses {
        &self.statuses
    }
}
