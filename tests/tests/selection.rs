//! Which release's calls are chosen for a VPP, by its message table and what it says of itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use binapi_index::{Component, Message, RELEASES};
use common::{
    Served, api_json, config, connect, each_release, messages_of, newest, options, position, release, run,
    schema,
};
use vpp_client::{Client, Lookup, MessageTable, State};
use vpp_sim::Sim;
use vppcalls::Refusal;
use vppcalls::select::{
    self, Evidence, Layouts, Misfit, Selection, Why, groups, most_like, release_of, required,
};
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

/// What is chosen by a table and what VPP says of itself.
fn choose(table: &MessageTable, version: &str) -> Result<Selection, Refusal> {
    select::choose(&Evidence { table, version, layouts: None }, None)
}

/// The same by an operator who wants the calls of a release.
fn force(table: &MessageTable, version: &str, release: &str) -> Result<Selection, Refusal> {
    select::choose(&Evidence { table, version, layouts: None }, Some(release))
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

/// Some of the messages that a release needs of VPP's core: all for the newest, else a few, each time others.
fn some_of_the_core(release: &str) -> Vec<&'static Message> {
    let core = needed(release).into_iter().filter(|m| home(m, release).1 == Component::Core);
    let (first, step) = if release == newest() { (0, 1) } else { (position(release) % 17, 17) };
    let core: Vec<_> = core.skip(first).step_by(step).collect();
    assert!(!core.is_empty(), "{release}");
    core
}

#[test]
fn a_build_that_changed_a_message_is_refused_by_name_and_can_be_forced() {
    each_release(|release| {
        for message in some_of_the_core(release) {
            let found = message.crc ^ 0x8000_0001;
            let mut names = own(release);
            names.insert(message.name.to_string(), found);
            let table = table(&names);
            let refusal = choose(&table, &says(release)).expect_err(message.name);
            assert_eq!(refusal.why, Why::Altered(release));
            let misfit = refusal.own().expect("what is wrong with its own release");
            assert_eq!(misfit.changed, [(message.name.to_string(), message.crc, found)], "{release}");
            assert!(misfit.absent.is_empty() && misfit.other_layout.is_empty(), "{misfit:?}");
            let wrong =
                format!("other CRC: {} ({:08x} needed, {found:08x} found).", message.name, message.crc);
            let line = format!("\n  {release}, which it says it is of: {wrong}\n");
            assert!(refusal.to_string().contains(&line), "{line:?} is not in\n{refusal}");
            assert!(refusal.brief().ends_with(&wrong), "{}", refusal.brief());
            // Every release is told of: it fits, or why not.
            for other in RELEASES {
                let why = refusal.misfits.iter().any(|(name, _)| *name == other.name);
                assert_ne!(why, refusal.fitting.contains(&other.name), "{}", other.name);
            }

            let forced = force(&table, &says(release), release).unwrap_or_else(|r| panic!("{r}"));
            assert!(forced.forced && forced.release == release);
            assert_eq!(forced.misfit(), Some(misfit));
            let notice = forced.notice.expect("a loud word");
            assert!(notice.contains("DO NOT FIT") && notice.contains(&wrong), "{notice}");
        }
    });
}

#[test]
fn a_message_that_is_gone_from_the_core_is_refused_by_name() {
    each_release(|release| {
        for message in some_of_the_core(release) {
            let mut names = own(release);
            names.remove(message.name);
            let refusal = choose(&table(&names), &says(release)).expect_err(message.name);
            let misfit = refusal.own().expect("what is wrong with its own release");
            assert_eq!(
                (misfit.absent.as_slice(), misfit.changed.len()),
                (&[message.name.to_string()][..], 0)
            );
        }
    });
}

#[test]
fn a_vpp_of_no_known_release_with_a_changed_message_gets_calls_that_do_without_or_none() {
    let release = newest();
    let mut elder = 0;
    for message in some_of_the_core(release) {
        let mut names = own(release);
        names.insert(message.name.to_string(), message.crc ^ 1);
        match choose(&table(&names), "99.02-release") {
            Ok(selection) => {
                elder += 1;
                assert_ne!(selection.release, release);
                assert!(needed(selection.release).iter().all(|m| m.name != message.name));
                let notice = selection.notice.expect("something to tell");
                assert!(notice.contains("99.02") && notice.contains(selection.release), "{notice}");
                assert!(
                    notice.contains(&format!("those of {release} do not fit: other CRC: {}", message.name))
                );
            }
            Err(refusal) => {
                assert_eq!(refusal.why, Why::NoneFits);
                assert!(refusal.misfits.iter().all(|(release, misfit)| {
                    let known = needed(release).iter().any(|m| m.name == message.name);
                    !known || misfit.changed.iter().any(|(name, ..)| name == message.name)
                }));
            }
        }
    }
    assert!(elder > 0, "the newest release has a message of its own");
}

#[test]
fn only_a_supported_release_can_be_forced() {
    let names = table(&own(newest()));
    for wanted in ["99.02", "garbage", ""] {
        let refusal = force(&names, &says(newest()), wanted).expect_err("there are no calls of it");
        assert_eq!(refusal.why, Why::NotSupported(wanted.to_string()));
        assert!(refusal.to_string().contains("expected one of 18.10, "), "{refusal}");
    }
    // One that fits is told of in a lower voice, and still told of.
    let forced = force(&names, "99.02-release", newest()).expect("forced");
    assert!(forced.forced && forced.misfit().is_none());
    assert!(forced.notice.expect("a word").ends_with("they fit"));
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
            assert_eq!((selection.release, &selection.notice), (release, &None));
            assert_eq!(selection.absent, BTreeSet::from([module]));
            assert!(selection.to_string().contains(&format!("plugins absent: {module};")), "{selection}");

            // One of its messages, the last but one of them, and one with another CRC: half a plugin.
            let mut only_one = without.clone();
            only_one.insert(messages[0].name.to_string(), messages[0].crc);
            let mut all_but_one = own(release);
            all_but_one.remove(messages[0].name);
            let mut only_another = without.clone();
            only_another.insert(messages[0].name.to_string(), messages[0].crc ^ 1);
            let names = |messages: &[&Message]| {
                messages.iter().map(|m| m.name.to_string()).collect::<BTreeSet<String>>()
            };
            for (half, absent, changed) in [
                (only_one, names(&messages[1..]), 0),
                (all_but_one, names(&messages[..1]), 0),
                (only_another, names(&messages[1..]), 1),
            ] {
                let refusal = choose(&table(&half), &says(release)).expect_err("half a plugin");
                let misfit = refusal.own().expect("what is wrong with its own release");
                assert_eq!(misfit.absent.iter().cloned().collect::<BTreeSet<_>>(), absent, "{release}");
                assert_eq!(misfit.changed.len(), changed, "{release}: {misfit}");
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
        assert_eq!(refusal.why, Why::Altered(RELEASES[position(said)].name));
        assert_eq!(refusal.misfits.len(), RELEASES.len(), "{refusal}");
        // What VPP has is the one's, by CRC; but not if it is what it says.
        let misfit_of_table = misfit(&refusal, really);
        let layouts = &misfit_of_table.other_layout;
        assert!(layouts.contains(&"ip_route_add_del".to_string()), "{refusal}");
        assert!(misfit_of_table.absent.is_empty() && misfit_of_table.changed.is_empty(), "{refusal}");
        // And it lacks what it would have, if it were what it says.
        assert!(!refusal.own().expect("it says what it is").changed.is_empty(), "{refusal}");
        let text = refusal.to_string();
        assert!(text.starts_with(&format!("VPP {said}-release fits no supported release:\n")), "{text}");
        for part in ["absent: ", "other CRC: ", "same CRC, other layout: ", "ip_route_add_del"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        for release in RELEASES {
            let end = if release.name == said { ", which it says it is of: " } else { ": " };
            assert!(text.contains(&format!("\n  {}{end}", release.name)), "{}: {text}", release.name);
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
                let Why::Ambiguous(releases, messages) = refusal.why.clone() else { panic!("{refusal}") };
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
                    assert_eq!((selection.release, selection.notice), (said.name, None), "{really}");
                }
                Err(refusal) => assert_eq!(refusal.why, Why::Altered(said.name)),
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
    let why = Why::Ambiguous(vec!["20.09", "20.05"], vec!["d_either".to_string()]);
    let refusal =
        Refusal { version: "x".to_string(), why, misfits: vec![("20.01", misfit)], fitting: vec!["20.09"] };
    let line = "  20.01: absent: a_gone. other CRC: b_changed (01234567 needed, 89abcdef found). \
                same CRC, other layout: c_moved.";
    let text = refusal.to_string();
    assert!(text.contains(line), "{text}");
    assert!(text.contains("20.09, 20.05 fit by name and CRC, but lay out d_either differently"), "{text}");
    assert!(text.contains("--force-release"), "{text}");
    let why = Why::Altered("20.01");
    let text = Refusal { why, ..refusal }.to_string();
    assert!(text.contains("  20.09 would fit, and is not what VPP says it is of: 20.01"), "{text}");
}

#[test]
fn an_unknown_version_that_is_elder_or_between_gets_calls_only_where_all_layouts_are_certain() {
    each_release(|really| {
        let names = table(&own(really));
        for version in ["17.07-release", "23.03-release"] {
            match choose(&names, version) {
                Ok(selection) => {
                    assert!(selection.notice.is_some());
                    is_safe(selection.release, really, &names).unwrap_or_else(|e| panic!("{e}"));
                }
                Err(refusal) => assert!(matches!(refusal.why, Why::Ambiguous(..)), "{refusal}"),
            }
        }
    });
}

#[test]
fn a_table_is_most_like_that_of_its_own_release() {
    for release in RELEASES {
        assert_eq!(most_like(&table(&own(release.name))), Some(release.name));
    }
    assert_eq!(most_like(&MessageTable::from_names(["who_knows_12345678"])), None);
}

/// The definitions of a release in a folder of their own, where `from` stands as `to` in a file.
fn altered(release: &str, file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = api_json().join(release);
    for part in ["core", "plugins"] {
        let into = folder.path().join(release).join(part);
        std::fs::create_dir_all(&into).unwrap();
        for entry in std::fs::read_dir(own.join(part)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), into.join(entry.file_name())).unwrap();
        }
    }
    std::fs::copy(own.join("PROVENANCE"), folder.path().join(release).join("PROVENANCE")).unwrap();
    let file = folder.path().join(release).join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", file.display());
    std::fs::write(&file, text.replace(from, to)).unwrap();
    folder
}

/// 20.01 and 20.05 both have `ip_route_add_del_c1ff832d`, with address families of four bytes and of one.
#[test]
fn a_table_of_20_01_with_layouts_of_20_05_is_refused_though_every_crc_is_right() {
    let names = table(&own("20.01"));
    let right = Layouts::from_folder(&api_json().join("20.01")).unwrap();
    // The definitions of 20.01 but for the one line by which 20.05 differs.
    let wrong = altered(
        "20.01",
        "core/fib_types.api.json",
        r#""ADDRESS_IP6", 1], {"enumtype": "u32"}"#,
        r#""ADDRESS_IP6", 1], {"enumtype": "u8"}"#,
    );
    let wrong = Layouts::from_folder(&wrong.path().join("20.01")).unwrap();
    assert_eq!(wrong.table(), right.table(), "no CRC tells");
    let choose =
        |layouts, version| select::choose(&Evidence { table: &names, version, layouts: Some(layouts) }, None);
    let selection = choose(&right, "20.01-release").unwrap_or_else(|r| panic!("{r}"));
    assert_eq!((selection.release, selection.notice), ("20.01", None));
    let refusal = choose(&wrong, "20.01-release").expect_err("other bytes");
    let misfit = refusal.own().expect("what is wrong with its own release");
    for message in ["ip_route_add_del", "sw_interface_add_del_address", "ip_route_details"] {
        assert!(misfit.other_layout.iter().any(|m| m == message), "{message}: {misfit}");
    }
    assert!(misfit.absent.is_empty() && misfit.changed.is_empty(), "{misfit}");
    assert!(refusal.brief().contains("same CRC, other layout: "), "{}", refusal.brief());
    // Who does not say its release is known by its layouts, where the table alone would not do.
    assert_eq!(choose(&right, "custom").unwrap().release, "20.01");
    assert_eq!(choose(&wrong, "custom").expect_err("none fits").why, Why::NoneFits);
    // Forced all the same: the messages that VPP reads wrongly are named.
    let evidence = Evidence { table: &names, version: "20.01-release", layouts: Some(&wrong) };
    let forced = select::choose(&evidence, Some("20.01")).unwrap();
    assert!(forced.notice.unwrap().contains("wrongly"), "it says so");
}

#[test]
fn a_vpp_that_tells_its_definitions_is_asked_and_those_without_are_not() {
    for (name, tells) in [("24.02", false), ("24.06", true), ("26.06", true)] {
        let served = Served::new(name);
        let path = served.path();
        let layouts = run(async move {
            let client = Client::start(config(&path));
            let connection = client.connected().await.unwrap();
            let layouts = Layouts::ask(&client, &connection).await.unwrap();
            client.close().await;
            layouts
        });
        let asked = served.running.sim().received().get("get_api_json").copied().unwrap_or_default();
        assert_eq!((layouts.is_some(), asked), (tells, u64::from(tells)), "{name}");
        let Some(layouts) = layouts else { continue };
        let names = table(&own(name));
        let evidence = Evidence { table: &names, version: &says(name), layouts: Some(&layouts) };
        assert_eq!(select::choose(&evidence, None).unwrap_or_else(|r| panic!("{r}")).notice, None);
    }
}

#[test]
fn plugins_that_come_and_go_are_told_anew_with_every_connection() {
    let newest = newest();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let without = |plugins: &[&str]| {
        let mut options = options();
        options.without_plugins = plugins.iter().map(|p| (*p).to_string()).collect();
        options
    };
    let mut running = Sim::new(release(newest), without(&[])).unwrap().serve(&path).unwrap();
    run(async {
        let client = Client::start(config(&path));
        let mut session = 0;
        let steps: [(&str, &[&str]); 4] =
            [(newest, &[]), (newest, &["tapv2"]), (newest, &[]), ("20.05", &["tapv2"])];
        for (step, (of, plugins)) in steps.into_iter().enumerate() {
            if step > 0 {
                let restarted = running.restart_as(release(of), without(plugins));
                running = restarted.unwrap();
            }
            let mut states = client.state();
            let new = |s: &State| s.connection().is_some_and(|c| c.session > session);
            let connection = states.wait_for(new).await.unwrap().connection().unwrap().clone();
            session = connection.session;
            let (handlers, selection) =
                vppcalls::select(&client, &connection).unwrap_or_else(|r| panic!("{r}"));
            assert_eq!(selection.release, of);
            // In 20.05 taps are part of the core: the option takes out nothing.
            let absent: BTreeSet<&str> =
                if of == newest { plugins.iter().copied().collect() } else { BTreeSet::new() };
            assert_eq!(handlers.absent, absent, "step {step}");
            match handlers.tap.add_tap(&Tap::default()).await {
                Ok(_) => assert!(absent.is_empty(), "step {step}"),
                Err(error) => assert!(!absent.is_empty() && error.is_absent(), "step {step}: {error}"),
            }
            // What does not need it goes on.
            handlers.interface.add_loopback(None).await.unwrap();
        }
        client.close().await;
    });
}
