//! Interfaces: loopback, TAP, and what all have.

use async_trait::async_trait;
use ipnet::IpNet;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Interface, Mac, Tap, TapDetails};

/// See the module.
#[async_trait]
pub trait InterfaceCalls: Send + Sync {
    /// Makes a loopback; gives its `sw_if_index`. VPP chooses the MAC when there is none.
    async fn add_loopback(&self, mac: Option<Mac>) -> Result<u32>;

    /// Removes a loopback.
    async fn delete_loopback(&self, sw_if_index: u32) -> Result<()>;

    /// Makes a TAP interface; gives its `sw_if_index`.
    async fn add_tap(&self, tap: &Tap) -> Result<u32>;

    /// Removes a TAP interface.
    async fn delete_tap(&self, sw_if_index: u32) -> Result<()>;

    /// All TAP interfaces.
    async fn dump_taps(&self) -> Result<Vec<TapDetails>>;

    /// Sets an interface up or down.
    async fn set_admin(&self, sw_if_index: u32, up: bool) -> Result<()>;

    /// Attaches a text of up to 63 bytes, in place of the one before.
    async fn set_tag(&self, sw_if_index: u32, tag: &str) -> Result<()>;

    /// Sets the MAC.
    async fn set_mac(&self, sw_if_index: u32, mac: Mac) -> Result<()>;

    /// Sets the MTU for packets of all protocols, in bytes.
    async fn set_mtu(&self, sw_if_index: u32, mtu: u32) -> Result<()>;

    /// Adds an address.
    async fn add_address(&self, sw_if_index: u32, address: IpNet) -> Result<()>;

    /// Removes an address.
    async fn delete_address(&self, sw_if_index: u32, address: IpNet) -> Result<()>;

    /// All interfaces with their tags and addresses. An interface that goes while this runs has no addresses.
    async fn dump_interfaces(&self) -> Result<Vec<Interface>>;
}

#[calls(InterfaceCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;
    use futures::future::try_join_all;
    use ipnet::IpNet;

    use crate::InterfaceCalls;
    use crate::error::Result;
    use crate::types::{Interface, Mac, NO_INTERFACE, Tap, TapDetails};
    use crate::wire::{ApiText, Convert, Flag, address_bytes, address_from, network, text};

    /// Ring size where none is asked for; some releases take zero, others do not.
    const RING: u16 = 256;

    /// Any free number.
    const ANY: u32 = u32::MAX;

    #[async_trait]
    impl InterfaceCalls for Handler {
        async fn add_loopback(&self, mac: Option<Mac>) -> Result<u32> {
            let request = api::CreateLoopback { mac_address: mac.unwrap_or_default() };
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn delete_loopback(&self, sw_if_index: u32) -> Result<()> {
            self.call(&api::DeleteLoopback { sw_if_index }).await?;
            Ok(())
        }

        async fn add_tap(&self, tap: &Tap) -> Result<u32> {
            let host_name = tap.host_name.as_deref().unwrap_or_default();
            let ring = |size: u16| if size == 0 { RING } else { size };
            let mut request = api! {
                has(TapCreateV3) => api::TapCreateV3 { num_rx_queues: 1, num_tx_queues: 1, ..Default::default() },
                has(TapCreateV2.num_rx_queues) => api::TapCreateV2 { num_rx_queues: 1, ..Default::default() },
                _ => api::TapCreateV2::default(),
            };
            request.id = tap.id.unwrap_or(ANY);
            request.use_random_mac = tap.mac.is_none().into();
            request.mac_address = tap.mac.unwrap_or_default();
            request.rx_ring_sz = ring(tap.rx_ring);
            request.tx_ring_sz = ring(tap.tx_ring);
            request.host_if_name_set = (!host_name.is_empty()).into();
            request.host_if_name = text("name of the TAP's host interface", host_name)?;
            api! {
                has(TapFlags) => {
                    for (wanted, flag) in
                        [(tap.gso, api::TapFlags::TAP_API_FLAG_GSO), (tap.tun, api::TapFlags::TAP_API_FLAG_TUN)]
                    {
                        if wanted {
                            request.tap_flags = request.tap_flags | flag;
                        }
                    }
                }
                has(TapCreateV2.tap_flags) => {
                    request.tap_flags = tap.gso.into();
                    if tap.tun {
                        unsupported!("TAP interfaces for IP packets");
                    }
                }
                _ => {
                    if tap.gso || tap.tun {
                        unsupported!("segmentation offload of TAP interfaces, nor TAP interfaces for IP packets");
                    }
                }
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
            let details = self.dump(&request).await?;
            Ok(details
                .into_iter()
                .map(|d| TapDetails {
                    sw_if_index: d.sw_if_index,
                    id: d.id,
                    host_name: d.host_if_name.text(),
                    rx_ring: d.rx_ring_sz,
                    tx_ring: d.tx_ring_sz,
                    gso: api! {
                        has(TapFlags) => d.tap_flags.contains(api::TapFlags::TAP_API_FLAG_GSO),
                        has(SwInterfaceTapV2Details.tap_flags) => d.tap_flags & 1 != 0,
                        _ => false,
                    },
                    tun: api! {
                        has(TapFlags) => d.tap_flags.contains(api::TapFlags::TAP_API_FLAG_TUN),
                        _ => false,
                    },
                })
                .collect())
        }

        async fn set_admin(&self, sw_if_index: u32, up: bool) -> Result<()> {
            let request = api! {
                has(SwInterfaceSetFlags.flags) => {
                    let flags = if up { api::IfStatusFlags::IF_STATUS_API_FLAG_ADMIN_UP } else { Default::default() };
                    api::SwInterfaceSetFlags { sw_if_index, flags }
                }
                _ => api::SwInterfaceSetFlags { sw_if_index, admin_up_down: up.into() },
            };
            self.call(&request).await?;
            Ok(())
        }

        async fn set_tag(&self, sw_if_index: u32, tag: &str) -> Result<()> {
            let tag = text("tag", tag)?;
            self.call(&api::SwInterfaceTagAddDel { is_add: true.into(), sw_if_index, tag }).await?;
            Ok(())
        }

        async fn set_mac(&self, sw_if_index: u32, mac: Mac) -> Result<()> {
            self.call(&api::SwInterfaceSetMacAddress { sw_if_index, mac_address: mac }).await?;
            Ok(())
        }

        async fn set_mtu(&self, sw_if_index: u32, mtu: u32) -> Result<()> {
            // The first is for all protocols, the others for IPv4, IPv6 and MPLS, where zero follows the first.
            self.call(&api::SwInterfaceSetMtu { sw_if_index, mtu: [mtu, 0, 0, 0] }).await?;
            Ok(())
        }

        async fn add_address(&self, sw_if_index: u32, address: IpNet) -> Result<()> {
            self.call(&change_address(sw_if_index, address, true)).await?;
            Ok(())
        }

        async fn delete_address(&self, sw_if_index: u32, address: IpNet) -> Result<()> {
            self.call(&change_address(sw_if_index, address, false)).await?;
            Ok(())
        }

        async fn dump_interfaces(&self) -> Result<Vec<Interface>> {
            let request = api! {
                has(SwInterfaceDump.sw_if_index) => {
                    api::SwInterfaceDump { sw_if_index: NO_INTERFACE, ..Default::default() }
                }
                _ => api::SwInterfaceDump::default(),
            };
            let mut interfaces: Vec<Interface> =
                self.dump(&request).await?.into_iter().map(interface).collect();
            // All questions are on their way before the first answer is waited for.
            let mut asked = Vec::with_capacity(interfaces.len() * 2);
            for i in &interfaces {
                for ipv6 in [false, true] {
                    asked.push(self.addresses(i.sw_if_index, ipv6));
                }
            }
            let mut answers = try_join_all(asked).await?.into_iter();
            for i in &mut interfaces {
                for found in answers.by_ref().take(2) {
                    i.addresses.extend(found);
                }
            }
            Ok(interfaces)
        }
    }

    impl Handler {
        async fn addresses(&self, sw_if_index: u32, ipv6: bool) -> Result<Vec<IpNet>> {
            let request = api::IpAddressDump { sw_if_index, is_ipv6: ipv6.into() };
            let details = self.dump(&request).await?;
            let address = |d: api::IpAddressDetails| {
                api! {
                    has(IpAddressDetails.prefix) => d.prefix.to_product(),
                    _ => network(address_from(d.is_ipv6.on(), d.ip), d.prefix_length),
                }
            };
            details.into_iter().map(address).collect()
        }
    }

    fn change_address(sw_if_index: u32, address: IpNet, add: bool) -> api::SwInterfaceAddDelAddress {
        api! {
            has(SwInterfaceAddDelAddress.prefix) => api::SwInterfaceAddDelAddress {
                sw_if_index,
                is_add: add,
                del_all: false,
                prefix: Convert::from_product(address),
            },
            _ => api::SwInterfaceAddDelAddress {
                sw_if_index,
                is_add: add.into(),
                is_ipv6: address.addr().is_ipv6().into(),
                del_all: 0,
                address_length: address.prefix_len(),
                address: address_bytes(address.addr()),
            },
        }
    }

    fn interface(d: api::SwInterfaceDetails) -> Interface {
        let [mtu, ..] = d.mtu;
        Interface {
            sw_if_index: d.sw_if_index,
            sup_sw_if_index: d.sup_sw_if_index,
            internal_name: d.interface_name.text(),
            device: api! {
                has(SwInterfaceDetails.interface_dev_type) => d.interface_dev_type.text(),
                _ => String::new(),
            },
            tag: d.tag.text(),
            admin_up: api! {
                has(SwInterfaceDetails.flags) => {
                    d.flags.contains(api::IfStatusFlags::IF_STATUS_API_FLAG_ADMIN_UP)
                }
                _ => d.admin_up_down.on(),
            },
            link_up: api! {
                has(SwInterfaceDetails.flags) => {
                    d.flags.contains(api::IfStatusFlags::IF_STATUS_API_FLAG_LINK_UP)
                }
                _ => d.link_up_down.on(),
            },
            mac: api! {
                is(SwInterfaceDetails.l2_address, MacAddress) => d.l2_address,
                _ => {
                    let [a, b, c, d, e, f, ..] = d.l2_address;
                    [a, b, c, d, e, f]
                }
            },
            link_mtu: d.link_mtu,
            mtu,
            addresses: Vec::new(),
        }
    }
}
