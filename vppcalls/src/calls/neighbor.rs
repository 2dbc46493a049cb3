//! Neighbours: entries, proxy ARP, how long VPP keeps them.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{IpScan, Neighbor, NeighborLimits, ProxyArpRange};

/// See the module.
#[async_trait]
pub trait NeighborCalls: Send + Sync {
    /// Adds a neighbour, or gives its address another MAC.
    async fn add_neighbor(&self, neighbor: &Neighbor) -> Result<()>;

    /// Removes a neighbour. VPP refuses (`NO_SUCH_ENTRY`) one that it does not have, in some releases.
    async fn delete_neighbor(&self, neighbor: &Neighbor) -> Result<()>;

    /// All neighbours of both families, learned ones included.
    async fn dump_neighbors(&self) -> Result<Vec<Neighbor>>;

    /// Lets VPP answer ARP for addresses, on interfaces on which [`set_proxy_arp`](Self::set_proxy_arp) allows it.
    async fn add_proxy_arp(&self, range: &ProxyArpRange) -> Result<()>;

    /// Ends that, for exactly these addresses.
    async fn delete_proxy_arp(&self, range: &ProxyArpRange) -> Result<()>;

    /// The addresses that VPP answers for.
    async fn dump_proxy_arps(&self) -> Result<Vec<ProxyArpRange>>;

    /// Sets whether VPP answers for others on an interface.
    async fn set_proxy_arp(&self, sw_if_index: u32, on: bool) -> Result<()>;

    /// The interfaces on which VPP answers for others.
    async fn dump_proxy_arp_interfaces(&self) -> Result<Vec<u32>>;

    /// Sets how VPP scans for neighbours that are gone. From 20.01 on there are
    /// [limits](Self::set_neighbor_limits) in place of it.
    async fn set_ip_scan(&self, scan: &IpScan) -> Result<()>;

    /// Sets how many neighbours of a family VPP keeps, and how long; from 20.01 on.
    async fn set_neighbor_limits(&self, ipv6: bool, limits: &NeighborLimits) -> Result<()>;

    /// How many neighbours of a family VPP keeps, and how long; from 23.10 on.
    async fn neighbor_limits(&self, ipv6: bool) -> Result<NeighborLimits>;
}

#[calls(NeighborCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;
    use futures::future::try_join;

    use crate::NeighborCalls;
    use crate::error::{Error, Result};
    use crate::types::{IpScan, IpScanMode, NO_INTERFACE, Neighbor, NeighborLimits, ProxyArpRange};
    use crate::wire::{Convert, Flag, address_bytes, address_from};

    #[async_trait]
    impl NeighborCalls for Handler {
        async fn add_neighbor(&self, neighbor: &Neighbor) -> Result<()> {
            self.call(&change(neighbor, true)).await?;
            Ok(())
        }

        async fn delete_neighbor(&self, neighbor: &Neighbor) -> Result<()> {
            self.call(&change(neighbor, false)).await?;
            Ok(())
        }

        async fn dump_neighbors(&self) -> Result<Vec<Neighbor>> {
            let (v4, v6) = try_join(self.neighbors(false), self.neighbors(true)).await?;
            Ok([v4, v6].concat())
        }

        async fn add_proxy_arp(&self, range: &ProxyArpRange) -> Result<()> {
            if range.first > range.last {
                let found = format!("{} to {}", range.first, range.last);
                return Err(Error::Backwards { what: "proxy ARP range", found });
            }
            self.call(&api::ProxyArpAddDel { is_add: true.into(), proxy: proxy(range) }).await?;
            Ok(())
        }

        async fn delete_proxy_arp(&self, range: &ProxyArpRange) -> Result<()> {
            self.call(&api::ProxyArpAddDel { is_add: false.into(), proxy: proxy(range) }).await?;
            Ok(())
        }

        async fn dump_proxy_arps(&self) -> Result<Vec<ProxyArpRange>> {
            let details = self.dump(&api::ProxyArpDump {}).await?.into_iter();
            let range = |p: api::ProxyArp| {
                api! {
                    has(ProxyArp.low) => {
                        ProxyArpRange { table: p.table_id, first: p.low.into(), last: p.hi.into() }
                    }
                    _ => ProxyArpRange {
                        table: p.vrf_id,
                        first: p.low_address.into(),
                        last: p.hi_address.into(),
                    },
                }
            };
            Ok(details.map(|d| range(d.proxy)).collect())
        }

        async fn set_proxy_arp(&self, sw_if_index: u32, on: bool) -> Result<()> {
            let request = api! {
                has(ProxyArpIntfcEnableDisable.enable) => {
                    api::ProxyArpIntfcEnableDisable { sw_if_index, enable: on }
                }
                _ => api::ProxyArpIntfcEnableDisable { sw_if_index, enable_disable: on.into() },
            };
            self.call(&request).await?;
            Ok(())
        }

        async fn dump_proxy_arp_interfaces(&self) -> Result<Vec<u32>> {
            let details = self.dump(&api::ProxyArpIntfcDump {}).await?.into_iter();
            Ok(details.map(|d| d.sw_if_index).collect())
        }

        async fn set_ip_scan(&self, scan: &IpScan) -> Result<()> {
            api! {
                has(IpScanNeighborEnableDisable) => {
                    let request = api::IpScanNeighborEnableDisable {
                        mode: match scan.mode {
                            IpScanMode::Disabled => 0,
                            IpScanMode::Ipv4 => 1,
                            IpScanMode::Ipv6 => 2,
                            IpScanMode::Both => 3,
                        },
                        scan_interval: scan.interval,
                        max_proc_time: scan.max_time,
                        max_update: scan.max_update,
                        scan_int_delay: scan.delay,
                        stale_threshold: scan.stale,
                    };
                    self.call(&request).await?;
                    Ok(())
                }
                _ => {
                    let _ = scan;
                    unsupported!("scan of neighbours")
                }
            }
        }

        async fn set_neighbor_limits(&self, ipv6: bool, limits: &NeighborLimits) -> Result<()> {
            api! {
                has(IpNeighborConfig) => {
                    let request = api::IpNeighborConfig {
                        af: family(ipv6),
                        max_number: limits.max_number,
                        max_age: limits.max_age,
                        recycle: limits.recycle,
                    };
                    self.call(&request).await?;
                    Ok(())
                }
                _ => {
                    let _ = (ipv6, limits);
                    unsupported!("limits of neighbours")
                }
            }
        }

        async fn neighbor_limits(&self, ipv6: bool) -> Result<NeighborLimits> {
            api! {
                has(IpNeighborConfigGet) => {
                    let reply = self.call(&api::IpNeighborConfigGet { af: family(ipv6) }).await?;
                    Ok(NeighborLimits {
                        max_number: reply.max_number,
                        max_age: reply.max_age,
                        recycle: reply.recycle,
                    })
                }
                _ => {
                    let _ = ipv6;
                    unsupported!("reading of limits of neighbours")
                }
            }
        }
    }

    impl Handler {
        async fn neighbors(&self, ipv6: bool) -> Result<Vec<Neighbor>> {
            let request = api! {
                has(IpNeighborDump.af) => api::IpNeighborDump { sw_if_index: NO_INTERFACE, af: family(ipv6) },
                _ => api::IpNeighborDump { sw_if_index: NO_INTERFACE, is_ipv6: ipv6.into() },
            };
            let neighbors = self.dump(&request).await?.into_iter().map(|d| {
                api! {
                    has(IpNeighborDetails.neighbor) => {
                        let n = d.neighbor;
                        Ok(Neighbor {
                            sw_if_index: n.sw_if_index,
                            ip: n.ip_address.to_product()?,
                            mac: n.mac_address,
                            fixed: n.flags.contains(api::IpNeighborFlags::IP_API_NEIGHBOR_FLAG_STATIC),
                            no_fib_entry: n
                                .flags
                                .contains(api::IpNeighborFlags::IP_API_NEIGHBOR_FLAG_NO_FIB_ENTRY),
                        })
                    }
                    _ => Ok(Neighbor {
                        sw_if_index: d.sw_if_index,
                        ip: address_from(d.is_ipv6.on(), d.ip_address),
                        mac: d.mac_address,
                        fixed: d.is_static.on(),
                        no_fib_entry: false,
                    }),
                }
            });
            neighbors.collect()
        }
    }

    api! {
        has(IpNeighborDump.af) => {
            fn family(ipv6: bool) -> api::AddressFamily {
                if ipv6 { api::AddressFamily::ADDRESS_IP6 } else { api::AddressFamily::ADDRESS_IP4 }
            }
        }
        _ => {}
    }

    fn change(n: &Neighbor, add: bool) -> api::IpNeighborAddDel {
        api! {
            has(IpNeighborAddDel.neighbor) => {
                let flags = [
                    (n.fixed, api::IpNeighborFlags::IP_API_NEIGHBOR_FLAG_STATIC),
                    (n.no_fib_entry, api::IpNeighborFlags::IP_API_NEIGHBOR_FLAG_NO_FIB_ENTRY),
                ];
                let chosen = flags.iter().filter(|(on, _)| *on);
                api::IpNeighborAddDel {
                    is_add: add.into(),
                    neighbor: api::IpNeighbor {
                        sw_if_index: n.sw_if_index,
                        flags: chosen.fold(Default::default(), |all: api::IpNeighborFlags, (_, f)| all | *f),
                        mac_address: n.mac,
                        ip_address: Convert::from_product(n.ip),
                    },
                }
            }
            _ => api::IpNeighborAddDel {
                sw_if_index: n.sw_if_index,
                is_add: add.into(),
                is_ipv6: n.ip.is_ipv6().into(),
                is_static: n.fixed.into(),
                is_no_adj_fib: n.no_fib_entry.into(),
                mac_address: n.mac,
                dst_address: address_bytes(n.ip),
            },
        }
    }

    fn proxy(range: &ProxyArpRange) -> api::ProxyArp {
        let (first, last) = (range.first.octets(), range.last.octets());
        api! {
            has(ProxyArp.low) => api::ProxyArp { table_id: range.table, low: first, hi: last },
            _ => api::ProxyArp { vrf_id: range.table, low_address: first, hi_address: last },
        }
    }
}
