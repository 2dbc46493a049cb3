//! `binapi/index/src/tables.rs`: which revision each release has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::MARK;
use crate::model::{Arity, Component};
use crate::revisions::{Answer, Corpus, MessageId, RevField, RevKind, Target};

pub(super) fn emit(corpus: &Corpus, files: &mut BTreeMap<PathBuf, String>) {
    let mut text = format!(
        "{MARK}\n#![cfg_attr(rustfmt, rustfmt_skip)]\n#![allow(clippy::all, missing_docs)]\n\n\
         use crate::{{Answer, Component, Kind, Message, Module, Release, Service, Type}};\n\n"
    );
    let _ = writeln!(text, "pub static TYPES: &[Type] = &[");
    for ty in &corpus.types {
        let (kind, detail) = match &ty.kind {
            RevKind::Struct(fields) => ("Struct", spell(fields)),
            RevKind::Union(fields, _) => ("Union", spell(fields)),
            RevKind::Enum(width) => ("Enum", width.name().to_string()),
            RevKind::Alias(target, length) => {
                let length = length.map(|n| format!("[{n}]")).unwrap_or_default();
                ("Alias", format!("{}{length}", spell_target(target)))
            }
        };
        let _ = writeln!(
            text,
            "    Type::new(\"{}\", \"{}\", {}, Kind::{kind}, \"{detail}\"),",
            ty.name,
            ty.module,
            mask(ty.releases.iter().copied())
        );
    }
    let _ = writeln!(text, "];\n\npub static MESSAGES: &[Message] = &[");
    for message in &corpus.messages {
        let _ = writeln!(
            text,
            "    Message::new(\"{}\", 0x{:08x}, \"{}\", {}, 0x{:08x}, \"{}\"),",
            message.name,
            message.crc,
            message.module,
            mask(message.releases.iter().copied()),
            message.shape_hash(),
            spell(&message.fields)
        );
    }
    let _ = writeln!(text, "];\n\npub static SERVICES: &[Service] = &[");
    let mut services: BTreeMap<(MessageId, Answer), Vec<usize>> = BTreeMap::new();
    for (position, view) in corpus.views.iter().enumerate() {
        for (request, answer) in &view.services {
            services.entry((*request, answer.clone())).or_default().push(position);
        }
    }
    for ((request, answer), positions) in services {
        let answer = match answer {
            Answer::Reply(reply, events) => {
                let events: Vec<String> = events.iter().map(|e| e.0.to_string()).collect();
                format!("Answer::Reply({}, &[{}])", reply.0, events.join(", "))
            }
            Answer::Dump(details) => format!("Answer::Dump({})", details.0),
            Answer::Stream(details, reply) => format!("Answer::Stream({}, {})", details.0, reply.0),
            Answer::Nothing => "Answer::Nothing".to_string(),
        };
        let _ = writeln!(text, "    Service::new({}, {}, {answer}),", request.0, mask(positions.into_iter()));
    }
    let _ = writeln!(text, "];\n\npub static RELEASES: &[Release] = &[");
    for (release, view) in corpus.releases.iter().zip(&corpus.views) {
        let _ = writeln!(text, "    Release::new(\"{release}\", &[");
        for (name, module) in &view.modules {
            let component = match module.component {
                Component::Core => "Core",
                Component::Plugin => "Plugin",
            };
            let messages: Vec<String> = module.messages.iter().map(|id| id.0.to_string()).collect();
            let types: Vec<String> = module.types.iter().map(|id| id.0.to_string()).collect();
            let _ = writeln!(
                text,
                "        Module::new(\"{name}\", Component::{component}, &[{}], &[{}]),",
                messages.join(", "),
                types.join(", ")
            );
        }
        text.push_str("    ]),\n");
    }
    text.push_str("];\n");
    files.insert(PathBuf::from("index/src/tables.rs"), text);
}

fn mask(positions: impl Iterator<Item = usize>) -> String {
    let bits = positions.fold(0u64, |bits, p| bits | 1u64.checked_shl(p as u32).unwrap_or_default());
    format!("0x{bits:x}")
}

/// `is_add:bool;route:#12;paths:#7[n_paths]`: a `#` goes to the table of types.
fn spell(fields: &[RevField]) -> String {
    let one = |f: &RevField| {
        let arity = match &f.arity {
            Arity::One => String::new(),
            Arity::Fixed(n) => format!("[{n}]"),
            Arity::Counted(counter) => format!("[{counter}]"),
        };
        format!("{}:{}{arity}", f.name, spell_target(&f.target))
    };
    fields.iter().map(one).collect::<Vec<_>>().join(";")
}

fn spell_target(target: &Target) -> String {
    match target {
        Target::Primitive(p) => p.name().to_string(),
        Target::Text => "string".to_string(),
        Target::Type(id) => format!("#{}", id.0),
    }
}
