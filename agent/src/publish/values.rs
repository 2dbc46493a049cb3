//! The state of every value, under `config-status/` beside `config/`.

use std::sync::Arc;

use bytes::Bytes;
use kvscheduler::{Operation, State};
use kvstore::Store;
use models::proto::ligato::kvscheduler as proto;
use orchestrator::{Statuses, ValueStatus};

use super::Writer;

/// Writes states until the agent ends. `label` is its name.
pub(crate) async fn values(statuses: Statuses, store: Arc<dyn Store>, label: String) {
    let agent = models::agent_prefix(&label);
    let prefix = format!("{agent}config-status/");
    let mut watcher = statuses.watch();
    let mut writer = Writer::new(store);
    writer.clean(&prefix).await;
    loop {
        tokio::select! {
            changes = watcher.next() => {
                let Some(changes) = changes else { return };
                for (key, status) in changes {
                    let stated = models::split_agent_prefix(&key).1;
                    let Some(rest) = stated.strip_prefix("config/") else { continue };
                    let gone = status.as_ref().is_none_or(|status| status.state == State::Nonexistent);
                    let value = status.filter(|_| !gone).map(|status| encode(&status));
                    writer.set(format!("{prefix}{rest}"), value);
                }
            }
            () = writer.again() => {}
        }
        writer.flush().await;
    }
}

fn encode(status: &ValueStatus) -> Bytes {
    let message = proto::BaseValueStatus {
        value: Some(value(status)),
        derived_values: status.derived.iter().map(value).collect(),
    };
    models::json::encode(&message).to_string().into()
}

fn value(status: &ValueStatus) -> proto::ValueStatus {
    let operation = match status.operation {
        None => proto::TxnOperation::Undefined,
        Some(Operation::Create) => proto::TxnOperation::Create,
        Some(Operation::Update) => proto::TxnOperation::Update,
        Some(Operation::Delete) => proto::TxnOperation::Delete,
    };
    proto::ValueStatus {
        key: status.key.clone(),
        state: state(status.state).into(),
        error: status.error.clone().unwrap_or_default(),
        last_operation: operation.into(),
        details: status.details.clone(),
    }
}

fn state(state: State) -> proto::ValueState {
    match state {
        State::Missing => proto::ValueState::Missing,
        State::Unimplemented => proto::ValueState::Unimplemented,
        State::Removed => proto::ValueState::Removed,
        State::Configured => proto::ValueState::Configured,
        State::Obtained => proto::ValueState::Obtained,
        State::Discovered => proto::ValueState::Discovered,
        State::Pending => proto::ValueState::Pending,
        State::Invalid => proto::ValueState::Invalid,
        State::Failed => proto::ValueState::Failed,
        State::Retrying => proto::ValueState::Retrying,
        _ => proto::ValueState::Nonexistent,
    }
}
