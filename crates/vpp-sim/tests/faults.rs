//! A VPP that misbehaves as it is told, by calls and at its control socket, on packets and on streams.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::{Duration, Instant};

use common::misbehaving::{By, Misbehaving};
use common::socket::SocketClient;
use serde_json::{Value, json};
use vpp_schema::Schema;
use vpp_sim::state::InterfaceEvent;
use vpp_sim::{Fault, Nic, Rule, Which, frame};

const KINDS: [(&str, By); 8] = [
    ("18.10", By::Calls),
    ("18.10", By::Commands),
    ("19.04", By::Calls),
    ("19.04", By::Commands),
    ("20.05", By::Calls),
    ("20.05", By::Commands),
    ("26.06", By::Calls),
    ("26.06", By::Commands),
];

const NOTHING: [(&str, Value); 0] = [];

/// Runs for each kind of socket and each way to tell.
fn each(mut test: impl FnMut(&mut Misbehaving, &Schema)) {
    for (release, by) in KINDS {
        println!("{release} by {by:?}");
        let mut vpp = Misbehaving::new(release, by);
        let schema = vpp.schema();
        test(&mut vpp, &schema);
    }
}

fn interfaces(client: &mut SocketClient, schema: &Schema) -> usize {
    client.request(schema, "sw_interface_dump", &json!({})).len()
}

/// Loopbacks, so that a dump has several answers.
fn loopbacks(client: &mut SocketClient, schema: &Schema, count: usize) {
    for _ in 0..count {
        assert_eq!(client.request(schema, "create_loopback", &json!({}))[0].1["retval"], 0);
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn refuses_so_often() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        vpp.fault(
            Rule::new("create_loopback", Fault::Refuse { retval: -5 }).times(2),
            json!({"kind": "refuse", "message": "create_loopback", "retval": -5, "times": 2}),
        );
        let mut retval = || client.request(schema, "create_loopback", &json!({}))[0].1["retval"].clone();
        assert_eq!([retval(), retval(), retval()], [json!(-5), json!(-5), json!(0)]);
        assert_eq!(interfaces(&mut client, schema), 2, "the refused ones made nothing");
        assert_eq!(vpp.hits(), [2]);
        vpp.clear();
        // A dump has no retval to refuse with.
        vpp.fault(
            Rule::new("sw_interface_dump", Fault::Refuse { retval: -5 }),
            json!({"kind": "refuse", "message": "sw_interface_dump", "retval": -5}),
        );
        assert_eq!(interfaces(&mut client, schema), 0);
        assert_eq!(interfaces(&mut client, schema), 0);
        vpp.clear();
        assert_eq!(interfaces(&mut client, schema), 2);
    });
}

#[test]
fn strikes_not_before_so_many_have_passed() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        vpp.fault(
            Rule::new("create_loopback", Fault::Refuse { retval: -5 }).after(2).times(1),
            json!({"kind": "refuse", "message": "create_loopback", "retval": -5, "after": 2, "times": 1}),
        );
        // What it is not for does not count, and what it lets pass the next rule may have.
        assert_eq!(interfaces(&mut client, schema), 1);
        vpp.fault(
            Rule::new("create_loopback", Fault::Refuse { retval: -6 }).times(1),
            json!({"kind": "refuse", "message": "create_loopback", "retval": -6, "times": 1}),
        );
        let mut retval = || client.request(schema, "create_loopback", &json!({}))[0].1["retval"].clone();
        assert_eq!([retval(), retval(), retval(), retval()], [json!(-6), json!(0), json!(-5), json!(0)]);
        assert_eq!(vpp.hits(), [1, 1]);
    });
}

#[test]
fn refuses_handshake_and_goodbye() {
    each(|vpp, _| {
        vpp.fault(
            Rule::new("sockclnt_create", Fault::Refuse { retval: -8 }).times(1),
            json!({"kind": "refuse", "message": "sockclnt_create", "retval": -8, "times": 1}),
        );
        vpp.fault(
            Rule::new("sockclnt_delete", Fault::Refuse { retval: -8 }).times(1),
            json!({"kind": "refuse", "message": "sockclnt_delete", "retval": -8, "times": 1}),
        );
        let mut client = SocketClient::dial(&vpp.path, vpp.seqpacket);
        assert_eq!(client.register("test"), -8);
        assert_eq!(client.register("test"), 0);
        assert_eq!(client.leave(), -8);
        let mut other = vpp.client();
        assert!(other.goodbye().1);
        assert!(client.goodbye().1, "it stayed registered");
    });
}

#[test]
fn answers_late_and_in_order() {
    each(|vpp, schema| {
        let (mut client, mut other) = (vpp.client(), vpp.client());
        vpp.fault(
            Rule::new("show_version", Fault::Delay { by: ms(700) }),
            json!({"kind": "delay", "message": "show_version", "ms": 700}),
        );
        let started = Instant::now();
        let asked = client.ask(schema, "show_version", &json!({}));
        let again = client.ask(schema, "show_version", &json!({}));
        let pinged = client.ask(schema, "control_ping", &json!({}));
        assert_eq!(interfaces(&mut other, schema), 1);
        assert!(started.elapsed() < ms(700), "others do not wait");
        for (context, name) in
            [(asked, "show_version_reply"), (again, "show_version_reply"), (pinged, "control_ping_reply")]
        {
            let (answer, fields) = client.next(schema).expect("an answer");
            assert_eq!((answer.as_str(), &fields["context"]), (name, &json!(context)));
            assert!(started.elapsed() >= ms(700));
        }
        // Each waits from its request on, not one after the other.
        assert!(started.elapsed() < ms(1390));
        assert_eq!(vpp.hits(), [2]);
    });
}

#[test]
fn gives_no_answer() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        vpp.fault(
            Rule::new("create_loopback", Fault::Drop { execute: false }).times(1),
            json!({"kind": "drop", "message": "create_loopback", "times": 1}),
        );
        vpp.fault(
            Rule::new("create_loopback", Fault::Drop { execute: true }).times(1),
            json!({"kind": "drop", "message": "create_loopback", "execute": true, "times": 1}),
        );
        assert_eq!(client.request(schema, "create_loopback", &json!({})), NOTHING.map(own));
        assert_eq!(interfaces(&mut client, schema), 1, "not carried out");
        assert_eq!(client.request(schema, "create_loopback", &json!({})), NOTHING.map(own));
        assert_eq!(interfaces(&mut client, schema), 2, "carried out");
        assert_eq!(client.request(schema, "create_loopback", &json!({})).len(), 1);
        assert_eq!(vpp.hits(), [1, 1]);
    });
}

fn own((name, fields): (&str, Value)) -> (String, Value) {
    (name.to_string(), fields)
}

#[test]
fn answers_twice() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        loopbacks(&mut client, schema, 1);
        vpp.fault(Rule::new(Which::All, Fault::Duplicate).times(1), json!({"kind": "duplicate", "times": 1}));
        let answers = client.request(schema, "sw_interface_dump", &json!({}));
        let indexes: Vec<&Value> = answers.iter().map(|(_, fields)| &fields["sw_if_index"]).collect();
        assert_eq!(indexes, [0, 1, 0, 1]);
    });
}

/// What a client gets for `show_version`, as bytes of all frames or until the connection ends.
struct Spoilt {
    rule: Fault,
    fields: Value,
    /// From the right answer to what comes.
    expected: fn(&[u8]) -> Vec<u8>,
    ends: bool,
}

fn with_header(length: u32, message: &[u8]) -> Vec<u8> {
    let mut bytes = frame(message);
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes
}

#[test]
fn answers_with_rubbish() {
    let cases = [
        Spoilt {
            rule: Fault::Truncate { to: 6 },
            fields: json!({"kind": "truncate", "bytes": 6}),
            expected: |reply| frame(&reply[..6]),
            ends: false,
        },
        Spoilt {
            rule: Fault::Truncate { to: 0 },
            fields: json!({"kind": "truncate", "bytes": 0}),
            expected: |_| frame(&[]),
            ends: false,
        },
        Spoilt {
            rule: Fault::Cut { after: 21 },
            fields: json!({"kind": "cut", "bytes": 21}),
            expected: |reply| frame(reply)[..21].to_vec(),
            ends: true,
        },
        Spoilt {
            rule: Fault::Cut { after: 7 },
            fields: json!({"kind": "cut", "bytes": 7}),
            expected: |reply| frame(reply)[..7].to_vec(),
            ends: true,
        },
        Spoilt {
            rule: Fault::Context { context: 0x0102_0304 },
            fields: json!({"kind": "context", "context": 0x0102_0304}),
            expected: |reply| frame(&[&reply[..2], &[1, 2, 3, 4], &reply[6..]].concat()),
            ends: false,
        },
        Spoilt {
            rule: Fault::Id { id: 0xffee },
            fields: json!({"kind": "id", "id": 0xffee}),
            expected: |reply| frame(&[&[0xff, 0xee], &reply[2..]].concat()),
            ends: false,
        },
        Spoilt {
            rule: Fault::Length { length: u32::MAX },
            fields: json!({"kind": "length", "length": u32::MAX}),
            expected: |reply| with_header(u32::MAX, reply),
            ends: false,
        },
        Spoilt {
            rule: Fault::Instead { bytes: vec![1, 2, 3] },
            fields: json!({"kind": "instead", "hex": "010203"}),
            expected: |_| vec![1, 2, 3],
            ends: false,
        },
        Spoilt {
            rule: Fault::Instead { bytes: frame(&[1, 2, 3]) },
            fields: json!({"kind": "instead", "frame": "010203"}),
            expected: |_| frame(&[1, 2, 3]),
            ends: false,
        },
        Spoilt {
            rule: Fault::Close { answers: Some(0) },
            fields: json!({"kind": "close", "answers": 0}),
            expected: |_| Vec::new(),
            ends: true,
        },
        Spoilt {
            rule: Fault::Close { answers: None },
            fields: json!({"kind": "close"}),
            expected: frame,
            ends: true,
        },
    ];
    each(|vpp, schema| {
        for case in &cases {
            let mut client = vpp.client();
            client.ask(schema, "show_version", &json!({}));
            let mut right = client.receive().expect("an answer");
            // The next one has the next context.
            right[5] += 1;
            let mut fields = case.fields.clone();
            fields["message"] = json!("show_version");
            vpp.fault(Rule::new("show_version", case.rule.clone()), fields);
            client.ask(schema, "show_version", &json!({}));
            let expected = (case.expected)(&right);
            assert_eq!(client.receive_raw(expected.len()), expected, "{:?}", case.rule);
            if case.ends {
                assert!(client.receive_raw(1).is_empty(), "{:?}", case.rule);
            } else {
                // And nothing more: the next bytes are those of the next answer.
                client.ask(schema, "control_ping", &json!({}));
                let (name, _) = client.next(schema).expect("an answer");
                assert_eq!(name, "control_ping_reply", "{:?}", case.rule);
            }
            assert_eq!(vpp.hits(), [1]);
            vpp.clear();
        }
    });
}

#[test]
fn closes_within_the_answers_of_a_dump() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        loopbacks(&mut client, schema, 3);
        vpp.fault(
            Rule::new("sw_interface_dump", Fault::Close { answers: Some(2) }),
            json!({"kind": "close", "message": "sw_interface_dump", "answers": 2}),
        );
        client.ask(schema, "sw_interface_dump", &json!({}));
        for index in 0..2 {
            assert_eq!(client.next(schema).expect("details").1["sw_if_index"], index);
        }
        assert!(client.receive().is_none());
        assert_eq!(vpp.state()["rude"], 0, "it was VPP that closed");
    });
}

#[test]
fn stands_still_at_a_message() {
    each(|vpp, schema| {
        let (mut client, mut other) = (vpp.client(), vpp.client());
        vpp.fault(
            Rule::new("show_version", Fault::Stall { by: ms(600) }).times(1),
            json!({"kind": "stall", "message": "show_version", "ms": 600, "times": 1}),
        );
        let started = Instant::now();
        client.ask(schema, "show_version", &json!({}));
        while vpp.hits() == [0] {
            std::thread::sleep(ms(1));
        }
        assert!(started.elapsed() < ms(600), "the control socket answers meanwhile");
        other.ask(schema, "control_ping", &json!({}));
        assert!(other.next(schema).is_some());
        assert!(started.elapsed() >= ms(600), "others wait, too");
        assert_eq!(client.next(schema).expect("an answer").0, "show_version_reply");
    });
}

#[test]
fn stands_still_when_told() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        // Often, as it has to hold however busy VPP is with what came before.
        for _ in 0..20 {
            let started = Instant::now();
            vpp.tell(|vpp| vpp.stall(ms(30)), &json!({"command": "stall", "ms": 30}));
            client.request(schema, "show_version", &json!({}));
            assert!(started.elapsed() >= ms(30));
        }
        // It can be killed meanwhile.
        let started = Instant::now();
        vpp.tell(|vpp| vpp.stall(ms(60_000)), &json!({"command": "stall", "ms": 60_000}));
        vpp.tell(|vpp| vpp.crash(), &json!({"command": "crash"}));
        assert!(client.receive().is_none());
        assert!(started.elapsed() < ms(30_000));
    });
}

#[test]
fn dies_of_a_message() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        loopbacks(&mut client, schema, 1);
        vpp.fault(
            Rule::new("show_version", Fault::Crash).times(1),
            json!({"kind": "crash", "message": "show_version", "times": 1}),
        );
        client.ask(schema, "show_version", &json!({}));
        assert!(client.receive().is_none());
        assert!(vpp.path.exists(), "the socket file stays");
        let state = vpp.state();
        assert_eq!(
            (&state["running"], &state["died"]),
            (&json!(false), &json!("told to crash at show_version"))
        );
        vpp.restart();
        // The fault is still there, and used up.
        assert_eq!(vpp.hits(), [1]);
        let mut client = vpp.client();
        assert_eq!(client.request(schema, "show_version", &json!({})).len(), 1);
        assert_eq!(interfaces(&mut client, schema), 1, "nothing is configured");
    });
}

#[test]
fn picks_by_module_client_and_connection_and_takes_the_first() {
    each(|vpp, schema| {
        let mut agent = SocketClient::dial(&vpp.path, vpp.seqpacket);
        agent.hello("agent");
        let mut other = vpp.client();
        let connection =
            vpp.running().sim().clients().find(|c| c.name == "test").expect("registered").connection;
        let drop = Fault::Drop { execute: false };
        vpp.fault(
            Rule::new("show_version", Fault::Refuse { retval: -1 }).client("agent").times(1),
            json!({"kind": "refuse", "message": "show_version", "retval": -1, "client": "agent", "times": 1}),
        );
        vpp.fault(
            Rule::new("show_version", Fault::Refuse { retval: -2 }).connection(connection),
            json!({"kind": "refuse", "message": "show_version", "retval": -2, "connection": connection}),
        );
        vpp.fault(
            Rule::new(Which::Module("acl".to_string()), drop),
            json!({"kind": "drop", "module": "acl"}),
        );
        let version = |client: &mut SocketClient| {
            client.request(schema, "show_version", &json!({}))[0].1["retval"].clone()
        };
        assert_eq!([version(&mut agent), version(&mut other)], [json!(-1), json!(-2)]);
        assert_eq!([version(&mut agent), version(&mut other)], [json!(0), json!(-2)]);
        for name in ["acl_plugin_get_version", "acl_dump"] {
            assert_eq!(agent.request(schema, name, &json!({})), NOTHING.map(own));
        }
        assert_eq!(vpp.hits(), [1, 2, 2]);
    });
}

#[test]
fn sends_what_nobody_asked_for() {
    each(|vpp, schema| {
        let (mut client, mut other) = (vpp.client(), vpp.client());
        let first = vpp.running().sim().clients().next().expect("registered").connection;
        vpp.tell(
            |vpp| vpp.send(Some(first), [1, 2, 3]),
            &json!({"command": "send", "connection": first, "hex": "010203"}),
        );
        assert_eq!(client.receive_raw(3), [1, 2, 3]);
        vpp.tell(
            |vpp| vpp.send(None, frame(&[0xff, 0xff, 0])),
            &json!({"command": "send", "frame": "ffff00"}),
        );
        assert_eq!(client.receive().expect("a message"), [0xff, 0xff, 0]);
        assert_eq!(other.receive().expect("a message"), [0xff, 0xff, 0], "and not what the first one got");
        let command = json!({"command": "send", "message": "show_version_reply", "fields": {"context": 77}});
        vpp.commands.run(&command);
        assert_eq!(client.next(schema).expect("a message").1["context"], 77);
        vpp.tell(|vpp| vpp.close(Some(first)), &json!({"command": "close", "connection": first}));
        assert!(client.receive().is_none());
        assert_eq!(other.next(schema).expect("a message").0, "show_version_reply");
        assert_eq!(other.request(schema, "show_version", &json!({})).len(), 1, "the other one stays");
        vpp.tell(|vpp| vpp.close(None), &json!({"command": "close"}));
        assert!(other.receive().is_none());
        assert_eq!(vpp.state()["rude"], 0);
    });
}

fn event(client: &mut SocketClient, schema: &Schema) -> [u64; 4] {
    let (name, fields) = client.next(schema).expect("an event");
    assert_eq!(name, "sw_interface_event");
    let number = |field: &str| match &fields[field] {
        Value::Bool(flag) => u64::from(*flag),
        value => value.as_u64().unwrap_or_default(),
    };
    let flags = number("flags");
    let (admin, link) = (flags & 1 | number("admin_up_down"), flags >> 1 & 1 | number("link_up_down"));
    [number("sw_if_index"), admin, link, number("deleted")]
}

#[test]
fn tells_of_links_nics_and_what_never_happened() {
    each(|vpp, schema| {
        let mut client = vpp.client();
        let subscribe = json!({"enable_disable": 1, "pid": 5});
        assert_eq!(client.request(schema, "want_interface_events", &subscribe).len(), 1);
        vpp.tell(
            |vpp| vpp.event(InterfaceEvent { sw_if_index: 7, admin_up: true, link_up: false, deleted: true }),
            &json!({"command": "event", "interface": 7, "admin_up": true, "deleted": true}),
        );
        assert_eq!(event(&mut client, schema), [7, 1, 0, 1]);
        vpp.tell(
            |vpp| {
                let nic = Nic::new("Gigabit0", "02:fe:00:00:00:01").expect("a NIC");
                assert_eq!(vpp.add_nic(nic), 1);
            },
            &json!({"command": "add-interface", "name": "Gigabit0", "mac": "02:fe:00:00:00:01"}),
        );
        if vpp.running().sim().behaviour().creation_events {
            assert_eq!(event(&mut client, schema), [1, 0, 0, 0]);
        }
        for up in [true, false] {
            vpp.tell(
                |vpp| assert!(vpp.set_link(1, up)),
                &json!({"command": "link", "interface": "Gigabit0", "up": up}),
            );
            assert_eq!(event(&mut client, schema), [1, 0, u64::from(up), 0]);
            assert_eq!(vpp.state()["interfaces"][1]["link_up"], up);
        }
        assert!(!vpp.running().set_link(9, true));
        // A NIC is there again after a restart, and what was made is not.
        loopbacks(&mut client, schema, 1);
        vpp.restart();
        let mut client = vpp.client();
        let found = client.request(schema, "sw_interface_dump", &json!({}));
        assert_eq!(found.len(), 2);
        assert_eq!(vpp.state()["interfaces"][1]["name"], "Gigabit0");
    });
}

#[test]
fn counts_who_leaves_without_a_goodbye() {
    each(|vpp, _| {
        let mut polite = vpp.client();
        assert!(polite.goodbye().1);
        let rude = vpp.client();
        // A connection without a registration has nobody to say goodbye to.
        drop(SocketClient::dial(&vpp.path, vpp.seqpacket));
        assert_eq!(vpp.state()["rude"], 0);
        drop(rude);
        let deadline = Instant::now() + ms(10_000);
        while vpp.state()["rude"] != 1 {
            assert!(Instant::now() < deadline, "not counted");
            std::thread::sleep(ms(2));
        }
        assert_eq!(vpp.state()["clients"], json!([]));
        assert_eq!(vpp.running().sim().rude(), 1);
    });
}

/// Events that a spoilt request causes are delivered as ever.
#[test]
fn events_of_a_dropped_answer_come() {
    let mut vpp = Misbehaving::new("26.06", By::Calls);
    let schema = vpp.schema();
    let mut client = vpp.client();
    client.request(&schema, "want_interface_events", &json!({"enable_disable": 1, "pid": 5}));
    vpp.fault(Rule::new("create_loopback", Fault::Drop { execute: true }), json!({}));
    client.ask(&schema, "create_loopback", &json!({}));
    assert_eq!(event(&mut client, &schema), [1, 0, 0, 0]);
}

#[test]
fn a_rule_about_nothing_is_refused() {
    let vpp = Misbehaving::new("20.05", By::Calls);
    let mut sim = vpp.running().sim();
    let error = sim.add_fault(Rule::new("no_such", Fault::Duplicate)).expect_err("refused");
    assert_eq!(error.to_string(), "VPP 20.05 has no request no_such");
    // An answer is no request: nobody sends it.
    assert!(sim.add_fault(Rule::new("show_version_reply", Fault::Duplicate)).is_err());
    assert!(sim.add_fault(Rule::new(Which::Module("no_such".to_string()), Fault::Crash)).is_err());
    assert_eq!(sim.faults(), []);
}
