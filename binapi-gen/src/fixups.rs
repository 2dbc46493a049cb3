//! Repairs of mistakes in VPP's own definitions.
//!
//! Each has its reason beside it and says for which releases it is known to be needed. One that finds nothing to
//! do there is an error: it would otherwise stay for ever.

use crate::error::Error;
use crate::model::{Api, Release};
use crate::resolve::Header;

/// A repair. `apply` tells how many places it mended.
struct Fixup {
    name: &'static str,
    /// Known to be needed from the first to the second release.
    needed: (Release, Release),
    /// Tells whether what has the mistake is there at all: an install may lack it.
    present: fn(&Api) -> bool,
    /// Applied to releases newer than the last one, too, in case the mistake is still there.
    onwards: bool,
    apply: fn(&mut Api) -> usize,
}

const FIXUPS: [Fixup; 2] = [
    Fixup {
        name: "details filed as events",
        needed: (Release { year: 25, month: 10 }, Release { year: 26, month: 6 }),
        present: |api| api.modules.contains_key("gre"),
        onwards: true,
        apply: details_filed_as_events,
    },
    Fixup {
        name: "file options of 20.01",
        needed: (Release { year: 20, month: 1 }, Release { year: 20, month: 1 }),
        present: |api| api.modules.values().any(|m| !m.options.is_empty()),
        onwards: false,
        apply: file_options_of_20_01,
    },
];

/// Applies those that the release needs; tells which.
pub(crate) fn apply(api: &mut Api) -> Result<Vec<&'static str>, Error> {
    let mut applied = Vec::new();
    for fixup in &FIXUPS {
        let needed = fixup.needed.0 <= api.release && api.release <= fixup.needed.1;
        let later = fixup.onwards && api.release > fixup.needed.1;
        if !needed && !later {
            continue;
        }
        let present = (fixup.present)(api);
        let mended = (fixup.apply)(api);
        if needed && present && mended == 0 {
            return Err(Error::Usage(format!(
                "fix-up \"{}\" finds nothing to mend in {}: the mistake is gone, so remove the fix-up",
                fixup.name, api.release
            )));
        }
        if mended > 0 {
            applied.push(fixup.name);
        }
    }
    Ok(applied)
}

/// The source of the gre module says `events` where it means `details`: the service then has a reply that is
/// never sent, and details that are listed as events. An event has a client index and no context, so a message
/// that begins with a context cannot be one.
fn details_filed_as_events(api: &mut Api) -> usize {
    let mut mended = 0;
    for module in api.modules.values_mut() {
        for service in &mut module.services {
            let [event] = service.events.as_slice() else { continue };
            let Some(message) = module.messages.iter().find(|m| m.name == *event) else { continue };
            if Header::of(&message.fields) == Header::Context {
                service.reply = Some(event.clone());
                service.stream = true;
                service.events.clear();
                mended += 1;
            }
        }
    }
    mended
}

/// The generator of 20.01 writes `{"e": "r"}` (two letters of the word `version`) as the options of every file
/// that has a version.
fn file_options_of_20_01(api: &mut Api) -> usize {
    let mut mended = 0;
    for module in api.modules.values_mut() {
        if module.options.len() == 1 && module.options.get("e").is_some_and(|v| v == "r") {
            module.options.clear();
            mended += 1;
        }
    }
    mended
}
