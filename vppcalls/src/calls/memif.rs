//! Memifs and their sockets.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Memif, MemifDetails, MemifSocket};

/// See the module. 18.10 carries these out without an answer: there a dump tells what came of them, and an error
/// ([`Unanswered`](crate::Error::Unanswered)) cannot tell why.
#[async_trait]
pub trait MemifCalls: Send + Sync {
    /// Makes a socket known under a number other than 0. VPP refuses (`ENTRY_ALREADY_EXISTS`) a number that is taken.
    async fn add_memif_socket(&self, socket: &MemifSocket) -> Result<()>;

    /// Forgets a socket. VPP refuses while it has memifs.
    async fn delete_memif_socket(&self, id: u32) -> Result<()>;

    /// All sockets, VPP's own included.
    async fn dump_memif_sockets(&self) -> Result<Vec<MemifSocket>>;

    /// Makes a memif; gives its `sw_if_index`. VPP refuses a socket that it does not know, and a number that the
    /// socket has already.
    async fn add_memif(&self, memif: &Memif) -> Result<u32>;

    /// Removes a memif.
    async fn delete_memif(&self, sw_if_index: u32) -> Result<()>;

    /// All memifs.
    async fn dump_memifs(&self) -> Result<Vec<MemifDetails>>;
}

#[calls(MemifCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::MemifCalls;
    use crate::error::Result;
    use crate::types::{Memif, MemifDetails, MemifMode, MemifSocket};
    use crate::wire::{ApiText, Flag, text};

    const PATH: &str = "path of the memif socket";

    #[async_trait]
    impl MemifCalls for Handler {
        async fn add_memif_socket(&self, socket: &MemifSocket) -> Result<()> {
            // The second form takes longer paths, which neither Linux nor the dump has.
            let mut request = api! {
                has(MemifSocketFilenameAddDelV2) => {
                    crate::check::length(PATH, &socket.path, 107)?;
                    api::MemifSocketFilenameAddDelV2::default()
                }
                _ => api::MemifSocketFilenameAddDel::default(),
            };
            request.is_add = true.into();
            request.socket_id = socket.id;
            request.socket_filename = text(PATH, &socket.path)?;
            if self.call_if_answered(&request).await?.is_some() {
                return Ok(());
            }
            // A path that does not begin at the root is completed.
            let same = |s: &MemifSocket| s.id == socket.id && s.path.ends_with(&socket.path);
            let there = self.dump_memif_sockets().await?.iter().any(same);
            self.shown(&request, there.then_some(()))
        }

        async fn delete_memif_socket(&self, id: u32) -> Result<()> {
            let request = api! {
                has(MemifSocketFilenameAddDelV2) => {
                    api::MemifSocketFilenameAddDelV2 { socket_id: id, ..Default::default() }
                }
                _ => api::MemifSocketFilenameAddDel { socket_id: id, ..Default::default() },
            };
            if self.call_if_answered(&request).await?.is_some() {
                return Ok(());
            }
            let gone = self.dump_memif_sockets().await?.iter().all(|s| s.id != id);
            self.shown(&request, gone.then_some(()))
        }

        async fn dump_memif_sockets(&self) -> Result<Vec<MemifSocket>> {
            let details = self.dump(&api::MemifSocketFilenameDump {}).await?.into_iter();
            Ok(details.map(|d| MemifSocket { id: d.socket_id, path: d.socket_filename.text() }).collect())
        }

        async fn add_memif(&self, memif: &Memif) -> Result<u32> {
            let mut request = api! {
                has(MemifCreateV2) => api::MemifCreateV2 { use_dma: memif.dma, ..Default::default() },
                _ => api::MemifCreate::default(),
            };
            let (role, mode) = (u8::from(!memif.master), mode_number(memif.mode));
            // VPPs of 18.10 to 26.06 die of another one: they delete what they have not made (`memif_create_if`).
            crate::check::range("mode of the memif", mode, 0, 1)?;
            api! {
                has(MemifRole) => {
                    (request.role, request.mode) = (api::MemifRole(role.into()), api::MemifMode(mode));
                }
                _ => {
                    // What does not fit one byte is none of VPP's numbers.
                    (request.role, request.mode) = (role, u8::try_from(mode).unwrap_or(u8::MAX));
                }
            }
            request.id = memif.id;
            request.socket_id = memif.socket_id;
            request.secret = text("secret of the memif", memif.secret.as_deref().unwrap_or_default())?;
            request.ring_size = memif.ring_size;
            request.buffer_size = memif.buffer_size;
            request.rx_queues = memif.rx_queues;
            request.tx_queues = memif.tx_queues;
            request.hw_addr = memif.mac.unwrap_or_default();
            api! {
                has(MemifCreateV2) => {}
                _ => {
                    if memif.dma {
                        unsupported!("memifs that copy by DMA");
                    }
                }
            }
            api! {
                has(MemifCreate.no_zero_copy) => request.no_zero_copy = memif.no_zero_copy,
                _ => {
                    if memif.no_zero_copy {
                        unsupported!("memifs that always copy");
                    }
                }
            }
            api! {
                has(MemifCreate.no_zero_copy) => Ok(self.call(&request).await?.sw_if_index),
                _ => {
                    // It may not be answered. One that was there before is not what was made.
                    let same = |m: &MemifDetails| (m.socket_id, m.id) == (memif.socket_id, memif.id);
                    let taken = self.dump_memifs().await?.iter().any(same);
                    if let Some(reply) = self.call_if_answered(&request).await? {
                        return Ok(reply.sw_if_index);
                    }
                    let all = self.dump_memifs().await?;
                    let made = all.iter().find(|m| same(m)).filter(|_| !taken);
                    self.shown(&request, made.map(|m| m.sw_if_index))
                }
            }
        }

        async fn delete_memif(&self, sw_if_index: u32) -> Result<()> {
            let request = api::MemifDelete { sw_if_index };
            if self.call_if_answered(&request).await?.is_some() {
                return Ok(());
            }
            let gone = self.dump_memifs().await?.iter().all(|m| m.sw_if_index != sw_if_index);
            self.shown(&request, gone.then_some(()))
        }

        async fn dump_memifs(&self) -> Result<Vec<MemifDetails>> {
            let details = self.dump(&api::MemifDump {}).await?.into_iter();
            Ok(details
                .map(|d| {
                    let (role, number) = api! {
                        has(MemifRole) => (d.role.0, d.mode.0),
                        _ => (u32::from(d.role), u32::from(d.mode)),
                    };
                    MemifDetails {
                        sw_if_index: d.sw_if_index,
                        master: role == 0,
                        mode: mode(number),
                        id: d.id,
                        socket_id: d.socket_id,
                        ring_size: d.ring_size,
                        buffer_size: d.buffer_size,
                        mac: d.hw_addr,
                        zero_copy: api! {
                            has(MemifDetails.zero_copy) => d.zero_copy.on(),
                            _ => false,
                        },
                    }
                })
                .collect())
        }
    }

    /// `memif_mode`; the numbers were the same before they had names.
    fn mode_number(mode: MemifMode) -> u32 {
        match mode {
            MemifMode::Ethernet => 0,
            MemifMode::Ip => 1,
            MemifMode::PuntInject => 2,
            MemifMode::Other(n) => n,
        }
    }

    fn mode(number: u32) -> MemifMode {
        match number {
            0 => MemifMode::Ethernet,
            1 => MemifMode::Ip,
            2 => MemifMode::PuntInject,
            n => MemifMode::Other(n),
        }
    }
}
