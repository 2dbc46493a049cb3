//! Sub-interfaces on every release: what they match, and what is refused.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::{Client, on_every_release};
use serde_json::{Value, json};

// Bits of `sub_if_flags`; older releases have fields.
const NO_TAGS: u32 = 1;
const ONE: u32 = 2;
const TWO: u32 = 4;
const AD: u32 = 8;
const EXACT: u32 = 16;
const DEFAULT: u32 = 32;
const OUTER_ANY: u32 = 64;
const INNER_ANY: u32 = 128;

fn sub(parent: u64, id: u32, flags: u32, outer: u16, inner: u16) -> Value {
    let bit = |bit: u32| flags & bit != 0;
    json!({"sw_if_index": parent, "sub_id": id, "sub_if_flags": flags, "outer_vlan_id": outer,
        "inner_vlan_id": inner, "no_tags": bit(NO_TAGS), "one_tag": bit(ONE), "two_tags": bit(TWO),
        "dot1ad": bit(AD), "exact_match": bit(EXACT), "default_sub": bit(DEFAULT),
        "outer_vlan_id_any": bit(OUTER_ANY), "inner_vlan_id_any": bit(INNER_ANY)})
}

#[test]
fn all_shapes() {
    let shapes = [
        (ONE | EXACT, 100, 0, 1),
        (ONE, 101, 0, 1),
        (ONE | AD | EXACT, 100, 0, 1),
        (TWO | EXACT, 100, 7, 2),
        (TWO | EXACT, 100, 8, 2),
        (TWO | AD | EXACT, 100, 7, 2),
        (TWO | INNER_ANY, 100, 0, 2),
        (DEFAULT, 0, 0, 0),
    ];
    on_every_release(|client| {
        let release = client.sim.release();
        let parent = client.loopback();
        for (id, (flags, outer, inner, _)) in (10..).zip(shapes) {
            client.expect("create_subif", sub(parent, id, flags, outer, inner), 0);
        }
        let details = client.dump("sw_interface_dump", json!({"sw_if_index": u32::MAX}));
        for ((index, id), (flags, outer, inner, tags)) in (2..).zip(10..).zip(shapes) {
            let details = details.iter().find(|d| d["sw_if_index"] == index).expect("shown");
            let at = format!("{release} {flags:#x}");
            assert_eq!(client.name(index), Some(format!("loop0.{id}")), "{at}");
            assert_eq!(details["sup_sw_if_index"], json!(parent), "{at}");
            assert_eq!(details["sub_id"], id, "{at}");
            assert_eq!(details["sub_number_of_tags"], tags, "{at}");
            assert_eq!(details["sub_outer_vlan_id"], outer, "{at}");
            assert_eq!(details["sub_inner_vlan_id"], inner, "{at}");
            match details.get("sub_if_flags") {
                Some(shown) => assert_eq!(*shown, flags, "{at}"),
                None => {
                    assert_eq!(details["sub_dot1ad"], u8::from(flags & AD != 0), "{at}");
                    assert_eq!(details["sub_exact_match"], u8::from(flags & EXACT != 0), "{at}");
                    assert_eq!(details["sub_default"], u8::from(flags & DEFAULT != 0), "{at}");
                    assert_eq!(details["sub_inner_vlan_id_any"], u8::from(flags & INNER_ANY != 0), "{at}");
                }
            }
        }
        // They go with their parent, and an index of one of them leads to it.
        assert_eq!(client.retval("delete_loopback", json!({"sw_if_index": 3})), 0, "{release}");
        assert_eq!(client.sim.state().interfaces.iter().count(), 1, "{release}");
    });
}

#[test]
fn refusals() {
    on_every_release(|client| {
        let release = client.sim.release();
        let parent = client.loopback();
        let (taken, failed) = (client.sim.behaviour().sub_taken, client.sim.behaviour().sub_failed);
        let (taken, failed) = (i64::from(taken), i64::from(failed));
        let frees = client.sim.behaviour().refused_sub_frees_vlan;
        let create = "create_subif";
        client.expect(create, sub(9, 1, ONE, 1, 0), -2);
        client.expect(create, sub(parent, 1, ONE | EXACT, 1, 0), 0);
        client.expect(create, sub(parent, 1, ONE | EXACT, 2, 0), taken);
        // What matches nothing sensible, and what nobody wrote.
        client.expect(create, sub(parent, 2, TWO | EXACT | INNER_ANY, 1, 0), failed);
        client.expect(create, sub(parent, 2, ONE | OUTER_ANY, 0, 0), failed);
        client.expect(create, sub(parent, 2, TWO | OUTER_ANY | INNER_ANY, 0, 0), failed);
        // Frames that another one claims; untagged ones are the parent's.
        client.expect(create, sub(parent, 2, NO_TAGS, 0, 0), failed);
        client.expect(create, sub(parent, 2, ONE, 1, 0), failed);
        assert_eq!(client.sim.state().interfaces.iter().count(), 3, "{release}");
        // Where the refusal took the claim away, the next one is made.
        client.expect(create, sub(parent, 2, ONE, 1, 0), if frees { 0 } else { failed });

        for (vlan, retval) in [(0, -55), (4096, -55), (1, -56), (5, 0), (5, -56)] {
            client.expect("create_vlan_subif", json!({"sw_if_index": parent, "vlan_id": vlan}), retval);
        }
        client.expect("create_vlan_subif", json!({"sw_if_index": 99, "vlan_id": 5}), -2);
        // A claim ends with its interface.
        let last = client.sim.state().interfaces.iter().map(|i| i.sw_if_index).max().expect("an index");
        client.expect("delete_subif", json!({"sw_if_index": parent}), -98);
        client.expect("delete_subif", json!({"sw_if_index": 99}), -2);
        client.expect("delete_subif", json!({"sw_if_index": last}), 0);
        client.expect(create, sub(parent, 77, ONE | EXACT, 5, 0), 0);
        assert_eq!(client.name(last).as_deref(), Some("loop0.77"), "{release}");
    });
}

#[test]
fn the_index_in_a_refusal() {
    for (release, told) in [("18.10", 1), ("19.08", 1), ("20.01", u32::MAX), ("26.06", u32::MAX)] {
        let mut client = Client::new(release);
        let parent = client.loopback();
        client.expect("create_subif", sub(parent, 1, ONE | EXACT, 1, 0), 0);
        let reply = client.put("create_subif", sub(parent, 1, ONE, 2, 0)).expect("a reply");
        assert_eq!(reply["sw_if_index"], told, "{release}");
        // It tells the index that it was to have when it gets as far as that.
        let reply = client.put("create_subif", sub(parent, 2, ONE, 1, 0)).expect("a reply");
        assert_eq!(reply["sw_if_index"], 3, "{release}");
    }
}

#[test]
fn a_tunnel_has_sub_interfaces_too() {
    on_every_release(|client| {
        let release = client.sim.release();
        let ends = json!({"instance": u32::MAX, "src": {"ip": "10.0.0.1"}, "dst": {"ip": "10.0.0.2"}});
        let fields = json!({"instance": u32::MAX, "src_address": {"ip": "10.0.0.1"},
            "dst_address": {"ip": "10.0.0.2"}, "tunnel": ends});
        client.expect("ipip_add_tunnel", fields, 0);
        // It has no VLANs that could be claimed.
        client.expect("create_subif", sub(1, 1, ONE, 1, 0), 0);
        client.expect("create_subif", sub(1, 2, ONE, 1, 0), 0);
        assert_eq!(client.name(3).as_deref(), Some("ipip0.2"), "{release}");
        client.expect("ipip_del_tunnel", json!({"sw_if_index": 1}), 0);
        assert_eq!(client.sim.state().interfaces.iter().count(), 1, "{release}");
    });
}
