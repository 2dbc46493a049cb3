//! Values: JSON in and out, text form, and errors that name the place.

use models::proto::ligato::vpp::{interfaces, l2, l3};
use models::{Model, ModelError, ModelMessage, ModelValue, Registry, RegistryError, from_text};
use prost_reflect::ReflectMessage;
use serde_json::{Value, json};

/// (key, value, one-line text)
fn samples() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "config/vpp/v2/interfaces/if1",
            json!({"name": "if1", "type": "SOFTWARE_LOOPBACK", "enabled": true}),
            r#"name:"if1" type:SOFTWARE_LOOPBACK enabled:true"#,
        ),
        (
            "config/vpp/v2/interfaces/tap1",
            json!({
                "name": "tap1", "type": "TAP", "phys_address": "02:fe:00:00:00:01",
                "ip_addresses": ["10.0.0.1/24", "2001:db8::1/64"], "mtu": 1500,
                "rx_modes": [{"queue": 1, "mode": "POLLING"}],
                "tap": {"version": 2, "host_if_name": "tap-host", "enable_gso": true},
            }),
            r#"name:"tap1" type:TAP phys_address:"02:fe:00:00:00:01" ip_addresses:"10.0.0.1/24" ip_addresses:"2001:db8::1/64" mtu:1500 rx_modes:{queue:1 mode:POLLING} tap:{version:2 host_if_name:"tap-host" enable_gso:true}"#,
        ),
        (
            "config/vpp/l2/v2/bridge-domain/bd1",
            json!({
                "name": "bd1", "flood": true, "learn": true,
                "interfaces": [{"name": "if1", "bridged_virtual_interface": true}, {"name": "if2"}],
                "arp_termination_table": [{"ip_address": "10.0.0.1", "phys_address": "02:fe:00:00:00:01"}],
            }),
            r#"name:"bd1" flood:true learn:true interfaces:{name:"if1" bridged_virtual_interface:true} interfaces:{name:"if2"} arp_termination_table:{ip_address:"10.0.0.1" phys_address:"02:fe:00:00:00:01"}"#,
        ),
        (
            "config/vpp/l2/v2/fib/bd1/mac/02:fe:00:00:00:01",
            json!({"phys_address": "02:fe:00:00:00:01", "bridge_domain": "bd1", "outgoing_interface": "if1"}),
            r#"phys_address:"02:fe:00:00:00:01" bridge_domain:"bd1" outgoing_interface:"if1""#,
        ),
        (
            "config/vpp/v2/route/if/if1/vrf/1/dst/10.1.0.0/16/gw/10.0.0.9",
            json!({
                "type": "INTER_VRF", "vrf_id": 1, "dst_network": "10.1.0.0/16", "next_hop_addr": "10.0.0.9",
                "outgoing_interface": "if1", "weight": 2, "via_vrf_id": 3,
            }),
            r#"type:INTER_VRF vrf_id:1 dst_network:"10.1.0.0/16" next_hop_addr:"10.0.0.9" outgoing_interface:"if1" weight:2 via_vrf_id:3"#,
        ),
    ]
}

#[test]
fn values_survive_json_and_show_on_one_line() {
    let registry = Registry::builtin().unwrap();
    for (key, json, text) in samples() {
        let value = registry.parse_json(key, &json).unwrap();
        assert_eq!(value.key(), key);
        assert_eq!(value.to_json(), json, "JSON out is JSON in");
        assert_eq!(value.to_string(), text);
        assert_eq!(value.validate(), [], "{key}");
        assert_eq!(registry.parse_json(&format!("/vnf-agent/vpp1/{key}"), &json).unwrap(), value);
    }
}

#[test]
fn the_text_form_is_read_back() {
    for (key, json, text) in samples() {
        if key.contains("interfaces") {
            let value: interfaces::Interface = from_text(text).unwrap();
            assert_eq!(value.to_json(), json);
        }
    }
    let quoted = interfaces::Interface { name: "a\"\\\n\u{1}ö".to_owned(), ..Default::default() };
    assert_eq!(from_text::<interfaces::Interface>(&quoted.to_string()).unwrap(), quoted);
    let error = from_text::<l2::FibEntry>("bridge_domain: 7").unwrap_err();
    assert!(error.to_string().contains("ligato.vpp.l2.FIBEntry"), "{error}");
}

#[test]
fn derived_values_show_on_one_line() {
    let port = l2::bridge_domain::Interface {
        name: "if1".to_owned(),
        bridged_virtual_interface: true,
        split_horizon_group: 2,
    };
    assert_eq!(port.to_string(), r#"name:"if1" bridged_virtual_interface:true split_horizon_group:2"#);
    let unnumbered = interfaces::interface::Unnumbered { interface_with_ip: "if2".to_owned() };
    assert_eq!(unnumbered.to_string(), r#"interface_with_ip:"if2""#);
    assert_eq!(l3::Route::default().to_string(), "");
}

#[test]
fn both_styles_of_field_names_and_enum_numbers_are_read() {
    let registry = Registry::builtin().unwrap();
    let snake = json!({"name": "if1", "type": "TAP", "phys_address": "02:fe:00:00:00:01", "tap": {"host_if_name": "x"}});
    let camel =
        json!({"name": "if1", "type": 5, "physAddress": "02:fe:00:00:00:01", "tap": {"hostIfName": "x"}});
    let key = "config/vpp/v2/interfaces/if1";
    assert_eq!(registry.parse_json(key, &snake).unwrap(), registry.parse_json(key, &camel).unwrap());
}

#[test]
fn the_field_at_fault_is_named_with_what_it_has_to_be() {
    let registry = Registry::builtin().unwrap();
    let interface = "config/vpp/v2/interfaces/if1";
    let bridge = "config/vpp/l2/v2/bridge-domain/bd1";
    for (key, value, path, expected, found) in [
        (interface, json!({"name": "if1", "enabeld": true}), "enabeld", "enabled", "unknown field `enabeld`"),
        (
            interface,
            json!({"name": "if1", "tap": {"gso": true}}),
            "tap.gso",
            "enable_gso",
            "unknown field `gso`",
        ),
        (interface, json!({"name": "if1", "type": "LOOPBACK"}), "type", "SOFTWARE_LOOPBACK", "\"LOOPBACK\""),
        (interface, json!({"name": 1}), "name", "text", "1"),
        (interface, json!({"name": "if1", "enabled": "yes"}), "enabled", "true or false", "\"yes\""),
        (interface, json!({"name": "if1", "mtu": -1}), "mtu", "an integer from 0 to 4294967295", "-1"),
        (
            interface,
            json!({"name": "if1", "mtu": 4_294_967_296_u64}),
            "mtu",
            "an integer from 0",
            "4294967296",
        ),
        (interface, json!({"name": "if1", "mtu": 1.5}), "mtu", "an integer", "1.5"),
        (
            interface,
            json!({"name": "if1", "ip_addresses": "10.0.0.1/24"}),
            "ip_addresses",
            "a list of text",
            "10.0",
        ),
        (
            interface,
            json!({"name": "if1", "ip_addresses": ["10.0.0.1/24", 7]}),
            "ip_addresses[1]",
            "text",
            "7",
        ),
        (interface, json!({"name": "if1", "tap": {}, "memif": {}}), "memif", "exclude each other", "both"),
        (interface, json!(["if1"]), "", "a mapping with the fields of Interface", "a list"),
        (interface, json!(null), "", "a mapping with the fields of Interface", "nothing"),
        (
            bridge,
            json!({"name": "bd1", "interfaces": [{"nme": "x"}]}),
            "interfaces[0].nme",
            "name",
            "unknown field",
        ),
        (bridge, json!({"name": "bd1", "interfaces": ["if1"]}), "interfaces[0]", "a mapping", "\"if1\""),
    ] {
        let error = registry.parse_json(key, &value).expect_err("a field is at fault");
        let text = error.to_string();
        let ModelError::Fields { key: at, source, .. } = error else { panic!("{text}") };
        let [source] = source.errors() else { panic!("one fault: {text}") };
        assert_eq!((at.as_str(), source.path.as_str()), (key, path), "{text}");
        assert!(source.expected.contains(expected), "{expected}: {text}");
        assert!(source.found.contains(found), "{found}: {text}");
        assert!(text.contains(key) && text.contains(path), "{text}");
    }
}

#[test]
fn a_name_that_disagrees_with_its_key_shows_both() {
    let registry = Registry::builtin().unwrap();
    let error = registry
        .parse_json("/vnf-agent/vpp1/config/vpp/v2/interfaces/if1", &json!({"name": "if2"}))
        .unwrap_err()
        .to_string();
    assert!(error.contains("`config/vpp/v2/interfaces/if1`"), "{error}");
    assert!(error.contains("`config/vpp/v2/interfaces/if2`"), "{error}");

    // What made the keys differ is told with it.
    let error = registry
        .parse_json("config/vpp/v2/route/vrf/0/dst/10.0.0.0/33", &json!({"dst_network": "10.0.0.0/33"}))
        .unwrap_err()
        .to_string();
    assert!(error.contains("dst_network") && error.contains("is not a network"), "{error}");
}

#[test]
fn a_key_that_no_model_has_is_told_which_there_are() {
    let registry = Registry::builtin().unwrap();
    let error = registry.parse_json("/vnf-agent/vpp1/config/vpp/v2/interface/if1", &json!({})).unwrap_err();
    let ModelError::UnknownModel { key, nearest, known } = &error else { panic!("{error}") };
    assert_eq!(key, "config/vpp/v2/interface/if1");
    assert_eq!(nearest.as_deref(), Some("config/vpp/v2/interfaces/"));
    assert_eq!(*known, 45);
    assert!(error.to_string().contains("config/vpp/v2/interfaces/"));
    let error = registry.parse_json("something/else", &json!({})).unwrap_err().to_string();
    assert!(error.contains("`config/vpp/v2/interfaces/`") && error.contains("45 models"), "{error}");
    assert!(error.len() < 200, "short, since there may be masses of them: {error}");
}

#[test]
fn values_convert_to_their_messages_and_no_others() {
    let value =
        ModelValue::from(l3::Route { vrf_id: 3, dst_network: "10.0.0.0/8".to_owned(), ..Default::default() });
    let error = interfaces::Interface::try_from(value.clone()).unwrap_err().to_string();
    assert!(error.contains("vpp.route") && error.contains("vpp.interfaces"), "{error}");
    assert_eq!(l3::Route::try_from(value).unwrap().vrf_id, 3);
}

#[test]
fn a_model_is_registered_once() {
    let mut registry = Registry::builtin().unwrap();
    assert_eq!(registry.models().count(), 45);
    let error = registry.register(Model::of::<l3::Route>()).unwrap_err();
    assert!(matches!(error, RegistryError::DuplicateName { .. }), "{error}");
}

#[test]
fn messages_keep_the_names_numbers_and_options_of_the_api() {
    let interface = interfaces::Interface::default().descriptor();
    assert_eq!(interface.full_name(), "ligato.vpp.interfaces.Interface");
    for (name, number) in
        [("name", 1), ("ip6_nd", 14), ("mtu", 8), ("rx_placements", 13), ("tap", 103), ("rdma", 112)]
    {
        assert_eq!(interface.get_field_by_name(name).unwrap().number(), number, "{name}");
    }
    let pool = interface.parent_pool();
    let options = pool.get_extension_by_name("ligato.ligato_options").unwrap();
    assert_eq!(options.number(), 2000);
    assert_eq!(pool.get_extension_by_name("ligato.generic.model").unwrap().number(), 50222);
    assert_eq!(pool.get_extension_by_name("ligato.generic.model_name_template").unwrap().number(), 50223);
    for (field, expected) in [("mtu", "int_range{maximum:9216}"), ("ip_addresses", "type:IP_WITH_MASK")] {
        let stated = interface.get_field_by_name(field).unwrap().options();
        let stated = stated.get_extension(&options);
        assert_eq!(stated.as_message().unwrap().to_text_format(), expected, "{field}");
    }
}
