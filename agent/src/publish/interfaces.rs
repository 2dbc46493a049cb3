//! The state of interfaces, under `vpp/status/v2/interface/`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use descriptors::Southbound;
use futures::StreamExt;
use kvscheduler::Watcher;
use kvstore::Store;
use models::proto::ligato::vpp::interfaces::interface_state::{Duplex, Status};
use models::proto::ligato::vpp::interfaces::{InterfaceState, interface};
use tokio::sync::watch;
use vppcalls::types;

use super::Writer;

/// Interfaces that change together are looked at together.
const GATHER: Duration = Duration::from_millis(50);

/// Changes that neither VPP nor the scheduler tells of, such as an MTU that somebody else has set, are seen after this
/// time.
const LOOK: Duration = Duration::from_secs(30);

/// Writes states until the agent ends. `changes` are those of the configuration of interfaces, `label` is the name of the
/// agent.
pub(crate) async fn interfaces(
    southbound: Southbound,
    mut connection: watch::Receiver<orchestrator::Southbound>,
    mut changes: Watcher,
    stores: Vec<Arc<dyn Store>>,
    label: String,
) {
    let prefix = format!("{}vpp/status/v2/interface/", models::agent_prefix(&label));
    let mut writers: Vec<Writer> = stores.into_iter().map(Writer::new).collect();
    for writer in &mut writers {
        writer.clean(&prefix).await;
    }
    let mut known: BTreeMap<String, InterfaceState> = BTreeMap::new();
    loop {
        let Ok(handlers) = southbound.get() else {
            if connection.changed().await.is_err() {
                return;
            }
            continue;
        };
        let mut events = handlers.interface.events();
        connection.mark_unchanged();
        loop {
            match handlers.interface.dump_interfaces().await {
                Ok(interfaces) => {
                    let now = interfaces.iter().filter_map(state).map(|state| (state.name.clone(), state));
                    publish(&mut known, now.collect(), &mut writers, &prefix);
                }
                Err(error) => tracing::debug!("the state of interfaces is not known: {error}"),
            }
            for writer in &mut writers {
                writer.flush().await;
            }
            tokio::select! {
                changed = connection.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                event = events.next() => {
                    if event.is_none() {
                        break;
                    }
                    tokio::time::sleep(GATHER).await;
                    while futures::FutureExt::now_or_never(events.next()).flatten().is_some() {}
                }
                changed = changes.next() => {
                    if changed.is_none() {
                        return;
                    }
                    tokio::time::sleep(GATHER).await;
                    changes.take();
                }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

/// Tells what has changed.
fn publish(
    known: &mut BTreeMap<String, InterfaceState>,
    now: BTreeMap<String, InterfaceState>,
    writers: &mut [Writer],
    prefix: &str,
) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    for name in known.keys().filter(|name| !now.contains_key(*name)) {
        writers.iter_mut().for_each(|writer| writer.set(format!("{prefix}{name}"), None));
    }
    let mut next = BTreeMap::new();
    for (name, mut state) in now {
        let before = known.get(&name);
        let statuses = |state: &InterfaceState| (state.admin_status, state.oper_status);
        state.last_change = match before {
            Some(before) if statuses(before) == statuses(&state) => before.last_change,
            _ => seconds,
        };
        if before != Some(&state) {
            let value = bytes::Bytes::from(models::json::encode(&state).to_string());
            for writer in writers.iter_mut() {
                writer.set(format!("{prefix}{name}"), Some(value.clone()));
            }
        }
        next.insert(name, state);
    }
    *known = next;
}

/// The state of an interface of ours, by the name that the agent gave it.
fn state(interface: &types::Interface) -> Option<InterfaceState> {
    if interface.tag.is_empty() {
        return None;
    }
    let up = |up: bool| if up { Status::Up } else { Status::Down };
    let mac: Vec<String> = interface.mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let duplex = match interface.duplex {
        types::Duplex::Half => Duplex::Half,
        types::Duplex::Full => Duplex::Full,
        _ => Duplex::UnknownDuplex,
    };
    Some(InterfaceState {
        name: interface.tag.clone(),
        internal_name: interface.internal_name.clone(),
        r#type: kind(interface).into(),
        if_index: interface.sw_if_index,
        admin_status: up(interface.admin_up).into(),
        oper_status: up(interface.link_up).into(),
        last_change: 0,
        phys_address: if interface.mac == [0; 6] { String::new() } else { mac.join(":") },
        speed: u64::from(interface.speed) * 1000,
        mtu: if interface.mtu == 0 { interface.link_mtu.into() } else { interface.mtu },
        duplex: duplex.into(),
        ..InterfaceState::default()
    })
}

/// The type of an interface, by the name that VPP gave it.
fn kind(interface: &types::Interface) -> interface::Type {
    let name = interface.internal_name.as_str();
    if interface.sub.is_some() {
        return interface::Type::SubInterface;
    }
    let kinds = [
        ("loop", interface::Type::SoftwareLoopback),
        ("local", interface::Type::SoftwareLoopback),
        ("tap", interface::Type::Tap),
        ("tun", interface::Type::Tap),
        ("memif", interface::Type::Memif),
        ("host-", interface::Type::AfPacket),
        ("vxlan_tunnel", interface::Type::VxlanTunnel),
        ("gre", interface::Type::GreTunnel),
        ("ipip", interface::Type::IpipTunnel),
        ("Bond", interface::Type::BondInterface),
    ];
    let found = kinds.iter().find(|(prefix, _)| name.starts_with(prefix));
    found.map_or(interface::Type::UndefinedType, |(_, kind)| *kind)
}
