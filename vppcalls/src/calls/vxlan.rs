//! VXLAN tunnels.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{TunnelDetails, Vxlan};

/// See the module.
#[async_trait]
pub trait VxlanCalls: Send + Sync {
    /// Makes a tunnel; gives its `sw_if_index`. VPP refuses (`TUNNEL_EXIST`) one that it has already.
    async fn add_vxlan(&self, tunnel: &Vxlan) -> Result<u32>;

    /// Removes a tunnel. VPP knows it by what it is.
    async fn delete_vxlan(&self, tunnel: &Vxlan) -> Result<()>;

    /// All tunnels.
    async fn dump_vxlans(&self) -> Result<Vec<TunnelDetails<Vxlan>>>;
}

#[calls(VxlanCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::VxlanCalls;
    use crate::check;
    use crate::error::Result;
    use crate::types::{NO_INTERFACE, TunnelDetails, VXLAN_PORT, Vxlan};
    use crate::wire::{Convert, Flag, address_bytes, address_from};

    /// Any free number.
    const ANY: u32 = u32::MAX;

    #[async_trait]
    impl VxlanCalls for Handler {
        async fn add_vxlan(&self, tunnel: &Vxlan) -> Result<u32> {
            self.change(tunnel, true).await
        }

        async fn delete_vxlan(&self, tunnel: &Vxlan) -> Result<()> {
            self.change(tunnel, false).await?;
            Ok(())
        }

        async fn dump_vxlans(&self) -> Result<Vec<TunnelDetails<Vxlan>>> {
            let request = api! {
                has(VxlanTunnelV2Dump) => api::VxlanTunnelV2Dump { sw_if_index: NO_INTERFACE },
                _ => api::VxlanTunnelDump { sw_if_index: NO_INTERFACE },
            };
            let tunnels = self.dump(&request).await?.into_iter().map(|d| {
                let (src, dst) = api! {
                    is(VxlanTunnelDetails.src_address, Address) => {
                        (d.src_address.to_product()?, d.dst_address.to_product()?)
                    }
                    _ => {
                        let ipv6 = d.is_ipv6.on();
                        (address_from(ipv6, d.src_address), address_from(ipv6, d.dst_address))
                    }
                };
                let (src_port, dst_port) = api! {
                    has(VxlanTunnelV2Dump) => (d.src_port, d.dst_port),
                    _ => (VXLAN_PORT, VXLAN_PORT),
                };
                let tunnel = Vxlan {
                    instance: Some(d.instance),
                    src,
                    dst,
                    src_port,
                    dst_port,
                    multicast_interface: d.mcast_sw_if_index,
                    table: d.encap_vrf_id,
                    decap_next: d.decap_next_index,
                    vni: d.vni,
                    l3: false,
                };
                Ok(TunnelDetails { sw_if_index: d.sw_if_index, tunnel })
            });
            tunnels.collect()
        }
    }

    impl Handler {
        async fn change(&self, t: &Vxlan, add: bool) -> Result<u32> {
            check::same_family("the other end of a VXLAN tunnel", t.dst, t.src)?;
            check::range("VNI", t.vni, 0, 0xff_ffff)?;
            let mut request = api! {
                has(VxlanAddDelTunnelV3) => api::VxlanAddDelTunnelV3 {
                    src_port: t.src_port,
                    dst_port: t.dst_port,
                    is_l3: t.l3,
                    ..Default::default()
                },
                _ => {
                    if (t.src_port, t.dst_port, t.l3) != (VXLAN_PORT, VXLAN_PORT, false) {
                        unsupported!("VXLAN tunnels with ports of their own, nor for IP packets");
                    }
                    api::VxlanAddDelTunnel::default()
                }
            };
            api! {
                is(VxlanAddDelTunnel.src_address, Address) => {
                    request.src_address = Convert::from_product(t.src);
                    request.dst_address = Convert::from_product(t.dst);
                }
                _ => {
                    request.is_ipv6 = t.src.is_ipv6().into();
                    request.src_address = address_bytes(t.src);
                    request.dst_address = address_bytes(t.dst);
                }
            }
            request.is_add = add.into();
            request.instance = t.instance.unwrap_or(ANY);
            request.mcast_sw_if_index = t.multicast_interface;
            request.encap_vrf_id = t.table;
            request.decap_next_index = t.decap_next;
            request.vni = t.vni;
            Ok(self.call(&request).await?.sw_if_index)
        }
    }
}
