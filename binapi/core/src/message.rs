//! What a message is, and what answers it.

use std::fmt::Debug;

use bytes::{BufMut, BytesMut};

use crate::codec::{Reader, Writer};
use crate::error::{DecodeError, EncodeError};

/// The fields between a message's id and its own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    /// None.
    None,
    /// Replies and details: the context at offset 2.
    Context,
    /// Events: the client's handle at offset 2.
    ClientIndex,
    /// Requests, and a few replies: the handle at offset 2, the context at offset 6.
    ClientIndexContext,
}

impl HeaderKind {
    /// Bytes of the id and these fields.
    pub const fn size(self) -> usize {
        match self {
            Self::None => 2,
            Self::Context | Self::ClientIndex => 6,
            Self::ClientIndexContext => 10,
        }
    }

    /// Where the context is, counted from the id.
    pub const fn context_offset(self) -> Option<usize> {
        match self {
            Self::Context => Some(2),
            Self::ClientIndexContext => Some(6),
            Self::None | Self::ClientIndex => None,
        }
    }

    /// Where the client's handle is, counted from the id.
    pub const fn client_index_offset(self) -> Option<usize> {
        match self {
            Self::ClientIndex | Self::ClientIndexContext => Some(2),
            Self::None | Self::Context => None,
        }
    }
}

/// The values of these fields; what a message does not have stays zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The handle that VPP gave to this client.
    pub client_index: u32,
    /// The number by which an answer finds its request.
    pub context: u32,
}

/// A message of the binary API. `client_index` and `context` are not among its fields: see [`Header`].
pub trait Message: Debug + Clone + Default + PartialEq + Send + Sync + 'static {
    /// VPP's name for it.
    const NAME: &'static str;
    /// Its CRC; with the name it is what VPP's message table has.
    const CRC: u32;
    /// The fields before its own.
    const HEADER: HeaderKind;
    /// Where its `retval` is, counted from the id: four bytes, signed. `None` when it has none.
    const RETVAL: Option<usize> = None;

    /// Appends its own fields.
    fn encode_fields(&self, w: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Reads its own fields.
    fn decode_fields(r: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Its `retval`, below zero when VPP refused; `None` when it has none.
    fn retval(&self) -> Option<i32> {
        None
    }
}

/// A message with its id and header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame<M> {
    /// The number that this VPP has for the message.
    pub id: u16,
    /// Handle and context.
    pub header: Header,
    /// The message.
    pub message: M,
}

impl<M: Message> Frame<M> {
    /// Appends the message: id, header, fields.
    pub fn encode(&self, buffer: &mut BytesMut) -> Result<(), EncodeError> {
        encode(self.id, self.header, &self.message, buffer)
    }

    /// Reads a message from its id to its end. Bytes after the last field are left alone: newer releases may add
    /// fields there.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_prefix(bytes).map(|(frame, _)| frame)
    }

    /// The same, and how many bytes are behind the last field.
    pub fn decode_prefix(bytes: &[u8]) -> Result<(Self, usize), DecodeError> {
        let mut r = Reader::new(bytes, 0, M::NAME);
        let id = r.get("_vl_msg_id")?;
        let mut header = Header::default();
        if matches!(M::HEADER, HeaderKind::ClientIndex | HeaderKind::ClientIndexContext) {
            header.client_index = r.get("client_index")?;
        }
        if matches!(M::HEADER, HeaderKind::Context | HeaderKind::ClientIndexContext) {
            header.context = r.get("context")?;
        }
        let message = M::decode_fields(&mut r)?;
        Ok((Self { id, header, message }, r.left()))
    }
}

/// Appends a message: id, header, fields. On an error nothing is appended.
pub fn encode<M: Message>(
    id: u16,
    header: Header,
    message: &M,
    buffer: &mut BytesMut,
) -> Result<(), EncodeError> {
    let start = buffer.len();
    buffer.put_u16(id);
    if matches!(M::HEADER, HeaderKind::ClientIndex | HeaderKind::ClientIndexContext) {
        buffer.put_u32(header.client_index);
    }
    if matches!(M::HEADER, HeaderKind::Context | HeaderKind::ClientIndexContext) {
        buffer.put_u32(header.context);
    }
    let encoded = message.encode_fields(&mut Writer::new(buffer, M::NAME));
    if encoded.is_err() {
        buffer.truncate(start);
    }
    encoded
}

/// A request with one reply. `V` is the release: the same request may be answered by another revision there.
pub trait Request<V>: Message {
    /// What VPP answers.
    type Reply: Message;
}

/// A request for any number of details, whose end VPP does not mark: a `control_ping` behind it does.
pub trait Dump<V>: Message {
    /// One of them.
    type Details: Message;
}

/// A request for any number of details that one reply ends.
pub trait Stream<V>: Message {
    /// One of the details.
    type Details: Message;
    /// What comes after the last one.
    type Reply: Message;
}

/// A request that subscribes to events.
pub trait Subscribe<V>: Request<V> {
    /// The event.
    type Event: Message;
}

/// A message that VPP does not answer.
pub trait Oneway<V>: Message {}
