//! Bridge domains, their ports and their tables of addresses; cross-connects.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{ArpTermination, BridgeDomain, BridgeDomainDetails, FibEntry, Port, Xconnect};

/// See the module.
#[async_trait]
pub trait L2Calls: Send + Sync {
    /// Makes a bridge domain. VPP takes its tag (up to 63 bytes) only then: to change it, make another one. Up to 19.04
    /// there is no unicast forwarding of ARP.
    async fn add_bridge_domain(&self, bridge_domain: &BridgeDomain) -> Result<()>;

    /// Gives a bridge domain that is there other switches and another MAC age. Its tag stays.
    async fn change_bridge_domain(&self, bridge_domain: &BridgeDomain) -> Result<()>;

    /// Removes a bridge domain. VPP refuses (`BD_IN_USE`) while it has ports.
    async fn delete_bridge_domain(&self, id: u32) -> Result<()>;

    /// All bridge domains with their ports.
    async fn dump_bridge_domains(&self) -> Result<Vec<BridgeDomainDetails>>;

    /// Puts an interface into a bridge domain, out of where it was.
    async fn add_port(&self, bd_id: u32, port: &Port) -> Result<()>;

    /// Takes an interface out of a bridge domain.
    async fn delete_port(&self, bd_id: u32, port: &Port) -> Result<()>;

    /// Adds an address to a bridge domain's table.
    async fn add_fib_entry(&self, entry: &FibEntry) -> Result<()>;

    /// Removes an address from a bridge domain's table.
    async fn delete_fib_entry(&self, entry: &FibEntry) -> Result<()>;

    /// The addresses in the table of a bridge domain, learned ones included.
    async fn dump_fib(&self, bd_id: u32) -> Result<Vec<FibEntry>>;

    /// Adds an answer to ARP or neighbour solicitation, or gives the address another one.
    async fn add_arp_termination(&self, entry: &ArpTermination) -> Result<()>;

    /// Removes an answer. VPP refuses (`UNSPECIFIED`) one that is not there.
    async fn delete_arp_termination(&self, entry: &ArpTermination) -> Result<()>;

    /// The answers of all bridge domains.
    async fn dump_arp_terminations(&self) -> Result<Vec<ArpTermination>>;

    /// Sends what comes in through an interface out through another one, in place of what was done with it.
    async fn add_xconnect(&self, xconnect: &Xconnect) -> Result<()>;

    /// Ends that: the interface is one for IP again.
    async fn delete_xconnect(&self, xconnect: &Xconnect) -> Result<()>;

    /// All cross-connects.
    async fn dump_xconnects(&self) -> Result<Vec<Xconnect>>;
}

#[calls(L2Calls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use futures::future::try_join3;

    use crate::L2Calls;
    use crate::error::Result;
    use crate::types::{
        ArpTermination, BridgeDomain, BridgeDomainDetails, FibEntry, NO_INTERFACE, Port, Xconnect,
    };
    use crate::wire::{ApiText, Convert, Flag, address_bytes, address_from, text};

    /// All bridge domains.
    const ALL: u32 = u32::MAX;

    #[async_trait]
    impl L2Calls for Handler {
        async fn add_bridge_domain(&self, bd: &BridgeDomain) -> Result<()> {
            let mut request = api! {
                has(BridgeDomainAddDelV2) => api::BridgeDomainAddDelV2::default(),
                _ => api::BridgeDomainAddDel::default(),
            };
            request.bd_id = bd.id;
            request.flood = bd.flood.into();
            request.uu_flood = bd.unknown_unicast_flood.into();
            request.forward = bd.forward.into();
            request.learn = bd.learn.into();
            request.arp_term = bd.arp_termination.into();
            request.mac_age = bd.mac_age;
            api! {
                has(BridgeDomainDetails.arp_ufwd) => request.arp_ufwd = bd.arp_unicast_forward.into(),
                _ => {
                    if bd.arp_unicast_forward {
                        unsupported!("unicast forwarding of ARP");
                    }
                }
            };
            request.bd_tag = text("name of the bridge domain", &bd.tag)?;
            request.is_add = true.into();
            self.call(&request).await?;
            Ok(())
        }

        async fn change_bridge_domain(&self, bd: &BridgeDomain) -> Result<()> {
            let forward_arp = api! {
                has(BridgeDomainDetails.arp_ufwd) => {
                    Some((bd.arp_unicast_forward, api::BdFlags::BRIDGE_API_FLAG_ARP_UFWD))
                }
                _ => {
                    if bd.arp_unicast_forward {
                        unsupported!("unicast forwarding of ARP");
                    }
                    None
                }
            };
            let switches = [
                (bd.learn, api::BdFlags::BRIDGE_API_FLAG_LEARN),
                (bd.forward, api::BdFlags::BRIDGE_API_FLAG_FWD),
                (bd.flood, api::BdFlags::BRIDGE_API_FLAG_FLOOD),
                (bd.unknown_unicast_flood, api::BdFlags::BRIDGE_API_FLAG_UU_FLOOD),
                (bd.arp_termination, api::BdFlags::BRIDGE_API_FLAG_ARP_TERM),
            ];
            let flags = |on| {
                let all = switches.iter().chain(&forward_arp);
                let chosen = all.filter(|(wanted, _)| *wanted == on);
                chosen.fold(api::BdFlags::default(), |all, (_, flag)| all | *flag)
            };
            let set = async |on: bool| -> Result<()> {
                if flags(on) != api::BdFlags::default() {
                    self.call(&api::BridgeFlags { bd_id: bd.id, is_set: on.into(), flags: flags(on) })
                        .await?;
                }
                Ok(())
            };
            let age = api::BridgeDomainSetMacAge { bd_id: bd.id, mac_age: bd.mac_age };
            try_join3(set(true), set(false), self.call(&age)).await?;
            Ok(())
        }

        async fn delete_bridge_domain(&self, id: u32) -> Result<()> {
            self.call(&api::BridgeDomainAddDel { bd_id: id, is_add: false.into(), ..Default::default() })
                .await?;
            Ok(())
        }

        async fn dump_bridge_domains(&self) -> Result<Vec<BridgeDomainDetails>> {
            let request = api! {
                has(BridgeDomainDump.sw_if_index) => {
                    api::BridgeDomainDump { bd_id: ALL, sw_if_index: NO_INTERFACE }
                }
                _ => api::BridgeDomainDump { bd_id: ALL },
            };
            Ok(self.dump(&request).await?.into_iter().map(details).collect())
        }

        async fn add_port(&self, bd_id: u32, port: &Port) -> Result<()> {
            self.call(&change_port(bd_id, port, true)).await?;
            Ok(())
        }

        async fn delete_port(&self, bd_id: u32, port: &Port) -> Result<()> {
            self.call(&change_port(bd_id, port, false)).await?;
            Ok(())
        }

        async fn add_fib_entry(&self, entry: &FibEntry) -> Result<()> {
            self.call(&change_fib(entry, true)).await?;
            Ok(())
        }

        async fn delete_fib_entry(&self, entry: &FibEntry) -> Result<()> {
            self.call(&change_fib(entry, false)).await?;
            Ok(())
        }

        async fn dump_fib(&self, bd_id: u32) -> Result<Vec<FibEntry>> {
            let details = self.dump(&api::L2FibTableDump { bd_id }).await?;
            Ok(details
                .into_iter()
                .map(|d| FibEntry {
                    bd_id: d.bd_id,
                    mac: d.mac,
                    sw_if_index: d.sw_if_index,
                    fixed: d.static_mac.on(),
                    drop: d.filter_mac.on(),
                    bvi: d.bvi_mac.on(),
                })
                .collect())
        }

        async fn add_arp_termination(&self, entry: &ArpTermination) -> Result<()> {
            self.call(&change_arp(entry, true)).await?;
            Ok(())
        }

        async fn delete_arp_termination(&self, entry: &ArpTermination) -> Result<()> {
            self.call(&change_arp(entry, false)).await?;
            Ok(())
        }

        async fn dump_arp_terminations(&self) -> Result<Vec<ArpTermination>> {
            let details = self.dump(&api::BdIpMacDump { bd_id: ALL }).await?;
            let entries = details.into_iter().map(|d| {
                api! {
                    has(BdIpMac) => Ok(ArpTermination {
                        bd_id: d.entry.bd_id,
                        ip: d.entry.ip.to_product()?,
                        mac: d.entry.mac,
                    }),
                    _ => Ok(ArpTermination {
                        bd_id: d.bd_id,
                        ip: address_from(d.is_ipv6.on(), d.ip_address),
                        mac: d.mac_address,
                    }),
                }
            });
            entries.collect()
        }

        async fn add_xconnect(&self, xconnect: &Xconnect) -> Result<()> {
            self.call(&change_xconnect(xconnect, true)).await?;
            Ok(())
        }

        async fn delete_xconnect(&self, xconnect: &Xconnect) -> Result<()> {
            self.call(&change_xconnect(xconnect, false)).await?;
            Ok(())
        }

        async fn dump_xconnects(&self) -> Result<Vec<Xconnect>> {
            let details = self.dump(&api::L2XconnectDump {}).await?;
            Ok(details.into_iter().map(|d| Xconnect { rx: d.rx_sw_if_index, tx: d.tx_sw_if_index }).collect())
        }
    }

    fn change_arp(e: &ArpTermination, add: bool) -> api::BdIpMacAddDel {
        api! {
            has(BdIpMac) => api::BdIpMacAddDel {
                is_add: add.into(),
                entry: api::BdIpMac { bd_id: e.bd_id, ip: Convert::from_product(e.ip), mac: e.mac },
            },
            has(BdIpMacAddDel.ip) => api::BdIpMacAddDel {
                bd_id: e.bd_id,
                is_add: add.into(),
                ip: Convert::from_product(e.ip),
                mac: e.mac,
            },
            _ => api::BdIpMacAddDel {
                bd_id: e.bd_id,
                is_add: add.into(),
                is_ipv6: e.ip.is_ipv6().into(),
                ip_address: address_bytes(e.ip),
                mac_address: e.mac,
            },
        }
    }

    fn change_xconnect(xconnect: &Xconnect, add: bool) -> api::SwInterfaceSetL2Xconnect {
        api::SwInterfaceSetL2Xconnect {
            rx_sw_if_index: xconnect.rx,
            tx_sw_if_index: xconnect.tx,
            enable: add.into(),
        }
    }

    fn details(d: api::BridgeDomainDetails) -> BridgeDomainDetails {
        let port = |p: &api::BridgeDomainSwIf| Port {
            sw_if_index: p.sw_if_index,
            bvi: p.sw_if_index == d.bvi_sw_if_index,
            split_horizon_group: p.shg,
        };
        BridgeDomainDetails {
            ports: d.sw_if_details.iter().map(port).collect(),
            bridge_domain: BridgeDomain {
                id: d.bd_id,
                tag: d.bd_tag.text(),
                flood: d.flood.on(),
                unknown_unicast_flood: d.uu_flood.on(),
                forward: d.forward.on(),
                learn: d.learn.on(),
                arp_termination: d.arp_term.on(),
                arp_unicast_forward: api! {
                    has(BridgeDomainDetails.arp_ufwd) => d.arp_ufwd.on(),
                    _ => false,
                },
                mac_age: d.mac_age,
            },
        }
    }

    fn change_port(bd_id: u32, port: &Port, enable: bool) -> api::SwInterfaceSetL2Bridge {
        let port_type = if port.bvi {
            api::L2PortType::L2_API_PORT_TYPE_BVI
        } else {
            api::L2PortType::L2_API_PORT_TYPE_NORMAL
        };
        api::SwInterfaceSetL2Bridge {
            rx_sw_if_index: port.sw_if_index,
            bd_id,
            port_type,
            shg: port.split_horizon_group,
            enable: enable.into(),
        }
    }

    fn change_fib(entry: &FibEntry, add: bool) -> api::L2fibAddDel {
        api::L2fibAddDel {
            mac: entry.mac,
            bd_id: entry.bd_id,
            sw_if_index: entry.sw_if_index,
            is_add: add.into(),
            static_mac: entry.fixed.into(),
            filter_mac: entry.drop.into(),
            bvi_mac: entry.bvi.into(),
        }
    }
}
