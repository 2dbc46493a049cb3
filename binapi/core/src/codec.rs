//! Reading and writing values.

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, DecodeFault, EncodeError};

/// Appends values to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut BytesMut,
    message: &'static str,
}

impl<'a> Writer<'a> {
    /// Writes the message of that name.
    pub fn new(buffer: &'a mut BytesMut, message: &'static str) -> Self {
        Self { buffer, message }
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.put_slice(bytes);
    }

    /// The number of elements of an array for its counting field, if that is wide enough.
    pub fn count<C: TryFrom<usize>>(
        &self,
        len: usize,
        field: &'static str,
        max: usize,
    ) -> Result<C, EncodeError> {
        C::try_from(len).map_err(|_| EncodeError { message: self.message, field, len, max })
    }

    /// Checks that an array has as many elements as another one that shares its counting field.
    pub fn same(&self, len: usize, other: usize, field: &'static str) -> Result<(), EncodeError> {
        if len == other { Ok(()) } else { Err(EncodeError { message: self.message, field, len, max: other }) }
    }

    /// Appends the elements of an array.
    pub fn all<T: Wire>(&mut self, items: &[T]) -> Result<(), EncodeError> {
        T::encode_all(items, self)
    }
}

/// Takes values from the bytes of a message.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    message: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads the message of that name; `offset` is where `bytes` begin in it.
    pub fn new(bytes: &'a [u8], offset: usize, message: &'static str) -> Self {
        Self { rest: bytes, offset, message }
    }

    /// The next value.
    #[inline]
    pub fn get<T: Wire>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        T::decode(self, field)
    }

    /// `count` values. Nothing is allocated for more than the rest of the message can hold.
    pub fn many<T: Wire>(&mut self, count: usize, field: &'static str) -> Result<Vec<T>, DecodeError> {
        let needed = count.saturating_mul(T::MIN_SIZE.max(1));
        if needed > self.rest.len() {
            return Err(self.short(needed, field));
        }
        (0..count).map(|_| T::decode(self, field)).collect()
    }

    /// The next `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                self.offset += len;
                Ok(taken)
            }
            None => Err(self.short(len, field)),
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                self.offset += N;
                Ok(*taken)
            }
            None => Err(self.short(N, field)),
        }
    }

    /// Bytes that have not been read.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    fn short(&self, needed: usize, field: &'static str) -> DecodeError {
        DecodeError {
            message: self.message,
            field,
            offset: self.offset,
            fault: DecodeFault::Short { needed, left: self.rest.len() },
        }
    }
}

/// A value that has a form on the wire.
pub trait Wire: Sized {
    /// Fewest bytes that it takes.
    const MIN_SIZE: usize;

    /// All bytes zero.
    fn zero() -> Self;

    /// Appends it.
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Takes it; `field` is the name that an error tells.
    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError>;

    /// Appends several; bytes go as one.
    #[inline]
    fn encode_all(items: &[Self], w: &mut Writer<'_>) -> Result<(), EncodeError> {
        items.iter().try_for_each(|item| item.encode(w))
    }

    /// Takes as many as there are places; bytes come as one.
    #[inline]
    fn decode_all(items: &mut [Self], r: &mut Reader<'_>, field: &'static str) -> Result<(), DecodeError> {
        for item in items {
            *item = Self::decode(r, field)?;
        }
        Ok(())
    }
}

macro_rules! integers {
    ($($ty:ty)*) => { $(
        impl Wire for $ty {
            const MIN_SIZE: usize = size_of::<$ty>();

            fn zero() -> Self {
                0
            }

            #[inline]
            fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
                w.bytes(&self.to_be_bytes());
                Ok(())
            }

            #[inline]
            fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(r.array(field)?))
            }
        }
    )* };
}

integers!(u16 u32 u64 i8 i16 i32 i64);

impl Wire for u8 {
    const MIN_SIZE: usize = 1;

    fn zero() -> Self {
        0
    }

    #[inline]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.bytes(&[*self]);
        Ok(())
    }

    #[inline]
    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        Ok(u8::from_be_bytes(r.array(field)?))
    }

    #[inline]
    fn encode_all(items: &[Self], w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.bytes(items);
        Ok(())
    }

    #[inline]
    fn decode_all(items: &mut [Self], r: &mut Reader<'_>, field: &'static str) -> Result<(), DecodeError> {
        items.copy_from_slice(r.take(items.len(), field)?);
        Ok(())
    }
}

/// Any byte but zero is true.
impl Wire for bool {
    const MIN_SIZE: usize = 1;

    fn zero() -> Self {
        false
    }

    #[inline]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.bytes(&[u8::from(*self)]);
        Ok(())
    }

    #[inline]
    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        Ok(u8::decode(r, field)? != 0)
    }
}

/// Little-endian: VPP does not swap `f64`, and it runs on little-endian hosts.
impl Wire for f64 {
    const MIN_SIZE: usize = 8;

    fn zero() -> Self {
        0.0
    }

    #[inline]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        w.bytes(&self.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        Ok(Self::from_le_bytes(r.array(field)?))
    }
}

impl<T: Wire, const N: usize> Wire for [T; N] {
    const MIN_SIZE: usize = T::MIN_SIZE * N;

    fn zero() -> Self {
        std::array::from_fn(|_| T::zero())
    }

    #[inline]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), EncodeError> {
        T::encode_all(self, w)
    }

    #[inline]
    fn decode(r: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        let mut items = Self::zero();
        T::decode_all(&mut items, r, field)?;
        Ok(items)
    }
}
