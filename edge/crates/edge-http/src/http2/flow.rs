//! Flow control (RFC 9113 §5.2, §6.9): windows, of streams and of the connection alike.

use edge_contract::Http2Cutoff;

use super::cutoff::Cutoff;
use super::frame_writer::FrameWriter;
use super::settings::{FIRST_WINDOW, LARGEST_WINDOW};

/// The connection's own windows, and those that its streams begin with.
#[derive(Debug)]
pub(super) struct FlowControl {
    send: SendWindow,
    receive: ReceiveWindow,
    /// What a new stream may send, by the client's settings.
    stream_send: u32,
    /// What the client may send on a new stream, by ours.
    stream_receive: u32,
}

impl FlowControl {
    /// Windows of a new connection; opening our own is written.
    pub(super) fn new(stream: u32, connection: u32, writer: &mut FrameWriter) -> Self {
        let more = connection.saturating_sub(FIRST_WINDOW);
        if more > 0 {
            writer.window_update(0, more);
        }
        Self {
            send: SendWindow::new(FIRST_WINDOW),
            receive: ReceiveWindow::new(FIRST_WINDOW + more),
            stream_send: FIRST_WINDOW,
            stream_receive: stream,
        }
    }

    /// The window that a new stream sends by.
    pub(super) fn stream_send_window(&self) -> SendWindow {
        SendWindow::new(self.stream_send)
    }

    /// The window that the client has on a new stream.
    pub(super) fn stream_receive_window(&self) -> ReceiveWindow {
        ReceiveWindow::new(self.stream_receive)
    }

    /// The client's `INITIAL_WINDOW_SIZE`; return by how much it changes the windows of all streams
    /// (RFC 9113 §6.9.2).
    pub(super) fn set_stream_send_window(&mut self, bytes: u32) -> i64 {
        let before = std::mem::replace(&mut self.stream_send, bytes);
        i64::from(bytes) - i64::from(before)
    }

    /// How many bytes may be sent on all streams together.
    pub(super) fn send_window(&self) -> usize {
        self.send.available()
    }

    /// Count bytes that are sent on any stream.
    pub(super) fn send(&mut self, bytes: usize) {
        self.send.consume(bytes);
    }

    /// The client has opened the connection's window (RFC 9113 §6.9, §6.9.1).
    pub(super) fn grow_send_window(&mut self, increment: u32) -> Result<(), Cutoff> {
        if increment == 0 {
            Err(Http2Cutoff::ProtocolViolated.into())
        } else if self.send.adjust(increment.into()) {
            Ok(())
        } else {
            Err(Http2Cutoff::FlowControlViolated.into())
        }
    }

    /// Count bytes that have come on any stream.
    pub(super) fn receive(&mut self, bytes: u32) -> Result<(), Cutoff> {
        self.receive.receive(bytes)
    }

    /// Count bytes that were used up, and open the connection's window when it is worth a frame.
    pub(super) fn release(&mut self, bytes: u32, writer: &mut FrameWriter) {
        self.receive.release(bytes);
        if let Some(increment) = self.receive.take_increment() {
            writer.window_update(0, increment);
        }
    }

    /// Bytes that have come on any stream and were not released.
    pub(super) fn unreleased(&self) -> u32 {
        self.receive.unreleased()
    }
}

/// Bytes that we may send; below 0 when the client took some back (RFC 9113 §6.9.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow(i64);

impl SendWindow {
    pub(super) fn new(bytes: u32) -> Self {
        Self(i64::from(bytes))
    }

    /// How many bytes may be sent now.
    pub(super) fn available(self) -> usize {
        usize::try_from(self.0).unwrap_or_default()
    }

    /// Count bytes that are sent: no more than are available.
    pub(super) fn consume(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.available());
        self.0 -= i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    /// Change the window; return whether it is within its largest size still.
    #[must_use]
    pub(super) fn adjust(&mut self, change: i64) -> bool {
        self.0 += change;
        self.0 <= i64::from(LARGEST_WINDOW)
    }
}

/// Bytes that the client may send, and how many of them we owe it again.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    size: u32,
    available: u32,
    /// Bytes that were used up and not yet announced.
    released: u32,
}

impl ReceiveWindow {
    /// A window of that many bytes, all of which the client knows to have.
    pub(super) fn new(size: u32) -> Self {
        Self {
            size,
            available: size,
            released: 0,
        }
    }

    /// Count bytes that have come.
    pub(super) fn receive(&mut self, bytes: u32) -> Result<(), Cutoff> {
        let available = self.available.checked_sub(bytes);
        self.available = available.ok_or(Http2Cutoff::FlowControlViolated)?;
        Ok(())
    }

    /// Count bytes that were used up: the client may send as many again, some time.
    pub(super) fn release(&mut self, bytes: u32) {
        self.released += bytes;
    }

    /// By how much to open the window now, when it is worth a frame: half of it.
    pub(super) fn take_increment(&mut self) -> Option<u32> {
        if self.released < self.size / 2 {
            return None;
        }
        let increment = std::mem::take(&mut self.released);
        self.available += increment;
        Some(increment)
    }

    /// Bytes that have come and were not released.
    pub(super) fn unreleased(&self) -> u32 {
        self.size - self.available - self.released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_window_may_go_below_nothing_and_not_above_its_largest() {
        let mut window = SendWindow::new(10);
        window.consume(10);
        assert!(window.adjust(-5));
        assert_eq!(0, window.available());
        assert!(window.adjust(6));
        assert_eq!(1, window.available());
        assert!(window.adjust(i64::from(LARGEST_WINDOW) - 1));
        assert!(!window.adjust(1));
    }

    #[test]
    fn a_receive_window_is_opened_by_its_half() {
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
