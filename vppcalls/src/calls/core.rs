//! VPP itself.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::Version;

/// See the module.
#[async_trait]
pub trait CoreCalls: Send + Sync {
    /// What VPP tells of itself.
    async fn version(&self) -> Result<Version>;

    /// Asks for a sign of life; gives VPP's process id.
    async fn ping(&self) -> Result<u32>;

    /// Runs a command of VPP's command line and gives what it prints, also what it prints about a mistake. For
    /// people: nothing is to be read out of it where a message tells it, and never what can grow without end.
    async fn cli(&self, command: &str) -> Result<String>;
}

#[calls(CoreCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::CoreCalls;
    use crate::error::Result;
    use crate::types::Version;
    use crate::wire::ApiText;

    #[async_trait]
    impl CoreCalls for Handler {
        async fn version(&self) -> Result<Version> {
            let reply = self.call(&api::ShowVersion {}).await?;
            Ok(Version {
                program: reply.program.text(),
                version: reply.version.text(),
                build_date: reply.build_date.text(),
            })
        }

        async fn ping(&self) -> Result<u32> {
            Ok(self.call(&api::ControlPing {}).await?.vpe_pid)
        }

        async fn cli(&self, command: &str) -> Result<String> {
            let cmd = api! {
                is(CliInband.cmd, string) => command.into(),
                _ => command.as_bytes().to_vec(),
            };
            // A command that VPP does not know is refused with the explanation in the reply.
            let reply = self.call_unchecked(&api::CliInband { cmd }).await?;
            Ok(api! {
                is(CliInbandReply.reply, string) => reply.reply.text(),
                _ => String::from_utf8_lossy(&reply.reply).trim_end_matches('\0').to_string(),
            })
        }
    }
}
