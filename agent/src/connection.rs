//! Follows the connection to VPP: picks the calls that fit, and tells whether there is something to configure.

use descriptors::Southbound;
use tokio::sync::watch;
use vpp_client::{Client, Connection, State};

/// Runs until the client is closed.
pub(crate) async fn follow(
    client: Client,
    southbound: Southbound,
    state: watch::Sender<orchestrator::Southbound>,
) {
    let mut states = client.state();
    states.mark_changed();
    while states.changed().await.is_ok() {
        let now = states.borrow_and_update().clone();
        let told = match now {
            State::Connected(connection) => select(&client, &connection, &southbound),
            other => {
                southbound.set(None);
                orchestrator::Southbound::Down(other.to_string())
            }
        };
        state.send_replace(told);
    }
}

fn select(client: &Client, connection: &Connection, southbound: &Southbound) -> orchestrator::Southbound {
    match vppcalls::select(client, connection) {
        Ok((handlers, selection)) => {
            if let Some(notice) = &selection.notice {
                tracing::warn!("{notice}");
            }
            let absent: Vec<&str> = selection.absent.iter().copied().collect();
            tracing::info!(
                found = %connection.version,
                chosen = selection.release,
                plugins_absent = %absent.join(","),
                unsupported = %selection.unsupported.join("; "),
                "calls chosen"
            );
            southbound.set(Some(handlers));
            orchestrator::Southbound::Up(connection.session)
        }
        Err(refusal) => {
            // The connection stays: a right VPP comes with a new one, and then this is asked again.
            tracing::error!("{refusal}");
            southbound.set(None);
            orchestrator::Southbound::Down(format!("VPP {} is not supported", connection.version))
        }
    }
}
