//! Bridge domains, their ports and their tables of addresses.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{BridgeDomain, BridgeDomainDetails, FibEntry, Port};

/// See the module.
#[async_trait]
pub trait L2Calls: Send + Sync {
    /// Makes a bridge domain. VPP takes its tag (up to 63 bytes) only then: to change it, make another one.
    async fn add_bridge_domain(&self, bridge_domain: &BridgeDomain) -> Result<()>;

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
}

#[calls(L2Calls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::L2Calls;
    use crate::error::Result;
    use crate::types::{BridgeDomain, BridgeDomainDetails, FibEntry, NO_INTERFACE, Port};
    use crate::wire::{ApiText, Flag, text};

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
            request.bd_tag = text("name of the bridge domain", &bd.tag)?;
            request.is_add = true.into();
            self.call(&request).await?;
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
