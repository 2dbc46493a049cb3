//! Whole configurations in one document.

// Helpers of tests fail as tests do.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use models::document::{self, DocumentError, DocumentValue};
use models::json::Names;
use models::proto::ligato::vpp::l3;
use models::{ModelValue, Registry, schema, yaml};
use proptest::prelude::*;
use serde_json::{Value, json};

mod random;

use random::Random;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::builtin().unwrap());

fn values(document: &[DocumentValue]) -> Vec<ModelValue> {
    document.iter().map(|entry| entry.value.clone()).collect()
}

/// The example of every model of a configuration, in the order of keys.
fn examples() -> Vec<ModelValue> {
    let example = |model: &models::Model| model.decode(schema::example(model.name()).unwrap()).unwrap();
    REGISTRY.models().filter(|model| model.spec().class == "config").map(example).collect()
}

const EXAMPLE: &str = "
# A bridge domain between a loopback and a TAP interface.
vppConfig:
  interfaces:
  - name: loop1
    type: SOFTWARE_LOOPBACK
    enabled: true
    ipAddresses:
    - 10.0.0.1/24
  - name: tap1
    type: TAP
    tap: {version: 2}
  bridge_domains:
  - name: bd1
    interfaces: [{name: loop1, bridgedVirtualInterface: true}, {name: tap1}]
  srv6Global:
    encapSourceAddress: 2001:db8::1
linux_config:
  routes:
  - {dstNetwork: 10.1.0.0/16, outgoingInterface: veth1}
netallocConfig:
  ipAddresses:
  - {networkName: net1, interfaceName: if1, address: 10.0.0.5/24}
";

#[test]
fn a_document_is_split_into_values_with_places_and_keys() {
    let entries = document::parse(&REGISTRY, EXAMPLE).unwrap();
    let found: Vec<(&str, &str)> = entries.iter().map(|e| (e.path.as_str(), e.key.as_str())).collect();
    assert_eq!(
        found,
        [
            ("vppConfig.interfaces[0]", "config/vpp/v2/interfaces/loop1"),
            ("vppConfig.interfaces[1]", "config/vpp/v2/interfaces/tap1"),
            ("vppConfig.bridge_domains[0]", "config/vpp/l2/v2/bridge-domain/bd1"),
            ("vppConfig.srv6Global", "config/vpp/srv6/v2/srv6-global"),
            ("linux_config.routes[0]", "config/linux/l3/v2/route/10.1.0.0/16/veth1"),
            ("netallocConfig.ipAddresses[0]", "config/netalloc/v1/ip/network/net1/interface/if1"),
        ]
    );
    assert!(entries.iter().all(|entry| entry.validate().is_empty()));
}

#[test]
fn every_model_has_its_place_and_comes_back() {
    let examples = examples();
    assert_eq!(examples.len(), 44);
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema::of_document(&REGISTRY))
        .unwrap();
    for names in [Names::Proto, Names::Json] {
        let document = document::join(&REGISTRY, &examples, names);
        let mut back = values(&document::split(&REGISTRY, &document).unwrap());
        back.sort_by_key(ModelValue::key);
        let mut wanted = examples.clone();
        wanted.sort_by_key(ModelValue::key);
        assert_eq!(back, wanted);
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let text = yaml::write(&document);
        assert_eq!(values(&document::parse(&REGISTRY, &text).unwrap()).len(), 44, "{text}");
    }
    let names = |names| {
        let document = document::join(&REGISTRY, &examples, names);
        let group = |name: &str| document[name].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        match names {
            Names::Proto => (group("vpp_config"), group("linux_config")),
            Names::Json => (group("vppConfig"), group("linuxConfig")),
        }
    };
    let (vpp, linux) = names(Names::Json);
    for name in
        ["interfaces", "puntIpredirects", "ipfixFlowprobeParams", "wgPeers", "VRRPEntry_list", "Rule_list"]
    {
        assert!(vpp.iter().any(|known| known == name), "{name}: {vpp:?}");
    }
    assert_eq!(linux, ["interfaces", "RuleChain", "arpEntries", "routes"]);
    let (vpp, _) = names(Names::Proto);
    assert!(vpp.iter().any(|known| known == "punt_ipredirects"), "{vpp:?}");
}

#[test]
fn names_that_clients_make_at_run_time_are_read() {
    for (document, key) in [
        (
            json!({"vppConfig": {"Peer_list": [{"wg_if_name": "wg1", "endpoint": "10.0.0.1"}]}}),
            "config/vpp/wg/v1/peer/wg1/endpoint/10.0.0.1/0",
        ),
        (json!({"vppConfig": {"DNSCache": {}}}), "config/vpp/dns/v1/dnscache"),
        (
            json!({"vppConfig": {"VRRPEntry_list": [{"interface": "if1", "vrId": 3}]}}),
            "config/vpp/v2/vrrp/if1/vrid/3",
        ),
        (json!({"linuxConfig": {"RuleChain": [{"name": "rc1"}]}}), "config/linux/iptables/v2/rulechain/rc1"),
        (
            json!({"linuxConfig": {"RuleChain_list": [{"name": "rc1"}]}}),
            "config/linux/iptables/v2/rulechain/rc1",
        ),
    ] {
        let entries = document::split(&REGISTRY, &document).unwrap();
        assert_eq!(entries.len(), 1, "{document}");
        assert_eq!(entries[0].key, key);
    }
}

#[test]
fn a_fault_is_told_with_line_path_and_what_was_meant() {
    for (text, expected) in [
        (
            "vppConfig:\n  interfacs: []\n",
            vec!["line 2: field `vppConfig.interfacs`", "did you mean `interfaces`?"],
        ),
        ("vppConfg: {}\n", vec!["line 1: field `vppConfg`", "did you mean `vppConfig`?"]),
        (
            "vppConfig:\n  interfaces:\n  - name: a\n  - name: b\n    mtu: -1\n",
            vec!["line 5: field `vppConfig.interfaces[1].mtu`", "an integer from 0"],
        ),
        ("vppConfig:\n  interfaces:\n    name: a\n", vec!["line 2: field `vppConfig.interfaces`", "a list"]),
        (
            "vppConfig:\n  proxyArp: []\n",
            vec!["field `vppConfig.proxyArp`", "a mapping with the fields of ProxyARP"],
        ),
        ("vppConfig: 7\n", vec!["line 1: field `vppConfig`", "a mapping with some of: ", "bridgeDomains"]),
        ("- vppConfig\n", vec!["line 1: found a list", "vppConfig"]),
        ("", vec!["found nothing"]),
        (
            "vppConfig:\n  vrfs: [{id: 1}]\nvpp_config: {}\n",
            vec!["line 3: field `vpp_config`", "they are one field"],
        ),
        (
            "vppConfig:\n  proxyArp: {}\n  proxy_arp: {}\n",
            vec!["line 3: field `vppConfig.proxy_arp`", "they are one field"],
        ),
        (
            "vppConfig:\n  routes:\n  - dst_network: 10.0.0.0/8\n  - dst_network: 10.0.0.0/8\n    weight: 5\n",
            vec![
                "line 4: field `vppConfig.routes[1]`",
                "that of `vppConfig.routes[0]` is the same",
                "vrf/0/dst/10.0.0.0/8",
            ],
        ),
        ("vppConfig:\n\tinterfaces: []\n", vec!["line 2"]),
        ("vppConfig:\n  vrfs: []\n  vrfs: []\n", vec!["line 3", "vrfs"]),
        (
            "{\"vppConfig\": {\"vrfs\": [{\"id\": \"x\"}]}}",
            vec!["line 1: field `vppConfig.vrfs[0].id`", "\"x\""],
        ),
    ] {
        let error = document::parse(&REGISTRY, text).expect_err(text).to_string();
        for part in expected {
            assert!(error.contains(part), "{text}: {part}: {error}");
        }
    }
}

#[test]
fn all_faults_of_a_document_are_told_at_once() {
    let error =
        document::parse(&REGISTRY, "vppConfig:\n  vrfs:\n  - id: x\n  arps: 3\nother: 1\n").unwrap_err();
    let DocumentError::Fields { faults, more: 0 } = &error else { panic!("{error}") };
    let found: Vec<_> = faults.iter().map(|f| (f.line.unwrap(), f.field.path.as_str())).collect();
    assert_eq!(found, [(3, "vppConfig.vrfs[0].id"), (4, "vppConfig.arps"), (5, "other")]);

    let many = json!({"vppConfig": {"vrfs": vec![json!({"id": -1}); 500]}});
    let error = document::split(&REGISTRY, &many).unwrap_err();
    let DocumentError::Fields { faults, more } = &error else { panic!("{error}") };
    assert_eq!((faults.len(), *more), (20, 480));
}

#[test]
fn rules_that_are_broken_have_paths_from_the_root() {
    let text =
        "vppConfig:\n  vrfs:\n  - {id: 1}\n  - {id: 2, label: \"".to_owned() + &"x".repeat(64) + "\"}\n";
    let entries = document::parse(&REGISTRY, &text).unwrap();
    let problems: Vec<_> = entries.iter().flat_map(DocumentValue::validate).collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "vppConfig.vrfs[1].label");
}

#[test]
fn what_is_null_is_not_stated() {
    let document = json!({"vppConfig": null, "linuxConfig": {"routes": null, "interfaces": [{"name": "a", "veth": null}]}});
    assert_eq!(document::split(&REGISTRY, &document).unwrap().len(), 1);
    assert_eq!(document::split(&REGISTRY, &json!({})).unwrap(), []);
    assert_eq!(document::join(&REGISTRY, &[], Names::Json), json!({}));
}

#[test]
fn the_message_holds_all_but_three_models() {
    let mut kept = Vec::new();
    let mut refused = Vec::new();
    for value in examples() {
        match document::join_config([&value]) {
            Ok(config) => {
                assert_eq!(document::split_config(&REGISTRY, &config).unwrap(), std::slice::from_ref(&value));
                kept.push(value);
            }
            Err(error) => {
                assert_eq!(error.key, value.key());
                refused.push(error.model);
            }
        }
    }
    assert_eq!(refused, ["linux.iptables.rulechain", "vpp.stn.rule", "vpp.vrrp"]);
    let config = document::join_config(&kept).unwrap();
    assert_eq!(config.vpp_config.as_ref().unwrap().wg_peers.len(), 1);
    let mut back = document::split_config(&REGISTRY, &config).unwrap();
    back.sort_by_key(ModelValue::key);
    kept.sort_by_key(ModelValue::key);
    assert_eq!(back, kept);
    // The message and the document are the same in JSON.
    let json = models::json::encode(&config);
    assert_eq!(document::join(&REGISTRY, &kept, Names::Proto), json);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn random_values_come_back_from_a_document(seed: u64) {
        let mut by_key = std::collections::BTreeMap::new();
        for model in REGISTRY.models().filter(|model| model.spec().class == "config") {
            let descriptor = models::proto::DESCRIPTOR_POOL.get_message_by_name(model.proto_name()).unwrap();
            for i in 0..3 {
                use prost_reflect::prost::Message as _;
                let message = Random(seed.wrapping_add(i)).message(&descriptor);
                let value = model.decode_bytes(&message.encode_to_vec()).unwrap();
                by_key.insert(value.key(), value);
            }
        }
        let wanted: Vec<ModelValue> = by_key.into_values().collect();
        let text = yaml::write(&document::join(&REGISTRY, &wanted, Names::Json));
        let mut back = values(&document::parse(&REGISTRY, &text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?);
        back.sort_by_key(ModelValue::key);
        prop_assert_eq!(back, wanted);
    }

    #[test]
    fn text_that_means_nothing_is_refused_and_never_fatal(text in "[-a-zA-Z0-9:{}\\[\\],\"'#&*!|>%@ \n\t]{0,120}") {
        let _ = document::parse(&REGISTRY, &text);
        let _ = document::parse(&REGISTRY, &format!("vppConfig:\n  interfaces:\n  - {text}"));
    }
}

fn routes(number: u32) -> Value {
    let route = |i: u32| json!({"dst_network": format!("{}/32", std::net::Ipv4Addr::from(i)), "next_hop_addr": "10.0.0.1"});
    json!({"vppConfig": {"routes": (0..number).map(route).collect::<Vec<_>>()}})
}

/// The time that `work` takes, the best of three.
fn time(mut work: impl FnMut()) -> Duration {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..3).map(|_| once(&mut work)).min().unwrap()
}

#[test]
fn time_grows_with_the_size_and_no_faster() {
    let texts = [500, 4_000].map(|number| yaml::write(&routes(number)));
    let [few, many] =
        texts.each_ref().map(|text| time(|| assert!(document::parse(&REGISTRY, text).unwrap().len() >= 500)));
    assert!(many < few * 24, "8 times as many took {many:?} instead of {few:?}");

    // Faults do not change that, nor where they are.
    let [few, many] = texts.each_ref().map(|text| {
        let text = text.replace("next_hop_addr", "next_hop");
        time(|| assert!(document::parse(&REGISTRY, &text).is_err()))
    });
    assert!(many < few * 24, "8 times as many took {many:?} instead of {few:?}");
}

#[test]
fn large_values_are_read_or_refused_with_a_short_message() {
    let long = "x".repeat(10_000_000);
    let key = "config/vpp/v2/interfaces/if1";
    for value in [
        json!({"name": "if1", &long: 1}),
        json!({"name": "if1", "mtu": long}),
        json!({"name": "if1", "type": long}),
        json!({"name": long}),
        json!({"name": "if1", "ip_addresses": {&long: &long}}),
        Value::String(long.clone()),
        Value::Array(vec![json!(1); 1_000_000]),
    ] {
        let error = REGISTRY.parse_json(key, &value).unwrap_err().to_string();
        assert!(error.len() < 3000, "{} bytes", error.len());
    }
    let error = REGISTRY.parse_json(&long, &json!({})).unwrap_err().to_string();
    assert!(error.len() < 4000, "{} bytes", error.len());
    assert!(REGISTRY.parse_bytes(key, long.as_bytes()).is_err());

    let many =
        json!({"name": "if1", "type": "SOFTWARE_LOOPBACK", "ip_addresses": vec!["10.0.0.1/24"; 100_000]});
    let value = REGISTRY.parse_json(key, &many).unwrap();
    assert_eq!(value.validate(), []);
    let wrong = json!({"name": "if1", "type": "SOFTWARE_LOOPBACK", "ip_addresses": vec!["10.0.0.1"; 20_000]});
    let start = Instant::now();
    let problems = REGISTRY.parse_json(key, &wrong).unwrap().validate();
    assert_eq!(problems.len(), 20_000);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());

    let deep = "[".repeat(100_000);
    assert!(document::parse(&REGISTRY, &deep).is_err());
    let deep = format!("vppConfig: {}1{}", "{a: ".repeat(5_000), "}".repeat(5_000));
    assert!(document::parse(&REGISTRY, &deep).is_err());
}

#[test]
fn names_with_slashes_and_unicode_are_kept() {
    for name in ["Gig0/8/0", "näme", "日本/語", "a b", "if:1", "x%2Fy"] {
        let entries = document::split(
            &REGISTRY,
            &json!({"vppConfig": {"interfaces": [{"name": name, "type": "DPDK"}]}}),
        )
        .unwrap();
        assert_eq!(entries[0].key, format!("config/vpp/v2/interfaces/{name}"));
        assert_eq!(entries[0].validate(), []);
        let model = REGISTRY.for_key(&entries[0].key).unwrap();
        assert_eq!(model.instance_name(&entries[0].key), Some(name));
    }
    for name in ["a//b", "a/", "/a", "a/../b", ".", "a/./b"] {
        let value = ModelValue::from(l3::ArpEntry {
            interface: name.to_owned(),
            ip_address: "10.0.0.1".to_owned(),
            phys_address: "02:fe:00:00:00:01".to_owned(),
            ..Default::default()
        });
        let problems = value.validate();
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        assert_eq!(problems[0].path, "interface");
    }
}
