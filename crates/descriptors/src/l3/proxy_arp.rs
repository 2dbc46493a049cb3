//! `vpp.proxyarp-global`: addresses that VPP answers ARP for; and the interfaces on which it does, values derived from it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::{try_join, try_join_all};
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, KeyValue, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::proto::ligato::vpp::l3::ProxyArp;
use models::proto::ligato::vpp::l3::proxy_arp::{Interface, Range};
use vppcalls::Handlers;
use vppcalls::types::ProxyArpRange;

use crate::check::check;
use crate::interface;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

const INTERFACES: &str = "vpp/proxyarp/interface/";

pub(super) struct ProxyArpDescriptor {
    vpp: Vpp,
    key: String,
}

impl ProxyArpDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, key: ProxyArp::SPEC.key_prefix(true) }
    }

    /// Ends what is not wanted any more, then begins what is new.
    async fn change(&self, old: &ProxyArp, new: &ProxyArp) -> Result<(), Failure> {
        let handlers = self.vpp.calls()?;
        let calls = handlers.neighbor.as_ref();
        let (old, new) = (ranges(old), ranges(new));
        // VPP takes one after the other.
        let gone = try_join_all(old.difference(&new).map(|range| end(&handlers, range)));
        let more = try_join_all(new.difference(&old).map(|range| calls.add_proxy_arp(range)));
        try_join(gone, more).await.or_fail()?;
        Ok(())
    }
}

/// `NO_SUCH_FIB` and `NO_SUCH_ENTRY`.
const NOT_THERE: [i32; 2] = [-3, -6];

/// Ends one. Of a range that nothing is believed of it may be another table than VPP told: up to 25.06 that is an index,
/// by which later dumps of tables are in order.
async fn end(handlers: &Handlers, range: &ProxyArpRange) -> vppcalls::Result<()> {
    let there = |e: &vppcalls::Error| e.retval().is_none_or(|retval| !NOT_THERE.contains(&retval));
    let refused = match handlers.neighbor.delete_proxy_arp(range).await {
        Err(e) if !there(&e) => e,
        other => return other,
    };
    let tables = handlers.l3.dump_tables().await?;
    let mut others: Vec<u32> = tables.iter().filter(|table| !table.ipv6).map(|table| table.id).collect();
    let index = usize::try_from(range.table).unwrap_or(usize::MAX);
    if index < others.len() {
        others.rotate_left(index);
    }
    for table in others.into_iter().filter(|id| *id != range.table) {
        match handlers.neighbor.delete_proxy_arp(&ProxyArpRange { table, ..*range }).await {
            Err(e) if !there(&e) => {}
            other => return other,
        }
    }
    Err(refused)
}

/// Ranges, whatever their order.
fn ranges(value: &ProxyArp) -> BTreeSet<ProxyArpRange> {
    let range = |range: &Range| {
        Some(ProxyArpRange {
            table: range.vrf_id,
            first: range.first_ip_addr.parse().ok()?,
            last: range.last_ip_addr.parse().ok()?,
        })
    };
    value.ranges.iter().filter_map(range).collect()
}

#[async_trait]
impl Descriptor for ProxyArpDescriptor {
    type Value = ProxyArp;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-proxy-arp"
    }

    fn owns(&self, key: &str) -> bool {
        key == self.key
    }

    fn validate(&self, _key: &str, value: &ProxyArp) -> Result<(), Invalid> {
        check(value, [])
    }

    fn equivalent(&self, _key: &str, old: &ProxyArp, new: &ProxyArp) -> bool {
        ranges(old) == ranges(new)
    }

    fn derived(&self, _key: &str, value: &ProxyArp) -> Vec<KeyValue> {
        let on = |i: &Interface| KeyValue::new(format!("{INTERFACES}{}", i.name), i.clone());
        value.interfaces.iter().map(on).collect()
    }

    fn dependencies(&self, _key: &str, value: &ProxyArp) -> Vec<Dependency> {
        let tables: BTreeSet<u32> =
            value.ranges.iter().map(|range| range.vrf_id).filter(|id| *id != 0).collect();
        let need = |id| Dependency::key(format!("vrf-table-{id}-exists"), keys::vrf_table(id, false));
        tables.into_iter().map(need).collect()
    }

    async fn create(&self, _key: &str, value: &ProxyArp) -> Result<(), Failure> {
        self.change(&ProxyArp::default(), value).await
    }

    async fn update(&self, _key: &str, old: &ProxyArp, new: &ProxyArp, (): &()) -> Result<(), Failure> {
        self.change(old, new).await
    }

    fn recreate(&self, _key: &str, _old: &ProxyArp, _new: &ProxyArp) -> bool {
        false
    }

    async fn delete(&self, _key: &str, value: &ProxyArp, (): &()) -> Result<(), Failure> {
        self.change(value, &ProxyArp::default()).await
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, ProxyArp>],
    ) -> Result<Option<Vec<Retrieved<ProxyArp, ()>>>, Failure> {
        let calls = self.vpp.calls()?.neighbor;
        let dumps = try_join(calls.dump_proxy_arps(), calls.dump_proxy_arp_interfaces());
        let (told, on) = dumps.await.or_unread()?;
        let names = self.vpp.names();
        let mut believed: Vec<ProxyArpRange> =
            correlate.iter().flat_map(|b| ranges(b.value)).collect::<BTreeSet<_>>().into_iter().collect();
        // Up to 25.06 VPP tells an index of its own in place of the number of the table.
        let table = |range: &ProxyArpRange| {
            let same = |b: &ProxyArpRange| (b.first, b.last) == (range.first, range.last);
            let exact = believed.iter().position(|b| b == range);
            let position = exact.or_else(|| believed.iter().position(same));
            position.map_or(range.table, |at| believed.swap_remove(at).table)
        };
        let tables: Vec<u32> = told.iter().map(table).collect();
        let ranges = told.iter().zip(tables).map(|(range, vrf_id)| Range {
            first_ip_addr: range.first.to_string(),
            last_ip_addr: range.last.to_string(),
            vrf_id,
        });
        let value = ProxyArp {
            interfaces: on
                .iter()
                .filter_map(|sw_if_index| Some(Interface { name: names.given(*sw_if_index)?.to_string() }))
                .collect(),
            ranges: ranges.collect(),
        };
        let there = (value != ProxyArp::default())
            || !correlate.is_empty() && on.is_empty() && told.is_empty() && {
                // Nothing is as much as there was to do.
                correlate.iter().all(|b| b.value.ranges.is_empty())
            };
        let found =
            there.then(|| Retrieved { key: self.key.clone(), value, metadata: (), origin: Origin::Unknown });
        Ok(Some(found.into_iter().collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![interface::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, ProxyArp)> {
        let range = Range {
            first_ip_addr: "192.0.2.10".to_string(),
            last_ip_addr: "192.0.2.20".to_string(),
            vrf_id: 3,
        };
        let on = Interface { name: "example-loop".to_string() };
        vec![(self.key.clone(), ProxyArp { interfaces: vec![on], ranges: vec![range] })]
    }
}

/// An interface on which VPP answers for others.
pub(super) struct InterfaceDescriptor(pub(super) Vpp);

impl InterfaceDescriptor {
    async fn set(&self, value: &Interface, on: bool) -> Result<(), Failure> {
        let sw_if_index = self.0.interface(&value.name)?;
        self.0.calls()?.neighbor.set_proxy_arp(sw_if_index, on).await.or_fail()
    }
}

#[async_trait]
impl Descriptor for InterfaceDescriptor {
    type Value = Interface;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-proxy-arp-interface"
    }

    fn owns(&self, key: &str) -> bool {
        key.strip_prefix(INTERFACES).is_some_and(|name| !name.is_empty())
    }

    fn dependencies(&self, _key: &str, value: &Interface) -> Vec<Dependency> {
        vec![Dependency::key("interface-exists", keys::interface(&value.name))]
    }

    async fn create(&self, _key: &str, value: &Interface) -> Result<(), Failure> {
        self.set(value, true).await
    }

    async fn delete(&self, _key: &str, value: &Interface, (): &()) -> Result<(), Failure> {
        self.set(value, false).await
    }

    fn examples(&self) -> Vec<(String, Interface)> {
        let name = "example-loop".to_string();
        vec![(format!("{INTERFACES}{name}"), Interface { name })]
    }
}
