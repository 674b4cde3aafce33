//! Flow control (RFC 9113 §5.2, §6.9): the windows of streams and of the connection.

use edge_contract::Http2Cutoff;

use super::cutoff::Cutoff;
use super::frame_writer::FrameWriter;
use super::settings::{INITIAL_WINDOW, MAX_WINDOW};

/// The windows of the connection, and the initial windows of streams.
#[derive(Debug)]
pub(super) struct FlowControl {
    send: SendWindow,
    receive: ReceiveWindow,
    /// The initial send window of a stream, from the client's settings.
    stream_send: u32,
    /// The initial receive window of a stream, from the server's settings.
    stream_receive: u32,
}

impl FlowControl {
    /// Create the windows of a connection, and write the update of its receive window.
    pub(super) fn new(stream: u32, connection: u32, writer: &mut FrameWriter) -> Self {
        let more = connection.saturating_sub(INITIAL_WINDOW);
        if more > 0 {
            writer.window_update(0, more);
        }
        Self {
            send: SendWindow::new(INITIAL_WINDOW),
            receive: ReceiveWindow::new(INITIAL_WINDOW + more),
            stream_send: INITIAL_WINDOW,
            stream_receive: stream,
        }
    }

    /// The send window of a new stream.
    pub(super) fn stream_send_window(&self) -> SendWindow {
        SendWindow::new(self.stream_send)
    }

    /// The receive window of a new stream.
    pub(super) fn stream_receive_window(&self) -> ReceiveWindow {
        ReceiveWindow::new(self.stream_receive)
    }

    /// Set the client's `INITIAL_WINDOW_SIZE`; return the change of the send windows of all streams (RFC
    /// 9113 §6.9.2).
    pub(super) fn set_stream_send_window(&mut self, bytes: u32) -> i64 {
        let before = std::mem::replace(&mut self.stream_send, bytes);
        i64::from(bytes) - i64::from(before)
    }

    /// The number of bytes that may be sent on all streams together.
    pub(super) fn send_window(&self) -> usize {
        self.send.available()
    }

    /// Count bytes that are sent on a stream.
    pub(super) fn send(&mut self, bytes: usize) {
        self.send.consume(bytes);
    }

    /// Increase the send window of the connection (RFC 9113 §6.9, §6.9.1).
    pub(super) fn open_send_window(&mut self, increment: u32) -> Result<(), Cutoff> {
        if increment == 0 {
            Err(Http2Cutoff::ProtocolViolated.into())
        } else if self.send.adjust(increment.into()) {
            Ok(())
        } else {
            Err(Http2Cutoff::FlowControlViolated.into())
        }
    }

    /// Count bytes that were received on a stream.
    pub(super) fn receive(&mut self, bytes: u32) -> Result<(), Cutoff> {
        self.receive.receive(bytes)
    }

    /// Count bytes that were consumed, and write an update of the connection's window if it is due.
    pub(super) fn release(&mut self, bytes: u32, writer: &mut FrameWriter) {
        self.receive.release(bytes);
        if let Some(increment) = self.receive.take_increment() {
            writer.window_update(0, increment);
        }
    }

    /// The number of bytes that were received on all streams and not released.
    pub(super) fn unreleased(&self) -> u32 {
        self.receive.unreleased()
    }
}

/// The number of bytes that may be sent. Negative after the client has reduced the initial window (RFC 9113
/// §6.9.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow(i64);

impl SendWindow {
    pub(super) fn new(bytes: u32) -> Self {
        Self(i64::from(bytes))
    }

    /// The number of bytes that may be sent now.
    pub(super) fn available(self) -> usize {
        usize::try_from(self.0).unwrap_or_default()
    }

    /// Count bytes that are sent, no more than are available.
    pub(super) fn consume(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.available());
        self.0 -= i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    /// Change the window; return whether it is within the largest size.
    #[must_use]
    pub(super) fn adjust(&mut self, change: i64) -> bool {
        self.0 += change;
        self.0 <= i64::from(MAX_WINDOW)
    }
}

/// The number of bytes that the client may send, and the pending window update.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    size: u32,
    available: u32,
    /// Bytes that were consumed and not yet announced by an update.
    released: u32,
}

impl ReceiveWindow {
    /// Create a window of this size.
    pub(super) fn new(size: u32) -> Self {
        Self {
            size,
            available: size,
            released: 0,
        }
    }

    /// Count bytes that were received.
    pub(super) fn receive(&mut self, bytes: u32) -> Result<(), Cutoff> {
        let available = self.available.checked_sub(bytes);
        self.available = available.ok_or(Http2Cutoff::FlowControlViolated)?;
        Ok(())
    }

    /// Count bytes that were consumed.
    pub(super) fn release(&mut self, bytes: u32) {
        self.released += bytes;
    }

    /// The increment of a window update, which is due once half of the window was consumed.
    pub(super) fn take_increment(&mut self) -> Option<u32> {
        if self.released < self.size / 2 {
            return None;
        }
        let increment = std::mem::take(&mut self.released);
        self.available += increment;
        Some(increment)
    }

    /// The number of bytes that were received and not released.
    pub(super) fn unreleased(&self) -> u32 {
        self.size - self.available - self.released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_window_may_be_negative_but_not_too_large() {
        let mut window = SendWindow::new(10);
        window.consume(10);
        assert!(window.adjust(-5));
        assert_eq!(0, window.available());
        assert!(window.adjust(6));
        assert_eq!(1, window.available());
        assert!(window.adjust(i64::from(MAX_WINDOW) - 1));
        assert!(!window.adjust(1));
    }

    #[test]
    fn a_receive_window_is_updated_by_half_of_its_size() {
        let mut window = ReceiveWindow::new(100);
        window.receive(60).unwrap();
        window.release(49);
        assert_eq!((None, 11), (window.take_increment(), window.unreleased()));
        window.release(1);
        assert_eq!(
            (Some(50), 10),
            (window.take_increment(), window.unreleased())
        );
        window.receive(90).unwrap();
        let outcome = window.receive(1);
        assert_eq!(Err(Http2Cutoff::FlowControlViolated.into()), outcome);
    }
}
