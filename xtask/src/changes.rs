//! What a release changed against the one before it.

use std::collections::BTreeMap;

use binapi_gen::Release;
use binapi_gen::revisions::{Corpus, MessageId, MessageRevision, RevField, Target};

/// Prints messages that are new, changed (field by field) and gone.
pub(crate) fn print(corpus: &Corpus, release: Release) {
    let Some(position) = corpus.releases.iter().position(|r| *r == release) else { return };
    let Some(before) = position.checked_sub(1) else { return };
    let messages = |position: usize| -> BTreeMap<&str, MessageId> {
        let modules = corpus.views.get(position).map(|v| v.modules.values()).into_iter().flatten();
        let ids = modules.flat_map(|m| m.messages.iter().copied());
        ids.filter_map(|id| corpus.message(id).map(|m| (m.name.as_str(), id))).collect()
    };
    let (old, new) = (messages(before), messages(position));
    let was = corpus.release(before).map(|r| r.to_string()).unwrap_or_default();
    let mut counts = (0, 0, 0);
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        println!("new: {name}");
        counts.0 += 1;
    }
    for (name, id) in &new {
        let Some(elder) = old.get(name).filter(|elder| *elder != id) else { continue };
        let (Some(a), Some(b)) = (corpus.message(*elder), corpus.message(*id)) else { continue };
        println!("changed: {name} ({})", how(a, b));
        for line in fields(corpus, a, b) {
            println!("  {line}");
        }
        counts.1 += 1;
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        println!("gone: {name}");
        counts.2 += 1;
    }
    println!("{release} against {was}: {} new, {} changed, {} gone", counts.0, counts.1, counts.2);
}

fn how(a: &MessageRevision, b: &MessageRevision) -> &'static str {
    match (a.crc == b.crc, a.shape == b.shape) {
        (true, false) => "SAME CRC, OTHER LAYOUT",
        (true, true) => "same CRC and layout, other names",
        (false, true) => "other CRC, same layout",
        (false, false) => "other CRC and layout",
    }
}

fn fields(corpus: &Corpus, a: &MessageRevision, b: &MessageRevision) -> Vec<String> {
    let spell = |f: &RevField| {
        let ty = match &f.target {
            Target::Primitive(p) => p.name().to_string(),
            Target::Text => "string".to_string(),
            Target::Type(id) => match corpus.ty(*id) {
                Some(ty) => format!("{} = {}", ty.name, ty.shape),
                None => String::new(),
            },
        };
        format!("{} {ty} {:?}", f.name, f.arity)
    };
    let old: Vec<String> = a.fields.iter().map(spell).collect();
    let new: Vec<String> = b.fields.iter().map(spell).collect();
    let gone = old.iter().filter(|f| !new.contains(f)).map(|f| format!("- {f}"));
    let come = new.iter().filter(|f| !old.contains(f)).map(|f| format!("+ {f}"));
    gone.chain(come).collect()
}
