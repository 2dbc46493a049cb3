//! The layouts of a VPP's messages, out of its own definitions: from a folder, or as it tells them itself (24.06 and
//! later). They tell what a message table cannot: another layout behind the same CRC.

use std::collections::BTreeMap;
use std::path::Path;

use binapi_core::Message as _;
use binapi_gen::revisions::Corpus;
use binapi_gen::{Api, Release, import};
use binapi_messages::memclnt::v2406::GetApiJson;
use binapi_messages::release::V2406;
use vpp_client::{CallError, Client, Connection, Lookup, MessageTable};

/// Which release definitions are of does not matter: layouts are compared, and nothing is taken over.
const ANY: Release = Release { year: 99, month: 12 };

/// Layouts by message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layouts {
    /// CRC, and what two messages with one layout have in common ([`binapi_index::Message::shape`]).
    messages: BTreeMap<String, (u32, u32)>,
}

/// Why the layouts of a VPP are not known.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// VPP did not tell them.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The definitions cannot be read.
    #[error(transparent)]
    Definitions(#[from] binapi_gen::Error),
    /// The reader did not come to its end.
    #[error("the definitions were not read to their end: {0}")]
    Reader(String),
}

impl Layouts {
    /// From a folder of definitions such as `/usr/share/vpp/api`.
    pub fn from_folder(folder: &Path) -> Result<Self, LayoutError> {
        Self::of(import::survey(folder, ANY)?)
    }

    /// From the answer to `get_api_json`; errors call it `origin`.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, LayoutError> {
        Self::of(import::survey_running(text, origin, ANY)?)
    }

    fn of(api: Api) -> Result<Self, LayoutError> {
        let corpus = Corpus::new(&[api])?;
        let messages = corpus.messages.iter().map(|m| (m.name.clone(), (m.crc, m.shape_hash())));
        Ok(Self { messages: messages.collect() })
    }

    /// Asks a VPP. `None` where it has no `get_api_json`. It answers a large message, and reading that takes a while:
    /// nothing that is urgent should wait for this.
    pub async fn ask(client: &Client, connection: &Connection) -> Result<Option<Self>, LayoutError> {
        if !matches!(connection.table.lookup(GetApiJson::NAME, GetApiJson::CRC), Lookup::Present(_)) {
            return Ok(None);
        }
        let reply = client.bound_to(connection).call::<V2406, _>(&GetApiJson {}).await?;
        let origin = format!("definitions of VPP {}", connection.version);
        let read = move || Self::from_json(&reply.json.to_text(), &origin);
        tokio::task::spawn_blocking(read).await.map_err(|e| LayoutError::Reader(e.to_string()))?.map(Some)
    }

    /// The layout of a message with this CRC, if it was told.
    pub(crate) fn shape(&self, name: &str, crc: u32) -> Option<u32> {
        self.messages.get(name).filter(|(told, _)| *told == crc).map(|(_, shape)| *shape)
    }

    /// The messages as a table; the numbers are made up.
    pub fn table(&self) -> MessageTable {
        let names: Vec<String> =
            self.messages.iter().map(|(name, (crc, _))| format!("{name}_{crc:08x}")).collect();
        MessageTable::from_names(names.iter().map(String::as_str))
    }
}
