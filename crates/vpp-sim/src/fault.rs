//! Misbehaviour on demand: which messages, and what goes wrong with them.

use std::time::Duration;

/// What goes wrong with a message or its answers.
///
/// Where nothing else is said the request is carried out first, and events that it causes are delivered as ever:
/// what suffers is its answers. Times and ends of connections are a matter of the socket: a [`crate::Sim`] without
/// one gives its answers at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not carried out; the reply has this retval. A dump that ends without a reply shows nothing.
    Refuse {
        /// A number of VPP's, negative.
        retval: i32,
    },
    /// Answers come later. The order of a connection is kept: all that comes after them waits, too.
    Delay {
        /// Time from the request to its answers.
        by: Duration,
    },
    /// No answer.
    Drop {
        /// It is carried out all the same.
        execute: bool,
    },
    /// All answers once more, after the last one.
    Duplicate,
    /// Each answer is cut; its frame is of the right length for what is left.
    Truncate {
        /// Bytes that are left of a message, id and all.
        to: usize,
    },
    /// What is sent ends within the answers, and the connection with it.
    Cut {
        /// Bytes of the answers that are sent, headers and all.
        after: usize,
    },
    /// The answers are to another request than was asked.
    Context {
        /// The context that they have.
        context: u32,
    },
    /// The answers are of another message.
    Id {
        /// The id that they have.
        id: u16,
    },
    /// The first answer's header is wrong about its length.
    Length {
        /// What it says.
        length: u32,
    },
    /// Bytes in place of the answers.
    Instead {
        /// The bytes as they are sent; [`crate::frame`] makes a frame of a message.
        bytes: Vec<u8>,
    },
    /// The main loop stops: nothing is read, written or accepted, then it goes on with the answers.
    Stall {
        /// For how long.
        by: Duration,
    },
    /// The connection ends.
    Close {
        /// How many of the answers are sent before; `None` for all.
        answers: Option<usize>,
    },
    /// The VPP dies before it carries it out.
    Crash,
}

/// The messages that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them, handshake and goodbye included.
    All,
    /// A request by its name: `sw_interface_dump`.
    Message(String),
    /// The requests of an API module, such as a plugin's: `acl`.
    Module(String),
}

impl From<&str> for Which {
    fn from(message: &str) -> Self {
        Self::Message(message.to_string())
    }
}

/// When something goes wrong, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The messages.
    pub which: Which,
    /// From this connection only.
    pub connection: Option<u64>,
    /// From clients with this name only.
    pub client: Option<String>,
    /// How many of the messages pass unharmed first.
    pub after: u64,
    /// How often; `None` until it is cleared.
    pub times: Option<u64>,
    /// What goes wrong.
    pub fault: Fault,
}

impl Rule {
    /// From any client, until it is cleared. A text is the name of a message.
    pub fn new(which: impl Into<Which>, fault: Fault) -> Self {
        Self { which: which.into(), connection: None, client: None, after: 0, times: None, fault }
    }

    /// Not before so many have passed.
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }

    /// Only so often.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Only from one connection.
    #[must_use]
    pub fn connection(self, connection: u64) -> Self {
        Self { connection: Some(connection), ..self }
    }

    /// Only from clients of a name.
    #[must_use]
    pub fn client(self, name: &str) -> Self {
        Self { client: Some(name.to_string()), ..self }
    }
}

/// Why a rule cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No such request.
    #[error("VPP {release} has no request {name}")]
    Message {
        /// The release.
        release: String,
        /// What was given.
        name: String,
    },
    /// No such module.
    #[error("VPP {release} has no API module {name}")]
    Module {
        /// The release.
        release: String,
        /// What was given.
        name: String,
    },
}

/// A rule in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub id: u64,
    /// The rule.
    pub rule: Rule,
    /// How many messages it has let pass.
    pub passed: u64,
    /// How often it has struck.
    pub hits: u64,
}

/// Where a message comes from, and what it is.
pub(crate) struct Sent<'a> {
    pub(crate) message: &'a str,
    pub(crate) module: &'a str,
    pub(crate) connection: u64,
    pub(crate) clients: Vec<&'a str>,
}

/// All rules, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Active>,
    last: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) -> u64 {
        self.last = self.last.saturating_add(1);
        self.rules.push(Active { id: self.last, rule, passed: 0, hits: 0 });
        self.last
    }

    pub(crate) fn rules(&self) -> &[Active] {
        &self.rules
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Active> {
        let position = self.rules.iter().position(|active| active.id == id)?;
        Some(self.rules.remove(position))
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What goes wrong with a message: the first rule that is for it, lets it not pass and is not used up.
    pub(crate) fn hit(&mut self, sent: &Sent<'_>) -> Option<Fault> {
        for active in self.rules.iter_mut().filter(|active| active.is_for(sent)) {
            if active.passed < active.rule.after {
                active.passed = active.passed.saturating_add(1);
                continue;
            }
            active.hits = active.hits.saturating_add(1);
            return Some(active.rule.fault.clone());
        }
        None
    }
}

impl Active {
    fn is_for(&self, sent: &Sent<'_>) -> bool {
        let Rule { which, connection, client, after: _, times, fault: _ } = &self.rule;
        times.is_none_or(|times| self.hits < times)
            && connection.is_none_or(|connection| connection == sent.connection)
            && client.as_deref().is_none_or(|client| sent.clients.contains(&client))
            && match which {
                Which::All => true,
                Which::Message(name) => name == sent.message,
                Which::Module(name) => name == sent.module,
            }
    }
}
