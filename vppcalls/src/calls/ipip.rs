//! Tunnels of IP in IP.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Ipip, TunnelDetails};

/// See the module.
#[async_trait]
pub trait IpipCalls: Send + Sync {
    /// Makes a tunnel; gives its `sw_if_index`. VPP refuses (`IF_ALREADY_EXISTS`) one that it has already.
    async fn add_ipip(&self, tunnel: &Ipip) -> Result<u32>;

    /// Removes a tunnel.
    async fn delete_ipip(&self, sw_if_index: u32) -> Result<()>;

    /// All tunnels.
    async fn dump_ipips(&self) -> Result<Vec<TunnelDetails<Ipip>>>;
}

#[calls(IpipCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::IpipCalls;
    use crate::check;
    use crate::error::Result;
    use crate::types::{Ipip, NO_INTERFACE, TunnelDetails, TunnelFlags};
    use crate::wire::{Convert, Flag, address_bytes, address_from};

    /// Any free number.
    const ANY: u32 = u32::MAX;

    #[async_trait]
    impl IpipCalls for Handler {
        async fn add_ipip(&self, t: &Ipip) -> Result<u32> {
            check::same_family("the other end of an IPIP tunnel", t.dst, t.src)?;
            check::range("DSCP", t.dscp.into(), 0, 63)?;
            let instance = t.instance.unwrap_or(ANY);
            api! {
                has(IpipTunnel.mode) => {}
                has(IpipTunnel.flags) => {
                    if t.multipoint {
                        unsupported!("IPIP tunnels with many other ends");
                    }
                }
                _ => {
                    if t.multipoint || !t.flags.is_empty() {
                        unsupported!("IPIP tunnels with many other ends, nor flags of them");
                    }
                }
            }
            let request = api! {
                has(IpipTunnel) => {
                    let mut tunnel = api::IpipTunnel {
                        instance,
                        src: Convert::from_product(t.src),
                        dst: Convert::from_product(t.dst),
                        sw_if_index: NO_INTERFACE,
                        table_id: t.table,
                        ..Default::default()
                    };
                    api! {
                        has(IpipTunnel.mode) => {
                            tunnel.mode = api::TunnelMode(t.multipoint.into());
                            tunnel.flags = api::TunnelEncapDecapFlags(t.flags.0);
                            tunnel.dscp = api::IpDscp(t.dscp);
                        }
                        has(IpipTunnel.flags) => {
                            tunnel.flags = api::IpipTunnelFlags(t.flags.0);
                            tunnel.dscp = api::IpDscp(t.dscp);
                        }
                        // The DSCP is the upper six bits.
                        _ => tunnel.tc_tos = t.dscp << 2,
                    }
                    api::IpipAddTunnel { tunnel }
                }
                _ => api::IpipAddTunnel {
                    is_ipv6: t.src.is_ipv6().into(),
                    instance,
                    src_address: address_bytes(t.src),
                    dst_address: address_bytes(t.dst),
                    table_id: t.table,
                    tc_tos: t.dscp << 2,
                },
            };
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn delete_ipip(&self, sw_if_index: u32) -> Result<()> {
            self.call(&api::IpipDelTunnel { sw_if_index }).await?;
            Ok(())
        }

        async fn dump_ipips(&self) -> Result<Vec<TunnelDetails<Ipip>>> {
            let details = self.dump(&api::IpipTunnelDump { sw_if_index: NO_INTERFACE }).await?;
            let tunnels = details.into_iter().map(|d| {
                api! {
                    has(IpipTunnel) => {
                        let t = d.tunnel;
                        let dst = t.dst.to_product()?;
                        let tunnel = Ipip {
                            instance: Some(t.instance),
                            src: t.src.to_product()?,
                            dst,
                            table: t.table_id,
                            // Up to 23.06 VPP does not fill in the mode (`ipip_api.c`); only a tunnel with many other
                            // ends has none.
                            multipoint: api! {
                                has(IpipTunnel.mode) => dst.is_unspecified(),
                                _ => false,
                            },
                            flags: api! {
                                has(IpipTunnel.flags) => TunnelFlags(t.flags.0),
                                _ => TunnelFlags::default(),
                            },
                            dscp: api! {
                                has(IpipTunnel.dscp) => t.dscp.0,
                                _ => t.tc_tos >> 2,
                            },
                        };
                        Ok(TunnelDetails { sw_if_index: t.sw_if_index, tunnel })
                    }
                    _ => {
                        let ipv6 = d.is_ipv6.on();
                        let tunnel = Ipip {
                            instance: Some(d.instance),
                            // The name says index; VPP fills in the number of the table (`ipip_api.c`).
                            table: d.fib_index,
                            dscp: d.tc_tos >> 2,
                            ..Ipip::between(
                                address_from(ipv6, d.src_address),
                                address_from(ipv6, d.dst_address),
                            )
                        };
                        Ok(TunnelDetails { sw_if_index: d.sw_if_index, tunnel })
                    }
                }
            });
            tunnels.collect()
        }
    }
}
