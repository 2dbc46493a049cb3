//! `vpp.interfaces`: loopback and TAP interfaces.
//!
//! The name of an interface is its tag in VPP. Addresses and the VRF are values of their own, derived from it.

use async_trait::async_trait;
use futures::future::try_join;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, KeyValue, Origin, Retrieved};
use models::ModelMessage;
use models::keys::{self, AddressSource, IpVersion};
use models::net::{canonical_mac, parse_cidr, parse_mac};
use models::proto::ligato::vpp::interfaces::interface::{Link, Type};
use models::proto::ligato::vpp::interfaces::{Interface, TapLink};
use vppcalls::types::{self, Tap, TapDetails};
use vppcalls::{Handlers, InterfaceCalls};

use crate::southbound::{failure, unread};
use crate::{InterfaceIndex, Southbound, check};

/// In front of VPP's own name, for interfaces that nobody has given one.
const UNTAGGED: &str = "UNTAGGED-";

/// Slots of a TAP ring where none are asked for.
const RING: u32 = 256;

pub(crate) const NAME: &str = "vpp-interface";

pub(crate) struct InterfaceDescriptor {
    southbound: Southbound,
    prefix: String,
}

impl InterfaceDescriptor {
    pub(crate) fn new(southbound: Southbound) -> Self {
        Self { southbound, prefix: Interface::SPEC.key_prefix(false) }
    }

    async fn make(&self, handlers: &Handlers, value: &Interface) -> Result<u32, Failure> {
        let mac = parse_mac(&value.phys_address);
        match value.r#type() {
            Type::SoftwareLoopback => handlers.interface.add_loopback(mac).await.map_err(failure),
            Type::Tap => handlers.tap.add_tap(&tap(value)).await.map_err(failure),
            other => Err(unsupported(other)),
        }
    }

    async fn unmake(&self, handlers: &Handlers, kind: Type, sw_if_index: u32) -> Result<(), Failure> {
        match kind {
            Type::SoftwareLoopback => handlers.interface.delete_loopback(sw_if_index).await.map_err(failure),
            Type::Tap => handlers.tap.delete_tap(sw_if_index).await.map_err(failure),
            other => Err(unsupported(other)),
        }
    }

    /// What is set on an interface that is there: name, MTU, state. The state comes last, so that nothing passes
    /// before the rest is as it should be.
    async fn dress(
        &self,
        calls: &dyn InterfaceCalls,
        sw_if_index: u32,
        value: &Interface,
    ) -> Result<(), Failure> {
        calls.set_tag(sw_if_index, &value.name).await.map_err(failure)?;
        if value.mtu != 0 {
            calls.set_mtu(sw_if_index, value.mtu).await.map_err(failure)?;
        }
        if value.enabled {
            calls.set_admin(sw_if_index, true).await.map_err(failure)?;
        }
        Ok(())
    }
}

fn unsupported(kind: Type) -> Failure {
    Failure::permanent(format!("interfaces of type {} are not supported by this agent", kind.as_str_name()))
}

#[async_trait]
impl Descriptor for InterfaceDescriptor {
    type Value = Interface;
    type Metadata = InterfaceIndex;

    fn name(&self) -> &str {
        NAME
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn label(&self, key: &str) -> String {
        key.strip_prefix(&self.prefix).unwrap_or(key).to_string()
    }

    fn validate(&self, _key: &str, value: &Interface) -> Result<(), Invalid> {
        let other = !matches!(value.r#type(), Type::SoftwareLoopback | Type::Tap | Type::UndefinedType);
        let microservice = matches!(&value.link, Some(Link::Tap(tap)) if !tap.to_microservice.is_empty());
        let allocated = value.ip_addresses.iter().any(|a| models::net::is_alloc_ref(a));
        // VPP makes these itself, does not tell of all of them and does not let them go.
        let link_local = value.ip_addresses.iter().filter_map(|a| parse_cidr(a)).any(|a| is_link_local(&a));
        check(
            value,
            [
                ("type", other),
                ("set_dhcp_client", value.set_dhcp_client),
                ("ip6_nd", value.ip6_nd.is_some()),
                ("unnumbered", value.unnumbered.is_some()),
                ("rx_modes", !value.rx_modes.is_empty()),
                ("rx_placements", !value.rx_placements.is_empty()),
                ("tap.to_microservice", microservice),
                ("ip_addresses (reference to an allocated one)", allocated),
                ("ip_addresses (link-local)", link_local),
            ],
        )
    }

    fn equivalent(&self, _key: &str, old: &Interface, new: &Interface) -> bool {
        !remakes(old, new)
            && old.enabled == new.enabled
            && (new.mtu == 0 || old.mtu == new.mtu)
            && same_mac(old, new)
    }

    fn derived(&self, _key: &str, value: &Interface) -> Vec<KeyValue> {
        let name = &value.name;
        let mut derived = Vec::new();
        let (mut v4, mut v6) = (false, false);
        for text in &value.ip_addresses {
            let Some(address) = parse_cidr(text) else { continue };
            v4 |= address.addr().is_ipv4();
            v6 |= address.addr().is_ipv6();
            let key = keys::interface_address(name, AddressSource::Static, &address.to_string());
            derived.push(KeyValue::new(key, address));
        }
        // One for each family, so that the first address of one does not disturb those of the other.
        for (version, _) in [(IpVersion::V4, v4), (IpVersion::V6, v6)].into_iter().filter(|(_, has)| *has) {
            derived.push(KeyValue::new(keys::interface_vrf(name, value.vrf, version), value.vrf));
        }
        if v4 || v6 {
            derived.push(KeyValue::new(keys::has_ip_address(name), true));
        }
        derived
    }

    fn dependencies(&self, _key: &str, _value: &Interface) -> Vec<Dependency> {
        Vec::new()
    }

    async fn create(&self, _key: &str, value: &Interface) -> Result<InterfaceIndex, Failure> {
        let handlers = self.southbound.get()?;
        let calls = handlers.interface.as_ref();
        let sw_if_index = self.make(&handlers, value).await?;
        if let Err(mut why) = self.dress(calls, sw_if_index, value).await {
            // An interface without its name would be nobody's: it goes again.
            if !why.lost
                && let Err(left) = self.unmake(&handlers, value.r#type(), sw_if_index).await
            {
                why.message =
                    format!("{}; and it stays behind as sw_if_index {sw_if_index}: {left}", why.message);
            }
            return Err(why);
        }
        Ok(InterfaceIndex { sw_if_index })
    }

    async fn update(
        &self,
        _key: &str,
        old: &Interface,
        new: &Interface,
        index: &InterfaceIndex,
    ) -> Result<InterfaceIndex, Failure> {
        let handlers = self.southbound.get()?;
        let calls = handlers.interface.as_ref();
        // The same again is asked for after a change that went only half-way: then all of it is set.
        let all = old == new;
        if let Some(mac) = parse_mac(&new.phys_address).filter(|_| all || !same_mac(old, new)) {
            calls.set_mac(index.sw_if_index, mac).await.map_err(failure)?;
        }
        if new.mtu != 0 && (all || new.mtu != old.mtu) {
            calls.set_mtu(index.sw_if_index, new.mtu).await.map_err(failure)?;
        }
        if all || new.enabled != old.enabled {
            calls.set_admin(index.sw_if_index, new.enabled).await.map_err(failure)?;
        }
        Ok(index.clone())
    }

    fn recreate(&self, _key: &str, old: &Interface, new: &Interface) -> bool {
        remakes(old, new)
    }

    async fn delete(&self, _key: &str, value: &Interface, index: &InterfaceIndex) -> Result<(), Failure> {
        let handlers = self.southbound.get()?;
        let calls = handlers.interface.as_ref();
        // Down first: nothing passes while it is taken apart.
        calls.set_admin(index.sw_if_index, false).await.map_err(failure)?;
        self.unmake(&handlers, value.r#type(), index.sw_if_index).await
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, Interface>],
    ) -> Result<Option<Vec<Retrieved<Interface, InterfaceIndex>>>, Failure> {
        let handlers = self.southbound.get()?;
        let interfaces = async { handlers.interface.dump_interfaces().await.map_err(unread) };
        let (interfaces, taps) = try_join(interfaces, taps(&handlers)).await?;
        let mut found = Vec::with_capacity(interfaces.len());
        for interface in interfaces {
            let tap = taps.iter().find(|t| t.sw_if_index == interface.sw_if_index);
            let (name, origin) = if interface.tag.is_empty() {
                (format!("{UNTAGGED}{}", interface.internal_name), Origin::Southbound)
            } else {
                (interface.tag.clone(), Origin::Unknown)
            };
            let key = keys::interface(&name);
            let wanted = correlate
                .binary_search_by(|b| b.key.cmp(&key))
                .ok()
                .and_then(|at| correlate.get(at))
                .map(|b| b.value);
            found.push(Retrieved {
                key,
                value: value_of(name, &interface, tap, wanted),
                metadata: InterfaceIndex { sw_if_index: interface.sw_if_index },
                origin,
            });
        }
        Ok(Some(found))
    }
}

async fn taps(handlers: &Handlers) -> Result<Vec<TapDetails>, Failure> {
    match handlers.tap.dump_taps().await {
        // Without the plugin there are none.
        Err(e) if e.is_absent() => Ok(Vec::new()),
        other => other.map_err(unread),
    }
}

/// The model of what VPP has. `wanted` fills in what VPP does not tell.
fn value_of(
    name: String,
    interface: &types::Interface,
    tap: Option<&TapDetails>,
    wanted: Option<&Interface>,
) -> Interface {
    let internal = interface.internal_name.as_str();
    let kind = if tap.is_some() {
        Type::Tap
    } else if internal.starts_with("loop") || internal == "local0" {
        Type::SoftwareLoopback
    } else {
        Type::UndefinedType
    };
    let kind = if internal.contains('.') { Type::SubInterface } else { kind };
    let link = tap.map(|tap| {
        let wanted = wanted.and_then(tap_link);
        Link::Tap(TapLink {
            version: models::validate::TAP_DEFAULT_VERSION,
            host_if_name: tap.host_name.clone(),
            rx_ring_size: tap.rx_ring.into(),
            tx_ring_size: tap.tx_ring.into(),
            enable_gso: tap.gso,
            enable_tunnel: tap.tun,
            to_microservice: wanted.map(|w| w.to_microservice.clone()).unwrap_or_default(),
        })
    });
    let mac: Vec<String> = interface.mac.iter().map(|b| format!("{b:02x}")).collect();
    // VPP puts these on interfaces by itself.
    let own = |a: &&ipnet::IpNet| !is_link_local(a);
    Interface {
        name,
        r#type: kind.into(),
        enabled: interface.admin_up,
        phys_address: mac.join(":"),
        ip_addresses: interface.addresses.iter().filter(own).map(ToString::to_string).collect(),
        mtu: interface.mtu,
        link,
        ..Default::default()
    }
}

fn is_link_local(address: &ipnet::IpNet) -> bool {
    matches!(address.addr(), std::net::IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn tap_link(value: &Interface) -> Option<&TapLink> {
    match &value.link {
        Some(Link::Tap(tap)) => Some(tap),
        _ => None,
    }
}

fn tap(value: &Interface) -> Tap {
    let link = effective(value);
    let ring = |size: u32| u16::try_from(size).unwrap_or(u16::MAX);
    Tap {
        id: None,
        mac: parse_mac(&value.phys_address),
        host_name: Some(link.host_if_name),
        rx_ring: ring(link.rx_ring_size),
        tx_ring: ring(link.tx_ring_size),
        gso: link.enable_gso,
        tun: link.enable_tunnel,
        ..Tap::default()
    }
}

/// The TAP settings with the defaults spelled out.
fn effective(value: &Interface) -> TapLink {
    let mut link = tap_link(value).cloned().unwrap_or_default();
    // The only one that VPP still has.
    link.version = models::validate::TAP_DEFAULT_VERSION;
    if link.host_if_name.is_empty() {
        link.host_if_name = format!("tap-{}", fnv32a(&value.name));
    }
    for ring in [&mut link.rx_ring_size, &mut link.tx_ring_size] {
        if *ring == 0 {
            *ring = RING;
        }
    }
    link
}

/// FNV-1a with 32 bits: the agent that users come from names host interfaces by it.
fn fnv32a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// True for changes that VPP cannot make on an interface that is there.
fn remakes(old: &Interface, new: &Interface) -> bool {
    old.r#type != new.r#type || (new.r#type() == Type::Tap && effective(old) != effective(new))
}

/// The MAC counts only where one is asked for.
fn same_mac(old: &Interface, new: &Interface) -> bool {
    new.phys_address.is_empty() || canonical_mac(&old.phys_address) == canonical_mac(&new.phys_address)
}
