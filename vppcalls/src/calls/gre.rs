//! GRE tunnels.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Gre, TunnelDetails};

/// See the module.
#[async_trait]
pub trait GreCalls: Send + Sync {
    /// Makes a tunnel; gives its `sw_if_index`. VPP refuses one that it has already.
    async fn add_gre(&self, tunnel: &Gre) -> Result<u32>;

    /// Removes a tunnel. VPP knows it by what it is.
    async fn delete_gre(&self, tunnel: &Gre) -> Result<()>;

    /// All tunnels.
    async fn dump_gres(&self) -> Result<Vec<TunnelDetails<Gre>>>;
}

#[calls(GreCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::GreCalls;
    use crate::check;
    use crate::error::Result;
    use crate::types::{Gre, GreKind, NO_INTERFACE, TunnelDetails, TunnelFlags};
    use crate::wire::{Convert, Flag, address_bytes, address_from};

    /// Any free number.
    const ANY: u32 = u32::MAX;

    #[async_trait]
    impl GreCalls for Handler {
        async fn add_gre(&self, tunnel: &Gre) -> Result<u32> {
            self.change(tunnel, true).await
        }

        async fn delete_gre(&self, tunnel: &Gre) -> Result<()> {
            self.change(tunnel, false).await?;
            Ok(())
        }

        async fn dump_gres(&self) -> Result<Vec<TunnelDetails<Gre>>> {
            // The definitions of 25.10 and 26.02 name the details of the first two among the events. They are details.
            let request = api! {
                has(GreTunnelV2Dump) => api::GreTunnelV2Dump { sw_if_index: NO_INTERFACE },
                has(GreTunnelDumpV2) => api::GreTunnelDumpV2 { sw_if_index: NO_INTERFACE },
                _ => api::GreTunnelDump { sw_if_index: NO_INTERFACE },
            };
            let tunnels = self.dump(&request).await?.into_iter().map(|d| {
                api! {
                    has(GreTunnel) => {
                        let t = d.tunnel;
                        let tunnel = Gre {
                            instance: Some(t.instance),
                            kind: kind(t.r#type.0.into()),
                            src: t.src.to_product()?,
                            dst: t.dst.to_product()?,
                            table: api! {
                                has(GreTunnel.outer_table_id) => t.outer_table_id,
                                _ => t.outer_fib_id,
                            },
                            session: t.session_id,
                            multipoint: api! {
                                has(TunnelMode) => t.mode == api::TunnelMode::TUNNEL_API_MODE_MP,
                                has(GreTunnelMode) => t.mode == api::GreTunnelMode::GRE_API_TUNNEL_MODE_MP,
                                _ => false,
                            },
                            flags: api! {
                                has(GreTunnel.flags) => TunnelFlags(t.flags.0),
                                _ => TunnelFlags::default(),
                            },
                            key: api! {
                                has(GreTunnelV2) => t.key,
                                _ => 0,
                            },
                        };
                        Ok(TunnelDetails { sw_if_index: t.sw_if_index, tunnel })
                    }
                    _ => {
                        let ipv6 = d.is_ipv6.on();
                        let tunnel = Gre {
                            instance: Some(d.instance),
                            table: d.outer_fib_id,
                            session: d.session_id,
                            ..Gre::between(
                                kind(d.tunnel_type.into()),
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

    impl Handler {
        async fn change(&self, t: &Gre, add: bool) -> Result<u32> {
            check::same_family("the other end of a GRE tunnel", t.dst, t.src)?;
            check::range("session of the GRE tunnel", t.session.into(), 0, 1023)?;
            let instance = t.instance.unwrap_or(ANY);
            api! {
                has(GreTunnelV2) => {}
                _ => {
                    if t.key != 0 {
                        unsupported!("keys of GRE tunnels");
                    }
                }
            }
            api! {
                has(TunnelMode) => {}
                has(GreTunnelMode) => {
                    if !t.flags.is_empty() {
                        unsupported!("flags of GRE tunnels");
                    }
                }
                _ => {
                    if t.multipoint || !t.flags.is_empty() {
                        unsupported!("GRE tunnels with many other ends, nor flags of them");
                    }
                }
            }
            api! {
                has(GreTunnel) => {
                    let mut tunnel = api! {
                        has(GreTunnelV2) => api::GreTunnelV2 { key: t.key, ..Default::default() },
                        _ => api::GreTunnel::default(),
                    };
                    tunnel.instance = instance;
                    tunnel.r#type = api::GreTunnelType(kind_number(t.kind).into());
                    tunnel.sw_if_index = NO_INTERFACE;
                    tunnel.src = Convert::from_product(t.src);
                    tunnel.dst = Convert::from_product(t.dst);
                    tunnel.session_id = t.session;
                    api! {
                        has(GreTunnel.outer_table_id) => tunnel.outer_table_id = t.table,
                        _ => tunnel.outer_fib_id = t.table,
                    }
                    api! {
                        has(TunnelMode) => {
                            tunnel.mode = api::TunnelMode(t.multipoint.into());
                            tunnel.flags = api::TunnelEncapDecapFlags(t.flags.0);
                        }
                        has(GreTunnelMode) => {
                            tunnel.mode = if t.multipoint {
                                api::GreTunnelMode::GRE_API_TUNNEL_MODE_MP
                            } else {
                                api::GreTunnelMode::GRE_API_TUNNEL_MODE_P2P
                            };
                        }
                        _ => {}
                    }
                    let request = api! {
                        has(GreTunnelV2) => api::GreTunnelAddDelV2 { is_add: add, tunnel },
                        _ => api::GreTunnelAddDel { is_add: add, tunnel },
                    };
                    Ok(self.call(&request).await?.sw_if_index)
                }
                _ => {
                    let request = api::GreAddDelTunnel {
                        is_add: add.into(),
                        is_ipv6: t.src.is_ipv6().into(),
                        tunnel_type: kind_number(t.kind),
                        instance,
                        src_address: address_bytes(t.src),
                        dst_address: address_bytes(t.dst),
                        outer_fib_id: t.table,
                        session_id: t.session,
                    };
                    Ok(self.call(&request).await?.sw_if_index)
                }
            }
        }
    }

    /// `gre_tunnel_type`; the numbers were the same before they had names.
    fn kind_number(kind: GreKind) -> u8 {
        match kind {
            GreKind::L3 => 0,
            GreKind::Teb => 1,
            GreKind::Erspan => 2,
            // What does not fit one byte is none of VPP's numbers.
            GreKind::Other(n) => u8::try_from(n).unwrap_or(u8::MAX),
        }
    }

    fn kind(number: u32) -> GreKind {
        match number {
            0 => GreKind::L3,
            1 => GreKind::Teb,
            2 => GreKind::Erspan,
            n => GreKind::Other(n),
        }
    }
}
