//! One stream's state (RFC 9113 §5.1), and what its owner keeps with it.

/// A stream that is not closed, or whose owner has not let it go yet.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "both sides close and break off independently of each other (RFC 9113 §5.1)"
)]
pub(super) struct Stream<T> {
    pub(super) id: u32,
    /// Bytes that we may send; below 0 when the client took some back (§6.9.2).
    pub(super) send_window: i64,
    /// Bytes that the client may send.
    pub(super) receive_window: u32,
    /// Bytes that the owner has got and not yet used up.
    pub(super) held: u32,
    /// Bytes that were used up and not yet given back to the window.
    pub(super) used: u32,
    /// Bytes of the body that content-length still promises.
    pub(super) promised: Option<u64>,
    /// The client has said all it had to say.
    pub(super) is_remote_closed: bool,
    /// We have.
    pub(super) is_local_closed: bool,
    /// One side has broken it off.
    pub(super) is_reset: bool,
    /// The request breaks the protocol: what comes is not looked at any more, and the stream ends
    /// in a reset (RFC 9113 §8.1.1).
    pub(super) is_malformed: bool,
    /// How many bytes the connection had written before the head that was written last, until a body
    /// follows it.
    pub(super) head_at: Option<u64>,
    pub(super) owner: T,
}

impl<T> Stream<T> {
    /// Note whether the answer ends; return whether the frame that ends it ends the stream.
    pub(super) fn end_with(&mut self, is_last: bool) -> bool {
        self.is_local_closed = is_last && !self.is_malformed;
        self.is_local_closed
    }
}

/// The open streams, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Streams<T>(Vec<Stream<T>>);

impl<T> Default for Streams<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Streams<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Add a stream; its number is the highest yet.
    pub(super) fn push(&mut self, stream: Stream<T>) {
        self.0.push(stream);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Stream<T>> {
        self.0.get(self.place(id)?)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream<T>> {
        let place = self.place(id)?;
        self.0.get_mut(place)
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<Stream<T>> {
        let stream = self.0.remove(self.place(id)?);
        Some(stream)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream<T>> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream<T>> {
        self.0.iter_mut()
    }

    fn place(&self, id: u32) -> Option<usize> {
        self.0.binary_search_by_key(&id, |stream| stream.id).ok()
    }
}
