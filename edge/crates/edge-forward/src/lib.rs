//! Forwarding, the same for every version of HTTP: from what runs to a site, a server and its answer.
#![forbid(unsafe_code)]

pub mod alarm;
pub mod buffer;
pub mod client;
pub mod context;
mod exchange;
pub mod forward;
pub mod half_closed;
pub mod limits;
pub mod pool;
pub mod route;
mod running;
pub mod spare;
pub mod tunnel;
pub mod turn;
pub mod upstream;

pub use running::Running;
