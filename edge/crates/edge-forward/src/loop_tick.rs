//! Turns of a worker's event loop: in each it asks the kernel what has come, then runs its tasks.

use std::cell::Cell;

thread_local! {
    static TURN: Cell<u64> = const { Cell::new(0) };
}

/// The kernel was asked: what came before is known from now on.
pub fn begin() {
    TURN.set(TURN.get() + 1);
}

/// The number of this thread's turn.
#[must_use]
pub fn now() -> u64 {
    TURN.get()
}
