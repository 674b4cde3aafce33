//! The ticks of a worker's event loop. In each it polls the kernel for readiness, then runs its tasks.

use std::cell::Cell;

thread_local! {
    static TICK: Cell<u64> = const { Cell::new(0) };
}

/// Begin a tick, after the kernel was polled.
pub fn begin() {
    TICK.set(TICK.get() + 1);
}

/// The number of this thread's current tick.
#[must_use]
pub fn now() -> u64 {
    TICK.get()
}
