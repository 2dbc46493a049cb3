//! Interfaces on top of those of Linux.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{AfPacket, AfPacketDetails};

/// See the module.
#[async_trait]
pub trait AfPacketCalls: Send + Sync {
    /// Makes an interface on top of one of Linux; gives its `sw_if_index`. VPP refuses (`IF_ALREADY_EXISTS`) where
    /// there is one.
    async fn add_af_packet(&self, interface: &AfPacket) -> Result<u32>;

    /// Removes an interface, by Linux's name.
    async fn delete_af_packet(&self, host_name: &str) -> Result<()>;

    /// All of them. VPP tells the names.
    async fn dump_af_packets(&self) -> Result<Vec<AfPacketDetails>>;
}

#[calls(AfPacketCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::AfPacketCalls;
    use crate::error::Result;
    use crate::types::{AfPacket, AfPacketDetails};
    use crate::wire::{ApiText, text};

    const NAME: &str = "name of the host interface";

    #[async_trait]
    impl AfPacketCalls for Handler {
        async fn add_af_packet(&self, interface: &AfPacket) -> Result<u32> {
            let i = interface;
            let mut request = api! {
                has(AfPacketCreateV3) => api::AfPacketCreateV3 {
                    mode: if i.ip {
                        api::AfPacketMode::AF_PACKET_API_MODE_IP
                    } else {
                        api::AfPacketMode::AF_PACKET_API_MODE_ETHERNET
                    },
                    num_tx_queues: i.tx_queues.max(1),
                    ..Default::default()
                },
                has(AfPacketCreateV2) => api::AfPacketCreateV2::default(),
                _ => api::AfPacketCreate::default(),
            };
            request.use_random_hw_addr = i.mac.is_none().into();
            request.hw_addr = i.mac.unwrap_or_default();
            request.host_if_name = text(NAME, &i.host_name)?;
            api! {
                has(AfPacketCreateV3) => {}
                _ => {
                    if i.ip || i.tx_queues > 1 || i.gso {
                        unsupported!("AF_PACKET interfaces for IP, with several transmit queues or offload");
                    }
                }
            }
            api! {
                has(AfPacketCreateV2) => {
                    request.rx_frame_size = i.rx_frame_size;
                    request.tx_frame_size = i.tx_frame_size;
                    request.rx_frames_per_block = i.rx_frames_per_block;
                    request.tx_frames_per_block = i.tx_frames_per_block;
                    request.num_rx_queues = i.rx_queues.max(1);
                    // Numbers in the one message, names for them in the other.
                    let flags = u32::from(i.qdisc_bypass) | u32::from(i.gso) << 1;
                    request.flags = api! {
                        has(AfPacketFlags) => api::AfPacketFlags(flags),
                        _ => flags,
                    };
                }
                _ => {
                    let frames = [i.rx_frame_size, i.tx_frame_size, i.rx_frames_per_block, i.tx_frames_per_block];
                    if frames != [0; 4] || i.rx_queues > 1 || i.qdisc_bypass {
                        unsupported!("frames, queues and flags of AF_PACKET interfaces");
                    }
                }
            }
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn delete_af_packet(&self, host_name: &str) -> Result<()> {
            self.call(&api::AfPacketDelete { host_if_name: text(NAME, host_name)? }).await?;
            Ok(())
        }

        async fn dump_af_packets(&self) -> Result<Vec<AfPacketDetails>> {
            let details = self.dump(&api::AfPacketDump {}).await?.into_iter();
            Ok(details
                .map(|d| AfPacketDetails { sw_if_index: d.sw_if_index, host_name: d.host_if_name.text() })
                .collect())
        }
    }
}
