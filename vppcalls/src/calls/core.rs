//! VPP itself.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{Plugin, Thread, Version};

/// See the module. VPP's process id is that of [`ping`](Self::ping), and of the connection.
#[async_trait]
pub trait CoreCalls: Send + Sync {
    /// What VPP tells of itself.
    async fn version(&self) -> Result<Version>;

    /// Asks for a sign of life; gives VPP's process id.
    async fn ping(&self) -> Result<u32>;

    /// All threads; the main thread comes first. A VPP without workers may tell none.
    async fn threads(&self) -> Result<Vec<Thread>>;

    /// The plugins that are loaded, in order. No release has a message for them: those that have messages are known by
    /// these, which came with the connection. Where that shows none, VPP's command line is asked (`show plugins`), and
    /// the result says so.
    async fn plugins(&self) -> Result<Vec<Plugin>>;

    /// Runs a command of VPP's command line and gives what it prints, also what it prints about a mistake. For
    /// people: nothing is to be read out of it where a message tells it, and never what can grow without end.
    async fn cli(&self, command: &str) -> Result<String>;
}

#[calls(CoreCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::CoreCalls;
    use crate::error::Result;
    use crate::types::{Plugin, PluginSource, Thread, Version};
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

        async fn threads(&self) -> Result<Vec<Thread>> {
            let reply = self.call(&api::ShowThreads {}).await?;
            let thread = |t: api::ThreadData| Thread {
                id: t.id,
                name: t.name.text(),
                kind: t.r#type.text(),
                pid: t.pid,
                cpu_id: t.cpu_id,
                core: t.core,
                cpu_socket: t.cpu_socket,
            };
            Ok(reply.thread_data.into_iter().map(thread).collect())
        }

        async fn plugins(&self) -> Result<Vec<Plugin>> {
            let known = self.known_plugins();
            if !known.is_empty() {
                let plugin = |name: String| Plugin { name, source: PluginSource::Messages };
                return Ok(known.into_iter().map(plugin).collect());
            }
            let listing = self.cli("show plugins").await?;
            let mut names: Vec<Plugin> = crate::wire::listed_plugins(&listing)
                .map(|name| Plugin { name: name.to_string(), source: PluginSource::CommandLine })
                .collect();
            names.sort();
            Ok(names)
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
