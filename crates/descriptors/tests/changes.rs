//! What happens when things change, by us, by VPP or by others.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Agent, RELEASES, Vpp, assert_same, done, options, run, value};
use descriptors::Defaults;
use kvscheduler::{Record, State};
use models::ModelValue;
use serde_json::{Value, json};
use vpp_sim::Nic;
use vppcalls::types::Port;

fn interface(fields: Value) -> ModelValue {
    let mut json = json!({"type": "SOFTWARE_LOOPBACK", "enabled": true});
    for (name, field) in fields.as_object().unwrap() {
        json[name] = field.clone();
    }
    value("vpp.interfaces", &json)
}

fn bridge_domain(name: &str, ports: &[&str]) -> ModelValue {
    let ports: Vec<Value> = ports.iter().map(|port| json!({"name": port})).collect();
    value("vpp.l2.bridge-domain", &json!({"name": name, "forward": true, "interfaces": ports}))
}

fn vrf(id: u32) -> ModelValue {
    value("vpp.vrf-table", &json!({"id": id}))
}

fn assert_fine(record: &std::sync::Arc<Record>) {
    let failed: Vec<String> = record.errors().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The keys of what was done, in order.
fn keys(record: &Record) -> Vec<String> {
    record.executed.iter().filter(|op| !op.noop).map(|op| format!("{} {}", op.operation, op.key)).collect()
}

fn on_each(test: impl AsyncFn(&'static str)) {
    for release in RELEASES {
        run(async {
            println_release(release);
            test(release).await;
        });
    }
}

/// Shown when the test fails.
fn println_release(release: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "release {release}");
}

#[test]
fn a_port_moves_from_one_bridge_domain_to_another() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let mut agent = Agent::new(&vpp).await;
        let port = interface(json!({"name": "p"}));
        agent.resync([port.clone(), bridge_domain("one", &["p"]), bridge_domain("two", &[])]).await;
        for (one, two) in [(&[][..], &["p"][..]), (&["p"], &[])] {
            let now = [bridge_domain("one", one), bridge_domain("two", two)];
            assert_fine(&agent.change(now.clone()).await);
            let again = agent.resync([port.clone()].into_iter().chain(now)).await;
            assert_eq!(done(&again), Vec::<String>::new());
        }
        agent.close().await;
    });
}

#[test]
fn who_borrows_addresses_follows_into_another_vrf() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let mut agent = Agent::new(&vpp).await;
        let lender = |vrf: u32, addresses: Value| {
            interface(json!({"name": "lender", "vrf": vrf, "ip_addresses": addresses}))
        };
        let borrower = interface(json!({"name": "borrower", "unnumbered": {"interface_with_ip": "lender"}}));
        let six = value("vpp.vrf-table", &json!({"id": 5, "protocol": "IPV6"}));
        let beside = [borrower, vrf(5), vrf(6), six];
        let steps = [
            lender(0, json!(["10.0.0.1/24"])),
            lender(5, json!(["10.0.0.1/24"])),
            lender(5, json!(["10.0.0.1/24", "2001:db8::1/64"])),
            lender(6, json!(["10.0.0.1/24"])),
            lender(6, json!([])),
            lender(6, json!(["10.0.0.2/24"])),
            lender(0, json!(["10.0.0.2/24"])),
        ];
        agent.resync(beside.clone()).await;
        for step in steps {
            assert_fine(&agent.change([step.clone()]).await);
            let (client, calls) = vpp.connect().await;
            let all = calls.interface.dump_interfaces().await.unwrap();
            client.close().await;
            let by = |name: &str| all.iter().find(|i| i.tag == name).unwrap();
            let (lender, borrower) = (by("lender"), by("borrower"));
            if !lender.addresses.is_empty() {
                assert_eq!((borrower.table4, borrower.table6), (lender.table4, lender.table6), "{step}");
                assert_eq!(borrower.unnumbered, Some(lender.sw_if_index));
            } else {
                assert_eq!(borrower.unnumbered, None, "{step}");
            }
            let again = agent.resync(beside.iter().cloned().chain([step])).await;
            assert_eq!(done(&again), Vec::<String>::new());
        }
        agent.close().await;
    });
}

/// An agent that is killed while it takes things down leaves the borrower in a table that is not wanted any more.
#[test]
fn who_was_left_in_the_vrf_of_its_lender_goes_back() {
    on_each(async |release| {
        let borrower = interface(json!({"name": "borrower", "unnumbered": {"interface_with_ip": "lender"}}));
        let lender = interface(json!({"name": "lender", "vrf": 5, "ip_addresses": ["10.0.0.1/24"]}));
        let elsewhere = interface(json!({"name": "lender", "ip_addresses": ["10.0.0.1/24"]}));
        for lender_now in [None, Some(elsewhere)] {
            let vpp = Vpp::new(release);
            let mut agent = Agent::new(&vpp).await;
            agent.resync([borrower.clone(), lender.clone(), vrf(5)]).await;
            assert_eq!(agent.unwell(), Vec::<String>::new());
            agent.close().await;
            let (client, calls) = vpp.connect().await;
            let found = async || {
                let all = calls.interface.dump_interfaces().await.unwrap();
                all.into_iter().find(|i| i.tag == "borrower").unwrap()
            };
            calls.interface.unset_unnumbered(found().await.sw_if_index).await.unwrap();
            assert_eq!(found().await.table4, 5);

            let mut agent =
                Agent::owning(&vpp, |key| key == "config/vpp/v2/interfaces/lender" || key.contains("/id/5/"))
                    .await;
            let wanted: Vec<_> = [borrower.clone()].into_iter().chain(lender_now.clone()).collect();
            assert_fine(&agent.resync(wanted.clone()).await);
            let now = found().await;
            assert_eq!((now.table4, now.table6), (0, 0), "{lender_now:?}");
            assert_eq!(now.unnumbered.is_some(), lender_now.is_some());
            let tables = calls.l3.dump_tables().await.unwrap();
            assert!(tables.iter().all(|table| table.id == 0), "{tables:?}");
            let again = agent.resync(wanted).await;
            assert_eq!(done(&again), Vec::<String>::new());
            client.close().await;
            agent.close().await;
        }
    });
}

#[test]
fn a_sub_interface_is_up_only_while_its_parent_is() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let mut agent = Agent::new(&vpp).await;
        let parent = |up: bool| interface(json!({"name": "parent", "enabled": up}));
        let sub =
            json!({"name": "sub", "type": "SUB_INTERFACE", "sub": {"parent_name": "parent", "sub_id": 3}});
        let sub = interface(sub);
        let up = "vpp/interface/sub/admin-up";
        assert_fine(&agent.change([sub.clone()]).await);
        assert_eq!(agent.state("config/vpp/v2/interfaces/sub"), Some(State::Pending));
        assert_fine(&agent.change([parent(false)]).await);
        assert_eq!(agent.state("config/vpp/v2/interfaces/sub"), Some(State::Configured));
        assert_eq!(agent.state(up), Some(State::Pending));
        let record = agent.change([parent(true)]).await;
        assert_fine(&record);
        assert_eq!(agent.state(up), Some(State::Configured));
        let record = agent.change([parent(false)]).await;
        assert_fine(&record);
        let order = keys(&record);
        let at = |text: &str| order.iter().position(|key| key == text).unwrap_or_else(|| panic!("{order:?}"));
        assert!(at("DELETE vpp/interface/sub/admin-up") < at("UPDATE config/vpp/v2/interfaces/parent"));
        agent.close().await;
    });
}

/// A default MTU is that of interfaces that state none, also of those that were made before there was one.
#[test]
fn interfaces_without_an_mtu_have_the_default_one() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let (client, calls) = vpp.connect().await;
        let mtus = async || -> Vec<(String, u32)> {
            let all = calls.interface.dump_interfaces().await.unwrap();
            let mut all: Vec<_> = all.into_iter().map(|i| (i.tag, i.mtu)).collect();
            all.retain(|(tag, _)| !tag.is_empty());
            all.sort();
            all
        };
        let of = |own: u32, none: u32, sub: u32| {
            [("none", none), ("own", own), ("sub", sub)].map(|(tag, mtu)| (tag.to_string(), mtu)).to_vec()
        };
        let wanted = [
            interface(json!({"name": "own", "mtu": 1234})),
            interface(json!({"name": "none"})),
            interface(
                json!({"name": "sub", "type": "SUB_INTERFACE", "sub": {"parent_name": "none", "sub_id": 5}}),
            ),
        ];
        let mut agent = Agent::new(&vpp).await;
        agent.resync(wanted.clone()).await;
        let before = mtus().await;
        let (_, usual) = before.iter().find(|(tag, _)| tag == "none").unwrap();
        let (_, of_sub) = before.iter().find(|(tag, _)| tag == "sub").unwrap();
        assert_eq!(before, of(1234, *usual, *of_sub));
        agent.close().await;

        let defaults = Defaults { mtu: 1400 };
        let mut agent = Agent::with(&vpp, |_| false, defaults).await;
        assert_fine(&agent.resync(wanted.clone()).await);
        assert_eq!(mtus().await, of(1234, 1400, *of_sub));
        let again = agent.resync(wanted.clone()).await;
        assert_eq!(done(&again), Vec::<String>::new());
        // Its own goes and comes.
        assert_fine(&agent.change([interface(json!({"name": "own"}))]).await);
        assert_eq!(mtus().await, of(1400, 1400, *of_sub));
        assert_fine(&agent.change([interface(json!({"name": "own", "mtu": 1300}))]).await);
        assert_eq!(mtus().await, of(1300, 1400, *of_sub));
        agent.close().await;
        client.close().await;
    });
}

#[test]
fn modes_of_queues_wait_for_the_link() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let mut agent = Agent::new(&vpp).await;
        let modes = json!([{"default_mode": true, "mode": "INTERRUPT"}]);
        let tap = interface(json!({"name": "t", "type": "TAP", "tap": {}, "rx_modes": modes}));
        assert_fine(&agent.resync([tap.clone()]).await);
        let key = "vpp/interface/t/rx-modes";
        assert_eq!(agent.state(key), Some(State::Configured));
        assert_eq!(agent.state("vpp/interface/t/link-state/UP"), Some(State::Obtained));
        let index = vpp.running.sim().state().interfaces.by_name("tap0").unwrap().sw_if_index;
        let mode = || vpp.running.sim().state().interfaces.get(index).unwrap().queues.rx[0];
        assert_eq!(mode(), 2);
        assert!(vpp.running.set_link(index, false));
        agent.settle().await;
        assert_eq!(agent.state(key), Some(State::Pending));
        assert!(vpp.running.set_link(index, true));
        agent.settle().await;
        assert_eq!(agent.state(key), Some(State::Configured), "{}", agent.scheduler.explain(key));
        assert_eq!(mode(), 2);
        agent.close().await;
    });
}

#[test]
fn a_device_is_taken_and_given_back() {
    on_each(async |release| {
        let mut with = options();
        with.nics.push(Nic::new("GigabitEthernet0/8/0", "02:fe:00:00:00:01").unwrap());
        let vpp = Vpp::with(release, with);
        let before = vpp.picture().await;
        let mut agent = Agent::new(&vpp).await;
        let name = "GigabitEthernet0/8/0";
        let addresses = json!(["10.0.0.1/24"]);
        let device = interface(json!({"name": name, "type": "DPDK", "mtu": 1500, "ip_addresses": addresses}));
        let sub = json!({"name": "sub", "type": "SUB_INTERFACE", "sub": {"parent_name": name, "sub_id": 3}});
        let all = [device, interface(sub), interface(json!({"name": "Absent0", "type": "DPDK"}))];
        agent.resync(all.clone()).await;
        let absent = agent.scheduler.status("config/vpp/v2/interfaces/Absent0").unwrap();
        assert!(absent.error.as_deref().unwrap_or_default().contains("no device Absent0"), "{absent}");
        assert_eq!(agent.state("config/vpp/v2/interfaces/GigabitEthernet0/8/0"), Some(State::Configured));
        let mut other = Agent::new(&vpp).await;
        let first = other.resync(all[..2].iter().cloned()).await;
        assert_eq!(done(&first), Vec::<String>::new());
        other.close().await;
        agent.delete(all.iter().map(ModelValue::key).collect::<Vec<_>>().iter().map(String::as_str)).await;
        let mut after = vpp.picture().await;
        for text in after.values_mut() {
            *text = text.replace("mtu: 1500", "mtu: 9000");
        }
        // A device whose link came up keeps it.
        let without_link = |mut all: std::collections::BTreeMap<String, String>| {
            all.values_mut().for_each(|text| *text = text.replace("link_up: true", "link_up: false"));
            all
        };
        assert_same(&without_link(after), &without_link(before));
        agent.close().await;
    });
}

#[test]
fn what_this_agent_cannot_make_is_unimplemented_and_the_rest_comes() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let mut agent = Agent::new(&vpp).await;
        let key = json!("aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd28=");
        let others = [
            interface(json!({"name": "wg", "type": "WIREGUARD_TUNNEL",
                             "wireguard": {"private_key": key, "port": 5, "src_addr": "10.0.0.1"}})),
            interface(json!({"name": "nd", "ip6_nd": {"address_autoconfig": true}})),
        ];
        agent.resync(others).await;
        assert_eq!(agent.state("config/vpp/v2/interfaces/wg"), Some(State::Unimplemented));
        assert_eq!(agent.state("config/vpp/v2/interfaces/nd"), Some(State::Configured));
        assert_eq!(agent.state("vpp/interface/ip6nd/nd"), Some(State::Unimplemented));
        agent.close().await;
    });
}

#[test]
fn what_others_put_into_ours_stays() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let all = [interface(json!({"name": "p"})), bridge_domain("one", &["p"])];
        let mut agent = Agent::new(&vpp).await;
        agent.resync(all.clone()).await;
        let (client, calls) = vpp.connect().await;
        let theirs = calls.interface.add_loopback(None).await.unwrap();
        let domain = calls.l2.dump_bridge_domains().await.unwrap().remove(0).bridge_domain.id;
        calls.l2.add_port(domain, &Port { sw_if_index: theirs, ..Port::default() }).await.unwrap();
        client.close().await;
        let before = vpp.picture().await;
        let again = agent.resync(all).await;
        assert_eq!(done(&again), Vec::<String>::new());
        assert_same(&vpp.picture().await, &before);
        agent.close().await;
    });
}

#[test]
fn routes_that_lost_their_interface_are_mended_without_harm() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let route = |hop: &str| {
            let json = json!({"dst_network": "10.9.0.0/16", "next_hop_addr": hop, "outgoing_interface": "a"});
            value("vpp.route", &json)
        };
        let a = interface(json!({"name": "a", "ip_addresses": ["10.1.0.1/24"]}));
        let all = [a, interface(json!({"name": "b"})), route("10.1.0.2"), route("10.1.0.3")];
        let mut agent = Agent::new(&vpp).await;
        agent.resync(all.clone()).await;
        let sound = vpp.picture().await;
        // Somebody deletes the interface below them; one of somebody else's may get its number.
        for taken in [false, true] {
            let (client, calls) = vpp.connect().await;
            let links = calls.interface.dump_links().await.unwrap();
            let index = links.iter().find(|link| link.tag == "a").unwrap().sw_if_index;
            calls.interface.delete_loopback(index).await.unwrap();
            let theirs = match taken {
                true => Some(calls.interface.add_loopback(None).await.unwrap()),
                false => None,
            };
            let mut other = Agent::new(&vpp).await;
            assert_fine(&other.resync(all.clone()).await);
            assert_eq!(other.unwell(), Vec::<String>::new());
            assert_eq!(vpp.running.died(), None);
            let again = other.resync(all.clone()).await;
            assert_eq!(done(&again), Vec::<String>::new());
            other.close().await;
            if let Some(theirs) = theirs {
                let routes = calls.l3.dump_routes().await.unwrap();
                let through = routes.iter().flat_map(|r| &r.paths).filter(|p| p.sw_if_index == theirs);
                assert_eq!(through.count(), 0, "nothing goes through what is theirs");
            } else {
                assert_eq!(vpp.picture().await.len(), sound.len());
            }
            client.close().await;
        }
        agent.close().await;
    });
}

#[test]
fn what_an_agent_could_not_name_any_more_is_finished() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let json = [
            json!({"name": "memif", "type": "MEMIF", "memif": {"id": 1, "secret": "s"}}),
            json!({"name": "vxlan", "type": "VXLAN_TUNNEL",
                   "vxlan": {"src_address": "10.0.0.1", "dst_address": "10.0.0.2", "vni": 3}}),
            json!({"name": "gre", "type": "GRE_TUNNEL",
                   "gre": {"tunnel_type": "TEB", "src_addr": "10.0.0.1", "dst_addr": "10.0.0.2"}}),
            json!({"name": "ipip", "type": "IPIP_TUNNEL",
                   "ipip": {"src_addr": "10.0.0.1", "dst_addr": "10.0.0.2"}}),
            json!({"name": "host", "type": "AF_PACKET", "afpacket": {"host_if_name": "eth0"}}),
            json!({"name": "sub", "type": "SUB_INTERFACE", "sub": {"parent_name": "parent", "sub_id": 3}}),
        ];
        let mut all: Vec<ModelValue> = json.into_iter().map(interface).collect();
        all.push(interface(json!({"name": "parent"})));
        let mut agent = Agent::new(&vpp).await;
        agent.resync(all.clone()).await;
        assert_eq!(agent.unwell(), Vec::<String>::new());
        agent.close().await;
        let named = vpp.picture().await;
        // As if they had just been made.
        let (client, calls) = vpp.connect().await;
        for link in calls.interface.dump_links().await.unwrap() {
            if !["", "parent"].contains(&link.tag.as_str()) {
                calls.interface.set_tag(link.sw_if_index, "").await.unwrap();
            }
        }
        let mut agent = Agent::new(&vpp).await;
        agent.resync(all.clone()).await;
        assert_eq!(agent.unwell(), Vec::<String>::new());
        assert_same(&vpp.picture().await, &named);

        // What somebody has begun to use is not taken.
        agent.delete(["config/vpp/v2/interfaces/gre"]).await;
        let gre = vppcalls::types::Gre::between(
            vppcalls::types::GreKind::Teb,
            "10.0.0.1".parse().unwrap(),
            "10.0.0.2".parse().unwrap(),
        );
        let theirs = calls.gre.add_gre(&gre).await.unwrap();
        calls.interface.add_address(theirs, "10.7.0.1/24".parse().unwrap()).await.unwrap();
        let before = vpp.picture().await;
        agent.resync(all.clone()).await;
        let status = agent.scheduler.status("config/vpp/v2/interfaces/gre").unwrap();
        assert!(status.error.as_deref().unwrap_or_default().contains("IF_ALREADY_EXISTS"), "{status}");
        assert_same(&vpp.picture().await, &before);
        client.close().await;
        agent.close().await;
    });
}

#[test]
fn an_address_from_a_dhcp_server_is_told_and_left_alone() {
    on_each(async |release| {
        let vpp = Vpp::new(release);
        let tap = interface(json!({"name": "t", "type": "TAP", "tap": {}, "set_dhcp_client": true}));
        let borrower = interface(json!({"name": "b", "unnumbered": {"interface_with_ip": "t"}}));
        let all = [tap.clone(), borrower];
        let mut agent = Agent::new(&vpp).await;
        assert_fine(&agent.resync(all.clone()).await);
        assert_eq!(agent.state("vpp/interface/unnumbered/b"), Some(State::Pending));
        let index = vpp.running.sim().state().interfaces.by_name("tap0").unwrap().sw_if_index;
        let [address, router] = [[192, 0, 2, 9], [192, 0, 2, 1]].map(std::net::Ipv4Addr::from);
        let lease = vpp_sim::state::dhcp::Lease { address, len: 24, router };
        assert!(vpp.running.sim().give_lease(index, lease));
        // VPP tells it only to who made the client, so it is looked for now and then.
        let told = tokio::time::timeout(std::time::Duration::from_secs(10), agent.next()).await;
        agent.scheduler.commit(told.unwrap().unwrap()).await.unwrap();
        assert_eq!(agent.state("vpp/interface/t/address/from_dhcp/192.0.2.9/24"), Some(State::Obtained));
        assert_eq!(agent.state("vpp/interface/unnumbered/b"), Some(State::Configured));
        let again = agent.resync(all.clone()).await;
        assert_eq!(done(&again), Vec::<String>::new());
        let mut other = Agent::new(&vpp).await;
        let first = other.resync(all.clone()).await;
        assert_eq!(done(&first), Vec::<String>::new());
        other.close().await;
        let without = interface(json!({"name": "t", "type": "TAP", "tap": {}}));
        assert_fine(&agent.change([without]).await);
        assert_eq!(vpp.running.sim().state().interfaces.get(index).unwrap().addresses, []);
        agent.settle().await;
        let again = agent.resync([interface(json!({"name": "t", "type": "TAP", "tap": {}}))]).await;
        assert_fine(&again);
        assert_eq!(agent.unwell(), Vec::<String>::new());
        agent.close().await;
    });
}
