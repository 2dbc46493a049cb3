//! Which release's calls are chosen for a VPP, by its message table and what it says of itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use binapi_index::{Component, Message, RELEASES};
use common::{connect, each_release, messages_of, newest, options, position, release, run, schema};
use vpp_client::{Lookup, MessageTable};
use vpp_sim::Sim;
use vppcalls::Refusal;
use vppcalls::select::{Misfit, choose, groups, release_of, required};
use vppcalls::types::Tap;

type Names = BTreeMap<String, u32>;

/// The messages of each release, out of its definitions.
static TABLES: LazyLock<BTreeMap<&'static str, Names>> = LazyLock::new(|| {
    let names = |release| schema(release).messages().map(|m| (m.name().to_string(), m.crc())).collect();
    RELEASES.iter().map(|r| (r.name, names(r.name))).collect()
});

fn table(names: &Names) -> MessageTable {
    let lines: Vec<String> = names.iter().map(|(name, crc)| format!("{name}_{crc:08x}")).collect();
    let table = MessageTable::from_names(lines.iter().map(String::as_str));
    assert_eq!(table.len(), names.len());
    table
}

fn own(release: &str) -> Names {
    TABLES[release].clone()
}

fn says(release: &str) -> String {
    format!("{release}-release")
}

fn needed(release: &str) -> Vec<&'static Message> {
    required(&groups(), position(release))
}

/// Module and component of a message in a release.
fn home(message: &Message, release: &str) -> (&'static str, Component) {
    let modules = RELEASES[position(release)].modules;
    let has = |m: &&binapi_index::Module| {
        m.messages.iter().any(|p| std::ptr::eq(&binapi_index::MESSAGES[usize::from(*p)], message))
    };
    let module = modules.iter().find(has).expect("the release has it");
    (module.name, module.component)
}

/// What calls of a release need of its plugins.
fn plugins(release: &str) -> BTreeMap<&'static str, Vec<&'static Message>> {
    let mut plugins: BTreeMap<&'static str, Vec<&'static Message>> = BTreeMap::new();
    for message in needed(release) {
        if let (module, Component::Plugin) = home(message, release) {
            plugins.entry(module).or_default().push(message);
        }
    }
    plugins
}

fn misfit<'a>(refusal: &'a Refusal, release: &str) -> &'a Misfit {
    let found = refusal.misfits.iter().find(|(name, _)| *name == release);
    &found.unwrap_or_else(|| panic!("{release} is not in the refusal:\n{refusal}")).1
}

/// Every needed message of the chosen release is laid out as in the release that VPP really is.
fn is_safe(chosen: &str, really: &str, table: &MessageTable) -> Result<(), String> {
    let shapes: BTreeMap<(&str, u32), u32> =
        messages_of(really).map(|m| ((m.name, m.crc), m.shape)).collect();
    for message in needed(chosen) {
        let there = matches!(table.lookup(message.name, message.crc), Lookup::Present(_));
        if there && shapes.get(&(message.name, message.crc)).is_some_and(|shape| *shape != message.shape) {
            return Err(format!("{} of {chosen} is laid out otherwise in {really}", message.name));
        }
    }
    Ok(())
}

#[test]
fn the_table_of_each_release_chooses_that_release() {
    each_release(|release| {
        let version = format!("v{release}.1-rc0~3-g0123abc");
        let selection = choose(&table(&own(release)), &version).unwrap_or_else(|r| panic!("{release}: {r}"));
        assert_eq!(selection.release, release, "{version}");
        assert_eq!(selection.position, position(release));
        assert_eq!(selection.notice, None, "{release}");
        assert!(selection.absent.is_empty(), "{release}: {:?}", selection.absent);
    });
}

#[test]
fn a_core_message_with_another_crc_is_refused_by_name_and_both_crcs() {
    let everywhere: BTreeSet<&str> = needed(newest())
        .iter()
        .map(|m| m.name)
        .filter(|name| RELEASES.iter().all(|r| needed(r.name).iter().any(|m| m.name == *name)))
        .collect();
    assert!(everywhere.contains("sw_interface_dump"), "{everywhere:?}");
    each_release(|release| {
        // All messages of the newest release; of the others a few, each time others.
        let thorough = release == newest();
        let core: Vec<_> =
            needed(release).into_iter().filter(|m| home(m, release).1 == Component::Core).collect();
        assert!(core.len() > 25, "{release}: {}", core.len());
        let (first, step) = if thorough { (0, 1) } else { (position(release) % 17, 17) };
        for (n, message) in core.iter().enumerate().skip(first).step_by(step) {
            let found = message.crc ^ 0x8000_0001;
            let mut names = own(release);
            names.insert(message.name.to_string(), found);
            match choose(&table(&names), &says(release)) {
                Err(refusal) => {
                    let misfit = misfit(&refusal, release);
                    assert_eq!(misfit.changed, [(message.name.to_string(), message.crc, found)], "{release}");
                    assert!(misfit.absent.is_empty() && misfit.other_layout.is_empty(), "{misfit:?}");
                    let line = format!(
                        "  {release}: other CRC: {} ({:08x} needed, {found:08x} found).",
                        message.name, message.crc
                    );
                    assert!(refusal.to_string().contains(&line), "{line:?} is not in\n{refusal}");
                }
                // Calls of another release do without it, and all that they need is there.
                Ok(selection) => {
                    assert_ne!(selection.release, release, "{}", message.name);
                    assert!(!everywhere.contains(message.name), "{release}: {}", message.name);
                    assert!(needed(selection.release).iter().all(|m| m.name != message.name));
                    let notice = selection.notice.expect("something to tell");
                    assert!(notice.contains(release) && notice.contains(selection.release), "{notice}");
                    is_safe(selection.release, release, &table(&names)).unwrap();
                    println!("{release} with another {}: {notice}", message.name);
                }
            }
            if !thorough || n % 4 != 0 {
                continue;
            }
            // Not there at all.
            names.remove(message.name);
            match choose(&table(&names), &says(release)) {
                Err(refusal) => assert_eq!(misfit(&refusal, release).absent, [message.name]),
                Ok(selection) => assert_ne!(selection.release, release),
            }
        }
    });
}

#[test]
fn a_plugin_may_be_missing_as_a_whole_but_not_in_part() {
    let with_plugins: Vec<_> =
        RELEASES.iter().filter(|r| !plugins(r.name).is_empty()).map(|r| r.name).collect();
    println!("calls need plugins in {with_plugins:?}");
    assert!(!with_plugins.is_empty());
    each_release(|release| {
        for (module, messages) in plugins(release) {
            let mut without = own(release);
            for message in messages_of(release).filter(|m| home(m, release).0 == module) {
                without.remove(message.name);
            }
            let selection =
                choose(&table(&without), &says(release)).unwrap_or_else(|r| panic!("{release}: {r}"));
            assert_eq!((selection.release, selection.notice), (release, None));
            assert_eq!(selection.absent, BTreeSet::from([module]));

            for message in [messages.first(), messages.last()].into_iter().flatten() {
                let mut partly = own(release);
                partly.remove(message.name);
                match choose(&table(&partly), &says(release)) {
                    Err(refusal) => {
                        assert_eq!(misfit(&refusal, release).absent, [message.name], "{release}");
                        assert!(refusal.to_string().contains(&format!("absent: {}.", message.name)));
                    }
                    Ok(selection) => {
                        assert_ne!(selection.release, release, "{}", message.name);
                        assert!(needed(selection.release).iter().all(|m| m.name != message.name));
                        assert!(selection.notice.is_some());
                    }
                }
                let mut other = own(release);
                other.insert(message.name.to_string(), message.crc ^ 1);
                match choose(&table(&other), &says(release)) {
                    Err(refusal) => assert_eq!(misfit(&refusal, release).changed.len(), 1),
                    Ok(selection) => assert_ne!(selection.release, release),
                }
            }
        }
    });
}

#[test]
fn without_its_plugin_a_call_says_that_it_is_absent_and_the_rest_works() {
    let newest = newest();
    for module in plugins(newest).into_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        let mut options = options();
        options.without_plugins = vec![module.to_string()];
        let _running = Sim::new(release(newest), options).unwrap().serve(&path).unwrap();
        run(async {
            let peer = connect(&path).await;
            assert_eq!(peer.selection.release, newest);
            assert_eq!(peer.handlers.absent, BTreeSet::from([module]));
            if module == "tapv2" {
                let error = peer.handlers.tap.add_tap(&Tap::default()).await.unwrap_err();
                assert!(error.is_absent() && error.retval().is_none(), "{error}");
                assert!(error.to_string().contains("tap_create_v"), "{error}");
            }
            let index = peer.handlers.interface.add_loopback(None).await.unwrap();
            peer.handlers.interface.delete_loopback(index).await.unwrap();
            peer.client.close().await;
        });
    }
}

#[test]
fn an_unknown_newer_version_with_known_messages_gets_the_newest_calls_and_a_notice() {
    for version in ["99.02-release", "v99.02.1-rc0~7-gabcdef"] {
        let selection = choose(&table(&own(newest())), version).unwrap_or_else(|r| panic!("{r}"));
        assert_eq!(selection.release, newest());
        let notice = selection.notice.expect("something to tell");
        assert!(notice.contains("99.02") && notice.contains(newest()), "{notice}");
    }
    // Messages that nobody knows do no harm.
    let mut more = own(newest());
    more.insert("a_message_of_tomorrow".to_string(), 0x1234_5678);
    assert_eq!(choose(&table(&more), "99.02-release").unwrap().release, newest());
}

#[test]
fn a_version_that_contradicts_the_layouts_is_refused() {
    // Both have ip_route_add_del_c1ff832d, each with another layout.
    for (really, said) in [("20.05", "20.01"), ("20.01", "20.05")] {
        let refusal = choose(&table(&own(really)), &says(said)).expect_err("neither is right");
        assert!(refusal.ambiguous.is_none());
        assert_eq!(refusal.misfits.len(), RELEASES.len(), "{refusal}");
        // What VPP has is the one's, by CRC; but not if it is what it says.
        let misfit_of_table = misfit(&refusal, really);
        let layouts = &misfit_of_table.other_layout;
        assert!(layouts.contains(&"ip_route_add_del".to_string()), "{refusal}");
        assert!(misfit_of_table.absent.is_empty() && misfit_of_table.changed.is_empty(), "{refusal}");
        // And it lacks what it would have, if it were what it says.
        let misfit_of_version = misfit(&refusal, said);
        assert!(!misfit_of_version.changed.is_empty(), "{refusal}");
        let text = refusal.to_string();
        assert!(text.starts_with(&format!("VPP {said}-release fits no supported release:\n")), "{text}");
        for part in ["absent: ", "other CRC: ", "same CRC, other layout: ", "ip_route_add_del"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        for release in RELEASES {
            assert!(text.contains(&format!("\n  {}: ", release.name)), "{}: {text}", release.name);
        }
        println!("{text}");
    }
}

#[test]
fn no_table_is_ever_given_calls_of_another_layout() {
    each_release(|really| {
        let names = table(&own(really));
        for garbage in ["", "garbage", "~", "..", "v.", "20", "20.", "20.5", "2005", "1.2.3-release", "é.ß"]
        {
            assert_eq!(release_of(garbage), None, "{garbage:?}");
        }
        match choose(&names, "garbage") {
            Ok(selection) => {
                let notice = selection.notice.clone().expect("something to tell");
                assert!(notice.contains("garbage") && notice.contains(selection.release), "{notice}");
                is_safe(selection.release, really, &names).unwrap_or_else(|e| panic!("{e}"));
                if selection.release != really {
                    println!("{really} without version: {notice}");
                }
            }
            Err(refusal) => {
                let (releases, messages) = refusal.ambiguous.clone().expect("it fits its own release");
                assert!(releases.contains(&really) && releases.len() > 1, "{refusal}");
                assert!(!messages.is_empty(), "{refusal}");
                println!("{really} without version: {refusal}");
            }
        }
        // A version that is wrong: what is chosen agrees with what it says.
        let here = position(really);
        for said in [here.wrapping_sub(1), here + 1, RELEASES.len() - 1] {
            let Some(said) = RELEASES.get(said).filter(|r| r.name != really) else { continue };
            match choose(&names, &says(said.name)) {
                Ok(selection) => {
                    is_safe(selection.release, said.name, &names).unwrap_or_else(|e| panic!("{e}"));
                    let told = selection.notice.is_some();
                    assert_eq!(told, selection.release != said.name, "{really} that says {}", said.name);
                }
                Err(refusal) => assert!(!refusal.misfits.is_empty() || refusal.ambiguous.is_some()),
            }
        }
    });
}

#[test]
fn a_version_names_its_release() {
    for (version, release) in [
        ("20.05-release", "20.05"),
        ("v20.05.1-6~gf53edbc3b", "20.05"),
        (" 18.10-rc2~12-gabc ", "18.10"),
        ("26.06", "26.06"),
    ] {
        assert_eq!(release_of(version).as_deref(), Some(release), "{version:?}");
    }
}

#[test]
fn an_empty_table_is_refused_with_all_releases() {
    let empty = MessageTable::from_names([]);
    assert!(empty.is_empty());
    for version in ["26.06-release", "", "garbage"] {
        let refusal = choose(&empty, version).expect_err("nothing fits");
        let listed: Vec<_> = refusal.misfits.iter().map(|(release, _)| *release).collect();
        let newest_first: Vec<_> = RELEASES.iter().rev().map(|r| r.name).collect();
        assert_eq!(listed, newest_first);
        for (release, misfit) in &refusal.misfits {
            // All of the core; plugins may be missing.
            let mut core: Vec<_> = needed(release)
                .into_iter()
                .filter(|m| home(m, release).1 == Component::Core)
                .map(|m| m.name.to_string())
                .collect();
            let mut absent = misfit.absent.clone();
            core.sort_unstable();
            absent.sort_unstable();
            assert_eq!(absent, core, "{release}");
            assert!(misfit.changed.is_empty() && misfit.other_layout.is_empty());
        }
        let text = refusal.to_string();
        assert!(text.contains(" more."), "long lists are cut: {text}");
        assert!(text.lines().all(|line| line.len() < 500), "{text}");
        assert!(text.contains("cargo xtask gen"), "{text}");
    }
}

#[test]
fn a_refusal_tells_all_that_is_wrong() {
    let misfit = Misfit {
        absent: vec!["a_gone".to_string()],
        changed: vec![("b_changed".to_string(), 0x0123_4567, 0x89ab_cdef)],
        other_layout: vec!["c_moved".to_string()],
    };
    let ambiguous = Some((vec!["20.09", "20.05"], vec!["d_either".to_string()]));
    let text = Refusal { version: "x".to_string(), misfits: vec![("20.01", misfit)], ambiguous }.to_string();
    let line = "  20.01: absent: a_gone. other CRC: b_changed (01234567 needed, 89abcdef found). \
                same CRC, other layout: c_moved.";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("20.09, 20.05 fit by name and CRC, but lay out d_either differently"), "{text}");
}
