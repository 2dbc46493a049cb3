//! What VPP tells, whatever that is: read as it was meant, or a typed error, on every release.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use common::calls::{ip, net};
use common::catalog::{CALLS, DUMPS, methods};
use common::server::{Answers, Behind, Meddle, Reaction, between};
use common::{Peer, connect, each_release, numbers, position, run, seed};
use serde_json::{Value, json};
use vpp_client::CallError;
use vpp_schema::FieldKind;
use vppcalls::Error;
use vppcalls::types::{
    BondHash, BondMode, DhcpLease, Duplex, Link, MemifMode, PathKind, RewriteKind, RxMode, RxThread,
    SubInterface, Thread, Vlan, VlanTags,
};

/// Details of a dump, made of random numbers.
fn sampled(
    answers: &Answers,
    behind: &Behind,
    request: &[u8],
    next: &mut dyn FnMut() -> u64,
) -> Option<Vec<Vec<u8>>> {
    let name = behind.name(request);
    let service = answers.0.service(&name)?;
    let details = match &service.details {
        Some(details) => details,
        // What is asked of each interface that a dump told.
        None if name == "sw_interface_get_table" => service.reply.as_ref()?,
        None => return None,
    };
    let count = if service.details.is_some() { next() % 4 } else { 1 };
    let one = |next: &mut dyn FnMut() -> u64| {
        let mut fields = answers.0.sample(details, next).expect("a message");
        if name == "sw_interface_get_table" {
            fields["retval"] = json!(0);
        }
        answers.make(behind, request, details, fields)
    };
    Some((0..count).map(|_| one(next)).collect())
}

/// Answers every dump with details made of random numbers, and spoils some of them.
fn telling(release: &str, spoil: bool) -> Meddle {
    let answers = Answers::of(release);
    let mut next = numbers(seed(release));
    Box::new(move |behind, _, message| {
        let mut frames = sampled(&answers, behind, message, &mut next)?;
        for frame in frames.iter_mut().filter(|_| spoil) {
            // Behind the header of the frame, the number and the context.
            let body = &mut frame[22..];
            for _ in 0..next() % 9 {
                let at = next() as usize % body.len().max(1);
                if let Some(byte) = body.get_mut(at) {
                    *byte = next() as u8;
                }
            }
        }
        Some(Reaction::bytes(frames.concat()))
    })
}

/// What comes of spoilt details, and of a spoilt answer about a table.
fn spoilt(error: &Error) -> bool {
    match error {
        Error::Call(CallError::Refused { message, .. }) => *message == "sw_interface_get_table",
        error => matches!(error, Error::Call(CallError::Decode(_))),
    }
}

fn whatever_is_told(spoil: bool) {
    each_release(|release| {
        let (_folder, _server, path) = between(release, telling(release, spoil));
        run(async {
            let peer = connect(&path).await;
            for round in 0..6 {
                for dump in DUMPS {
                    match (dump.ask)(&peer.handlers).await {
                        Ok(()) | Err(Error::Nonsense { .. }) => {}
                        Err(error) if spoil && spoilt(&error) => {}
                        Err(Error::Unsupported { what, .. }) => {
                            assert!(peer.selection.unsupported.contains(&what), "{what}");
                        }
                        Err(other) => panic!("{}, round {round}: {other}", dump.name),
                    }
                }
                match peer.handlers.inventory().await {
                    Ok(_) | Err(Error::Nonsense { .. }) => {}
                    Err(error) if spoil && spoilt(&error) => {}
                    Err(other) => panic!("inventory, round {round}: {other}"),
                }
            }
            peer.handlers.core.ping().await.expect("the connection is the same");
            assert!(peer.client.state().borrow().connection().is_some_and(|c| c.session == 1));
            peer.client.close().await;
        });
    });
}

#[test]
fn dumps_take_whatever_vpp_tells_or_say_what_makes_no_sense() {
    whatever_is_told(false);
}

#[test]
fn dumps_survive_details_that_are_spoilt() {
    whatever_is_told(true);
}

#[test]
fn no_dump_is_left_out() {
    let tried: BTreeSet<String> = DUMPS.iter().map(|c| c.name.to_string()).collect();
    let all: BTreeSet<String> = methods().into_iter().filter(|name| name.starts_with("dump_")).collect();
    assert_eq!(tried, all);
    assert!(CALLS.iter().all(|c| !tried.contains(c.name)));
}

#[test]
fn every_dump_that_a_restart_interrupts_ends_as_lost() {
    for release in ["18.10", "20.05", common::newest()] {
        for dump in DUMPS {
            let answers = Answers::of(release);
            let mut next = numbers(7);
            let meddle: Meddle = Box::new(move |behind, connection, message| {
                let frames = sampled(&answers, behind, message, &mut next)?;
                // A first part, then nothing more.
                let bytes = frames.into_iter().next().unwrap_or_default();
                (connection == 1).then_some(Reaction { bytes, close: true })
            });
            let (_folder, _server, path) = between(release, meddle);
            run(async {
                let peer = connect(&path).await;
                let error = (dump.ask)(&peer.handlers).await.expect_err("VPP is gone");
                assert!(error.is_lost(), "VPP {release}, {}: {error}", dump.name);
                peer.client.close().await;
            });
        }
    }
}

/// What is told in answer to which request: message and fields.
type Told = Arc<Mutex<Vec<(&'static str, &'static str, Value)>>>;

/// A VPP of a release that tells what a test wants, and a test that looks what comes of it.
fn told<T>(release: &str, look: impl AsyncFnOnce(&Peer, &Answers, &Told) -> T) -> T {
    let told: Told = Arc::default();
    let (answers, ours) = (Answers::of(release), told.clone());
    let meddle: Meddle = Box::new(move |behind, _, message| {
        let name = behind.name(message);
        let told = ours.lock().expect("a lock");
        let mut found = told.iter().filter(|(request, ..)| *request == name).peekable();
        found.peek()?;
        let frames = found.map(|(_, answer, fields)| answers.make(behind, message, answer, fields.clone()));
        Some(Reaction::bytes(frames.collect::<Vec<_>>().concat()))
    });
    let (_folder, _server, path) = between(release, meddle);
    let answers = Answers::of(release);
    run(async {
        let peer = connect(&path).await;
        let result = look(&peer, &answers, &told).await;
        peer.client.close().await;
        result
    })
}

fn tell(told: &Told, what: impl IntoIterator<Item = (&'static str, &'static str, Value)>) {
    *told.lock().expect("a lock") = what.into_iter().collect();
}

const DUMP: &str = "sw_interface_dump";
const DETAILS: &str = "sw_interface_details";

#[test]
fn flags_of_interfaces_are_read_beside_bits_that_nobody_knows() {
    each_release(|release| {
        told(release, async |peer, answers, told| {
            for unknown in [0_u32, 4, 0x80, 0xffff_fffc] {
                let bits = [(false, false), (false, true), (true, false), (true, true)];
                let detail = |(n, (admin, link)): (usize, (bool, bool))| {
                    let fields = answers.fields(
                        DETAILS,
                        &[
                            (&["sw_if_index"], json!(n)),
                            (&["sup_sw_if_index"], json!(n)),
                            (&["flags"], json!(unknown | u32::from(admin) | u32::from(link) << 1)),
                            // Any other byte than zero is yes.
                            (&["admin_up_down"], json!(if admin { (unknown as u8).max(1) } else { 0 })),
                            (&["link_up_down"], json!(if link { (unknown as u8).max(1) } else { 0 })),
                        ],
                    );
                    (DUMP, DETAILS, fields)
                };
                tell(told, bits.into_iter().enumerate().map(detail));
                let found = peer.handlers.interface.dump_links().await.expect("a dump");
                let expected = bits.into_iter().enumerate().map(|(n, (admin_up, link_up))| Link {
                    sw_if_index: n as u32,
                    admin_up,
                    link_up,
                    ..Link::default()
                });
                assert_eq!(found, expected.collect::<Vec<_>>(), "{unknown:x}");
            }
        });
    });
}

/// Numbers of tags and switches of a sub-interface, as VPP tells them.
fn tags_told(number: u8, bits: u8) -> [(&'static [&'static str], Value); 9] {
    let bit = |n: u8| u8::from(bits & (1 << n) != 0);
    // `sub_if_flags`: 1, 2 and 4 repeat the number of tags; 8 and on are these.
    let repeated = [1_u32, 2, 4][usize::from(number.min(2))];
    [
        (&["sub_number_of_tags"], json!(number)),
        (&["sub_outer_vlan_id"], json!(100)),
        (&["sub_inner_vlan_id"], json!(4_095)),
        (&["sub_if_flags"], json!(repeated | u32::from(bits & 31) << 3 | 0xffff_0000)),
        (&["sub_dot1ad"], json!(bit(0))),
        (&["sub_exact_match"], json!(bit(1))),
        (&["sub_default"], json!(bit(2))),
        (&["sub_outer_vlan_id_any"], json!(bit(3))),
        (&["sub_inner_vlan_id_any"], json!(bit(4))),
    ]
}

#[test]
fn switches_of_sub_interfaces_are_not_mixed_up() {
    each_release(|release| {
        told(release, async |peer, answers, told| {
            for number in 0..3_u8 {
                let cases: Vec<u8> = (0..32).collect();
                let detail = |bits: &u8| {
                    let said: Vec<(&[&str], Value)> = [
                        (&["sw_if_index"][..], json!(u32::from(*bits) + 10)),
                        (&["sup_sw_if_index"], json!(3)),
                        (&["sub_id"], json!(*bits)),
                    ]
                    .into_iter()
                    .chain(tags_told(number, *bits))
                    .collect();
                    (DUMP, DETAILS, answers.fields(DETAILS, &said))
                };
                let tables = ("sw_interface_get_table", "sw_interface_get_table_reply", json!({"vrf_id": 5}));
                tell(told, cases.iter().map(detail).chain([tables]));
                let found = peer.handlers.interface.dump_interfaces().await.expect("a dump");
                let expected = cases.iter().map(|bits| {
                    let bit = |n: u8| bits & (1 << n) != 0;
                    let outer = if bit(3) { Vlan::Any } else { Vlan::Id(100) };
                    let inner = if bit(4) { Vlan::Any } else { Vlan::Id(4_095) };
                    Some(SubInterface {
                        parent: 3,
                        sub_id: u32::from(*bits),
                        tags: match number {
                            0 => VlanTags::None,
                            1 => VlanTags::One(outer),
                            _ => VlanTags::Two(outer, inner),
                        },
                        dot1ad: bit(0),
                        exact_match: bit(1),
                        default: bit(2),
                    })
                });
                assert_eq!(found.iter().map(|i| i.sub).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
                assert!(found.iter().all(|i| (i.table4, i.table6) == (5, 5)));
            }
        });
    });
}

#[test]
fn what_nobody_knows_of_interfaces_is_told_by_its_number() {
    each_release(|release| {
        let has = |since: &str| position(release) >= position(since);
        told(release, async |peer, answers, told| {
            let fields = answers.fields(
                DETAILS,
                &[
                    (&["sw_if_index"], json!(1)),
                    (&["sup_sw_if_index"], json!(1)),
                    (&["l2_address"], json!(if has("20.01") { "0242aabbccdd" } else { "0242aabbccdd1313" })),
                    (&["link_duplex"], json!(9)),
                    (&["vtr_op"], json!(77)),
                    (&["vtr_tag1"], json!(0xf064)),
                    (&["mtu"], json!([9_000, 1, 2, 3])),
                ],
            );
            let tables = ("sw_interface_get_table", "sw_interface_get_table_reply", json!({"vrf_id": 0}));
            tell(told, [(DUMP, DETAILS, fields), tables]);
            let found = peer.handlers.interface.dump_interfaces().await.expect("a dump");
            let [only] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(only.mac, [0x02, 0x42, 0xaa, 0xbb, 0xcc, 0xdd]);
            assert_eq!((only.duplex, only.mtu, only.sub), (Duplex::Unknown, 9_000, None));
            assert_eq!((only.rewrite.kind, only.rewrite.tag1), (RewriteKind::Other(77), 100));

            let memif = [(&["sw_if_index"][..], json!(1)), (&["mode"], json!(9)), (&["role"], json!(1))];
            tell(told, [("memif_dump", "memif_details", answers.fields("memif_details", &memif))]);
            let found = peer.handlers.memif.dump_memifs().await.expect("a dump");
            assert_eq!((found[0].mode, found[0].master), (MemifMode::Other(9), false));

            let queue = [(&["queue_id"][..], json!(2)), (&["worker_id"], json!(3)), (&["mode"], json!(9))];
            let (dump, details) = ("sw_interface_rx_placement_dump", "sw_interface_rx_placement_details");
            tell(told, [(dump, details, answers.fields(details, &queue))]);
            let found = peer.handlers.rx.dump_rx_placements().await.expect("a dump");
            assert_eq!(
                (found[0].queue, found[0].thread, found[0].mode),
                (2, RxThread::Worker(2), RxMode::Other(9))
            );

            let bond = [(&["mode"][..], json!(9)), (&["lb"], json!(8))];
            let (dump, details) = if answers.0.message("sw_bond_interface_dump").is_some() {
                ("sw_bond_interface_dump", "sw_bond_interface_details")
            } else {
                ("sw_interface_bond_dump", "sw_interface_bond_details")
            };
            tell(told, [(dump, details, answers.fields(details, &bond))]);
            let found = peer.handlers.bond.dump_bonds().await.expect("a dump");
            assert_eq!((found[0].mode, found[0].hash), (BondMode::Other(9), BondHash::Other(8)));
        });
    });
}

/// Details of a route to 10.7.0.0 with a length, and a path of a kind.
fn route(answers: &Answers, length: u8, kind: u8) -> (&'static str, &'static str, Value) {
    if answers.0.message("ip_route_dump").is_some() {
        let path = json!({"sw_if_index": 4, "weight": 2, "preference": 3, "type": kind, "nh": {"address": {"ip4": "0a070001"}}});
        let fields = answers.fields(
            "ip_route_details",
            &[
                (&["route.prefix.len", "route.prefix.address_length"], json!(length)),
                (&["route.prefix.address.un"], json!({"ip4": "0a070000"})),
                (&["route.n_paths"], json!(1)),
                (&["route.paths"], json!([path])),
            ],
        );
        return ("ip_route_dump", "ip_route_details", fields);
    }
    // The elder ones have a switch for each kind.
    let switch = ["", "is_local", "is_drop", "is_udp_encap", "is_dvr", "is_source_lookup"];
    let mut path = json!({"sw_if_index": 4, "weight": 2, "preference": 3, "afi": 1, "next_hop": "0a070001000000000000000000000000"});
    if let Some(switch) = switch.get(usize::from(kind)).filter(|s| !s.is_empty()) {
        path[switch] = json!(1);
    }
    let fields = json!({"address": "0a070000", "address_length": length, "count": 1, "path": [path]});
    ("ip_fib_dump", "ip_fib_details", fields)
}

#[test]
fn paths_of_routes_are_what_they_are_and_lengths_that_there_are_not_are_nonsense() {
    each_release(|release| {
        told(release, async |peer, answers, told| {
            let by_number = answers.0.message("ip_route_dump").is_some();
            let other = |n: u32| PathKind::Other(if by_number { n } else { 255 });
            let kinds = [
                (0, PathKind::Normal),
                (1, PathKind::Local),
                (2, PathKind::Drop),
                (3, other(3)),
                (4, other(4)),
                (5, other(5)),
            ];
            let table = json!({"table": {"table_id": 0, "is_ip6": false}});
            let table = by_number.then_some(("ip_table_dump", "ip_table_details", table));
            for (number, kind) in kinds {
                tell(told, [route(answers, 16, number)].into_iter().chain(table.clone()));
                let routes = peer.handlers.l3.dump_routes().await.expect("a dump");
                let found = routes.iter().find(|r| r.prefix == net("10.7.0.0/16"));
                let paths = &found.unwrap_or_else(|| panic!("{routes:?}")).paths;
                assert_eq!((paths.len(), paths[0].kind), (1, kind), "{number}");
                assert_eq!((paths[0].weight, paths[0].preference), (2, 3));
                let hop = (kind != PathKind::Drop).then(|| ip("10.7.0.1"));
                assert_eq!(paths[0].next_hop, hop, "{kind:?}");
            }
            for (length, fits) in [(0, true), (32, true), (33, false), (255, false)] {
                tell(told, [route(answers, length, 0)].into_iter().chain(table.clone()));
                match peer.handlers.l3.dump_routes().await {
                    Ok(_) => assert!(fits, "{length}"),
                    Err(Error::Nonsense { what: "a prefix", found }) => {
                        assert_eq!((found, fits), (format!("10.7.0.0/{length}"), false));
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        });
    });
}

#[test]
fn leases_of_dhcp_are_read() {
    let of = |release: &str, address: [u8; 4]| {
        let four: String = address.iter().map(|b| format!("{b:02x}")).collect();
        if position(release) < position("20.01") {
            json!(format!("{four:0<32}"))
        } else {
            json!({"af": 0, "un": {"ip4": four}})
        }
    };
    each_release(|release| {
        told(release, async |peer, answers, told| {
            let details = "dhcp_client_details";
            let tells_servers = answers.0.field(details, "lease.domain_server").is_some();
            let with = |width: u8, address: [u8; 4]| {
                let servers = [[10, 8, 0, 3], [10, 8, 0, 4]];
                let servers = servers.map(|s| json!({"address": of(release, s)}));
                answers.fields(
                    details,
                    &[
                        (&["client.sw_if_index"], json!(3)),
                        (&["lease.mask_width"], json!(width)),
                        (&["lease.host_address"], of(release, address)),
                        (&["lease.router_address"], of(release, [10, 8, 0, 1])),
                        (&["lease.host_mac"], json!("0242aabbccdd")),
                        (&["lease.count"], json!(servers.len())),
                        (&["lease.domain_server"], json!(servers)),
                    ],
                )
            };
            let lease = DhcpLease {
                address: "10.8.0.9/20".parse().expect("a prefix"),
                router: Some([10, 8, 0, 1].into()),
                mac: [0x02, 0x42, 0xaa, 0xbb, 0xcc, 0xdd],
                name_servers: if tells_servers {
                    vec![[10, 8, 0, 3].into(), [10, 8, 0, 4].into()]
                } else {
                    Vec::new()
                },
            };
            tell(told, [("dhcp_client_dump", details, with(20, [10, 8, 0, 9]))]);
            let found = peer.handlers.dhcp.dump_dhcp_clients().await.expect("a dump");
            assert_eq!((found[0].client.sw_if_index, &found[0].lease), (3, &Some(lease)));
            tell(told, [("dhcp_client_dump", details, with(20, [0; 4]))]);
            assert_eq!(peer.handlers.dhcp.dump_dhcp_clients().await.expect("a dump")[0].lease, None);
            tell(told, [("dhcp_client_dump", details, with(33, [10, 8, 0, 9]))]);
            let error = peer.handlers.dhcp.dump_dhcp_clients().await.expect_err("no such length");
            assert_eq!(error.to_string(), "VPP tells of a lease: 10.8.0.9/33");
        });
    });
}

#[test]
fn threads_are_told() {
    each_release(|release| {
        told(release, async |peer, answers, told| {
            let text = |text: &str| match answers.0.field("show_threads_reply", "thread_data.name") {
                Some(FieldKind::Text(_)) => json!(text),
                _ => json!(text.bytes().map(|b| format!("{b:02x}")).collect::<String>()),
            };
            let thread = |id: u32, name: &str, kind: &str| {
                json!({"id": id, "name": text(name), "type": text(kind), "pid": 100 + id, "cpu_id": id,
                       "core": 2, "cpu_socket": 1})
            };
            let threads = [thread(0, "vpp_main", ""), thread(1, "vpp_wk_0", "workers")];
            assert!(answers.0.message("show_threads").is_some());
            let reply = json!({"count": 2, "thread_data": threads});
            tell(told, [("show_threads", "show_threads_reply", reply)]);
            let expected = |id: u32, name: &str, kind: &str| Thread {
                id,
                name: name.to_string(),
                kind: kind.to_string(),
                pid: 100 + id,
                cpu_id: id,
                core: 2,
                cpu_socket: 1,
            };
            let found = peer.handlers.core.threads().await.expect("threads");
            assert_eq!(found, [expected(0, "vpp_main", ""), expected(1, "vpp_wk_0", "workers")]);
        });
    });
}
