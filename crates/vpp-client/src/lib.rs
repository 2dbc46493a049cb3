//! Asynchronous client of the VPP binary API over its unix socket.
//!
//! One task owns the socket. Callers hand it encoded requests and wait for the answer; many are in flight at a
//! time, matched by the context that each carries. The same task connects, says goodbye, and connects again for
//! ever; [`Client::state`] tells how it stands.
//!
//! What VPP counts is not asked for but read from memory that it shares: [`stats`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use binapi_messages::vpe::v1810::ControlPing;
//! use vpp_client::{Client, Config};
//!
//! let client = Client::start(Config::new("/run/vpp/api.sock"));
//! let connected = client.connected().await?;
//! println!("VPP {} with {} messages", connected.version, connected.table.len());
//! let pong = client.call::<(), _>(&ControlPing {}).await?;
//! println!("pid {}", pong.vpe_pid);
//! client.close().await;
//! # Ok(())
//! # }
//! ```

mod backoff;
mod client;
mod config;
mod counters;
mod details;
mod driver;
mod error;
mod events;
mod frame;
mod handshake;
mod record;
pub mod retval;
mod slots;
mod socket;
mod state;
pub mod stats;
mod table;

pub use client::Client;
pub use config::{Config, DEFAULT_PATHS};
pub use counters::Odd;
pub use details::Details;
pub use error::{CallError, ConnectError};
pub use events::Events;
pub use record::{Direction, Record};
pub use socket::SocketKind;
pub use state::{Connection, State};
pub use table::{Lookup, MessageTable};
