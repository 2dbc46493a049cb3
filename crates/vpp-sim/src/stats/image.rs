//! Data as it lies in the segment: clib vectors, one after the other.

/// Bytes before a vector's elements, which start with their number.
pub(super) const VECTOR_HEADER: u64 = 8;

/// What is to be written at a place of the segment.
pub(super) struct Image {
    start: u64,
    pub(super) bytes: Vec<u8>,
}

impl Image {
    pub(super) fn at(start: u64) -> Self {
        Self { start, bytes: Vec::new() }
    }

    /// Where the next byte goes.
    fn end(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    /// Puts bytes at a boundary; where they are.
    pub(super) fn aligned(&mut self, boundary: u64, bytes: &[u8]) -> u64 {
        while !self.end().is_multiple_of(boundary) {
            self.bytes.push(0);
        }
        let at = self.end();
        self.bytes.extend_from_slice(bytes);
        at
    }

    /// Puts a vector of so many elements; where its elements are.
    pub(super) fn vector(&mut self, len: usize, elements: &[u8]) -> u64 {
        // As VPP's, the rest of the header is not for others.
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let header = [len.to_ne_bytes(), [0xa5; 4]].concat();
        self.aligned(8, &header);
        let at = self.end();
        self.bytes.extend_from_slice(elements);
        at
    }

    /// Puts a vector of words.
    pub(super) fn words(&mut self, words: &[u64]) -> u64 {
        let elements: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.vector(words.len(), &elements)
    }
}
