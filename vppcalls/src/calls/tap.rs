//! TAP interfaces.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Tap, TapDetails};

/// See the module.
#[async_trait]
pub trait TapCalls: Send + Sync {
    /// Makes a TAP interface; gives its `sw_if_index`.
    async fn add_tap(&self, tap: &Tap) -> Result<u32>;

    /// Removes a TAP interface.
    async fn delete_tap(&self, sw_if_index: u32) -> Result<()>;

    /// All TAP interfaces.
    async fn dump_taps(&self) -> Result<Vec<TapDetails>>;
}

#[calls(TapCalls)]
pub(crate) mod handlers {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use async_trait::async_trait;
    use ipnet::{Ipv4Net, Ipv6Net};

    use crate::TapCalls;
    use crate::check;
    use crate::error::{Error, Result};
    use crate::types::{NO_INTERFACE, Tap, TapDetails};
    use crate::wire::{ApiText, Flag, text};

    /// Ring size where none is asked for; some releases take zero, others do not.
    const RING: u16 = 256;

    /// Any free number.
    const ANY: u32 = u32::MAX;

    /// Linux's own limit (`IFNAMSIZ`), and that of 802.3 with jumbo frames.
    const NAME: usize = 15;
    const MTU: u32 = 65_535;

    #[async_trait]
    impl TapCalls for Handler {
        async fn add_tap(&self, tap: &Tap) -> Result<u32> {
            let ring = |size: u16| if size == 0 { RING } else { size };
            let mut request = api! {
                has(TapCreateV3) => api::TapCreateV3 {
                    num_rx_queues: tap.rx_queues.max(1),
                    num_tx_queues: tap.tx_queues.max(1),
                    ..Default::default()
                },
                has(TapCreateV2.num_rx_queues) => {
                    check::range("receive queues of the TAP", tap.rx_queues.into(), 0, 255)?;
                    api::TapCreateV2 {
                        num_rx_queues: u8::try_from(tap.rx_queues).unwrap_or_default().max(1),
                        ..Default::default()
                    }
                }
                _ => api::TapCreateV2::default(),
            };
            api! {
                has(TapCreateV3) => {}
                has(TapCreateV2.num_rx_queues) => {
                    if tap.tx_queues > 1 {
                        unsupported!("TAP interfaces with several transmit queues");
                    }
                }
                _ => {
                    if tap.rx_queues > 1 || tap.tx_queues > 1 {
                        unsupported!("TAP interfaces with several queues");
                    }
                }
            }
            request.id = tap.id.unwrap_or(ANY);
            request.use_random_mac = tap.mac.is_none().into();
            request.mac_address = tap.mac.unwrap_or_default();
            request.rx_ring_sz = ring(tap.rx_ring);
            request.tx_ring_sz = ring(tap.tx_ring);

            let host_name = tap.host_name.as_deref().unwrap_or_default();
            check::length("name of the TAP's host interface", host_name, NAME)?;
            request.host_if_name_set = (!host_name.is_empty()).into();
            request.host_if_name = text("name of the TAP's host interface", host_name)?;
            let namespace = tap.host_namespace.as_deref().unwrap_or_default();
            request.host_namespace_set = (!namespace.is_empty()).into();
            request.host_namespace = text("network namespace of the TAP", namespace)?;
            let bridge = tap.host_bridge.as_deref().unwrap_or_default();
            request.host_bridge_set = (!bridge.is_empty()).into();
            request.host_bridge = text("Linux bridge of the TAP", bridge)?;
            request.host_mac_addr_set = tap.host_mac.is_some().into();
            request.host_mac_addr = tap.host_mac.unwrap_or_default();
            request.host_ip4_gw_set = tap.host_gateway4.is_some().into();
            request.host_ip4_gw = tap.host_gateway4.map(|a| a.octets()).unwrap_or_default();
            request.host_ip6_gw_set = tap.host_gateway6.is_some().into();
            request.host_ip6_gw = tap.host_gateway6.map(|a| a.octets()).unwrap_or_default();

            let (ip4, ip6) = (tap.host_ip4.unwrap_or_default(), tap.host_ip6.unwrap_or_default());
            api! {
                has(TapCreateV2.host_ip4_prefix) => {
                    request.host_ip4_prefix_set = tap.host_ip4.is_some();
                    request.host_ip4_prefix.address = ip4.addr().octets();
                    request.host_ip4_prefix.len = ip4.prefix_len();
                    request.host_ip6_prefix_set = tap.host_ip6.is_some();
                    request.host_ip6_prefix.address = ip6.addr().octets();
                    request.host_ip6_prefix.len = ip6.prefix_len();
                }
                _ => {
                    request.host_ip4_addr_set = tap.host_ip4.is_some().into();
                    request.host_ip4_addr = ip4.addr().octets();
                    request.host_ip4_prefix_len = ip4.prefix_len();
                    request.host_ip6_addr_set = tap.host_ip6.is_some().into();
                    request.host_ip6_addr = ip6.addr().octets();
                    request.host_ip6_prefix_len = ip6.prefix_len();
                }
            }

            if let Some(mtu) = tap.host_mtu {
                check::range("MTU of the TAP's host interface", mtu, 1, MTU)?;
            }
            api! {
                has(TapCreateV2.host_mtu_set) => {
                    request.host_mtu_set = tap.host_mtu.is_some().into();
                    request.host_mtu_size = tap.host_mtu.unwrap_or_default();
                }
                _ => {
                    if tap.host_mtu.is_some() {
                        unsupported!("MTU of the host interface of TAP interfaces");
                    }
                }
            }

            // Bits from the lowest on.
            let flags = [tap.gso, tap.checksum_offload, tap.persist, tap.attach, tap.tun, tap.coalesce];
            let bits = flags.iter().rev().fold(0, |bits, on| bits << 1 | u32::from(*on));
            api! {
                // 20.01 has the first two, keeps the others, tells them back, and does nothing about them (`tap.c`).
                // No definition shows that: the flags that 20.05 made work came together with modes of tunnels.
                has(TapFlags) && has(TunnelMode) => {}
                has(TapFlags) => {
                    if bits > 3 {
                        unsupported!("TAP interfaces for IP packets, nor ones that persist or are attached to");
                    }
                }
                has(TapCreateV2.tap_flags) => {
                    if bits > 1 {
                        unsupported!("flags of TAP interfaces other than segmentation offload");
                    }
                }
                _ => {
                    if bits > 0 {
                        unsupported!("flags of TAP interfaces");
                    }
                }
            }
            api! {
                has(TapFlags) => request.tap_flags = api::TapFlags(bits),
                has(TapCreateV2.tap_flags) => request.tap_flags = bits,
                _ => {}
            }
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn delete_tap(&self, sw_if_index: u32) -> Result<()> {
            self.call(&api::TapDeleteV2 { sw_if_index }).await?;
            Ok(())
        }

        async fn dump_taps(&self) -> Result<Vec<TapDetails>> {
            let request = api! {
                has(SwInterfaceTapV2Dump.sw_if_index) => api::SwInterfaceTapV2Dump { sw_if_index: NO_INTERFACE },
                _ => api::SwInterfaceTapV2Dump {},
            };
            self.dump(&request).await?.into_iter().map(details).collect()
        }
    }

    fn details(d: api::SwInterfaceTapV2Details) -> Result<TapDetails> {
        let (ip4, ip6) = api! {
            has(SwInterfaceTapV2Details.host_ip4_prefix) => (
                (d.host_ip4_prefix.address, d.host_ip4_prefix.len),
                (d.host_ip6_prefix.address, d.host_ip6_prefix.len),
            ),
            _ => ((d.host_ip4_addr, d.host_ip4_prefix_len), (d.host_ip6_addr, d.host_ip6_prefix_len)),
        };
        let bits = api! {
            has(TapFlags) => d.tap_flags.0,
            has(SwInterfaceTapV2Details.tap_flags) => d.tap_flags,
            _ => 0,
        };
        let flag = |n: u32| bits >> n & 1 != 0;
        Ok(TapDetails {
            sw_if_index: d.sw_if_index,
            id: d.id,
            host_name: d.host_if_name.text(),
            host_namespace: d.host_namespace.text(),
            host_mac: d.host_mac_addr,
            host_bridge: d.host_bridge.text(),
            host_mtu: api! {
                has(SwInterfaceTapV2Details.host_mtu_size) => d.host_mtu_size,
                _ => 0,
            },
            host_ip4: prefix4(ip4.0.into(), ip4.1)?,
            host_ip6: prefix6(ip6.0.into(), ip6.1)?,
            rx_ring: d.rx_ring_sz,
            tx_ring: d.tx_ring_sz,
            gso: flag(0),
            checksum_offload: flag(1),
            persist: flag(2),
            attach: flag(3),
            tun: flag(4),
            coalesce: flag(5),
        })
    }

    /// None where nothing was asked for: all zero, with whatever length.
    fn prefix4(address: Ipv4Addr, length: u8) -> Result<Option<Ipv4Net>> {
        let nonsense = |_| Error::Nonsense { what: "a prefix", found: format!("{address}/{length}") };
        (!address.is_unspecified()).then(|| Ipv4Net::new(address, length).map_err(nonsense)).transpose()
    }

    fn prefix6(address: Ipv6Addr, length: u8) -> Result<Option<Ipv6Net>> {
        let nonsense = |_| Error::Nonsense { what: "a prefix", found: format!("{address}/{length}") };
        (!address.is_unspecified()).then(|| Ipv6Net::new(address, length).map_err(nonsense)).transpose()
    }
}
