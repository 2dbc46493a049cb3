//! Follows the connection to VPP: picks the calls that fit, and tells whether there is something to configure.
//!
//! ```text
//! connected --choose by table and version--> calls in use --VPP's own definitions agree--> calls in use
//!               |                                              | they do not
//!               v refused                                      v
//!           incompatible: no calls, until another VPP connects or the operator forces a release
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use descriptors::Southbound;
use tokio::sync::watch;
use vpp_client::{Client, Connection, MessageTable, State};
use vppcalls::Handlers;
use vppcalls::select::{self, Evidence, LayoutError, Layouts, Selection};

/// What one build of VPP is told from another by. With other plugins it is another: it has other messages.
#[derive(PartialEq, Eq)]
struct Build {
    version: String,
    build_date: String,
    table: Arc<MessageTable>,
}

impl Build {
    fn of(connection: &Connection) -> Self {
        Self {
            version: connection.version.clone(),
            build_date: connection.build_date.clone(),
            table: connection.table.clone(),
        }
    }
}

type Answer = Result<Option<Layouts>, LayoutError>;

pub(crate) struct Follower {
    client: Client,
    southbound: Southbound,
    state: watch::Sender<orchestrator::Southbound>,
    forced: Option<String>,
    /// The layouts of the last VPP that told them, so that each build is asked once.
    known: Option<(Build, Layouts)>,
    /// The connection with its choice.
    current: Option<(Arc<Connection>, Selection)>,
    /// VPP's definitions, on their way.
    asked: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Counts choices: what was configured with other calls has to be compared anew.
    choices: u64,
}

impl Follower {
    /// `forced` is a release whose calls are used whether they fit or not.
    pub(crate) fn new(
        client: Client,
        southbound: Southbound,
        state: watch::Sender<orchestrator::Southbound>,
        forced: Option<String>,
    ) -> Self {
        Self { client, southbound, state, forced, known: None, current: None, asked: None, choices: 0 }
    }

    /// Runs until the client is closed.
    pub(crate) async fn run(mut self) {
        let mut states = self.client.state();
        states.mark_changed();
        loop {
            tokio::select! {
                changed = states.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = states.borrow_and_update().clone();
                    self.changed(now);
                }
                answer = answered(&mut self.asked) => {
                    self.asked = None;
                    self.compare(answer);
                }
            }
        }
    }

    fn changed(&mut self, state: State) {
        (self.current, self.asked) = (None, None);
        let State::Connected(connection) = state else {
            return self.down(state.to_string());
        };
        let known = self.known.as_ref().filter(|(build, _)| *build == Build::of(&connection));
        let asked_before = known.is_some();
        self.choose(connection.clone());
        // Not before VPP is used: to read its definitions takes a while.
        if !asked_before && self.current.is_some() {
            let client = self.client.clone();
            self.asked = Some(Box::pin(async move { Layouts::ask(&client, &connection).await }));
        }
    }

    /// What VPP's own definitions say of the choice.
    fn compare(&mut self, answer: Answer) {
        let Some((connection, before)) = self.current.take() else { return };
        match answer {
            Ok(Some(layouts)) => {
                self.known = Some((Build::of(&connection), layouts));
                let evidence = self.evidence(&connection);
                match select::choose(&evidence, self.forced.as_deref()) {
                    Ok(same) if same.release == before.release && same.notice == before.notice => {
                        tracing::debug!(release = same.release, "VPP's own definitions agree with the calls");
                        self.current = Some((connection, before));
                    }
                    _ => self.choose(connection),
                }
            }
            Ok(None) => self.current = Some((connection, before)),
            Err(error) => {
                tracing::warn!("VPP's own definitions cannot be compared with the calls: {error}");
                self.current = Some((connection, before));
            }
        }
    }

    fn evidence<'a>(&'a self, connection: &'a Connection) -> Evidence<'a> {
        let known = self.known.as_ref().filter(|(build, _)| *build == Build::of(connection));
        Evidence { layouts: known.map(|(_, layouts)| layouts), ..Evidence::of(connection) }
    }

    /// Chooses by all that is known, and uses what is chosen.
    fn choose(&mut self, connection: Arc<Connection>) {
        let selection = match select::choose(&self.evidence(&connection), self.forced.as_deref()) {
            Ok(selection) => selection,
            Err(refusal) => {
                // The connection stays: a right VPP comes with a new one, and then this is asked again.
                tracing::error!("{refusal}");
                return self.down(format!("incompatible: {}", refusal.brief()));
            }
        };
        match &selection.notice {
            Some(notice) if selection.forced => tracing::error!("{notice}"),
            Some(notice) => tracing::warn!("{notice}"),
            None => {}
        }
        tracing::info!(chosen = selection.release, "{selection}");
        let Some(handlers) = Handlers::new(&self.client, &connection, &selection) else {
            return self.down(format!("incompatible: there are no calls of {}", selection.release));
        };
        self.southbound.set(Some(handlers));
        self.choices += 1;
        self.state.send_replace(orchestrator::Southbound::Up(self.choices));
        self.current = Some((connection, selection));
    }

    fn down(&mut self, why: String) {
        self.southbound.set(None);
        self.state.send_replace(orchestrator::Southbound::Down(why));
    }
}

/// For ever when nothing was asked.
async fn answered(asked: &mut Option<Pin<Box<dyn Future<Output = Answer> + Send>>>) -> Answer {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}
