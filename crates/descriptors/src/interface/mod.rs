//! `vpp.interfaces`, and what is derived from interfaces.
//!
//! The name of an interface is its tag in VPP: by it the agent finds its interfaces again. What has no tag is somebody
//! else's. Addresses, VRFs and the like are values of their own, so that each comes when what it needs is there.

mod address;
mod admin;
mod adopt;
mod bond_member;
mod dhcp;
pub(crate) mod examples;
mod ip6nd;
mod kinds;
mod link_state;
mod physical;
mod read;
mod rx_mode;
mod rx_placement;
mod seen;
mod span;
pub(crate) mod states;
mod unnumbered;
mod vlan_rewrite;
mod vrf;

use std::collections::HashMap;

use async_trait::async_trait;
use futures::future::{join, try_join};
use kvscheduler::{Believed, Builder, Dependency, Descriptor, Failure, Invalid, KeyValue, Origin, Retrieved};
use models::ModelMessage;
use models::keys::{self, AddressSource, IpVersion};
use models::net::{canonical_mac, parse_cidr, parse_mac};
use models::proto::ligato::vpp::interfaces::Interface;
use models::proto::ligato::vpp::interfaces::interface::{Link, Type};
use vppcalls::{Handlers, Inventory, NewInterface, Settings};

use self::kinds::{Kind, memif::Sockets};
use crate::InterfaceIndex;
use crate::check::{check_with, problem};
use crate::southbound::OrFail as _;
use crate::vpp::{Vpp, untagged};

pub(crate) const NAME: &str = "vpp-interface";

/// `FEATURE_DISABLED`: what VPP says of a bond that needs the plugin `lacp`.
const FEATURE_DISABLED: i32 = -30;

/// Registers interfaces and everything that is derived from them.
pub(crate) fn register(builder: Builder, vpp: &Vpp) -> Builder {
    let new = || vpp.clone();
    let interfaces = InterfaceDescriptor::new(new());
    let seen = || interfaces.seen.clone();
    let vrf = vrf::VrfDescriptor { vpp: new(), seen: seen() };
    let rx_mode = rx_mode::RxModeDescriptor { vpp: new(), seen: seen() };
    let rx_placement = rx_placement::RxPlacementDescriptor { vpp: new(), seen: seen() };
    let inherited_vrf = vrf::InheritedVrfDescriptor { vpp: new(), seen: seen() };
    builder
        .external("linux/microservice/")
        .external("config/linux/interfaces/v2/interface/")
        .register(interfaces, vpp.indexes.interfaces.clone())
        .register_private(link_state::LinkStateDescriptor(new()))
        .register_private(admin::AdminDescriptor(new()))
        .register_private(vrf)
        .register_private(inherited_vrf)
        .register_private(address::AddressDescriptor(new()))
        .register_private(address::HasAddressDescriptor)
        .register_private(unnumbered::UnnumberedDescriptor(new()))
        .register_private(dhcp::DhcpDescriptor(new()))
        .register_private(dhcp::LeaseDescriptor(new()))
        .register_private(ip6nd::Ip6ndDescriptor)
        .register_private(rx_mode)
        .register_private(rx_placement)
        .register_private(bond_member::BondMemberDescriptor(new()))
        .register_private(vlan_rewrite::VlanRewriteDescriptor(new()))
        .register_private(span::SpanDescriptor::new(new()))
}

struct InterfaceDescriptor {
    vpp: Vpp,
    prefix: String,
    sockets: Sockets,
    seen: seen::Seen,
}

impl InterfaceDescriptor {
    fn new(vpp: Vpp) -> Self {
        Self {
            vpp,
            prefix: Interface::SPEC.key_prefix(false),
            sockets: Sockets::default(),
            seen: seen::Seen::default(),
        }
    }

    /// The MTU that an interface is to have: its own, or the default. Sub-interfaces have that of their parent, and a
    /// VXLAN tunnel has none of its own.
    fn mtu(&self, value: &Interface) -> Option<u32> {
        let by_default = match value.r#type() {
            Type::SubInterface | Type::VxlanTunnel => 0,
            _ => self.vpp.defaults.mtu,
        };
        [value.mtu, by_default].into_iter().find(|mtu| *mtu != 0)
    }

    async fn make(&self, handlers: &Handlers, value: &Interface) -> Result<u32, Failure> {
        let mut new = (kind_of(value)?.new)(value, &self.vpp)?;
        if let NewInterface::Memif(memif) = &mut new {
            memif.socket_id = self.sockets.id(handlers, value).await?;
        }
        let settings = settings(value, &new, self.mtu(value));
        match handlers.create_as(&new, &settings).await {
            // A VPP that gives bonds no numbers gives them any.
            Err(e) if e.is_absent() && zero_bond(&mut new) => {
                handlers.create_as(&new, &settings).await.or_fail()
            }
            Err(e) if adopt::is_there(&e) => match adopt::unfinished(handlers, value, &self.sockets).await? {
                Some(sw_if_index) => {
                    handlers.set(sw_if_index, &settings).await.or_fail()?;
                    Ok(sw_if_index)
                }
                None => Err(e).or_fail(),
            },
            Err(e) if e.retval() == Some(FEATURE_DISABLED) && is_lacp(&new) => {
                Err(Failure::unimplemented(format!("{e}; the plugin `lacp` is not loaded")))
            }
            other => other.or_fail(),
        }
    }
}

/// A bond with the number 0, which also stands for none.
fn zero_bond(new: &mut NewInterface) -> bool {
    match new {
        NewInterface::Bond(bond) => bond.id.take() == Some(0),
        _ => false,
    }
}

fn is_lacp(new: &NewInterface) -> bool {
    matches!(new, NewInterface::Bond(bond) if bond.mode == vppcalls::types::BondMode::Lacp)
}

fn kind_of(value: &Interface) -> Result<&'static Kind, Failure> {
    let kind = value.r#type();
    Kind::of(kind).ok_or_else(|| {
        Failure::unimplemented(format!(
            "interfaces of type {} are not supported by this agent",
            kind.as_str_name()
        ))
    })
}

/// What is set on an interface right after it was made.
fn settings(value: &Interface, new: &NewInterface, mtu: Option<u32>) -> Settings {
    // Others are made with it.
    let sets_mac = matches!(new, NewInterface::Vxlan(_) | NewInterface::Gre(_) | NewInterface::Ipip(_));
    Settings {
        tag: value.name.clone(),
        mac: parse_mac(&value.phys_address).filter(|_| sets_mac),
        mtu,
        table: match new {
            NewInterface::Vxlan(tunnel) => Some((tunnel.src.is_ipv6(), tunnel.table)),
            NewInterface::Ipip(tunnel) => Some((tunnel.src.is_ipv6(), tunnel.table)),
            _ => None,
        }
        .filter(|(_, table)| *table != 0),
        admin_up: match value.r#type() {
            // Not before the parent is.
            Type::SubInterface => None,
            // VPP makes them up.
            Type::VxlanTunnel => Some(value.enabled),
            _ => value.enabled.then_some(true),
        },
    }
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
        let mut problems = Kind::of(value.r#type()).map(|kind| (kind.invalid)(value)).unwrap_or_default();
        for (i, text) in value.ip_addresses.iter().enumerate() {
            let field = format!("ip_addresses[{i}]");
            if models::net::is_alloc_ref(text) {
                problems.push(problem(
                    &field,
                    "references to allocated addresses are not supported by this agent",
                ));
            } else if parse_cidr(text).is_some_and(|address| is_link_local(&address)) {
                // VPP does not tell of all of them and does not let them go.
                problems.push(problem(&field, "VPP gives interfaces their link-local addresses itself"));
            }
        }
        check_with(value, problems)
    }

    fn equivalent(&self, _key: &str, old: &Interface, new: &Interface) -> bool {
        !remakes(old, new)
            && (old.enabled == new.enabled || new.r#type() == Type::SubInterface)
            && self.mtu(new).is_none_or(|mtu| self.mtu(old) == Some(mtu))
            && same_mac(old, new)
    }

    fn derived(&self, _key: &str, value: &Interface) -> Vec<KeyValue> {
        derived(value)
    }

    fn dependencies(&self, _key: &str, value: &Interface) -> Vec<Dependency> {
        Kind::of(value.r#type()).map(|kind| (kind.needs)(value)).unwrap_or_default()
    }

    async fn create(&self, _key: &str, value: &Interface) -> Result<InterfaceIndex, Failure> {
        let handlers = self.vpp.calls()?;
        let sw_if_index = match value.r#type() {
            Type::Dpdk => physical::take(&handlers, value, self.mtu(value)).await?,
            _ => self.make(&handlers, value).await?,
        };
        Ok(InterfaceIndex { sw_if_index })
    }

    async fn update(
        &self,
        _key: &str,
        old: &Interface,
        new: &Interface,
        index: &InterfaceIndex,
    ) -> Result<InterfaceIndex, Failure> {
        let handlers = self.vpp.calls()?;
        // The same again is asked for after a change that went only half-way: then all of it is set.
        let all = old == new;
        let settings = Settings {
            mac: parse_mac(&new.phys_address).filter(|_| all || !same_mac(old, new)),
            mtu: self.mtu(new).filter(|mtu| all || self.mtu(old) != Some(*mtu)),
            admin_up: (all || new.enabled != old.enabled).then_some(new.enabled),
            ..Settings::default()
        };
        let settings = match new.r#type() {
            // Its state is a value of its own.
            Type::SubInterface => Settings { admin_up: None, ..settings },
            _ => settings,
        };
        handlers.set(index.sw_if_index, &settings).await.or_fail()?;
        Ok(index.clone())
    }

    fn recreate(&self, _key: &str, old: &Interface, new: &Interface) -> bool {
        remakes(old, new)
    }

    async fn delete(&self, _key: &str, value: &Interface, index: &InterfaceIndex) -> Result<(), Failure> {
        let handlers = self.vpp.calls()?;
        if value.r#type() == Type::Dpdk {
            return physical::release(&handlers, index.sw_if_index).await;
        }
        let new = (kind_of(value)?.new)(value, &self.vpp)?;
        // Down first, so that nothing passes while it is taken apart; what says that it is gone is the other answer.
        let down = handlers.interface.set_admin(index.sw_if_index, false);
        let (_, gone) = join(down, handlers.delete(&new, index.sw_if_index)).await;
        gone.or_fail()?;
        if let NewInterface::Memif(_) = new {
            self.sockets.release(&handlers, value).await;
        }
        Ok(())
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, Interface>],
    ) -> Result<Option<Vec<Retrieved<Interface, InterfaceIndex>>>, Failure> {
        let handlers = self.vpp.calls()?;
        let inventory = async { handlers.inventory().await.or_unread() };
        let (inventory, sockets) = try_join(inventory, self.sockets.read(&handlers)).await?;
        let believed: HashMap<&str, &Interface> = correlate.iter().map(|b| (b.key, b.value)).collect();
        let reader = read::Reader::new(sockets, &inventory);
        let retrieved = |i: &Inventory| {
            let name = name_of(&i.interface);
            let key = keys::interface(&name);
            Retrieved {
                value: reader.value(i, name, believed.get(key.as_str()).copied()),
                key,
                metadata: InterfaceIndex { sw_if_index: i.interface.sw_if_index },
                origin: if i.interface.tag.is_empty() { Origin::Southbound } else { Origin::Unknown },
            }
        };
        let found: Vec<_> = inventory.iter().map(retrieved).collect();
        self.seen.set(found.iter().map(|found| found.value.clone()).zip(inventory));
        Ok(Some(found))
    }

    fn examples(&self) -> Vec<(String, Interface)> {
        examples::interfaces().into_iter().map(|value| (value.key(), value)).collect()
    }
}

fn name_of(interface: &vppcalls::types::Interface) -> String {
    match interface.tag.as_str() {
        "" => untagged(&interface.internal_name),
        tag => tag.to_string(),
    }
}

/// What is configured by itself of an interface. The same is derived of what was read back, so a part is there when VPP
/// tells of it; what that does not show is read back by itself.
fn derived(value: &Interface) -> Vec<KeyValue> {
    let name = value.name.as_str();
    let mut derived = Vec::new();
    if value.enabled {
        let parent = (value.r#type() == Type::SubInterface).then(|| kinds::sub::link(value).parent_name);
        derived.push(KeyValue::new(keys::admin_up(name), admin::AdminUp { parent }));
    }
    if let Some(unnumbered) = &value.unnumbered {
        let lender = unnumbered.interface_with_ip.as_str();
        derived.push(KeyValue::new(keys::interface_inherited_vrf(name, lender), lender.to_string()));
        derived.push(KeyValue::new(keys::unnumbered(name), unnumbered.clone()));
    }
    // A DHCP client is one of IPv4, and a tunnel is in the tables of its ends.
    let outer = match &value.link {
        Some(Link::Vxlan(tunnel)) => Some(tunnel.src_address.contains(':')),
        Some(Link::Ipip(tunnel)) => Some(tunnel.src_addr.contains(':')),
        _ => None,
    };
    let (mut v4, mut v6) = (value.set_dhcp_client || outer == Some(false), outer == Some(true));
    let mut addresses = false;
    for text in &value.ip_addresses {
        let Some(address) = parse_cidr(text) else { continue };
        v4 |= address.addr().is_ipv4();
        v6 |= address.addr().is_ipv6();
        addresses = true;
        let key = keys::interface_address(name, AddressSource::Static, &address.to_string());
        derived.push(KeyValue::new(key, address));
    }
    if value.unnumbered.is_none() {
        let versions: &[IpVersion] = match (v4, v6) {
            // Together, since others may follow into the VRF.
            (true, true) if value.vrf != 0 => &[IpVersion::Both],
            // One for each, so that the first address of one family does not disturb those of the other.
            (true, true) => &[IpVersion::V4, IpVersion::V6],
            (true, false) => &[IpVersion::V4],
            (false, true) => &[IpVersion::V6],
            (false, false) => &[],
        };
        for version in versions {
            derived.push(KeyValue::new(keys::interface_vrf(name, value.vrf, *version), value.vrf));
        }
    }
    if addresses {
        derived.push(KeyValue::new(keys::has_ip_address(name), true));
    }
    if value.set_dhcp_client {
        derived.push(KeyValue::new(keys::dhcp_client(name), true));
    }
    if let Some(ip6nd) = &value.ip6_nd {
        derived.push(KeyValue::new(keys::ip6nd(name), *ip6nd));
    }
    if !value.rx_modes.is_empty() {
        let modes = Interface {
            name: name.to_string(),
            r#type: value.r#type,
            rx_modes: value.rx_modes.clone(),
            ..Interface::default()
        };
        derived.push(KeyValue::new(keys::rx_modes(name), modes));
    }
    for placement in &value.rx_placements {
        derived.push(KeyValue::new(keys::rx_placement(name, placement.queue), *placement));
    }
    for member in kinds::bond::link(value).bonded_interfaces {
        derived.push(KeyValue::new(keys::bonded_interface(name, &member.name), member));
    }
    if let Some(rewrite) = kinds::sub::rewrite_of(value) {
        derived.push(KeyValue::new(keys::vlan_rewrite(name), rewrite));
    }
    derived
}

fn is_link_local(address: &ipnet::IpNet) -> bool {
    matches!(address.addr(), std::net::IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// True for changes that VPP cannot make on an interface that is there.
fn remakes(old: &Interface, new: &Interface) -> bool {
    // Some are made with their MAC and keep it.
    let keeps_mac = matches!(new.r#type(), Type::AfPacket | Type::BondInterface);
    old.r#type != new.r#type
        || Kind::of(new.r#type()).is_some_and(|kind| !(kind.same)(old, new))
        || (keeps_mac && !same_mac(old, new))
}

/// The MAC counts only where one is asked for.
fn same_mac(old: &Interface, new: &Interface) -> bool {
    new.phys_address.is_empty() || canonical_mac(&old.phys_address) == canonical_mac(&new.phys_address)
}
