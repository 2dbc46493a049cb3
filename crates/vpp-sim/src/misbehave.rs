//! Faults carried out on the messages, as far as no socket is needed.

use serde_json::Value;

use crate::fault::{Active, Fault, Rule, RuleError, Sent, Which};
use crate::message::Request;
use crate::outbox::{Outbox, frame, messages};
use crate::sim::Sim;

impl Sim {
    /// Adds a rule; its number. The first rule that is for a message and not used up has it.
    ///
    /// # Errors
    /// The release has no such request or module.
    pub fn add_fault(&mut self, rule: Rule) -> Result<u64, RuleError> {
        let release = self.release().to_string();
        match &rule.which {
            Which::Message(name) if self.schema().service(name).is_none() => {
                return Err(RuleError::Message { release, name: name.clone() });
            }
            Which::Module(name) if !self.schema().messages().any(|m| m.module() == name) => {
                return Err(RuleError::Module { release, name: name.clone() });
            }
            _ => {}
        }
        Ok(self.faults.add(rule))
    }

    /// The rules in force, used up ones included.
    pub fn faults(&self) -> &[Active] {
        self.faults.rules()
    }

    /// Ends a rule; how it stood.
    pub fn clear_fault(&mut self, id: u64) -> Option<Active> {
        self.faults.remove(id)
    }

    /// Ends all rules.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn fault_for(&mut self, name: &str, fields: &Value, connection: u64) -> Option<Fault> {
        if self.faults.rules().is_empty() {
            return None;
        }
        let hello = match name {
            "sockclnt_create" => Request::new(&self.schema, name, fields).text("name"),
            _ => String::new(),
        };
        let mut clients: Vec<&str> = self
            .clients
            .iter()
            .flatten()
            .filter(|client| client.connection == connection)
            .map(|client| client.name.as_str())
            .collect();
        // Who says hello is not registered yet.
        clients.push(&hello);
        let module = self.schema.message(name).map_or("", |message| message.module());
        let fault = self.faults.hit(&Sent { message: name, module, connection, clients });
        if let Some(fault) = &fault {
            tracing::info!(name, connection, ?fault, "misbehaves as told");
        }
        fault
    }

    /// Carries out a message that something goes wrong with.
    pub(crate) fn misbehave(&mut self, fault: &Fault, id: u16, name: &str, fields: &Value, out: &mut Outbox) {
        match fault {
            Fault::Refuse { retval } => return self.execute(id, name, fields, Some(*retval), out),
            Fault::Drop { execute: false } => return,
            Fault::Crash => return self.die(format!("told to crash at {name}")),
            _ => {}
        }
        let mut answers = Outbox::new(out.connection);
        self.execute(id, name, fields, None, &mut answers);
        if self.died().is_some() {
            return;
        }
        out.close |= answers.close;
        match fault {
            Fault::Cut { .. } | Fault::Close { .. } => out.close = true,
            Fault::Stall { by } => out.stall = Some(*by),
            _ => {}
        }
        let connection = out.connection;
        for (connection, bytes) in std::iter::once((connection, answers.own)).chain(answers.others) {
            let bytes = self.spoil(fault, bytes);
            match fault {
                Fault::Delay { by } => out.later(connection, *by, bytes),
                _ if connection == out.connection => out.own.extend_from_slice(&bytes),
                _ => out.others.push((connection, bytes)),
            }
        }
    }

    /// Answers as a fault leaves them.
    fn spoil(&self, fault: &Fault, answers: Vec<u8>) -> Vec<u8> {
        let each = |change: &dyn Fn(&[u8]) -> Vec<u8>| {
            messages(&answers).flat_map(|message| frame(&change(message))).collect()
        };
        match fault {
            Fault::Drop { .. } => Vec::new(),
            Fault::Duplicate => answers.repeat(2),
            Fault::Truncate { to } => each(&|message| message.get(..*to).unwrap_or(message).to_vec()),
            Fault::Cut { after } => answers.get(..*after).unwrap_or(&answers).to_vec(),
            Fault::Context { context } => each(&|message| self.with_context(message, *context)),
            Fault::Id { id } => each(&|message| {
                let rest = message.get(2..).unwrap_or_default();
                [id.to_be_bytes().as_slice(), rest].concat()
            }),
            Fault::Length { length } => {
                let mut answers = answers;
                for (to, from) in answers.iter_mut().skip(8).zip(length.to_be_bytes()) {
                    *to = from;
                }
                answers
            }
            Fault::Instead { bytes } => bytes.clone(),
            Fault::Close { answers: Some(n) } => messages(&answers).take(*n).flat_map(frame).collect(),
            Fault::Refuse { .. }
            | Fault::Delay { .. }
            | Fault::Stall { .. }
            | Fault::Close { answers: None }
            | Fault::Crash => answers,
        }
    }

    fn with_context(&self, message: &[u8], context: u32) -> Vec<u8> {
        let changed = || {
            let (id, body) = message.split_first_chunk::<2>()?;
            let name = self.table().name(u16::from_be_bytes(*id))?;
            let mut fields = self.schema().decode(name, body).ok()?;
            *fields.get_mut("context")? = context.into();
            let body = self.schema().encode(name, &fields).ok()?;
            Some([id.as_slice(), &body].concat())
        };
        // An answer without a context has none that could be wrong.
        changed().unwrap_or_else(|| message.to_vec())
    }
}
