//! How and where packets of an interface come in.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{RxMode, RxPlacement, RxThread};

/// See the module.
#[async_trait]
pub trait RxCalls: Send + Sync {
    /// Sets how packets of a queue, or of all, are fetched.
    async fn set_rx_mode(&self, sw_if_index: u32, queue: Option<u32>, mode: RxMode) -> Result<()>;

    /// Sets the thread that packets of a queue come to.
    async fn set_rx_placement(&self, sw_if_index: u32, queue: u32, thread: RxThread) -> Result<()>;

    /// All queues of all interfaces that have any.
    async fn dump_rx_placements(&self) -> Result<Vec<RxPlacement>>;
}

#[calls(RxCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::RxCalls;
    use crate::error::Result;
    use crate::types::{NO_INTERFACE, RxMode, RxPlacement, RxThread};

    #[async_trait]
    impl RxCalls for Handler {
        async fn set_rx_mode(&self, sw_if_index: u32, queue: Option<u32>, mode: RxMode) -> Result<()> {
            let number = mode_number(mode);
            let request = api::SwInterfaceSetRxMode {
                sw_if_index,
                queue_id_valid: queue.is_some().into(),
                queue_id: queue.unwrap_or_default(),
                mode: api! {
                    has(RxMode) => api::RxMode(number),
                    // What does not fit one byte is none of VPP's numbers.
                    _ => u8::try_from(number).unwrap_or(u8::MAX),
                },
            };
            self.call(&request).await?;
            Ok(())
        }

        async fn set_rx_placement(&self, sw_if_index: u32, queue: u32, thread: RxThread) -> Result<()> {
            let (worker_id, main) = match thread {
                RxThread::Main => (0, true),
                RxThread::Worker(worker) => (worker, false),
            };
            let request = api::SwInterfaceSetRxPlacement {
                sw_if_index,
                queue_id: queue,
                worker_id,
                is_main: main.into(),
            };
            self.call(&request).await?;
            Ok(())
        }

        async fn dump_rx_placements(&self) -> Result<Vec<RxPlacement>> {
            let details = self.dump(&api::SwInterfaceRxPlacementDump { sw_if_index: NO_INTERFACE }).await?;
            let placements = details.into_iter().map(|d| RxPlacement {
                sw_if_index: d.sw_if_index,
                queue: d.queue_id,
                // The number of the thread here, and that of the worker where it is set (`interface_api.c`).
                thread: d.worker_id.checked_sub(1).map_or(RxThread::Main, RxThread::Worker),
                mode: mode(api! {
                    has(RxMode) => d.mode.0,
                    _ => d.mode.into(),
                }),
            });
            Ok(placements.collect())
        }
    }

    /// `rx_mode`; the numbers were the same before they had names.
    fn mode_number(mode: RxMode) -> u32 {
        match mode {
            RxMode::Unknown => 0,
            RxMode::Polling => 1,
            RxMode::Interrupt => 2,
            RxMode::Adaptive => 3,
            RxMode::Default => 4,
            RxMode::Other(n) => n,
        }
    }

    fn mode(number: u32) -> RxMode {
        match number {
            0 => RxMode::Unknown,
            1 => RxMode::Polling,
            2 => RxMode::Interrupt,
            3 => RxMode::Adaptive,
            4 => RxMode::Default,
            n => RxMode::Other(n),
        }
    }
}
