//! The agent as a process, against a simulated VPP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{Stage, api_json, ask, configuration_messages, release, tags};
use serde_json::json;
use vpp_sim::Options;

const IF1: &str = "config/vpp/v2/interfaces/if1: {name: if1, type: SOFTWARE_LOOPBACK, enabled: true}\n";
const IF2: &str = "config/vpp/v2/interfaces/if2: {name: if2, type: SOFTWARE_LOOPBACK, enabled: true, \
                   ip_addresses: [10.10.1.1/24]}\n";
const BD1: &str = "config/vpp/l2/v2/bridge-domain/bd1: {name: bd1, forward: true, learn: true, \
                   interfaces: [{name: if1}]}\n";
const ROUTE: &str = "config/vpp/v2/route/if/if2/vrf/0/dst/10.77.0.0/16/gw/10.10.1.2: \
                     {dst_network: 10.77.0.0/16, next_hop_addr: 10.10.1.2, outgoing_interface: if2}\n";

#[test]
fn what_others_made_stays_and_what_the_agent_made_goes_when_it_is_not_wanted_any_more() {
    let mut stage = Stage::new(&format!("{IF1}{BD1}"));
    let vpp = stage.vpp("24.02", Options::new(api_json()));
    // Somebody else's: an interface with a name, one without, and a bridge domain.
    let loopback = ask(&vpp, "create_loopback", json!({}))["sw_if_index"].clone();
    ask(&vpp, "sw_interface_tag_add_del", json!({"is_add": true, "sw_if_index": loopback, "tag": "theirs"}));
    ask(&vpp, "create_loopback", json!({}));
    let bd = json!({"bd_id": 1, "is_add": true, "bd_tag": "their-bd", "forward": true});
    ask(&vpp, "bridge_domain_add_del", bd);
    stage.start();
    stage.operations(0);
    assert_eq!(tags(&vpp), ["if1", "theirs"]);

    // The agent is killed, and the source changes before it comes back.
    stage.kill();
    stage.write(IF2);
    stage.start();
    let operations = stage.operations(1);
    let deleted =
        |(op, key): &(String, String)| op.starts_with("DELETE") && key == "config/vpp/v2/interfaces/if1";
    assert!(operations.iter().any(deleted), "{operations:?}");
    assert_eq!(tags(&vpp), ["if2", "theirs"]);
    let sim = vpp.sim();
    let domains: Vec<String> = sim.state().l2.domains().map(|(_, d)| d.tag.clone()).collect();
    assert!(
        domains.contains(&"their-bd".to_string()) && !domains.contains(&"bd1".to_string()),
        "{domains:?}"
    );
    assert_eq!(sim.state().interfaces.iter().count(), 4, "local0, two of theirs, if2");
}

#[test]
fn a_vpp_that_fits_no_release_is_refused_with_the_reasons_and_a_right_one_is_taken() {
    let mut stage = Stage::new(IF1);
    // A build of 24.02 in which one message changed and another one is gone.
    let changed = stage.path("api-json/24.02");
    copy(&api_json().join("24.02"), &changed);
    let file = changed.join("core/l2.api.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|l| l.contains("\"l2fib_add_del\"")).unwrap();
    let other = line.replace("\"crc\": \"0xeddda487\"", "\"crc\": \"0x12345678\"");
    assert_ne!(line, other);
    std::fs::write(&file, text.replace(line, &other)).unwrap();
    let vpp = stage.vpp("24.02", Options::new(stage.path("api-json")));
    stage.start();
    stage.wait_log("fits no supported release");
    stage.wait_log("l2fib_add_del (eddda487 needed, 12345678 found)");
    // Nothing was configured, and the agent is still there.
    assert_eq!(tags(&vpp), Vec::<String>::new());
    assert!(stage.runs(), "{}", stage.log());
    let vpp = vpp.restart_as(release("24.02"), Options::new(api_json())).unwrap();
    stage.operations(0);
    assert_eq!(tags(&vpp), ["if1"]);
}

#[test]
fn while_the_source_has_a_mistake_what_was_configured_stays() {
    let mut stage = Stage::new(&format!("{IF1}{BD1}"));
    let vpp = stage.vpp("23.06", Options::new(api_json()));
    stage.start();
    stage.operations(0);
    let mistakes = [
        ("config/vpp/v2/interfaces/if1: {name: if1, colour: blue}\n", "colour"),
        ("config/vpp/v2/interfces/if1: {name: if1}\n", "config/vpp/v2/interfces/if1"),
        ("config/vpp/v2/interfaces/if1: {name: if9, type: SOFTWARE_LOOPBACK}\n", "if9"),
        ("config/vpp/v2/interfaces/if1: {name: if1, type: SOFTWARE_LOO", "config.yaml"),
        ("config/vpp/v2/interfaces/if1: [1\n", "config.yaml"),
        ("", "config.yaml"),
    ];
    for (text, said) in mistakes {
        let before = stage.log().len();
        stage.write(text);
        stage.wait(&format!("complaint about {said}"), || {
            let log = stage.log();
            let new = log.get(before..)?;
            (new.contains("what was configured stays") && new.contains(said)).then_some(())
        });
        assert_eq!(tags(&vpp), ["if1"], "after {text:?}");
    }
    stage.write(&format!("{IF1}{IF2}"));
    stage.wait("if2", || (tags(&vpp) == ["if1", "if2"]).then_some(()));
    assert_eq!(vpp.sim().state().l2.domains().filter(|(_, d)| d.tag == "bd1").count(), 0);
}

#[test]
fn a_route_through_an_interface_that_is_gone_is_mended_without_killing_vpp() {
    for of in ["20.05", "23.06", "26.06"] {
        let mut stage = Stage::new(&format!("{IF2}{ROUTE}"));
        let vpp = stage.vpp(of, Options::new(api_json()));
        stage.start();
        stage.operations(0);
        stage.kill();
        // Somebody deletes the interface below the route, which stays behind and is inherited by the next interface.
        let index = vpp.sim().state().interfaces.iter().find(|i| i.tag == "if2").unwrap().sw_if_index;
        ask(&vpp, "delete_loopback", json!({"sw_if_index": index}));
        ask(&vpp, "create_loopback", json!({}));
        stage.start();
        stage.operations(1);
        assert_eq!(vpp.died(), None, "{of}");
        let sim = vpp.sim();
        let if2 = sim.state().interfaces.iter().find(|i| i.tag == "if2").unwrap().sw_if_index;
        let paths = sim.state().fib.paths(0, "10.77.0.0".parse().unwrap(), 16, 8).unwrap();
        let through: Vec<u32> = paths.iter().map(|p| p.sw_if_index).collect();
        assert_eq!(through, [if2], "{of}");
    }
}

/// Much of what can be asked for, in spellings that VPP does not give back.
const MUCH: &str = r#"
config/vpp/v2/interfaces/if1: {name: if1, type: SOFTWARE_LOOPBACK, enabled: true, phys_address: "DE:AD:00:00:00:01"}
config/vpp/v2/interfaces/if2:
  name: if2
  type: SOFTWARE_LOOPBACK
  enabled: true
  mtu: 1400
  ip_addresses: [10.10.1.1/24, 10.20.0.9/32, "2001:DB8:0:0::1/64", "2001:db8:f::ff/128"]
config/vpp/v2/interfaces/if3: {name: if3, type: SOFTWARE_LOOPBACK}
config/vpp/v2/interfaces/a b/c.d: {name: a b/c.d, type: SOFTWARE_LOOPBACK, enabled: true}
config/vpp/v2/interfaces/tap1: {name: tap1, type: TAP, tap: {version: 1}}
config/vpp/v2/interfaces/tap2: {name: tap2, type: TAP, enabled: true, tap: {host_if_name: t2, rx_ring_size: 512}}
config/vpp/l2/v2/bridge-domain/bd1:
  name: bd1
  forward: true
  mac_age: 7
  interfaces: [{name: if1, bridged_virtual_interface: true}, {name: if3, split_horizon_group: 2}]
config/vpp/l2/v2/bridge-domain/bd2: {name: bd2, flood: true, learn: true}
config/vpp/l2/v2/fib/bd1/mac/62:89:c6:a3:6d:5c: {phys_address: "62:89:C6:A3:6D:5C", bridge_domain: bd1, outgoing_interface: if3, static_config: true}
config/vpp/l2/v2/fib/bd1/mac/62:89:c6:a3:6d:5d: {phys_address: "62:89:c6:a3:6d:5d", bridge_domain: bd1, action: DROP}
config/vpp/l2/v2/fib/bd1/mac/62:89:c6:a3:6d:5e: {phys_address: "62:89:c6:a3:6d:5e", bridge_domain: bd1, outgoing_interface: if3}
config/vpp/v2/route/if/if2/vrf/0/dst/0.0.0.0/0/gw/10.10.1.2: {dst_network: 0.0.0.0/0, next_hop_addr: 10.10.1.2, outgoing_interface: if2}
config/vpp/v2/route/if/if2/vrf/0/dst/10.1.0.0/16/gw/10.10.1.2: {dst_network: 10.1.0.0/16, next_hop_addr: 10.10.1.2, outgoing_interface: if2, weight: 3}
config/vpp/v2/route/if/if2/vrf/0/dst/10.1.0.0/16/gw/10.10.1.3: {dst_network: 10.1.0.0/16, next_hop_addr: 10.10.1.3, outgoing_interface: if2}
config/vpp/v2/route/if/if2/vrf/0/dst/10.2.0.0/16/gw/0.0.0.0: {dst_network: 10.2.0.0/16, next_hop_addr: 0.0.0.0, outgoing_interface: if2}
config/vpp/v2/route/vrf/0/dst/10.3.0.0/16: {dst_network: 10.3.0.0/16, type: DROP}
config/vpp/v2/route/if/if2/vrf/0/dst/2001:db8:1::/48/gw/2001:db8::2: {dst_network: "2001:db8:1:0::/48", next_hop_addr: "2001:DB8::2", outgoing_interface: if2, preference: 2}
"#;

#[test]
fn a_restart_over_much_configuration_changes_nothing() {
    for of in ["18.10", "19.04", "19.08", "20.01", "20.05", "22.02", "26.06"] {
        let mut stage = Stage::new(MUCH);
        let vpp = stage.vpp(of, Options::new(api_json()));
        stage.start();
        let first = stage.operations(0);
        let failed: Vec<_> =
            first.iter().filter(|(op, _)| op.contains("FAIL") || op.contains("INVALID")).collect();
        assert!(failed.is_empty(), "{of}: {failed:?}\n{}", stage.log());
        let messages = configuration_messages(&vpp);
        stage.kill();
        stage.start();
        assert_eq!(stage.operations(1), [], "{of}");
        assert_eq!(configuration_messages(&vpp), messages, "{of}: {:?}", vpp.sim().received());
        // And all of it goes again.
        stage.write("{}\n");
        stage.operations(2);
        assert_eq!(tags(&vpp), Vec::<String>::new(), "{of}:\n{}", stage.log());
        assert_eq!(vpp.died(), None, "{of}");
    }
}

#[test]
fn a_route_that_is_not_wanted_any_more_goes_when_the_agent_comes_back() {
    let mut stage = Stage::new(&format!("{IF2}{ROUTE}"));
    let vpp = stage.vpp("24.10", Options::new(api_json()));
    stage.start();
    stage.operations(0);
    stage.kill();
    stage.write(IF2);
    stage.start();
    stage.operations(1);
    assert!(vpp.sim().state().fib.paths(0, "10.77.0.0".parse().unwrap(), 16, 8).is_none());
}

#[test]
fn the_default_route_has_only_its_own_path_after_vpp_restarts() {
    let route = "config/vpp/v2/route/if/if2/vrf/0/dst/0.0.0.0/0/gw/10.10.1.2: \
                 {dst_network: 0.0.0.0/0, next_hop_addr: 10.10.1.2, outgoing_interface: if2}\n";
    let mut stage = Stage::new("{}\n");
    let vpp = stage.vpp("23.10", Options::new(api_json()));
    stage.start();
    stage.operations(0);
    stage.write(&format!("{IF2}{route}"));
    stage.operations(1);
    let vpp = vpp.restart().unwrap();
    stage.operations(2);
    let sim = vpp.sim();
    let paths = sim.state().fib.paths(0, "0.0.0.0".parse().unwrap(), 0, 8).unwrap();
    assert_eq!(paths.len(), 1, "{paths:?}");
}

#[test]
fn the_first_ipv6_address_does_not_disturb_those_of_ipv4() {
    let mut stage = Stage::new(IF2);
    let _vpp = stage.vpp("23.10", Options::new(api_json()));
    stage.start();
    stage.operations(0);
    stage.write(&IF2.replace("[10.10.1.1/24]", "[10.10.1.1/24, \"2001:db8::1/64\"]"));
    let operations = stage.operations(1);
    let ipv4 = |(_, key): &&(String, String)| key.contains("10.10.1.1") || key.ends_with("ip-version/v4");
    assert_eq!(operations.iter().filter(ipv4).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
    assert!(operations.iter().any(|(_, key)| key.contains("2001:db8::1")), "{operations:?}");
}

#[test]
fn what_cannot_be_done_yet_is_said_and_not_left_out() {
    let mut stage = Stage::new(&format!(
        "{IF1}config/vpp/acls/v2/acl/a1: {{name: a1}}\n\
         config/vpp/v2/interfaces/if3: {{name: if3, type: SOFTWARE_LOOPBACK, ip_addresses: [\"fe80::1/128\"]}}\n"
    ));
    let vpp = stage.vpp("25.02", Options::new(api_json()));
    stage.start();
    let operations = stage.operations(0);
    let said = |flag: &str| operations.iter().filter(|(op, _)| op.contains(flag)).count();
    assert_eq!((said("INVALID"), said("UNIMPLEMENTED")), (1, 1), "{operations:?}");
    stage.wait_log("link-local");
    assert_eq!(tags(&vpp), ["if1"]);
}

#[test]
fn without_a_plugin_the_rest_works() {
    let tap = "config/vpp/v2/interfaces/tap1: {name: tap1, type: TAP, tap: {}}\n";
    let mut stage = Stage::new(&format!("{tap}{IF1}"));
    let mut options = Options::new(api_json());
    options.without_plugins = vec!["tapv2".to_string()];
    let vpp = stage.vpp("26.06", options);
    stage.start();
    let operations = stage.operations(0);
    assert_eq!(tags(&vpp), ["if1"]);
    assert!(
        operations.contains(&("CREATE [NOOP UNIMPLEMENTED]".into(), "config/vpp/v2/interfaces/tap1".into())),
        "{operations:?}"
    );
    stage.wait_log("plugins absent: tapv2;");
    stage.wait_log("tap_create_v3");
}

#[test]
fn the_agent_starts_before_vpp_and_ends_with_a_goodbye() {
    let mut stage = Stage::new(IF1);
    stage.start();
    stage.wait_log("no such socket");
    let vpp = stage.vpp("19.01", Options::new(api_json()));
    stage.operations(0);
    assert_eq!(tags(&vpp), ["if1"]);
    assert!(stage.terminate().success());
    assert_eq!(vpp.sim().received().get("sockclnt_delete"), Some(&1));
    // What is configured stays.
    assert_eq!(tags(&vpp), ["if1"]);
}

#[test]
fn interfaces_without_an_mtu_have_that_of_the_settings() {
    let source = "config/vpp/v2/interfaces/own: {name: own, type: SOFTWARE_LOOPBACK, mtu: 1234}\n\
                  config/vpp/v2/interfaces/none: {name: none, type: SOFTWARE_LOOPBACK}\n";
    for (settings, expected) in [("", 9000), ("mtu: 0\n", 9000), ("mtu: 1400\n", 1400)] {
        let mut stage = Stage::new(source).setting("vpp-ifplugin.conf", settings);
        let vpp = stage.vpp("24.06", Options::new(api_json()));
        stage.start();
        stage.wait("interfaces", || (tags(&vpp) == ["none", "own"]).then_some(()));
        let mtu = |tag: &str| vpp.sim().state().interfaces.iter().find(|i| i.tag == tag).unwrap().mtu[0];
        stage.wait("MTU of its own", || (mtu("own") == 1234).then_some(()));
        stage.wait("default MTU", || (mtu("none") == expected).then_some(()));
    }
}

#[test]
fn settings_that_are_wrong_are_told_at_once() {
    let run = |arguments: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_vpp-agent"))
            .args(arguments)
            .env_remove("SOURCE")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let (ok, said) = run(&["--source", "x", "--colour"]);
    assert!(!ok && said.contains("--colour"), "{said}");
    let (ok, said) = run(&["--source", "x", "--state-dir", "/dev/null/state"]);
    assert!(!ok && said.contains("/dev/null/state"), "{said}");
    let (ok, said) = run(&["--state-dir", dir, "--microservice-label", "a/b"]);
    assert!(!ok && said.contains("no slash"), "{said}");
    let (ok, said) = run(&["--state-dir", dir, "--log-level", "loud=very"]);
    assert!(!ok && said.contains("--log-level"), "{said}");
    for (file, text, expected) in [
        ("etcd.conf", "endpoints: [a]\ninsecure-transprot: true\n", ["line 2", "`insecure-transport`"]),
        ("govpp.conf", "reply-timeout: soon\n", ["line 1", "500ms"]),
        ("logs.conf", "default-level:\n\tdebug\n", ["line 2", "tab"]),
        ("vpp-ifplugin.conf", "status-publishers: [etcd, mysql]\n", ["line 1", "mysql"]),
        ("vpp-ifplugin.conf", "mtu: 9217\n", ["line 1", "up to 9216"]),
        ("orchestrator.conf", "source-priorities: {etcd: high}\n", ["line 1", "invalid"]),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
        let (ok, said) = run(&["--state-dir", dir, "--config-dir", dir]);
        assert!(!ok && said.contains(file), "{said}");
        assert!(expected.iter().all(|words| said.contains(words)), "{said}");
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
}

#[test]
fn the_settings_in_effect_are_shown_with_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("etcd.conf"), "endpoints: [a:1]\npassword: hush\n").unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_vpp-agent"))
        .arg("-config-dir")
        .arg(folder.path())
        .args(["config", "show", "--origin"])
        .env("MICROSERVICE_LABEL", "vpp9")
        .env("ETCD_ENDPOINTS", "b:1,c:1")
        .output()
        .unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    let line = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("--config-dir").ends_with("  flag"), "{said}");
    assert!(line("--microservice-label").contains("vpp9"), "{said}");
    assert!(line("--microservice-label").ends_with("environment variable MICROSERVICE_LABEL"), "{said}");
    assert!(line("--log-format").ends_with("  default"), "{said}");
    assert!(line("etcd.conf: endpoints").contains("b:1,c:1"), "the environment wins: {said}");
    assert!(line("etcd.conf: password").ends_with("etcd.conf:2") && !said.contains("hush"), "{said}");
}

/// Keys of settings that a document tells of, with their files: those in tables, and those that have no effect.
fn documented() -> Vec<String> {
    let words =
        |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut all = Vec::new();
    let agent = include_str!("../../docs/agent.md");
    let (mut file, mut section) = (String::new(), String::new());
    for line in agent.lines() {
        if let Some(name) = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")) {
            name.clone_into(&mut file);
        }
        if line.starts_with('#') {
            file.clear();
            line.clone_into(&mut section);
        }
        if line.starts_with("| `") && !file.is_empty() {
            let names = words(line.split('|').nth(1).unwrap());
            all.extend(names.iter().map(|key| format!("{file}: {key}")));
        }
        if section.ends_with("Settings") && line.starts_with("| `--") && !line.contains("<file>") {
            let flag = words(line.split('|').nth(1).unwrap()).remove(0);
            all.push(flag.split(' ').next().unwrap().to_owned());
        }
    }
    let listed = agent.split("### Taken, and of no effect").nth(1).unwrap().split("###").next().unwrap();
    let listed = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in listed.split("In `").skip(1) {
        let names = words(&format!("`{part}"));
        all.extend(names[1..].iter().map(|key| format!("{}: {key}", names[0])));
    }
    let stores = include_str!("../../docs/stores.md");
    for store in ["etcd", "redis", "consul", "embedded"] {
        let title = store[..1].to_uppercase() + &store[1..];
        let chapter = stores.split("\n## ").find(|chapter| {
            chapter.starts_with(&format!("{title}\n")) || chapter.starts_with(&format!("{store}\n"))
        });
        let chapter = chapter.unwrap();
        for line in chapter.lines().filter(|line| line.starts_with("| `")) {
            let names = words(line.split('|').nth(1).unwrap());
            all.extend(names.iter().map(|key| format!("{store}.conf: {key}")));
        }
        let flat = chapter.replace('\n', " ");
        if let Some((before, _)) = flat.split_once(" read and ha") {
            let sentence = before.rsplit("  ").next().unwrap();
            all.extend(words(sentence).iter().map(|key| format!("{store}.conf: {key}")));
        }
    }
    all
}

/// Whatever is documented can be looked up, whether it is set or not.
#[test]
fn every_setting_of_the_documents_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let show = |environment: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vpp-agent"));
        command.env_clear().envs(environment.iter().copied());
        command.arg("--config-dir").arg(folder.path()).arg("--state-dir").arg(folder.path());
        let out = command.args(["config", "show", "--origin"]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let said = show(&[]);
    let documented = documented();
    assert!(documented.len() > 90, "{documented:#?}");
    for name in &documented {
        let is = |line: &str| {
            let shown = line.split("  ").next().unwrap();
            shown == name || shown.starts_with(&format!("{name}."))
        };
        let line = said.lines().find(|line| is(line)).unwrap_or_else(|| panic!("no {name} in\n{said}"));
        assert!(line.contains("  default") || line.contains("  flag"), "{line}");
    }
    // Every default that a table tells is the one in effect.
    for (name, value) in [
        ("--microservice-label", "vpp1"),
        ("--log-level", "info"),
        ("--vpp-socket", "/run/vpp/api.sock,/run/vpp-api.sock"),
        ("etcd.conf: endpoints", "127.0.0.1:2379"),
        ("etcd.conf: keepalive-time", "10s"),
        ("redis.conf: dial-timeout", "5s"),
        ("consul.conf: address", "127.0.0.1:8500"),
        ("orchestrator.conf: source-priorities.etcd", "60"),
        ("govpp.conf: reply-timeout", "5s"),
        ("govpp.conf: health-check-probe-interval", "10s"),
        ("kvscheduler.conf: transaction-history-age-limit", "1440"),
        ("logs.conf: default-level", "info"),
        ("vpp-ifplugin.conf: mtu", "0"),
        ("vpp-ifplugin.conf: status-publishers", "none"),
    ] {
        let line = said.lines().find(|line| line.split("  ").next() == Some(name)).unwrap();
        let shown = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).nth(1);
        assert_eq!(shown, Some(value), "{line}");
    }

    // Set in files and by the environment.
    for (file, text) in [
        ("redis.conf", "endpoint: a:1\ntls:\n  enabled: true\npassword: hush\n"),
        ("govpp.conf", "# none\nreply-timeout: 90s\ntrace-enabled: true\n"),
        ("orchestrator.conf", "source-priorities:\n  files: 100\n"),
        ("logs.conf", "default-level: debug\n"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let said = show(&[("ENABLE_STATUS_PUBLISHING", "1"), ("LOG_FORMAT", "json")]);
    for (name, value, origin) in [
        ("redis.conf: endpoint", "a:1", "redis.conf:1"),
        ("redis.conf: tls.enabled", "true", "redis.conf:3"),
        ("redis.conf: tls.skip-verify", "false", "default"),
        ("redis.conf: password", "***", "redis.conf:4"),
        ("govpp.conf: reply-timeout", "1m30s", "govpp.conf:2"),
        ("govpp.conf: trace-enabled", "true", "govpp.conf:3; no effect"),
        ("orchestrator.conf: source-priorities.files", "100", "orchestrator.conf:2"),
        ("orchestrator.conf: source-priorities.etcd", "60", "default"),
        ("orchestrator.conf: publish-value-status", "true", "environment variable ENABLE_STATUS_PUBLISHING"),
        ("logs.conf: default-level", "debug", "logs.conf:1"),
        ("--log-level", "debug", "logs.conf:1"),
        ("--log-format", "json", "environment variable LOG_FORMAT"),
        ("etcd.conf: endpoints", "127.0.0.1:2379", "default; etcd is not used"),
    ] {
        let line = said.lines().find(|line| line.split("  ").next() == Some(name)).unwrap();
        assert!(line.contains(value) && line.ends_with(origin), "{line}: {value} {origin}");
    }
    assert!(!said.contains("hush"), "{said}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
