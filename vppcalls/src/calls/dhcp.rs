//! DHCP clients.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{DhcpClient, DhcpClientDetails};

/// See the module.
#[async_trait]
pub trait DhcpCalls: Send + Sync {
    /// Lets an interface ask for an address. VPP refuses (`INVALID_VALUE`) where it does already.
    async fn add_dhcp_client(&self, client: &DhcpClient) -> Result<()>;

    /// Ends that; the address goes. VPP refuses (`INVALID_VALUE`) where there is none.
    async fn delete_dhcp_client(&self, sw_if_index: u32) -> Result<()>;

    /// All clients with what they were given.
    async fn dump_dhcp_clients(&self) -> Result<Vec<DhcpClientDetails>>;
}

#[calls(DhcpCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;
    use ipnet::Ipv4Net;

    use crate::DhcpCalls;
    use crate::check;
    use crate::error::{Error, Result};
    use crate::types::{DhcpClient, DhcpClientDetails, DhcpLease};
    use crate::wire::{ApiText, Flag, ipv4_from, text};

    #[async_trait]
    impl DhcpCalls for Handler {
        async fn add_dhcp_client(&self, client: &DhcpClient) -> Result<()> {
            check::range("DSCP", client.dscp.into(), 0, 63)?;
            let request = api::DhcpClient {
                sw_if_index: client.sw_if_index,
                hostname: text("name of the DHCP client", &client.host_name)?,
                id: text("identifier of the DHCP client", &client.client_id)?,
                set_broadcast_flag: client.broadcast.into(),
                ..Default::default()
            };
            let request = api! {
                has(DhcpClient.dscp) => api::DhcpClient { dscp: api::IpDscp(client.dscp), ..request },
                _ => {
                    if client.dscp != 0 {
                        unsupported!("DSCP of DHCP clients");
                    }
                    request
                }
            };
            self.call(&api::DhcpClientConfig { is_add: true.into(), client: request }).await?;
            Ok(())
        }

        async fn delete_dhcp_client(&self, sw_if_index: u32) -> Result<()> {
            let client = api::DhcpClient { sw_if_index, ..Default::default() };
            self.call(&api::DhcpClientConfig { is_add: false.into(), client }).await?;
            Ok(())
        }

        async fn dump_dhcp_clients(&self) -> Result<Vec<DhcpClientDetails>> {
            let details = self.dump(&api::DhcpClientDump {}).await?;
            details
                .into_iter()
                .map(|d| {
                    let client = DhcpClient {
                        sw_if_index: d.client.sw_if_index,
                        host_name: d.client.hostname.text(),
                        client_id: d.client.id.text(),
                        broadcast: d.client.set_broadcast_flag.on(),
                        dscp: api! {
                            has(DhcpClient.dscp) => d.client.dscp.0,
                            _ => 0,
                        },
                    };
                    Ok(DhcpClientDetails { client, lease: lease(d.lease)? })
                })
                .collect()
        }
    }

    /// Without an address nothing was given yet. The state does not tell it: its numbers changed in the definitions
    /// and not in VPP. Only the address counts, whatever family stands beside it: this is DHCP for IPv4.
    fn lease(l: api::DhcpLease) -> Result<Option<DhcpLease>> {
        let (address, router) = api! {
            is(DhcpLease.host_address, Address) => {
                (ipv4_from(&l.host_address.un.0), ipv4_from(&l.router_address.un.0))
            }
            _ => (ipv4_from(&l.host_address), ipv4_from(&l.router_address)),
        };
        if address.is_unspecified() {
            return Ok(None);
        }
        let nonsense = |_| Error::Nonsense { what: "a lease", found: format!("{address}/{}", l.mask_width) };
        Ok(Some(DhcpLease {
            address: Ipv4Net::new(address, l.mask_width).map_err(nonsense)?,
            router: (!router.is_unspecified()).then_some(router),
            mac: l.host_mac,
            name_servers: api! {
                is(DomainServer.address, Address) => {
                    l.domain_server.iter().map(|s| ipv4_from(&s.address.un.0)).collect()
                }
                has(DhcpLease.domain_server) => l.domain_server.iter().map(|s| ipv4_from(&s.address)).collect(),
                _ => Vec::new(),
            },
        }))
    }
}
